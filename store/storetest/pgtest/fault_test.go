package pgtest_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
)

// TestFaults kills, stops, freezes and cuts one server again and again: what was
// committed is there each time.
func TestFaults(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	db, err := sql.Open("pgx", server.URL(t, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE rows (n INTEGER)`); err != nil {
		t.Fatal(err)
	}
	var rows int
	write := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := db.ExecContext(ctx, `INSERT INTO rows VALUES (1)`)
		if err == nil {
			rows++
		}
		return err
	}
	faults := []struct {
		name       string
		harm, mend func()
		mayLand    bool // a write that failed may be done all the same
	}{
		{name: "killed", harm: func() { server.Kill(t) }, mend: func() { server.Restart(t) }},
		{name: "stopped", harm: func() { server.Stop(t, "fast") }, mend: func() { server.Restart(t) }},
		{name: "crashed", harm: func() { server.Stop(t, "immediate") }, mend: func() { server.Restart(t) }},
		{name: "frozen", harm: func() { server.Freeze(t) }, mend: func() { server.Thaw(t) }, mayLand: true},
		{name: "read-only", harm: func() { server.ReadOnly(t, true) }, mend: func() { server.ReadOnly(t, false) }},
	}
	for range 5 {
		for _, f := range faults {
			if err := write(10 * time.Second); err != nil {
				t.Fatalf("before it is %s: %v", f.name, err)
			}
			f.harm()
			if err := write(300 * time.Millisecond); err == nil {
				t.Errorf("it is %s, and can be written", f.name)
			}
			f.mend()
			var have int
			if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM rows`).Scan(&have); err != nil || have < rows || !f.mayLand && have > rows {
				t.Fatalf("after it was %s: %d rows, want %d, %v", f.name, have, rows, err)
			}
			rows = have
		}
		if server.Cut(t) == 0 {
			t.Error("there is no session to be cut")
		}
	}
}

// TestWay delays and breaks what goes between the server and who uses it.
func TestWay(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	way := server.Way(t)
	db, err := sql.Open("pgx", way.URL(t, t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ask := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return db.QueryRowContext(ctx, `SELECT 1`).Scan(new(int))
	}
	for range 3 {
		if err := ask(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		way.Delay(400 * time.Millisecond)
		if err := ask(200 * time.Millisecond); err == nil {
			t.Error("a slow way answers at once")
		}
		if err := ask(20 * time.Second); err != nil {
			t.Errorf("a slow way: %v", err)
		}
		way.Delay(0)
		way.Hang(true)
		if err := ask(200 * time.Millisecond); err == nil {
			t.Error("there is an answer on a way that hangs")
		}
		way.Hang(false)
		if err := ask(10 * time.Second); err != nil {
			t.Error(err)
		}
		way.Cut()
	}
}
