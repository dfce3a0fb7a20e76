// Package engine runs flows: it reads, plans, waits for votes, applies and
// keeps the record, one run at a time for each flow.
//
// It knows no chat, no vendor, no SQL and no JavaScript; it speaks to people by
// the events that its Store keeps.
package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Flow is one configured direction with its two ends.
type Flow struct {
	Plan plan.Flow
	// From and To are the names of the systems.
	From, To string
	Source   connector.Source
	Target   connector.Target
	Rules    plan.Rules      // nil: no rule
	Texts    []plan.RuleText // of Rules
	Config   string          // hash of the flow's configuration and rule files
	Schedule Schedule        // nil: only on command
	Spec     string          // that Schedule was made from
	Zone     *time.Location
	Paused   bool // plans, but applies nothing
	// OnChange is how long after its source said that something changed a small run
	// starts; 0 = the flow does not listen.
	OnChange time.Duration
}

// Schedule gives the next time after a given one; robfig/cron's does.
type Schedule interface {
	Next(after time.Time) time.Time
}

// Options are what an Engine needs. Store, Bell, Now and Logger are required.
type Options struct {
	Store  Store
	Bell   Bell
	Flows  []Flow
	People []run.Person
	Now    func() time.Time
	// Time gives the time of the record that all replicas share: approvals, their end
	// and their cooling off are judged by it. nil = Now.
	Time   func(ctx context.Context) (time.Time, error)
	Logger *slog.Logger
	Owner  string // names this process in leases; unique among replicas
	// Workers is how many runs may be worked on at once; 0 = 4.
	Workers int
	// LeaseTTL is how long a silent worker keeps its flow; 0 = 20 s. It must be
	// longer than every target's call time-out.
	LeaseTTL time.Duration
	// Sweep is how often the record is searched for work that nobody does; 0 = 5 s.
	Sweep time.Duration
	// Settle is how long after a lost answer a target may still be at work on the
	// call; 0 = as the target describes itself.
	Settle time.Duration
	// Progress is how often people are told how far a reading is; 0 = 10 s.
	Progress time.Duration
	// ParseSchedule reads five cron fields; nil = schedules cannot be set while the
	// service runs. Faults: Invalid.
	ParseSchedule func(spec string) (Schedule, error)
	// Working tells whether people are at work at a time: reminders wait for it;
	// nil = always.
	Working func(at time.Time) bool
	// Host makes rules of texts that a flow had before, or may get. Whoever asks ends
	// them. nil = no other rules can be asked. Its faults are those of scripting.New.
	Host func(ctx context.Context, flow string, texts []plan.RuleText) (rules plan.Rules, end func(), err error)
	// RuleTime is what the rules of one run may take together; a tenth of it what the
	// former rules may, to which they are compared. 0 = 30 min.
	RuleTime time.Duration
	// ReadTime is what reading source and target of one run may take, and asking after
	// who is missing as long again; what takes longer fails the run. 0 = 2 h.
	ReadTime time.Duration
	// Sleep waits until a busy system is read again, or gives ctx's error when it ends
	// first; nil = in real time.
	Sleep connector.Sleep
	// Around gives the context that a run is worked on with, so that whoever watches
	// knows what a call or a line of the log belongs to; nil = it stays as it is.
	Around func(ctx context.Context, r run.Run) context.Context
	// NewCode draws a run code; nil = from crypto/rand.
	NewCode func() (run.Code, error)
}

// Engine does the work. It is safe for concurrent use.
type Engine struct {
	o      Options
	flows  map[string]*Flow
	names  []string
	people map[string]run.Person
	staff  []plan.Staff
	locks  sync.Mutex // one look at a time at who is to be locked

	rests   rests
	hinted  map[string]*heard        // by flow
	retimed map[string]chan struct{} // by flow: this process was given another schedule
}

