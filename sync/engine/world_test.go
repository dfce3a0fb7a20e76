package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// place is a system in memory, source or target.
type place struct {
	name string
	now  func() time.Time

	mu      sync.Mutex
	objects map[directory.Key]directory.Object
	partial string            // why a Read proves nothing
	lacks   []string          // permissions that a Read says are missing
	fail    error             // what Read gives
	unsure  bool              // Lookup cannot tell
	broken  error             // what Lookup gives
	hidden  map[string]string // attribute → permission
	before  func(connector.Write) error
	after   func(connector.Write) error
	effects []string
	lookups int
	reads   int
	reading func(context.Context) // called after objects were counted, before Read ends
}

var _ connector.Target = (*place)(nil)

func newPlace(name string, now func() time.Time) *place {
	return &place{name: name, now: now, objects: map[directory.Key]directory.Object{}, hidden: map[string]string{}}
}

func (p *place) Describe() connector.Info {
	every := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	return connector.Info{
		Type: "memory", Tenant: p.name, IDAttribute: "userid",
		Ops:      map[directory.Kind][]plan.Op{directory.User: every, directory.Department: {plan.Create, plan.Update, plan.Delete}},
		UniqueID: true, CallTimeout: 5 * time.Second, Settle: 2 * time.Second,
		Attributes: []connector.Attribute{{Kind: directory.User, Name: "userid", Type: directory.Text, LoginID: true}},
	}
}

func (p *place) Read(ctx context.Context) (*directory.Snapshot, error) {
	if p.reading != nil {
		p.reading(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	if p.fail != nil {
		return nil, p.fail
	}
	b := directory.NewBuilder(p.name, p.now())
	for _, o := range p.objects {
		b.Add(p.mask(o))
	}
	if p.partial != "" {
		b.Incomplete("%s", p.partial)
	}
	b.Health().Hidden = p.lacks
	snap, _ := b.Finish()
	return snap, nil
}

func (p *place) mask(o directory.Object) directory.Object {
	o.Attributes = o.Attributes.Clone()
	for name, permission := range p.hidden {
		o.Attributes[name] = directory.Hidden(permission)
	}
	return o
}

func (p *place) Lookup(_ context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookups++
	if p.broken != nil {
		return nil, p.broken
	}
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		o, found := p.objects[directory.Key{Kind: kind, ID: id}]
		switch {
		case p.unsure:
			out[i] = connector.Sighting{Why: "no permission / 没有权限"}
		case found:
			out[i] = connector.Sighting{Presence: connector.Present, Object: p.mask(o)}
		default:
			out[i] = connector.Sighting{Presence: connector.Gone}
		}
	}
	return out, nil
}

func (p *place) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		if err := p.before(w); err != nil {
			return directory.Key{}, err
		}
	}
	key, err := p.write(w)
	if err != nil {
		return key, err
	}
	p.effects = append(p.effects, fmt.Sprintf("%s %s", w.Op, key.ID))
	if p.after != nil {
		if err := p.after(w); err != nil {
			return directory.Key{}, err
		}
	}
	return key, ctx.Err()
}

func (p *place) write(w connector.Write) (directory.Key, error) {
	key := w.Key
	if w.Op == plan.Create && key.ID == "" {
		key.ID = directory.ID(fmt.Sprintf("auto-%d", len(p.objects)))
	}
	old, found := p.objects[key]
	switch {
	case w.Op == plan.Create && found:
		return key, fault.New(fault.Conflict, "exists / 已存在")
	case w.Op != plan.Create && !found:
		return key, fault.New(fault.NotFound, "not there / 不存在")
	}
	o := directory.Object{Key: key, Active: !found || old.Active, Attributes: old.Attributes.Clone()}
	if o.Attributes == nil {
		o.Attributes = directory.Attributes{}
	}
	for name, v := range w.After {
		if active, ok := v.Bool(); ok && name == directory.AttrActive {
			o.Active = active
			continue
		}
		o.Attributes[name] = v
	}
	switch w.Op {
	case plan.Delete:
		delete(p.objects, key)
		return key, nil
	case plan.Disable:
		o.Active = false
	default:
	}
	p.objects[key] = o
	return key, nil
}

func (p *place) put(kind directory.Kind, id, name string, more directory.Attributes) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := directory.Attributes{"name": directory.TextOf(name)}
	maps.Copy(a, more)
	p.objects[directory.Key{Kind: kind, ID: directory.ID(id)}] = directory.Object{Key: directory.Key{Kind: kind, ID: directory.ID(id)}, Active: true, Attributes: a}
}

func (p *place) drop(kind directory.Kind, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.objects, directory.Key{Kind: kind, ID: directory.ID(id)})
}

func (p *place) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.objects[directory.Key{Kind: directory.User, ID: directory.ID(id)}]
	return ok
}

func (p *place) done() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.effects...)
}

// bell rings in memory, without merging.
type bell struct{ rings chan string }

func (b *bell) Ring(_ context.Context, key string) error {
	select {
	case b.rings <- key:
	default: // the sweeper rings again
	}
	return nil
}

func (b *bell) Listen(ctx context.Context, workers int, answer func(context.Context, string)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range workers {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case key := <-b.rings:
					answer(ctx, key)
				}
			}
		})
	}
	return nil
}

// world is one flow between two places with its engine and record.
type world struct {
	t      *testing.T
	source *place
	target *place
	store  *store.Store
	flow   engine.Flow
	more   []engine.Flow // beside flow
	people []run.Person
	engine *engine.Engine
	now    func() time.Time
	dir    string                                   // of the record
	time   func(context.Context) (time.Time, error) // of the record; nil: now
	stop   func()
	asked  int
	sweep  time.Duration // 0: the engine's default
	tell   time.Duration // 0: the engine's default
	record engine.Store  // nil: store itself
	code   func() (run.Code, error)
	office func(time.Time) bool // nil: people are always at work
	bell   *bell
	rung   []string // keys that were rung before anybody listened
	parse  func(string) (engine.Schedule, error)
	host   func(context.Context, string, []plan.RuleText) (plan.Rules, func(), error)
}

