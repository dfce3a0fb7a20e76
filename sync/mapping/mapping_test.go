package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]mapping.Spec{
		"title": {Rules: []mapping.Rule{{To: "title", From: "a"}, {To: "name", From: "n"}, {To: "title", From: "b"}}},
		"nick":  {Rules: []mapping.Rule{{To: "nick", Template: "{{ .name "}}},
		"alias": {Rules: []mapping.Rule{{To: "alias", Template: "{{ nosuch .name }}"}}},
	} {
		m, err := mapping.Compile(spec)
		if m != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesOfAMapping(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
		{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "alias", From: "name"}, {To: "title", Template: "{{ .a }}"},
	}})
	if got, want := m.Targets(), []string{"userid", "name", "alias", "title"}; !slices.Equal(got, want) {
		t.Errorf("targets %v", got)
	}
	for name, want := range map[string]string{"employee_no": "userid", "name": "name", "email": "email"} {
		if got := m.Counterpart(name); got != want {
			t.Errorf("counterpart of %s: %s", name, got)
		}
	}
	empty := compile(t, mapping.Spec{})
	if len(empty.Targets()) != 0 {
		t.Error("an empty mapping has names")
	}
}

// partners resolves references to what begins with "x" as lost, to "new…" as
// pending, everything else to the same id with a "t" before it.
func partners(ref directory.Ref) (directory.Ref, bool) {
	switch {
	case strings.HasPrefix(string(ref.ID), "x"):
		return directory.Ref{}, false
	case strings.HasPrefix(string(ref.ID), "new"):
		return directory.Ref{Key: ref.Key, Pending: true}, true
	default:
		return directory.Ref{Key: directory.Key{Kind: ref.Kind, ID: "t" + ref.ID}}, true
	}
}

func TestMapOne(t *testing.T) {
	t.Parallel()
	departments := func(ids ...directory.ID) directory.Value { return directory.RefsToKind(directory.Department, ids...) }
	tests := []struct {
		name string
		rule mapping.Rule
		src  attrs
		want directory.Value
		lost string
	}{
		{"as it is", mapping.Rule{From: "title"}, attrs{"title": text(" 经理 ")}, text(" 经理 "), ""},
		{"a number stays one", mapping.Rule{From: "n"}, attrs{"n": directory.IntOf(7)}, directory.IntOf(7), ""},
		{"empty", mapping.Rule{From: "title"}, attrs{"title": text("")}, text(""), ""},
		{"undeclared", mapping.Rule{From: "title"}, attrs{}, directory.Value{}, ""},
		{"hidden", mapping.Rule{From: "title"}, attrs{"title": hidden()}, hidden(), ""},
		{"a default for empty", mapping.Rule{From: "title", Default: "员工"}, attrs{"title": text("")}, text("员工"), ""},
		{"a default for undeclared", mapping.Rule{From: "title", Default: "员工"}, attrs{}, text("员工"), ""},
		{"no default for hidden", mapping.Rule{From: "title", Default: "员工"}, attrs{"title": hidden()}, hidden(), ""},
		{"no default for something", mapping.Rule{From: "title", Default: "员工"}, attrs{"title": text("经理")}, text("经理"), ""},
		{"references", mapping.Rule{From: "d"}, attrs{"d": departments("2", "1")}, departments("t2", "t1"), ""},
		{"a pending reference", mapping.Rule{From: "d"}, attrs{"d": departments("new1")}, directory.RefsTo(directory.Ref{Key: directory.Key{Kind: directory.Department, ID: "new1"}, Pending: true}), ""},
		{"no reference", mapping.Rule{From: "d"}, attrs{"d": departments()}, departments(), ""},
		{"a lost one of two loses both", mapping.Rule{From: "d"}, attrs{"d": departments("1", "x2")}, directory.Hidden("department:x2"), "to: department:x2"},
		{"all lost", mapping.Rule{From: "d"}, attrs{"d": departments("x1", "x2")}, directory.Hidden("department:x1, department:x2"), "to: department:x1, department:x2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.rule.To = "to"
			m := compile(t, mapping.Spec{Rules: []mapping.Rule{tt.rule}})
			dst, lost, err := m.Map(tt.src, partners)
			if err != nil {
				t.Fatal(err)
			}
			same(t, dst["to"], tt.want)
			if strings.Join(lost, ";") != tt.lost {
				t.Errorf("lost %q", lost)
			}
		})
	}
}

