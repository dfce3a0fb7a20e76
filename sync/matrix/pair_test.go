package matrix

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// grace is how long a disabled account is kept.
const grace = 30 * 24 * time.Hour

// counted counts the writes that reach a target, and of those the ones that take
// somebody or something away.
type counted struct {
	connector.Target
	writes, taken atomic.Int64
}

func (c *counted) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	c.writes.Add(1)
	if w.Op.Destructive() {
		c.taken.Add(1)
	}
	return c.Target.Apply(ctx, w)
}

// bell wakes the one worker of a pair, and tells when it has answered.
type bell struct{ rings, answered chan string }

func newBell() *bell {
	return &bell{rings: make(chan string, 1024), answered: make(chan string, 1024)}
}

func (b *bell) Ring(_ context.Context, key string) error {
	b.rings <- key
	return nil
}

func (b *bell) Listen(ctx context.Context, _ int, answer func(context.Context, string)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case key := <-b.rings:
			answer(ctx, key)
			select {
			case b.answered <- key:
			default: // nobody waits
			}
		}
	}
}

// pair is one flow from a source into a target.
type pair struct {
	t        *testing.T
	from, to system
	c        *company // what the source holds
	first    *company // what it held at first
	target   *counted
	store    *store.Store
	engine   *engine.Engine
	bell     *bell
	ahead    atomic.Int64 // how far the engine's clock is ahead of the real one
	asked    int

	voted    bool            // what waits for votes of the first run is done
	gone     map[string]bool // have left and are disabled, or kept
	strange  map[string]held // accounts of the target that belong to nobody
	adoptive string          // the number of one that somebody of the source matches
}

// now is the engine's time: it goes on, since leases and time-outs live on it.
func (p *pair) now() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) }

func (p *pair) advance(d time.Duration) { p.ahead.Add(int64(d)) }

func newPair(t *testing.T, from, to system, people int) *pair {
	t.Helper()
	p := &pair{t: t, from: from, to: to, bell: newBell(), gone: map[string]bool{}}
	several := from.traits().many && to.traits().many
	p.c, p.first = newCompany(people, several), newCompany(people, several)
	p.strangers()
	p.open(from.connect(), engine.Options{}, p.flow())
	return p
}

// open starts the record and an engine for the flow.
func (p *pair) open(source connector.Source, o engine.Options, flow plan.Flow) {
	t, to := p.t, p.to
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: p.now})
	check(t, err)
	t.Cleanup(func() { _ = st.Close() })
	p.store = st
	target, ok := to.connect().(connector.Target)
	if !ok {
		t.Fatal("the target cannot be written to")
	}
	p.target = &counted{Target: target}
	every := []string{"*"}
	o.Store, o.Bell, o.Now, o.Logger, o.Owner, o.Workers = st, p.bell, p.now, slog.New(slog.DiscardHandler), "matrix", 1
	o.LeaseTTL, o.Progress = time.Minute, time.Hour
	o.Flows = []engine.Flow{{From: "source", To: "target", Source: source, Target: p.target, Config: "config", Zone: time.UTC, Plan: flow}}
	o.People = []run.Person{
		{Name: "李敏", Roles: map[run.Role][]string{run.Operator: every}},
		{Name: "周凯", Roles: map[run.Role][]string{run.Approver: every}},
		{Name: "陈悦", Roles: map[run.Role][]string{run.Approver: every}},
	}
	o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() } // a busy source is read again at once
	p.engine, err = engine.New(o)
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.engine.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func (p *pair) flow() plan.Flow {
	f := plan.Flow{
		Name: "flow", DeleteGoneDepartments: true,
		Leavers: plan.Leavers{First: plan.Disable, Then: plan.Delete, After: grace},
		Guard:   plan.Guard{MaxDelete: 100, MaxDeletePercent: 100, MaxDeletePercentPerDepartment: 100, MaxShrinkPercent: 100, MaxChangePercent: 100},
		Approve: plan.Approve{DisableOver: 0, Expires: 8 * time.Hour, SafeFirst: true},
	}
	if p.from.traits().suspends {
		f.Leavers.When = map[string][]string{directory.AttrActive: {"false"}}
	}
	w := p.from.(worded).words()
	if !p.bosses() {
		w.manager = ""
	}
	users, departments := p.to.spec(w)
	var err error
	f.Users, err = mapping.Compile(*users)
	check(p.t, err)
	if departments != nil {
		f.Departments, err = mapping.Compile(*departments)
		check(p.t, err)
	}
	return f
}

