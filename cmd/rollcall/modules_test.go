package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// least are the oldest versions that are free of what is known of them. Older
// ones would be taken again without a word when a line of go.mod is lost, since
// others ask for less.
var least = map[string]struct {
	version [3]int
	why     string
}{
	"golang.org/x/text":            {[3]int{0, 39, 0}, "T120, GO-2026-5970: an endless loop that a rule can reach; goja asks for v0.3.8"},
	"github.com/redis/go-redis/v9": {[3]int{9, 7, 3}, "GO-2025-3540: answers out of order after a time-out"},
	"github.com/quic-go/quic-go":   {[3]int{0, 59, 1}, "GO-2026-5676; gin asks for v0.59.0"},
	"github.com/gin-gonic/gin":     {[3]int{1, 9, 1}, "GO-2023-1737"},
	"github.com/gorilla/websocket": {[3]int{1, 4, 1}, "GO-2020-0019; the DingTalk SDK asks for v1.5.0"},
}

var requirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?(\S+\.\S+/\S+) v(\d+)\.(\d+)\.(\d+)`)

// TestT120_ModulesAreNewEnough sees that go.mod, which names what is built, holds
// modules above what is known to be wrong.
func TestT120_ModulesAreNewEnough(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][3]int{}
	for _, m := range requirement.FindAllSubmatch(text, -1) {
		var v [3]int
		for i := range v {
			if _, err := fmt.Sscan(string(m[2+i]), &v[i]); err != nil {
				t.Fatal(err)
			}
		}
		seen[string(m[1])] = v
	}
	for module, want := range least {
		have, ok := seen[module]
		switch {
		case !ok:
			t.Errorf("go.mod does not name %s: %s", module, want.why)
		case older(have, want.version):
			t.Errorf("%s is v%d, at least v%d is needed: %s", module, have, want.version, want.why)
		}
	}
	if !older([3]int{0, 9, 9}, [3]int{0, 10, 0}) || older([3]int{1, 0, 0}, [3]int{0, 39, 0}) || older([3]int{0, 39, 0}, [3]int{0, 39, 0}) {
		t.Error("versions are compared wrongly")
	}
}

func older(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
