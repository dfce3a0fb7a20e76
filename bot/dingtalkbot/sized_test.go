package dingtalkbot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

// longCard is a card of so many lines, each with all that makes a text longer when it
// is written down.
func longCard(lines int) bot.Card {
	c := info()
	for i := range lines {
		c.Sections[0].Lines = append(c.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("#%d 停用 <员工> \"%s\" & 部门", i, strings.Repeat("研发", 20))}})
	}
	return c
}

// TestPartsAreForetold: as many messages are counted as are then said.
func TestPartsAreForetold(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(1)
	several := false
	for _, lines := range []int{0, 40, 200, 400, 3000} {
		for name, o := range map[string]bot.Outgoing{
			"session": w.answering(longCard(lines), dingtalksim.SayOptions{}),
			"robot":   out(longCard(lines)),
		} {
			said := len(w.Messages(room))
			foretold := w.bot.Messages(o)
			if _, err := w.bot.Send(t.Context(), o, fmt.Sprint(name, lines), ""); err != nil {
				t.Fatal(err)
			}
			if got := len(w.Messages(room)) - said; got != foretold {
				t.Errorf("%s, %d lines: %d messages were said, %d foretold", name, lines, got, foretold)
			}
			several = several || foretold > 2
		}
	}
	if !several {
		t.Error("no answer came in several messages")
	}
	file := out(info())
	file.File = &bot.File{Name: "a.csv", Data: []byte("x")}
	if n := w.bot.Messages(file); n != 2 {
		t.Errorf("words and a file are %d messages", n)
	}
	stop()
	w.innocent()
}

// TestDrawingsThatAreMessagesAreCounted: a live card whose template is refused comes as
// messages, and too many of those silence the robot.
func TestDrawingsThatAreMessagesAreCounted(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	counted := func() bool {
		return slices.ContainsFunc(w.bot.Pace(live(info())), func(p bot.Pace) bool { return p.Scope == bot.PaceChat })
	}
	if counted() {
		t.Error("an interactive card counts as a message")
	}
	w.AddDraft(template)
	if _, err := w.bot.Send(t.Context(), live(info()), "letter-1", ""); err != nil || len(w.Messages(room)) != 1 {
		t.Fatalf("without a template: %v, %d messages", err, len(w.Messages(room)))
	}
	if !counted() {
		t.Error("the drawings are messages now, and nobody counts them")
	}
	w.clock.advance(11 * time.Minute)
	if counted() {
		t.Error("the card is tried again, and counts as a message")
	}
}
