package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func loaded(t testing.TB, text string) *Suite {
	t.Helper()
	s, err := Load("users.test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oneCase is a file with one case, below what is given.
func oneCase(head, keys string) string {
	return head + "\ncases:\n  - {name: one, operation: UPDATE, expect: {operation: UPDATE}" + keys + "}\n"
}

func date(s string) directory.Value {
	t, ok := parseDate(s)
	if !ok {
		panic(s)
	}
	return directory.DateOf(t)
}

// TestValues says what each way of writing a value means, without a type and with
// one.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ, written string
		want         directory.Value
	}{
		{"", "张三", directory.TextOf("张三")},
		{"", `"5"`, directory.TextOf("5")},
		{"", "'true'", directory.TextOf("true")},
		{"", `""`, directory.TextOf("")},
		{"", "5", directory.IntOf(5)},
		{"", "-5", directory.IntOf(-5)},
		{"", "0", directory.IntOf(0)},
		{"", "true", directory.BoolOf(true)},
		{"", "false", directory.BoolOf(false)},
		{"", "yes", directory.TextOf("yes")},
		{"", "2026-07-22", date("2026-07-22")},
		{"", "2026-07-22 09:30", date("2026-07-22 09:30")},
		{"", "2026-07-22T09:30:05", date("2026-07-22 09:30:05")},
		{"", `"2026-07-22"`, directory.TextOf("2026-07-22")},
		{"", "2026-7-22", directory.TextOf("2026-7-22")},
		{"", "[a, 5, b]", directory.ListOf("a", "5", "b")},
		{"", "[]", directory.ListOf()},
		{"text", "5", directory.TextOf("5")},
		{"text", "0007", directory.TextOf("0007")},
		{"text", "1.50", directory.TextOf("1.50")},
		{"text", "2026-07-22", directory.TextOf("2026-07-22")},
		{"int", `"5"`, directory.IntOf(5)},
		{"int", `""`, directory.Empty(directory.Int)},
		{"bool", `"true"`, directory.BoolOf(true)},
		{"date", `"2026-07-22"`, date("2026-07-22")},
		{"date", `""`, directory.Empty(directory.Date)},
		{"list", "a", directory.ListOf("a")},
		{"refs", "[u1, u2]", directory.RefsToKind(directory.User, "u1", "u2")},
		{"refs", `""`, directory.RefsToKind(directory.User)},
	} {
		t.Run(tt.typ+" "+tt.written, func(t *testing.T) {
			t.Parallel()
			head := ""
			if tt.typ != "" {
				head = "types: {x: " + tt.typ + "}"
			}
			for _, text := range []string{
				oneCase(head, ", data: {x: "+tt.written+"}"),
				head + "\ncases:\n- name: one\n  operation: UPDATE\n  expect: {operation: UPDATE}\n  data:\n    x: " + tt.written + "\n",
			} {
				got := loaded(t, text).cases[0].object.Attributes["x"]
				if got.Type() != tt.want.Type() || !got.Equal(tt.want) {
					t.Errorf("%s (%s), want %s (%s)", got, got.Type(), tt.want, tt.want.Type())
				}
			}
		})
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	c := loaded(t, oneCase("base: {departments: [d1, d2], manager: u1, leads: d3, groups: [], parent: \"\"}", ", data: {departments: d9}")).cases[0]
	for name, want := range map[string]directory.Value{
		"departments": directory.RefsToKind(directory.Department, "d9"), "manager": directory.RefsToKind(directory.User, "u1"),
		"leads": directory.RefsToKind(directory.Department, "d3"), "groups": directory.Empty(directory.Refs), "parent": directory.Empty(directory.Refs),
	} {
		if got := c.object.Attributes[name]; got.Type() != directory.Refs || !got.Equal(want) {
			t.Errorf("%s: %s (%s)", name, got, got.Type())
		}
	}
}

func TestCases(t *testing.T) {
	t.Parallel()
	s := loaded(t, `
kind: department
base: {name: 总部, a: 1, b: 2}
cases:
  - {name: first, operation: CREATE, expect: {operation: CREATE}, data: {a: null, b: 3}, hidden: [c]}
  - {name: second, id: d7, operation: UPDATE, expect: {operation: UPDATE}}
  - {name: third, operation: NONE, target: null, expect: {operation: NONE}}
  - {name: fourth, operation: DELETE, target: {level: 5, when: 2026-01-02}, expect: {operation: DELETE}}
`)
	first, second, third, fourth := s.cases[0], s.cases[1], s.cases[2], s.cases[3]
	if s.Kind() != directory.Department || s.Len() != 4 || s.path != "users.test.yaml" {
		t.Errorf("%s, %d cases of %s", s.Kind(), s.Len(), s.path)
	}
	if first.object.Key != (directory.Key{Kind: directory.Department, ID: "case-1"}) || third.object.ID != "case-3" || second.object.ID != "d7" {
		t.Errorf("ids %s %s %s", first.object.Key, second.object.ID, third.object.ID)
	}
	attrs := first.object.Attributes
	if _, there := attrs["a"]; there || attrs["b"].String() != "3" || attrs["name"].String() != "总部" || attrs["c"].Permission() != hiddenBy || len(attrs) != 3 {
		t.Errorf("data %v", attrs)
	}
	if len(second.object.Attributes) != 3 || second.object.Attributes["b"].String() != "2" {
		t.Errorf("a case changed the base: %v", second.object.Attributes)
	}
	if first.target != nil || second.target == nil || len(second.target) != 0 || third.target != nil || len(fourth.target) != 2 {
		t.Errorf("targets %v %v %v %v", first.target, second.target, third.target, fourth.target)
	}
	if second.at.line != 6 {
		t.Errorf("second at %+v", second.at)
	}
	if got := s.Only("ir").cases; len(got) != 2 || got[0].name != "first" || got[1].object.ID != "case-3" || s.Len() != 4 {
		t.Errorf("only: %+v", got)
	}
}

// TestOptions: the file's own word stands, then the configuration's, then UTC.
func TestOptions(t *testing.T) {
	t.Parallel()
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	under := Defaults{Zone: kolkata, Declared: map[directory.Kind]map[string]directory.Type{
		directory.User:       {"level": directory.Text, "title": directory.Text},
		directory.Department: {"opened": directory.Date},
	}}
	rule := scripting.File{Name: "users.js", Source: []byte("return context")}
	for _, tt := range []struct {
		name, head string
		under      Defaults
		now        string
		types      string
	}{
		{"nothing", "", Defaults{}, "2000-01-01T00:00:00Z", ""},
		{"own", "zone: Asia/Shanghai\nnow: 2026-07-22 09:30\ntypes: {level: int}", Defaults{}, "2026-07-22T09:30:00+08:00", "level:int"},
		{"configured", "now: 2026-07-22", under, "2026-07-22T00:00:00+05:30", "level:text title:text"},
		{"own above configured", "zone: Asia/Shanghai\nnow: 2026-07-22 09:30:15\ntypes: {level: int}", under, "2026-07-22T09:30:15+08:00", "level:int title:text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := loaded(t, oneCase(tt.head, "")).Under(tt.under)
			if err != nil {
				t.Fatal(err)
			}
			o := s.Options(rule)
			if got := o.Now().Format(time.RFC3339); got != tt.now || !o.Cover || string(o.Users.Source) != string(rule.Source) || o.Departments.Source != nil {
				t.Errorf("now %s, want %s; %+v", got, tt.now, o)
			}
			var types []string
			for _, name := range slices.Sorted(maps.Keys(o.Declared[directory.User])) {
				types = append(types, name+":"+o.Declared[directory.User][name].String())
			}
			if got := strings.Join(types, " "); got != tt.types {
				t.Errorf("types %s, want %s", got, tt.types)
			}
		})
	}
	if under.Declared[directory.User]["level"] != directory.Text {
		t.Error("the configuration's types were changed")
	}
	o := loaded(t, oneCase("kind: department", "")).Options(rule)
	if o.Departments.Source == nil || o.Users.Source != nil {
		t.Errorf("a department's rule judges %+v", o)
	}
}

