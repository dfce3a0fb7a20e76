package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// formerShare is how much less time the former rules have than those of the run:
// what they say is a help, and must not hold the run up.
const formerShare = 10

// rules gives the flow's rules with the time that one run has for them.
func (e *Engine) rules(f *Flow) plan.Rules {
	if f.Rules == nil {
		return nil
	}
	return &budget{Rules: f.Rules, texts: f.Texts, now: e.o.Now, most: e.o.RuleTime}
}

// What the rules of a run write stays in memory until the plan is made. They may write
// this many bytes in all, and so many more for each object.
const (
	mostWritten   = 64 << 20
	writtenObject = 512
)

// budget lets rules take a time in all, and write so much. It is of one run.
type budget struct {
	plan.Rules
	texts []plan.RuleText
	now   func() time.Time
	most  time.Duration

	mu      sync.Mutex
	took    time.Duration
	written int // bytes
	allowed int // bytes beyond mostWritten
}

// errRulesSpent is why a judgement is broken off.
var errRulesSpent = errors.New("the time of the rules is spent")

// Judge asks the rules while there is time, and gives a *plan.RuleError that names
// the rule once there is none.
func (b *budget) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	left := b.left()
	if left <= 0 {
		return nil, b.spent(subjects)
	}
	within, cancel := context.WithTimeoutCause(ctx, left, errRulesSpent)
	defer cancel()
	began := b.now()
	verdicts, err := b.Rules.Judge(within, subjects, look)
	b.mu.Lock()
	b.took += b.now().Sub(began)
	b.mu.Unlock()
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errRulesSpent) {
		return nil, b.spent(subjects)
	}
	if err == nil && b.flooded(subjects, verdicts) {
		return nil, &plan.RuleError{Limit: true, File: b.File(subjects[0].Object.Kind), Say: sayf(
			"the rule writes too much, more than %d MiB and %d bytes for each object: let it write less / 规则写入的内容过多，超过 %[1]d MiB 加每个对象 %[2]d 字节：请减少写入", mostWritten>>20, writtenObject)}
	}
	return verdicts, err
}

// flooded counts what the rules wrote, and tells whether it is too much.
func (b *budget) flooded(subjects []plan.Subject, verdicts []plan.Verdict) bool {
	n := 0
	for i := range verdicts {
		if verdicts[i].Data == nil || i >= len(subjects) {
			continue
		}
		for name, v := range verdicts[i].Data {
			if was := subjects[i].Object.Attributes[name]; !v.Equal(was) {
				n += len(directory.AppendValue(nil, v))
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written += n
	b.allowed += writtenObject * len(subjects)
	return b.written > mostWritten+b.allowed
}

func (b *budget) left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most - b.took
}

func (b *budget) spent(subjects []plan.Subject) *plan.RuleError {
	e := &plan.RuleError{Limit: true, Say: sayf(
		"the rules of one run may take %s together, and that is spent: make the rule faster, or raise timing.rules / 一次运行的规则脚本总共可用 %[1]s，已经用完：请让规则更快，或调大 timing.rules", short(b.most))}
	if len(subjects) > 0 {
		e.File = b.File(subjects[0].Object.Kind)
	}
	return e
}

// File gives what people call the rule of a kind.
func (b *budget) File(kind directory.Kind) string {
	for _, t := range b.texts {
		if t.Kind == kind {
			return t.Name
		}
	}
	return ""
}

// short writes a time as the configuration does: 30m, not 30m0s.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// unruled are the rules of a flow that has none.
type unruled struct{}

var _ plan.Rules = unruled{}

// Mentions tells that there is no rule.
func (unruled) Mentions(directory.Kind) (plan.Calls, bool) { return plan.Calls{}, false }

// Judge lets every proposal stand.
func (unruled) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i := range out {
		out[i].Returned = true
	}
	return out, nil
}

// host makes rules of texts; whoever asks ends them. Of no texts it makes rules that
// let everything stand. Faults: those of Options.Host, Unavailable without one.
func (e *Engine) host(ctx context.Context, f *Flow, texts []plan.RuleText) (rules plan.Rules, end func(), err error) {
	switch {
	case len(texts) == 0:
		return unruled{}, func() {}, nil
	case e.o.Host == nil:
		return nil, nil, fault.New(fault.Unavailable, "other rules cannot be run here / 这里无法运行其他规则脚本")
	}
	rules, end, err = e.o.Host(ctx, f.Plan.Name, texts)
	if err != nil {
		return nil, nil, err
	}
	if end == nil {
		end = func() {}
	}
	return rules, end, nil
}

// former gives the rules of the run that was applied last, when they are others than
// the flow's, and what ends them. It is nil when they are the same, when nothing was
// applied yet, and when nobody kept them: an older version did not.
func (w *worker) former(ctx context.Context) (was *plan.Former, end func(), err error) {
	end = func() {}
	last, ok, err := w.lastApplied(ctx, w.flow.Plan.Name)
	if err != nil || !ok || last.Config == w.flow.Config {
		return nil, end, err
	}
	texts, kept, err := w.o.Store.RuleTexts(ctx, last.Config)
	if err != nil {
		return nil, end, fmt.Errorf("load the rules of %s: %w", last.Code, err)
	}
	if !kept || sameRules(texts, w.flow.Texts) {
		return nil, end, nil
	}
	was = &plan.Former{Run: string(last.Code)}
	rules, end, err := w.host(ctx, w.flow, texts)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, func() {}, err
	case err != nil:
		w.o.Logger.WarnContext(ctx, "former rules cannot be asked", "flow", w.flow.Plan.Name, "run", last.Code, "err", err)
		was.Say = fault.Say(err)
		return was, func() {}, nil
	}
	was.Rules = &budget{Rules: rules, texts: texts, now: w.o.Now, most: w.o.RuleTime / formerShare}
	return was, end, nil
}

