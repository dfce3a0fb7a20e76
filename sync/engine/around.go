package engine

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// climbMax bounds how many levels of departments are asked for, one question a
// level: more are a circle.
const climbMax = 20

// end is one of a flow's two systems, with its name.
type end struct {
	connector.Source
	name string
}

// askAround asks for what the person refers to, as far as a plan needs it: source
// departments that are newer than the listing, the target objects that these are
// linked to, and the departments that the account is in. It says why it could
// not, or "".
func (q *inquiry) askAround(ctx context.Context) string {
	if q.one.Source != nil {
		newer := func(key directory.Key) bool { return !q.last.Has(key) }
		fresh, _, unsure := end{q.flow.Source, q.names.source}.climb(ctx, departmentsOf(*q.one.Source), newer)
		if unsure != "" {
			return unsure
		}
		q.one.Departments = fresh
	}
	return q.askPartners(ctx)
}

// askPartners asks the target for what matters beside the account.
func (q *inquiry) askPartners(ctx context.Context) string {
	var departments, users []directory.ID
	for _, key := range plan.Around(q.input(), q.one) {
		if key.Kind == directory.Department {
			departments = append(departments, key.ID)
		} else {
			users = append(users, key.ID)
		}
	}
	target := end{q.flow.Target, q.names.target}
	seen, missing, unsure := target.lookup(ctx, directory.User, users)
	if unsure != "" {
		return unsure
	}
	above := func(directory.Key) bool { return true }
	found, gone, unsure := target.climb(ctx, departments, above)
	q.one.Partners, q.one.Missing = slices.Concat(seen, found), slices.Concat(missing, gone)
	return unsure
}

// climb asks for departments and all above them that are needed. Missing are those
// that the system says are not there.
func (e end) climb(ctx context.Context, ids []directory.ID, need func(directory.Key) bool) (all []directory.Object, missing []directory.Key, unsure string) {
	asked := map[directory.ID]bool{}
	for range climbMax {
		var next []directory.ID
		for _, id := range ids {
			if !asked[id] && need(directory.Key{Kind: directory.Department, ID: id}) {
				asked[id] = true
				next = append(next, id)
			}
		}
		seen, gone, unsure := e.lookup(ctx, directory.Department, next)
		if unsure != "" || len(next) == 0 {
			return all, missing, unsure
		}
		all, missing, ids = append(all, seen...), append(missing, gone...), nil
		for _, d := range seen {
			for _, ref := range d.Attributes[directory.AttrParent].Refs() {
				ids = append(ids, ref.ID)
			}
		}
	}
	return all, missing, ""
}

// lookup asks the system for several objects of one kind.
func (e end) lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) (seen []directory.Object, gone []directory.Key, unsure string) {
	if len(ids) == 0 {
		return nil, nil, ""
	}
	sightings, err := e.Lookup(ctx, kind, ids)
	if err != nil {
		return nil, nil, sayFailed(ctx, e.name, err)
	}
	cannot := sayf("%s cannot tell what the person belongs to / %s 无法确认此人所属的部门或上级", e.name, e.name)
	if len(sightings) != len(ids) {
		return nil, nil, cannot
	}
	for i, s := range sightings {
		switch s.Presence {
		case connector.Present:
			seen = append(seen, s.Object)
		case connector.Gone:
			gone = append(gone, directory.Key{Kind: kind, ID: ids[i]})
		default:
			if s.Why != "" {
				cannot = s.Why
			}
			return nil, nil, cannot
		}
	}
	return seen, gone, ""
}

func departmentsOf(user directory.Object) []directory.ID {
	var ids []directory.ID
	for _, ref := range user.Attributes[directory.AttrDepartments].Refs() {
		ids = append(ids, ref.ID)
	}
	return ids
}

// sourceNames gives what the references of a source user point to: a department's
// path, a user's name, as far as the listing knows them.
func (q *inquiry) sourceNames(user directory.Object) map[string]string {
	if q.last == nil {
		return nil
	}
	paths := mapping.Paths(q.last)
	names := map[string]string{}
	for _, v := range user.Attributes {
		for _, ref := range v.Refs() {
			if path := paths[ref.ID]; ref.Kind == directory.Department && path != "" {
				names[ref.String()] = path
			} else if o, ok := q.last.Get(ref.Key); ok && ref.Kind == directory.User {
				names[ref.String()] = o.Name()
			}
		}
	}
	return names
}

// targetNames gives the same of an account: by the links, else by what was seen
// when the person was asked for.
func (q *inquiry) targetNames() map[string]string {
	names := map[string]string{}
	for _, o := range q.one.Partners {
		names[o.String()] = o.Name()
	}
	if q.last == nil {
		return names
	}
	var paths map[directory.ID]string
	for i := range q.links {
		l := &q.links[i]
		if _, wanted := names[l.Target.String()]; !wanted || l.Source.Kind != directory.Department || !l.Live() {
			continue
		}
		if paths == nil {
			paths = mapping.Paths(q.last)
		}
		if path := paths[l.Source.ID]; path != "" {
			names[l.Target.String()] = path
		}
	}
	return names
}
