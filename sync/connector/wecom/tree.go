package wecom

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// maxDepth is beyond any tree that the vendor allows (15 levels).
const maxDepth = 64

// tree is all departments, and what the reading credential sees of them.
type tree struct {
	rows    []departmentRow          // without the root
	visible map[int64]*departmentRow // with names, the root among them
}

// departments reads the whole tree with the contacts secret, and the names with
// whatever may read them. That names are hidden is no error.
func (c *Connector) departments(ctx context.Context, t *tally) (tree, error) {
	var ids departmentIDs
	if err := c.read(ctx, c.simpleList(), t, &ids); err != nil {
		return tree{}, err
	}
	var out tree
	for _, row := range ids.Rows {
		if row.ID != rootID {
			out.rows = append(out.rows, row)
		}
	}
	key, ok := c.reader()
	if !ok {
		return out, nil
	}
	var list departmentList
	err := c.read(ctx, call{method: http.MethodGet, path: "department/list", key: key}, t, &list)
	if c.hides(key, err) {
		return out, nil
	}
	if err != nil {
		return tree{}, err
	}
	out.visible = make(map[int64]*departmentRow, len(*list.Rows))
	for i := range *list.Rows {
		row := &(*list.Rows)[i]
		out.visible[row.ID] = row
	}
	return out, nil
}

func (c *Connector) simpleList() call {
	return call{method: http.MethodGet, path: "department/simplelist", key: c.contacts}
}

// hides tells whether an error only says that a credential does not see
// something, and remembers it of the contacts secret, which is then not tried
// again.
func (c *Connector) hides(key *credential, err error) bool {
	if detailsRefused(err) {
		if key == c.contacts {
			c.blind.Store(true)
		}
		return true
	}
	return outOfScope(err)
}

// objects gives the departments' objects.
func (c *Connector) departmentObjects(t tree) []directory.Object {
	list := make([]directory.Object, len(t.rows))
	for i, row := range t.rows {
		list[i] = c.departmentObject(row, t.visible[row.ID])
	}
	return list
}

// flaw says what is wrong with the tree: a parent that is not there, or a cycle.
// It is "" for a sound one.
func (t *tree) flaw() string {
	parents := make(map[int64]int64, len(t.rows))
	for _, row := range t.rows {
		parents[row.ID] = row.Parent
	}
	for _, row := range t.rows {
		id := row.ID
		for level := 0; id != rootID; level++ {
			parent, known := parents[id]
			if !known || level > maxDepth {
				n := strconv.FormatInt(row.ID, 10)
				return "department " + n + " does not lead to the root / 部门 " + n + " 无法追溯到根部门"
			}
			id = parent
		}
	}
	return ""
}

// lookDepartment asks for one department by id. seen is false when the answer
// has to come from the list of ids.
func (c *Connector) lookDepartment(ctx context.Context, id int64, t *tally) (o directory.Object, seen bool, err error) {
	key, ok := c.reader()
	if !ok {
		return directory.Object{}, false, nil
	}
	var answer departmentGet
	err = c.read(ctx, call{
		method: http.MethodGet, path: "department/get", key: key,
		query: url.Values{"id": {strconv.FormatInt(id, 10)}},
	}, t, &answer)
	if c.hides(key, err) || missing(err) {
		return directory.Object{}, false, nil
	}
	if err != nil {
		return directory.Object{}, false, err
	}
	return c.departmentObject(*answer.Row, answer.Row), true, nil
}