// sameRules tells whether two sets of rules decide alike because they are the same
// texts. What the files are called does not matter.
func sameRules(a, b []plan.RuleText) bool {
	if len(a) != len(b) {
		return false
	}
	return !slices.ContainsFunc(a, func(one plan.RuleText) bool {
		return !slices.ContainsFunc(b, func(other plan.RuleText) bool { return one.Kind == other.Kind && one.Text == other.Text })
	})
}

// instead gives the flow's texts with some of them replaced, those of the kinds that
// others name.
func instead(texts, others []plan.RuleText) []plan.RuleText {
	out := slices.DeleteFunc(slices.Clone(texts), func(t plan.RuleText) bool {
		return slices.ContainsFunc(others, func(o plan.RuleText) bool { return o.Kind == t.Kind })
	})
	return append(out, others...)
}

// judging gives a context for what asks rules, which may take long: it ends when
// somebody has ended the run meanwhile, since the next run waits for the lease. end
// gives the error that then counts.
func (w *worker) judging(ctx context.Context, code run.Code) (within context.Context, end func(error) error) {
	within, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(w.o.Progress)
		defer tick.Stop()
		for {
			select {
			case <-within.Done():
				return
			case <-tick.C:
			}
			if r, err := w.o.Store.Run(within, code); err == nil && r.State.Ended() {
				cancel(errRunEnded)
				return
			}
		}
	}()
	return within, func(err error) error {
		ended := errors.Is(context.Cause(within), errRunEnded)
		cancel(nil)
		<-done
		if err != nil && ended {
			return fault.Wrap(fault.Conflict, err, "the run was ended meanwhile / 运行已在中途结束")
		}
		return err
	}
}

// errRunEnded is why the rules of a run are not asked any more.
var errRunEnded = errors.New("the run was ended")

// keepRules keeps the texts that a plan was made with, before the plan is saved: if
// the process ends in between, nobody looks for them. Only a plan that may be applied
// is ever compared with.
func (w *worker) keepRules(ctx context.Context, r run.Run, p *plan.Plan) error {
	if !r.Apply || r.Undoes != "" || p.Risk.Blocked || len(p.Changes) == 0 {
		return nil
	}
	if err := w.o.Store.KeepRules(ctx, p.Config, w.flow.Texts); err != nil {
		return fmt.Errorf("keep rules: %w", err)
	}
	return nil
}

// broken tells whether a plan changes nothing because a rule is of no use.
func broken(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindRuleBroken })
}
