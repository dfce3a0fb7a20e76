package markdown

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
)

func TestPlainIsCutAtItsCharacters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{
		{"李敏敏", 3, "李敏敏"},
		{"李敏敏敏", 3, "李敏…"},
		{"李敏", 1, "…"},
		{"李敏", 0, ""},
		{"李敏", -1, ""},
		{"", 0, ""},
		{"a\xffb", 9, "ab"},
		{"a\u202eb\u200bc\x00d\ue000e", 9, "abcde"},
		{"a\u2028b\nc\td", 9, "a b c d"},
		{"http://a", 20, "http:／／a"},
		{"WWW.a wWw.b", 20, "WWW．a wWw．b"},
	} {
		if got := Plain(tt.s, tt.n); got != tt.want {
			t.Errorf("Plain(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestUnderscores(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"hr_to_wecom": "hr_to_wecom",
		"a_":          "a＿",
		"_a":          "＿a",
		"_":           "＿",
		"a_ b":        "a＿ b",
		"a _b":        "a ＿b",
		"a__b":        "a＿＿b",
		"1_2":         "1_2",
		"李_敏":         "李＿敏",
		"a_敏":         "a＿敏",
		"敏_a":         "敏＿a",
		"a_.":         "a＿.",
	} {
		if got := underscores(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func TestTheStartOfALine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"# a": "＃ a", "- a": "－ a", "+ a": "＋ a", "=": "＝", "1. a": "1． a", "12) a": "12） a",
		"12": "12", "1 a": "1 a", "a. b": "a. b", "a- b": "a- b", "": "",
	} {
		if got := (Options{Dialect: DingTalk}).start(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
		if got := (Options{Dialect: Text}).start(s); got != s {
			t.Errorf("in plain text %q becomes %q", s, got)
		}
	}
}

// TestTheLastResort: a text without a single line that may go is cut within a
// character's bounds, says so, and is never above the limit.
func TestTheLastResort(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("敏", 40)
	for limit := range 130 {
		o := Options{Limit: limit, Size: func(s string) int { return len(s) }}
		got := o.cut(text)
		switch {
		case len(got) > limit:
			t.Errorf("limit %d: %d bytes", limit, len(got))
		case limit >= len(text) && got != text:
			t.Errorf("limit %d: %q is cut without need", limit, got)
		case limit < len(text) && got != "" && got != strings.Repeat("敏", (len(got)-len("…"))/3)+"…":
			t.Errorf("limit %d: %q", limit, got)
		case limit >= 9 && len(got) < limit*8/10-6:
			t.Errorf("limit %d: only %d bytes are left", limit, len(got))
		}
	}
}

// TestATitleGoesWithItsLines: what is counted as missing are lines, not titles,
// and no title stands alone at the place of the cut.
func TestATitleGoesWithItsLines(t *testing.T) {
	t.Parallel()
	one := func(s string) bot.Line { return bot.Line{{Text: s + strings.Repeat(" tail", 9)}} }
	card := bot.Card{Title: "T", Sections: []bot.Section{
		{Title: "first", Lines: []bot.Line{one("a"), one("b")}},
		{Title: "second", Lines: []bot.Line{one("c"), one("d")}},
	}}
	all := Render(card, Options{Dialect: Text})
	seen := map[int]bool{}
	for limit := len(all.Text); limit > 20; limit-- {
		d := Render(card, Options{Dialect: Text, Limit: limit})
		lines := 0
		for _, s := range []string{"a", "b", "c", "d"} {
			if strings.Contains(d.Text, "\n"+s) {
				lines++
			}
		}
		if len(d.Text) > limit && d.Left < 4 {
			t.Errorf("limit %d: %d bytes", limit, len(d.Text))
		}
		if lines+d.Left != 4 {
			t.Errorf("limit %d: %d lines and %d left:\n%s", limit, lines, d.Left, d.Text)
		}
		if strings.Contains(d.Text, "second") != strings.Contains(d.Text, "\nc") {
			t.Errorf("limit %d: a title alone:\n%s", limit, d.Text)
		}
		seen[d.Left] = true
	}
	if !seen[0] || !seen[1] || !seen[2] || !seen[3] {
		t.Errorf("not every cut was seen: %v", seen)
	}
}

func TestSplitAtTheBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		n    int
		want []string
	}{
		{"abcd", 4, []string{"abcd"}},
		{"abcde", 4, []string{"abcd", "e"}},
		{"abcd\ne", 4, []string{"abcd", "e"}},
		{"\nabcd", 3, []string{"ab", "cd"}},
		{"敏敏", 4, []string{"敏", "敏"}},
		{"敏敏", 3, []string{"敏", "敏"}},
		{"  ", 1, nil},
	} {
		got := Split(tt.text, tt.n)
		if strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("Split(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}
