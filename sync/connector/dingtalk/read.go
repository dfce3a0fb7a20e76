package dingtalk

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Read lists everything: the tree by department/listsub, the people of each
// department by user/list. It is complete when the app may see the whole corp
// (auth/scopes names department 1), every page came, each person came with all
// their departments, and as many people came as DingTalk counts (user/count).
// Faults: Credential, Limited, Unavailable, and Invalid for a wrong address.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	start := c.options.Now()
	r := &reading{
		c: c, b: directory.NewBuilder("dingtalk", start),
		people: map[string]*person{}, hidden: map[string]bool{},
	}
	var err error
	if r.scope, err = c.scope(ctx, &r.tally); err != nil {
		return nil, err
	}
	if !r.scope.all() {
		r.doubt(narrow)
	}
	r.departments(ctx)
	r.each(len(r.places), func(i int) error { return r.department(ctx, r.places[i]) })
	if !r.scope.all() {
		r.single(ctx)
	}
	s := r.sight()
	r.superiors(ctx, s.manager)
	s.manager = s.manager || c.options.Managers
	if r.sound() {
		r.whole()
	}
	if r.sound() && r.scope.all() {
		if err := r.counted(ctx); err != nil {
			r.fail(err)
		}
	}
	if r.failed != nil {
		if len(r.tree)+len(r.people) == 0 || fault.KindOf(r.failed) == fault.Credential {
			return nil, r.failed
		}
		r.mark(fault.Say(r.failed))
	}
	r.objects(s)
	h := r.b.Health()
	h.Departments, h.Pages, h.Retries = len(r.tree), int(r.tally.pages.Load()), int(r.tally.retries.Load())
	h.Took = c.options.Now().Sub(start)
	h.Scope = r.scope.text()
	h.Hidden = slices.Sorted(maps.Keys(r.hidden))
	slices.SortFunc(r.problems, func(x, y directory.Problem) int { return strings.Compare(x.Place, y.Place) })
	h.Problems = r.problems
	out, _ := r.b.Finish()
	return out, nil
}

// reading is one Read on its way.
type reading struct {
	c      *Connector
	b      *directory.Builder
	tally  tally
	scope  *scope
	tree   []departmentRow // level by level, without the root
	places []int64         // departments whose members are listed, the root among them
	hidden map[string]bool // permissions that hide something

	mu       sync.Mutex // guards what follows, and b.Incomplete while calls are under way
	people   map[string]*person
	problems []directory.Problem
	failed   error // the first failure; after it no call is begun
}

// sound tells whether nothing failed so far.
func (r *reading) sound() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed == nil
}

func (r *reading) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}

// doubt makes the snapshot one that proves no absence.
func (r *reading) doubt(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mark(why)
}

// mark is doubt for whoever holds r.mu.
func (r *reading) mark(why string) { r.b.Incomplete("%s", why) }

// sight tells what the app may see, by this very listing.
func (r *reading) sight() sight {
	var s sight
	s.grant(r.scope.Fields)
	for _, p := range r.people {
		s.learn(&p.member)
		s.manager = s.manager || p.Manager != nil
	}
	return s
}

// objects adds everything, and leaves behind what lookups may use.
func (r *reading) objects(s sight) {
	for _, row := range r.tree {
		r.add(departmentObject(row))
	}
	witness := ""
	homes := make(map[string]int64, len(r.people))
	for _, id := range slices.Sorted(maps.Keys(r.people)) {
		p := r.people[id]
		if witness == "" && p.showsPersonal() {
			witness = id
		}
		if len(p.Depts) > 0 {
			homes[id] = int64(p.Depts[0])
		}
		if p.exclusive() {
			r.c.exclusive.Store(true)
		}
		r.add(r.c.userObject(p, s))
	}
	if r.failed == nil {
		r.c.memory.keep(witness, homes, s.manager && !r.c.options.Managers)
	}
}

// add takes an object and notes the permissions that hide something of it.
func (r *reading) add(o directory.Object) {
	r.b.Add(o)
	for _, v := range o.Attributes {
		if p := v.Permission(); p == permissionMobile || p == permissionPersonal {
			r.hidden[p] = true
		}
	}
}
