package matrix

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// post is a target system under faults: a connector on it that goes through a
// toll, the system's own log of what took effect, and hands that change it without
// the connector and without an entry in that log.
type post interface {
	connect(w *toll) connector.Target
	specs() (users, departments *mapping.Spec)
	// deeds is the target's own log, oldest first.
	deeds() []deed
	// rename gives a person or a department another name.
	rename(key directory.Key, name string)
	remove(key directory.Key)
	// occupy puts an object into the target that has what must be unique of one of
	// the source. in is the target's department of people.
	occupy(o directory.Object, in directory.ID)
	// headers gives the name of the HTTP header that asks to wait; "" for none.
	headers() string
	// expire ends the tokens that are in use, or is false when there are none.
	expire() bool
	// deny takes the permission to write away, and gives what brings it back; nil: only
	// at the toll.
	deny() func()
}

// asider is a post on which some changes are two writes; the second is looked at by
// itself.
type asider interface{ aside(x deed) bool }

// deed is one write that took effect.
type deed struct {
	verb string // create, write or delete
	key  directory.Key
}

// verbOf tells which deed an operation is.
func verbOf(op plan.Op) string {
	switch op {
	case plan.Create:
		return "create"
	case plan.Delete:
		return "delete"
	default:
		return "write"
	}
}

// postKinds are the targets, by name.
func postKinds() []postKind {
	return []postKind{
		{"wecom", newWeComPost},
		{"feishu", newFeishuPost},
		{"dingtalk", newDingTalkPost},
		{"ldap", newLDAPPost},
		{"scim", newSCIMPost},
		{"csv", newCSVPost},
		{"xlsx", newXLSXPost},
		{"sql", newSQLPost},
	}
}

type postKind struct {
	name string
	open func(t *testing.T, now func() time.Time) post
}

// watched is the target as the engine has it.
type watched struct {
	connector.Target
	toll *toll
	wire bool // the toll stands on the wire

	mu    sync.Mutex
	lag   time.Duration // how long reads show what was
	stale map[directory.Key]staleness
	looks func(directory.Kind, directory.ID) // called before each Lookup
}

// staleness is what reads show of an object until a time.
type staleness struct {
	until time.Time
	was   connector.Sighting
}

// Apply passes the toll.
func (w *watched) Apply(ctx context.Context, c connector.Write) (directory.Key, error) {
	w.toll.begin(c)
	defer w.toll.end()
	w.mu.Lock()
	lag := w.lag
	w.mu.Unlock()
	var was connector.Sighting
	if lag > 0 && c.Key.ID != "" {
		if seen, err := w.Target.Lookup(context.WithoutCancel(ctx), c.Key.Kind, []directory.ID{c.Key.ID}); err == nil {
			was = seen[0]
		}
	}
	key, err := w.Target.Apply(ctx, c)
	if !w.wire {
		panic("a target without a wire is wrapped by tolled")
	}
	w.freeze(lag, c, key, was)
	return key, err
}

func (w *watched) freeze(lag time.Duration, c connector.Write, key directory.Key, was connector.Sighting) {
	if lag <= 0 {
		return
	}
	if key.ID == "" {
		key = c.Key
	}
	if c.Op == plan.Create {
		was = connector.Sighting{Presence: connector.Gone}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, frozen := w.stale[key]; !frozen && key.ID != "" {
		w.stale[key] = staleness{w.toll.now().Add(lag), was}
	}
}

// Lookup shows what was, as long as the target lags.
func (w *watched) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	w.mu.Lock()
	looks := w.looks
	w.mu.Unlock()
	if looks != nil {
		for _, id := range ids {
			looks(kind, id)
		}
	}
	seen, err := w.Target.Lookup(ctx, kind, ids)
	if err != nil {
		return seen, err
	}
	for i, id := range ids {
		if was, ok := w.old(directory.Key{Kind: kind, ID: id}); ok {
			seen[i] = was
		}
	}
	return seen, nil
}

