package engine

import (
	"context"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// finding is the target object of a change as it is now.
type finding struct {
	object directory.Object
	gone   bool
	unsure string // why nothing can be said; "" when something can
}

// look reads the change's target object afresh.
func (a *applier) look(ctx context.Context, c *plan.Change) (finding, error) {
	key := a.targetKey(c)
	s, err := ask(ctx, a.flow.Target, key)
	if err != nil {
		return finding{}, err
	}
	switch s.Presence {
	case connector.Present:
		return finding{object: s.Object}, nil
	case connector.Gone:
		return finding{gone: true}, nil
	default:
		return finding{unsure: s.Why + " "}, nil
	}
}

// ask asks a system for one object, afresh.
func ask(ctx context.Context, of connector.Source, key directory.Key) (connector.Sighting, error) {
	seen, err := askAll(ctx, of, key.Kind, []directory.ID{key.ID})
	if err != nil {
		return connector.Sighting{}, err
	}
	return seen[0], nil
}

// askAll asks a system for some objects of a kind, afresh; there is a sighting for each.
// An answer about another object says nothing.
func askAll(ctx context.Context, of connector.Source, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	seen, err := of.Lookup(ctx, kind, ids)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		out[i] = connector.Sighting{Why: "the answer does not fit the question / 应答与查询不符"}
		if len(seen) != len(ids) {
			continue
		}
		got := seen[i].Object.Key
		if seen[i].Presence != connector.Present || got.Kind == kind && strings.EqualFold(string(got.ID), string(id)) {
			out[i] = seen[i]
		}
	}
	return out, nil
}

// equals tells whether the object has the given values, as far as they can be
// read on either side.
func (f finding) equals(values directory.Attributes) bool {
	for name, v := range values {
		have := f.object.Attributes[name]
		if name == directory.AttrActive && have.Type() != directory.Unknown {
			have = directory.BoolOf(f.object.Active)
		}
		if v.Type() == directory.Unknown || have.Type() == directory.Unknown {
			continue
		}
		if !mapping.Same(name, v, have) {
			return false
		}
	}
	return true
}

// moved tells whether the object is not what was voted on any more. An UPDATE that an
// earlier sending of ours did in part is: the rest is still to be done.
func (a *applier) moved(c *plan.Change, f finding) bool {
	if c.Op == plan.Update && a.entries[c.Seq].Sends > 0 && f.halfway(c.Before, a.resolved(c)) {
		return false
	}
	return !f.equals(c.Before)
}

// halfway tells whether each value is the one before or the one after: a change of
// several requests was done in part.
func (f finding) halfway(before, after directory.Attributes) bool {
	for name, v := range after {
		one := directory.Attributes{name: v}
		if !f.equals(one) && !f.equals(directory.Attributes{name: before[name]}) {
			return false
		}
	}
	return true
}

// shows tells whether all of the values can be read on the object.
func (f finding) shows(values directory.Attributes) bool {
	for name, v := range values {
		if v.Type() == directory.Unknown || f.object.Attributes[name].Type() == directory.Unknown {
			return false
		}
	}
	return true
}

// has tells whether all of the values have a counterpart on the object. What a
// target takes and never shows has none.
func (f finding) has(values directory.Attributes) bool {
	for name := range values {
		if f.object.Value(name).Type() == directory.Absent {
			return false
		}
	}
	return true
}

// readable tells whether any of the values can be read on the object.
func (f finding) readable(values directory.Attributes) bool {
	for name, v := range values {
		hidden := f.object.Attributes[name].Type() == directory.Unknown
		if v.Type() != directory.Unknown && !hidden {
			return true
		}
	}
	return false
}

// check holds a change against source and target as they are now. Pending means
// that it may be sent; any other step is final, with its reason.
func (a *applier) check(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	switch c.Op {
	case plan.Create:
		return a.checkCreate(ctx, c)
	case plan.Disable, plan.Delete:
		if !a.ours(c) {
			return run.StepSkipped, sayNotOurs, nil
		}
		if holds, say, err := a.causeHolds(ctx, c); err != nil || !holds {
			return run.StepSkipped, say, err
		}
	case plan.Update:
		if c.Cause.Kind == plan.CauseUndo && !a.ours(c) {
			return run.StepSkipped, sayNotOurs, nil
		}
		if v, given := c.After[directory.AttrActive]; given && !v.Equal(directory.BoolOf(true)) {
			// It would take the account away without the votes of a DISABLE.
			return run.StepSkipped, "an account is disabled by DISABLE alone, not by a mapped attribute / 停用账号只能用停用操作，不能通过映射的属性", nil
		}
	default:
	}
	return a.checkTarget(ctx, c)
}

