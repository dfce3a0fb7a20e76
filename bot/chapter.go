package bot

import "encoding/json"

// chapter is a section of which the end may be left out; the rest is then
// counted, and more is the command that shows it.
type chapter struct {
	Section
	more string
	// most is how many lines are shown at most; 0 = all.
	most int
	// whole: its lines belong together, they are shown all or not at all.
	whole bool
}

// wholeWeight is how many lines a chapter counts for that is never cut: it goes
// only when the others are shorter.
const wholeWeight = 3

// cutShare is which part of a long chapter goes at once.
const cutShare = 8

// bind makes a card of chapters that has at most limit bytes of JSON. While it
// has more, the longest chapter loses its end, of two the later one, so that what
// matters is written first and goes last.
func (l Lang) bind(card Card, chapters []chapter, limit int) Card {
	shown := make([]int, len(chapters))
	for i := range chapters {
		shown[i] = chapters[i].begin()
	}
	for {
		out := card
		out.Sections = nil
		for i := range chapters {
			if s := l.cut(&chapters[i], shown[i]); len(s.Lines) > 0 {
				out.Sections = append(out.Sections, s)
			}
		}
		out = tidy(out)
		i := longest(chapters, shown)
		if i < 0 || sizeOf(out) <= limit {
			return out
		}
		if shown[i] -= max(1, shown[i]/cutShare); chapters[i].whole {
			shown[i] = 0
		}
	}
}

// begin is how many lines are shown when there is room.
func (ch *chapter) begin() int {
	if ch.most > 0 && !ch.whole {
		return min(len(ch.Lines), ch.most)
	}
	return len(ch.Lines)
}

// longest gives the chapter to shorten, -1 when nothing is left to leave out.
func longest(chapters []chapter, shown []int) int {
	best, weight := -1, 0
	for i, n := range shown {
		if chapters[i].whole {
			n = min(n, wholeWeight)
		}
		if n > 0 && n >= weight {
			best, weight = i, n
		}
	}
	return best
}

// cut gives the first lines of a chapter and counts the others.
func (l Lang) cut(ch *chapter, n int) Section {
	s := ch.Section
	left := len(s.Lines) - n
	switch {
	case left == 0:
		return s
	case ch.whole:
		return Section{}
	}
	tail := Line{plain(l.say("… and %d more", "……另有 %d 条", left))}
	if ch.more != "" {
		tail[0].Text += l.say(": ", "：")
		tail = append(tail, code(ch.more))
	}
	s.Lines = append(s.Lines[:n:n], tail)
	return s
}

// sizeOf gives the bytes of a card.
func sizeOf(c Card) int {
	b, err := json.Marshal(c)
	if err != nil {
		return 0 // a Card holds nothing that JSON cannot
	}
	return len(b)
}
