package engine

import (
	"context"
	"maps"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// upMost bounds the way up to a root, so that a source which names ever new parents
// ends. Who is deeper is not touched.
const upMost = 200

// outside tells whether a person is still out of the flow's scope: their own object is
// what was judged, but the departments above them may have been moved or renamed since
// the plan, and any doubt leaves them alone. Why nobody is touched is in say. A scope
// by attributes costs no call.
func (a *applier) outside(ctx context.Context, person directory.Object) (out bool, say string, err error) {
	scope := a.flow.Plan.Scope
	alone := mapping.Scope{Only: scope.Only, Not: scope.Not}
	if in, known := alone.Includes(person.Attributes, nil); known && !in {
		return true, "", nil // wherever the departments are
	}
	refs := person.Attributes[directory.AttrDepartments].Refs()
	above, why, err := map[directory.ID]directory.Object{}, "", error(nil)
	if len(scope.Departments) > 0 {
		above, why, err = a.climb(ctx, refs)
	}
	if err != nil {
		return false, "", err
	}
	at := mapping.PathsOf(maps.Values(above), len(above))
	var paths []string
	for _, ref := range refs {
		if path := at[ref.ID]; path != "" {
			paths = append(paths, path)
		}
	}
	switch in, known := scope.Takes(person.Attributes, paths); {
	case in:
		return false, "is in scope again: not touched / 已重新回到同步范围内，未执行", nil
	case known:
		return true, "", nil
	case why == "":
		return false, "the source does not show whether the person is still out of scope: not touched / 来源中看不出此人是否仍不在同步范围内，未执行", nil
	default:
		return false, sayf("a department cannot be read, so nobody knows whether the person is still out of scope: not touched (%s) / 有部门读不到，无法确认此人是否仍不在同步范围内，未执行（%s）",
			fault.In(why, "en"), fault.In(why, "zh")), nil
	}
}

// climb gives departments and all those above them, afresh, each under the id by which
// it was referred to. One that is gone is left out, as in a listing; one of which
// nothing can be said as well, with the reason.
func (a *applier) climb(ctx context.Context, from []directory.Ref) (above map[directory.ID]directory.Object, why string, err error) {
	above = map[directory.ID]directory.Object{}
	met := map[directory.ID]bool{}
	next := from
	for range upMost {
		var level []directory.ID
		for _, ref := range next {
			if !met[ref.ID] {
				met[ref.ID] = true
				level = append(level, ref.ID)
			}
		}
		if len(level) == 0 {
			return above, why, nil // at the roots, or around a circle, which has no path
		}
		if err := a.see(ctx, directory.Department, level); err != nil {
			return nil, "", err
		}
		next = nil
		for _, id := range level {
			switch s := a.shown[directory.Key{Kind: directory.Department, ID: id}]; s.Presence {
			case connector.Present:
				above[id] = directory.Object{Key: directory.Key{Kind: directory.Department, ID: id}, Attributes: s.Object.Attributes}
				next = append(next, s.Object.Attributes[directory.AttrParent].Refs()...)
			case connector.Gone:
			default:
				why = s.Why
			}
		}
	}
	return above, "too many levels / 部门层级过多", nil
}
