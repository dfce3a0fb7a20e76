package scripting

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// covered is a rule compiled both ways.
type covered struct {
	plain, marked *engine
	lines         []int
}

// coveredEngines compiles a rule with and without marks; both judge all kinds.
func coveredEngines(t testing.TB, source string) covered {
	t.Helper()
	program, sum := compile(directory.User, source)
	if program == nil {
		t.Fatalf("compile: %v", sum.problems)
	}
	marked, lines, err := compileCovered(source)
	if err != nil {
		t.Fatalf("compile covered: %v", err)
	}
	build := func(p *goja.Program) *engine {
		set := &setup{callDepth: 512, declared: options("").Declared}
		e, err := newEngine(set, shanghai, map[directory.Kind]*goja.Program{directory.User: p, directory.Department: p}, func(l lookup) ([]directory.Object, error) {
			return l.answer(company), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		e.begin(noon())
		return e
	}
	return covered{plain: build(program), marked: build(marked), lines: lines}
}

// same judges a subject both ways and compares all that comes of it but the marks.
func (c covered) same(t *testing.T, s plan.Subject) {
	t.Helper()
	kind := s.Object.Kind
	a, usableA := c.plain.judge(kind, &s)
	b, usableB := c.marked.judge(kind, &s)
	if len(a.trail.ran) > 0 {
		t.Error("a rule without marks marks")
	}
	for _, n := range b.trail.numbers() {
		if n >= len(c.lines) {
			t.Errorf("statement %d of %d ran", n, len(c.lines))
		}
	}
	b.trail.ran = nil
	if usableA != usableB || !reflect.DeepEqual(a, b) {
		t.Errorf("%s %s: without marks\n%s\nwith marks\n%s", s.Proposed, s.Object.ID, shown(a), shown(b))
	}
}

func shown(j *judgement) string {
	b, err := json.Marshal(j.Verdict)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s logs %q clock %v overstayed %v", b, j.logs, j.trail.clock, j.overstayed)
}

// TestCoverChangesNothing judges everything in testdata with and without marks.
func TestCoverChangesNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	judged := 0
	for _, path := range files {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		subjects := []plan.Subject{person("a", directory.Attributes{"name": directory.TextOf("张三")})}
		for _, f := range archive.Files {
			if f.Name == "given.json" {
				subjects = givenIn(t, f.Data)
			}
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".js") {
				continue
			}
			c := coveredEngines(t, string(f.Data))
			for _, s := range subjects {
				for _, op := range []plan.Op{s.Proposed, plan.None, plan.Create, plan.Update, plan.Disable, plan.Delete} {
					s.Proposed = op
					c.same(t, s)
					judged++
				}
			}
		}
	}
	if judged < 500 {
		t.Errorf("only %d judgements were compared", judged)
	}
}

