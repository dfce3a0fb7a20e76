package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	mostRows   = 10 // destructive changes that a card names
	namesShown = 3  // of each group of anything else
)

// lost names who would lose the account: before all those whom a finding names,
// then deletions.
func (sc scene) lost(folded bool) Section {
	if sc.plan == nil {
		return Section{}
	}
	l, all := sc.lang, sc.losers()
	if len(all) == 0 {
		return Section{}
	}
	shown := all[:min(len(all), mostRows)]
	s := Section{Title: l.say("Disable or delete: %d, all shown", "停用和删除：共 %d 个，全部列出", len(all)), Bullet: true, Folded: folded}
	if len(shown) < len(all) {
		s.Title = l.say("Disable or delete: %d, %d shown", "停用和删除：共 %d 个，列出 %d 个", len(all), len(shown))
	}
	s.Lines = sc.lostLines(shown)
	if len(shown) < len(all) {
		s.Lines = append(s.Lines, Line{plain(l.say("… and %d more: ", "……另有 %d 个：", len(all)-len(shown))), code(look(l, sc.run))})
	}
	return s
}

// adopted names the accounts that the vote would make ours, when a vote is asked
// for that.
func (sc scene) adopted() Section {
	l := sc.lang
	if sc.plan == nil || !slices.ContainsFunc(sc.plan.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindAdopt }) {
		return Section{}
	}
	s := Section{Bullet: true, Folded: sc.plan.Counts().Destructive() > 0}
	n := 0
	var shown []*plan.Change
	for i := range sc.plan.Changes {
		c := &sc.plan.Changes[i]
		if c.Op != plan.Adopt {
			continue
		}
		if n++; n <= mostRows {
			shown = append(shown, c)
		}
	}
	s.Lines = sc.lostLines(shown)
	s.Title = l.say("Adopt: %d, all shown", "认领：共 %d 个，全部列出", n)
	if n > mostRows {
		show := Command{Verb: Show, Lang: l, Code: sc.run.Code, Kind: "adopt", Page: 1, Typed: run.NotRestated()}
		s.Title = l.say("Adopt: %d, %d shown", "认领：共 %d 个，列出 %d 个", n, mostRows)
		s.Lines = append(s.Lines, Line{plain(l.say("… and %d more: ", "……另有 %d 个：", n-mostRows)), code(show.String())})
	}
	return s
}

// losers gives the destructive changes in the order in which they are to be
// looked at.
func (sc scene) losers() []*plan.Change {
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
	return all
}

// longReason is how long a reason is that is not written twice, in characters.
const longReason = 20

// lostLines names changes, each with why, whether that is new, and what became of
// it when that is not what was planned. A long reason is written once: the next
// ones name the line that has it.
func (sc scene) lostLines(all []*plan.Change) []Line {
	l := sc.lang
	steps := map[int]run.Step{}
	for _, e := range sc.entries {
		steps[e.Seq] = e.Step
	}
	first := map[string]int{} // reason → number of the change that tells it
	lines := make([]Line, 0, len(all))
	for _, c := range all {
		line := Line{code(fmt.Sprintf("#%d", c.Seq)), plain(" " + l.op(c.Op) + " "), strong(l.person(c))}
		if why := printable(masked(l.of(c.Reason)), sayRunes); why != "" {
			line = append(line, plain(l.say(": ", "：")+l.once(first, c.Seq, why)))
		}
		line = append(line, l.chosenAt(c)...)
		if _, before := sc.previous.lost[c.Key]; c.Op.Destructive() && sc.previous.code != "" && !before {
			line = append(line, plain(l.say(" · not in the plan before", " · 上次没有")))
		}
		if step := steps[c.Seq]; step == run.StepSkipped || step == run.StepFailed || step == run.StepInDoubt {
			line = append(line, plain(" · "), strong(l.step(step)))
		}
		lines = append(lines, line)
	}
	return lines
}

// once gives a reason, or the number of the line that has it already.
func (l Lang) once(first map[string]int, seq int, why string) string {
	if told, is := first[why]; is && utf8.RuneCountInString(why) > longReason {
		return l.say("same as #%d", "同 #%d", told)
	}
	first[why] = seq
	return why
}

// means says what becomes of the accounts in this target, and whether that can
// be taken back.
func (sc scene) means() Section {
	if sc.flow == nil || sc.plan == nil {
		return Section{}
	}
	l, c := sc.lang, sc.plan.Counts()
	s := Section{}
	if t := sc.flow.DeleteMeans.in(l); t != "" && c.Delete > 0 {
		s.Lines = append(s.Lines, Line{strong(l.say("Deleting: ", "删除意味着：")), plain(t)})
	}
	if t := sc.flow.DisableMeans.in(l); t != "" && c.Disable > 0 {
		s.Lines = append(s.Lines, Line{strong(l.say("Disabling: ", "停用意味着：")), plain(t)})
	}
	return s
}

