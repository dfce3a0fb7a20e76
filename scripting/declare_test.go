package scripting

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func declaredSample() map[directory.Kind]map[string]directory.Type {
	return map[directory.Kind]map[string]directory.Type{
		directory.User: {
			"name": directory.Text, "email": directory.Text, "title": directory.Text, "DeptID": directory.Text, "account": directory.Text,
			"hiredate": directory.Date, "level": directory.Int, "remote": directory.Bool, "tags": directory.List,
			"departments": directory.Refs, "manager": directory.Refs, "custom.C-1": directory.Text, "员工编号": directory.Text, `a"b`: directory.Text,
		},
		directory.Department: {"name": directory.Text, "parent": directory.Refs},
	}
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	text := Declarations(directory.User, declaredSample())
	for _, want := range []string{
		"  hiredate: RollcallDate;\n", "  level: number | undefined;\n", "  remote: boolean | undefined;\n", "  tags: string[];\n",
		"  departments: string[];\n", "  manager: string;\n", `  "custom.C-1": string;` + "\n", `  "员工编号": string;` + "\n", `  "a\"b": string;` + "\n",
		"  data: RollcallUser;\n", "./rollcall.user.d.ts",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "any;\n}") || strings.Contains(text, "/*data*/") {
		t.Error("declared attributes, and yet any name")
	}
	if text := Declarations(directory.Department, nil); !strings.Contains(text, "  data: RollcallDepartment;\n") || !strings.Contains(text, "[name: string]: any;") {
		t.Error("nothing declared: any name must do")
	}
}

// TestDeclarationsNameAll: whatever a rule is given is declared, and nothing else.
func TestDeclarationsNameAll(t *testing.T) {
	t.Parallel()
	text := Declarations(directory.User, nil)
	for _, name := range repoNames {
		if !strings.Contains(text, "  "+name+"(") {
			t.Errorf("repo.%s is not declared", name)
		}
	}
	for _, name := range contextNames {
		if !regexp.MustCompile(`\n  (readonly )?` + name + `: `).MatchString(text) {
			t.Errorf("context.%s is not declared", name)
		}
	}
	e := inProcess(t, "return context")
	for _, m := range regexp.MustCompile(`declare function (\w+)\(`).FindAllStringSubmatch(text, -1) {
		if e.vm.Get(m[1]) == nil {
			t.Errorf("%s is declared and not there", m[1])
		}
	}
}

// TestTypeScript asks the real compiler what an editor would show.
func TestTypeScript(t *testing.T) {
	t.Parallel()
	npm, err := exec.LookPath("npm")
	if err != nil || testing.Short() {
		t.Skip("NOT RUN: no npm here, so the declarations are not tried on a real TypeScript")
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, "typescript@5.9.3")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: npm does not bring TypeScript: %v: %s", err, out)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(name string) []string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "tsc"),
			"--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2020", "--lib", "es2020", name)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if _, exited := err.(*exec.ExitError); err != nil && !exited { //nolint:errorlint // as it comes from Cmd
			t.Fatal(err)
		}
		var found []string
		for line := range strings.Lines(string(out)) {
			// A rule is the body of a function, which no compiler can know.
			if !strings.Contains(line, "TS1108") && strings.Contains(line, "error TS") {
				found = append(found, strings.TrimSpace(line))
			}
		}
		return found
	}
	for _, kind := range kinds {
		write(DeclarationsName(kind), Declarations(kind, declaredSample()))
		for _, lang := range []string{"en", "zh"} {
			// What stands in comments is there to be used: it must hold too.
			used := regexp.MustCompile(`(?m)^// ((?:if|var|repo|context).*)$`).ReplaceAllString(string(StarterOf(kind, lang).Rule), "$1")
			write("rule.js", used)
			if found := check("rule.js"); len(found) > 0 {
				t.Errorf("%s %s:\n%s", kind, lang, strings.Join(found, "\n"))
			}
		}
	}
	write("wrong.js", `/// <reference path="./rollcall.user.d.ts" />
context.data.emial;
context.operationType = "CREATE";
if (context.operationType === "Create") {}
repo.executeCreat();
repo.abort("create");
context.data.hiredate = "x";
pinyin(7);
context.data.hiredate - today();
context.data.name.contain("x");
return context;
`)
	found := check("wrong.js")
	for line := 2; line <= 8; line++ {
		if !strings.Contains(strings.Join(found, "\n"), "wrong.js("+string(rune('0'+line))+",") {
			t.Errorf("line %d is not complained about", line)
		}
	}
	if len(found) != 7 {
		t.Errorf("%d complaints, want 7:\n%s", len(found), strings.Join(found, "\n"))
	}
}

// TestStarters: they compile, decide nothing, and so do the parts that wait in
// comments.
func TestStarters(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, lang := range []string{"en", "zh-CN"} {
			s := StarterOf(kind, lang)
			if program, sum := compile(kind, string(s.Rule)); program == nil || sum.calls.Create || sum.calls.Disable || sum.calls.Delete {
				t.Errorf("%s %s: %+v", kind, lang, sum)
			}
			if len(s.Test) == 0 {
				t.Errorf("%s %s has no test", kind, lang)
			}
		}
	}
}
