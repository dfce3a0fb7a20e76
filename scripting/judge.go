package scripting

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

const (
	batchSize = 100
	// Limits of patience within one Judge: a rule that hangs on every object
	// would keep a run busy for days. What was an accident of a loaded machine does
	// not come again, so that the first few offenders are judged twice.
	maxDeaths   = 8
	maxOverstay = 40
	maxChances  = 4
	// What rules write stays in memory until the plan is made. A run may write this
	// much, and for many objects so much for each.
	maxFlood    = 64 << 20
	floodObject = 512
)

// judging is one call of Judge.
type judging struct {
	h        *Host
	kind     directory.Kind
	subjects []plan.Subject
	verdicts []plan.Verdict
	look     plan.Lookup
	lookMu   sync.Mutex // the caller's Lookup need not be safe for concurrent use
	now      time.Time
	number   uint64
	wantLogs bool
	logs     []string // of the first subject, for Try
	trail    trail    // the same

	workers int
	cursor  atomic.Int64  // the first subject that no child has got yet
	handed  chan struct{} // closed when there is none
	hand    sync.Once

	deaths, overstays, chances atomic.Int32
	bytes                      atomic.Int64 // that the rule wrote
	offence                    atomic.Pointer[offence]
}

// offence is the last object for which the rule outran a limit.
type offence struct {
	id  directory.ID
	err plan.RuleError
}

// Judge gives one verdict for each subject, in order. All must be of one kind.
// Where there is no rule for the kind, every verdict lets the proposal stand.
// look is called by one goroutine at a time. Faults: Invalid around a
// *plan.RuleError when the rule outruns its limits so often, or writes so much, that it
// is stopped, and when its process does not come as far as to compile it; Unavailable
// when ctx ends, the host is closed or processes cannot be started; Internal for
// subjects of two kinds.
func (h *Host) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	j, err := h.judge(ctx, subjects, look, h.o.Logger.Enabled(ctx, slog.LevelDebug))
	if err != nil {
		return nil, err
	}
	return j.verdicts, nil
}

// Trace is what a rule told its author in Try.
type Trace struct {
	Logs []string      // lines of log(…), bounded
	Took time.Duration // by the clock, with the start of a child if one had to start
	// Lines are those of the rule on which a statement ran, ascending; with
	// Options.Cover only.
	Lines []int
	// Ran are the statements that ran, by their numbers in StatementLines; with
	// Options.Cover only. A line may hold several: a condition and what it guards.
	Ran []int
	// Clock tells that the rule asked what time it is.
	Clock bool
}

// Try judges one subject for a person who tries a rule out. Faults are those of
// Judge.
func (h *Host) Try(ctx context.Context, subject plan.Subject, look plan.Lookup) (plan.Verdict, Trace, error) {
	began := h.o.Now()
	j, err := h.judge(ctx, []plan.Subject{subject}, look, true)
	if err != nil {
		return plan.Verdict{}, Trace{}, err
	}
	return j.verdicts[0], Trace{
		Logs: j.logs, Took: h.o.Now().Sub(began), Lines: linesOf(h.StatementLines(j.kind), j.trail.numbers()), Ran: j.trail.numbers(), Clock: j.trail.clock,
	}, nil
}

func (h *Host) judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup, wantLogs bool) (*judging, error) {
	j := &judging{
		h:        h,
		subjects: subjects,
		verdicts: make([]plan.Verdict, len(subjects)),
		look:     look,
		now:      h.o.Now(),
		number:   h.generation.Add(1),
		wantLogs: wantLogs,
	}
	if len(subjects) == 0 {
		return j, nil
	}
	j.kind = subjects[0].Object.Kind
	for i := range subjects {
		if subjects[i].Object.Kind != j.kind {
			return nil, fault.New(fault.Internal, "objects of two kinds are judged at once / 不能同时判定两类对象")
		}
	}
	if h.rules[j.kind] == nil {
		for i := range j.verdicts {
			j.verdicts[i].Returned = true
		}
		return j, nil
	}
	err := j.run(ctx)
	switch {
	case err == nil:
		return j, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return nil, err
	}
	if broken, ok := errors.AsType[*plan.RuleError](err); ok {
		return nil, ruleFault(broken)
	}
	return nil, fault.Wrap(fault.Unavailable, err, "the rules were not run to the end / 规则没有执行完")
}

