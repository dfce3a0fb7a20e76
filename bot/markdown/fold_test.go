package markdown_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
)

// row makes a line of a text and, if any, a command.
func row(text, command string) bot.Line {
	l := bot.Line{{Text: text}}
	if command != "" {
		l = append(l, bot.Span{Text: command, Code: true})
	}
	return l
}

// What a platform cannot fold is one line there, and lines of several such
// sections stand together.
func TestWhatCannotBeFoldedIsOneLine(t *testing.T) {
	t.Parallel()
	card := bot.Card{Title: "t", Sections: []bot.Section{
		{Lines: []bot.Line{row("first", "")}},
		{Title: "A", Folded: true, Lines: []bot.Line{row("hidden a", "")}, Short: row("A: ", "show a")},
		{Title: "B", Folded: true, Lines: []bot.Line{row("hidden b", "")}, Short: row("B: ", "show b")},
		{Title: "C", Lines: []bot.Line{row("seen c", "")}, Short: row("never", "")},
	}}
	for _, d := range dialects() {
		got := markdown.Render(card, markdown.Options{Dialect: d, Lang: bot.EN}).Text
		if strings.Contains(got, "hidden") || strings.Contains(got, "never") || !strings.Contains(got, "show a") || !strings.Contains(got, "show b") || !strings.Contains(got, "seen c") {
			t.Errorf("%s:\n%s", d, got)
		}
		if a, b := strings.Index(got, "show a"), strings.Index(got, "show b"); strings.Contains(got[a:b], "\n\n") {
			t.Errorf("%s: the lines do not stand together:\n%s", d, got)
		}
	}
}

// Commands of buttons that are drawn take one line; a label that only repeats the
// command is not written.
func TestDrawnButtonsTakeOneLine(t *testing.T) {
	t.Parallel()
	buttons := []bot.Button{{Label: "Reject", Command: "reject 7K3MQ2"}, {Label: "Show all", Command: "show 7K3MQ2"}}
	o := markdown.Options{Dialect: markdown.DingTalk, Lang: bot.EN, Commands: buttons, Drawn: true}
	if got := markdown.Render(bot.Card{Title: "t"}, o).Text; !strings.HasSuffix(got, "Or send: **reject 7K3MQ2** · **show 7K3MQ2**") {
		t.Errorf("%s", got)
	}
	o.Drawn = false
	if got := markdown.Render(bot.Card{Title: "t"}, o).Text; !strings.HasSuffix(got, "- **reject 7K3MQ2**\n- Show all: **show 7K3MQ2**") {
		t.Errorf("%s", got)
	}
}

// A sign that ends a word stands right behind the marked one.
func TestNoBlankBeforeASign(t *testing.T) {
	t.Parallel()
	card := bot.Card{Title: "t", Sections: []bot.Section{{Lines: []bot.Line{{{Text: "hr", Bold: true}, {Text: ": HR, (see "}, {Text: "help", Code: true}, {Text: ") and "}, {Text: "more", Bold: true}, {Text: "of it"}}}}}}
	got := markdown.Render(card, markdown.Options{Dialect: markdown.DingTalk, Lang: bot.EN}).Text
	if want := "**hr**: HR, (see **help**) and **more** of it"; !strings.Contains(got, want) {
		t.Errorf("%q is not in %q", want, got)
	}
}
