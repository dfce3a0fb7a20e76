package webhook

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/run"
)

func size(s string) int { return len(s) }

func cardOf(lines int) bot.Card {
	c := bot.Card{Title: "T", Sections: []bot.Section{{}}}
	for i := range lines {
		c.Sections[0].Lines = append(c.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("line %02d", i)}})
	}
	return c
}

// TestParts: every part has its number, and the keyword without which the robot
// would refuse it; one alone has neither twice.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, lead := range []string{"", "点名"} {
		opt := markdown.Options{Dialect: markdown.Text, Lang: bot.EN, Lead: lead, Size: size}
		_, one := parts(bot.Outgoing{Lang: bot.EN, Card: cardOf(3)}, opt, 1000)
		if len(one) != 1 || strings.Contains(one[0], "(1/1)") || strings.Count(one[0], "点名") != len(lead)/len("点名") {
			t.Errorf("lead %q: one part: %q", lead, one)
		}
		_, several := parts(bot.Outgoing{Lang: bot.EN, Card: cardOf(9)}, opt, 40)
		if len(several) < 2 || len(several) > maxParts {
			t.Fatalf("lead %q: %d parts", lead, len(several))
		}
		for i, text := range several {
			if !strings.HasSuffix(text, fmt.Sprintf("\n\n(%d/%d)", i+1, len(several))) {
				t.Errorf("lead %q: part %d has another number: %q", lead, i, text)
			}
			if lead != "" && (!strings.HasPrefix(text, lead) || strings.Count(text, lead) != 1) {
				t.Errorf("part %d has not the keyword once: %q", i, text)
			}
			if lead == "" && strings.HasPrefix(text, "\n") {
				t.Errorf("part %d begins with an empty line: %q", i, text)
			}
		}
	}
}

// TestPiecesFit: a measure that is not bytes is obeyed, without cutting smaller
// than it asks for.
func TestPiecesFit(t *testing.T) {
	t.Parallel()
	text := strings.TrimSpace(strings.Repeat("0123456789\n", 30))
	double := func(s string) int { return 2 * len(s) }
	for _, tt := range []struct {
		room    int
		measure func(string) int
		atMost  int
	}{{len(text), size, 1}, {len(text) - 1, size, 2}, {100, size, 4}, {200, double, 5}, {2 * len(text), double, 1}} {
		got := pieces(text, tt.room, tt.measure)
		if len(got) > tt.atMost || strings.Join(got, "\n") != text {
			t.Errorf("room %d: %d pieces: %q", tt.room, len(got), got)
		}
		for _, piece := range got {
			if tt.measure(piece) > tt.room {
				t.Errorf("room %d: a piece of %d", tt.room, tt.measure(piece))
			}
		}
	}
}

// TestALadderOfSizes: what was refused as too large comes in smaller parts, on
// each platform and in each form.
func TestALadderOfSizes(t *testing.T) {
	t.Parallel()
	for platform, v := range vendors() {
		r := &Robot{o: Options{Type: platform}}
		for _, words := range []bool{false, true} {
			count := func(shrink int) int {
				got, err := v.draw(r, bot.Outgoing{Lang: bot.EN, Card: cardOf(1400)}, form{words: words, shrink: shrink})
				if err != nil {
					t.Fatal(err)
				}
				return len(fmt.Sprint(got[0].fields))
			}
			whole, half := count(1), count(2)
			if half > whole*2/3 || half < whole/4 {
				t.Errorf("%s, words %t: a part of %d becomes one of %d", platform, words, whole, half)
			}
		}
	}
}

// TestAsManyAreCalledAsTheVendorTakes counts the people that a message calls.
func TestAsManyAreCalledAsTheVendorTakes(t *testing.T) {
	t.Parallel()
	r := &Robot{o: Options{Type: run.DingTalk}}
	for people, want := range map[int]int{0: 0, 1: 1, maxMentions: maxMentions, maxMentions + 1: maxMentions} {
		o := bot.Outgoing{Platform: run.DingTalk, Card: cardOf(1)}
		for i := range people {
			o.Mention = append(o.Mention, fmt.Sprint("p", i))
		}
		got, err := drawDingTalk(r, o, form{shrink: 1})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if at, _ := got[0].fields["at"].(map[string]any); len(at["atUserIds"].([]string)) != want {
			t.Errorf("%d of %d people are called: %v", want, people, at)
		}
	}
}
