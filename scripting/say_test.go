package scripting

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestQuote: both languages show what was quoted, whatever it holds.
func TestQuote(t *testing.T) {
	t.Parallel()
	for words, want := range map[string][2]string{
		"no department":        {"no department", "no department"},
		"没有部门":                 {"没有部门", "没有部门"},
		"no department / 没有部门": {"no department", "没有部门"},
		"a / b":                {"a / b", "a / b"},
		"甲 / 乙":                {"甲 / 乙", "甲 / 乙"},
		"a / b / 丙":            {"a / b / 丙", "a / b / 丙"},
		"":                     {"", ""},
	} {
		say := textThrew.quote(words)
		if en, zh := fault.In(say, "en"), fault.In(say, "zh"); en != textThrew.en+want[0] || zh != textThrew.zh+want[1] {
			t.Errorf("%q: %q and %q", words, en, zh)
		}
	}
}
