package scripting

import (
	"context"
	"errors"
	"log/slog"
	"maps"
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
	// would keep a run busy for days.
	maxDeaths   = 8
	maxOverstay = 40
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

	deaths, overstays atomic.Int32
}

// Judge gives one verdict for each subject, in order. All must be of one kind.
// Where there is no rule for the kind, every verdict lets the proposal stand.
// look is called by one goroutine at a time. Faults: Unavailable when ctx ends, the
// host is closed or children do not start, Internal for subjects of two kinds.
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
	if err := j.run(ctx); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if _, ok := errors.AsType[*fault.Error](err); ok {
			return nil, err
		}
		return nil, fault.Wrap(fault.Unavailable, err, "the rules were not run to the end / 规则没有执行完")
	}
	return j, nil
}

// span is a stretch of the subjects.
type span struct{ from, to int }

// run shares the subjects among children.
func (j *judging) run(ctx context.Context) error {
	spans, handed := make(chan span), make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(handed)
		defer close(spans)
		for from := 0; from < len(j.subjects); from += batchSize {
			select {
			case spans <- span{from, min(from+batchSize, len(j.subjects))}:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	workers := min(j.h.o.Workers, (len(j.subjects)+batchSize-1)/batchSize)
	for range workers {
		group.Go(func() error { return j.work(ctx, spans, handed) })
	}
	return group.Wait()
}

// work judges spans with one child after another. It waits for its turn among
// the host's callers, but not longer than there is something to judge.
func (j *judging) work(ctx context.Context, spans <-chan span, handed <-chan struct{}) error {
	select {
	case j.h.slots <- struct{}{}:
		defer func() { <-j.h.slots }()
	case <-handed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var c *child
	defer func() { j.h.give(c) }()
	for s := range spans {
		var err error
		if c, err = j.span(ctx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// span judges one stretch and gives the child to go on with. When a child dies,
// the objects without a verdict go to the next child one by one, until one kills
// that too: it is the offender.
func (j *judging) span(ctx context.Context, c *child, s span) (*child, error) {
	suspect := false
	for s.from < s.to {
		if j.spent() {
			j.giveUp(s)
			break
		}
		if c == nil {
			var err error
			if c, err = j.h.take(ctx); err != nil {
				return nil, err
			}
		}
		to := s.to
		if suspect {
			to = s.from + 1
		}
		done, err := j.batch(ctx, c, span{s.from, to})
		s.from += done
		if err == nil {
			continue
		}
		dead, ok := errors.AsType[*deathError](err)
		switch {
		case ctx.Err() != nil:
			_ = c.death(&vigil{})
			return nil, context.Cause(ctx)
		case errors.Is(err, errTooBig):
			j.blame(s.from, textTooBig.String())
			s.from++
			continue
		case !ok:
			_ = c.death(&vigil{})
			return nil, err
		}
		c = nil
		switch {
		case s.from >= s.to: // it died behind its last verdict
		case dead.silent:
			j.blame(s.from, textOverstayed.sayf(j.h.o.ObjectTime))
			j.deaths.Add(1)
			s.from++
			suspect = false
		case suspect:
			j.blame(s.from, textDied.with(dead.cause))
			j.deaths.Add(1)
			s.from++
			suspect = false
		default:
			suspect = true
		}
	}
	return c, nil
}

// spent tells whether the rule has used up our patience.
func (j *judging) spent() bool {
	return j.deaths.Load() >= maxDeaths || j.overstays.Load() >= maxOverstay
}

// giveUp fails a stretch unjudged.
func (j *judging) giveUp(s span) {
	for i := s.from; i < s.to; i++ {
		j.blame(i, textSpent.String())
	}
}

func (j *judging) blame(i int, say string) {
	j.verdicts[i] = plan.Verdict{Failed: &plan.RuleError{File: j.h.rules[j.kind].file.label(), Say: say}}
}

// errTooBig says that an object does not fit into a frame.
var errTooBig = errors.New("object too big")

// batch feeds a stretch to a child and collects its verdicts. It gives how many
// came, and a *deathError when the child ended before the last.
func (j *judging) batch(ctx context.Context, c *child, s span) (int, error) {
	b := batch{generation: j.number, logs: j.wantLogs, now: j.now, kind: j.kind}
	b.subjects = j.subjects[s.from:s.to]
	body, n := b.encode()
	if n == 0 {
		return 0, errTooBig
	}
	s.to = s.from + n

	w := c.watchOver(ctx, j.h.o.BatchTime)
	defer w.end()

	done := 0
	if c.tell(frameBatch, body) != nil {
		return 0, c.death(w)
	}
	for {
		f, err := readFrame(c.out)
		if err != nil {
			return done, c.death(w)
		}
		w.alarm.Reset(j.h.o.BatchTime)
		switch f.kind {
		case frameEnd:
			if done == n {
				return done, nil
			}
			err = errFrame
		case frameVerdict:
			if done == n {
				err = errFrame
			} else if err = j.take(s.from+done, f.body); err == nil {
				done++
			}
		case frameLookup:
			err = j.answer(c, f.body)
		default:
			err = errFrame
		}
		if err != nil { // nonsense or a broken pipe: the child is of no use
			return done, c.death(w)
		}
	}
}

// take keeps one verdict.
func (j *judging) take(i int, body []byte) error {
	got, err := decodeJudgement(body)
	if err != nil {
		return err
	}
	v := got.Verdict
	if v.Failed != nil {
		v.Failed.File = j.h.rules[j.kind].file.label()
	}
	if v.Data != nil {
		data := j.subjects[i].Object.Attributes.Clone()
		if data == nil {
			data = directory.Attributes{}
		}
		maps.Copy(data, v.Data)
		v.Data = data
	}
	j.verdicts[i] = v
	if got.overstayed {
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
	return nil
}

// answer looks an object up for the child.
func (j *judging) answer(c *child, body []byte) error {
	l, err := decodeLookup(body)
	if err != nil {
		return err
	}
	j.lookMu.Lock()
	found := l.answer(j.look)
	j.lookMu.Unlock()
	return c.tell(frameAnswer, encodeAnswer(found))
}
