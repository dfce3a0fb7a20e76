package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	mostRows   = 10 // destructive changes that a card names
	noteKinds  = 6  // kinds of notes that a card tells of
	notesShown = 3  // of each kind
	// oneVoteTier is the highest tier whose counts a button may restate by
	// itself: above it they are typed, since that proves that somebody looked.
	oneVoteTier = 1
	// redTier is the lowest tier whose card is red.
	redTier = 2
)

// planCard shows a plan: to be voted on, or only made.
func (b *Bot) planCard(sc scene) Card {
	l, r := sc.lang, sc.run
	card := Card{Title: sc.title(sc.danger()), Tone: Info, Foot: sc.foot()}
	lines := append(b.head(sc), Line{strong(l.counts(r.Counts))})
	if r.State == run.Awaiting {
		card.Tone = Waits
		if r.Tier >= redTier {
			card.Tone = Danger
		}
		lines = append(lines, b.asking(sc)...)
		card.Buttons = append(sc.approveButton(), sc.buttons(Reject, Show)...)
	} else {
		lines = append(lines, text(l.say("This is only a plan; nothing was changed, and it cannot be voted on.", "这只是预演，没有改动任何账号，也不能投票。")),
			Line{plain(l.say("To do it: ", "要执行请发：")), code(specOf(Sync).name(l) + " " + r.Flow)})
		card.Buttons = sc.buttons(Show)
	}
	card.Sections = append(card.Sections, Section{Lines: lines})
	card.Sections = append(card.Sections, b.evidence(sc)...)
	if s, ok := b.votesSection(sc); ok {
		card.Sections = append(card.Sections, s)
	}
	return card
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
	if reasons := l.findings(sc.plan.Risk.Reasons); len(reasons) > 0 {
		all = append(all, Section{Title: l.say("Why a vote is needed", "为什么需要审批"), Lines: reasons, Bullet: true})
	}
	all = append(all, Section{Title: l.say("The source", "来源的健康状况"), Lines: b.health(sc)})
	if n := sc.notes(); len(n.Lines) > 0 {
		all = append(all, n)
	}
	return all
}

// asking says what the vote needs and until when.
func (b *Bot) asking(sc scene) []Line {
	l, r := sc.lang, sc.run
	lines := []Line{text(l.say("Votes: %d of %d", "已批准 %d/%d 票", len(approvals(r, sc.votes)), r.Votes))}
	if r.By.Person != "" {
		lines[0][0].Text += l.say("; not by %s, who asked", "；不能是发起人%s", label(r.By.Person))
	}
	if sc.plan != nil && r.Trigger == run.BySchedule && r.Votes > sc.plan.Risk.Votes {
		lines = append(lines, text(l.say("One vote more: nobody known asked, and the configuration differs from the last applied run's.", "多需一票：不是由已知人员发起，而且配置与上次执行时不同。")))
	}
	if !r.Expires.IsZero() {
		left := l.say("over", "已到期")
		if d := r.Expires.Sub(b.o.Now()); d > 0 {
			left = l.say("%s left", "还有 %s", l.span(d))
		}
		lines = append(lines, text(l.say("Until %s (%s)", "有效期至 %s（%s）", b.clock(r.Expires), left)))
	}
	if r.Outcome.Total() > 0 {
		lines = append(lines, text(l.say("Harmless changes are done: ", "无需审批的变更已经执行：")+l.outcome(r.Outcome)))
	}
	lines = append(lines, Line{plain(l.say("To approve: ", "批准请发：")), code(form(l, r))},
		Line{plain(l.say("To refuse: ", "驳回请发：")), code(l.say("reject %s reason", "驳回 %s 原因", r.Code))})
	if r.Weak {
		lines = append(lines, text(l.say("It was asked for through DingTalk's HTTP callback: the vote must come from a Feishu room, a Stream room or the command line.", "由钉钉 HTTP 回调发起：请到飞书群、Stream 模式的钉钉群或命令行投票。")))
	}
	return lines
}