func (w *watched) old(key directory.Key) (connector.Sighting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.stale[key]
	return s.was, ok && w.toll.now().Before(s.until)
}

// Read shows what was, as long as the target lags. An object that a create has
// made in secret stays hidden: it is not in any listing yet.
func (w *watched) Read(ctx context.Context) (*directory.Snapshot, error) {
	snap, err := w.Target.Read(ctx)
	w.mu.Lock()
	lag := len(w.stale)
	w.mu.Unlock()
	if err != nil || lag == 0 {
		return snap, err
	}
	b := directory.NewBuilder(snap.System, snap.TakenAt)
	*b.Health() = snap.Health
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		for o := range snap.All(kind) {
			was, old := w.old(o.Key)
			switch {
			case !old:
				b.Add(o)
			case was.Presence == connector.Present:
				b.Add(was.Object)
			}
		}
	}
	w.mu.Lock()
	for key, s := range w.stale {
		if !snap.Has(key) && s.was.Presence == connector.Present && w.toll.now().Before(s.until) {
			b.Add(s.was.Object)
		}
	}
	w.mu.Unlock()
	out, _ := b.Finish()
	return out, nil
}

// tolled is a target without a wire: the toll stands before it.
type tolled struct {
	connector.Target
	toll *toll
}

// Apply asks the toll first.
func (d tolled) Apply(ctx context.Context, c connector.Write) (directory.Key, error) {
	return d.toll.apply(ctx, d.Target, c)
}

// each is how many objects of each kind and operation a round has: a first, a
// middle and a last one.
const each = 3

// ward is one target under care: a flow from a payroll, in a bubble of virtual
// time, that lives through rounds. Each full round creates, renames and deletes
// three departments, and creates, changes, disables and deletes three people.
type ward struct {
	t      *testing.T
	name   string
	post   post
	pay    *payroll
	toll   *toll
	target *watched
	store  *store.Store
	engine *engine.Engine
	bell   *bell
	ahead  atomic.Int64
	asked  int
	round  int
	people int // highest number given
	units  int
	judged int        // deeds that were judged already
	aside  []deed     // of the last run, looked at by themselves
	joined [][]string // people by the round in which they were hired
	formed [][]string // departments likewise
}

func (d *ward) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }

// infirmary runs the test of a row of the fault matrix on each target to which it
// applies. The race detector sees what happens at once, and makes the record ten times
// slower: with it, and with -short, a row has one target, another one for each row.
func infirmary(t *testing.T, row int, applies func(name string) bool, body func(*ward)) {
	t.Helper()
	kinds := slices.DeleteFunc(postKinds(), func(k postKind) bool { return applies != nil && !applies(k.name) })
	for i, k := range kinds {
		switch {
		case long():
		case (raced || testing.Short()) && i != row%len(kinds):
			continue
		case k.name == "xlsx" && row%4 != 2: // what is not as in a CSV is how the file is written
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			admit(t, k, body)
		})
	}
}

// admit opens a ward in a bubble and lets it come to its first full round.
func admit(t *testing.T, k postKind, body func(*ward)) {
	t.Helper()
	prepare(t, k.name)
	synctest.Test(t, func(t *testing.T) {
		d := &ward{t: t, name: k.name, bell: newBell()}
		d.post = k.open(t, d.now)
		d.open()
		d.pay.found("d0", "总部")
		d.pay.hire("E0000")
		for range 5 {
			d.hire()
		}
		d.joined = nil // they stay
		for range each {
			d.found()
		}
		d.formed = nil
		d.next()
		d.calm("first round")
		d.next()
		d.calm("second round")
		d.next()
		body(d)
	})
}

// without gives what leaves some targets out.
func without(names ...string) func(string) bool {
	return func(name string) bool { return !slices.Contains(names, name) }
}

