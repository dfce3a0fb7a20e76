package bot

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/run"
)

// help lists the commands that the caller may use here, by what they are for. One
// that is hidden from him is spoken of as if there were none.
func (b *Bot) help(c caller, cmd Command) reply {
	l := c.lang
	offered := b.offered(c)
	if cmd.Topic != "" {
		i := slices.IndexFunc(offered, func(s spec) bool { return s.verb == cmd.Topic })
		if i < 0 {
			err := unknown([]string{specOf(Help).name(l), specOf(cmd.Topic).name(l)}, 1)
			return notice(Warn, l.sentence(err), l.say("Send “help” for the commands that you may use here.", "发“帮助”可以看到你在这里能用的命令。"))
		}
		flow := l.say("<flow>", "<流程>")
		if all := b.visible(c); len(all) > 0 {
			flow = all[0].Name
		}
		return reply{card: offered[i].topic(l, flow)}
	}
	card := Card{Title: l.say("What you can do here", "你在这里能用的命令"), Tone: Info, Sections: l.shelves(offered)}
	card.Sections = append(card.Sections, Section{Lines: []Line{{
		plain(l.say("How a command is written: ", "某个命令怎么写：")), code(l.say("help plan", "帮助 预演")), plain(l.say(" (any of them)", "（换成要查的命令）")),
	}}})
	if !slices.ContainsFunc(offered, func(s spec) bool { return s.verb == Plan }) {
		last := &card.Sections[len(card.Sections)-1]
		last.Lines = []Line{{plain(l.say("How a command is written: ", "某个命令怎么写：")), code(l.say("help whoami", "帮助 我是谁"))}}
	}
	if c.m.Direct && c.person != nil {
		card.Sections = append(card.Sections, Section{Lines: []Line{text(l.say(
			"Commands that change something are sent in a room.", "会改动账号的命令请在群里发。"))}})
	}
	if c.person == nil || len(b.visible(c)) == 0 {
		card.Sections = append(card.Sections, Section{Lines: []Line{
			text(l.say("You hold no role here yet.", "你在这里还没有任何角色。")), text(b.grant(l, "")), text(c.ids(l)),
		}})
	}
	return reply{card: card}
}

// shelf is a group of commands in the help.
type shelf struct {
	title Text
	verbs []Verb
}

// shelves lays commands out by what they are for; each is one short line.
func (l Lang) shelves(offered []spec) []Section {
	var all []Section
	for _, sh := range []shelf{
		{Text{EN: "Look", ZH: "查看"}, []Verb{Todo, Status, Show, Flows, History, Whois, WhoAmI}},
		{Text{EN: "Run", ZH: "运行"}, []Verb{Plan, Sync, Cancel, Pause, Resume, Undo}},
		{Text{EN: "Vote", ZH: "审批"}, []Verb{Approve, Reject, Delegate}},
		{Text{EN: "Check", ZH: "检查"}, []Verb{Examine, Test}},
		{Text{EN: "Set up", ZH: "设置"}, []Verb{Schedule, Digest, Mute, Speak, Help}},
	} {
		s := Section{Title: sh.title.in(l), Bullet: true}
		for _, v := range sh.verbs {
			if i := slices.IndexFunc(offered, func(s spec) bool { return s.verb == v }); i >= 0 {
				s.Lines = append(s.Lines, Line{code(offered[i].name(l)), plain(" " + l.purpose(v))})
			}
		}
		if len(s.Lines) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// footnotes tell of aliases, and who may use the command.
func (s spec) footnotes(l Lang) []string {
	var lines []string
	if words := s.words(); len(words) > 1 {
		lines = append(lines, l.say("Words for it: %s", "可以写：%s", l.list(words)))
	}
	if s.verb != Help && s.verb != WhoAmI {
		lines = append(lines, l.say("Role: %s", "角色：%s", s.roles(l)))
	}
	return lines
}

// roles says who may use the command.
func (s spec) roles(l Lang) string {
	switch s.verb {
	case Help, WhoAmI:
		return l.say("anybody", "任何人")
	case Reject:
		return l.say("approver, operator, or who asked for it", "审批人、操作人，或发起人")
	case Cancel:
		return l.say("operator, or who asked for it", "操作人，或发起人")
	case Resume:
		return l.say("operator; after a safety stop an approver", "操作人；安全停止之后要审批人")
	case Schedule, Digest:
		return l.say("viewer; an admin to change it", "查看者；修改要管理员")
	case Speak:
		return l.say("anybody in the configuration; an admin for the room", "配置中的任何人；改本群的要管理员")
	default:
		return l.role(s.role)
	}
}

// whoami tells the caller all that is known of him, which is what somebody needs
// to grant him a role.
func (b *Bot) whoami(c caller) reply {
	l := c.lang
	s := Section{Lines: []Line{
		text(l.say("Platform: %s", "平台：%s", l.platform(c.m.Platform))),
		{plain(l.say("Your ids: ", "你的标识：")), code(c.account(l))},
	}}
	add := func(line string) { s.Lines = append(s.Lines, text(line)) }
	switch {
	case c.m.Direct:
		add(l.say("Place: direct message", "位置：私聊"))
	case c.room != nil:
		add(l.say("Room: %s (%s)", "本群：%s（%s）", label(c.room.Name), c.m.Chat))
	}
	if c.person == nil {
		add(l.say("Person: not in the configuration", "人员：不在配置中"))
	} else {
		add(l.say("Person: %s", "人员：%s", label(c.person.Name)))
		for _, role := range []run.Role{run.Viewer, run.Operator, run.Approver, run.Admin} {
			if flows := b.held(c, role); len(flows) > 0 {
				add(l.say("Role %s: %s", "角色 %s：%s", l.role(role), l.list(flows)))
			}
		}
		if len(b.visible(c)) == 0 {
			add(l.say("You hold no role here yet.", "你在这里还没有任何角色。"))
		}
	}
	add(b.grant(l, ""))
	title := l.say("You are not in the configuration yet", "配置里还没有你")
	if c.person != nil {
		title = l.say("You are %s", "你是%s", label(c.person.Name))
	}
	return reply{card: Card{Title: title, Tone: Info, Plain: true, Sections: []Section{s}}}
}

// held gives the flows that are visible here and on which the caller holds a
// role.
func (b *Bot) held(c caller, role run.Role) []string {
	var names []string
	for _, f := range b.visible(c) {
		if c.person.May(role, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}
