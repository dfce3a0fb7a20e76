package sqltable_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// misfits asks for ids that cannot stand in the column beside others that can: of
// those nothing is said, and of the others what is so.
func misfits(t *testing.T, l *lab) {
	columns := map[string][3]string{ // type: who is there, who is not, and what is no such value
		"uuid":    {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "zhangsan"},
		"numeric": {"12", "13", "zhangsan"},
	}
	for column, ids := range columns {
		for _, one := range []string{"", "SELECT no, name FROM staff WHERE no = :id"} {
			if l.engine == "sqlite" || l.engine == "mariadb" && column == "numeric" {
				continue // no such type; or a question for a text is refused there by none
			}
			b := newBench(t, l, func(o *sqltable.Options) {
				o.Departments = nil
				o.Users = sqltable.Table{ID: "no", Read: "SELECT no, name FROM staff", One: one}
			})
			b.exec("CREATE TABLE staff (no " + column + " PRIMARY KEY, name varchar(40))")
			b.exec("INSERT INTO staff VALUES ('" + ids[0] + "', '甲')")
			asked := []directory.ID{directory.ID(ids[0]), directory.ID(ids[2]), directory.ID(ids[1])}
			seen, err := b.conn.Lookup(t.Context(), directory.User, asked)
			if err != nil {
				t.Errorf("%s, %q: %v", column, one, err)
				continue
			}
			if seen[0].Presence != connector.Present || seen[0].Object.Name() != "甲" || seen[2].Presence != connector.Gone {
				t.Errorf("%s, %q: the others are %+v", column, one, seen)
			}
			if seen[1].Presence == connector.Present || l.engine == "postgres" && (seen[1].Presence != connector.Unsure || !strings.Contains(seen[1].Why, " / ")) {
				t.Errorf("%s, %q: what is no such value is %+v", column, one, seen[1])
			}
			if seen, err = b.conn.Lookup(t.Context(), directory.User, asked[1:2]); err != nil || seen[0].Presence == connector.Present {
				t.Errorf("%s, %q: alone: %+v %v", column, one, seen, err)
			}
		}
	}
}