// heldBack names what voters held back.
func (sc scene) heldBack() Section {
	l, all := sc.lang, sc.held()
	n := max(sc.run.HeldBack, len(all))
	if n == 0 {
		return Section{}
	}
	s := Section{Title: l.say("Held back by voters, not to be done: %d", "审批人保留、不执行的：%d 项", n), Bullet: true}
	for _, c := range all[:min(len(all), mostRows)] {
		s.Lines = append(s.Lines, Line{code(fmt.Sprintf("#%d", c.Seq)), plain(" " + l.op(c.Op) + " "), strong(l.person(c))})
	}
	if more := n - len(s.Lines); more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d more", "……另有 %d 项", more)))
	}
	return s
}

// health is the proof that the source was read whole.
func (b *Bot) health(sc scene) []Line {
	l, p := sc.lang, sc.plan
	if sc.run.Undoes != "" { // it goes by what stands in the target
		return []Line{text(l.say("The source was not read: this run only takes back %s. As long as source and rule say what they said, the next run does the same again.",
			"没有读取来源：本次只撤销 %s。来源或规则不改的话，下一次运行还会再做一遍。", sc.run.Undoes))}
	}
	h := p.Source.Health
	lines := []Line{text(label(p.Source.System) + l.say(": ", "：") + sc.size() + l.say("; ", "；") + sc.reading())}
	if h.PartialFor != "" {
		lines = append(lines, Line{strong(l.say("Incomplete: ", "不完整：")), plain(printable(l.of(h.PartialFor), sayRunes))})
	}
	if len(h.Hidden) > 0 {
		lines = append(lines, text(l.say("Missing permissions: ", "缺少权限：")+printable(l.list(h.Hidden), sayRunes)))
	}
	for _, problem := range h.Problems[:min(len(h.Problems), notesShown)] {
		lines = append(lines, text(l.say("Problem: ", "问题：")+printable(problem.Place, nameRunes)+l.say(": ", "：")+printable(masked(l.of(problem.Say)), sayRunes)))
	}
	return lines
}

// size tells how large the source is.
func (sc scene) size() string {
	p := sc.plan
	if sc.lang == EN {
		return count(p.Source.Users, "user", "users") + ", " + count(p.Source.Departments, "department", "departments")
	}
	return fmt.Sprintf("%d 人，%d 个部门", p.Source.Users, p.Source.Departments)
}

// reading tells how the source was read.
func (sc scene) reading() string {
	h := sc.plan.Source.Health
	if sc.lang != EN {
		return fmt.Sprintf("读了 %d 个部门、%d 页，重试 %d 次，问题 %d 个", h.Departments, h.Pages, h.Retries, len(h.Problems))
	}
	return "read " + strings.Join([]string{
		count(h.Departments, "department", "departments"), count(h.Pages, "page", "pages"), count(h.Retries, "retry", "retries"), count(len(h.Problems), "problem", "problems"),
	}, ", ")
}

// against compares with the plan before: the size of the source, and who is newly
// to lose the account, or not any more.
func (sc scene) against() []Line {
	l := sc.lang
	if sc.previous.code == "" {
		return nil
	}
	more, fewer := sc.moved()
	if len(more)+len(fewer) == 0 && sc.plan.Source.Users == sc.previous.users {
		return []Line{text(l.say("Against %s: the same people lose the account", "与上次 %s 相比：停用和删除的人相同", sc.previous.code))}
	}
	line := l.say("Against %s: ", "与上次 %s 相比：", sc.previous.code)
	if users := sc.plan.Source.Users - sc.previous.users; users != 0 {
		line += l.say("%+d users in the source; ", "来源 %+d 人；", users)
	}
	line += l.say("disable and delete +%d −%d", "停用和删除 +%d −%d", len(more), len(fewer))
	if sc.plan.Counts().Destructive() > mostRows { // else it stands beside each name
		line += sc.some(l.say("; newly: ", "；这次多了："), more)
	}
	return []Line{text(line + sc.some(l.say("; no longer: ", "；这次没有了："), fewer))}
}

// moved gives the names of who is newly to lose the account, and of who is not
// any more.
func (sc scene) moved() (more, fewer []string) {
	now := map[directory.Key]bool{}
	for i := range sc.plan.Changes {
		if c := &sc.plan.Changes[i]; c.Op.Destructive() {
			now[c.Key] = true
			if _, before := sc.previous.lost[c.Key]; !before {
				more = append(more, c.Name)
			}
		}
	}
	for key, name := range sc.previous.lost {
		if !now[key] {
			fewer = append(fewer, name)
		}
	}
	slices.Sort(fewer)
	return more, fewer
}

// some names the first few of many.
func (sc scene) some(head string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	var shown []string
	for _, n := range names[:min(len(names), namesShown)] {
		shown = append(shown, label(masked(n)))
	}
	line := head + sc.lang.list(shown)
	if len(names) > len(shown) {
		line += sc.lang.say(" …", "……")
	}
	return line
}
