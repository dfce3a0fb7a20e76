package engine

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Try lets a flow's rule judge one person, and writes nothing. Somebody without a
// link is tried with the account under the id that we would give, if it matches,
// and as new otherwise. Faults: NotFound for nobody, or somebody who is gone and
// has no account of this flow; Conflict when several persons fit; Denied without
// the role operator; Invalid for an operation that no rule is given; Unavailable
// when a system does not answer or there is no complete listing yet. Of given texts
// the faults of Options.Host. A rule that is of no use at all is what the verdict
// failed with.
func (e *Engine) Try(ctx context.Context, t run.Trial) (run.Tried, error) {
	f, err := e.flow(t.Flow)
	if err != nil {
		return run.Tried{}, err
	}
	if err := e.may(t.By, run.Operator, t.Flow); err != nil {
		return run.Tried{}, err
	}
	switch t.Op {
	case "", plan.None, plan.Create, plan.Update, plan.Disable, plan.Delete:
	default:
		return run.Tried{}, fault.New(fault.Invalid, "no rule is given the operation %q / 规则没有“%s”这个操作", t.Op, t.Op)
	}
	all, err := e.find(ctx, t.Who, []string{t.Flow})
	if err != nil {
		return run.Tried{}, err
	}
	q, err := e.inquire(ctx, all[0])
	if err != nil {
		return run.Tried{}, err
	}
	if err := q.triable(); err != nil {
		return run.Tried{}, err
	}
	rules, end, err := e.tried(ctx, f, t.Texts)
	if err != nil {
		return run.Tried{}, err
	}
	defer end()
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errSlow)
	defer cancel()
	if why := q.askAround(ctx); why != "" {
		return run.Tried{}, &fault.Error{Kind: fault.Unavailable, Say: why}
	}
	in, heard := q.input(), trace{}
	if in.Rules = rules; rules != nil {
		in.Rules = stopwatch{Rules: rules, now: e.o.Now, heard: &heard}
	}
	got, err := plan.Judge(ctx, in, q.one, t.Op)
	if err != nil {
		say := sayFailed(ctx, t.Flow, err)
		return run.Tried{}, fault.Wrap(fault.Unavailable, err, "the rule was not judged: %s / 规则没有执行：%s", fault.In(say, "en"), fault.In(say, "zh"))
	}
	return run.Tried{
		Object: got.Object, Target: got.Target, Proposed: got.Proposed, Verdict: got.Verdict,
		Final: got.Final, Note: got.Note, Took: heard.took, Logs: heard.logs, Ruled: got.Ruled,
	}, nil
}

// tried gives the rules to try: the flow's own, with given texts in the place of those
// of the same kinds.
func (e *Engine) tried(ctx context.Context, f *Flow, given []plan.RuleText) (rules plan.Rules, end func(), err error) {
	if len(given) == 0 {
		return f.Rules, func() {}, nil
	}
	return e.host(ctx, f, instead(f.Texts, given))
}

// triable refuses a trial on what nobody knows.
func (q *inquiry) triable() error {
	switch why := q.unsure(); {
	case q.last == nil:
		return &fault.Error{Kind: fault.Unavailable, Say: q.sayNoListing()}
	case why != "":
		return &fault.Error{Kind: fault.Unavailable, Say: why}
	case q.one.Source == nil && (q.link == nil || !q.link.Live()):
		return fault.New(fault.NotFound, "%s is not in %s any more and has no account of this flow / %[1]s 在 %[2]s 中已不存在，本流程也没有其账号", q.user.Name(), q.names.source)
	}
	return nil
}

// Teller is what Rules may be able to do besides: to tell a rule's author what the
// rule logged while it judged one object.
type Teller interface {
	Tell(ctx context.Context, subject plan.Subject, look plan.Lookup) (v plan.Verdict, logs []string, err error)
}

// trace is what came of the rule for users beside its verdict.
type trace struct {
	took time.Duration
	logs []string
}

// stopwatch measures how long the rule for users takes, and listens to what it logs.
type stopwatch struct {
	plan.Rules
	now   func() time.Time
	heard *trace
}

// File gives what people call the rule of a kind; see plan.Rules.
func (s stopwatch) File(kind directory.Kind) string {
	if named, ok := s.Rules.(interface{ File(directory.Kind) string }); ok {
		return named.File(kind)
	}
	return ""
}

// Judge asks the rule.
func (s stopwatch) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	if len(subjects) == 0 || subjects[0].Object.Kind != directory.User {
		return s.Rules.Judge(ctx, subjects, look)
	}
	began := s.now()
	defer func() { s.heard.took += s.now().Sub(began) }()
	teller, ok := s.Rules.(Teller)
	if !ok || len(subjects) > 1 {
		return s.Rules.Judge(ctx, subjects, look)
	}
	v, logs, err := teller.Tell(ctx, subjects[0], look)
	s.heard.logs = append(s.heard.logs, logs...)
	if err != nil {
		return nil, err
	}
	return []plan.Verdict{v}, nil
}
