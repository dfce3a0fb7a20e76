package bot

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// G1, G4: the help has a short line for every command that is offered, and for
// no other; each stands on one shelf only.
func TestG4_TheHelpHasAPlaceForEveryCommand(t *testing.T) {
	t.Parallel()
	for _, l := range []Lang{ZH, EN} {
		var got []string
		for _, s := range l.shelves(specs()) {
			if s.Title == "" {
				t.Errorf("%s: a shelf has no title", l)
			}
			for _, line := range s.Lines {
				got = append(got, line[0].Text)
				if n := utf8.RuneCountInString(spansOf(line)); strings.TrimSpace(line[1].Text) == "" || n > 40 {
					t.Errorf("%s: %q has %d characters", l, spansOf(line), n)
				}
			}
		}
		var want []string
		for _, s := range specs() {
			want = append(want, s.name(l))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v\nwant %v", l, got, want)
		}
		for _, s := range l.shelves(specs()[:2]) {
			for _, line := range s.Lines {
				if line[0].Text != specOf(Help).name(l) && line[0].Text != specOf(WhoAmI).name(l) {
					t.Errorf("%s: %q is not offered", l, line[0].Text)
				}
			}
		}
	}
}

// The help of a command shows every part of its usage, and every example is that
// very command.
func TestTheHelpOfACommandIsWhole(t *testing.T) {
	t.Parallel()
	for _, s := range specs() {
		for _, l := range []Lang{ZH, EN} {
			card := s.topic(l, "hr-to-wecom")
			all := cardText(card)
			for _, o := range s.options {
				there := false
				for word, canonical := range optionNames() {
					there = there || canonical == o && strings.Contains(all, word)
				}
				if !there {
					t.Errorf("%s.%s: the option %s is missing:\n%s", s.verb, l, o, all)
				}
			}
			for _, e := range l.examples(s.verb, "hr-to-wecom") {
				cmd, err := Parse(e)
				if err != nil || cmd.Verb != s.verb || cmd.Lang != l || !strings.Contains(all, e) {
					t.Errorf("%s.%s: %q is read as %+v, %v", s.verb, l, e, cmd, err)
				}
			}
		}
	}
}
