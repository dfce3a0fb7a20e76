package rosterfile

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// FuzzNeutralRoundTrip: what is written is no formula, and reads as it was.
func FuzzNeutralRoundTrip(f *testing.F) {
	for _, s := range []string{"", "x", "=1", "＝1", "＋86", "－2", "＠A", "−1", " =1", "\n=1", "\t\tx", "\u3000＝1", "\u00a0@x", "'＝1", "'' +1", "' =1", "'", "=\"007\"", "＝\"007\"", "王磊"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		written := neutral(s)
		if directory.IsFormula(written) {
			t.Errorf("%q is written as the formula %q", s, written)
		}
		if clean(written) != written {
			return // outer blanks and what is not seen are not kept: such a value is refused when it is read back
		}
		if got := csvCell(written).text; got != s {
			t.Errorf("%q is written as %q and read as %q", s, written, got)
		}
	})
}