// open makes the engine on the record and lets it serve.
func (d *ward) open() {
	t := d.t
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: d.now})
	check(t, err)
	t.Cleanup(func() { _ = st.Close() })
	d.store, d.pay, d.toll = st, newPayroll(d.now), newToll(t, d.now)
	target := d.post.connect(d.toll)
	d.target = &watched{Target: target, toll: d.toll, wire: true, stale: map[directory.Key]staleness{}}
	every := []string{"*"}
	d.engine, err = engine.New(engine.Options{
		Store: st, Bell: d.bell, Now: d.now, Logger: slog.New(slog.DiscardHandler), Owner: "ward", Workers: 1, Progress: time.Hour, Sweep: 10 * time.Minute, LeaseTTL: time.Minute,
		Flows: []engine.Flow{{From: "payroll", To: d.name, Source: d.pay, Target: d.target, Config: "config", Zone: time.UTC, Plan: d.flow()}},
		People: []run.Person{
			{Name: "李敏", Roles: map[run.Role][]string{run.Operator: every}},
			{Name: "周凯", Roles: map[run.Role][]string{run.Approver: every}},
			{Name: "陈悦", Roles: map[run.Role][]string{run.Approver: every}},
		},
	})
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.engine.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func (d *ward) flow() plan.Flow {
	f := plan.Flow{
		Name: "flow", DeleteGoneDepartments: true,
		Leavers: plan.Leavers{First: plan.Disable, Then: plan.Delete, After: grace},
		Guard:   plan.Guard{MaxDelete: 100, MaxDeletePercent: 100, MaxDeletePercentPerDepartment: 100, MaxShrinkPercent: 100, MaxChangePercent: 100},
		Approve: plan.Approve{DisableOver: 0, Expires: 8 * time.Hour},
	}
	users, departments := d.post.specs()
	var err error
	f.Users, err = mapping.Compile(*users)
	check(d.t, err)
	if departments != nil {
		f.Departments, err = mapping.Compile(*departments)
		check(d.t, err)
	}
	return f
}

func (d *ward) hire() string {
	d.people++
	no := number(d.people)
	d.pay.hire(no)
	return no
}

func (d *ward) found() string {
	d.units++
	id := fmt.Sprintf("d%d", d.units)
	d.pay.found(id, fmt.Sprintf("部门%d", d.units))
	return id
}

// next changes the source by a round: who was hired two rounds ago and disabled in
// the last one is due for deletion, who was hired in the last one leaves.
func (d *ward) next() {
	d.round++
	d.ahead.Add(int64(31 * 24 * time.Hour))
	for i := range each {
		d.pay.set(userKey(number(i+1)), "title", directory.TextOf(fmt.Sprintf("职级%d", d.round)))
		d.pay.set(unitKeyOf(fmt.Sprintf("d%d", i+1)), "name", directory.TextOf(fmt.Sprintf("部门%d第%d版", i+1, d.round)))
	}
	if n := len(d.joined); n > 0 {
		for _, no := range d.joined[n-1] {
			d.pay.drop(userKey(no))
		}
		for _, id := range d.formed[n-1] {
			d.pay.drop(unitKeyOf(id))
		}
	}
	var joined, formed []string
	for range each {
		joined, formed = append(joined, d.hire()), append(formed, d.found())
	}
	d.joined, d.formed = append(d.joined, joined), append(d.formed, formed)
}

// ask lets the flow run once, up to where it waits for votes or ends.
func (d *ward) ask() run.Run {
	d.t.Helper()
	d.asked++
	r, err := d.engine.Start(d.t.Context(), run.Request{
		ID: fmt.Sprintf("req-%d", d.asked), Flow: "flow", Apply: true, Trigger: run.ByCommand, By: run.Actor{Person: "李敏", Platform: run.Feishu},
	})
	check(d.t, err)
	return d.until(r.Code)
}

