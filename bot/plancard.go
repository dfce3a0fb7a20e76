package bot

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
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

// planCard shows a plan: to be voted on, or only made. What the first screen of a
// phone must hold stands first: the counts, until when, whether the rules
// have changed, and who loses the account.
func (b *Bot) planCard(sc scene) Card {
	l, r := sc.lang, sc.run
	card := Card{Title: sc.title(sc.stage(), sc.danger()), Tone: Info, Foot: sc.foot()}
	lines := append(b.head(sc), Line{strong(l.counts(r.Counts))})
	lines = append(lines, b.standstill(sc)...)
	how := Section{}
	if r.State == run.Awaiting {
		card.Tone = Waits
		if r.Tier >= redTier || r.Glass != (run.Actor{}) {
			card.Tone = Danger
		}
		lines = append(lines, b.asking(sc)...)
		how = b.voting(sc)
		card.Buttons = sc.ballot()
	} else {
		lines = append(lines, sc.onlyLooked()...)
		card.Buttons = sc.buttons(Show)
	}
	lines = append(append(lines, sc.ruleCounts()...), sc.ruleLine()...)
	if sc.plan != nil {
		lines = append(lines, sc.against()...)
	}
	card.Sections = []Section{{Lines: lines}}
	if r.NotBefore.IsZero() {
		card.Sections = append(append(append(card.Sections, sc.ruleChange()), sc.touched()...), b.waits(sc))
	} else { // it begins by itself: when, comes first
		card.Sections = append(append(card.Sections, b.waits(sc), sc.ruleChange()), sc.touched()...)
	}
	card.Sections = filled(append(card.Sections, b.votesSection(sc), how))
	card.Sections = append(card.Sections, b.evidence(sc)...)
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

// touched names the accounts that the plan takes away or makes ours, what that
// means, and what cannot be taken back.
func (sc scene) touched() []Section {
	if sc.plan == nil {
		return nil
	}
	var all []Section
	if sc.plan.Counts().Destructive() > 0 {
		all = append(all, sc.lost(false), sc.means())
	}
	return append(all, sc.adopted(), sc.irreversible(), sc.heldBack())
}

// evidence is what else somebody may want to know to judge a plan. What is as
// always is folded.
func (b *Bot) evidence(sc scene) []Section {
	if sc.plan == nil {
		return nil
	}
	return filled([]Section{sc.reasons(), b.source(sc), sc.notes()})
}

// reasons says why a vote is needed: folded when it is no more than that a
// deletion needs one.
func (sc scene) reasons() Section {
	l, all := sc.lang, sc.plan.Risk.Reasons
	if len(all) > 1 { // that deletions need a vote explains no second one
		all = slices.DeleteFunc(slices.Clone(all), func(f plan.Finding) bool { return f.Code == plan.FindDelete })
	}
	lines := l.findings(all)
	if len(lines) == 0 {
		return Section{}
	}
	title := l.say("Why a vote is needed", "为什么需要审批")
	if sc.run.Tier >= redTier && sc.run.State == run.Awaiting {
		title = l.say("Why %d votes are needed", "为什么需要 %d 票", sc.run.Votes)
	}
	s := Section{Title: title, Lines: lines, Bullet: true}
	if len(all) == 1 && all[0].Code == plan.FindDelete {
		s.Folded, s.Short = true, lines[0]
	}
	return s
}

// source is the proof that the source was read whole. It is folded when nothing
// was wrong.
func (b *Bot) source(sc scene) Section {
	l, h := sc.lang, sc.plan.Source.Health
	s := Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)}
	if h.PartialFor == "" && len(h.Hidden) == 0 && len(h.Problems) == 0 {
		s.Title = l.say("The source was read whole: %s, %s", "来源读取完整：%s，%s", label(sc.plan.Source.System), sc.size())
		s.Folded, s.Short = true, text(s.Title)
	}
	return s
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

