package bot

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	chartDays = 7
	// chartChanges is how large a plan may be to be looked through. A larger one
	// that was carried out whole is counted by its numbers.
	chartChanges = 20_000
)

// days counts the accounts that joined, changed and left on each of the last
// days.
type days struct {
	begin time.Time // midnight of the first
	all   [chartDays]moves
}

// moves are numbers of accounts on one day.
type moves struct{ joined, changed, left int }

func (m moves) total() int { return m.joined + m.changed + m.left }

// add counts one account.
func (m *moves) add(op plan.Op, n int) {
	switch op {
	case plan.Create:
		m.joined += n
	case plan.Update:
		m.changed += n
	case plan.Disable, plan.Delete:
		m.left += n
	case plan.Adopt, plan.None: // nothing happened to the account
	}
}

// newDays gives the days up to that of now, by the clock of now's zone.
func newDays(now time.Time) *days {
	return &days{begin: time.Date(now.Year(), now.Month(), now.Day()-chartDays+1, 0, 0, 0, 0, now.Location())}
}

func (d *days) first() time.Time { return d.begin }

// date gives midnight of a day; by the calendar, since not every day has 24
// hours.
func (d *days) date(i int) time.Time {
	return time.Date(d.begin.Year(), d.begin.Month(), d.begin.Day()+i, 0, 0, 0, 0, d.begin.Location())
}

// of gives the day of a time, nil when it is none of them.
func (d *days) of(at time.Time) *moves {
	for i := chartDays - 1; i >= 0; i-- {
		if !at.Before(d.date(i)) {
			if !at.Before(d.date(i + 1)) {
				return nil
			}
			return &d.all[i]
		}
	}
	return nil
}

// section draws the days; the lines say the same numbers in words, but for days
// on which nothing happened. When nothing happened at all there is no section.
func (d *days) section(l Lang) Section {
	joined, changed, left := l.say("joined", "加入"), l.say("changed", "变更"), l.say("left", "离开")
	s := Section{Title: l.say("Accounts, the last %d days", "最近 %d 天的账号变动", chartDays), Bullet: true}
	chart := &Chart{Title: s.Title}
	sum := 0
	for i, m := range d.all {
		at := d.date(i).Format("01-02")
		sum += m.total()
		chart.Points = append(chart.Points, []Point{{at, joined, m.joined}, {at, changed, m.changed}, {at, left, m.left}}...)
		if m.total() == 0 {
			continue
		}
		s.Lines = append(s.Lines, Line{code(at), plain(" " + pair(joined, m.joined) + " · " + pair(changed, m.changed) + " · " + pair(left, m.left))})
	}
	if sum == 0 {
		return Section{}
	}
	s.Chart = chart
	return s
}

// countDay counts the people of a run on the day on which it ended: those whose
// account it really changed, departments not.
func (d *summary) countDay(ctx context.Context, r run.Run) error {
	day := d.days.of(r.Ended)
	if day == nil || r.Outcome.Done == 0 {
		return nil
	}
	if r.Counts.Total() > chartChanges && r.Outcome.Done == r.Counts.Total() {
		day.add(plan.Create, r.Counts.Create)
		day.add(plan.Update, r.Counts.Update)
		day.add(plan.Delete, r.Counts.Destructive())
		return nil
	}
	_, p, err := d.b.o.Service.Get(ctx, r.Code)
	if err != nil && (passing(err) || ctx.Err() != nil) {
		return fmt.Errorf("read plan: %w", err)
	}
	if err != nil || p == nil {
		d.b.o.Logger.ErrorContext(ctx, "plan cannot be counted", "run", r.Code, "kind", fault.KindOf(err), "err", err)
		return nil
	}
	entries, err := d.b.o.Service.Entries(ctx, r.Code)
	if err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	done := map[int]bool{}
	for _, e := range entries {
		done[e.Seq] = e.Step == run.StepDone
	}
	for i := range p.Changes {
		if ch := &p.Changes[i]; done[ch.Seq] && ch.Key.Kind == directory.User {
			day.add(ch.Op, 1)
		}
	}
	return nil
}
