package meter_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/meter"
)

var update = flag.Bool("update", false, "write the metrics into docs/operations")

// The marks between which the metrics stand in a page.
const (
	metricsBegin = "<!-- metrics: written by the test of sync/meter, with -update -->\n"
	metricsEnd   = "<!-- end of metrics -->\n"
)

func metricsTable(zh bool) string {
	var b strings.Builder
	b.WriteString("| metric | labels | kind | |\n|---|---|---|---|\n")
	if zh {
		b.Reset()
		b.WriteString("| 指标 | 标签 | 类型 | |\n|---|---|---|---|\n")
	}
	for _, f := range meter.Families() {
		text := f.EN
		if zh {
			text = f.ZH
		}
		labels := "—"
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "` `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, labels, f.Kind, text)
	}
	return b.String()
}

// TestDocs checks that the pages about operations list exactly the metrics that
// there are.
func TestDocs(t *testing.T) {
	t.Parallel()
	for file, zh := range map[string]bool{"operations.md": false, "operations.zh-CN.md": true} {
		path := filepath.Join("..", "..", "docs", file)
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, begins := strings.Cut(string(page), metricsBegin)
		_, tail, ends := strings.Cut(rest, metricsEnd)
		want := head + metricsBegin + metricsTable(zh) + metricsEnd + tail
		switch {
		case !begins || !ends:
			t.Errorf("%s has no marks for the metrics", file)
		case *update:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		case want != string(page):
			t.Errorf("the metrics in %s are out of date: run the test with -update", file)
		}
	}
}