// asking says how many votes the plan has and needs, and until when.
func (b *Bot) asking(sc scene) []Line {
	l, r := sc.lang, sc.run
	lines := []Line{text(sc.tally())}
	if !r.Expires.IsZero() && r.NotBefore.IsZero() {
		left := l.say("over", "已到期")
		if d := r.Expires.Sub(b.o.Now()); d > 0 {
			left = l.say("%s left", "还有 %s", l.span(d))
		}
		lines = append(lines, text(l.say("Until %s (%s)", "有效期至 %s（%s）", b.clock(r.Expires), left)))
	}
	if r.Outcome.Total() > 0 {
		lines = append(lines, text(l.say("Made already, without a vote: ", "无需审批的变更已经执行：")+l.outcome(r.Outcome)))
	}
	return lines
}

// voting says who can vote, where, and how.
func (b *Bot) voting(sc scene) Section {
	l, r := sc.lang, sc.run
	s := Section{Title: l.say("How to vote", "怎么投票")}
	if words := sc.tierWords(); words != "" && r.Tier < stepUpTier { // what tier 3 needs stands above
		s.Lines = append(s.Lines, text(words))
	}
	if sc.plan != nil && r.Trigger == run.BySchedule && r.Votes > sc.plan.Risk.Votes {
		s.Lines = append(s.Lines, text(l.say("One vote more: nobody known asked, and the configuration differs from the last applied run's.", "多需一票：不是由已知人员发起，而且配置与上次执行时不同。")))
	}
	s.Lines = append(s.Lines, sc.canVote()...)
	if r.Weak {
		s.Lines = append(s.Lines, text(l.say("It was asked for through DingTalk's HTTP callback: the vote must come from a Feishu room, a Stream room or the command line.", "由钉钉 HTTP 回调发起：请到飞书群、Stream 模式的钉钉群或命令行投票。")))
	}
	if sc.open() {
		s.Lines = append(s.Lines, sc.forms()...)
	}
	if len(s.Lines) == 0 {
		return Section{}
	}
	return s
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

// forms says what to type, as far as no button says it: where to look before,
// all of it, a part, or no.
func (sc scene) forms() []Line {
	l, r := sc.lang, sc.run
	var lines []Line
	if r.Tier >= redTier && r.Counts.Destructive() > 0 {
		lines = append(lines, sc.whereToLook())
	}
	if len(sc.approveButton()) == 0 {
		lines = append(lines, Line{plain(l.say("To approve: ", "批准请发：")), code(form(l, r))})
	}
	if r.Counts.Total() > 1 {
		help := Command{Verb: Help, Lang: l, Topic: Approve, Typed: run.NotRestated()}
		lines = append(lines, Line{
			plain(l.say("Only a part: add ", "只批准一部分：加 ")), code(l.say("only=…", "仅=…")), plain(l.say(" or ", " 或 ")), code(l.say("hold=…", "保留=…")),
			plain(l.say(" (see: ", "（写法：")), code(help.String()), plain(l.say(")", "）")),
		})
	}
	if len(sc.buttons(Reject)) == 0 {
		lines = append(lines, Line{plain(l.say("To refuse: ", "驳回请发：")), code(l.say("reject %s reason", "驳回 %s 原因", r.Code))})
	}
	return lines
}

// whereToLook says where every name stands that a voter must have seen.
func (sc scene) whereToLook() Line {
	l, r := sc.lang, sc.run
	line := Line{plain(l.say("See every name first: ", "投票前先看完名单："))}
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
	return append(line, plain(l.say("; as a table: ", "；或要表格：")), code(l.say("show %s --file", "详情 %s --文件", r.Code)))
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
		Label: capital(specOf(Approve).name(l)), Style: Dangerous, Digest: r.Plan.String(),
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
		one.Inputs = append(one.Inputs, Input{Name: l.say("hold", "保留"), Label: l.say("Hold back (optional; count the rest)", "保留（可不填；人数写剩下的）")})
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
