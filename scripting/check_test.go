package scripting

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	alias, body := textRepoAlias.en, textNotBody.en
	for _, tt := range []struct {
		name, source string
		line, column int
		say          string
	}{
		{"copied", "var r = repo", 1, 9, alias},
		{"copied in a let", "\n  let {executeCreate} = repo\n", 2, 25, alias},
		{"assigned", "var r\nr = repo;", 2, 5, alias},
		{"overwritten", "repo = {}", 1, 1, alias},
		{"by name", `repo["executeCreate"]()`, 1, 1, alias},
		{"by computed name", "repo[name]()", 1, 1, alias},
		{"function taken", "var f = repo.executeCreate", 1, 9, alias},
		{"function passed", "[1].forEach(repo.executeCreate)", 1, 13, alias},
		{"function by call", "repo.executeCreate.call(null)", 1, 1, alias},
		{"function bound", "repo.executeCreate.bind(repo)()", 1, 1, alias},
		{"new", "new repo.executeCreate()", 1, 5, alias},
		{"optional", "repo?.executeCreate()", 1, 1, alias},
		{"optional call", "repo.executeCreate?.()", 1, 1, alias},
		{"tagged", "repo.executeCreate``", 1, 1, alias},
		{"in parentheses", "(repo).executeCreate.apply()", 1, 2, alias},
		{"passed", "f(repo)", 1, 3, alias},
		{"spread", "f(...repo)", 1, 6, alias},
		{"in an array", "[repo]", 1, 2, alias},
		{"shorthand", "({repo})", 1, 3, alias},
		{"as a value", "({a: repo})", 1, 6, alias},
		{"as a computed key", "({[repo]: 1})", 1, 4, alias},
		{"template", "`${repo}`", 1, 4, alias},
		{"returned", "return repo", 1, 8, alias},
		{"typeof", "typeof repo", 1, 8, alias},
		{"default value", "function f(a = repo) {}", 1, 16, alias},
		{"closure", "(() => repo)()", 1, 8, alias},
		{"property set", "repo.executeCreate = 1", 1, 1, alias},
		{"deleted", "delete repo.executeCreate", 1, 8, alias},
		{"var", "var repo", 1, 5, alias},
		{"let", "let repo = 1", 1, 5, alias},
		{"const pattern", "const {a: repo} = {}", 1, 11, alias},
		{"array pattern", "var [repo] = []", 1, 6, alias},
		{"rest", "var [...repo] = []", 1, 9, alias},
		{"parameter", "function f(repo) { repo.executeCreate() }", 1, 12, alias},
		{"arrow parameter", "repo => 1", 1, 1, alias},
		{"function name", "function repo() {}", 1, 10, alias},
		{"class name", "class repo {}", 1, 7, alias},
		{"class extends", "class A extends repo {}", 1, 17, alias},
		{"class field", "class A { a = repo }", 1, 15, alias},
		{"static block", "class A { static { var a = repo } }", 1, 28, alias},
		{"catch", "try {} catch (repo) {}", 1, 15, alias},
		{"for in", "for (repo in {}) {}", 1, 6, alias},
		{"for of", "for (const repo of []) {}", 1, 12, alias},
		{"label", "repo: for (;;) {}", 1, 1, alias},
		{"escaped", "var r = r\\u0065po", 1, 9, alias},
		{"generator", "function* g() { yield repo }", 1, 23, alias},
		{"misspelt", "  repo.excuteCreate()", 1, 8, "did you mean executeCreate?"},
		{"wrong case", "repo.getObjectById(1)", 1, 6, "did you mean getObjectByID?"},
		{"misspelt with an alias inside", "repo.nothing(repo)", 1, 6, "repo has no function nothing"},
		{"escape", "}); evil(); (function(){", 1, 1, body},
		{"escape by a comma", "}, function(){", 1, 1, body},
		{"escape by a call", "}(), function(){", 1, 1, body},
		{"escape by a member", "}).call(function(){", 1, 1, body},
		{"escape by an operator", "} + function(){", 1, 1, body},
		{"escape into two statements", "});(function(){", 1, 1, body},
		{"escape from the second wrapper", "}}); evil(); (function(context,repo){return function(){", 1, 0, ""},
		{"open comment", "return context /*", 0, 0, ""},
		{"open string", "return 'x", 1, 0, ""},
		{"open brace", "if (1) {", 0, 0, ""},
		{"with", "\nwith (context) { data }", 2, 0, ""},
		{"octal", "return 010", 1, 0, ""},
		{"delete a name", "var x; delete x", 1, 0, ""},
		{"await", "await 1", 1, 0, ""},
		{"yield", "yield 1", 1, 0, ""},
		{"import", "import x from 'y'", 1, 0, ""},
		{"export", "export default 1", 1, 0, ""},
		{"twice", "let a; let a", 1, 0, ""},
		{"eval as a name", "var eval = 1", 1, 0, ""},
		{"return outside", "return context; }); return (function(){", 1, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program, sum := compile(directory.User, tt.source)
			if program != nil || len(sum.problems) == 0 {
				t.Fatal("compiles")
			}
			p := sum.problems[0]
			if tt.line > 0 && p.line != tt.line || tt.column > 0 && p.column != tt.column {
				t.Errorf("refused at %d:%d, want %d:%d", p.line, p.column, tt.line, tt.column)
			}
			if p.line < 1 || p.column < 1 || !strings.Contains(p.say, tt.say) || !strings.Contains(p.say, " / ") {
				t.Errorf("refused at %d:%d with %q", p.line, p.column, p.say)
			}
		})
	}
}

