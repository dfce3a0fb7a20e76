package dingtalk

import (
	"context"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// parallel is how many reading calls are made at once.
const parallel = 4

// each does the same for n things, a few at once. After the first failure, which
// it remembers, nothing further is begun.
func (r *reading) each(n int, do func(i int) error) {
	var work errgroup.Group
	work.SetLimit(parallel)
	for i := range n {
		work.Go(func() error {
			if !r.sound() {
				return nil
			}
			if err := do(i); err != nil {
				r.fail(err)
			}
			return nil
		})
	}
	_ = work.Wait() // the functions keep their errors in r.failed
}

// departments reads the tree level by level: the vendor lists direct children
// only. The app's scope tells where to begin.
func (r *reading) departments(ctx context.Context) {
	level := []int64{rootID}
	if !r.scope.all() {
		level = r.tops(ctx)
	}
	seen := map[int64]bool{}
	for _, id := range level {
		seen[id] = true
	}
	tops := len(level)
	r.places = append(r.places, level...)
	for len(level) > 0 && r.sound() {
		children := make([][]departmentRow, len(level))
		r.each(len(level), func(i int) error {
			var answer departmentRows
			if err := r.c.read(ctx, old(pathListSub, map[string]any{"dept_id": level[i]}), &r.tally, &answer); err != nil {
				return err
			}
			children[i] = answer.Rows
			connector.CounterOf(ctx).Departments(len(answer.Rows))
			return nil
		})
		var next []int64
		for i, rows := range children {
			for _, row := range rows {
				id := int64(row.ID)
				switch {
				case id <= rootID || int64(row.Parent) != level[i]:
					r.doubt("DingTalk lists a department without its id or under another parent / 钉钉的部门列表中有编号或上级不符的部门")
				case seen[id] && tops > 1: // a department of the scope below another one
				case seen[id]:
					n := strconv.FormatInt(id, 10)
					r.doubt("department " + n + " is listed twice / 部门 " + n + " 重复出现")
				default:
					seen[id] = true
					r.tree = append(r.tree, row)
					next = append(next, id)
				}
			}
		}
		r.places = append(r.places, next...)
		level = next
	}
	r.details(ctx)
}

// tops reads the departments that the scope names themselves.
func (r *reading) tops(ctx context.Context) []int64 {
	rows := make([]departmentGet, len(r.scope.Org.Depts))
	r.each(len(rows), func(i int) error {
		return r.c.read(ctx, old(pathDeptGet, map[string]any{"dept_id": r.scope.Org.Depts[i]}), &r.tally, &rows[i])
	})
	var ids []int64
	for i := range rows {
		if rows[i].ID > rootID {
			r.tree = append(r.tree, rows[i].departmentRow)
			ids = append(ids, int64(rows[i].ID))
		}
	}
	return ids
}

// details reads what the listing leaves out of each department, when asked to.
func (r *reading) details(ctx context.Context) {
	if !r.c.options.DepartmentDetails {
		return
	}
	r.each(len(r.tree), func(i int) error {
		var answer departmentGet
		if err := r.c.read(ctx, old(pathDeptGet, map[string]any{"dept_id": r.tree[i].ID}), &r.tally, &answer); err != nil {
			return err
		}
		r.tree[i].details = &answer
		return nil
	})
}

// lookDepartment asks for one department.
func (c *Connector) lookDepartment(ctx context.Context, id int64, t *tally) (departmentRow, error) {
	var answer departmentGet
	if err := c.read(ctx, old(pathDeptGet, map[string]any{"dept_id": id}), t, &answer); err != nil {
		return departmentRow{}, err
	}
	if int64(answer.ID) != id {
		return departmentRow{}, fault.New(fault.Unavailable, "DingTalk answers with another department / 钉钉返回了另一个部门")
	}
	row := answer.departmentRow
	if c.options.DepartmentDetails {
		row.details = &answer
	}
	return row, nil
}