func givenIn(t *testing.T, text []byte) []plan.Subject {
	t.Helper()
	var all []struct {
		ID           directory.ID
		Kind         directory.Kind
		Op           plan.Op
		Data, Target directory.Attributes
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var out []plan.Subject
	for _, g := range all {
		if g.Kind == "" {
			g.Kind = directory.User
		}
		o := directory.Object{Key: directory.Key{Kind: g.Kind, ID: g.ID}, Active: true, Attributes: g.Data}
		out = append(out, plan.Subject{Object: o, Proposed: g.Op, Target: g.Target})
	}
	return out
}

// TestCoverKeepsMeaning is about texts that marks in the wrong place would change.
func TestCoverKeepsMeaning(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"hoisting":            "context.reason = f() + typeof v; function f() { return 'f' } if (true) { var v = 1; context.reason += g(); function g() { return 'g' } } return context",
		"block function":      "try { context.reason = typeof h } catch (e) {} { function h() {} } return context",
		"scopes":              "let x = 1; if (x) { let x = 2; context.reason += x } for (let x = 3; x < 4; x++) context.reason += x; context.reason += x; return context",
		"dead zone":           "{ try { x } catch (e) { context.reason = e.name } let x = 1 } return context",
		"closures in a loop":  "var fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); context.reason = fs.map(f => f()).join(); return context",
		"labels":              "outer:\nfor (var i = 0; i < 3; i++)\nfor (;;) { if (i == 1) continue outer; if (i == 2) break outer; break } a: { break a; } b: c: while (true) { break b } context.reason = String(i); return context",
		"directive":           "'use strict'; function f() { 'use strict'; 'more'; return this } context.reason = String(f()); return context",
		"switch":              "switch (context.id) { case 'x': let y = 1; case 'a': y = 2; context.reason += 'a'; default: context.reason += 'd'; break; case 'z': context.reason += 'z' } return context",
		"switch dead zone":    "switch (1) { case 0: let y = 1; case 1: y = 2 } return context",
		"dangling else":       "if (true)\nif (false) context.reason = 'a'\nelse context.reason = 'b'\nreturn context",
		"else if":             "if (0) ; else if (1) context.reason = 'b'; else context.reason = 'c'; return context",
		"finally":             "context.reason = (function () { try { return 't' } finally { context.reason += 'x' } })(); (function () { for (;;) { try { return 1 } finally { break } } })(); return context",
		"catch without name":  "try { throw 1 } catch { context.reason = 'c' } return context",
		"generators":          "function* g() { const x = yield 1; yield x + 1 } const it = g(); context.reason = it.next().value + '' + it.next(5).value; return context",
		"classes":             "class A { #x = 1; static s = () => 's'; static { this.t = 't' } constructor() { this.y = 2 } get x() { return this.#x } } class B extends A { constructor() { super(); this.z = 3 } } const b = new B(); context.reason = [b.x, b.y, b.z, A.s(), A.t].join(); return context",
		"source of functions": "const f = a => a + 1, g = function () { return 1 }; context.reason = f.toString() + g.toString() + f.name + f.length; return context",
		"arrow bodies":        "const f = () => ({a: 1}), g = async () => await 1, h = (a = () => 2) => a(); context.reason = f().a + h() + typeof g(); return context",
		"arguments":           "context.reason = arguments.length + String((function () { return arguments.length })(1, 2)) + String((() => arguments.length)(1)); return context",
		"new.target and this": "function F() { this.a = new.target === F } context.reason = String(new F().a) + String(this); return context",
		"stack":               "function f() { return new Error('x').stack.replace(/\\(\\d+\\)/g, '') } context.reason = f(); log(f()); return context",
		"lines of errors":     "var x = 1\n\nif (x)\n  null.x\nreturn context",
		"line behind a mark":  "var o = null\nvar f = function () {\n  return o.x }\n\nf()\nreturn context",
		"line of a throw":     "function f() {\n  if (true)\n    throw new Error('x')\n}\nf()",
		"line of a refusal":   "context.data.level = 1\ncontext.data.level =\n  'x'\nreturn context",
		"depth":               "function f(n) { return n ? f(n - 1) : 0 }\nfor (var n = 500; ; n++) { context.reason = String(n)\nf(n) }",
		"globals":             "context.reason = Object.getOwnPropertyNames(globalThis).join().length + '' + Object.keys(context); return context",
		"empty":               "",
		"only texts":          "'a'; 'b'",
		"windows line ends":   "if (true) {\r\n  context.reason = 'a'\r\n  null.x\r\n}",
		"deep nesting":        strings.Repeat("if (true) ", 200) + "context.reason = 'deep'; return context",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coveredEngines(t, source).same(t, person("a", directory.Attributes{"name": directory.TextOf("张三")}))
		})
	}
	for name, probe := range leakProbes() {
		t.Run("probe "+name, func(t *testing.T) {
			t.Parallel()
			c := coveredEngines(t, probeHead+probe+"\nreturn context")
			for range 2 {
				s := person("a", directory.Attributes{"tags": directory.ListOf("x"), "hiredate": date("2026-03-04")})
				c.same(t, s)
			}
		})
	}
}

