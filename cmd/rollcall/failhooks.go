package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// What follows stands around the record, the systems, the bell and the platforms
// of a process that has a failpoint. Without one each of the functions gives back
// what it got, so that nothing of this is in the way of an operator's process.

func (f *failpoint) store(s engine.Store) engine.Store {
	if f == nil {
		return s
	}
	return &failingStore{s, f}
}

func (f *failpoint) bell(b engine.Bell) engine.Bell {
	if f == nil {
		return b
	}
	return &failingBell{b, f}
}

func (f *failpoint) mailbox(m bot.Mailbox, state func(context.Context, run.Code) (run.Run, error)) bot.Mailbox {
	if f == nil {
		return m
	}
	return &failingMailbox{Mailbox: m, state: state, f: f}
}

func (f *failpoint) platform(p bot.Platform) bot.Platform {
	if f == nil {
		return p
	}
	return &failingPlatform{p, f}
}

func (f *failpoint) source(s connector.Source) connector.Source {
	if f == nil {
		return s
	}
	return &failingSource{s, f}
}

func (f *failpoint) target(t connector.Target) connector.Target {
	if f == nil {
		return t
	}
	return &failingTarget{failingSource{t, f}, t}
}

func (f *failpoint) transport(next http.RoundTripper) http.RoundTripper {
	if f == nil {
		return next
	}
	return &failingTransport{next, f}
}

// failingStore dies around what the engine writes.
type failingStore struct {
	engine.Store
	f *failpoint
}

func (s *failingStore) CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error) {
	s.f.before("run")
	got, created, err := s.Store.CreateRun(ctx, r, of...)
	s.f.done("run", err)
	return got, created, err
}

func (s *failingStore) UpdateRun(ctx context.Context, code run.Code, by run.Actor, fn func(*run.Run) error) (run.Run, error) {
	var begins bool
	r, err := s.Store.UpdateRun(ctx, code, by, func(r *run.Run) error {
		return s.begin(r, &begins, func() error { return fn(r) })
	})
	if begins {
		s.f.done("apply", err)
	}
	return r, err
}

// begin carries out a move, and dies before it is committed when the run begins to
// apply by it.
func (s *failingStore) begin(r *run.Run, begins *bool, move func() error) error {
	was := r.State
	err := move()
	if *begins = err == nil && was != run.Applying && r.State == run.Applying; *begins {
		s.f.before("apply")
	}
	return err
}

func (s *failingStore) SavePlan(ctx context.Context, lease run.Lease, code run.Code, p *plan.Plan, fn func(*run.Run) error) (run.Run, error) {
	s.f.before("plan")
	r, err := s.Store.SavePlan(ctx, lease, code, p, fn)
	s.f.done("plan", err)
	return r, err
}

func (s *failingStore) Vote(ctx context.Context, v run.Vote, fn func(*run.Run, []run.Vote) error) (run.Run, error) {
	var begins bool
	s.f.before("vote")
	r, err := s.Store.Vote(ctx, v, func(r *run.Run, votes []run.Vote) error {
		return s.begin(r, &begins, func() error { return fn(r, votes) })
	})
	s.f.done("vote", err)
	if begins { // the last vote begins it
		s.f.done("apply", err)
	}
	return r, err
}

func (s *failingStore) Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error) {
	s.f.before("lease")
	lease, ok, err := s.Store.Acquire(ctx, flow, owner, ttl)
	if ok {
		s.f.done("lease", err)
	}
	return lease, ok, err
}

func (s *failingStore) SaveSnapshot(ctx context.Context, flow string, snap *directory.Snapshot) error {
	s.f.before("snapshot")
	err := s.Store.SaveSnapshot(ctx, flow, snap)
	s.f.done("snapshot", err)
	return err
}

func (s *failingStore) Mark(ctx context.Context, lease run.Lease, entries []run.Entry, links []mapping.Link) error {
	name := "outcome"
	for i := range entries {
		if entries[i].Step == run.StepSending {
			name = "intent"
		}
	}
	s.f.before(name)
	err := s.Store.Mark(ctx, lease, entries, links)
	if err == nil {
		s.f.noted(ctx, lease, entries)
	}
	s.f.done(name, err)
	return err
}

// failingBell dies around a ring.
type failingBell struct {
	engine.Bell
	f *failpoint
}

func (b *failingBell) Ring(ctx context.Context, key string) error {
	b.f.before("ring")
	err := b.Bell.Ring(ctx, key)
	b.f.done("ring", err)
	return err
}