// TestUnder: values take the types of the configuration, or do not fit them.
func TestUnder(t *testing.T) {
	t.Parallel()
	under := func(typ directory.Type) Defaults {
		return Defaults{Declared: map[directory.Kind]map[string]directory.Type{directory.User: {"x": typ}}}
	}
	s := loaded(t, oneCase("", `, data: {x: "5"}`))
	typed, err := s.Under(under(directory.Int))
	if err != nil || !typed.cases[0].object.Attributes["x"].Equal(directory.IntOf(5)) || typed.cases[0].object.Attributes["x"].Type() != directory.Int {
		t.Errorf("%v", err)
	}
	if hidden, err := s.Under(under(directory.Unknown)); err != nil || hidden.cases[0].object.Attributes["x"].Text() != "5" {
		t.Errorf("a type that cannot be written: %v", err)
	}
	if s.cases[0].object.Attributes["x"].Type() != directory.Text {
		t.Error("the suite itself was changed")
	}
	if _, err := s.Under(under(directory.Bool)); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), `users.test.yaml:3:75: x is bool`) {
		t.Errorf("got %v", err)
	}
}

func TestLoadBounds(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("base: {name: 张三}\ncases:\n")
		for i := range n {
			fmt.Fprintf(&b, "- {name: c%d, operation: NONE, expect: {line: 1}}\n", i)
		}
		return b.String()
	}
	keys := func(open, sep string) string {
		var b strings.Builder
		b.WriteString("base:" + open)
		for i := range maxKeys + 1 {
			fmt.Fprintf(&b, "k%d: 1%s", i, sep)
		}
		return b.String()
	}
	for name, tt := range map[string]struct{ text, say string }{
		"too large":      {"# " + strings.Repeat("x", maxFile), "larger than 1 MiB"},
		"too many cases": {many(maxCases + 1), "10001 cases"},
		"not UTF-8":      {"base: {name: \"\xff\"}", "UTF-8"},
		"NUL":            {"base: {name: \"\x00\"}", "UTF-8"},
		"too deep":       {"base: " + strings.Repeat("[", 1000), "too deep"},
		"deep dashes":    {"base:\n  " + strings.Repeat("- ", 1000), "too deep"},
		"deep lines": {func() string {
			var b strings.Builder
			for i := range 300 {
				b.WriteString(strings.Repeat(" ", i) + "k:\n")
			}
			return b.String()
		}(), "too deep"},
		"too many keys":        {keys(" {", ", ") + "}", "more than 500 keys"},
		"too many keys, lines": {strings.ReplaceAll(keys("\n  ", "\n  "), "\n  \n", "\n"), "more than 500 keys"},
		"bomb":                 {"base: {a: &a [x, x], b: &b [*a, *a], c: [*b, *b]}", "anchors"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load("x.test.yaml", []byte(tt.text))
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), tt.say) || !strings.HasPrefix(fault.Say(err), "x.test.yaml:") {
				t.Errorf("got %.300s", fault.Say(err))
			}
		})
	}
	t.Run("as many as allowed", func(t *testing.T) {
		t.Parallel()
		if s := loaded(t, many(maxCases)); s.Len() != maxCases {
			t.Errorf("%d cases", s.Len())
		}
	})
	t.Run("many mistakes", func(t *testing.T) {
		t.Parallel()
		_, err := Load("x.test.yaml", []byte("cases:\n"+strings.Repeat("- 5\n", 200)))
		if lines := strings.Split(fault.In(fault.Say(err), "zh"), "\n"); len(lines) != maxMistakes+1 || !strings.Contains(lines[maxMistakes], "还有 150 处错误") {
			t.Errorf("%d lines: %s", len(lines), lines[len(lines)-1])
		}
	})
}

