package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// TestT110_AValueOfAnotherKindIsAChange: SQLite takes a value of any kind into any
// column. A text that was made into bytes reads the same and is never found by a
// condition: the row would be hidden from every list, and its hash would fit.
func TestT110_AValueOfAnotherKindIsAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		since  int64
	}{
		"run":               {`UPDATE audit SET run = CAST(run AS BLOB) WHERE seq = 3`, 0},
		"action":            {`UPDATE audit SET action = CAST(action AS BLOB) WHERE seq = 3`, 0},
		"who":               {`UPDATE audit SET who = CAST(who AS BLOB) WHERE seq = 3`, 2},
		"detail":            {`UPDATE audit SET detail = CAST(detail AS BLOB) WHERE seq = 3`, 3},
		"time in bytes":     {`UPDATE audit SET at = CAST(at AS BLOB) WHERE seq = 3`, 0},
		"time with a half":  {`UPDATE audit SET at = at + 0.5 WHERE seq = 3`, 0},
		"key":               {`UPDATE audit SET key_id = CAST(key_id AS BLOB) WHERE seq = 3`, 0},
		"number of the row": {`UPDATE audit SET seq = CAST(seq AS BLOB) WHERE seq = 3`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
			s, err := Open(t.Context(), Options{Dir: t.TempDir(), Now: func() time.Time { return now }, AuditKeys: [][]byte{make([]byte, keyLen)}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			for i := range 4 {
				a := run.Audit{Who: run.Actor{Person: "周凯"}, Action: "act", Run: "7K3MQ2", Detail: fmt.Sprint(i)}
				if err := s.Append(t.Context(), run.Event{}, a); err != nil {
					t.Fatal(err)
				}
			}
			if p, err := s.VerifyAudit(t.Context(), Check{Since: c.since}); err != nil || p.Break != nil {
				t.Fatalf("as it was written: %+v, %v", p, err)
			}
			if _, err := s.writer.ExecContext(t.Context(), c.change); err != nil {
				t.Fatal(err)
			}
			p, err := s.VerifyAudit(t.Context(), Check{Since: c.since})
			if err != nil || p.Break == nil || p.Break.Seq != 3 {
				t.Errorf("%+v, %v: want a break at 3", p, err)
			}
			if want := max(2-max(c.since-1, 0), 0); err == nil && p.Rows != want {
				t.Errorf("%d rows before it are proven, want %d", p.Rows, want)
			}
		})
	}
}
