package configs

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// shipped gives the options for the files that stand in this folder.
func shipped(path string, env map[string]string) Options {
	opts := world{env: env}.options(path)
	opts.ReadFile = os.ReadFile
	return opts
}

func exampleEnv() map[string]string {
	return map[string]string{
		"FEISHU_APP_SECRET": "1", "WECOM_CONTACTS_SECRET": "2", "WECOM_APP_SECRET": "3", "DINGTALK_CLIENT_SECRET": "4",
		"AD_PASSWORD": "9", "SCIM_TOKEN": "10", "SCIM_SERVER_TOKEN": "0123456789abcdef01234567", "HR_DB_URL": "sqlite:hr.db",
		"OPS_FEISHU_HOOK":          "https://open.feishu.cn/open-apis/bot/v2/hook/5",
		"OPS_FEISHU_HOOK_SECRET":   "6",
		"OPS_DINGTALK_HOOK":        "https://oapi.dingtalk.com/robot/send?access_token=7",
		"OPS_DINGTALK_HOOK_SECRET": "8",
	}
}

func productionEnv() map[string]string {
	return map[string]string{
		"ROLLCALL_PUBLIC_URL": "https://rollcall.example.com", "ROLLCALL_AUDIT_KEY": strings.Repeat("0f", 32), "ROLLCALL_METRICS_TOKEN": strings.Repeat("t", 48), "REDIS_PASSWORD": "1", "FEISHU_APP_ID": "cli_1", "FEISHU_APP_SECRET": "1",
		"WECOM_CORP_ID": "ww1", "WECOM_CONTACTS_SECRET": "2", "WECOM_APP_SECRET": "3",
		"FEISHU_OPERATOR": "ou_a", "FEISHU_APPROVER_1": "ou_b", "FEISHU_APPROVER_2": "ou_c", "FEISHU_CHAT": "oc_1",
	}
}

func loadShipped(t *testing.T, path string, env map[string]string) *Config {
	t.Helper()
	c, err := Load(shipped(path, env))
	if m, ok := errors.AsType[*Mistakes](err); ok {
		t.Fatal("\n" + m.Render("en"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("%s has warnings:\n%s", path, (&Mistakes{File: path, List: c.Warnings}).Render("en"))
	}
	return c
}

func TestExample(t *testing.T) {
	t.Parallel()
	c := loadShipped(t, "example.yaml", exampleEnv())
	f, ok := c.Flow("hr-to-wecom")
	if !ok || !f.deletes() || f.Users.Rule != "rules/hired-only.js" {
		t.Fatalf("got flow %+v", f)
	}
	approvers, operators := 0, 0
	for _, p := range c.People {
		switch {
		case covers(p.Roles.Approver, f.Name):
			approvers++
		case covers(p.Roles.Operator, f.Name):
			operators++
		}
	}
	if len(c.People) != 3 || approvers != 2 || operators != 1 {
		t.Errorf("got %d people, %d approvers, %d others who operate", len(c.People), approvers, operators)
	}
	if c.Bots.Feishu == nil || c.Bots.DingTalk == nil || c.Bots.DingTalk.RobotCode != "ding1234" {
		t.Errorf("got bots %+v", c.Bots)
	}
	if s, _ := c.System("feishu"); s.Feishu.AppSecret.Reveal() != "1" {
		t.Error("the secret of the environment did not arrive")
	}
	if got := f.Users.Map[len(f.Users.Map)-1]; got.Value != "{{ .name }}" {
		t.Errorf("got mapping %+v", got)
	}
	if p := f.Protect; len(p.Attributes) != 1 || p.Attributes[0].Values[1] != "0002" || p.Departments[0] != "/董事会" {
		t.Errorf("got protect %+v", p)
	}
}

// TestExampleNeedsItsEnvironment takes away one variable after the other.
func TestExampleNeedsItsEnvironment(t *testing.T) {
	t.Parallel()
	for name := range exampleEnv() {
		env := exampleEnv()
		delete(env, name)
		_, err := Load(shipped("example.yaml", env))
		m, ok := errors.AsType[*Mistakes](err)
		if !ok || len(m.List) != 1 || !strings.Contains(m.List[0].Say.EN, name) || m.List[0].Line == 0 {
			t.Errorf("without %s got %v", name, err)
		}
	}
}

// TestExampleShowsEverything finds keys that the example does not mention,
// and lines of it that speak one language only.
func TestExampleShowsEverything(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, _ := readSchema(t)
	keys := map[string]*node{}
	schemaKeys(root, "", keys)
	for path := range keys {
		key := path[strings.LastIndex(path, ".")+1:]
		if !regexp.MustCompile(`(?m)(^|[ {])` + regexp.QuoteMeta(key) + `:`).Match(data) {
			t.Errorf("%s is not shown", path)
		}
	}
	for line := range strings.Lines(string(data)) {
		_, comment, ok := strings.Cut(line, " · ")
		if ok && !strings.ContainsFunc(comment, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("no Chinese behind the dot: %s", line)
		}
	}
}

func TestProduction(t *testing.T) {
	t.Parallel()
	c := loadShipped(t, "production.yaml", productionEnv())
	if c.Redis.Mode != "single" || c.Redis.URL.Reveal() != "redis://:1@redis:6379" || c.Data != "/var/lib/rollcall" || c.Server.Listen != "0.0.0.0:8080" {
		t.Errorf("got %+v", c)
	}
	if c.Server.Metrics != "0.0.0.0:9090" || !c.Server.MetricsToken.IsSet() || len(c.AuditKeys()) != 1 || c.AdminRoom != "ops" {
		t.Errorf("what is seen from outside: %+v, %d keys, %q", c.Server, len(c.AuditKeys()), c.AdminRoom)
	}
}

func TestRuleFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("rules/hired-only.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`if (context.data.hiredate - today() <= 0) { repo.executeCreate(); }`,
		`if (context.data.email.contain("tencent")) { repo.abort("UPDATE"); }`,
	} {
		if !strings.Contains(string(data), want+"\n") {
			t.Errorf("the rule lacks %s", want)
		}
	}
	if !strings.HasSuffix(string(data), "\nreturn context;\n") || len(data) > maxRule {
		t.Error("the rule does not end with return context, or is too large")
	}
}

// TestOffline: without a single variable and secret file the shipped files are read
// by tools that call nobody, and real mistakes are still told.
func TestOffline(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"example.yaml", "production.yaml"} {
		opts := shipped(path, nil)
		if _, err := Load(opts); err == nil {
			t.Errorf("%s needs no variable", path)
		}
		opts.Offline = true
		c, err := Load(opts)
		if err != nil {
			t.Errorf("%s: %v", path, complaints(err))
			continue
		}
		if len(c.Flows) == 0 {
			t.Errorf("%s has no flows", path)
		}
	}
	broken := []byte("systems: {hr: {type: file, path: hr.csv, contents: full, nonsense: 1}, app: {type: scim, url: https://scim.example.com, token: file:nowhere}}\n")
	_, err := Parse(broken, Options{Path: "x.yaml", ReadFile: func(string) ([]byte, error) { return nil, os.ErrNotExist }, Offline: true})
	if m, ok := errors.AsType[*Mistakes](err); !ok || len(m.List) != 1 || !strings.Contains(m.Render("en"), "nonsense") {
		t.Errorf("mistakes: %v", complaints(err))
	}
}

func complaints(err error) string {
	if m, ok := errors.AsType[*Mistakes](err); ok {
		return m.Render("en")
	}
	return err.Error()
}
