package wecom

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	parallel = 4  // reading calls at once; the vendor limits them (45033)
	maxLost  = 50 // members that are asked for one by one after a listing lacked them
)

// gathering collects the details of wanted members from as few calls as
// possible: one for each department that has any of them.
type gathering struct {
	c     *Connector
	key   *credential
	tally *tally
	list  *listing
	want  []bool // by index in list; reset once settled
	sees  bool   // every department
	emit  func(directory.Object)

	mu        sync.Mutex // guards what follows, want and emit
	strangers []string   // in a department's listing, but not in list_id
	problems  []directory.Problem
	failed    error // the first failure; after it no department is begun
}

// gather emits one object for every wanted member that still exists. Members
// whose details cannot be had come with hidden attributes. It gives an error
// only for a credential that is refused; other failures are in g.failed.
func (g *gathering) gather(ctx context.Context, t tree) error {
	g.sees = g.key != g.c.app || t.whole()
	groups, hidden := g.group(t)
	for _, i := range hidden {
		g.settle(i, g.c.hiddenUser(g.list.members[i], g.c.hiddenBy()))
	}
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, grp := range groups {
		work.Go(func() error {
			if err := g.department(ctx, grp); err != nil {
				g.fail(err)
			}
			return nil
		})
	}
	_ = work.Wait() // the functions keep their errors in g.failed
	g.stragglers(ctx)
	if fault.KindOf(g.failed) == fault.Credential {
		return g.failed
	}
	for i, wanted := range g.want {
		if wanted {
			g.settle(i, g.c.hiddenUser(g.list.members[i], directory.Hidden(permissionUnread)))
		}
	}
	return nil
}

// group is wanted members of one visible department.
type group struct {
	department int64
	members    []int
}

// group puts each wanted member to the first of its departments that is
// visible. Those without one are hidden from us.
func (g *gathering) group(t tree) (groups []group, hidden []int) {
	at := map[int64]int{}
	for i, wanted := range g.want {
		if !wanted {
			continue
		}
		d := slices.IndexFunc(g.list.members[i].departments, func(id int64) bool { return t.visible[id] != nil })
		if d < 0 {
			hidden = append(hidden, i)
			continue
		}
		id := g.list.members[i].departments[d]
		n, known := at[id]
		if !known {
			n = len(groups)
			at[id] = n
			groups = append(groups, group{department: id})
		}
		groups[n].members = append(groups[n].members, i)
	}
	return groups, hidden
}

func (g *gathering) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = err
	}
}

// settle emits the object of a wanted member, once.
func (g *gathering) settle(i int, o directory.Object) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.want[i] {
		g.want[i] = false
		g.emit(o)
	}
}

// open gives the members of a group that are still wanted, none after a failure.
func (g *gathering) open(members []int) []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(members), func(i int) bool { return !g.want[i] })
}

// department settles the members of one group.
func (g *gathering) department(ctx context.Context, grp group) error {
	left := g.open(grp.members)
	if len(left) == 0 {
		return nil
	}
	if len(left) == 1 {
		return g.one(ctx, left[0])
	}
	var answer userList
	err := g.c.read(ctx, call{
		method: http.MethodGet, path: "user/list", key: g.key,
		query: url.Values{"department_id": {strconv.FormatInt(grp.department, 10)}},
	}, g.tally, &answer)
	switch {
	case code(err) == codeReplySize:
		return g.each(ctx, left)
	case g.c.hides(g.key, err):
		for _, i := range left {
			g.settle(i, g.c.hiddenUser(g.list.members[i], g.c.hiddenBy()))
		}
		return nil
	case err != nil:
		return err
	}
	for _, raw := range *answer.Rows {
		g.row(raw)
	}
	return nil
}

// row takes one member of a department's listing.
func (g *gathering) row(raw json.RawMessage) {
	var m member
	if err := json.Unmarshal(raw, &m); err != nil || m.UserID == "" {
		g.broken(raw)
		return
	}
	i, known := g.list.index[fold(m.UserID)]
	if known {
		g.found(i, &m)
		return
	}
	if m.Status == statusLeft {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.strangers, m.UserID) {
		g.strangers = append(g.strangers, m.UserID)
	}
}

// broken notes a record that cannot be decoded. If it tells whose it is, the
// member comes with hidden attributes and is not asked for again.
func (g *gathering) broken(raw json.RawMessage) {
	var who struct {
		UserID string `json:"userid"`
	}
	place := "user/list"
	if json.Unmarshal(raw, &who) == nil && who.UserID != "" {
		place += " " + clip(who.UserID)
		if i, known := g.list.index[fold(who.UserID)]; known {
			g.settle(i, g.c.hiddenUser(g.list.members[i], directory.Hidden(permissionUnread)))
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, directory.Problem{
		Place: place, Say: "the member's record cannot be read / 该成员的记录无法解析",
	})
}

// found settles a member whose details came. Someone who has left the corp by
// themselves is gone.
func (g *gathering) found(i int, m *member) {
	if m.Status == statusLeft {
		g.gone(i)
		return
	}
	r := g.list.members[i]
	o := g.c.userObject(m, g.key)
	o.ID = directory.ID(r.id)
	o.Attributes[attrUserID] = directory.TextOf(r.id)
	if !g.list.agrees(r.id, m.Department) && (g.list.partial == "" || !g.sees) {
		hidePlaces(o.Attributes) // the app may be shown only those departments that it sees
	}
	g.settle(i, o)
}

func (g *gathering) gone(i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.want[i] = false
}

func sameSet(a, b []int64) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// each settles members one by one.
func (g *gathering) each(ctx context.Context, members []int) error {
	for _, i := range members {
		if err := g.one(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// one settles one member by user/get. A member of whom the vendor says that
// there is none has been deleted since the listing.
func (g *gathering) one(ctx context.Context, i int) error {
	m, err := g.c.get(ctx, g.key, g.list.members[i].id, g.tally)
	switch {
	case err == nil:
		g.found(i, m)
	case g.c.hides(g.key, err):
		g.settle(i, g.c.hiddenUser(g.list.members[i], g.c.hiddenBy()))
	case missing(err) && g.key == g.c.contacts:
		g.gone(i)
	case missing(err):
		// An app's word is no proof: it may say so of whom it does not see.
		g.settle(i, g.c.hiddenUser(g.list.members[i], g.c.hiddenBy()))
	default:
		return err
	}
	return nil
}

// get asks for one member.
func (c *Connector) get(ctx context.Context, k *credential, id string, t *tally) (*member, error) {
	var answer userGet
	err := c.read(ctx, call{
		method: http.MethodGet, path: "user/get", key: k, query: url.Values{"userid": {id}},
	}, t, &answer)
	return &answer.member, err
}

// stragglers asks one by one for members whom their department's listing
// lacked: they have moved or left meanwhile. Many of them are no accident.
func (g *gathering) stragglers(ctx context.Context) {
	var left []int
	for i, wanted := range g.want {
		if wanted {
			left = append(left, i)
		}
	}
	if g.failed != nil || len(left) == 0 {
		return
	}
	if len(left) > maxLost {
		n := strconv.Itoa(len(left))
		g.fail(fault.New(fault.Unavailable, "the departments' listings lack %s members / 部门成员列表缺少 %s 人", n, n))
		return
	}
	if err := g.each(ctx, left); err != nil {
		g.fail(err)
	}
}