// TestCoverLines says exactly which lines count, and which of them run.
func TestCoverLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, source string
		lines, ran   []int
	}{
		{"straight", "var x = 1\n\n// nothing\nx = 2\nreturn context", []int{1, 4, 5}, []int{1, 4, 5}},
		{"branch", "if (context.id === 'a') {\n  log(1)\n} else {\n  log(2)\n}\nreturn context", []int{1, 2, 4, 6}, []int{1, 2, 6}},
		{"single statements", "if (context.id !== 'a')\n  log(1)\nelse\n  log(2)\nreturn context", []int{1, 2, 4, 5}, []int{1, 4, 5}},
		{"else if", "if (false) {\n  log(1)\n} else if (true) {\n  log(2)\n} else if (true) {\n  log(3)\n}", []int{1, 2, 3, 4, 5, 6}, []int{1, 3, 4}},
		{"while", "log(1)\nwhile (false)\n  log(2)\ndo {\n  log(3)\n} while (false)\nif (true)\n  do\n    log(4)\n  while (false)", []int{1, 2, 3, 4, 5, 7, 8, 9}, []int{1, 2, 4, 5, 7, 8, 9}},
		{"loops", "for (var i = 0; i < 1; i++)\n  log(i)\nwhile (false)\n  log(2)\ndo\n  log(3)\nwhile (false)\nfor (var k in {})\n  log(k)\nfor (var k of [1])\n  log(k)", []int{1, 2, 3, 4, 5, 6, 8, 9, 10, 11}, []int{1, 2, 3, 5, 6, 8, 10, 11}},
		{"function", "function f() {\n  return 1\n}\nfunction g() {\n  return 2\n}\nf()", []int{2, 5, 7}, []int{2, 7}},
		{"arrows", "var f = a =>\n  a + 1,\n g = () =>\n  2\nf(1)", []int{1, 2, 4, 5}, []int{1, 2, 5}},
		{"switch", "switch (context.id) {\ncase 'a':\n  log(1)\n  break\ncase 'b':\n  log(2)\ndefault:\n  log(3)\n}", []int{1, 3, 4, 6, 8}, []int{1, 3, 4}},
		{"try", "try {\n  log(1)\n  null.x\n  log(2)\n} catch (e) {\n  log(3)\n} finally {\n  log(4)\n}", []int{1, 2, 3, 4, 6, 8}, []int{1, 2, 3, 6, 8}},
		{"class", "class A {\n  constructor() {\n    log(1)\n  }\n  m() {\n    log(2)\n  }\n  static {\n    log(3)\n  }\n}\nnew A()", []int{1, 3, 6, 9, 12}, []int{1, 3, 9, 12}},
		{"label", "a:\nfor (;;) {\n  break a\n}\nb: { log(1) }", []int{1, 3, 5}, []int{1, 3, 5}},
		{"directive", "'use strict'\nfunction f() {\n  'use strict'\n  return 1\n}\nreturn context", []int{4, 6}, []int{6}},
		{"empty statements", ";\n{}\nif (true);\nlog(1)", []int{3, 4}, []int{3, 4}},
		{"one line", "if (context.id === 'b') { log(1) }\nreturn context", []int{1, 2}, []int{1, 2}},
		{"error", "log(1)\nnull.x\nlog(2)", []int{1, 2, 3}, []int{1, 2}},
		{"stopped by the host", "log(1)\n;(() => context)().target = 1\nlog(2)", []int{1, 2, 3}, []int{1, 2}},
		{"dead code", "if (false) {\n  log(1)\n}\nreturn context\nlog(2)", []int{1, 2, 4, 5}, []int{1, 4}},
		{"generator", "function* g() {\n  yield 1\n  yield 2\n}\ng().next()", []int{2, 3, 5}, []int{2, 5}},
		{"default value", "function f(a = () => {\n  return 1\n}) {\n  return a\n}\nf()()", []int{2, 4, 6}, []int{2, 4, 6}},
		{"only a comment", "// nothing", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := coveredEngines(t, tt.source)
			all := make([]int, len(c.lines))
			for i := range all {
				all[i] = i
			}
			if got := linesOf(c.lines, all); !slices.Equal(got, tt.lines) {
				t.Errorf("statements on lines %v, want %v", got, tt.lines)
			}
			s := person("a", nil)
			j, _ := c.marked.judge(directory.User, &s)
			if got := linesOf(c.lines, j.trail.numbers()); !slices.Equal(got, tt.ran) {
				t.Errorf("ran %v, want %v (%v)", got, tt.ran, j.Failed)
			}
		})
	}
}

