package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// applyingCard tells how far the run is.
func (b *Bot) applyingCard(sc scene) Card {
	l, r := sc.lang, sc.run
	done, total := r.Outcome.Total(), r.Counts.Total()
	percent := 0
	if total > 0 {
		percent = 100 * done / total
	}
	lines := append(append(b.head(sc), b.standstill(sc)...),
		text(l.say("%s %d/%d", "%s 已处理 %d/%d", bar(percent), done, total)),
		text(sc.progress()))
	if now := sc.current(); now != "" {
		lines = append(lines, text(now))
	}
	lines = append(lines, text(l.say("%s since it began", "已用时 %s", l.span(b.o.Now().Sub(r.Created)))))
	if r.Stop {
		lines = append(lines, Line{strong(l.say("A person asked it to stop: it stops before the next change.", "有人要求停止：将在下一项变更之前停下。"))})
	}
	card := Card{
		Title: sc.title(sc.stage(), l.say("%d%%", "%d%%", percent), sc.danger()), Tone: Info, Sections: []Section{{Lines: lines}},
		Buttons: sc.buttons(Cancel, Show), Foot: sc.foot(),
	}
	switch {
	case r.Glass != (run.Actor{}):
		card.Tone = Danger
	case sc.pause.Flow != "":
		card.Tone = Warn
	}
	card.Sections = append(card.Sections, b.decided(sc)...)
	return card
}

const barCells = 10

func bar(percent int) string {
	full := min(max(percent, 0), 100) * barCells / 100
	return strings.Repeat("▓", full) + strings.Repeat("░", barCells-full)
}

// progress counts what is done of each operation, the dangerous first, and what
// went wrong.
func (sc scene) progress() string {
	l, r := sc.lang, sc.run
	if len(sc.entries) == 0 || sc.plan == nil { // too many to be counted for every drawing
		return l.counts(r.Counts) + l.say("; so far: ", "；到目前为止：") + l.outcome(r.Outcome)
	}
	done := sc.done()
	var parts []string
	for _, of := range []struct {
		op          plan.Op
		have, total int
	}{
		{plan.Delete, done.Delete, r.Counts.Delete},
		{plan.Disable, done.Disable, r.Counts.Disable},
		{plan.Adopt, done.Adopt, r.Counts.Adopt},
		{plan.Create, done.Create, r.Counts.Create},
		{plan.Update, done.Update, r.Counts.Update},
	} {
		if of.total > 0 {
			parts = append(parts, fmt.Sprintf("%s %d/%d", l.op(of.op), of.have, of.total))
		}
	}
	bad := func(en, zh string, n int) {
		if n > 0 {
			parts = append(parts, pair(l.say(en, zh), n))
		}
	}
	bad("failed", "失败", r.Outcome.Failed)
	bad("skipped", "跳过", r.Outcome.Skipped)
	bad("in doubt", "结果不明", r.Outcome.InDoubt)
	return strings.Join(parts, " · ")
}

// done counts the changes that are in their final state, by operation.
func (sc scene) done() plan.Counts {
	var c plan.Counts
	for _, e := range sc.entries {
		if ch := sc.change(e.Seq); ch != nil && (e.Step == run.StepDone || e.Step == run.StepAlready) {
			c.Add(ch.Op)
		}
	}
	return c
}

// change gives one of the plan by its number, or nil.
func (sc scene) change(seq int) *plan.Change {
	if sc.plan == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(sc.plan.Changes, seq, func(c plan.Change, seq int) int { return cmp.Compare(c.Seq, seq) })
	if !found {
		return nil
	}
	return &sc.plan.Changes[i]
}

// current says what is being done now.
func (sc scene) current() string {
	for _, e := range sc.entries {
		if ch := sc.change(e.Seq); ch != nil && e.Step == run.StepSending {
			return sc.lang.say("Now: #%d %s %s", "当前：#%d %s %s", ch.Seq, sc.lang.op(ch.Op), sc.lang.person(ch))
		}
	}
	return ""
}

// decided keeps what the voters saw, with who decided, when and how, and without
// buttons.
func (b *Bot) decided(sc scene) []Section {
	if sc.run.Votes == 0 && sc.run.Glass == (run.Actor{}) || sc.plan == nil {
		return filled([]Section{sc.irreversible()})
	}
	l := sc.lang
	why := Section{Title: l.say("What the vote rested on", "审批时的依据"), Bullet: true, Folded: true, Lines: l.findings(sc.plan.Risk.Reasons)}
	why.Lines = append(append(append(why.Lines, sc.means().Lines...), b.health(sc)...), sc.against()...)
	status := Command{Verb: Status, Lang: l, Code: sc.run.Code, Typed: run.NotRestated()}
	why.Short = Line{plain(why.Title + l.say(": ", "：")), code(status.String())}
	held := sc.heldBack()
	if sc.run.State.Ended() && len(sc.entries) > 0 {
		held = Section{} // what was not done is told, and why
	}
	return filled([]Section{sc.lost(true), sc.adopted(), sc.irreversible(), held, b.votesSection(sc), why})
}
