package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// askTime bounds each question about one person: somebody waits for the answer.
const askTime = 8 * time.Second

// inquiry is what is asked and learnt about one person in one flow.
type inquiry struct {
	e *Engine
	found
	last   *directory.Snapshot // nil: no complete listing yet
	links  []mapping.Link
	one    plan.One
	source run.Holding
	target run.Holding
	// unlinked says why nobody knows which account is the person's.
	unlinked string
	names    names
}

// names are the names of the two systems, as their snapshots bear them.
type names struct{ source, target string }

// inquire loads what the record holds, and asks both systems for the person.
func (e *Engine) inquire(ctx context.Context, p found) (*inquiry, error) {
	q := &inquiry{e: e, found: p, one: plan.One{Key: p.key}}
	flow := p.flow.Plan.Name
	var err error
	if q.links, err = e.o.Store.Links(ctx, flow); err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	if last, ok, err := e.o.Store.LastSnapshot(ctx, flow); err != nil {
		return nil, fmt.Errorf("load last snapshot: %w", err)
	} else if ok {
		q.last = last
	}
	if q.names, err = e.systemNames(ctx, p.flow, q.last); err != nil {
		return nil, err
	}
	q.source = run.Holding{System: q.names.source, Tenant: p.flow.Source.Describe().Tenant}
	q.target = run.Holding{System: q.names.target, Tenant: p.flow.Target.Describe().Tenant}
	if p.key.ID == "" {
		q.source.Unsure = sayf("several people in %s have the same employee number or mail address / %s 中有多个人的工号或邮箱相同", q.names.source, q.names.source)
		q.target.Unsure = q.source.Unsure
		return q, nil
	}
	q.askSource(ctx)
	q.askTarget(ctx)
	return q, nil
}

// systemNames gives what the systems are called: the snapshots know, and plans
// bear it on. Without any the type of the system must do.
func (e *Engine) systemNames(ctx context.Context, f *Flow, last *directory.Snapshot) (names, error) {
	n := names{source: f.Source.Describe().Type, target: f.Target.Describe().Type}
	if last != nil {
		n.source = last.System
	}
	recent, err := e.o.Store.Runs(ctx, run.Filter{Flow: f.Plan.Name})
	if err != nil {
		return n, fmt.Errorf("load runs: %w", err)
	}
	for _, r := range recent {
		if r.Plan.IsZero() {
			continue
		}
		p, err := e.o.Store.Plan(ctx, r.Code)
		if err != nil {
			return n, fmt.Errorf("load plan: %w", err)
		}
		return names{source: p.Source.System, target: p.Target.System}, nil
	}
	return n, nil
}

// askOne asks a system for one object, within askTime. The sentence says why
// nothing can be told.
func askOne(ctx context.Context, system string, of connector.Source, key directory.Key) (connector.Sighting, string) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errSlow)
	defer cancel()
	s, err := ask(ctx, of, key)
	switch {
	case err != nil:
		return s, sayFailed(ctx, system, err)
	case s.Presence == connector.Unsure && s.Why == "":
		return s, sayf("%s cannot tell / %s 无法确认", system, system)
	case s.Presence == connector.Unsure:
		return s, s.Why
	}
	return s, ""
}

var errSlow = errors.New("no answer in time")

func sayFailed(ctx context.Context, system string, err error) string {
	if errors.Is(context.Cause(ctx), errSlow) {
		return sayf("%s did not answer within %d s / %s 在 %d 秒内没有应答", system, int(askTime/time.Second), system, int(askTime/time.Second))
	}
	return fault.Say(err)
}

func (q *inquiry) askSource(ctx context.Context) {
	s, unsure := askOne(ctx, q.names.source, q.flow.Source, q.key)
	q.source.Unsure = unsure
	switch {
	case unsure != "":
	case s.Presence == connector.Gone:
		q.source.Gone = true
	default:
		q.source.Object, q.one.Source = s.Object, &s.Object
		q.source.Names = q.sourceNames(s.Object)
	}
}

// askTarget asks for the linked account; without one, or when it is gone, for the
// one under the id that we would give, and else for the one that there was.
func (q *inquiry) askTarget(ctx context.Context) {
	linked := q.link != nil && q.link.Live()
	if linked && !q.askAccount(ctx, q.link.Target, true) {
		return
	}
	if wanted := q.wantedID(); wanted.ID != "" && (!linked || wanted != q.link.Target) {
		if !q.askAccount(ctx, wanted, false) {
			return
		}
	} else if q.link != nil && !linked {
		if s, unsure := askOne(ctx, q.names.target, q.flow.Target, q.link.Target); unsure == "" && s.Presence == connector.Gone {
			q.target.Gone = true
		}
	}
	if q.one.Source != nil {
		q.askOpen()
	}
}

