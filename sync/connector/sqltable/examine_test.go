package sqltable_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make  bool // the table of departments
		shape func(*sqltable.Options)
		use   connector.Use
		want  []string
	}{
		"all works": {true, nil, connector.Use{Target: true}, []string{
			"+ log in to the database", "+ query departments", "+ query people",
			"? write | unverified until the first apply; there is users.create, users.delete, users.disable, users.enable, users.update",
		}},
		"a source": {true, nil, connector.Use{Source: true}, []string{"+ log in to the database", "+ query departments", "+ query people"}},
		"no such column": {
			true, func(o *sqltable.Options) { o.Users.Read = "SELECT id, nothing FROM people" },
			connector.Use{},
			[]string{"+ log in to the database", "+ query departments", "- query people | "},
		},
		"no tables": {false, nil, connector.Use{}, []string{"+ log in to the database", "- query departments | "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sqliteLab(), func(o *sqltable.Options) {
				if c.shape != nil {
					c.shape(o)
				}
			})
			if !c.make {
				b.exec("DROP TABLE departments")
			}
			begins(t, examined(b.conn.Examine(t.Context(), c.use)), c.want...)
		})
	}
}

// examined draws what was found, a line each.
func examined(all []connector.Finding) string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(map[connector.Level]string{connector.Works: "+", connector.Hidden: "~", connector.Refused: "-", connector.Unverified: "?"}[f.Level])
		b.WriteString(" " + strings.TrimRight(strings.Join([]string{f.Capability.EN, f.Say.EN, f.Do.EN}, " | "), "| ") + "\n")
		if (f.Say.EN == "") != (f.Say.ZH == "") || (f.Do.EN == "") != (f.Do.ZH == "") || f.Level == connector.Refused && f.Do.ZH == "" {
			b.WriteString("! a language or the way on is missing\n")
		}
	}
	return b.String()
}

// begins sees that each line begins as wanted.
func begins(t *testing.T, got string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("\n%swant %d lines: %q", got, len(want), want)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("%q\nwant %q", lines[i], want[i])
		}
	}
}
