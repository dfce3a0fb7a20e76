package main

import (
	"database/sql"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestT16_NoiseCallsNobody posts thousands of forgeries: not one call goes out,
// nobody in a group hears of them, and the service answers as before.
func TestT16_NoiseCallsNobody(t *testing.T) {
	t.Parallel()
	s, between := sabotaged(t, stage.Options{FeishuCallback: true, DingCallback: true})
	s.settled(t)
	before, heard := map[string]int64{}, len(s.all())
	for name, b := range between {
		before[name] = b.calls.Load()
	}
	const each = 5000
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var odd, sent atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 2 * each / 8 {
				door := s.stage.Door(stage.FeishuRoom)
				if i%2 == 0 {
					door = s.stage.Door(stage.DingRoom)
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, door, strings.NewReader(`{"encrypt":"AAAA","type":"url_verification","challenge":"x","text":{"content":"批准"}}`))
				if err != nil {
					t.Error(err)
					return
				}
				for _, name := range []string{"X-Lark-Signature", "X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "timestamp", "sign"} {
					req.Header.Set(name, "1700000000000")
				}
				res, err := client.Do(req)
				if err != nil {
					odd.Add(1)
					continue
				}
				_ = res.Body.Close()
				if sent.Add(1); res.StatusCode != http.StatusUnauthorized {
					odd.Add(1)
				}
			}
		})
	}
	all.Wait()
	if odd.Load() > 0 || sent.Load() != 2*each {
		t.Errorf("%d were not refused, %d sent", odd.Load(), sent.Load())
	}
	for name, b := range between {
		if n := b.calls.Load() - before[name]; n != 0 {
			t.Errorf("%d calls went to %s", n, name)
		}
	}
	if posts := s.all(); len(posts) != heard {
		t.Errorf("said: %+v", posts[heard:])
	}
	s.settled(t)
}

// TestT91_ARingIsNoOrder rings the workers with what an intruder in Redis could:
// a run that there is not, one that waits for its votes, and nonsense.
func TestT91_ARingIsNoOrder(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	for _, key := range []string{"7K3MQ2", g.code, "'; DROP TABLE runs; --", strings.Repeat("x", 4096), g.code + "\n" + g.code} {
		if err := g.app.bell.Ring(t.Context(), key); err != nil {
			t.Errorf("%.20q: %v", key, err)
		}
	}
	g.untouched(t)
	g.applied(t)
}

// TestT111_WithoutAuditNothingIsApplied makes the audit unwritable: a vote does
// not count, nothing is deleted, reading goes on; afterwards all is as before.
func TestT111_WithoutAuditNothingIsApplied(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	db, err := sql.Open("sqlite", g.record()+"?_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	exec := func(statement string) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the audit cannot be written'); END")
	vote := func() error {
		return (&backstage{app: g.app}).do(t.Context(), "approve", []string{"周凯", g.code, "delete=3"})
	}
	if err := vote(); err == nil {
		t.Error("a vote counts that nobody wrote down")
	}
	if votes, err := g.app.store.Votes(t.Context(), run.Code(g.code)); err != nil || len(votes) > 0 {
		t.Errorf("votes %+v, %v", votes, err)
	}
	if r := g.run(t, run.Code(g.code)); r.State != run.Awaiting {
		t.Errorf("the run is %s", r.State)
	}
	g.once(t, 0)
	exec("DROP TRIGGER no_audit")
	if err := vote(); err != nil {
		t.Fatal(err)
	}
	until(t, "the run succeeds", func() bool { return g.run(t, run.Code(g.code)).State == run.Succeeded })
	g.once(t, 12)
}

// TestT111_NoRunBeginsWithoutAudit: with the vote written down but the audit gone
// before the work begins, the run stops before its first change.
func TestT111_NoRunBeginsWithoutAudit(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	db, err := sql.Open("sqlite", g.record()+"?_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	// Whatever moves a run is refused; a vote alone may be kept.
	if _, err := db.ExecContext(t.Context(), "CREATE TRIGGER no_audit BEFORE INSERT ON audit WHEN NEW.action = 'run.moved' BEGIN SELECT RAISE(ABORT, 'no'); END"); err != nil {
		t.Fatal(err)
	}
	_ = (&backstage{app: g.app}).do(t.Context(), "approve", []string{"周凯", g.code, "delete=3"})
	if r := g.run(t, run.Code(g.code)); r.State != run.Awaiting {
		t.Errorf("the run is %s", r.State)
	}
	g.once(t, 0)
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER no_audit"); err != nil {
		t.Fatal(err)
	}
}
