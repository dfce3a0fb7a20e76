package ldapdir_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	for name, c := range map[string]struct {
		shape func(*ldapdir.Options)
		use   connector.Use
		want  []string
	}{
		"nobody is there": {
			func(*ldapdir.Options) {},
			connector.Use{Target: true},
			[]string{"+ sign in", "+ read base_dn", "? find people | found none: there may be none", "? find departments | found none", "? write | unverified until the first apply"},
		},
		"a base that is not there": {
			func(o *ldapdir.Options) { o.BaseDN = "ou=nowhere," + o.BaseDN },
			connector.Use{},
			[]string{"+ sign in", "- read base_dn | base_dn is not there", "- find people | ", "- find departments | "},
		},
		"a wrong password": {func(o *ldapdir.Options) { o.BindPassword = "wrong" }, connector.Use{}, []string{"- sign in | "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, server, c.shape)
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