// TestRunOfOtherKind: a host without a rule for the suite's kind proves nothing.
func TestRunOfOtherKind(t *testing.T) {
	t.Parallel()
	s := loaded(t, oneCase("", ""))
	o := s.Options(scripting.File{})
	o.Departments = scripting.File{Name: "d.js", Source: []byte("return context")}
	o.Command = childCommand
	h, err := scripting.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := s.Run(t.Context(), h); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestRunEnds: a host that is closed gives a fault and no report.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	s := loaded(t, oneCase("", ""))
	h, err := hostOf(t, s, scripting.File{Name: "users.js", Source: []byte("return context")})
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	if report, err := s.Run(t.Context(), h); fault.KindOf(err) != fault.Unavailable || report.Passed+report.Failed != 0 {
		t.Errorf("got %+v %v", report, err)
	}
}

// TestRunHostile: a rule that does not end fails its case, and the others are run.
func TestRunHostile(t *testing.T) {
	t.Parallel()
	s := loaded(t, `
cases:
  - {name: hangs, id: evil, operation: CREATE, expect: {operation: ERROR, error: 已被终止}}
  - {name: fine, operation: CREATE, expect: {operation: CREATE}}
`)
	report := ranSuite(t, s, "if (context.id === 'evil') { while (true) {} }\nreturn context")
	if report.Passed != 2 {
		t.Errorf("%+v", report.Results)
	}
}

// TestOwnObject: the case's own object is found, and is not what objects says of it.
func TestOwnObject(t *testing.T) {
	t.Parallel()
	s := loaded(t, `
objects: [{id: u1, data: {name: other}}, {id: u2, data: {name: second}}]
cases:
  - {name: own, id: u1, operation: NONE, data: {name: own}, expect: {reason: own second null}}
`)
	report := ranSuite(t, s, "context.reason = repo.getObjectByID(context.id).name + ' ' + repo.getObjectByID('u2').name + ' ' + repo.getObjectByID('u3'); return context")
	if report.Passed != 1 {
		t.Errorf("%+v", report.Results[0].Diffs)
	}
}

