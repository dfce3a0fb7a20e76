package store

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// A way out finds its letters by the index, however many wait for others: it asks
// with every letter that is written.
func TestLettersAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for name, pick := range map[string]run.Pick{"one": {Way: "feishu"}, "every": {}} {
		where, args := picked(pick, 1)
		rows, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE `+where+` ORDER BY seq LIMIT 8`, args...)
		all, err := collect(rows, err, func(scan func(...any) error) (string, error) {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			return detail, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(all, "\n"); strings.Contains(plan, "INDEX outbox_by_way (way=?)") != (name == "one") || strings.Contains(plan, "TEMP B-TREE") != (name != "one") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}

// The letters of other ways are those of none that is named.
func TestOtherWays(t *testing.T) {
	t.Parallel()
	for want, except := range map[string][]string{
		"way < $3 OR way > $3":                                                   {"a"},
		"way < $3 OR way > $3 AND way < $4 OR way > $4":                          {"b", "a"},
		"way < $3 OR way > $3 AND way < $4 OR way > $4 AND way < $5 OR way > $5": {"c", "a", "b"},
	} {
		got, args := otherWays(except, 2)
		if got != want || len(args) != len(except) || args[0] != "a" {
			t.Errorf("%v: %s, %v", except, got, args)
		}
	}
}
