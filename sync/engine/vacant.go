package engine

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
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
// for what this run has deleted or moved away. The target is read once for all
// departments: they are the last of a plan. Whoever was moved away by this run, and
// stands there all the same in a listing that lags behind, is asked for by id.
func (a *applier) checkVacant(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	if a.vacancy == nil {
		snap, err := a.flow.Target.Read(ctx)
		if err != nil {
			return "", "", err
		}
		a.vacancy = a.vacancies(snap)
	}
	deleted, moved := a.emptied(c.Key)
	ask := map[directory.Kind][]directory.ID{}
	for _, key := range a.vacancy.in[c.Key.ID] {
		switch {
		case deleted[key]:
		case moved[key]:
			ask[key.Kind] = append(ask[key.Kind], key.ID)
		default:
			return run.StepSkipped, sayOccupied, nil
		}
	}
	if a.vacancy.unsure {
		return run.StepSkipped, "the target does not show whether the department is empty: kept / 无法确认部门是否为空，保留", nil
	}
	for kind, ids := range ask {
		if out, err := a.left(ctx, c.Key, kind, ids); err != nil || !out {
			return run.StepSkipped, sayOccupied, err
		}
	}
	return run.StepPending, "", nil
}

const sayOccupied = "the department is not empty: kept / 部门不为空，保留"

// emptied gives the target objects that this run has deleted, and those that it has
// written, so that they do not refer to a department any more.
func (a *applier) emptied(department directory.Key) (deleted, moved map[directory.Key]bool) {
	deleted, moved = map[directory.Key]bool{}, map[directory.Key]bool{}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if s := a.entries[c.Seq].Step; s != run.StepDone && s != run.StepAlready {
			continue
		}
		switch c.Op {
		case plan.Delete:
			deleted[c.Key] = true
		case plan.Update:
			if refers(c.Before, department) && !refers(c.After, department) {
				moved[c.Key] = true
			}
		default:
		}
	}
	return deleted, moved
}

func refers(values directory.Attributes, to directory.Key) bool {
	for _, v := range values {
		if slices.Contains(v.Refs(), directory.Ref{Key: to}) {
			return true
		}
	}
	return false
}

// left tells whether some objects, asked for by id, are out of a department. Nobody
// who does not show it is.
func (a *applier) left(ctx context.Context, department directory.Key, kind directory.Kind, ids []directory.ID) (bool, error) {
	for chunk := range slices.Chunk(ids, askChunk) {
		seen, err := a.flow.Target.Lookup(ctx, kind, chunk)
		if err != nil || len(seen) != len(chunk) {
			return false, err
		}
		for i, s := range seen {
			switch {
			case s.Presence == connector.Gone:
			case s.Presence != connector.Present, s.Object.ID != chunk[i], refers(s.Object.Attributes, department), a.hides(s.Object):
				return false, nil
			}
		}
	}
	return true, nil
}

func (a *applier) vacancies(snap *directory.Snapshot) *vacancy {
	v := &vacancy{in: map[directory.ID][]directory.Key{}, unsure: !snap.Complete()}
	for i := range a.plan.Changes {
		if c := &a.plan.Changes[i]; c.Op == plan.Delete && c.Key.Kind == directory.Department {
			v.in[c.Key.ID] = nil
		}
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range snap.All(kind) {
			v.unsure = v.unsure || a.hides(o)
			for _, value := range o.Attributes {
				v.add(o.Key, value)
			}
		}
	}
	return v
}

// hides tells whether the target does not show to what an object refers. A manager
// is a person: who hides one hides no department.
func (a *applier) hides(o directory.Object) bool {
	info := a.flow.Target.Describe()
	for name, value := range o.Attributes {
		if value.Type() != directory.Unknown {
			continue
		}
		described, _ := info.Attribute(o.Kind, name)
		if person := name == directory.AttrManager || described.Means == directory.AttrManager; described.Type == directory.Refs && !person {
			return true
		}
	}
	return false
}

// add notes that an object refers to departments.
func (v *vacancy) add(key directory.Key, value directory.Value) {
	for _, ref := range value.Refs() {
		if _, asked := v.in[ref.ID]; asked && ref.Kind == directory.Department {
			v.in[ref.ID] = append(v.in[ref.ID], key)
		}
	}
}