// until waits until no worker owns the run: hours at most, of a clock that jumps.
func (d *ward) until(code run.Code) run.Run {
	d.t.Helper()
	end := time.Now().Add(24 * time.Hour)
	for time.Now().Before(end) {
		r, err := d.store.Run(d.t.Context(), code)
		check(d.t, err)
		if !r.State.Working() {
			return r
		}
		select {
		case <-d.bell.answered:
		case <-time.After(10 * time.Second):
		}
	}
	d.t.Fatalf("the run %s does not come to rest", code)
	return run.Run{}
}

// vote lets the approvers agree until the run goes on.
func (d *ward) vote(r run.Run) run.Run {
	d.t.Helper()
	return agreed(d.t, d.engine, r, d.until)
}

// under runs a round with a rule at the toll, and with the invariants looked at.
// At the end the rule is gone, and what it put off is done.
func (d *ward) under(rule func(*knock) ruling) *outcome {
	d.t.Helper()
	r := d.ask()
	if r.State != run.Awaiting {
		d.t.Fatalf("the plan is %s: %s %+v\n%s", r.State, r.Reason, r.Counts, d.trouble(r))
	}
	return d.decide(r, rule)
}

// decide lets the run that waits be voted on and applied under a rule.
func (d *ward) decide(r run.Run, rule func(*knock) ruling) *outcome {
	d.t.Helper()
	d.toll.reset(rule)
	begun := time.Now()
	r = d.vote(r)
	took := time.Since(begun)
	d.toll.late.Wait()
	o := d.judge(r)
	o.took, o.knocks, o.met = took, d.toll.heard(), d.toll.meetings()
	d.toll.reset(nil)
	return o
}

// calm runs a round without faults: all is done, and nothing is left.
func (d *ward) calm(name string) {
	d.t.Helper()
	r := d.vote(d.ask())
	o := d.judge(r)
	if r.State != run.Succeeded {
		d.t.Fatalf("%s: the run is %s: %s %+v\n%s", name, r.State, r.Reason, r.Outcome, d.trouble(r))
	}
	o.sound(name).want(name, run.StepDone)
	for _, e := range o.entries {
		if e.Sends != 1 {
			d.t.Errorf("%s: #%d was sent %d times", name, e.Seq, e.Sends)
		}
	}
	if _, units := d.post.specs(); d.round > 2 && len(o.plan.Changes) != len(d.kinds())*each {
		d.t.Errorf("%s: %d changes, want %d (departments %v)", name, len(o.plan.Changes), len(d.kinds())*each, units != nil)
	}
}

// settled sees that nothing is left to do (I6).
func (d *ward) settled(name string) {
	d.t.Helper()
	r := d.ask()
	if r.State != run.NothingToDo {
		d.t.Fatalf("%s: the next plan is %s, want nothing to do: %+v %s\n%s", name, r.State, r.Counts, r.Reason, d.trouble(r))
	}
}

// left sees that the next plan says exactly what is left, and that this is done
// when the fault is over (I6).
func (d *ward) left(name string, want map[string]int) {
	d.t.Helper()
	d.ahead.Add(int64(25 * time.Hour)) // the caps of a day are another matter
	r := d.ask()
	got := map[string]int{}
	made, err := d.store.Plan(d.t.Context(), r.Code)
	if fault.KindOf(err) != fault.NotFound {
		check(d.t, err)
		for i := range made.Changes {
			got[what(made.Changes[i].Key.Kind, made.Changes[i].Op)]++
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("%s: the next plan has %v, want %v\n%s", name, got, want, d.trouble(r))
	}
	if len(got) == 0 {
		return
	}
	r = d.vote(r)
	o := d.judge(r)
	if r.State != run.Succeeded {
		d.t.Errorf("%s: the next run is %s: %s %+v\n%s", name, r.State, r.Reason, r.Outcome, d.trouble(r))
	}
	o.sound(name + ", the next run")
	d.settled(name)
}

// trouble tells what a run did not do.
func (d *ward) trouble(r run.Run) string {
	return (&pair{t: d.t, store: d.store}).trouble(r)
}

// kinds gives the kinds of changes that a full round of the target has.
func (d *ward) kinds() []string {
	var all []string
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete} {
		all = append(all, what(directory.User, op))
	}
	if _, departments := d.post.specs(); departments != nil {
		for _, op := range []plan.Op{plan.Create, plan.Update, plan.Delete} {
			all = append(all, what(directory.Department, op))
		}
	}
	return all
}

