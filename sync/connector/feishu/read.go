package feishu

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxProblems bounds the problems that a snapshot lists.
const maxProblems = 100

// Read lists all departments below the root, and then the direct members of
// each and of the root. With a contact range of less than all staff it lists
// what is in range, and the snapshot is incomplete.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	started := c.o.Now()
	r := &reading{
		c: c, count: connector.CounterOf(ctx), b: directory.NewBuilder("feishu", started),
		decoder: decoder{c: c, grant: &grants{c: c}, lead: newLeadership()},
		listed:  map[string]bool{}, added: map[string]bool{},
		seen: map[directory.ID]bool{}, hidden: map[string]bool{},
	}
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	h := r.b.Health()
	h.Departments, h.Scope, h.Took = len(r.units), r.scope, c.o.Now().Sub(started)
	h.Pages, h.Retries, h.Restarts = int(r.pages.Load()), int(r.retries.Load()), int(r.restarts.Load())
	for permission := range r.hidden {
		h.Hidden = append(h.Hidden, permission)
	}
	slices.Sort(h.Hidden)
	slices.SortFunc(h.Problems, func(a, b directory.Problem) int {
		return cmp.Or(strings.Compare(a.Place, b.Place), strings.Compare(a.Say, b.Say))
	})
	s, _ := r.b.Finish()
	return s, nil
}

// reading is one Read under way.
type reading struct {
	tally
	decoder

	c      *Connector
	count  *connector.Counter
	scope  string          // fingerprint of what we may see
	units  []unit          // the departments, in the order in which they came
	listed map[string]bool // those in units
	added  map[string]bool // those that became objects

	mu     sync.Mutex // guards what follows
	b      *directory.Builder
	seen   map[directory.ID]bool
	hidden map[string]bool
}

// unit is a department whose members are to be listed.
type unit struct {
	id, parent string
	members    int // direct members as Feishu counts them; -1: not told, or not comparable
	leaf       bool
}

func (r *reading) run(ctx context.Context) error {
	err := r.departments(ctx, rootID)
	whole := !outOfRange(err)
	r.lead.hidden = r.lead.hidden || err != nil
	switch {
	case !whole:
		if r.defs, err = r.c.definitions(ctx, &r.tally, 0); err != nil {
			return err
		}
		if err := r.restricted(ctx); err != nil {
			return err
		}
	case err != nil && (stops(err) || len(r.units) == 0 && fault.KindOf(err) != fault.Internal):
		return err // a *lostError has no kind: it goes on below
	case err != nil:
		r.incomplete("部门没有读完", "departments not read to the end", err)
	}
	if whole {
		r.scope = "all/" + r.c.o.UserIDType
		r.checkTree()
		if r.defs, err = r.c.definitions(ctx, &r.tally, 0); err != nil {
			return r.settleFor(ctx, err)
		}
	}
	if err := r.members(ctx, whole); err != nil {
		return r.settleFor(ctx, err)
	}
	if whole {
		r.stillWhole(ctx)
	}
	return nil
}

// settleFor decides whether what was read before an error is of use.
func (r *reading) settleFor(ctx context.Context, err error) error {
	if ctx.Err() != nil || fault.KindOf(err) == fault.Credential || len(r.units)+r.b.Len(directory.User) == 0 {
		return err
	}
	r.incomplete("成员没有读完", "users not read to the end", err)
	return nil
}

// incomplete notes a reason and what happened.
func (r *reading) incomplete(zh, en string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := say(err)
	r.b.Incomplete("%s: %s / %s：%s", en, fault.In(what, "en"), zh, fault.In(what, "zh"))
}

// problem notes something that is wrong with one object; a snapshot with a
// broken row proves nothing.
func (r *reading) problem(place string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.b.Health()
	if len(h.Problems) < maxProblems {
		h.Problems = append(h.Problems, directory.Problem{
			Place: place, Say: fmt.Sprintf("飞书给出的一条记录无法识别，请报告 / a record from Feishu cannot be understood, please report: %s", err),
		})
	}
	r.b.Incomplete("%s 有无法识别的记录 / %s holds a record that cannot be understood", place, place)
}