// bosses tells whether managers go along. Where a department that is renamed is
// another one, all in it move at once.
func (p *pair) bosses() bool {
	from, to := p.from.traits(), p.to.traits()
	return from.boss && (from.moves || !to.lags)
}

// worded is a system that can be a source.
type worded interface{ words() words }

// strangers puts five accounts into the target that belong to nobody. One of them
// has the number of somebody in the source, and another name.
func (p *pair) strangers() {
	p.adoptive = number(40)
	matched := p.c.people[p.adoptive]
	matched.name, matched.title, matched.in, matched.boss = "旧账号", "", nil, ""
	all := []person{matched}
	for i := range 4 {
		all = append(all, person{
			no: fmt.Sprintf("X%04d", i), name: fmt.Sprintf("外部顾问%d", i), title: "顾问",
			mobile: fmt.Sprintf("139%08d", i), email: fmt.Sprintf("x%d@partner.example", i),
		})
	}
	for _, s := range all {
		p.to.set(p.c, s)
	}
	p.to.flush(p.c)
	p.strange = p.to.look().people
	if len(p.strange) != len(all) {
		p.t.Fatalf("%d accounts were seeded, want %d", len(p.strange), len(all))
	}
}

// seed fills the source.
func (p *pair) seed() {
	for _, u := range p.c.unitsDown() {
		p.from.setUnit(p.c, u)
	}
	for _, no := range p.c.numbers() {
		p.from.set(p.c, p.c.people[no])
	}
	p.from.flush(p.c)
}

// run lets the flow run once, up to where it waits for votes or ends.
func (p *pair) run() run.Run {
	p.t.Helper()
	p.asked++
	r, err := p.engine.Start(p.t.Context(), run.Request{
		ID: fmt.Sprintf("req-%d", p.asked), Flow: "flow", Apply: true, Trigger: run.ByCommand, By: run.Actor{Person: "李敏", Platform: run.Feishu},
	})
	check(p.t, err)
	return p.until(r.Code)
}

// until waits until no worker owns the run.
func (p *pair) until(code run.Code) run.Run {
	p.t.Helper()
	most := 2 * time.Minute
	if long() {
		most = 30 * time.Minute // of a department of 30,000, page by page
	}
	end := time.After(most)
	for {
		r, err := p.store.Run(p.t.Context(), code)
		check(p.t, err)
		if !r.State.Working() {
			return r
		}
		select {
		case <-p.bell.answered:
		case <-time.After(100 * time.Millisecond):
		case <-end:
			p.t.Fatalf("run %s stays %s", code, r.State)
		}
	}
}

// agree lets the approvers vote until the run goes on.
func (p *pair) agree(r run.Run) run.Run {
	p.t.Helper()
	return agreed(p.t, p.engine, r, p.until)
}

// agreed lets the approvers vote on a run, as they have to type it, until it goes on.
func agreed(t *testing.T, e *engine.Engine, r run.Run, until func(run.Code) run.Run) run.Run {
	t.Helper()
	for _, who := range []string{"周凯", "陈悦"} {
		if r.State != run.Awaiting {
			return r
		}
		typed := run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: -1}
		if r.Counts.Destructive() == 0 {
			typed.Total = r.Counts.Total()
		}
		seqs := make([]int, r.Counts.Total())
		for i := range seqs {
			seqs[i] = i + 1
		}
		check(t, e.See(t.Context(), r.Code, who, seqs))
		_, err := e.Decide(t.Context(), run.Vote{Run: r.Code, Decision: run.Approve, By: run.Actor{Person: who}, Typed: typed})
		check(t, err)
		r = until(r.Code)
	}
	return r
}

// step runs the flow with all votes; a second run must have nothing to do.
func (p *pair) step(name string) run.Run {
	p.t.Helper()
	p.advance(25 * time.Hour)
	p.from.flush(p.c)
	r := p.agree(p.run())
	if r.State != run.Succeeded {
		p.t.Fatalf("%s: the run is %s: %s %+v\n%s", name, r.State, r.Reason, r.Outcome, p.trouble(r))
	}
	p.expect(name)
	p.still(name)
	return r
}

