package wecom_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// wanted is what a flow into WeCom writes here.
func wanted() connector.Use {
	u := connector.Use{Target: true}
	for _, n := range []string{"userid", "name", "mobile", "position"} {
		u.Write = append(u.Write, connector.Named{Kind: directory.User, Name: n})
	}
	u.Write = append(u.Write, connector.Named{Kind: directory.Department, Name: "name"})
	return u
}

func drawn(all []connector.Finding, zh bool) string {
	marks := map[connector.Level]string{connector.Works: "+", connector.Hidden: "~", connector.Refused: "-", connector.Unverified: "?"}
	var b strings.Builder
	for _, f := range all {
		parts := []string{marks[f.Level] + " " + f.Capability.EN, f.Say.EN, f.Do.EN}
		if zh {
			parts = []string{marks[f.Level] + " " + f.Capability.ZH, f.Say.ZH, f.Do.ZH}
		}
		b.WriteString(strings.TrimRight(strings.Join(parts, " | "), " |") + "\n")
	}
	return b.String()
}

// TestExamine is the matrix of the vendor's rules of 2022: what each kind of
// secret may do from which kind of address.
func TestExamine(t *testing.T) {
	t.Parallel()
	const ids = "+ contacts secret\n+ list department ids\n+ list member ids\n"
	const app = "+ app secret\n"
	const unwritten = "? write | unverified until the first apply"
	for name, c := range map[string]struct {
		app    bool
		shape  func(*wecomsim.Options, *wecom.Options)
		empty  bool
		use    connector.Use
		want   string // the beginning of each line
		calls  int
		within string // somewhere in the Chinese drawing
	}{
		"an old address": {use: wanted(), want: ids + "+ read department names\n+ whole company visible\n+ read names and the like\n+ read mobile\n" + unwritten},
		"a new address without an app": {
			use: wanted(), shape: func(s *wecomsim.Options, _ *wecom.Options) { s.OldIP = false },
			want: ids + "~ read department names | contacts_secret: the contacts secret may not read details from this address: set app_secret of a self-built app [48009] | App Management\n" +
				"~ read names and the like | contacts_secret: the contacts secret may not read details\n" + unwritten,
			within: "把 Secret 写进 app_secret",
		},
		"a new address with an app": {
			app: true, use: wanted(), want: ids + app + "+ read department names\n+ whole company visible\n+ read names and the like\n~ read mobile | WeCom has not shown it to apps since June 2022\n" + unwritten,
			within: "读取手机号 | 2022 年 6 月起",
		},
		"a source that reads no phone numbers": {
			app: true, use: connector.Use{Source: true, Read: []connector.Named{{Kind: directory.User, Name: "name"}}},
			want: ids + app + "+ read department names\n+ whole company visible\n+ read names and the like",
		},
		"an app that sees a part": {
			app: true, use: connector.Use{}, shape: func(s *wecomsim.Options, _ *wecom.Options) { s.AppScope = []int64{2} },
			want: ids + app + "+ read department names\n~ whole company visible | the app sees 1 of 3 departments\n+ read names and the like", within: "可见范围，选全公司",
		},
		"an address that is not trusted": {
			app: true, use: wanted(), shape: func(s *wecomsim.Options, _ *wecom.Options) {
				s.TrustedIPs = []string{"10.0.0.1"}
				s.ClientIP = func(*http.Request) string { return "203.0.113.7" }
			},
			want: "", within: "把出口 IP 203.0.113.7 加入企业可信 IP",
		},
		"a wrong contacts secret": {
			use: wanted(), shape: func(_ *wecomsim.Options, o *wecom.Options) { o.ContactsSecret = "wrong" },
			want: "- contacts secret | contacts_secret: WeCom refuses the secret", within: "contacts_secret 在“管理工具 → 通讯录同步”",
		},
		"a wrong app secret": {
			app: true, use: wanted(), shape: func(_ *wecomsim.Options, o *wecom.Options) { o.AppSecret = "wrong" },
			want: ids + "- app secret | app_secret: WeCom refuses the secret\n" + unwritten,
		},
		"nobody is there": {app: true, empty: true, use: wanted(), want: ids + app + "+ read department names\n+ whole company visible\n? read names and the like | the corp has no member\n" + unwritten},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.app, func(s *wecomsim.Options, o *wecom.Options) {
				if c.shape != nil {
					c.shape(s, o)
				}
			})
			for _, d := range []wecomsim.Department{{ID: 2, Name: "研发", Parent: 1}, {ID: 3, Name: "市场", Parent: 1}} {
				if _, err := b.AddDepartment(d); err != nil {
					t.Fatal(err)
				}
			}
			if !c.empty {
				if err := b.AddUser(wecomsim.User{ID: "amy", Name: "艾米", Mobile: "13800000001", Departments: []int64{2}}); err != nil {
					t.Fatal(err)
				}
			}
			before, calls := len(b.Effects()), count(b.Calls())
			all := b.conn.Examine(t.Context(), c.use)
			if n := count(b.Calls()) - calls; n > 8 {
				t.Errorf("%d calls: %v", n, b.Calls())
			}
			if len(b.Effects()) != before {
				t.Error("it wrote")
			}
			en, zh := drawn(all, false), drawn(all, true)
			lines, want := strings.Split(strings.TrimSpace(en), "\n"), strings.Split(c.want, "\n")
			if c.want != "" && len(lines) != len(want) {
				t.Fatalf("\n%swant\n%s", en, c.want)
			}
			for i := range want {
				if !strings.HasPrefix(lines[i], want[i]) {
					t.Errorf("%q\nwant %q", lines[i], want[i])
				}
			}
			if !strings.Contains(zh, c.within) {
				t.Errorf("%s\nlacks %q", zh, c.within)
			}
			for _, f := range all {
				if f.Level == connector.Refused && (f.Do.ZH == "" || f.Do.EN == "" || f.Say.EN == "") {
					t.Errorf("says nothing to do: %+v", f)
				}
			}
		})
	}
}

func count(calls map[string]int) int {
	n := 0
	for path, c := range calls {
		if !strings.HasSuffix(path, "gettoken") {
			n += c
		}
	}
	return n
}
