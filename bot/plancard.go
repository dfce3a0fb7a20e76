package bot

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// oneVoteTier is the highest tier whose counts a button may restate by
	// itself: above it they are typed, since that proves that somebody looked.
	oneVoteTier = 1
	// redTier is the lowest tier whose card is red, and whose voters must have
	// seen every name.
	redTier = 2
	// stepUpTier is the tier that is confirmed outside the chat and cools off.
	stepUpTier = 3
)

// planCard shows a plan: to be voted on, or only made.
func (b *Bot) planCard(sc scene) Card {
	l, r := sc.lang, sc.run
	card := Card{Title: sc.title(sc.stage(), sc.danger()), Tone: Info, Foot: sc.foot()}
	lines := append(b.head(sc), Line{strong(l.counts(r.Counts))})
	lines = append(lines, b.standstill(sc)...)
	if r.State == run.Awaiting {
		card.Tone = Waits
		if r.Tier >= redTier || r.Glass != (run.Actor{}) {
			card.Tone = Danger
		}
		lines = append(lines, b.asking(sc)...)
		card.Buttons = sc.ballot()
	} else {
		lines = append(lines, sc.onlyLooked()...)
		card.Buttons = sc.buttons(Show)
	}
	card.Sections = append(card.Sections, Section{Lines: lines})
	if s := b.waits(sc); len(s.Lines) > 0 {
		card.Sections = append(card.Sections, s)
	}
	card.Sections = append(card.Sections, b.evidence(sc)...)
	if s := b.votesSection(sc); len(s.Lines) > 0 {
		card.Sections = append(card.Sections, s)
	}
	return card
}

// onlyLooked says why a plan cannot be voted on, and the way on.
func (sc scene) onlyLooked() []Line {
	l, r := sc.lang, sc.run
	lines := []Line{text(l.say("This is only a plan; nothing was changed, and it cannot be voted on.", "这只是预演，没有改动任何账号，也不能投票。"))}
	if narrowed(r) {
		lines = []Line{{strong(l.say("Only %s is shown; this plan cannot be voted on. Nothing was changed.", "只显示 %s；这个计划不能投票，也没有改动任何账号。", sc.part()))}}
	}
	sync := Command{Verb: Sync, Lang: l, Flow: r.Flow, Page: 1, Typed: run.NotRestated()}
	return append(lines, Line{plain(l.say("To do it, the whole flow: ", "要执行请发（整个流程）：")), code(sync.String())})
}

// evidence is what somebody needs to judge a plan.
func (b *Bot) evidence(sc scene) []Section {
	if sc.plan == nil {
		return nil
	}
	l := sc.lang
	var all []Section
	if sc.plan.Counts().Destructive() > 0 {
		all = append(all, sc.lost(false), sc.means())
	}
	all = append(all, sc.adopted(), sc.irreversible(), sc.heldBack())
	if reasons := l.findings(sc.plan.Risk.Reasons); len(reasons) > 0 {
		title := l.say("Why a vote is needed", "为什么需要审批")
		if sc.run.Tier >= redTier && sc.run.State == run.Awaiting {
			title = l.say("Why %d votes are needed", "为什么需要 %d 票", sc.run.Votes)
		}
		all = append(all, Section{Title: title, Lines: reasons, Bullet: true})
	}
	all = append(all, Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)}, sc.notes())
	return filled(all)
}

