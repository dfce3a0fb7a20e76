package directory_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestIsFormula(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"": false, " ": false, "王磊": false, "a=1": false, "#1": false, "'=1": false, "1-2": false, "\ufffd": false, "\xff=": false,
		"=1+1": true, "+86 139": true, "-1": true, "@SUM(A1)": true, "＝1": true, "＋1": true, "－1": true, "＠A": true, "−1": true,
		"\tx": true, "\rx": true, "\nx": true, " =1": true, " \n @x": true, "\u3000＝1": true, "\u00a0+1": true, "\u200b=1": true, "\ufeff-1": true,
	} {
		if got := directory.IsFormula(s); got != want {
			t.Errorf("IsFormula(%q) = %v", s, got)
		}
	}
}
