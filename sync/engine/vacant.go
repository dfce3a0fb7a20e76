package engine

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// vacancy says who is in the target's departments that the plan deletes.
type vacancy struct {
	in     map[directory.ID][]directory.Key
	unsure bool // not everybody is listed, or somebody's departments are hidden
}

// checkVacant sees that a department which is to be deleted is still empty, but
// for what this run has deleted. The target is read once for all departments:
// they are the last of a plan.
func (a *applier) checkVacant(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	if a.vacancy == nil {
		snap, err := a.flow.Target.Read(ctx)
		if err != nil {
			return "", "", err
		}
		a.vacancy = a.vacancies(snap)
	}
	deleted := a.deleted()
	switch {
	case slices.ContainsFunc(a.vacancy.in[c.Key.ID], func(k directory.Key) bool { return !deleted[k] }):
		return run.StepSkipped, "the department is not empty: kept / 部门不为空，保留", nil
	case a.vacancy.unsure:
		return run.StepSkipped, "the target does not show whether the department is empty: kept / 无法确认部门是否为空，保留", nil
	}
	return run.StepPending, "", nil
}

// deleted gives the target objects that this run has deleted.
func (a *applier) deleted() map[directory.Key]bool {
	gone := map[directory.Key]bool{}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if s := a.entries[c.Seq].Step; c.Op == plan.Delete && (s == run.StepDone || s == run.StepAlready) {
			gone[c.Key] = true
		}
	}
	return gone
}

func (a *applier) vacancies(snap *directory.Snapshot) *vacancy {
	v := &vacancy{in: map[directory.ID][]directory.Key{}, unsure: !snap.Complete()}
	for i := range a.plan.Changes {
		if c := &a.plan.Changes[i]; c.Op == plan.Delete && c.Key.Kind == directory.Department {
			v.in[c.Key.ID] = nil
		}
	}
	info := a.flow.Target.Describe()
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range snap.All(kind) {
			for name, value := range o.Attributes {
				described, _ := info.Attribute(kind, name)
				v.unsure = v.unsure || described.Type == directory.Refs && value.Type() == directory.Unknown
				v.add(o.Key, value)
			}
		}
	}
	return v
}

// add notes that an object refers to departments.
func (v *vacancy) add(key directory.Key, value directory.Value) {
	for _, ref := range value.Refs() {
		if _, asked := v.in[ref.ID]; asked && ref.Kind == directory.Department {
			v.in[ref.ID] = append(v.in[ref.ID], key)
		}
	}
}
