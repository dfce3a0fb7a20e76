package bot

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	noteKinds  = 6 // kinds of notes that a card tells of
	notesShown = 3 // of each kind
)

// notes tells what was found and left alone, the worst first.
func (sc scene) notes() Section {
	if sc.plan == nil {
		return Section{}
	}
	l, n := sc.lang, 0
	of := map[plan.NoteKind][]*plan.Note{}
	for i := range sc.plan.Notes {
		if note := &sc.plan.Notes[i]; note.Kind != plan.Irreversible {
			of[note.Kind] = append(of[note.Kind], note)
			n++
		}
	}
	if n == 0 {
		return Section{}
	}
	s := Section{Title: l.say("Left alone: %d", "没有处理的：%d 项", n), Bullet: true, Folded: len(of[plan.LeftActive]) == 0}
	if s.Folded {
		s.Short = append(Line{plain(l.say("%d left alone: ", "没有处理的 %d 项：", n))}, sc.allNotes()[1:]...)
	}
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
		line := Line{strong(l.say("%s: %d", "%s %d 项", l.Note(kind), len(of[kind]))), plain(l.say(" – ", "：") + strings.Join(names, l.say("; ", "；")))}
		s.Lines = append(s.Lines, line)
	}
	s.Lines = append(s.Lines, sc.allNotes())
	return s
}

// allNotes says how to see every note.
func (sc scene) allNotes() Line {
	show := Command{Verb: Show, Lang: sc.lang, Code: sc.run.Code, Kind: "notes", Page: 1, Typed: run.NotRestated()}
	return Line{plain(sc.lang.say("All: ", "全部：")), code(show.String())}
}

// irreversible tells item by item what an undoing cannot take back.
func (sc scene) irreversible() Section {
	if sc.plan == nil {
		return Section{}
	}
	l := sc.lang
	var all []Line
	last := ""
	for i := range sc.plan.Notes {
		if n := &sc.plan.Notes[i]; n.Kind == plan.Irreversible {
			why := printable(masked(l.of(n.Say)), sayRunes)
			if n.Say == last {
				why = l.say("as above", "同上")
			}
			last = n.Say
			what := l.noteWord(n.Kind)
			if n.Op != "" && n.Op != plan.None {
				what = l.op(n.Op)
			}
			all = append(all, Line{plain(what + " "), strong(label(masked(n.Name))), plain(l.say(": ", "：") + why)})
		}
	}
	if len(all) == 0 {
		return Section{}
	}
	s := Section{Title: l.say("Cannot be undone: %d", "无法撤销的：%d 项", len(all)), Bullet: true, Lines: all}
	if len(all) > mostRows {
		s.Lines = slices.Clip(all[:mostRows])
		s.Lines = append(s.Lines, text(l.say("… and %d more", "……另有 %d 项", len(all)-mostRows)), sc.allNotes())
	}
	return s
}

// noteWord names a kind of note.
func (l Lang) noteWord(k plan.NoteKind) string {
	if k == plan.Irreversible {
		return l.say("cannot be undone", "无法撤销")
	}
	return l.Note(k)
}

func (l Lang) noteShort(n *plan.Note) string {
	short := label(masked(n.Name))
	var more []string
	if n.Say != "" {
		more = append(more, printable(masked(l.of(n.Say)), nameRunes*2))
	}
	if n.Place != "" {
		more = append(more, printable(n.Place, nameRunes))
	}
	about := strings.Join(more, l.say(", ", "，"))
	switch {
	case short == "" || about == "":
		return short + about
	default:
		return short + l.say(" (", "（") + about + l.say(")", "）")
	}
}

func worstFirst() []plan.NoteKind {
	return []plan.NoteKind{
		plan.LeftActive, plan.RuleFailed, plan.Conflict, plan.Held, plan.Aborted, plan.OutOfScope, plan.Kept, plan.Unclear, plan.Lost,
	}
}