// lost names who would lose the account: deletions first, and before all those
// whom a finding names.
func (sc scene) lost(folded bool) Section {
	l := sc.lang
	named := map[string]bool{}
	for _, f := range sc.plan.Risk.Reasons {
		if f.Code == plan.FindStaff || f.Code == plan.FindProtected || f.Code == plan.FindBlind || f.Code == plan.FindUnlinked {
			named[f.What] = true
		}
	}
	var all []*plan.Change
	for i := range sc.plan.Changes {
		if sc.plan.Changes[i].Op.Destructive() {
			all = append(all, &sc.plan.Changes[i])
		}
	}
	rank := func(c *plan.Change) int {
		switch {
		case named[c.Name]:
			return 0
		case c.Op == plan.Delete:
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(all, func(x, y *plan.Change) int { return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.Seq, y.Seq)) })
	shown := all[:min(len(all), mostRows)]
	s := Section{Title: l.say("Disable or delete: %d, all shown", "停用和删除：共 %d 个，全部列出", len(all)), Bullet: true, Folded: folded}
	if len(shown) < len(all) {
		s.Title = l.say("Disable or delete: %d, %d shown", "停用和删除：共 %d 个，列出 %d 个", len(all), len(shown))
	}
	if len(all) == 0 {
		return Section{}
	}
	for _, c := range shown {
		s.Lines = append(s.Lines, sc.lostLine(c))
	}
	if len(shown) < len(all) {
		s.Lines = append(s.Lines, Line{plain(l.say("… and %d more: ", "……另有 %d 个：", len(all)-len(shown))), code(look(l, sc.run))})
	}
	return s
}

func (sc scene) lostLine(c *plan.Change) Line {
	l := sc.lang
	line := Line{code(fmt.Sprintf("#%d", c.Seq)), plain(" " + l.op(c.Op) + " "), strong(l.person(c))}
	if why := l.of(c.Reason); why != "" {
		line = append(line, plain(l.say(": ", "：")+printable(masked(why), sayRunes)))
	}
	return line
}

// means says what becomes of the accounts in this target.
func (sc scene) means() Section {
	s := Section{}
	if sc.flow == nil {
		return s
	}
	l, c := sc.lang, sc.plan.Counts()
	if t := sc.flow.DeleteMeans.in(l); t != "" && c.Delete > 0 {
		s.Lines = append(s.Lines, Line{strong(l.say("Deleting: ", "删除意味着：")), plain(t)})
	}
	if t := sc.flow.DisableMeans.in(l); t != "" && c.Disable > 0 {
		s.Lines = append(s.Lines, Line{strong(l.say("Disabling: ", "停用意味着：")), plain(t)})
	}
	return s
}

// health is the proof that the source was read whole, and what is new against
// the plan before.
func (b *Bot) health(sc scene) []Line {
	l, p := sc.lang, sc.plan
	h := p.Source.Health
	system := label(p.Source.System)
	size := strings.Join([]string{count(p.Source.Users, "user", "users"), count(p.Source.Departments, "department", "departments")}, ", ")
	reading := strings.Join([]string{count(h.Pages, "page", "pages"), count(h.Retries, "retry", "retries"), count(len(h.Problems), "problem", "problems")}, ", ")
	if l != EN {
		size = fmt.Sprintf("%d 人，%d 个部门", p.Source.Users, p.Source.Departments)
		reading = fmt.Sprintf("%d 页，重试 %d 次，问题 %d 个", h.Pages, h.Retries, len(h.Problems))
	}
	lines := []Line{text(system + l.say(": ", "：") + size + l.say("; ", "；") + reading)}
	if h.PartialFor != "" {
		lines = append(lines, Line{strong(l.say("Incomplete: ", "不完整：")), plain(printable(l.of(h.PartialFor), sayRunes))})
	}
	if len(h.Hidden) > 0 {
		lines = append(lines, text(l.say("Missing permissions: ", "缺少权限：")+printable(l.list(h.Hidden), sayRunes)))
	}
	for _, problem := range h.Problems[:min(len(h.Problems), notesShown)] {
		lines = append(lines, text(printable(problem.Place, nameRunes)+l.say(": ", "：")+printable(masked(l.of(problem.Say)), sayRunes)))
	}
	if sc.previous.code == "" {
		return lines
	}
	more, fewer := sc.against()
	lines = append(lines, text(l.say("Against %s: users %+d, to be disabled or deleted +%d −%d", "与上次 %s 相比：人数 %+d，停用和删除 +%d −%d",
		sc.previous.code, p.Source.Users-sc.previous.users, more, fewer)))
	return lines
}