// New makes an engine. It starts nothing.
func New(o Options) (*Engine, error) {
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.LeaseTTL == 0 {
		o.LeaseTTL = 20 * time.Second
	}
	if o.Sweep == 0 {
		o.Sweep = 5 * time.Second
	}
	if o.Progress == 0 {
		o.Progress = 10 * time.Second
	}
	if o.RuleTime == 0 {
		o.RuleTime = 30 * time.Minute
	}
	if o.ReadTime == 0 {
		o.ReadTime = 2 * time.Hour
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.NewCode == nil {
		o.NewCode = func() (run.Code, error) { return run.NewCode(rand.Reader) }
	}
	e := &Engine{o: o, flows: map[string]*Flow{}, people: map[string]run.Person{}, retimed: map[string]chan struct{}{}, hinted: map[string]*heard{}}
	var errs []error
	for i := range o.Flows {
		f := &o.Flows[i]
		e.flows[f.Plan.Name] = f
		e.names = append(e.names, f.Plan.Name)
		e.retimed[f.Plan.Name] = make(chan struct{}, 1)
		e.hinted[f.Plan.Name] = newHeard()
		errs = append(errs, f.check(o.LeaseTTL))
	}
	for _, p := range o.People {
		e.people[p.Name] = p
		e.staff = append(e.staff, staff(p))
	}
	return e, errors.Join(errs...)
}

func (f *Flow) check(ttl time.Duration) error {
	if f.Target.Describe().CallTimeout >= ttl {
		return fault.New(fault.Internal, "flow %s: the lease is shorter than one call / 流程 %s：租约短于一次调用", f.Plan.Name, f.Plan.Name)
	}
	return nil
}

func staff(p run.Person) plan.Staff {
	s := plan.Staff{Name: p.Name, EmployeeNo: p.EmployeeNo, Email: p.Email}
	for _, a := range p.Accounts {
		s.Accounts = append(s.Accounts, a.ID)
	}
	s.Decides = len(p.Roles[run.Approver]) > 0 || len(p.Roles[run.Admin]) > 0
	return s
}

// Flows gives the names of the flows in the order of the configuration.
func (e *Engine) Flows() []string { return e.names }

func (e *Engine) flow(name string) (*Flow, error) {
	f, ok := e.flows[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no flow %q / 没有流程“%s”", name, name)
	}
	return f, nil
}

// Start begins a run, or gives the one that the same request began before. An
// undo is always applied, and its flow is that of the run that it undoes. Faults:
// NotFound for an unknown flow or an unknown run to undo; Denied when the person
// may not, or while the flow is paused and something is to be applied; Conflict
// when the run to undo has not ended or changed nothing; Invalid when its item was
// not done, or when only a part is to be applied.
func (e *Engine) Start(ctx context.Context, req run.Request) (run.Run, error) {
	return e.startOf(ctx, req, nil)
}

// startOf is Start of a run that is made of hints, which go with it: Stale when they
// are not as they were read.
func (e *Engine) startOf(ctx context.Context, req run.Request, of []run.Hint) (run.Run, error) {
	if req.Undoes != "" {
		undone, err := e.undone(ctx, req)
		if err != nil {
			return run.Run{}, err
		}
		req.Flow, req.Apply = undone.Flow, true
	}
	f, err := e.flow(req.Flow)
	if err != nil {
		return run.Run{}, err
	}
	if !req.Trigger.Unasked() {
		if err := e.may(req.By, run.Operator, req.Flow); err != nil {
			return run.Run{}, err
		}
	}
	if err := checkNarrow(req); err != nil {
		return run.Run{}, err
	}
	if err := e.startable(ctx, f, req); err != nil {
		return run.Run{}, err
	}
	r, err := e.create(ctx, req, of)
	for try := 1; fault.KindOf(err) == fault.Conflict && try < codeTries; try++ {
		r, err = e.create(ctx, req, of) // another run has the code
	}
	if err != nil {
		return run.Run{}, err
	}
	e.ring(ctx, r.Code)
	return r, nil
}

// startable tells whether what is asked for may begin now.
func (e *Engine) startable(ctx context.Context, f *Flow, req run.Request) error {
	switch {
	case !req.Apply:
		return nil
	case f.Paused:
		return fault.New(fault.Denied, "flow %s is paused in the configuration: it can be planned, not applied / 流程 %s 在配置中已暂停：只能预演，不能执行", req.Flow, req.Flow)
	}
	p, on, err := e.paused(ctx, req.Flow)
	if err == nil && on {
		err = pausedFault(req.Flow, p, f.Zone)
	}
	if err != nil || req.Undoes == "" {
		return err
	}
	return e.undoable(ctx, req)
}

// codeTries is how often a code is drawn for a run.
const codeTries = 5

func (e *Engine) create(ctx context.Context, req run.Request, of []run.Hint) (run.Run, error) {
	code, err := e.o.NewCode()
	if err != nil {
		return run.Run{}, err
	}
	now := e.o.Now()
	r, _, err := e.o.Store.CreateRun(ctx, run.Run{
		Code: code, Flow: req.Flow, State: run.Queued, Trigger: req.Trigger, Apply: req.Apply, By: req.By,
		Thread: req.Thread, RequestID: req.ID, Weak: req.Weak, Created: now, Updated: now,
		Behind: req.Behind, Undoes: req.Undoes, UndoItem: req.Item, Dept: req.Dept, Kind: req.Kind, Objects: req.Objects,
	}, of...)
	return r, err
}

// may asks for a role. The zero person never has one.
func (e *Engine) may(who run.Actor, role run.Role, flow string) error {
	if p, ok := e.people[who.Person]; ok && p.May(role, flow) {
		return nil
	}
	return fault.New(fault.Denied, "you lack the role %s for flow %s / 你没有流程 %[2]s 的 %[1]s 角色", role, flow)
}

// Get gives a run with its plan, nil when it has none yet. Faults: NotFound.
func (e *Engine) Get(ctx context.Context, code run.Code) (run.Run, *plan.Plan, error) {
	r, err := e.o.Store.Run(ctx, code)
	if err != nil || r.Plan.IsZero() {
		return r, nil, err
	}
	p, err := e.o.Store.Plan(ctx, code)
	return r, p, err
}

// List gives runs, newest first.
func (e *Engine) List(ctx context.Context, f run.Filter) ([]run.Run, error) {
	return e.o.Store.Runs(ctx, f)
}

// Entries gives the journal of a run.
func (e *Engine) Entries(ctx context.Context, code run.Code) ([]run.Entry, error) {
	return e.o.Store.Entries(ctx, code)
}

// Votes gives the votes of a run.
func (e *Engine) Votes(ctx context.Context, code run.Code) ([]run.Vote, error) {
	return e.o.Store.Votes(ctx, code)
}

// ring wakes a worker. A lost ring is made good by the sweeper, so the error is
// only worth a line in the log.
func (e *Engine) ring(ctx context.Context, code run.Code) {
	if err := e.o.Bell.Ring(ctx, string(code)); err != nil {
		e.o.Logger.WarnContext(ctx, "bell does not ring", "run", code, "err", err)
	}
}
