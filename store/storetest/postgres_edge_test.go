package storetest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func openAt(t *testing.T, address string) (*store.Store, error) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), URL: address, Now: storetest.NewClock().Now})
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

// TestPostgreSQLAlone has what only a server shared by several processes knows.
func TestPostgreSQLAlone(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"replicas that start together": testStartTogether, "one writer for each schema": testWriterOfSchema,
		"texts sort by bytes after a broken start": testOrderLater, "a session that ends": testSessionEnds,
		"a message during a long write": testClaimMeanwhile, "snapshots that are never finished": testUnfinished,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// testStartTogether: replicas of a new installation start at the same moment, and each
// finds an empty database.
func testStartTogether(t *testing.T, server *pgtest.Server) {
	for round := range 3 {
		address := server.URL(t, fmt.Sprint(t.Name(), round))
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				s, err := openAt(t, address)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if have, want, err := s.Version(t.Context()); err != nil || have != want {
					t.Errorf("version %d of %d, %v", have, want, err)
				}
				if _, err := s.Claim(t.Context(), "m", nil); err != nil {
					t.Errorf("claim: %v", err)
				}
			})
		}
		group.Wait()
	}
}

// raw opens the database without the store.
func raw(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// testWriterOfSchema: two addresses may lead to one schema in different words, and to
// two schemas in one database.
func testWriterOfSchema(t *testing.T, server *pgtest.Server) {
	address := server.URL(t, t.Name())
	db := raw(t, address)
	for _, schema := range []string{"one", "two"} {
		if _, err := db.ExecContext(t.Context(), `CREATE SCHEMA `+schema); err != nil {
			t.Fatal(err)
		}
	}
	with := func(name, value string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	open := func(address string) *store.Store {
		s, err := openAt(t, address)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open(with("search_path", "one"))
	again, options := open(with("search_path", `"one",public`)), open(with("options", "-csearch_path=one"))
	other := open(with("search_path", "two"))
	busy := func(s *store.Store) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return s.Ping(ctx) != nil
	}
	r, _, err := first.CreateRun(t.Context(), run.Run{Code: "7K3MQ2", Flow: "f", State: run.Queued, RequestID: "r", Trigger: run.ByCommand})
	if err != nil {
		t.Fatal(err)
	}
	_, err = first.UpdateRun(t.Context(), r.Code, run.Actor{}, func(*run.Run) error { // in the middle of a write
		if !busy(again) || !busy(options) {
			t.Error("two write into one schema at once")
		}
		if busy(other) {
			t.Error("another schema has to wait")
		}
		return errors.New("enough")
	})
	if err == nil || err.Error() != "enough" {
		t.Errorf("update: %v", err)
	}
}

// testOrderLater: a process that died while it set up the database leaves the order of
// texts to the next one.
func testOrderLater(t *testing.T, server *pgtest.Server) {
	address := server.URL(t, t.Name())
	if _, err := openAt(t, address); err != nil {
		t.Fatal(err)
	}
	db := raw(t, address)
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE rules ALTER COLUMN kind TYPE TEXT COLLATE "default"`); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, address); err != nil {
		t.Fatal(err)
	}
	var collation string
	err := db.QueryRowContext(t.Context(), `SELECT COALESCE(collation_name, 'default') FROM information_schema.columns
		WHERE table_name = 'rules' AND column_name = 'kind'`).Scan(&collation)
	if err != nil || collation != "C" {
		t.Errorf("texts are ordered by %s, %v", collation, err)
	}
}

// testSessionEnds: a server that ends our session in the middle of a write has written
// nothing, says so in time, and is asked again later.
func testSessionEnds(t *testing.T, server *pgtest.Server) {
	address := server.URL(t, t.Name())
	s, err := openAt(t, address)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := s.CreateRun(t.Context(), run.Run{Code: "7K3MQ2", Flow: "f", State: run.Queued, RequestID: "r", Trigger: run.ByCommand})
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, address)
	kill := func() {
		_, err := db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'rollcall'`)
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.UpdateRun(t.Context(), r.Code, run.Actor{}, func(r *run.Run) error {
		kill()
		r.Notes = 7
		return nil
	})
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a write whose session ended: %v", err)
	}
	kill()
	if got, err := s.Run(t.Context(), r.Code); err != nil || got.Notes != 0 {
		t.Errorf("read after it: %+v, %v", got, err)
	}
	for range 2 {
		kill()
		if _, err := s.Claim(t.Context(), "m", nil); err != nil {
			t.Errorf("claim with a dead connection in the pool: %v", err)
		}
	}
}

// testClaimMeanwhile: a chat platform waits a second for an answer, and the plan of a
// big company takes longer to be written.
func testClaimMeanwhile(t *testing.T, server *pgtest.Server) {
	address := server.URL(t, t.Name())
	s, err := openAt(t, address)
	if err != nil {
		t.Fatal(err)
	}
	other, err := openAt(t, address)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := s.CreateRun(t.Context(), run.Run{Code: "7K3MQ2", Flow: "f", State: run.Queued, RequestID: "r", Trigger: run.ByCommand})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.UpdateRun(t.Context(), r.Code, run.Actor{}, func(*run.Run) error { // in the middle of a write
		for id, to := range map[string]*store.Store{"m1": s, "m2": other} {
			if got, err := to.Claim(t.Context(), id, []byte("x")); err != nil || !got {
				t.Errorf("claim %s: %v, %v", id, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Errorf("update: %v", err)
	}
	if all, err := other.Unhandled(t.Context(), 10); err != nil || len(all) != 2 {
		t.Errorf("%d messages wait, %v", len(all), err)
	}
}

// testUnfinished: a worker that dies again and again while it saves a snapshot must not
// fill the database.
func testUnfinished(t *testing.T, server *pgtest.Server) {
	address := server.URL(t, t.Name())
	s, err := openAt(t, address)
	if err != nil {
		t.Fatal(err)
	}
	b := directory.NewBuilder("hr", time.Unix(1700000000, 0))
	b.Add(directory.Object{Key: directory.Key{Kind: directory.User, ID: "1"}, Active: true})
	snap, _ := b.Finish()
	if err := s.SaveSnapshot(t.Context(), "f", snap); err != nil {
		t.Fatal(err)
	}
	db := raw(t, address)
	for _, statement := range []string{
		`CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'dead'; END $$ LANGUAGE plpgsql`,
		`CREATE TRIGGER no BEFORE UPDATE ON snapshots FOR EACH ROW EXECUTE FUNCTION no()`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := s.SaveSnapshot(t.Context(), "f", snap); err == nil {
			t.Error("saved")
		}
	}
	versions := 0
	if err := db.QueryRowContext(t.Context(), `SELECT COUNT(DISTINCT version) FROM snapshot_parts`).Scan(&versions); err != nil || versions > 2 {
		t.Errorf("parts of %d versions, %v", versions, err)
	}
	if got, ok, err := s.LastSnapshot(t.Context(), "f"); err != nil || !ok || got.Digest() != snap.Digest() {
		t.Errorf("the last good one: %v, %v", ok, err)
	}
}
