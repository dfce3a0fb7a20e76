package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// references finds the variables that a configuration names.
var references = regexp.MustCompile(`\$\{(\w+)\}`)

// TestShippedConfigurationsPassTheCheck runs `rollcall config check` over what the
// README tells people to copy, rules and all, as they would after filling in .env.
func TestShippedConfigurationsPassTheCheck(t *testing.T) {
	t.Parallel()
	special := map[string]string{
		"ROLLCALL_AUDIT_KEY": strings.Repeat("0f", 32), "ROLLCALL_DATA_KEY": strings.Repeat("1e", 32), "HR_DB_URL": "sqlite:hr.db",
		"OPS_FEISHU_HOOK":   "https://open.feishu.cn/open-apis/bot/v2/hook/5",
		"OPS_DINGTALK_HOOK": "https://oapi.dingtalk.com/robot/send?access_token=7", "ROLLCALL_PUBLIC_URL": "https://rollcall.example.com",
		"FEISHU_OPERATOR": "ou_a", "FEISHU_APPROVER_1": "ou_b", "FEISHU_APPROVER_2": "ou_c", "FEISHU_CHAT": "oc_1",
	}
	for _, name := range []string{"production.yaml", "example.yaml"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, shipped := t.TempDir(), filepath.Join("..", "..", "configs")
			text, err := os.ReadFile(filepath.Join(shipped, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(dir, "rules"), os.DirFS(filepath.Join(shipped, "rules"))); err != nil {
				t.Fatal(err)
			}
			path, roster := filepath.Join(dir, "rollcall.yaml"), filepath.Join(dir, "roster.csv")
			text = bytes.ReplaceAll(text, []byte("/etc/rollcall/roster.csv"), []byte(roster))
			for file, content := range map[string][]byte{path: text, roster: []byte("工号,姓名,手机,邮箱,部门,入职日期\n")} {
				if err := os.WriteFile(file, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := map[string]string{}
			for _, m := range references.FindAllStringSubmatch(string(text), -1) {
				if env[m[1]] = special[m[1]]; env[m[1]] == "" {
					env[m[1]] = "value-of-" + strings.ToLower(m[1]) + "-0123456789"
				}
			}
			var out, complaints bytes.Buffer
			p := &process{
				getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
				stdout: &out, stderr: &complaints, now: time.Now, executable: swift(t),
			}
			root := p.root()
			root.SetArgs([]string{"config", "check", path})
			if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "no mistakes") {
				t.Errorf("%v\n%s%s", err, &out, &complaints)
			}
			for name, value := range env {
				if strings.HasPrefix(value, "value-of-") && strings.Contains(out.String()+complaints.String(), value) {
					t.Errorf("it shows what is in %s", name)
				}
			}
			if said := complaints.String(); name == "production.yaml" && (strings.Contains(said, "! ") || strings.Contains(said, `"level":"WARN"`)) {
				t.Errorf("it has doubts:\n%s", said)
			}
		})
	}
}