// askOpen says so when somebody there may be the person whom nobody has looked at.
func (q *inquiry) askOpen() {
	account := directory.Object{}
	if q.one.Target != nil {
		account = *q.one.Target
	}
	idAttr := q.flow.Target.Describe().IDAttribute
	if key := q.flow.Plan.Users.Open(*q.one.Source, account, idAttr); key != "" && q.target.Object.ID == "" {
		q.unlinked = sayf("not linked yet: only a plan of all can tell whether somebody there has the same %s / 尚未关联：那里是否有 %s 相同的账号，要做完整预演才知道", key, key)
		q.target.Unsure, q.target.Gone = q.unlinked, false
	}
}

// askAccount asks for one account, and tells whether it is not there, or not the
// person's, so that another may be looked for. An account that is not linked is
// the person's when a match key fits.
func (q *inquiry) askAccount(ctx context.Context, key directory.Key, linked bool) bool {
	s, unsure := askOne(ctx, q.names.target, q.flow.Target, key)
	q.target.Unsure = unsure
	switch {
	case unsure != "":
		return false
	case s.Presence == connector.Gone:
		q.target.Gone = true
		return true
	}
	q.one.Target, q.target.Gone = &s.Object, false
	if linked || len(q.flow.Plan.Users.Fit(q.person(), s.Object)) > 0 {
		q.target.Object = s.Object
		return false
	}
	return true
}

// person gives the person as the source shows them, or as they were last seen.
func (q *inquiry) person() directory.Object {
	if q.one.Source != nil {
		return *q.one.Source
	}
	return q.user
}

// wantedID gives the id that an account would get from us, if the target takes
// ids of ours and the source says which.
func (q *inquiry) wantedID() directory.Key {
	attr := q.flow.Target.Describe().IDAttribute
	users := q.flow.Plan.Users
	if attr == "" || !slices.Contains(users.Targets(), attr) {
		return directory.Key{}
	}
	want, _, err := users.Map(q.person().Attributes, func(ref directory.Ref) (directory.Ref, bool) { return ref, true })
	if err != nil || want[attr].Type() == directory.Unknown {
		return directory.Key{}
	}
	return directory.Key{Kind: directory.User, ID: directory.ID(want[attr].String())}
}

// forecast tells what the next plan would do with the person.
func (q *inquiry) forecast(ctx context.Context) run.Forecast {
	if q.last == nil {
		return run.Forecast{Unsure: q.sayNoListing()}
	}
	out := run.Forecast{Source: q.last.TakenAt}
	if out.Unsure = q.unsure(); out.Unsure != "" {
		return out
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errSlow)
	defer cancel()
	if out.Unsure = q.askAround(ctx); out.Unsure != "" {
		return out
	}
	seen, err := plan.Foresee(ctx, q.input(), q.one)
	if err != nil {
		out.Unsure = sayFailed(ctx, q.flow.Plan.Name, err)
		return out
	}
	out.Change, out.Notes, out.Names, out.Unsure = seen.Change, seen.Notes, seen.Names, seen.Unsure
	return out
}

func (q *inquiry) sayNoListing() string {
	return sayf("%s has not been read completely yet: start a plan of %s first / 还没有完整读取过 %[1]s：请先预演 %[2]s", q.names.source, q.flow.Plan.Name)
}

// unsure says which system does not tell enough for a plan. An account that is
// merely not linked is the planner's to judge.
func (q *inquiry) unsure() string {
	if q.source.Unsure != "" {
		return q.source.Unsure
	}
	if q.target.Unsure != q.unlinked {
		return q.target.Unsure
	}
	return ""
}

// input gives the input of a plan, as far as it matters for one person.
func (q *inquiry) input() plan.Input {
	target, _ := directory.NewBuilder(q.names.target, q.e.o.Now()).Finish()
	return plan.Input{
		Flow: q.flow.Plan, Config: q.flow.Config, Source: q.last, Target: target, Links: q.links,
		Abilities: abilities(q.flow.Target.Describe()), Rules: q.flow.Rules, Staff: q.e.staff,
		Now: q.e.o.Now().In(q.flow.Zone),
	}
}
