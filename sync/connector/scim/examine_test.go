package scim_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape func(*scimsim.Options, *scim.Options)
		use   connector.Use
		want  []string
	}{
		"all works": {func(*scimsim.Options, *scim.Options) {}, connector.Use{Target: true}, []string{"+ reach the service", "+ list users | 0 in all", "+ list groups | 0 in all", "? write | unverified until the first apply"}},
		"a poor service": {
			func(s *scimsim.Options, o *scim.Options) {
				s.NoPatch, s.NoFilter, o.Departments = true, true, scim.NoGroups
			},
			connector.Use{Source: true},
			[]string{"+ reach the service | it has no PATCH (PUT replaces whole users), and no filters", "+ list users"},
		},
		"no groups": {
			func(s *scimsim.Options, _ *scim.Options) { s.NoGroups = true },
			connector.Use{},
			[]string{"+ reach the service", "+ list users", "- list groups | the service has no groups: set departments: none"},
		},
		"a wrong token": {func(_ *scimsim.Options, o *scim.Options) { o.Token = "wrong" }, connector.Use{}, []string{"- reach the service | "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.shape)
			got := examined(b.conn.Examine(t.Context(), c.use))
			begins(t, got, c.want...)
			if strings.Contains(got, token) {
				t.Error("the token is told")
			}
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