// seeds is how many companies or votes a test draws: the race detector is for what
// happens at once, so it sees fewer.
func seeds(n uint64) uint64 {
	if raced {
		return n / 4
	}
	return n
}

func newWorld(t *testing.T, now func() time.Time) *world {
	t.Helper()
	w := &world{t: t, now: now, source: newPlace("hr", now), target: newPlace("corp", now)}
	w.dir = t.TempDir()
	st, err := store.Open(t.Context(), store.Options{Dir: w.dir, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	t.Cleanup(func() { _ = st.Close() })
	users, err := mapping.Compile(mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
		{To: "userid", From: "employee_no"},
		{To: "name", From: "name"},
		{To: "email", From: "email"},
		{To: "department", From: "departments"},
		{To: "boss", From: "manager"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	departments, err := mapping.Compile(mapping.Spec{Match: []string{"path"}, Rules: []mapping.Rule{{To: "name", From: "name"}, {To: "parent", From: "parent"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.flow = engine.Flow{
		From: "hr", To: "corp", Source: w.source, Target: w.target, Config: "config-1", Zone: time.UTC,
		Plan: plan.Flow{
			Name: "hr-to-corp", Users: users, Departments: departments, AdoptAtOnce: true,
			Leavers: plan.Leavers{First: plan.Disable, Then: plan.Delete, After: 30 * 24 * time.Hour},
			Guard:   plan.Guard{MaxDelete: 20, MaxDeletePercent: 100, MaxDeletePercentPerDepartment: 100, MaxShrinkPercent: 100, MaxChangePercent: 100},
			Approve: plan.Approve{DisableOver: 0, Expires: 8 * time.Hour},
		},
	}
	every := []string{"*"}
	w.people = []run.Person{
		{Name: "李敏", Roles: map[run.Role][]string{run.Operator: every}},
		{Name: "周凯", Roles: map[run.Role][]string{run.Approver: every, run.Operator: every}},
		{Name: "陈悦", Roles: map[run.Role][]string{run.Approver: every}},
		{Name: "路人", Roles: map[run.Role][]string{run.Viewer: every}},
	}
	return w
}

// open makes the engine and lets it serve.
func (w *world) open() {
	w.t.Helper()
	if w.record == nil {
		w.record = w.store
	}
	w.bell = &bell{rings: make(chan string, 64)}
	for _, key := range w.rung {
		w.bell.rings <- key
	}
	w.engine, w.stop = w.serve("test")
}

// serve makes an engine on the record and lets it serve.
func (w *world) serve(owner string) (*engine.Engine, func()) {
	w.t.Helper()
	e := w.idle(owner)
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(ctx) }()
	return e, func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
	}
}

// idle makes an engine over the world's record that serves nothing: another
// process's, to vote by.
func (w *world) idle(owner string) *engine.Engine {
	w.t.Helper()
	e, err := engine.New(engine.Options{
		Store: w.record, Bell: w.bell, Flows: append([]engine.Flow{w.flow}, w.more...), People: w.people, NewCode: w.code, Working: w.office,
		Now: w.now, Time: w.time, Logger: slog.New(slog.DiscardHandler), Owner: owner, Sweep: w.sweep, ParseSchedule: w.parse, Progress: w.tell, Host: w.host,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// staff fills the source with n people in two departments.
func (w *world) staff(n int) {
	w.source.put(directory.Department, "d1", "研发部", nil)
	w.source.put(directory.Department, "d2", "平台组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d1")})
	for i := 1; i <= n; i++ {
		w.person(i)
	}
}

func (w *world) person(i int) {
	id := fmt.Sprintf("%04d", i)
	w.source.put(directory.User, id, "人"+id, directory.Attributes{
		"employee_no": directory.TextOf(id), "email": directory.TextOf("u" + id + "@x.cn"),
		"departments": directory.RefsToKind(directory.Department, "d2"),
	})
}

func (w *world) start(apply bool) run.Run { return w.ask(apply, false) }

// ask starts a run; weak: by a transport that proves little.
func (w *world) ask(apply, weak bool) run.Run {
	w.t.Helper()
	w.asked++
	r, err := w.engine.Start(w.t.Context(), run.Request{
		ID: fmt.Sprintf("req-%d", w.asked), Flow: "hr-to-corp", Apply: apply, Trigger: run.ByCommand, By: run.Actor{Person: "李敏", Platform: run.Feishu}, Weak: weak,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// until waits until the run is in a state that no worker leaves by itself.
func (w *world) until(code run.Code) run.Run {
	w.t.Helper()
	for range 10_000 {
		r, err := w.store.Run(w.t.Context(), code)
		if err != nil {
			w.t.Fatal(err)
		}
		if !r.State.Working() {
			return r
		}
		<-time.After(100 * time.Millisecond)
	}
	w.t.Fatalf("run %s does not come to rest", code)
	return run.Run{}
}

func (w *world) want(r run.Run, state run.State) run.Run {
	w.t.Helper()
	if r.State != state {
		w.t.Fatalf("run is %s (%s, %+v), want %s", r.State, r.Reason, r.Outcome, state)
	}
	return r
}

func (w *world) vote(code run.Code, person string, deleted, disabled int) (run.Run, error) {
	return w.engine.Decide(w.t.Context(), run.Vote{
		Run: code, Decision: run.Approve, By: run.Actor{Person: person}, Typed: run.Restated{Delete: deleted, Disable: disabled, Total: -1},
	})
}