// keyOf gives the target's id of a source object.
func (d *ward) keyOf(source directory.Key) directory.Key {
	d.t.Helper()
	if _, departments := d.post.specs(); departments == nil && source.Kind == directory.Department {
		return directory.Key{}
	}
	links, err := d.store.Links(d.t.Context(), "flow")
	check(d.t, err)
	for i := range links {
		if links[i].Source == source && links[i].Live() {
			return links[i].Target
		}
	}
	d.t.Fatalf("%s has no link", source)
	return directory.Key{}
}

// first meets the first sending of the changes that pick chooses.
func first(pick func(*sending) bool, r ruling) func(*knock) ruling {
	return func(k *knock) ruling {
		if k.sending == nil || !k.write || k.time != 1 || !pick(k.sending) {
			return ruling{}
		}
		return r
	}
}

// every picks all changes, at picks one place of each kind.
func every(*sending) bool { return true }

func at(nth int) func(*sending) bool { return func(s *sending) bool { return s.nth == nth } }

// outcome is a run that came to rest, with what the target's own log says of it.
type outcome struct {
	d       *ward
	run     run.Run
	plan    *plan.Plan
	entries map[int]run.Entry
	effects map[int]int // by Seq
	wrong   []string    // invariants that are broken
	met     int         // knocks that met the fault
	took    time.Duration
	knocks  []knock
}

// judge holds the run's journal against the target's own log.
func (d *ward) judge(r run.Run) *outcome {
	d.t.Helper()
	all := d.post.deeds()
	o := &outcome{d: d, run: r, entries: map[int]run.Entry{}, effects: map[int]int{}}
	var err error
	o.plan, err = d.store.Plan(d.t.Context(), r.Code)
	check(d.t, err)
	entries, err := d.store.Entries(d.t.Context(), r.Code)
	check(d.t, err)
	for _, e := range entries {
		o.entries[e.Seq] = e
	}
	o.compare(all[d.judged:])
	d.judged = len(all)
	return o
}

func (o *outcome) broken(invariant, format string, args ...any) {
	o.wrong = append(o.wrong, invariant+": "+fmt.Sprintf(format, args...))
}

// compare looks at I1, I2, I3 and I12.
func (o *outcome) compare(log []deed) {
	o.d.aside = nil
	left := slices.DeleteFunc(slices.Clone(log), func(x deed) bool {
		if p, can := o.d.post.(asider); !can || !p.aside(x) {
			return false
		}
		o.d.aside = append(o.d.aside, x)
		return true
	})
	doubted := 0
	for i := range o.plan.Changes {
		c := &o.plan.Changes[i]
		e := o.entries[c.Seq]
		key := c.Key
		if key.ID == "" {
			key = e.Key
		}
		n := len(left)
		left = slices.DeleteFunc(left, func(x deed) bool {
			return x.verb == verbOf(c.Op) && x.key.Kind == key.Kind && strings.EqualFold(string(x.key.ID), string(key.ID))
		})
		n -= len(left)
		o.effects[c.Seq] = n
		if e.Step == run.StepInDoubt && key.ID == "" {
			doubted++
		}
		o.weigh(c, e, n)
	}
	for _, x := range left {
		if x.verb == "create" && doubted > 0 {
			doubted-- // the target gave an id that nobody heard of; the journal says that it is in doubt
			continue
		}
		o.broken("I1, I12", "the target shows %s %s, which nobody approved", x.verb, x.key)
	}
	if !o.run.State.Ended() {
		o.broken("I3", "the run is %s", o.run.State)
	}
	var counted run.Outcome
	for _, e := range o.entries {
		counted.Count(e.Step)
	}
	if o.run.Outcome != counted {
		o.broken("I12", "the report says %+v, the journal %+v", o.run.Outcome, counted)
	}
	if o.run.State == run.Failed && !bilingual(o.run.Reason) {
		o.broken("I2", "the run fails for %q", o.run.Reason)
	}
}