// ruleFault is the fault of a rule that is of no use as a whole.
func ruleFault(e *plan.RuleError) error {
	en, zh := halves(e.Say)
	at := e.Place().String()
	return fault.Wrap(fault.Invalid, e, "%s", texts{en: at + ": " + en, zh: at + "：" + zh}.String())
}

// run shares the subjects among children.
func (j *judging) run(ctx context.Context) error {
	j.workers = min(j.h.o.Workers, (len(j.subjects)+batchSize-1)/batchSize)
	j.handed = make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	for range j.workers {
		group.Go(func() error { return j.work(ctx) })
	}
	return group.Wait()
}

// work judges spans with one child after another. It waits for its turn among
// the callers of all hosts, but not longer than there is something to judge.
func (j *judging) work(ctx context.Context) error {
	mine, err := j.h.o.Slots.take(ctx, j.handed)
	if !mine {
		return err
	}
	f := feed{j: j, placed: true, since: j.h.o.Now()}
	defer f.end()
	return f.run(ctx)
}

// next gives the next stretch of subjects to judge. The last ones are not taken in
// advance: each child gets some of them.
func (j *judging) next(advance bool) (span, bool) {
	total := len(j.subjects)
	if left := total - int(j.cursor.Load()); advance && j.workers > 1 && left <= j.workers*batchSize {
		return span{}, false
	}
	to := int(j.cursor.Add(batchSize))
	if to >= total {
		j.hand.Do(func() { close(j.handed) })
	}
	s := span{from: to - batchSize, to: min(to, total)}
	return s, s.from < s.to
}

// spent gives the end of our patience with the rule, if it has come.
func (j *judging) spent() error {
	deaths, overstays := j.deaths.Load(), j.overstays.Load()
	if last := j.offence.Load(); last != nil && (deaths >= maxDeaths || overstays >= maxOverstay) {
		e := last.err
		e.Say = textSpent.about(int(deaths+overstays), clean(string(last.id), 60)).quote(e.Say)
		return &e
	}
	if most := max(maxFlood, floodObject*int64(len(j.subjects))); j.bytes.Load() > most {
		return &plan.RuleError{File: j.file(), Say: textFlood.sayf(most >> 20), Limit: true}
	}
	return nil
}

// file names the rule for people.
func (j *judging) file() string { return j.h.rules[j.kind].file.label() }

// blame fails one object: the rule outran a limit.
func (j *judging) blame(i int, say string) {
	j.outran(i, &plan.RuleError{File: j.file(), Say: say, Limit: true})
}

func (j *judging) outran(i int, e *plan.RuleError) {
	j.verdicts[i] = plan.Verdict{Failed: e}
	j.offence.Store(&offence{j.subjects[i].Object.ID, *e})
}

// chance tells whether an object that outran its time is judged once more.
func (j *judging) chance() bool { return j.chances.Add(1) <= maxChances }

// take keeps one verdict. again tells that the object is to be judged once more,
// because it took too long and retry allows it.
func (j *judging) take(i int, body []byte, retry bool) (again bool, err error) {
	got, err := decodeChanges(body, j.subjects[i].Object.Attributes)
	if err != nil {
		return false, err
	}
	if got.overstayed && retry && j.chance() {
		return true, nil
	}
	v := got.Verdict
	switch {
	case v.Failed != nil:
		v.Failed.File = j.file()
	case v.At.Line > 0:
		v.At.File = j.file()
	}
	j.verdicts[i] = v
	if got.overstayed {
		j.outran(i, v.Failed)
		j.overstays.Add(1)
	}
	if j.wantLogs {
		if i == 0 {
			j.logs, j.trail = got.logs, got.trail
		}
		for _, line := range got.logs {
			j.h.o.Logger.Debug("rule logs", "kind", string(j.kind), "id", string(j.subjects[i].Object.ID), "text", line)
		}
	}
	return false, nil
}