// TestCoverIsOutOfReach: no rule finds the marks, and a rule that runs again does
// not see those of the last object.
func TestCoverIsOutOfReach(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"statement marks", "statement\\u0020marks", "statement\u00a0marks[0] = true", "var statement\\u{20}marks"} {
		if program, _ := compile(directory.User, source); program != nil {
			t.Errorf("%q compiles", source)
		}
	}
	c := coveredEngines(t, "if (context.id === 'a') {\n  log(1)\n}\nreturn context")
	a, b := person("a", nil), person("b", nil)
	for range 2 {
		first, _ := c.marked.judge(directory.User, &a)
		second, _ := c.marked.judge(directory.User, &b)
		if a, b := first.trail.numbers(), second.trail.numbers(); len(a) != 3 || len(b) != 2 {
			t.Errorf("ran %v and %v", a, b)
		}
	}
	if !(marks{c.marked}).Set(maxMarks, nil) || !(marks{c.marked}).Set(-1, nil) {
		t.Error("a mark fails")
	}
}

// TestCoverByHost goes through a child.
func TestCoverByHost(t *testing.T) {
	t.Parallel()
	o := options("if (context.id === 'a') { log(today()) }\n\nreturn context")
	o.Departments = File{Name: "d.js", Source: []byte("// none\nreturn context")}
	o.Cover = true
	h := open(t, o)
	if got := h.Statements(directory.User); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("statements on %v", got)
	}
	if got := h.StatementLines(directory.User); !slices.Equal(got, []int{1, 1, 3}) {
		t.Errorf("statements on %v", got)
	}
	if got := h.Statements(directory.Department); !slices.Equal(got, []int{2}) {
		t.Errorf("statements on %v", got)
	}
	for id, want := range map[string]Trace{
		"a": {Lines: []int{1, 3}, Ran: []int{0, 1, 2}, Clock: true},
		"b": {Lines: []int{1, 3}, Ran: []int{0, 2}},
	} {
		v, trace, err := h.Try(t.Context(), person(id, nil), company)
		if err != nil || v.Failed != nil {
			t.Fatalf("%v %v", err, v.Failed)
		}
		trace.Logs = nil
		if !reflect.DeepEqual(trace, want) {
			t.Errorf("%s: %+v, want %+v", id, trace, want)
		}
	}
	o.Cover = false
	h = open(t, o)
	if _, trace, err := h.Try(t.Context(), person("a", nil), company); err != nil || trace.Lines != nil || trace.Ran != nil || !trace.Clock || h.Statements(directory.User) != nil {
		t.Errorf("without Cover: %+v %v %v", trace, h.Statements(directory.User), err)
	}
}

// TestCoverClock tells what counts as asking for the time.
func TestCoverClock(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"today()": true, "now()": true, "new Date()": true, "Date.now()": true, "var f = today; f()": true,
		"new Date(2026, 1, 1)": false, "context.data.hiredate": false, "if (false) today()": false, "new Date(context.data.hiredate).getTime()": false,
	} {
		s := person("a", directory.Attributes{"hiredate": date("2026-03-04")})
		j, _ := inProcess(t, source).judge(directory.User, &s)
		if j.trail.clock != want || j.Failed != nil {
			t.Errorf("%s: %v, want %v (%v)", source, j.trail.clock, want, j.Failed)
		}
	}
}

// FuzzCover looks for texts that marks make fall over.
func FuzzCover(f *testing.F) {
	for _, s := range []string{
		"", "return context", "a: for (;;) break a", "if (1) if (0) ; else x => x", "class A { static { log(1) } }", "switch (1) { case 1: let x; default: x = 1 }",
		"for (let i of [1]) (() => i)()", "'use strict'; 'x'; function* f() { yield* [1] }", "do ; while (0)", "try {} catch {} finally { return }",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 512 { // longer ones are for a child
			return
		}
		if program, _ := compile(directory.User, source); program == nil {
			return
		}
		program, lines, err := compileCovered(source)
		if err != nil || program == nil {
			t.Fatalf("compiles without marks, with them: %v", err)
		}
		most := strings.Count(source, "\n") + strings.Count(source, "\r") + strings.Count(source, "\u2028") + strings.Count(source, "\u2029") + 1
		for _, line := range lines {
			if line < 1 || line > most {
				t.Fatalf("line %d of %d", line, most)
			}
		}
	})
}