// checkTarget holds a change of an object that exists against the target.
func (a *applier) checkTarget(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	found, err := a.look(ctx, c)
	switch {
	case err != nil:
		return "", "", err
	case found.gone && c.Op == plan.Delete:
		return run.StepAlready, "", nil
	case found.gone:
		return run.StepSkipped, "the account is not in the target any more / 目标系统中已没有该账号", nil
	case found.unsure != "":
		return run.StepSkipped, "its state in the target cannot be read / 无法读取目标系统中的状态", nil
	case c.Op == plan.Disable && a.isDisabled(found):
		return run.StepAlready, "", nil
	case c.Op == plan.Update && found.readable(c.After) && found.equals(a.resolved(c)) && !found.equals(c.Before):
		return run.StepAlready, "", nil
	case a.moved(c, found):
		return run.StepSkipped, sayChanged, nil
	case c.Op == plan.Delete && c.Key.Kind == directory.Department:
		return a.checkVacant(ctx, c)
	}
	return run.StepPending, "", nil
}

const sayNotOurs = "the account is not managed by this flow any more / 该账号已不由本流程管理"

// sayChanged is why a change is skipped whose object is not what was voted on.
const sayChanged = "changed in the target since the plan / 目标系统中的数据在计划之后有变化"

// isDisabled tells whether the object is known to be disabled.
func (a *applier) isDisabled(f finding) bool {
	return f.object.Attributes[directory.AttrActive].Type() != directory.Unknown && !f.object.Active
}

// resolved gives After with target ids, as a reading of the target shows it.
func (a *applier) resolved(c *plan.Change) directory.Attributes {
	w, _ := a.write(c)
	return w.After
}

// checkCreate sees that nobody has taken the id since the plan, and that no
// other run of the flow has created the object meanwhile.
func (a *applier) checkCreate(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	if l := a.links[c.Source]; l != nil && l.Live() {
		switch s, err := ask(ctx, a.flow.Target, l.Target); {
		case err != nil:
			return "", "", err
		case s.Presence == connector.Present:
			return run.StepAlready, "", nil
		case s.Presence == connector.Unsure:
			return run.StepSkipped, "its state in the target cannot be read / 无法读取目标系统中的状态", nil
		}
	}
	if c.Key.ID == "" {
		return run.StepPending, "", nil
	}
	found, err := a.look(ctx, c)
	switch {
	case err != nil:
		return "", "", err
	case found.gone:
		return run.StepPending, "", nil
	case found.unsure != "":
		return run.StepPending, "", nil // the target itself refuses a second object with the id
	default:
		return run.StepSkipped, "an account with this id appeared since the plan / 计划之后目标系统中出现了同编号的账号", nil
	}
}

// causeHolds reads the source again and tells whether what a DISABLE or DELETE
// rests on is still so. An undo rests on the target alone, which is checked after.
func (a *applier) causeHolds(ctx context.Context, c *plan.Change) (bool, string, error) {
	if c.Cause.Kind == plan.CauseUndo {
		return true, "", nil
	}
	if holds, say, err := a.ownCauseHolds(ctx, c); err != nil || !holds {
		return false, say, err
	}
	return a.looksHold(ctx, c.Cause.Looked)
}

// ownCauseHolds is causeHolds for what the object itself is, and where.
func (a *applier) ownCauseHolds(ctx context.Context, c *plan.Change) (bool, string, error) {
	s, err := ask(ctx, a.flow.Source, c.Source)
	if err != nil {
		return false, "", err
	}
	if c.Cause.Kind == plan.CauseGone {
		switch s.Presence {
		case connector.Gone:
			return true, "", nil
		case connector.Present:
			return false, "is back in the source: not touched / 已重新出现在来源中，未执行", nil
		default:
			return false, "the source cannot say whether the person is still gone / 来源无法确认此人是否仍不存在", nil
		}
	}
	if s.Presence != connector.Present {
		return false, "not in the source any more: plan again / 来源中已不存在，请重新发起", nil
	}
	if c.Cause.Kind == plan.CauseStatus {
		if !mapping.HasOne(s.Object.Value(c.Cause.Attribute), c.Cause.Values) {
			return false, sayf("%s has changed in the source: not touched / 来源中的 %s 已改变，未执行", c.Cause.Attribute, c.Cause.Attribute), nil
		}
		if c.Cause.Fingerprint.IsZero() {
			return true, "", nil // no rule judged anything else
		}
	}
	if s.Object.Digest() == c.Cause.Fingerprint {
		if c.Cause.Kind == plan.CauseScope {
			return a.outside(ctx, s.Object)
		}
		return true, "", nil
	}
	return false, "changed in the source since it was judged: not touched / 来源数据在判断之后有变化，未执行", nil
}