// weigh looks at one change.
func (o *outcome) weigh(c *plan.Change, e run.Entry, n int) {
	if c.Op == plan.Adopt && e.Step == run.StepDone && n == 0 {
		return // nothing is sent
	}
	say := fmt.Sprintf("#%d %s %s is %s (sent %d times, %q)", c.Seq, c.Op, c.Key, e.Step, e.Sends, e.Say)
	switch {
	case n > 1:
		o.broken("I2", "%d effects: %s", n, say)
	case e.Step == run.StepDone && n != 1, e.Step == run.StepSkipped && n != 0, e.Step == run.StepFailed && n != 0, e.Step == run.StepPending && n != 0:
		o.broken("I2", "%d effects: %s", n, say)
	case e.Step == run.StepSending:
		o.broken("I3", "%s", say)
	case (e.Step == run.StepSkipped || e.Step == run.StepFailed || e.Step == run.StepInDoubt) && !bilingual(e.Say):
		o.broken("I2", "no reason in both languages: %s", say)
	}
}

// sound fails the test when an invariant is broken.
func (o *outcome) sound(name string) *outcome {
	o.d.t.Helper()
	for i, w := range o.wrong {
		if i == 6 {
			o.d.t.Errorf("%s: and %d more", name, len(o.wrong)-i)
			break
		}
		o.d.t.Errorf("%s: %s", name, w)
	}
	return o
}

// steps counts the changes of a kind by step, such as "done 3".
func (o *outcome) steps(of string) map[run.Step]int {
	got := map[run.Step]int{}
	for i := range o.plan.Changes {
		if c := &o.plan.Changes[i]; of == "" || what(c.Key.Kind, c.Op) == of {
			got[o.entries[c.Seq].Step]++
		}
	}
	return got
}

// want sees that all changes have a step.
func (o *outcome) want(name string, step run.Step) *outcome {
	o.d.t.Helper()
	for i := range o.plan.Changes {
		c := &o.plan.Changes[i]
		if e := o.entries[c.Seq]; e.Step != step {
			o.d.t.Errorf("%s: #%d %s %s %s is %s, want %s: %s", name, c.Seq, c.Op, c.Key, c.Name, e.Step, step, e.Say)
		}
	}
	return o
}

// state sees that the run ended as one of some states.
func (o *outcome) state(name string, states ...run.State) *outcome {
	o.d.t.Helper()
	if !slices.Contains(states, o.run.State) {
		o.d.t.Errorf("%s: the run is %s (%s %+v), want %v\n%s", name, o.run.State, o.run.Reason, o.run.Outcome, states, o.d.trouble(o.run))
	}
	return o
}

// hit sees that the fault was met so often at least: a case whose fault never comes
// proves nothing.
func (o *outcome) hit(name string, least int) *outcome {
	o.d.t.Helper()
	if o.met < least {
		o.d.t.Errorf("%s: the fault was met %d times, want %d", name, o.met, least)
	}
	return o
}

// writes gives the knocks that would change something.
func (o *outcome) writes() []knock {
	return slices.DeleteFunc(slices.Clone(o.knocks), func(k knock) bool { return !k.write })
}

// missing counts the changes without an effect in the target's own log: what the
// next plan must have.
func (o *outcome) missing() map[string]int {
	m := map[string]int{}
	for i := range o.plan.Changes {
		if c := &o.plan.Changes[i]; o.effects[c.Seq] == 0 {
			m[what(c.Key.Kind, c.Op)]++
		}
	}
	return m
}
