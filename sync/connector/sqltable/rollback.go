package sqltable

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// MySQL has tables without transactions (MyISAM, Aria, MEMORY): ROLLBACK leaves what
// a statement did to them. That exactly one row is touched can only be seen
// afterwards, so nothing is written there at all.
const (
	standingTables = "SELECT LOWER(t.TABLE_SCHEMA), t.TABLE_NAME, t.ENGINE FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE" +
		" WHERE t.TABLE_TYPE = 'BASE TABLE' AND COALESCE(e.TRANSACTIONS, 'NO') <> 'YES' AND (t.TABLE_SCHEMA = DATABASE() OR t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema'))"
	views         = "SELECT LOWER(TABLE_SCHEMA), TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS"
	ownSchema     = "SELECT LOWER(DATABASE()), '', ''"
	rolledBackNot = "1196" // ER_WARNING_NOT_COMPLETE_ROLLBACK
)

// relation is a table or a view of MySQL.
type relation struct {
	schema, name string
	detail       string // the engine of a table, the definition of a view, or unseen
}

// unseen is the detail of a view whose definition is hidden from us, in a schema
// that has tables without transactions.
const unseen = "?"

// takesBack sees that a change by a statement can be rolled back. What was found to
// be so is not asked again. Faults: Invalid, naming the table.
func (t *tx) takesBack(ctx context.Context, s *statement) error {
	if t.c.engine.kind != mariadb || t.c.isTransactional(s) {
		return nil
	}
	own, err := t.relations(ctx, ownSchema)
	if err != nil {
		return err
	}
	standing, err := t.relations(ctx, standingTables)
	if err != nil {
		return err
	}
	if len(standing) > 0 {
		list, err := t.relations(ctx, views)
		if err != nil {
			return err
		}
		standing = withViews(standing, list)
	}
	for _, r := range standing {
		if !mentions(s.source, r.name) || r.schema != own[0].schema && !mentions(s.source, r.schema) {
			continue
		}
		name := clip(r.name)
		if r.detail == unseen {
			return fault.New(fault.Invalid, "%[1]s writes to the view %[2]s, and it cannot be seen whether its table can take a change back: nothing was changed; GRANT SHOW VIEW, and let the table be InnoDB / %[1]s 要写入视图 %[2]s，看不出它的表能否回滚：没有做任何修改；请 GRANT SHOW VIEW，并确认表使用 InnoDB", s.name, name)
		}
		return fault.New(fault.Invalid, "%[1]s writes to the table %[2]s of the engine %[3]s, which cannot take a change back: nothing was changed; ALTER TABLE … ENGINE=InnoDB / %[1]s 要写入的表 %[2]s 使用 %[3]s 引擎，无法回滚：没有做任何修改；请执行 ALTER TABLE … ENGINE=InnoDB", s.name, name, clip(r.detail))
	}
	t.c.noteTransactional(s)
	return nil
}

// nameText finds the names and keywords of a statement.
var nameText = regexp.MustCompile(`[\p{L}\p{N}_$]+`)

// mentions tells whether a statement has a name in it, in whatever letters.
func mentions(source, name string) bool {
	source, name = strings.ToLower(source), strings.ToLower(name)
	if nameText.FindString(name) != name {
		return strings.Contains(source, name)
	}
	return slices.Contains(nameText.FindAllString(source, -1), name)
}

// withViews adds to tables the views of them, and the views of these.
func withViews(tables, list []relation) []relation {
	all := slices.Clone(tables)
	for from := 0; from < len(all); {
		under := all[from:]
		from = len(all)
		list = slices.DeleteFunc(list, func(view relation) bool {
			at := slices.IndexFunc(under, func(r relation) bool {
				return strings.Contains(view.detail, "`"+r.name+"`") || view.detail == "" && view.schema == r.schema
			})
			if at < 0 {
				return false
			}
			if view.detail == "" {
				view.detail = unseen
			} else {
				view.detail = under[at].detail
			}
			all = append(all, view)
			return true
		})
	}
	return all
}

// relations runs a query of a schema, a name and a detail.
func (t *tx) relations(ctx context.Context, text string) ([]relation, error) {
	const where = "information_schema"
	rows, err := t.query(ctx, where, text)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows)
	var out []relation
	for rows.Next() {
		var schema, name, detail sql.NullString
		if err := rows.Scan(&schema, &name, &detail); err != nil {
			return nil, t.c.fail(where, err)
		}
		out = append(out, relation{schema.String, name.String, detail.String})
	}
	if err := rows.Err(); err != nil {
		return nil, t.c.fail(where, err)
	}
	return out, nil
}

// undo rolls a change back that is not to be, and tells when MySQL could not: a
// table without transactions was written to by way of something that we cannot see.
func (t *tx) undo(ctx context.Context, why error) error {
	if t.c.engine.kind != mariadb || !t.open {
		return why
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		return why // close throws the connection away
	}
	t.open, t.calm = false, true
	warnings, err := t.relations(ctx, "SHOW WARNINGS") // of level, code and words
	if err == nil && slices.ContainsFunc(warnings, func(w relation) bool { return w.name == rolledBackNot }) {
		return fault.Wrap(fault.Invalid, why, "the change was refused and could not be taken back, since a table has no transactions: look at what the statement did, and make the table InnoDB / 变更被拒绝，但所写的表不支持事务，无法撤回：请检查语句做了什么，并把表改为 InnoDB")
	}
	return why
}

func (c *Connector) isTransactional(s *statement) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.safe[s]
}

func (c *Connector) noteTransactional(s *statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.safe[s] = true
}