// departments lists everything below a department. A listing that began again
// shows the same ones once more: each is an object once, and in units once.
func (r *reading) departments(ctx context.Context, id string) error {
	start, here := len(r.units), map[string]bool{}
	return r.c.list(ctx, &r.tally, listing{
		path: contacts + "/departments/:department_id/children", params: larkcore.PathParams{"department_id": id},
		query: r.c.query("fetch_child", "true"),
	}, listed{
		begin: func() {
			for _, u := range r.units[start:] {
				delete(r.listed, u.id)
			}
			r.units = r.units[:start]
			clear(here)
		},
		page: func(ctx context.Context, data json.RawMessage) (int, error) {
			rows, err := items(data)
			if err != nil {
				return 0, err
			}
			return len(rows), r.addDepartments(ctx, rows, here)
		},
	})
}

// addDepartments takes a page of departments.
func (r *reading) addDepartments(ctx context.Context, rows []json.RawMessage, here map[string]bool) error {
	for _, raw := range rows {
		o, rec, err := r.department(ctx, raw)
		if err != nil {
			r.problem("departments", err)
			r.lead.hidden = true
			continue
		}
		id := string(o.ID)
		if here[id] {
			return &lostError{"同一部门出现两次", "a department came twice"}
		}
		here[id] = true
		if !r.listed[id] {
			u := unit{id: id, parent: rec.text("parent_department_id"), members: -1, leaf: true}
			if n, ok := rec.number("member_count"); ok {
				u.members = n
			}
			r.listed[id] = true
			r.units = append(r.units, u)
		}
		if !r.added[id] {
			r.added[id] = true
			r.lead.add(o)
			r.add(o)
		}
	}
	return nil
}

func (r *reading) add(o directory.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range o.Attributes {
		if p := v.Permission(); p != "" {
			r.hidden[p] = true
		}
	}
	r.b.Add(o)
	r.count.Add(o.Kind)
}

// checkTree finds departments whose parent did not come: a page is missing. Nor can it
// be told where people belong when departments go round in a circle.
func (r *reading) checkTree() {
	index := make(map[string]int, len(r.units))
	for i, u := range r.units {
		index[u.id] = i
	}
	for _, u := range r.units {
		if u.parent == "" || u.parent == rootID {
			continue
		}
		i, ok := index[u.parent]
		if !ok {
			r.incomplete("部门 "+u.id+" 的上级不在列表里", "the parent of department "+u.id+" was not listed",
				&lostError{"部门列表缺页", "the list of departments lacks a page"})
			continue
		}
		r.units[i].leaf = false
	}
	if id := r.circle(index); id != "" {
		r.incomplete("部门 "+id+" 的上级不可信", "what is above department "+id+" cannot be believed",
			&lostError{"上级部门形成了循环", "the departments above go round in a circle"})
	}
}

// circle gives a department that is above itself, or "".
func (r *reading) circle(index map[string]int) string {
	const onTheWay, sound = 1, 2
	state := make([]int, len(r.units))
	for start := range r.units {
		var way []int
		for at, listed := start, true; listed && state[at] != sound; at, listed = r.above(index, at) {
			if state[at] == onTheWay {
				return r.units[at].id
			}
			state[at] = onTheWay
			way = append(way, at)
		}
		for _, at := range way {
			state[at] = sound
		}
	}
	return ""
}

// above gives the parent of a department, if it was listed.
func (r *reading) above(index map[string]int, at int) (int, bool) {
	up, listed := index[r.units[at].parent]
	return up, listed
}

// stillWhole checks that the contact range did not shrink while it was read.
func (r *reading) stillWhole(ctx context.Context) {
	err := r.c.seesAll(ctx, &r.tally)
	if err != nil {
		r.incomplete("读取期间通讯录权限范围可能变了", "the contact range may have changed while it was read", err)
	}
}

// seesAll asks for what only a contact range of all staff shows.
func (c *Connector) seesAll(ctx context.Context, n *tally) error {
	_, err := c.get(ctx, n, &request{
		path: contacts + "/departments/:department_id/children", params: larkcore.PathParams{"department_id": rootID},
		query: c.query("page_size", "1"),
	})
	return err
}

// fingerprint identifies a contact range.
func fingerprint(idType string, parts ...[]string) string {
	h := sha256.New()
	for _, part := range parts {
		sorted := slices.Clone(part)
		slices.Sort(sorted)
		_, _ = fmt.Fprintf(h, "%q", sorted)
	}
	return "range/" + idType + "/" + hex.EncodeToString(h.Sum(nil)[:8])
}
