package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// vacancy says which departments of the target have members or children.
type vacancy struct {
	used   map[directory.ID]bool
	unsure bool // not everybody is listed, or somebody's departments are hidden
}

// checkVacant sees that a department which is to be deleted is still empty. The
// target is read once for all of them: they are the last of a plan, and a plan
// never deletes a parent together with its children.
func (a *applier) checkVacant(ctx context.Context, c *plan.Change) (run.Step, string, error) {
	if a.vacancy == nil {
		snap, err := a.flow.Target.Read(ctx)
		if err != nil {
			return "", "", err
		}
		a.vacancy = a.vacancies(snap)
	}
	switch {
	case a.vacancy.used[c.Key.ID]:
		return run.StepSkipped, "the department is not empty any more: kept / 部门已不为空，保留", nil
	case a.vacancy.unsure:
		return run.StepSkipped, "the target does not show whether the department is empty: kept / 无法确认部门是否为空，保留", nil
	}
	return run.StepPending, "", nil
}

func (a *applier) vacancies(snap *directory.Snapshot) *vacancy {
	info := a.flow.Target.Describe()
	v := &vacancy{used: map[directory.ID]bool{}, unsure: !snap.Complete()}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range snap.All(kind) {
			for name, value := range o.Attributes {
				if described, ok := info.Attribute(kind, name); ok && described.Type == directory.Refs && value.Type() == directory.Unknown {
					v.unsure = true
				}
				for _, ref := range value.Refs() {
					if ref.Kind == directory.Department {
						v.used[ref.ID] = true
					}
				}
			}
		}
	}
	return v
}
