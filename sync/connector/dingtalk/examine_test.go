package dingtalk_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	use := connector.Use{Target: true}
	for _, name := range []string{"name", "mobile", "email"} {
		use.Write = append(use.Write, connector.Named{Kind: directory.User, Name: name})
	}
	const unwritten = "? write | unverified until the first apply"
	reading := []string{"+ credentials and scope", "+ whole company visible", "+ list departments", "+ list people", "+ compare the headcount"}
	for name, c := range map[string]struct {
		shape adjust
		after func(b *bench)
		use   connector.Use
		want  []string
	}{
		"all granted":   {use: use, want: append(reading[:5:5], "+ read mobile", "+ read email", unwritten)},
		"nothing asked": {want: reading},
		"without the personal permissions": {
			use: use, after: func(b *bench) {
				b.SetPermission(dingtalksim.FieldMobile, false)
				b.SetPermission(dingtalksim.FieldPersonal, false)
			},
			want: append(reading[:5:5], "~ read mobile | lacks the permission 企业员工手机号信息", "~ read email | lacks the permission 邮箱等个人信息", unwritten),
		},
		"a part of the corp": {
			use: connector.Use{Source: true}, after: func(b *bench) { b.SetAuthScope(&dingtalksim.AuthScope{Departments: []int64{10}}) },
			want: []string{"+ credentials and scope", "- whole company visible | the app sees a part of the corp only (departments 1, people 0): nobody is taken for gone | open-dev.dingtalk.com"},
		},
		"a quarantine department that is not there": {
			shape: func(_ *dingtalksim.Options, o *dingtalk.Options) {
				o.Disable, o.Quarantine = dingtalk.DisableMove, "999"
			},
			want: append(reading[:5:5], "- quarantine department | there is no department 999 | make the department"),
		},
		"a quarantine department": {
			shape: func(_ *dingtalksim.Options, o *dingtalk.Options) {
				o.Disable, o.Quarantine = dingtalk.DisableMove, "20"
			},
			want: append(reading[:5:5], "+ quarantine department"),
		},
		"a wrong secret": {
			use: use, shape: func(_ *dingtalksim.Options, o *dingtalk.Options) { o.ClientSecret = "wrong" }, want: []string{"- credentials and scope | "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shape := c.shape
			if shape == nil {
				shape = func(*dingtalksim.Options, *dingtalk.Options) {}
			}
			b := newBench(t, shape)
			b.corp()
			if c.after != nil {
				c.after(b)
			}
			before := len(b.Effects())
			begins(t, examined(b.conn.Examine(t.Context(), c.use)), c.want...)
			if len(b.Effects()) != before {
				t.Error("it wrote")
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