// same compares values as they are: a hidden one equals no other, so their bytes
// are compared.
func same(t *testing.T, got, want directory.Value) {
	t.Helper()
	if string(directory.AppendValue(nil, got)) != string(directory.AppendValue(nil, want)) {
		t.Errorf("%s %q, want %s %q", got.Type(), got, want.Type(), want)
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	src := attrs{
		"name": text("张三"), "名字": text("三"), "no": directory.IntOf(7), "list": directory.ListOf("a", "b"), "empty": text(""),
		"hired": directory.Empty(directory.Date), "secret": directory.Hidden("hr:read"), "secret2": directory.Hidden("hr:more"), "secret_name": text("公开"), "odd-name": directory.Hidden("odd"),
	}
	tests := []struct {
		tmpl string
		want directory.Value
	}{
		{"{{ .name }}", text("张三")},
		{"{{ .名字 }}", text("三")},
		{" {{ .name }}（{{ .no }}） ", text("张三（7）")},
		{"{{ .list }}", text("a, b")},
		{"{{ .nosuch }}", text("")},
		{"{{ .hired }}{{ .empty }}", text("")},
		{"{{ if .empty }}a{{ else }}b{{ end }}", text("b")},
		{"fixed", text("fixed")},
		{"{{ .name }} {{ .secret }}", directory.Hidden("hr:read")},
		{"{{ .secret2 }}", directory.Hidden("hr:more")},
		{"{{ .secret_name }}", text("公开")}, // not .secret
		{`{{ index . "secret" }}`, directory.Hidden("hr:read")},
		{`{{ index . "odd-name" }}`, directory.Hidden("odd")},
		{"{{ if .secret }}a{{ else }}b{{ end }}", directory.Hidden("hr:read")},
		{"{{ if and .secret .secret2 }}a{{ else }}b{{ end }}", directory.Hidden("odd")}, // one of them
		{"{{ with .secret }}{{ $.secret2 }}{{ end }}", directory.Hidden("odd")},
		{`{{ if eq .name "x" }}{{ .secret }}{{ else }}{{ .no }}{{ end }}`, text("7")}, // not looked at
	}
	for _, tt := range tests {
		t.Run(tt.tmpl, func(t *testing.T) {
			t.Parallel()
			m := compile(t, mapping.Spec{Rules: []mapping.Rule{{To: "to", Template: tt.tmpl}}})
			dst, lost, err := m.Map(src, partners)
			if err != nil || len(lost) > 0 {
				t.Fatalf("%v, %v", lost, err)
			}
			if tt.want.Permission() == "odd" && dst["to"].Type() == directory.Unknown {
				return // which of the hidden ones is named is not promised
			}
			same(t, dst["to"], tt.want)
		})
	}
}

func TestTemplateThatCannotBeFilled(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Rules: []mapping.Rule{{To: "short", Template: "{{ slice .name 0 9 }}"}}})
	dst, _, err := m.Map(attrs{"name": text("abc")}, partners)
	if dst != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "map.short") {
		t.Errorf("%v, %v", dst, err)
	}
	if dst, _, err = m.Map(attrs{"name": text("abcdefghij")}, partners); err != nil || dst["short"].Text() != "abcdefghi" {
		t.Errorf("%v, %v", dst, err)
	}
	if dst, _, err = m.Map(attrs{"name": hidden()}, partners); err != nil || dst["short"].Permission() != "contacts:read" {
		t.Errorf("a hidden name gives %q, %v", dst["short"], err)
	}
}

// TestMapLeavesItsInputAlone maps twice and compares.
func TestMapLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	src := attrs{"title": text("x"), "d": directory.RefsToKind(directory.Department, "1", "x2"), "h": hidden()}
	before := src.Digest()
	m := compile(t, mapping.Spec{Rules: []mapping.Rule{{To: "a", From: "title"}, {To: "b", From: "d"}, {To: "c", Template: "{{ .h }}"}}})
	first, _, err := m.Map(src, partners)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := m.Map(src, partners)
	if err != nil || src.Digest() != before || first.Digest() != second.Digest() {
		t.Errorf("changed: %v", err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Rules: []mapping.Rule{{To: "title", From: "t"}, {To: "email", From: "e"}, {To: "mobile", From: "m"}}})
	tests := []struct {
		name       string
		want, have attrs
		differ     []string
	}{
		{"equal", attrs{"title": text("a"), "email": text("A@x.cn"), "mobile": text("+8613800138000")}, attrs{"title": text("a"), "email": text("a@x.cn"), "mobile": text("138 0013 8000")}, nil},
		{"in the order of the configuration", attrs{"mobile": text("1"), "title": text("b")}, attrs{}, []string{"title", "mobile"}},
		{"a clear", attrs{"title": text("")}, attrs{"title": text("a")}, []string{"title"}},
		{"undeclared is empty", attrs{}, attrs{"title": text("a")}, []string{"title"}},
		{"empty is undeclared", attrs{"title": text("")}, attrs{}, nil},
		{"what is wanted is hidden", attrs{"title": hidden()}, attrs{"title": text("a")}, nil},
		{"what is there is hidden", attrs{"title": text("b")}, attrs{"title": hidden()}, nil},
		{"hidden is no clear", attrs{"title": text("")}, attrs{"title": hidden()}, nil},
		{"what is not mapped does not count", attrs{"shoe": text("43")}, attrs{"shoe": text("44")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := m.Diff(tt.want, tt.have); !slices.Equal(got, tt.differ) {
				t.Errorf("%v", got)
			}
		})
	}
}
