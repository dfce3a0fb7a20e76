package sqltable

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Bounds of a listing.
const (
	maxRows     = 5_000_000
	maxProblems = 200
)

// Read lists everything in one read-only transaction whose queries all see the
// same state. Faults: Credential, Limited, Unavailable after several attempts, and
// Invalid for a statement that the database refuses.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	start := c.o.Now()
	var s *directory.Snapshot
	err := c.patiently(ctx, func(attempt int) error {
		r := &reading{c: c, b: directory.NewBuilder(c.o.System, start), read: c.reader(), counter: connector.CounterOf(ctx)}
		err := r.all(ctx)
		if err != nil {
			r.counter.Users(-r.users)
			r.counter.Departments(-r.departments)
			return err
		}
		s = r.finish(attempt, start)
		return nil
	})
	return s, err
}

// reading is one attempt of a Read.
type reading struct {
	c                  *Connector
	b                  *directory.Builder
	read               reader
	counter            *connector.Counter
	users, departments int // counted
	problems           int
	known              map[directory.ID]bool // departments
}

func (r *reading) all(ctx context.Context) error {
	x, err := r.c.begin(ctx, false)
	if err != nil {
		return err
	}
	defer x.close(ctx)
	if t := r.c.tables[directory.Department]; t != nil {
		var list []directory.Object
		if err := r.list(ctx, x, t, func(o directory.Object) { list = append(list, o) }); err != nil {
			return err
		}
		r.tree(list)
		for _, o := range list {
			r.b.Add(o)
		}
		r.b.Health().Departments = len(list)
	}
	return r.list(ctx, x, r.c.tables[directory.User], r.member)
}

// list reads one table. The number of rows is counted twice, by the server and by
// us, since what stands in between may cut a result short without an error.
func (r *reading) list(ctx context.Context, x *tx, t *table, add func(directory.Object)) error {
	sh, err := r.c.shape(ctx, x, t)
	if err != nil {
		return err
	}
	twice, err := r.c.repeated(ctx, x, sh)
	if err != nil {
		return err
	}
	want, err := x.number(ctx, t.read.name, r.c.wrapped("COUNT(*)", t.read, ""))
	switch {
	case err != nil:
		return err
	case want > maxRows:
		return fault.New(fault.Invalid, "%s gives %d rows, at most %d are taken / %s 有 %d 行，最多 %d 行", t.read.name, want, maxRows, t.read.name, want, maxRows)
	}
	n := 0
	err = r.c.rows(ctx, x, query{t.read.name, sh, r.c.wrapped(r.c.list(sh), t.read, ""), nil}, func(one row) error {
		if n++; n > maxRows {
			return fault.New(fault.Invalid, "%s gives more rows than were counted / %s 的行数比统计的多", t.read.name, t.read.name)
		}
		r.take(one, n, twice, add)
		return nil
	})
	if err != nil {
		return err
	}
	r.b.Health().Pages++
	if int64(n) != want {
		r.b.Incomplete("%s gives %d rows and counts %d: something between us and the database cuts it short, or the query is not stable / %s 返回 %d 行，统计却是 %d 行：中间有环节截断了结果，或查询结果不稳定",
			t.read.name, n, want, t.read.name, n, want)
	}
	return nil
}

// repeated gives the ids that several rows have.
func (c *Connector) repeated(ctx context.Context, x *tx, sh *shape) (map[string]bool, error) {
	id := c.engine.exactID(sh.columns[sh.id].name)
	text := c.wrapped(id, sh.t.read, " GROUP BY "+id+" HAVING COUNT(*) > 1")
	rows, err := x.query(ctx, sh.t.read.name, text)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows)
	out := map[string]bool{}
	for rows.Next() {
		var raw any
		if err := rows.Scan(&raw); err != nil {
			return nil, c.fail(sh.t.read.name, err)
		}
		if b, ok := raw.([]byte); ok {
			raw = string(b)
		}
		if raw != nil && len(out) < maxRows {
			s, _ := c.reader().text(sh.columns[sh.id].db, raw) // an id without text is reported with its row
			out[s] = true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, c.fail(sh.t.read.name, err)
	}
	return out, nil
}

// take judges one row. A row that is left out makes the listing incomplete: who is
// missing may be the one.
func (r *reading) take(one row, n int, twice map[string]bool, add func(directory.Object)) {
	t := one.sh.t
	id, why := one.id(r.read)
	if why != nil {
		r.leaveOut(t, "row "+strconv.Itoa(n), one.sh.columns[one.sh.id].name, why)
		return
	}
	place := t.idColumn + "=" + clip(string(id))
	if twice[string(id)] {
		r.leaveOut(t, place, one.sh.columns[one.sh.id].name, &trouble{"several rows have this id: none of them counts until each has its own", "多行使用同一个编号：改成各自的编号之前，这些行都不算"})
		return
	}
	o, flaws, broken := one.object(r.read, id)
	for _, f := range flaws {
		r.problem(t, place, f.column, f.why)
	}
	if len(flaws) > 0 {
		r.incomplete(t, place, flaws[0].column)
	}
	if broken {
		return
	}
	if t.kind == directory.Department {
		r.departments++
		r.counter.Departments(1)
	} else {
		r.users++
		r.counter.Users(1)
	}
	add(o)
}

