package scripting

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// company's attributes, for the checks; "none" in a golden file's declared takes
// them away.
func checkedAttributes() map[directory.Kind]map[string]directory.Type {
	return options("").Declared
}

// findings writes what is found in a rule as config check does, in one language.
func findings(sum summary, lang string) string {
	var b strings.Builder
	for mark, list := range map[string][]problem{"✗": sum.problems, "!": sum.doubts} {
		for _, p := range list {
			fmt.Fprintf(&b, "%s %d:%d %s\n", mark, p.line, p.column, fault.In(p.say, lang))
		}
	}
	return b.String()
}

// TestCheckGolden checks the rules of testdata/check: a file holds one rule, and
// what is to be said of it in both languages.
func TestCheckGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := map[string]string{}
			for _, f := range archive.Files {
				text[f.Name] = string(f.Data)
			}
			declared := checkedAttributes()
			if strings.TrimSpace(text["declared"]) == "none" {
				declared = nil
			}
			program, sum := compileFor(directory.User, text["rule.js"], declared)
			if (program == nil) != (len(sum.problems) > 0) {
				t.Errorf("compiled %v with problems %v", program != nil, sum.problems)
			}
			wantFindings(t, path, archive, sum)
		})
	}
}

// wantFindings compares what was found with the sections of a golden file.
func wantFindings(t *testing.T, path string, archive *txtar.Archive, sum summary) {
	t.Helper()
	changed := false
	for i, f := range archive.Files {
		if f.Name != "en" && f.Name != "zh" {
			continue
		}
		got := findings(sum, f.Name)
		if got == string(f.Data) {
			continue
		}
		if !*update {
			t.Errorf("%s:\ngot:\n%s\nwant:\n%s", f.Name, got, f.Data)
		}
		archive.Files[i].Data, changed = []byte(got), true
	}
	if changed && *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shownRules gives the rules that we show to people, by where they stand.
func shownRules(t *testing.T) map[string]string {
	t.Helper()
	shown := map[string]string{}
	for _, pattern := range []string{"../configs/rules/*.js", "testdata/seed-*.txtar", "../docs/rules.md", "../docs/rules.zh-CN.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			switch filepath.Ext(path) {
			case ".md":
				for i, block := range strings.Split(string(text), "```js\n")[1:] {
					shown[fmt.Sprintf("%s %d", path, i+1)], _, _ = strings.Cut(block, "\n```")
				}
			case ".txtar":
				shown[path] = string(txtar.Parse(text).Files[0].Data)
			default:
				shown[path] = string(text)
			}
		}
	}
	if len(shown) < 8 {
		t.Fatalf("only %d rules", len(shown))
	}
	return shown
}

// TestNoFalseAlarm checks the rules that we show to people.
func TestNoFalseAlarm(t *testing.T) {
	t.Parallel()
	shown := shownRules(t)
	whole := map[string]string{}
	for path, text := range shown {
		if strings.HasSuffix(path, ".js") {
			whole[path] = text
		}
	}
	for name, source := range shown {
		if _, ok := whole[name]; !ok && quoted(source, whole) {
			continue // checked as a part of the file
		}
		declared := checkedAttributes()
		for attr := range strings.FieldsSeq("title type needs_account employee_no company department2 title2") {
			declared[directory.User][attr] = directory.Text
		}
		declared[directory.User]["contract_end"], declared[directory.User]["leavedate"] = directory.Date, directory.Date
		program, sum := compileFor(directory.User, source, declared)
		for _, d := range sum.doubts {
			if d.written != "account" { // the mapping reads it
				t.Errorf("%s:%d:%d: %s", name, d.line, d.column, fault.In(d.say, "en"))
			}
		}
		if program == nil {
			t.Errorf("%s:\n%s", name, findings(sum, "en"))
		}
	}
}

// quoted tells whether a text is taken from one of some files.
func quoted(text string, files map[string]string) bool {
	for _, file := range files {
		if strings.Contains(file, strings.TrimSpace(text)) {
			return true
		}
	}
	return false
}

// TestGlobals compares the names that the check knows with those that a rule has.
func TestGlobals(t *testing.T) {
	t.Parallel()
	e := inProcess(t, "return context")
	have := e.vm.GlobalObject().GetOwnPropertyNames()
	for _, name := range have {
		if !slices.Contains(globals(), name) {
			t.Errorf("a rule has %s, the check does not know it", name)
		}
	}
	for _, name := range globals() {
		if slices.Contains([]string{"context", "repo", "arguments", "unique"}, name) || slices.Contains(have, name) {
			continue
		}
		if v := e.vm.Get(name); v == nil || goja.IsUndefined(v) {
			t.Errorf("the check knows %s, a rule does not have it", name)
		}
	}
	for name := range strangers() {
		if slices.Contains(globals(), name) {
			t.Errorf("%s is said to be missing", name)
		}
	}
}