func TestCompileAccepts(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"nothing":               "",
		"comment at the end":    "return context // repo",
		"string":                "log('repo', \"repo\", `repo`)",
		"property":              "var o = {repo: 1}; o.repo = 2; o['repo']",
		"method":                "var o = {repo() {}, get repo2() { return this.repo }}; class A { repo() {} static repo() {} #repo = 1; f() { return this.#repo } }",
		"pattern from property": "var {repo: mine} = {repo: 1}",
		"optional property":     "var o = {}; o?.repo",
		"calls in calls":        "repo.abort(repo.getObjectByID('x') ? 'UPDATE' : 'CREATE')",
		"in closures":           "[1].forEach(() => repo.executeUpdate())",
		"use strict":            "'use strict'; return context",
		"own context":           "var context2 = context; return context2",
		"new target":            "function F() { return new.target } new F()",
		"later JavaScript":      "const {a = 1, ...rest} = {}; for (const x of [1]) {} ; let y = rest?.z ?? 2 ** 3; class A { static { y = 1 } }",
		"windows line ends":     "if (true) {\r\n repo.executeCreate()\r\n}\r\nreturn context",
		"source map":            "return context\n//# sourceMappingURL=/etc/hostname",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if program, sum := compile(directory.User, source); program == nil {
				t.Errorf("refused: %v", sum.problems)
			}
		})
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	o := options("if (false) { repo.executeCreate() } // repo.executeUpdate()\nlog('repo.executeDelete()'); function f() { repo.executeDisable() }")
	h := open(t, o)
	calls, found := h.Mentions(directory.User)
	if !found || calls != (plan.Calls{Create: true, Disable: true}) {
		t.Errorf("got %+v %v", calls, found)
	}
	if calls, found := h.Mentions(directory.Department); found || calls != (plan.Calls{}) {
		t.Errorf("a kind without a rule: %+v %v", calls, found)
	}
}

func TestNewReportsAllMistakes(t *testing.T) {
	t.Parallel()
	o := options("var r = repo\nrepo.excuteCreate()")
	o.Departments = File{Path: "d.js", Source: []byte("return )")}
	_, err := New(o)
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	for lang, want := range map[string][]string{
		"en": {"users.js:1:9: repo may be", "users.js:2:6: repo has no", "d.js:1:8: not valid"},
		"zh": {"users.js:1:9: repo 只能", "users.js:2:6: repo 没有", "d.js:1:8: JavaScript 语法错误：Un"},
	} {
		lines := strings.Split(fault.In(fault.Say(err), lang), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%s: %d lines:\n%s", lang, len(lines), fault.Say(err))
		}
		for i, start := range want {
			if !strings.HasPrefix(lines[i], start) {
				t.Errorf("%s: line %d does not begin with %q:\n%s", lang, i, start, lines[i])
			}
		}
	}
}

func TestNewRefusesTexts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ source, say string }{
		"too long":  {strings.Repeat(" ", MaxSource+1), "16385"},
		"not UTF-8": {"return '\xff'", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(tt.source)
			o.Command = func(context.Context) *exec.Cmd { panic("a child is started for a text that must not be compiled") }
			_, err := New(o)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), tt.say) {
				t.Errorf("got %v", err)
			}
		})
	}
	h := open(t, options("\uFEFFreturn context"))
	if v := judgeAll(t, h, person("a", nil))[0]; !v.Returned {
		t.Errorf("with a byte order mark: %+v", v)
	}
}

