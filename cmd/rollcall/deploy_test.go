package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/meter"
)

func deployed(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "deploy"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// metricName finds the names of metrics in an expression.
var metricName = regexp.MustCompile(`\b(?:rollcall|go|process)_[a-z0-9_]+\b`)

// metricNames gives every name that a server may see of us.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, f := range meter.Families() {
		if f.Kind != meter.IsHistogram {
			names[f.Name] = true
			continue
		}
		for _, end := range []string{"_bucket", "_sum", "_count"} {
			names[f.Name+end] = true
		}
	}
	p := &process{getenv: func(string) (string, bool) { return "", false }, stderr: discard{}, now: time.Now}
	families, err := p.bare(&configs.Config{}).observer.registry.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names[f.GetName()] = true
	}
	return names
}

// known sees that an expression asks for nothing that we do not show.
func known(t *testing.T, names map[string]bool, where, expr string) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, name := range metricName.FindAllString(expr, -1) {
		used[name] = true
		if !names[name] {
			t.Errorf("%s asks for %s, which there is not", where, name)
		}
	}
	if len(used) == 0 {
		t.Errorf("%s asks for nothing: %s", where, expr)
	}
	return used
}

// TestAlertRules sees that every alert asks for metrics that there are, and speaks
// both languages.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(deployed(t, "prometheus", "rules.yaml"), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	tests := string(deployed(t, "prometheus", "rules_test.yaml"))
	names, seen := metricNames(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			known(t, names, r.Alert, r.Expr)
			if seen[r.Alert] {
				t.Errorf("%s stands twice", r.Alert)
			}
			seen[r.Alert] = true
			if s := r.Labels["severity"]; s != "critical" && s != "warning" && s != "info" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			for _, key := range []string{"summary", "description"} {
				en, zh := r.Annotations[key], r.Annotations[key+"_zh"]
				if en == "" || strings.ContainsFunc(en, isHan) {
					t.Errorf("%s: no English %s: %q", r.Alert, key, en)
				}
				if !strings.ContainsFunc(zh, isHan) {
					t.Errorf("%s: no Chinese %s: %q", r.Alert, key, zh)
				}
			}
			if !strings.Contains(tests, "alertname: "+r.Alert+"\n        exp_alerts:\n") {
				t.Errorf("no unit test lets %s fire", r.Alert)
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d alerts", len(seen))
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// TestDashboard sees that every panel asks for metrics that there are, and that
// every metric of ours is on a panel.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct {
		Title  string
		Panels []struct {
			ID          int
			Type        string
			Title       string
			Description string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(deployed(t, "grafana", "rollcall.json"), &board); err != nil {
		t.Fatal(err)
	}
	names, used, ids := metricNames(t), map[string]bool{}, map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %s: its id or place is wrong", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		if english, chinese, both := strings.Cut(p.Description, "\n\n"); !both || english == "" || strings.ContainsFunc(english, isHan) || !strings.ContainsFunc(chinese, isHan) {
			t.Errorf("panel %s says what it shows as %q", p.Title, p.Description)
		}
		for _, target := range p.Targets {
			if asked := metricName.FindAllString(target.Expr, -1); strings.Count(target.Expr, `{job=~"$job", instance=~"$instance"`) != len(asked) {
				t.Errorf("panel %s shows other installations as well: %s", p.Title, target.Expr)
			}
			for name := range known(t, names, p.Title, target.Expr) {
				used[name] = true
			}
		}
	}
	for _, f := range meter.Families() {
		if !used[f.Name] && !used[f.Name+"_bucket"] && !used[f.Name+"_sum"] {
			t.Errorf("%s is on no panel", f.Name)
		}
	}
}

// TestPromtool lets promtool check the rules and run their unit tests.
func TestPromtool(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("NOT RUN: no promtool here (Debian package prometheus)")
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"check", "config", "--syntax-only", "prometheus.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = filepath.Join("..", "..", "deploy", "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, panelsAsRules(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("the dashboard asks what cannot be asked: %v\n%s", err, out)
	}
}

// panelsAsRules gives what the dashboard asks as recording rules, which promtool can
// check.
func panelsAsRules(t *testing.T) []byte {
	t.Helper()
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(deployed(t, "grafana", "rollcall.json"), &board); err != nil {
		t.Fatal(err)
	}
	var rules []map[string]string
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$job", ".+", "$instance", ".+", "$flow", ".*").Replace(target.Expr)
			rules = append(rules, map[string]string{"record": fmt.Sprintf("panel_%d", len(rules)), "expr": expr})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil || len(rules) < 30 {
		t.Fatalf("%d questions, %v", len(rules), err)
	}
	return text
}