// TestSentences makes sure that every sentence has two languages with the same
// blanks.
func TestSentences(t *testing.T) {
	t.Parallel()
	for _, s := range []texts{
		textContextNear, textCodeFromText, textAbortNear, textAbortOnce, textGetArguments, textKindNear, textReturnOther,
		textUndeclared, textUndeclaredNear, textUnseenWrite, textUnseenWriteNear, textNoName, textNoVariable, textNoArguments,
		textListID, textDateOrder, textDateMinus, textDatePlus, textDateSame, textDateText, textEmptyDate, textEmptyText,
		textEmptyList, textEmptyPlain, textNumberOrder, textNumberText, textBoolText, textTextNumber, textListText, textWordNear,
		textWord, textAssigned, textTrueDate, textTrueList, textNegated, textReturnEmpty, textNoReturn, textSomeEnd,
		textUnreachable, textReplaced, adviceMeant, adviceDeclare, adviceLog, adviceNet, adviceTimer, adviceModule, adviceEnv,
	} {
		if han(s.en) || !han(s.zh) || strings.Count(s.en, "%") != strings.Count(s.zh, "%") {
			t.Errorf("%q / %q", s.en, s.zh)
		}
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(options("").Declared[directory.User]))
	for name, want := range map[string]string{
		"emial": "email", "E-Mail": "email", "hireDate": "hiredate", "hire_date": "hiredate", "deptid": "DeptID", "tag": "tags",
		"salary": "", "x": "", "": "", "department": "departments", "名字": "",
	} {
		if got, _ := closest(name, names); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestLintGoesOn gives the check more than it can report, and texts that nest.
func TestLintGoesOn(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"names":       strings.Repeat("q;", 5000),
		"chain":       "if (" + strings.Repeat("context.data.hiredate&&", 600) + "1) {}",
		"long sum":    "return " + strings.Repeat("a+", 5000) + "1",
		"nested":      strings.Repeat("if(x){", 1500) + strings.Repeat("}", 1500),
		"nots":        "return " + strings.Repeat("!", 5000) + "x",
		"copies":      "let a0 = context.data; " + chainOf(500) + "return a500.emial",
		"from itself": "let a = b, b = a; const c = c; context.data.name = context.data.nmae + a; return context",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, sum := compileFor(directory.User, source, checkedAttributes())
			if len(sum.problems) > maxProblems || len(sum.doubts) > maxProblems {
				t.Errorf("%d problems, %d doubts", len(sum.problems), len(sum.doubts))
			}
			if len(sum.problems)+len(sum.doubts) == 0 {
				t.Error("nothing is found")
			}
		})
	}
}

func chainOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "let a%d = a%d; ", i+1, i)
	}
	return b.String()
}

// longTexts have the greatest size, and give the check the most to do.
func longTexts() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, (MaxSource-60)/len(s)) }
	return map[string]string{
		"names":   fill("qq1;"),
		"reads":   "const d=context.data;" + fill("d.a;"),
		"writes":  "const d=context.data;" + fill("d.a=1;"),
		"dates":   "const d=context.data.hiredate;" + fill("d==now();"),
		"loops":   strings.Repeat("for(;;){", 1000) + strings.Repeat("}", 1000),
		"tries":   strings.Repeat("try{", 1000) + strings.Repeat("}finally{f()}", 1000),
		"arrows":  strings.Repeat("(a=>", 1000) + "1" + strings.Repeat(")", 1000),
		"chain":   fill("a+") + "1",
		"copies":  "let a0=context.data;" + chainOf(700),
		"returns": fill("if(x){return};"),
	}
}

// TestLintOfLongTexts: the check comes to an end, with as many findings as are told.
func TestLintOfLongTexts(t *testing.T) {
	t.Parallel()
	for name, source := range longTexts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs, doubts := lintText(t, source)
			if len(errs) > maxProblems || len(doubts) > maxProblems {
				t.Errorf("%d errors, %d doubts", len(errs), len(doubts))
			}
		})
	}
}

func lintText(t testing.TB, source string) (errs, doubts []problem) {
	t.Helper()
	tree, err := parse(ruleBefore + source + ruleAfter)
	if err != nil {
		t.Fatal(err)
	}
	return lint(ruleBody(tree), &linter{kind: directory.User, declared: checkedAttributes(), text: source, at: newSpots(source, len(ruleBefore)).idx})
}

// BenchmarkLint is the check of the longest texts; a child has 10 s to compile.
func BenchmarkLint(b *testing.B) {
	for name, source := range longTexts() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				lintText(b, source)
			}
		})
	}
}
