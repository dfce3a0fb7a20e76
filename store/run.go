package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// CreateRun stores a new run, which must be queued and have a code and a request
// id. When a run with the same RequestID is there it gives that one and false. The
// hints that the run is made of are deleted with it, all or nothing. Faults:
// Invalid, Conflict when another run has the code, Stale when a hint is not as it
// was read.
func (s *Store) CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error) {
	if r.Code == "" || r.RequestID == "" || r.Flow == "" || r.State != run.Queued {
		return run.Run{}, false, fault.New(fault.Invalid,
			"a new run is queued and has a code, a flow and a request id / 新运行必须处于排队状态，并有代码、流程和请求编号")
	}
	now := s.now()
	r.Version, r.Updated = 1, now
	if r.Created.IsZero() {
		r.Created = now
	}
	created := false
	err := s.write(ctx, "create run", func(tx *sql.Tx) error {
		old, err := loadRun(ctx, tx, `request_id = $1`, r.RequestID)
		if err == nil {
			r, created = old, false
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		created = true
		if err := takeHints(ctx, tx, of); err != nil {
			return err
		}
		if r, err = insertRun(ctx, tx, r); err != nil {
			return err
		}
		return s.record(ctx, tx, deed{run: r.Code, by: r.By, action: "run.created", detail: r.Flow, kind: run.EventMoved, say: moved("", r.State)})
	})
	if err != nil {
		return run.Run{}, false, err
	}
	return r, created, nil
}

// moved is what an event and an audit row say of a move; from is "" at birth.
func moved(from, to run.State) string { return string(from) + "→" + string(to) }

func insertRun(ctx context.Context, tx *sql.Tx, r run.Run) (run.Run, error) {
	body, err := encode(r)
	if err != nil {
		return run.Run{}, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO runs (code, request_id, flow, state, version, created, wake, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		r.Code, r.RequestID, r.Flow, r.State, r.Version, millis(r.Created), millis(wakeOf(r)), body)
	if err != nil {
		return run.Run{}, err
	}
	return decode[run.Run](body) // as every later reader sees it
}

// loadRun reads one run by a condition on $1; sql.ErrNoRows when there is none.
func loadRun(ctx context.Context, q querier, where string, arg any) (run.Run, error) {
	var body string
	if err := q.QueryRowContext(ctx, `SELECT body FROM runs WHERE `+where, arg).Scan(&body); err != nil {
		return run.Run{}, err
	}
	return decode[run.Run](body)
}

func loadRunByCode(ctx context.Context, q querier, code run.Code) (run.Run, error) {
	r, err := loadRun(ctx, q, `code = $1`, code)
	if errors.Is(err, sql.ErrNoRows) {
		return run.Run{}, noRun(code)
	}
	return r, err
}

// UpdateRun loads the run, lets fn change it and stores it. fn may make at most
// one move, may run more than once and must not do I/O; its error ends the
// transaction and comes back. A run that fn leaves as it is costs nothing.
// Faults: NotFound, Conflict for a move that is not legal.
func (s *Store) UpdateRun(ctx context.Context, code run.Code, by run.Actor, fn func(*run.Run) error) (run.Run, error) {
	var next run.Run
	err := s.write(ctx, "update run", func(tx *sql.Tx) error {
		old, err := loadRunByCode(ctx, tx, code)
		if err != nil {
			return err
		}
		next = old
		if err := fn(&next); err != nil {
			return callerError{err}
		}
		if next == old {
			return nil
		}
		next, err = s.storeRun(ctx, tx, by, old, next)
		return err
	})
	if err != nil {
		return run.Run{}, err
	}
	return next, nil
}

// storeRun writes a changed run over the version it was read in, with what the
// audit and the bot must know of it.
func (s *Store) storeRun(ctx context.Context, tx *sql.Tx, by run.Actor, old, next run.Run) (run.Run, error) {
	if err := checkChange(old, next); err != nil {
		return run.Run{}, err
	}
	next.Version, next.Updated = old.Version+1, s.now()
	body, err := encode(next)
	if err != nil {
		return run.Run{}, err
	}
	n, err := affected(tx.ExecContext(ctx, `UPDATE runs SET state = $1, version = $2, wake = $3, body = $4
		WHERE code = $5 AND version = $6`, next.State, next.Version, millis(wakeOf(next)), body, next.Code, old.Version))
	if err != nil {
		return run.Run{}, err
	}
	if n == 0 {
		return run.Run{}, errLost
	}
	d := deed{run: next.Code, by: by, action: "run.changed"}
	if old.State != next.State {
		d.action, d.detail = "run.moved", moved(old.State, next.State)
		d.kind, d.say = run.EventMoved, d.detail
	} else if d.detail, err = changedFields(old, body); err != nil {
		return run.Run{}, err
	} else if next.Cooling() && !old.Cooling() {
		d.kind, d.say = run.EventCooling, by.Person
	}
	if d.detail != "" { // else a vote alone, which has its own row
		if err := s.record(ctx, tx, d); err != nil {
			return run.Run{}, err
		}
	}
	return decode[run.Run](body)
}

// wakeOf gives when a run needs somebody next. One that waits since before that was
// kept needs somebody at its end.
func wakeOf(r run.Run) time.Time {
	if r.Wake.IsZero() && r.State == run.Awaiting {
		return r.Expires
	}
	return r.Wake
}

// checkChange refuses a move that is not legal, and any change of what names a
// run.
func checkChange(old, next run.Run) error {
	if old.Code != next.Code || old.Flow != next.Flow || old.RequestID != next.RequestID ||
		!old.Created.Equal(next.Created) || old.Version != next.Version {
		return fault.New(fault.Internal, "code, flow, request, birth and version of run %s are for ever / 运行 %s 的代码、流程、请求、创建时间和版本不可更改", old.Code, old.Code)
	}
	if old.State != next.State && !slices.Contains(old.State.Moves(), next.State) {
		return fault.New(fault.Conflict, "%s is %s and cannot become %s / %s 现在是 %s，不能变成 %s",
			old.Code, old.State, next.State, old.Code, old.State, next.State)
	}
	return nil
}

// changedFields names the fields that differ, for the audit. How far a reading or an
// application is tells nobody anything later: the journal has each change.
func changedFields(old run.Run, nextBody string) (string, error) {
	oldBody, err := encode(old)
	if err != nil {
		return "", err
	}
	var was, is map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(oldBody), &was), json.Unmarshal([]byte(nextBody), &is)); err != nil {
		return "", err
	}
	var names []string
	for name, v := range is {
		if string(was[name]) != string(v) {
			names = append(names, name)
		}
	}
	for name := range was {
		if _, still := is[name]; !still {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains([]string{"version", "updated", "read", "outcome"}, n) })
	slices.Sort(names)
	return strings.Join(names, " "), nil
}