func TestNewWithoutChildren(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		command func(context.Context) *exec.Cmd
		kind    fault.Kind
	}{
		"missing": {func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "/nonexistent/rollcall") }, fault.Unavailable},
		"dies":    {func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "false") }, fault.Invalid},
		"babbles": {func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "echo", "hello") }, fault.Invalid},
		"silent":  {func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "sleep", "600") }, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options("return context")
			o.CompileTime = 300 * time.Millisecond
			o.Command = tt.command
			if _, err := New(o); fault.KindOf(err) != tt.kind {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	o := options("var d = context.data\nif (context.data.emial || context.data.email) context.data.hasOwnProperty('x')\ncontext.data.level = 1\nreturn context")
	h := open(t, o)
	got := h.Warnings()
	if len(got) != 1 || got[0].File != "users.js" || got[0].Line != 2 || got[0].Column != 18 || !strings.Contains(got[0].Say, "emial") {
		t.Errorf("got %+v", got)
	}
	o.Declared = nil
	if got := open(t, o).Warnings(); len(got) != 0 {
		t.Errorf("without declarations: %+v", got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"excuteCreate": callCreate, "ExecuteUpdate": callUpdate, "executeRemove": callCreate, "delete": callDelete,
		"disable": callDisable, "getObject": callGet, "getUserByID": callGet, "Abort": callAbort,
	} {
		if got := nearest(in); got != want && in != "executeRemove" {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// FuzzCompile looks for texts that get repo out of repo.name(…), or that make the
// check fall over: whatever the text, it compiles or is refused at places in the file.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"", "return context", "var r = repo", "repo.executeCreate()", "}); evil(); (function(){", "`${repo.abort()}`",
		"class A { static { repo.abort() } }", "({repo})", "for (const [a, b] of []) {}", "a?.b?.c", "label: for(;;) break label",
	} {
		f.Add(s)
	}
	files, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(archive.Files[0].Data), "\n") {
			f.Add(line)
		}
		f.Add(string(archive.Files[0].Data))
	}
	declared := checkedAttributes()
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 2<<10 { // longer ones are for a child
			return
		}
		program, sum := compileFor(directory.User, source, declared)
		if (program == nil) != (len(sum.problems) > 0) || program == nil && len(sum.doubts) > 0 {
			t.Fatalf("program %v with problems %v and doubts %v", program != nil, sum.problems, sum.doubts)
		}
		for _, p := range append(sum.problems, sum.doubts...) {
			if strings.HasPrefix(p.say, textCheckFailed.en) {
				t.Fatal(p.say)
			}
			checkPlace(t, source, p)
		}
		if len(sum.problems) > maxProblems || len(sum.doubts) > maxProblems {
			t.Errorf("%d problems, %d doubts", len(sum.problems), len(sum.doubts))
		}
		if program == nil {
			return
		}
		// What compiles has no other use of the name: renaming it where it is
		// called must leave none.
		rest := source
		for _, name := range repoNames {
			rest = strings.ReplaceAll(rest, "repo."+name+"(", "_(") // a longer name may end in repo
		}
		if _, again := compile(directory.User, rest); len(again.problems) > 0 && strings.Contains(again.problems[0].say, "repo may be") {
			t.Errorf("repo is left in %q", fmt.Sprintf("%.200s", rest))
		}
	})
}

// checkPlace makes sure that a finding stands in the file and is told in two
// languages.
func checkPlace(t *testing.T, source string, p problem) {
	t.Helper()
	plain := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(source)
	lines := strings.Split(plain, "\n")
	if p.line < 1 || p.line > len(lines) {
		t.Fatalf("line %d of %d: %s", p.line, len(lines), p.say)
	}
	if p.column < 1 || p.column > utf8.RuneCountInString(lines[p.line-1])+2 {
		t.Errorf("column %d of %q: %s", p.column, lines[p.line-1], p.say)
	}
	if en, zh := fault.In(p.say, "en"), fault.In(p.say, "zh"); en == "" || zh == "" || en == zh {
		t.Errorf("said in one language: %q", p.say)
	}
}