// still sees that another run finds nothing to do and writes nothing.
func (p *pair) still(name string) {
	p.t.Helper()
	before, held := p.target.writes.Load(), p.to.look()
	r := p.run()
	if r.State != run.NothingToDo {
		p.t.Fatalf("%s: the second run is %s: %s\n%s", name, r.State, r.Reason, p.trouble(r))
	}
	if n := p.target.writes.Load() - before; n != 0 {
		p.t.Errorf("%s: the second run made %d writes", name, n)
	}
	if now := p.to.look(); !maps.EqualFunc(held.people, now.people, sameHeld) || !maps.Equal(held.units, now.units) {
		p.t.Errorf("%s: the second run changed the target", name)
	}
}

func sameHeld(a, b held) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// trouble tells what a run did not do.
func (p *pair) trouble(r run.Run) string {
	const most = 12
	var lines []string
	entries, _ := p.store.Entries(p.t.Context(), r.Code)
	for _, e := range entries {
		if e.Say != "" {
			lines = append(lines, fmt.Sprintf("#%d %s: %s", e.Seq, e.Step, e.Say))
		}
	}
	made, err := p.store.Plan(p.t.Context(), r.Code)
	if err != nil {
		return strings.Join(lines, "\n")
	}
	for _, n := range made.Notes {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", n.Kind, n.Key, n.Name, n.Say))
	}
	for i := range made.Changes {
		c := &made.Changes[i]
		lines = append(lines, fmt.Sprintf("#%d %s %s %s %v → %v", c.Seq, c.Op, c.Key, c.Name, c.Before, c.After))
	}
	for _, s := range []plan.Side{made.Source, made.Target} {
		if s.Health.PartialFor != "" || len(s.Health.Problems) > 0 {
			lines = append(lines, fmt.Sprintf("health of %s: %+v", s.System, s.Health))
		}
	}
	return strings.Join(lines[:min(len(lines), most)], "\n")
}

// expect holds the target against the company.
func (p *pair) expect(name string) {
	p.t.Helper()
	got := p.to.look()
	wrong := 0
	complain := func(format string, args ...any) {
		if wrong++; wrong <= 8 {
			p.t.Errorf(name+": "+format, args...)
		}
	}
	for no, s := range p.strange {
		if have := got.people[no]; !sameHeld(have, s) {
			complain("the account %s of nobody is %+v, was %+v", no, have, s)
		}
	}
	for no, one := range p.c.people {
		have, there := got.people[no]
		if _, stranger := p.strange[no]; stranger {
			continue
		}
		if want := p.wanted(one); !there || !sameHeld(p.plain(have), p.plain(want)) {
			complain("%s is %+v (%v), want %+v", no, have, there, want)
		}
	}
	for no, have := range got.people {
		_, stranger := p.strange[no]
		switch _, here := p.c.people[no]; {
		case here || stranger:
		case !p.gone[no]:
			complain("%s is still there: %+v", no, have)
		case have.active == p.to.traits().disables:
			complain("%s has left and is active: %v", no, have.active)
		}
	}
	if !p.to.traits().units {
		return
	}
	want := map[string]bool{}
	for key := range p.c.units {
		want[p.c.path(key)] = true
	}
	if !maps.Equal(want, got.units) {
		complain("departments are\n%v\nwant\n%v", slices.Sorted(maps.Keys(got.units)), slices.Sorted(maps.Keys(want)))
	}
}

// wanted is how the target should hold somebody.
func (p *pair) wanted(one person) held {
	h := held{name: one.name, title: one.title, mobile: one.mobile, email: one.email, active: true, in: p.c.paths(one.in)}
	switch to := p.to.traits(); {
	case !p.bosses(), !p.voted: // a manager that comes in the same run is set after the votes
	case one.no == p.adoptive && !to.leaders: // what a target hides is never compared, and nothing was written yet
	default:
		h.boss = one.boss
	}
	return h
}

// plain gives somebody in the form that can be compared.
func (p *pair) plain(h held) held {
	h.id, h.mobile = "", strings.TrimPrefix(h.mobile, "+86")
	if !p.from.traits().ordered || !p.to.traits().ordered {
		h.in = slices.Sorted(slices.Values(h.in))
	}
	return h
}