// against counts who is newly to lose the account, and who is not any more.
func (sc scene) against() (more, fewer int) {
	now := map[directory.Key]bool{}
	for i := range sc.plan.Changes {
		if c := &sc.plan.Changes[i]; c.Op.Destructive() {
			now[c.Key] = true
			if !sc.previous.lost[c.Key] {
				more++
			}
		}
	}
	for key := range sc.previous.lost {
		if !now[key] {
			fewer++
		}
	}
	return more, fewer
}

// notes tells what was found and left alone, the worst first.
func (sc scene) notes() Section {
	if sc.plan == nil || len(sc.plan.Notes) == 0 {
		return Section{}
	}
	l := sc.lang
	of := map[plan.NoteKind][]*plan.Note{}
	for i := range sc.plan.Notes {
		n := &sc.plan.Notes[i]
		of[n.Kind] = append(of[n.Kind], n)
	}
	s := Section{Title: l.say("Left alone: %d", "没有处理的：%d 项", len(sc.plan.Notes)), Bullet: true, Folded: len(of[plan.LeftActive]) == 0}
	told := 0
	for _, kind := range worstFirst() {
		if len(of[kind]) == 0 || told == noteKinds {
			continue
		}
		told++
		var names []string
		for _, n := range of[kind][:min(len(of[kind]), notesShown)] {
			names = append(names, l.noteShort(n))
		}
		line := Line{strong(pair(l.note(kind), len(of[kind]))), plain(l.say(": ", "：") + strings.Join(names, l.say("; ", "；")))}
		s.Lines = append(s.Lines, line)
	}
	show := Command{Verb: Show, Lang: l, Code: sc.run.Code, Kind: "notes", Page: 1, Typed: run.NotRestated()}
	s.Lines = append(s.Lines, Line{plain(l.say("All: ", "全部：")), code(show.String())})
	return s
}

func (l Lang) noteShort(n *plan.Note) string {
	short := label(masked(n.Name))
	if n.Say != "" {
		if short != "" {
			short += l.say(" – ", "，")
		}
		short += printable(masked(l.of(n.Say)), nameRunes*2)
	}
	if n.Place != "" {
		short += l.say(" (", "（") + printable(n.Place, nameRunes) + l.say(")", "）")
	}
	return strings.TrimSpace(short)
}

func worstFirst() []plan.NoteKind {
	return []plan.NoteKind{
		plan.LeftActive, plan.RuleFailed, plan.Irreversible, plan.Conflict, plan.Held, plan.Aborted, plan.OutOfScope, plan.Kept, plan.Unclear, plan.Lost,
	}
}

// votesSection tells who voted, when and how.
func (b *Bot) votesSection(sc scene) (Section, bool) {
	l := sc.lang
	s := Section{Title: l.say("Votes", "表决"), Bullet: true}
	for _, v := range sc.votes {
		what := l.say("approved", "批准")
		if v.Decision == run.Reject {
			what = l.say("rejected", "驳回")
		}
		line := what + l.say(" by ", "：") + l.who(v.By) + " " + b.clock(v.At) + " · " + l.platform(v.By.Platform) + l.channel(v.By.Channel)
		if v.Reason != "" {
			line += l.say(": ", "：") + printable(masked(v.Reason), sayRunes)
		}
		s.Lines = append(s.Lines, text(line))
	}
	return s, len(s.Lines) > 0
}

// channel names the door that a vote came through.
func (l Lang) channel(c run.Channel) string {
	switch c {
	case run.ByButton:
		return l.say(" (button)", "（按钮）")
	case run.FromCLI:
		return l.say(" (terminal)", "（终端）")
	default:
		return l.say(" (typed)", "（输入）")
	}
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
	one.Command = cmd.String()
	return []Button{one}
}
