package store

import (
	"strings"
	"testing"
	"time"
)

func TestDeedsAreFoundByTheirIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rows, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+deedQuery, "flow", "user", "1001", 3)
	steps, err := collect(rows, err, func(scan func(...any) error) (string, error) {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		return detail, err
	})
	if err != nil || !strings.Contains(strings.Join(steps, "\n"), "changes_by_source") {
		t.Errorf("the query goes %q, %v", steps, err)
	}
}
