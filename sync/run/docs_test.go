package run_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/run"
)

var update = flag.Bool("update", false, "write the moves into docs/run-states")

// The marks between which the moves stand in a page.
const (
	movesBegin = "<!-- moves: written by the test of sync/run, with -update -->\n"
	movesEnd   = "<!-- end of moves -->\n"
)

// TestDocs checks that the pages about run states draw exactly the legal moves.
func TestDocs(t *testing.T) {
	t.Parallel()
	for file, zh := range map[string]bool{"run-states.md": false, "run-states.zh-CN.md": true} {
		path := filepath.Join("..", "..", "docs", file)
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, begins := strings.Cut(string(page), movesBegin)
		_, tail, ends := strings.Cut(rest, movesEnd)
		want := head + movesBegin + movesTable(zh) + "\n" + movesDiagram() + movesEnd + tail
		switch {
		case !begins || !ends:
			t.Errorf("%s has no marks for the moves", file)
		case *update:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		case want != string(page):
			t.Errorf("the moves in %s are out of date: run the test with -update", file)
		}
	}
}

// TestMovesLeadToAnEnd sees that every state is known, can be reached and leads
// to an end: a run that nobody can end would hold its flow's cards for ever.
func TestMovesLeadToAnEnd(t *testing.T) {
	t.Parallel()
	reached := map[run.State]bool{run.Queued: true}
	for _, s := range run.States() {
		for _, to := range s.Moves() {
			if !slices.Contains(run.States(), to) {
				t.Errorf("%s moves to %q, which is no state", s, to)
			}
			reached[to] = true
		}
		if !s.Ended() && !slices.ContainsFunc(s.Moves(), run.State.Ended) {
			t.Errorf("no move from %s ends", s)
		}
	}
	for _, s := range run.States() {
		if !reached[s] {
			t.Errorf("nothing moves to %s", s)
		}
	}
}

func movesTable(zh bool) string {
	var b strings.Builder
	columns, end := "| state | may become |", "— (an end)"
	if zh {
		columns, end = "| 状态 | 可以变成 |", "—（终点）"
	}
	b.WriteString(columns + "\n|---|---|\n")
	for _, s := range run.States() {
		cells := make([]string, 0, len(s.Moves()))
		for _, to := range s.Moves() {
			cells = append(cells, "`"+string(to)+"`")
		}
		if len(cells) == 0 {
			cells = []string{end}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", s, strings.Join(cells, ", "))
	}
	return b.String()
}

func movesDiagram() string {
	var b strings.Builder
	fmt.Fprintf(&b, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", run.Queued)
	for _, s := range run.States() {
		for _, to := range s.Moves() {
			fmt.Fprintf(&b, "    %s --> %s\n", s, to)
		}
	}
	for _, s := range run.States() {
		if s.Ended() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n")
	return b.String()
}
