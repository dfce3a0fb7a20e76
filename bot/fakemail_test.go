package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (m *mailbox) post(letters []run.Letter) {
	for _, l := range letters {
		if slices.ContainsFunc(m.out, func(o run.Letter) bool { return o.ID == l.ID }) {
			continue
		}
		for _, old := range m.out {
			_, held := m.held[old.ID]
			if l.Subject != "" && old.Subject == l.Subject && old.Lane == l.Lane && old.Version <= l.Version && m.gone[old.ID] == "" && old.Attempts == 0 && !held {
				m.gone[old.ID] = "merged"
			}
		}
		m.out = append(m.out, l)
	}
}

func (m *mailbox) Post(_ context.Context, letters []run.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.post(letters)
	return nil
}

func (m *mailbox) Outbox(_ context.Context, pick run.Pick) ([]run.Letter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		m.held = map[string]time.Time{}
	}
	var all []run.Letter
	lanes := map[string]bool{}
	for i := range m.out {
		l := &m.out[i]
		if m.gone[l.ID] != "" || lanes[l.Lane] {
			continue
		}
		lanes[l.Lane] = true
		if l.Due.After(m.now()) || m.held[l.ID].After(m.now()) || len(all) >= pick.Limit || pick.Way != "" && l.Way != pick.Way || slices.Contains(pick.Except, l.Way) {
			continue
		}
		if _, lost := m.held[l.ID]; lost {
			l.Attempts++
		}
		m.held[l.ID] = m.now().Add(pick.Hold)
		got := *l
		got.Held, got.Taken = m.held[l.ID], m.held[l.ID].UnixNano()
		all = append(all, got)
	}
	return all, nil
}

func (m *mailbox) Sent(_ context.Context, l run.Letter, key, at string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone[l.ID] = "sent"
	if key != "" && at != "" {
		m.places[key] = at
	}
	return nil
}

// ours tells whether nobody has taken a letter since, with the lock held.
func (m *mailbox) ours(l run.Letter) error {
	if m.gone[l.ID] != "" || m.held[l.ID].UnixNano() != l.Taken {
		return fault.New(fault.Conflict, "not yours / 不归你")
	}
	return nil
}

// back gives a letter back.
func (m *mailbox) back(l run.Letter, due time.Time, attempts int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ours(l); err != nil {
		return err
	}
	for i := range m.out {
		if m.out[i].ID == l.ID {
			m.out[i].Due = due
			m.out[i].Attempts += attempts
			delete(m.held, l.ID)
		}
	}
	return nil
}

func (m *mailbox) Retry(_ context.Context, l run.Letter, due time.Time, _ string) error {
	return m.back(l, due, 1)
}

func (m *mailbox) Delay(_ context.Context, l run.Letter, due time.Time) error {
	return m.back(l, due, 0)
}

func (m *mailbox) Fail(_ context.Context, l run.Letter, why string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ours(l); err != nil {
		return err
	}
	m.gone[l.ID] = "failed: " + why
	return nil
}

func (m *mailbox) Withhold(ctx context.Context, l run.Letter, room, line string) error {
	all, err := m.Settings(ctx, "held")
	if err != nil {
		return err
	}
	var lines []string
	for _, s := range all {
		if s.Name == room {
			if err := json.Unmarshal(s.Value, &lines); err != nil {
				return err
			}
		}
	}
	value, err := json.Marshal(append(lines, line))
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.gone[l.ID] = "held"
	m.mu.Unlock()
	return m.Set(ctx, run.Setting{Kind: "held", Name: room, Value: value})
}

func (m *mailbox) Append(_ context.Context, e run.Event, a run.Audit) error {
	if e.Kind != "" {
		m.event(e)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.Action != "" {
		m.record.audits = append(m.record.audits, a)
	}
	return nil
}

// sendDue sends what is due, whatever its way, and waits for it.
func (b *Bot) sendDue(ctx context.Context) (more bool, err error) {
	x := &outbox{b: b}
	letters, err := x.take(ctx, 100)
	if err != nil {
		return false, err
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, l := range letters {
		group.Go(func() {
			err := x.send(ctx, l)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	group.Wait()
	return len(letters) > 0, errors.Join(errs...)
}

// buckets is a limiter of one process, by the clock of the test.
type buckets struct {
	mu   sync.Mutex
	now  func() time.Time
	used map[string][]time.Time
	away error // what every call gives
	asks int
}

var _ Limiter = (*buckets)(nil)

func (b *buckets) Take(_ context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asks++; b.away != nil {
		return 0, b.away
	}
	if b.used == nil {
		b.used = map[string][]time.Time{}
	}
	if n < 1 || per <= 0 || key == "" {
		return 0, fault.New(fault.Invalid, "bad limit / 限速有误")
	}
	u := b.used[key]
	if len(u) >= n {
		if wait := per - b.now().Sub(u[len(u)-n]); wait > 0 {
			return wait, nil
		}
	}
	b.used[key] = append(u, b.now())
	return 0, nil
}

// step answers what can be answered now and waits for it.
func (in *inbox) step(ctx context.Context) (more bool, err error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	more, err = in.begin(ctx, &group, func(one error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, one)
	})
	group.Wait()
	return more, errors.Join(append(errs, err)...)
}