// failingMailbox dies around what the bot writes.
type failingMailbox struct {
	bot.Mailbox
	state func(context.Context, run.Code) (run.Run, error)
	f     *failpoint

	mu   sync.Mutex
	read []run.Event // that the bot has read last
}

func (m *failingMailbox) Claim(ctx context.Context, id string, payload []byte) (bool, error) {
	m.f.before("claim")
	fresh, err := m.Mailbox.Claim(ctx, id, payload)
	m.f.done("claim", err)
	return fresh, err
}

func (m *failingMailbox) Handled(ctx context.Context, id string, answers []run.Letter) error {
	m.f.before("handled")
	err := m.Mailbox.Handled(ctx, id, answers)
	m.f.done("handled", err)
	return err
}

func (m *failingMailbox) Sent(ctx context.Context, l run.Letter, key, place string) error {
	m.f.before("mark")
	err := m.Mailbox.Sent(ctx, l, key, place)
	m.f.done("mark", err)
	return err
}

func (m *failingMailbox) Events(ctx context.Context, reader string, limit int) ([]run.Event, error) {
	events, err := m.Mailbox.Events(ctx, reader, limit)
	m.mu.Lock()
	m.read = events
	m.mu.Unlock()
	return events, err
}

// Advance stores what the bot says about events: a card of a run that waits for
// votes, the report of one that ended.
func (m *failingMailbox) Advance(ctx context.Context, reader string, seq int64, letters []run.Letter) error {
	name := m.about(ctx)
	m.f.before(name)
	err := m.Mailbox.Advance(ctx, reader, seq, letters)
	m.f.done(name, err)
	return err
}

func (m *failingMailbox) about(ctx context.Context) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.read {
		r, err := m.state(ctx, e.Run)
		switch {
		case err != nil || e.Kind != run.EventMoved:
		case r.State == run.Awaiting:
			return "card"
		case r.State.Ended():
			return "report"
		}
	}
	return ""
}

// failingPlatform dies around what is heard and said.
type failingPlatform struct {
	bot.Platform
	f *failpoint
}

var (
	_ bot.Paced = (*failingPlatform)(nil)
	_ bot.Sized = (*failingPlatform)(nil)
	_ bot.Aside = (*failingPlatform)(nil)
)

func (p *failingPlatform) Listen(ctx context.Context, receive bot.Receive) error {
	return p.Platform.Listen(ctx, func(ctx context.Context, m bot.Message) error {
		p.f.before("accept")
		err := receive(ctx, m)
		p.f.done("accept", err)
		return err
	})
}

func (p *failingPlatform) Send(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	p.f.before("letter")
	at, err := p.Platform.Send(ctx, o, idem, place)
	p.f.done("letter", err)
	return at, err
}

func (p *failingPlatform) Pace(o bot.Outgoing) []bot.Pace {
	if paced, is := p.Platform.(bot.Paced); is {
		return paced.Pace(o)
	}
	return nil
}

func (p *failingPlatform) Messages(o bot.Outgoing) int {
	if sized, is := p.Platform.(bot.Sized); is {
		return sized.Messages(o)
	}
	return 1
}

func (p *failingPlatform) Turns(turn func(context.Context, bot.Outgoing) time.Duration) {
	if a, is := p.Platform.(bot.Aside); is {
		a.Turns(turn)
	}
}

// failingSource marks the calls of a listing.
type failingSource struct {
	connector.Source
	f *failpoint
}

func (s *failingSource) Read(ctx context.Context) (*directory.Snapshot, error) {
	return s.Source.Read(context.WithValue(ctx, listingKey{}, true))
}

// failingTarget dies around what is sent to the target and read back from it.
type failingTarget struct {
	failingSource
	target connector.Target
}

func (t *failingTarget) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	t.f.before("verify")
	seen, err := t.target.Lookup(ctx, kind, ids)
	t.f.done("verify", err)
	return seen, err
}

func (t *failingTarget) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	t.f.before("send")
	key, err := t.target.Apply(ctx, w)
	t.f.done("send", err)
	return key, err
}

// listingKey is in the context of the calls of a listing.
type listingKey struct{}

// failingTransport dies around the calls of a listing.
type failingTransport struct {
	next http.RoundTripper
	f    *failpoint
}

func (t *failingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(listingKey{}) == nil {
		return t.next.RoundTrip(req)
	}
	t.f.before("page")
	res, err := t.next.RoundTrip(req)
	t.f.done("page", err)
	return res, err
}