// filled leaves out the sections that say nothing.
func filled(all []Section) []Section {
	kept := all[:0]
	for _, s := range all {
		if len(s.Lines) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

// asking says what the vote needs and until when.
func (b *Bot) asking(sc scene) []Line {
	l, r := sc.lang, sc.run
	lines := []Line{text(sc.tally())}
	if sc.plan != nil && r.Trigger == run.BySchedule && r.Votes > sc.plan.Risk.Votes {
		lines = append(lines, text(l.say("One vote more: nobody known asked, and the configuration differs from the last applied run's.", "多需一票：不是由已知人员发起，而且配置与上次执行时不同。")))
	}
	if words := sc.tierWords(); words != "" {
		lines = append(lines, text(words))
	}
	lines = append(lines, sc.canVote()...)
	if !r.Expires.IsZero() && r.NotBefore.IsZero() {
		left := l.say("over", "已到期")
		if d := r.Expires.Sub(b.o.Now()); d > 0 {
			left = l.say("%s left", "还有 %s", l.span(d))
		}
		lines = append(lines, text(l.say("Until %s (%s)", "有效期至 %s（%s）", b.clock(r.Expires), left)))
	}
	if r.Outcome.Total() > 0 {
		lines = append(lines, text(l.say("Harmless changes are done: ", "无需审批的变更已经执行：")+l.outcome(r.Outcome)))
	}
	if sc.open() {
		lines = append(lines, sc.forms()...)
	}
	if r.Weak {
		lines = append(lines, text(l.say("It was asked for through DingTalk's HTTP callback: the vote must come from a Feishu room, a Stream room or the command line.", "由钉钉 HTTP 回调发起：请到飞书群、Stream 模式的钉钉群或命令行投票。")))
	}
	return lines
}

// tally counts the votes, and says whose would not count.
func (sc scene) tally() string {
	l, r := sc.lang, sc.run
	line := l.say("Votes: %d of %d", "已批准 %d/%d 票", len(approvals(r, sc.votes)), r.Votes)
	switch {
	case r.By.Person != "" && r.Behind != "" && r.Behind != r.By.Person:
		line += l.say("; not by %s, who asked, nor by %s, who stands behind it", "；不能是发起人 %s，也不能是背后的 %s", label(r.By.Person), label(r.Behind))
	case r.By.Person != "":
		line += l.say("; not by %s, who asked", "；不能是发起人 %s", label(r.By.Person))
	case r.Behind != "":
		line += l.say("; not by %s, who set the schedule", "；不能是设置定时的 %s", label(r.Behind))
	}
	return line
}

// canVote names who can still vote.
func (sc scene) canVote() []Line {
	l := sc.lang
	missing := sc.missing()
	if missing == 0 || !sc.voters.known {
		return nil
	}
	names := labels(sc.voters.names)
	if len(names) < missing {
		return []Line{{strong(sc.tooFew(names, missing))}}
	}
	return []Line{text(l.say("Who can still vote: ", "还可以投票的人：") + l.list(names))}
}

// tooFew says that the votes cannot be had, and the way on.
func (sc scene) tooFew(names []string, missing int) string {
	l := sc.lang
	if len(names) == 0 {
		return l.say("Nobody may approve it: this flow needs another approver in the configuration (people[].roles).", "没有人可以批准：请在配置 people[].roles 里为这个流程再加一位审批人。")
	}
	return l.say("%d more votes are needed, and only %s can vote: this flow needs another approver in the configuration (people[].roles).",
		"还差 %d 票，而能投票的只有 %s：请在配置 people[].roles 里为这个流程再加审批人。", missing, l.list(names))
}

func labels(names []string) []string {
	all := make([]string, 0, len(names))
	for _, n := range names {
		all = append(all, label(n))
	}
	return all
}

// forms says what to type: all of it, a part, or no.
func (sc scene) forms() []Line {
	l, r := sc.lang, sc.run
	lines := []Line{{plain(l.say("To approve: ", "批准请发：")), code(form(l, r))}}
	if r.Counts.Total() > 1 {
		which := l.say("<department|operation|person|#3>", "〈部门|操作|人|#3〉")
		lines = append(lines, Line{
			plain(l.say("Only a part: put behind it ", "只批准一部分：在后面加 ")), code(l.say("only=", "仅=") + which),
			plain(l.say(" or ", " 或 ")), code(l.say("hold=", "保留=") + which), plain(l.say("; the counts are then those of the part", "；人数按批准的这一部分写")),
		})
	}
	if r.Tier >= redTier && r.Counts.Destructive() > 0 {
		lines = append(lines, sc.whereToLook())
	}
	return append(lines, Line{plain(l.say("To refuse: ", "驳回请发：")), code(l.say("reject %s reason", "驳回 %s 原因", r.Code))})
}

// whereToLook says where every name stands that a voter must have seen.
func (sc scene) whereToLook() Line {
	l, r := sc.lang, sc.run
	line := Line{plain(l.say("Before you vote, see every name: ", "投票前请先看完全部名单："))}
	show := Command{Verb: Show, Lang: l, Code: r.Code, Page: 1, Typed: run.NotRestated()}
	for _, kind := range []struct {
		name string
		n    int
	}{{"delete", r.Counts.Delete}, {"disable", r.Counts.Disable}} {
		if kind.n == 0 {
			continue
		}
		if len(line) > 1 {
			line = append(line, plain(l.say(", ", "、")))
		}
		show.Kind = kind.name
		line = append(line, code(show.String()))
	}
	return append(line, plain(l.say("; or as a table: ", "；或要一份表格：")), code(l.say("show %s --file", "详情 %s --文件", r.Code)))
}

// ballot gives the buttons of a plan that waits.
func (sc scene) ballot() []Button {
	if sc.open() {
		return append(sc.approveButton(), sc.buttons(Reject, Show)...)
	}
	return sc.buttons(Cancel, Reject, Show)
}

// approveButton asks for the counts where the platform has inputs. Without them
// a button restates the counts by itself for small plans only.
func (sc scene) approveButton() []Button {
	l, r := sc.lang, sc.run
	if sc.copied || !sc.can.Buttons || !sc.can.Forms && r.Tier > oneVoteTier {
		return nil
	}
	cmd := Command{Verb: Approve, Lang: l, Code: r.Code, Page: 1, Typed: run.NotRestated()}
	one := Button{
		Label: specOf(Approve).name(l), Style: Dangerous, Digest: r.Plan.String(),
		Confirm: l.say("Approve %s: %s?", "批准 %s：%s？", r.Code, sc.danger()),
	}
	ask := func(n int, name, label string, to *int) {
		switch {
		case n == 0:
		case sc.can.Forms:
			one.Inputs = append(one.Inputs, Input{Name: name, Label: label, Required: true})
		default:
			*to = n
		}
	}
	c := r.Counts
	ask(c.Delete, l.say("delete", "删除"), l.say("How many are deleted?", "要删除的人数"), &cmd.Typed.Delete)
	ask(c.Disable, l.say("disable", "停用"), l.say("How many are disabled?", "要停用的人数"), &cmd.Typed.Disable)
	if c.Destructive() == 0 {
		ask(c.Total(), l.say("total", "总数"), l.say("How many changes in all?", "变更的总项数"), &cmd.Typed.Total)
	}
	if sc.can.Forms && c.Total() > 1 {
		one.Inputs = append(one.Inputs, Input{Name: l.say("hold", "保留"), Label: l.say("Hold back (may stay empty; count the rest)", "保留（可不填；人数写剩下的）")})
	}
	one.Command = cmd.String()
	return []Button{one}
}

// part names what a narrowed plan is of.
func (sc scene) part() string {
	l, r := sc.lang, sc.run
	var parts []string
	if r.Dept != "" {
		parts = append(parts, label(strings.TrimPrefix(r.Dept, "/")))
	}
	if r.Kind != "" {
		parts = append(parts, l.say("users", "人员"))
		if r.Kind == directory.Department {
			parts[len(parts)-1] = l.say("departments", "部门")
		}
	}
	return strings.Join(parts, l.say(", ", "、"))
}
