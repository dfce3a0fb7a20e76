package bot

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// overCard is what remains of a run that was not carried out. One that somebody
// decided on keeps what the voters saw; one that time or a newer plan ended folds.
func (b *Bot) overCard(sc scene) Card {
	l, r := sc.lang, sc.run
	lines := append(b.head(sc), b.standstill(sc)...)
	if r.Reason != "" {
		lines = append(lines, Line{strong(l.say("Why: ", "原因：")), plain(printable(masked(l.of(r.Reason)), sayRunes))})
	}
	done := l.say("Nothing was changed.", "没有改动任何账号。")
	if r.Outcome.Total() > 0 {
		done = l.say("Before that: ", "在此之前：") + l.outcome(r.Outcome)
	}
	lines = append(append(lines, text(done)), sc.takeBack()...)
	card := Card{Title: sc.title(sc.danger()), Tone: Quiet, Foot: sc.foot()}
	if r.Counts.Total() == 0 {
		card.Title = sc.title()
	}
	switch r.State {
	case run.Superseded:
		if next := sc.successor(); next != "" {
			show := Command{Verb: Show, Lang: l, Code: next, Page: 1, Typed: run.NotRestated()}
			lines = append(lines, Line{plain(l.say("The new plan: ", "新的计划：")), code(show.String())})
			if sc.can.Buttons {
				card.Buttons = []Button{{Label: l.say("See the new plan", "查看新计划"), Command: show.String()}}
			}
		}
	case run.Expired:
		lines = append(lines, Line{plain(l.say("Nobody decided in time. To run it again: ", "到期前没有人决定。要重新运行请发：")), code(sc.again().String())})
		card.Buttons = sc.rerun()
	case run.Cancelled:
		lines = append(lines, Line{plain(l.say("To run it again: ", "要重新运行请发：")), code(sc.again().String())})
	default: // rejected: who wants it again says why
	}
	card.Sections = []Section{{Lines: lines}}
	if r.State == run.Rejected || r.State == run.Cancelled {
		card.Sections = append(card.Sections, b.decided(sc)...)
	}
	return card
}

// successor gives the run that replaced this one, as the reason names it.
func (sc scene) successor() run.Code {
	for word := range strings.FieldsSeq(sc.run.Reason) {
		if !run.LooksLikeCode(word) {
			continue
		}
		if c, err := run.ParseCode(word); err == nil && c != sc.run.Code {
			return c
		}
	}
	return ""
}

// again is the command that began the run.
func (sc scene) again() Command {
	cmd := Command{Verb: Plan, Lang: sc.lang, Flow: sc.run.Flow, Page: 1, Typed: run.NotRestated()}
	if sc.run.Apply {
		cmd.Verb = Sync
	} else {
		cmd.Dept, cmd.Part = sc.run.Dept, sc.run.Kind
	}
	if sc.run.Undoes != "" {
		cmd.Verb, cmd.Flow, cmd.Code, cmd.Item = Undo, "", sc.run.Undoes, sc.run.UndoItem
	}
	return cmd
}

// rerun offers to begin again, where the platform has buttons.
func (sc scene) rerun() []Button {
	cmd := sc.again()
	if !sc.can.Buttons || sc.copied {
		return nil
	}
	return []Button{{Label: sc.lang.say("Again: ", "重新") + specOf(cmd.Verb).name(sc.lang), Command: cmd.String()}}
}
