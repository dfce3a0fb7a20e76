package mapping_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

func TestScope(t *testing.T) {
	t.Parallel()
	full := mapping.Scope{
		Departments: []string{"/研发部", "/总部/销售部/"}, Only: map[string][]string{"type": {"正式", "试用"}}, Not: map[string][]string{"grade": {"P0"}, "tags": {"外派"}},
	}
	member := func(change attrs) attrs {
		a := attrs{"type": text("正式"), "grade": text("P5"), "departments": directory.RefsToKind(directory.Department, "1")}
		maps.Copy(a, change)
		return a
	}
	in, out, unknown := [2]bool{true, true}, [2]bool{false, true}, [2]bool{false, false}
	tests := []struct {
		name  string
		scope mapping.Scope
		user  attrs
		paths []string
		want  [2]bool
	}{
		{"everybody", mapping.Scope{}, attrs{}, nil, in},
		{"everybody, whatever is hidden", mapping.Scope{}, attrs{"type": hidden(), "departments": hidden()}, nil, in},
		{"in the department", full, member(nil), []string{"/研发部"}, in},
		{"below the department", full, member(nil), []string{"/研发部/平台组/一组"}, in},
		{"below a department written with a slash", full, member(nil), []string{"/总部/销售部/华东"}, in},
		{"in the second of two departments", full, member(nil), []string{"/行政部", "/研发部"}, in},
		{"in a department that begins alike", full, member(nil), []string{"/研发部二"}, out},
		{"above the department", full, member(nil), []string{"/总部"}, out},
		{"in no department", full, member(nil), nil, out},
		{"the second value of only", full, member(attrs{"type": text("试用")}), []string{"/研发部"}, in},
		{"another value of only", full, member(attrs{"type": text("外包")}), []string{"/研发部"}, out},
		{"no value of only", full, member(attrs{"type": text("")}), []string{"/研发部"}, out},
		{"undeclared", full, member(attrs{"type": {}}), []string{"/研发部"}, out},
		{"a value of not", full, member(attrs{"grade": text("P0")}), []string{"/研发部"}, out},
		{"one of a list", full, member(attrs{"tags": directory.ListOf("党员", "外派")}), []string{"/研发部"}, out},
		{"none of a list", full, member(attrs{"tags": directory.ListOf("党员")}), []string{"/研发部"}, in},
		{"an empty list", full, member(attrs{"tags": directory.ListOf()}), []string{"/研发部"}, in},
		{"hidden only", full, member(attrs{"type": hidden()}), []string{"/研发部"}, unknown},
		{"hidden not", full, member(attrs{"grade": hidden()}), []string{"/研发部"}, unknown},
		{"hidden departments", full, member(attrs{"departments": hidden()}), nil, unknown},
		{"hidden departments, but out for another reason", full, member(attrs{"departments": hidden(), "type": text("外包")}), nil, out},
		{"hidden only, but out by department", full, member(attrs{"type": hidden()}), []string{"/行政部"}, out},
		{"hidden only, but out by not", full, member(attrs{"type": hidden(), "grade": text("P0")}), []string{"/研发部"}, out},
		{"hidden not, but out by only", full, member(attrs{"grade": hidden(), "type": text("外包")}), []string{"/研发部"}, out},
		{"one of not hidden, the other one fits", full, member(attrs{"grade": hidden(), "tags": directory.ListOf("外派")}), []string{"/研发部"}, out},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // the order of a map must not matter
				if got, known := tt.scope.Includes(tt.user, tt.paths); [2]bool{got, known} != tt.want {
					t.Fatalf("in %t, known %t", got, known)
				}
			}
		})
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, top string
		want      bool
	}{
		{"/a", "/a", true},
		{"/a/b", "/a", true},
		{"/a/b", "/a/", true},
		{"/a", "/a/", true},
		{"/ab", "/a", false},
		{"/a", "/a/b", false},
		{"/a", "/", true},
		{"/a/b/c", "/a/b", true},
		{"", "/a", false},
		{"/董事会办公室", "/董事会", false},
		{"/A", "/a", false},
	} {
		if got := mapping.Under(tt.path, tt.top); got != tt.want {
			t.Errorf("Under(%q, %q) = %t", tt.path, tt.top, got)
		}
	}
}

func TestHasOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v      directory.Value
		values []string
		want   bool
	}{
		{text("离职"), []string{"辞退", "离职"}, true},
		{text("离职 "), []string{"离职"}, false},
		{text("离职"), nil, false},
		{text(""), []string{""}, false},
		{directory.Value{}, []string{""}, false},
		{directory.IntOf(5), []string{"5"}, true},
		{directory.BoolOf(false), []string{"false"}, true},
		{directory.Empty(directory.Bool), []string{"false"}, false},
		{directory.ListOf("a", "b"), []string{"b", "c"}, true},
		{directory.ListOf("a", "b"), []string{"a, b"}, false},
		{directory.ListOf(), []string{""}, false},
		{hidden(), []string{"?", "contacts:read", ""}, false},
	} {
		if got := mapping.HasOne(tt.v, tt.values); got != tt.want {
			t.Errorf("HasOne(%q, %q) = %t", tt.v, tt.values, got)
		}
	}
}

func department(name directory.Value, parents ...directory.ID) attrs {
	return attrs{"name": name, "parent": directory.RefsToKind(directory.Department, parents...)}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	got := mapping.Paths(snapshot(directory.Department, map[directory.ID]attrs{
		"1": department(text("总部")), "2": department(text("研发部"), "1"), "3": department(text("平台组"), "2"), "4": {"name": text("无上级")},
		"a": department(text("甲"), "b"), "b": department(text("乙"), "c"), "c": department(text("丙"), "a"), "a1": department(text("甲下"), "a"),
		"s": department(text("自己"), "s"), "s1": department(text("自己下"), "s"),
		"x": department(text("断"), "nowhere"), "x1": department(text("断下"), "x"),
		"h": department(hidden()), "h1": department(text("名不见下"), "h"), "n": department(text("")), "n1": department(text("无名下"), "n"),
		"p": {"name": text("上不见"), "parent": hidden()}, "p1": department(text("上不见下"), "p"),
	}))
	want := map[directory.ID]string{"1": "/总部", "2": "/总部/研发部", "3": "/总部/研发部/平台组", "4": "/无上级"}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestPathsOfAnyTree compares with climbing from each department by itself.
func TestPathsOfAnyTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "departments")
		objects := map[directory.ID]attrs{}
		parent := map[directory.ID]directory.ID{}
		for i := range n {
			id := directory.ID(fmt.Sprint(i))
			objects[id] = department(text("n" + string(id)))
			if up := rapid.IntRange(-1, n).Draw(t, "parent"); up >= 0 {
				parent[id] = directory.ID(fmt.Sprint(up))
				objects[id] = department(text("n"+string(id)), parent[id])
			}
		}
		got := mapping.Paths(snapshot(directory.Department, objects))
		for id := range objects {
			var names []string
			at, there := id, true
			for range n + 1 {
				if _, there = objects[at]; !there {
					break
				}
				names = append([]string{"n" + string(at)}, names...)
				if at, there = parent[at]; !there {
					break
				}
			}
			want := ""
			if at == "" && !there {
				want = "/" + strings.Join(names, "/")
			}
			if got[id] != want {
				t.Fatalf("%s: %q, want %q", id, got[id], want)
			}
		}
		if len(got) > n {
			t.Fatalf("%d paths of %d departments", len(got), n)
		}
	})
}

// TestPathsOfDeepTrees sees that neither depth nor a circle makes it slow.
func TestPathsOfDeepTrees(t *testing.T) {
	t.Parallel()
	const n = 20_000
	objects := map[directory.ID]attrs{"0": department(text("r"), "1")}
	for i := 1; i < n; i++ {
		objects[directory.ID(fmt.Sprint(i))] = department(text("d"), directory.ID(fmt.Sprint(i/2*2+1)))
	}
	for i := range n {
		objects[directory.ID(fmt.Sprintf("leaf%d", i))] = department(text("l"), "0")
	}
	if got := mapping.Paths(snapshot(directory.Department, objects)); len(got) != 0 {
		t.Errorf("%d paths around a circle", len(got))
	}
}

func BenchmarkPaths(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		objects := map[directory.ID]attrs{"0": department(text("总部"))}
		for i := 1; i < n; i++ {
			objects[directory.ID(fmt.Sprint(i))] = department(text("部门"), directory.ID(fmt.Sprint((i-1)/10)))
		}
		snap := snapshot(directory.Department, objects)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := mapping.Paths(snap); len(got) != n {
					b.Fatal(len(got))
				}
			}
		})
	}
}