func (r *reading) leaveOut(t *table, place, column string, why *trouble) {
	r.problem(t, place, column, why)
	r.incomplete(t, place, column)
}

func (r *reading) incomplete(t *table, place, column string) {
	r.b.Incomplete("%s, %s, column %s cannot be read: who is missing may stand there / %s 的 %s 列 %s 读不懂：缺少的人可能就在那里", t.read.name, place, column, t.read.name, place, column)
}

func (r *reading) problem(t *table, place, column string, why *trouble) {
	r.problems++
	if r.problems <= maxProblems {
		h := r.b.Health()
		h.Problems = append(h.Problems, directory.Problem{Place: t.read.name + " " + place + " " + column, Say: why.en + " / " + why.zh})
	}
}

// member adds a user, after a look at the departments that it is said to be in.
func (r *reading) member(o directory.Object) {
	for _, name := range o.Attributes.Names() {
		for _, ref := range o.Attributes[name].Refs() {
			if ref.Kind == directory.Department && !r.known[ref.ID] {
				r.problem(r.c.tables[directory.User], r.c.tables[directory.User].idColumn+"="+clip(string(o.ID)), name,
					&trouble{"department " + clip(string(ref.ID)) + " is not in the table of departments", "部门 " + clip(string(ref.ID)) + " 不在部门表里"})
				break
			}
		}
	}
	r.b.Add(o)
}

// tree sees that every department hangs below the root. Where people belong cannot
// be told in a tree that is broken.
func (r *reading) tree(list []directory.Object) {
	t := r.c.tables[directory.Department]
	r.known = make(map[directory.ID]bool, len(list))
	parents := make(map[directory.ID]directory.ID, len(list))
	for _, o := range list {
		r.known[o.ID] = true
		for _, ref := range o.Attributes[directory.AttrParent].Refs() {
			parents[o.ID] = ref.ID
		}
	}
	rooted := make(map[directory.ID]bool, len(list))
	for _, o := range list {
		parent, below := parents[o.ID]
		var why *trouble
		switch {
		case below && !r.known[parent]:
			why = &trouble{"parent " + clip(string(parent)) + " is not in the table: correct it, or make it NULL for the top", "上级 " + clip(string(parent)) + " 不在表里：请改正，顶级部门请设为 NULL"}
		case !hangs(o.ID, parents, rooted):
			why = &trouble{"the departments above go round in a circle", "上级部门形成了循环"}
		default:
			continue
		}
		o.Attributes[directory.AttrParent] = directory.Hidden(t.read.name + " " + directory.AttrParent + ": " + why.en + " / " + why.zh)
		r.leaveOut(t, t.idColumn+"="+clip(string(o.ID)), directory.AttrParent, why)
	}
}

// hangs tells whether the way up from a department ends. rooted remembers for
// which it does.
func hangs(id directory.ID, parents map[directory.ID]directory.ID, rooted map[directory.ID]bool) bool {
	var way []directory.ID
	seen := map[directory.ID]bool{}
	for at := id; !rooted[at]; {
		if seen[at] {
			return false
		}
		seen[at] = true
		way = append(way, at)
		up, below := parents[at]
		if !below {
			break
		}
		at = up
	}
	for _, at := range way {
		rooted[at] = true
	}
	return true
}

func (r *reading) finish(attempt int, start time.Time) *directory.Snapshot {
	h := r.b.Health()
	h.Retries, h.Restarts = attempt, attempt
	h.Took = r.c.o.Now().Sub(start)
	h.Scope = fmt.Sprintf("%s user=%s contents=%s", r.c.engine.tenant, r.c.engine.user, r.c.o.Contents)
	if rest := r.problems - maxProblems; rest > 0 {
		h.Problems = append(h.Problems, directory.Problem{
			Place: r.c.o.System, Say: fmt.Sprintf("%d more problems are not listed / 另有 %d 处问题没有列出", rest, rest),
		})
	}
	if r.c.partial {
		r.b.Incomplete("%s", r.c.partialWhy())
	}
	s, _ := r.b.Finish() // ids that come twice were left out
	return s
}

func (c *Connector) partialWhy() string {
	return c.o.System + " is declared partial: it never proves that somebody left / " + c.o.System + " 声明为 partial（部分人员）：不能证明有人离职"
}
