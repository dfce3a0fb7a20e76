package bot

import (
	"slices"
	"unicode/utf8"
)

const (
	// cardBytes is how much text a card holds: with its markup it stays under the
	// 24 KB that every platform takes.
	cardBytes = 16 << 10
	// lineBytes is what a line costs beside its text, and spanBytes a piece of one.
	lineBytes = 8
	spanBytes = 24
)

// fitted makes a card small enough: long sentences become shorter first, then
// what is folded away is left out with a word. Commands
// and names stay whole.
func fitted(c Card, l Lang) Card {
	for _, most := range []int{120, 60, 30} {
		if size(c) <= cardBytes {
			return c
		}
		c.Sections = shortened(c.Sections, most)
	}
	if size(c) <= cardBytes {
		return c
	}
	for i := range c.Sections {
		if s := &c.Sections[i]; s.Folded {
			s.Lines = []Line{text(l.say("%d lines are left out here, the card would be too large", "此处省略 %d 行，否则卡片太大", len(s.Lines)))}
		}
	}
	return c
}

func size(c Card) int {
	n := len(c.Title) + len(c.Foot)
	for _, s := range c.Sections {
		n += len(s.Title)
		for _, line := range append(slices.Clip(s.Lines), s.Short) {
			n += lineBytes
			for _, p := range line {
				n += spanBytes + len(p.Text)
			}
		}
	}
	for _, b := range c.Buttons {
		n += len(b.Label) + len(b.Command) + len(b.Digest) + len(b.Confirm)
		for _, in := range b.Inputs {
			n += len(in.Name) + len(in.Label)
		}
	}
	return n
}

// shortened cuts every text that is neither a command nor a name: namesakes must
// still be told apart.
func shortened(all []Section, most int) []Section {
	out := make([]Section, 0, len(all))
	for _, s := range all {
		lines := make([]Line, 0, len(s.Lines))
		for _, line := range s.Lines {
			spans := make(Line, 0, len(line))
			for _, p := range line {
				if !p.Code && !p.Bold && utf8.RuneCountInString(p.Text) > most {
					p.Text = printable(p.Text, most)
				}
				spans = append(spans, p)
			}
			lines = append(lines, spans)
		}
		s.Lines = lines
		out = append(out, s)
	}
	return out
}
