package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// patient is a company whose systems refuse what the doctor should find.
type patient struct {
	feishu *feishusim.Sim
	wecom  *wecomsim.Sim
	app    *app
	out    *bytes.Buffer
}

// newPatient opens a company in a language. WeCom is on a new address without an
// app; Feishu lists nothing of what it granted.
func newPatient(t *testing.T, lang string, corp wecomsim.Options) *patient {
	t.Helper()
	p := &patient{out: &bytes.Buffer{}}
	p.feishu = feishusim.New(feishusim.Options{Now: time.Now, NoLimits: true})
	corp.CorpID, corp.Now = "ww-test", time.Now
	p.wecom = wecomsim.New(corp)
	fs, ws := httptest.NewServer(p.feishu.Handler()), httptest.NewServer(p.wecom.Handler())
	t.Cleanup(fs.Close)
	t.Cleanup(ws.Close)
	if _, err := p.feishu.AddDepartment(feishusim.Department{Name: "销售", DepartmentID: "sales"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.feishu.AddUser(feishusim.User{Name: "艾米", Mobile: "+8613800000001", Departments: []string{"sales"}}); err != nil {
		t.Fatal(err)
	}
	if err := p.wecom.AddUser(wecomsim.User{ID: "amy", Name: "艾米", Mobile: "13800000001", Departments: []int64{1}}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := fmt.Sprintf(`
timezone: Asia/Shanghai
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  feishu: {type: feishu, app_id: %s, app_secret: %s, base_url: "%s"}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: contacts-secret, base_url: "%s"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  hr-to-wecom:
    from: hr
    to: wecom
    users: {match: [employee_no], map: {userid: employee_no, name: name, mobile: mobile, title: title}}
    leavers: {first: disable}
  feishu-to-wecom:
    from: feishu
    to: wecom
    on_change: 5s
    users: {match: [mobile], map: {userid: user_id, name: name, mobile: mobile}}
    leavers: {first: disable}
`, p.feishu.AppID(), p.feishu.AppSecret(), fs.URL, ws.URL)
	for name, data := range map[string]string{"rollcall.yaml": text, "roster.csv": "工号,姓名,手机\n1,张三,13800000001\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, filepath.Join(dir, "roster.csv"))
	cfg, err := configs.Load(configs.Options{Path: filepath.Join(dir, "rollcall.yaml"), Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) (string, bool) { return lang, name == "ROLLCALL_LANG" }
	proc := &process{getenv: getenv, stdout: p.out, stderr: discard{}, now: time.Now, executable: os.Executable}
	if p.app, err = proc.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.app.close() })
	return p
}

// examine gives what the doctor prints, without what differs from day to day.
func (p *patient) examine(t *testing.T, of string) (string, error) {
	t.Helper()
	found, err := (&doctor{app: p.app}).Examine(t.Context(), of, false)
	if err != nil {
		t.Fatal(err)
	}
	p.out.Reset()
	err = p.app.p.printChecks(found)
	text := regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}`).ReplaceAllString(p.out.String(), "DATE")
	return regexp.MustCompile(`(differ by|相差) [0-9]s`).ReplaceAllString(text, "$1 0s"), err
}

// narrow lets the app see one department without phone numbers.
func (p *patient) narrow() {
	p.feishu.SetScopes("contact:contact.base:readonly", "contact:user.base:readonly", "contact:user.employee:readonly",
		"contact:user.department:readonly", "contact:user.employee_id:readonly", "contact:department.base:readonly", "contact:department.organize:readonly")
	p.feishu.SetContactScope(&feishusim.ContactScope{Departments: []string{"sales"}})
}

func TestDoctorMatrix(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t, lang, wecomsim.Options{})
			p.narrow()
			got, err := p.examine(t, "")
			if fault.KindOf(err) != fault.Credential {
				t.Errorf("%v", err)
			}
			path := filepath.Join("testdata", "doctor", lang+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestDoctorOneSystem looks at one system: what works is one line, and what an
// address that is not trusted costs is one finding with that address.
func TestDoctorOneSystem(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "en", wecomsim.Options{OldIP: true})
	got, err := p.examine(t, "wecom")
	if err != nil || strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "✓ wecom  contacts secret, list department ids") {
		t.Errorf("%v\n%s", err, got)
	}
	p = newPatient(t, "en", wecomsim.Options{TrustedIPs: []string{"10.0.0.1"}, ClientIP: func(*http.Request) string { return "203.0.113.7" }})
	got, err = p.examine(t, "wecom")
	if err == nil || strings.Count(got, "✗") != 1 || !strings.Contains(got, "list department ids, list member ids, read department names") ||
		!strings.Contains(got, "→ add the address 203.0.113.7 to the trusted IPs") {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestMatrix turns findings into checks.
func TestMatrix(t *testing.T) {
	t.Parallel()
	both := func(s string) connector.Text { return connector.Text{ZH: "中" + s, EN: s} }
	mobile := []connector.Named{{Kind: directory.User, Name: "mobile"}}
	found := []connector.Finding{
		{Capability: both("a"), Level: connector.Works},
		{Capability: both("b"), Level: connector.Works},
		{Capability: both("c"), Level: connector.Refused, Say: both("no"), Do: both("click")},
		{Capability: both("d"), Level: connector.Refused, Say: both("no"), Do: both("click")},
		{Capability: both("e"), Level: connector.Hidden, Say: both("hid"), Do: both("grant"), Of: mobile},
		{Capability: both("f")},
	}
	draw := func(use connector.Use) string {
		var b strings.Builder
		for _, c := range matrix(found, use) {
			b.WriteString(string(c.Level) + " " + c.Told(bot.EN) + " → " + c.Fix.EN + "\n")
		}
		return b.String()
	}
	if got, want := draw(connector.Use{}), "ok a → \nok b → \nfail c, d: no → click\nwarn e: hid → grant\nok f: not verified → \n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := draw(connector.Use{Match: mobile}); !strings.Contains(got, "fail e: hid; flows match by mobile: nobody is found by it → grant\n") {
		t.Errorf("%s", got)
	}
}

// TestSystemUse collects what flows ask of their systems.
func TestSystemUse(t *testing.T) {
	t.Parallel()
	p := newPatient(t, "en", wecomsim.Options{})
	for system, want := range map[string]string{
		"hr":     "true false [{user employee_no} {user mobile} {user name} {user title}] [] [{user employee_no}]",
		"feishu": "true false [{user mobile} {user name} {user user_id}] [] [{user mobile}]",
		"wecom":  "false true [{user mobile} {user userid}] [{user mobile} {user name} {user title} {user userid}] [{user mobile} {user userid}]",
		"other":  "false false [] [] []",
	} {
		u := systemUse(p.app.cfg, system)
		if got := fmt.Sprint(u.Source, u.Target, u.Read, u.Write, u.Match); got != want {
			t.Errorf("%s: %s\nwant %s", system, got, want)
		}
	}
}
