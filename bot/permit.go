package bot

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/run"
)

// permits tells whether a person may use a command on a flow. The engine judges
// again; this is for what is shown and suggested.
func permits(s spec, p *run.Person, f *Flow) bool {
	switch s.verb {
	case Help, WhoAmI:
		return true
	case Speak:
		return p != nil
	case Reject, Resume: // only an approver resumes after a safety stop
		return p != nil && (p.May(run.Approver, f.Name) || p.May(run.Operator, f.Name))
	case Cancel:
		return p != nil && p.May(run.Operator, f.Name)
	default:
		return p != nil && p.May(s.role, f.Name)
	}
}

// need names the role that a command asks for.
func (s spec) need(l Lang) string {
	switch s.verb {
	case Reject, Resume:
		return l.say("approver or operator", "审批人”或“操作人")
	case Cancel:
		return l.role(run.Operator)
	default:
		return l.role(s.role)
	}
}

// changes tells whether the command changes something that others see: it is
// sent in a room.
func (c Command) changes() bool {
	switch c.Verb {
	case Schedule, Digest:
		return c.When != ""
	case Speak:
		return c.Room
	default:
		return specOf(c.Verb).changes
	}
}

// settles tells whether the command sets something that outlives it, and that no
// vote stands behind: it must come by a transport that proves who said it.
func (c Command) settles() bool {
	switch c.Verb {
	case Resume, Delegate, Mute, Speak:
		return true
	case Schedule, Digest:
		return c.When != ""
	default:
		return false
	}
}

// sees tells whether the caller may see the flow here.
func (c caller) sees(f *Flow) bool {
	if c.person == nil || !c.person.May(run.Viewer, f.Name) {
		return false
	}
	return c.m.Direct || c.room != nil && c.room.shows(f)
}

// here tells whether the command may be used on the flow in this place by
// somebody who has the role.
func (c caller) here(s spec, f *Flow) bool {
	switch {
	case s.verb == Plan || s.verb == Sync || s.verb == Undo:
		return c.room != nil && c.room.commands(f)
	case s.verb == Schedule || s.verb == Speak: // to look, and for oneself
		return true
	case s.changes:
		return c.room != nil
	default:
		return true
	}
}

// visible gives the flows that the caller may see here.
func (b *Bot) visible(c caller) []*Flow {
	var all []*Flow
	for i := range b.o.Flows {
		if f := &b.o.Flows[i]; c.sees(f) {
			all = append(all, f)
		}
	}
	return all
}

// usable gives the visible flows on which the caller may use a command here.
func (b *Bot) usable(c caller, s spec) []*Flow {
	return slices.DeleteFunc(b.visible(c), func(f *Flow) bool { return !c.here(s, f) || !permits(s, c.person, f) })
}

// offered gives the commands that the caller may use here, in the order of the
// help.
func (b *Bot) offered(c caller) []spec {
	return slices.DeleteFunc(specs(), func(s spec) bool {
		switch s.verb {
		case Help, WhoAmI:
			return false
		case Speak:
			return c.person == nil
		default:
			return len(b.usable(c, s)) == 0
		}
	})
}

// seen gives a flow by name if the caller may see it here.
func (b *Bot) seen(c caller, name string) (*Flow, bool) {
	f := b.flow(name)
	return f, f != nil && c.sees(f)
}

// admins names those who can grant a role for a flow; "" = any flow.
func (b *Bot) admins(flow string) []string {
	return b.holders(func(p *run.Person) bool {
		return flow != "" && p.May(run.Admin, flow) || flow == "" && len(p.Roles[run.Admin]) > 0
	})
}

func (b *Bot) holders(is func(*run.Person) bool) []string {
	var names []string
	for i := range b.o.People {
		if is(&b.o.People[i]) {
			names = append(names, label(b.o.People[i].Name))
		}
	}
	return names
}

// grant says who can grant a role.
func (b *Bot) grant(l Lang, flow string) string {
	admins := b.admins(flow)
	if len(admins) == 0 {
		return l.say("Roles are granted in the configuration file (people); no admin is named there.", "角色在配置文件的 people 里授予；其中没有写管理员。")
	}
	return l.say("Who can grant roles: %s", "可授予角色的人：%s", l.list(admins))
}

// ids says by which ids the platform names the caller.
func (c caller) ids(l Lang) string {
	person := l.say("not a person of the configuration", "不是配置中的人员")
	if c.person != nil {
		person = l.say("person %s", "人员 %s", label(c.person.Name))
	}
	return l.say("Your ids: %s %s; %s", "你的标识：%s %s；%s", l.platform(c.m.Platform), c.account(l), person)
}

func (c caller) account(l Lang) string {
	if len(c.m.Sender) == 0 {
		return l.say("(the platform gave none)", "（平台没有给出）")
	}
	return l.list(c.m.Sender)
}

// tooWeak refuses what must not rest on DingTalk's HTTP callback, whose signature
// does not cover what was said.
func (b *Bot) tooWeak(c caller, s spec) reply {
	l := c.lang
	return notice(Warn, l.say("Cannot run “%s” from this room", "不能在本群执行“%s”", s.name(l)),
		l.say("Messages of this room come by DingTalk's HTTP callback, which does not prove what was said.", "本群的消息经钉钉 HTTP 回调而来，不能证明内容没有被改过。"),
		l.say("Send it in a Feishu room or in a DingTalk room in Stream mode, or do it at the command line.", "请到飞书群或 Stream 模式的钉钉群里发，或者用命令行。"))
}