// Run gives a run. Faults: NotFound.
func (s *Store) Run(ctx context.Context, code run.Code) (run.Run, error) {
	r, err := loadRunByCode(ctx, s.reader, code)
	if err != nil {
		return run.Run{}, s.fail("read run", err)
	}
	return r, nil
}

const defaultRuns = 50

// Runs gives the runs that the filter selects, newest first.
func (s *Store) Runs(ctx context.Context, f run.Filter) ([]run.Run, error) {
	where := []string{"1 = 1"}
	var args []any
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if f.Flow != "" {
		add("flow = $%d", f.Flow)
	}
	if !f.Since.IsZero() {
		add("created >= $%d", millis(f.Since))
	}
	if f.States != nil {
		list, from := "", len(args)
		for i, state := range f.States {
			args = append(args, string(state))
			list += fmt.Sprintf(", $%d", from+i+1)
		}
		where = append(where, "state IN ("+strings.TrimPrefix(list, ", ")+")")
	}
	if f.Whole { // within a text of the body a quote is never bare, so that this is the field
		where = append(where, `body NOT LIKE '%"objects":"%'`)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultRuns
	}
	query := fmt.Sprintf(`SELECT body FROM runs WHERE %s ORDER BY created DESC, code DESC LIMIT %d`, strings.Join(where, " AND "), limit)
	return s.runs(ctx, query, args...)
}

// Due gives the runs that need a worker now, oldest first: those that a worker
// should own while nobody holds their flow, and those that await approval and
// whose time to wake has come.
func (s *Store) Due(ctx context.Context) ([]run.Run, error) {
	now := s.clock(s.now())
	return s.runs(ctx, `SELECT body FROM runs
		WHERE state IN ($1, $2, $3, $4)
			AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.flow = runs.flow AND leases.until > `+now+`)
			OR state = $5 AND wake > 0 AND wake <= `+now+`
		ORDER BY created, code`,
		run.Queued, run.Reading, run.Planning, run.Applying, run.Awaiting)
}

func (s *Store) runs(ctx context.Context, query string, args ...any) ([]run.Run, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Run, error) {
		var body string
		if err := scan(&body); err != nil {
			return run.Run{}, err
		}
		return decode[run.Run](body)
	})
	if err != nil {
		return nil, s.fail("read runs", err)
	}
	return all, nil
}

// Recent counts the DISABLE and DELETE changes of a flow whose call was made
// since a time and may have had its effect: done, in doubt, or sent without an
// answer so far.
func (s *Store) Recent(ctx context.Context, flow string, since time.Time) (int, error) {
	var n int
	err := s.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM changes
		WHERE flow = $1 AND sent > 0 AND sent >= $2 AND op IN ('DISABLE', 'DELETE') AND step IN ($3, $4, $5)`,
		flow, millis(since), run.StepDone, run.StepInDoubt, run.StepSending).Scan(&n)
	if err != nil {
		return 0, s.fail("count changes", err)
	}
	return n, nil
}
