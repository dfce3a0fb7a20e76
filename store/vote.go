package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Vote stores a vote and the run as fn changes it, all or nothing. fn sees the
// votes so far in the order they came, without the new one; it may run more than
// once and must not do I/O. A vote that neither moves the run nor lets it cool off
// gives an EventVoted; one that breaks the glass gives an EventAlarm. Faults:
// NotFound, Denied for a vote of nobody, Conflict when the person voted already
// (but an approval may be taken back by a rejection, or followed by breaking the
// glass: the new vote then stands in its place, and fn does not see the old one),
// and what fn gives.
func (s *Store) Vote(ctx context.Context, v run.Vote, fn func(r *run.Run, votes []run.Vote) error) (run.Run, error) {
	if v.By.Person == "" {
		return run.Run{}, fault.New(fault.Denied, "only a known person can vote / 只有已登记的人员才能表决")
	}
	if v.At.IsZero() {
		v.At = s.now()
	}
	var next run.Run
	err := s.write(ctx, "store vote", func(tx *sql.Tx) error {
		old, err := loadRunByCode(ctx, tx, v.Run)
		if err != nil {
			return err
		}
		votes, err := loadVotes(ctx, tx, v.Run)
		if err != nil {
			return err
		}
		place, own := len(votes), slices.IndexFunc(votes, func(o run.Vote) bool { return o.By.Person == v.By.Person })
		if own >= 0 {
			if votes[own].Decision != run.Approve || v.Decision == run.Approve {
				return votedAlready(v)
			}
			place, votes = own, slices.Delete(votes, own, own+1)
			if _, err := tx.ExecContext(ctx, `DELETE FROM votes WHERE run = $1 AND person = $2`, v.Run, v.By.Person); err != nil {
				return err
			}
		}
		next = old
		if err := fn(&next, votes); err != nil {
			return callerError{err}
		}
		if err := s.addVote(ctx, tx, v, place); err != nil {
			return err
		}
		if err := s.record(ctx, tx, voted(v, old, next)); err != nil {
			return err
		}
		// The run is written even when fn left it alone: a vote that is counted at
		// the same time must lose its compare-and-set and count this one.
		next, err = s.storeRun(ctx, tx, v.By, old, next)
		return err
	})
	if err != nil {
		return run.Run{}, err
	}
	return next, nil
}

// voted is what a vote leaves in the audit, and says.
func voted(v run.Vote, old, next run.Run) deed {
	d := deed{run: v.Run, by: v.By, action: "vote.counted", detail: string(v.Decision)}
	if v.For != "" {
		d.detail += " for " + v.For
	}
	if v.Part != nil {
		d.detail += fmt.Sprintf(" of %d", len(v.Part))
	}
	switch {
	case v.Decision == run.BreakGlass:
		d.detail += ": " + v.Reason
		d.kind, d.say = run.EventAlarm, v.Alarm()
	case old.State == next.State && (!next.Cooling() || old.Cooling()):
		d.kind, d.say = run.EventVoted, v.By.Person
	}
	return d
}

func votedAlready(v run.Vote) error {
	return fault.New(fault.Conflict, "%s has voted on %s already / %s 已经对 %s 表决过了", v.By.Person, v.Run, v.By.Person, v.Run)
}

func (s *Store) addVote(ctx context.Context, tx *sql.Tx, v run.Vote, place int) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO votes (run, person, place, body) VALUES ($1, $2, $3, $4)`, v.Run, v.By.Person, place, body)
	if kindOf(err) == fault.Conflict {
		return errors.Join(votedAlready(v), err)
	}
	return err
}

// Votes gives the votes on a run in the order they came.
func (s *Store) Votes(ctx context.Context, code run.Code) ([]run.Vote, error) {
	votes, err := loadVotes(ctx, s.reader, code)
	if err != nil {
		return nil, s.fail("read votes", err)
	}
	return votes, nil
}

func loadVotes(ctx context.Context, q querier, code run.Code) ([]run.Vote, error) {
	rows, err := q.QueryContext(ctx, `SELECT body FROM votes WHERE run = $1 ORDER BY place, person`, code)
	return collect(rows, err, func(scan func(...any) error) (run.Vote, error) {
		var body string
		if err := scan(&body); err != nil {
			return run.Vote{}, err
		}
		return decode[run.Vote](body)
	})
}