// TestLine compares the line of a decision, which a verdict tells.
func TestLine(t *testing.T) {
	t.Parallel()
	c := loaded(t, "cases: [{name: one, operation: UPDATE, expect: {line: 3}}]").cases[0]
	for line, want := range map[int]string{3: "", 4: "line: expected 3, got 4"} {
		v := plan.Verdict{Returned: true, At: plan.Place{File: "users.js", Line: line}}
		var got []string
		for _, d := range c.compare(outcomeOf(&c, v, plan.Calls{})) {
			got = append(got, d.In("en"))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("line %d: %q", line, got)
		}
	}
}

// TestTwoFunctions: a rule that contradicts itself is an error, as in a plan.
func TestTwoFunctions(t *testing.T) {
	t.Parallel()
	v := plan.Verdict{Returned: true, Calls: plan.Calls{Create: true, Delete: true}, At: plan.Place{File: "users.js", Line: 5}}
	for expect, want := range map[string]string{
		"{operation: UPDATE}":                           "操作：期望 UPDATE，实际 第 5 行 ERROR：调用了两个不同的 execute 函数",
		"{error: different execute functions, line: 5}": "",
		"{operation: ERROR, data: {}}":                  "",
		"{data: {}}":                                    "操作：期望 没有错误，实际 第 5 行 ERROR：调用了两个不同的 execute 函数",
	} {
		c := loaded(t, "cases: [{name: one, operation: UPDATE, expect: "+expect+"}]").cases[0]
		var got []string
		for _, d := range c.compare(outcomeOf(&c, v, plan.Calls{})) {
			got = append(got, d.In("zh"))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q", expect, got)
		}
	}
}

func TestCoverageOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lines []int
		ran   []bool
		want  string
	}{
		{nil, nil, "0/0 100 % []"},
		{[]int{1, 1, 3}, []bool{true, true, true}, "2/2 100 % []"},
		{[]int{1, 1, 3}, []bool{true, false, true}, "1/2 50 % [{1 1 true}]"},
		{[]int{5, 1, 3, 9, 12}, []bool{false, true, false, true, false}, "2/5 40 % [{3 5 false} {12 12 false}]"},
		{[]int{1, 2, 2, 3}, []bool{false, true, false, false}, "0/3 0 % [{1 1 false} {2 2 true} {3 3 false}]"},
		{[]int{1, 2, 3}, []bool{true, true, false}, "2/3 66.6 % [{3 3 false}]"},
	} {
		c := coverageOf(tt.lines, tt.ran)
		if got := fmt.Sprintf("%d/%d %s %v", c.Covered, c.Total, c.Percent(), c.Missing); got != tt.want {
			t.Errorf("%v %v: %s, want %s", tt.lines, tt.ran, got, tt.want)
		}
	}
	if got := (Coverage{Covered: 9999, Total: 10000}).Percent(); got != "99.9 %" {
		t.Errorf("nearly all is %s", got)
	}
}

// FuzzLoad: whatever a file holds, Load gives a suite or mistakes with places, in
// both languages, and never panics.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"", "cases: []", oneCase("zone: Asia/Shanghai\nnow: 2026-07-22 09:30\ntypes: {x: date}\nobjects: [{id: a, data: {x: 1}}]\nbase: {y: [a]}", ", data: {x: 2026-07-22}, hidden: [z], target: {a: b}"),
		"cases:\n  - name: a\n    operation: NONE\n    expect:\n      data: {a: null}\n      reason: |\n        x\n", "base: *a", "? a", "{", "- - - -", "a: b: c", "%YAML", "\t", "cases: [{name: \"\\u0000\"}]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Load("f.test.yaml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("got %v, %v", s, err)
		}
		if err == nil {
			if s.Len() == 0 || s.Options(scripting.File{}).Now().IsZero() {
				t.Fatalf("%d cases", s.Len())
			}
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("got %v", err)
		}
		most := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 2
		for _, lang := range []string{"en", "zh"} {
			for line := range strings.SplitSeq(fault.In(fault.Say(err), lang), "\n") {
				row, column := 0, 0
				if n, _ := fmt.Sscanf(line, "f.test.yaml:%d:%d: ", &row, &column); n != 2 || row < 1 || row > most || column < 1 {
					t.Fatalf("%q of %d lines: %q", line, most, fault.Say(err))
				}
			}
		}
	})
}
