package mapping_test

import (
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

type attrs = directory.Attributes

func text(s string) directory.Value { return directory.TextOf(s) }

func hidden() directory.Value { return directory.Hidden("contacts:read") }

func snapshot(kind directory.Kind, objects map[directory.ID]attrs) *directory.Snapshot {
	b := directory.NewBuilder("x", time.Time{})
	for id, a := range objects {
		b.Add(directory.Object{Key: directory.Key{Kind: kind, ID: id}, Active: true, Attributes: a})
	}
	snap, _ := b.Finish()
	return snap
}

func compile(t *testing.T, spec mapping.Spec) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNormal(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"email", " Zhang.San@X.CN ", "zhang.san@x.cn"},
		{"email", "ｚｈａｎｇ＠ｘ．ｃｎ", "zhang@x.cn"},
		{"email", "", ""},
		{"email", " \t", ""},
		{"employee_no", "００７", "007"},
		{"employee_no", "007", "007"},
		{"employee_no", "7", "7"},
		{"employee_no", "A-07", "a-07"},
		{"employee_no", "+8613800138000", "+8613800138000"},
		{"name", "ﾔﾏﾀﾞ", "ヤマダ"},
		{"name", "Zoe\u0301", "zoé"},
		{"mobile", "13800138000", "13800138000"},
		{"mobile", "+86 138-0013-8000", "13800138000"},
		{"mobile", "+86-13800138000", "13800138000"},
		{"mobile", "0086 138 0013 8000", "13800138000"},
		{"mobile", "（+86）１３８００１３８０００", "13800138000"},
		{"mobile", "138\u00a00013\u00a08000", "13800138000"},
		{"mobile", "138.0013.8000", "13800138000"},
		{"mobile", "8613800138000", "8613800138000"},    // without a plus it may be anything
		{"mobile", "+86 10 6552 9988", "+861065529988"}, // no mobile number
		{"mobile", "+852 9123 4567", "+85291234567"},
		{"mobile", "+1 (555) 010-0000", "+15550100000"},
		{"mobile", "0086", "0086"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.in, func(t *testing.T) {
			t.Parallel()
			got := mapping.Normal(tt.name, tt.in)
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if again := mapping.Normal(tt.name, got); again != got {
				t.Errorf("its own normal form is %q", again)
			}
		})
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("+86 138-0013-8000")
	f.Add("İ\u0307ﬁ")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("a source gives texts")
		}
		for _, name := range []string{"mobile", "email"} {
			if !mapping.Same(name, text(s), text(" "+s+" ")) {
				t.Errorf("%s %q is not the same with blanks around it", name, s)
			}
		}
	})
}

func TestSame(t *testing.T) {
	t.Parallel()
	department := directory.RefsToKind(directory.Department, "1")
	tests := []struct {
		name string
		a, b directory.Value
		want bool
	}{
		{"title", text("经理"), text("经理"), true},
		{"title", text("经理"), text("经理 "), false},
		{"title", text("Manager"), text("manager"), false},
		{"title", text(""), directory.Value{}, true},
		{"title", text("7"), directory.IntOf(7), true},
		{"title", hidden(), text("x"), false},
		{"title", text("x"), hidden(), false},
		{"title", hidden(), hidden(), false},
		{"email", text("A@x.cn"), text("a@X.cn"), true},
		{"email", text("a@x.cn"), text("b@x.cn"), false},
		{"email", text(" "), text(""), true},
		{"email", hidden(), text("?"), false},
		{"mobile", text("+86 13800138000"), text("13800138000"), true},
		{"mobile", text("13800138000"), directory.IntOf(13800138000), true},
		{"mobile", text("13800138000"), text("13800138001"), false},
		{"work_mobile", text("+8613800138000"), text("13800138000"), false},
		{"departments", department, directory.RefsToKind(directory.Department, "1"), true},
		{"departments", department, directory.RefsToKind(directory.User, "1"), false},
		{"departments", department, directory.RefsTo(), false},
		{"departments", directory.RefsToKind(directory.Department, "1", "2"), directory.RefsToKind(directory.Department, "2", "1"), false}, // the main one is first
		{"groups", directory.RefsToKind(directory.Department, "1", "2"), directory.RefsToKind(directory.Department, "2", "1"), true},       // no main one
		{"groups", directory.RefsToKind(directory.Department, "1", "2"), department, false},
		{"groups", directory.RefsToKind(directory.Department, "1"), directory.RefsToKind(directory.User, "1"), false},
		{"groups", department, hidden(), false},
	}
	for _, tt := range tests {
		if got := mapping.Same(tt.name, tt.a, tt.b); got != tt.want {
			t.Errorf("Same(%s, %q, %q) = %t", tt.name, tt.a, tt.b, got)
		}
		if got := mapping.Same(tt.name, tt.b, tt.a); got != tt.want {
			t.Errorf("Same(%s, %q, %q) = %t, the other way round", tt.name, tt.b, tt.a, got)
		}
	}
}

func TestFinder(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Match: []string{"no", "mobile"}, Rules: []mapping.Rule{{To: "userid", From: "no"}, {To: "tel", From: "mobile"}}})
	source := mapping.Side{Snap: snapshot(directory.User, map[directory.ID]attrs{
		"a": {"no": text("1"), "mobile": text("+86 13800000001")},
		"b": {"no": text("2"), "mobile": text("13800000002")},
		"c": {"no": text(""), "mobile": text("13800000003")},
		"d": {"no": hidden(), "mobile": text("13800000003")},
		"e": {"no": text("9"), "mobile": text("13800000009")},
		"f": {"no": text("9")},
		"g": {},
		"h": {"mobile": text("13800000005")},
		"i": {"no": text("zz"), "mobile": text("13800000009")},
	})}
	target := mapping.Side{Snap: snapshot(directory.User, map[directory.ID]attrs{
		"t1": {"userid": text("1"), "tel": text("13899999999")},
		"t2": {"userid": text("x"), "tel": text("13800000001")},
		"t3": {"userid": text("y"), "tel": text("13800000002")},
		"t4": {"userid": text("z"), "tel": text("138-0000-0003")},
		"t5": {"userid": text("v"), "tel": text("13800000005")},
		"t6": {"userid": text("w"), "tel": text("+8613800000005")},
		"t7": {"userid": hidden(), "tel": hidden()},
	})}
	f := mapping.NewFinder(m, directory.User, source, target)
	tests := []struct {
		id           directory.ID
		ids, sources []directory.ID
		key          string
		why          string
	}{
		{"a", []directory.ID{"t1"}, []directory.ID{"a"}, "no", "the first key decides, though the second names another"},
		{"b", []directory.ID{"t3"}, []directory.ID{"b"}, "mobile", "the second key when the first finds nothing"},
		{"c", []directory.ID{"t4"}, []directory.ID{"c", "d"}, "mobile", "an empty key is none, and the number has two owners"},
		{"d", []directory.ID{"t4"}, []directory.ID{"c", "d"}, "mobile", "a hidden key is none"},
		{"e", nil, []directory.ID{"e", "f"}, "no", "new, and its key is somebody else's too"},
		{"g", nil, nil, "", "nothing to go by"},
		{"h", []directory.ID{"t5", "t6"}, []directory.ID{"h"}, "mobile", "two candidates"},
		{"i", nil, []directory.ID{"i"}, "no", "new: a weaker key that is shared does not count"},
	}
	for _, tt := range tests {
		t.Run(string(tt.id), func(t *testing.T) {
			t.Parallel()
			o, _ := source.Snap.Get(directory.Key{Kind: directory.User, ID: tt.id})
			ids, sources, key := f.Find(o, source)
			if !slices.Equal(ids, tt.ids) || !slices.Equal(sources, tt.sources) || key != tt.key {
				t.Errorf("%s: found %v for %v by %q", tt.why, ids, sources, key)
			}
		})
	}
}

// TestFinderGivesItsOwnSlices changes what it was given and asks again.
func TestFinderGivesItsOwnSlices(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Match: []string{"email"}})
	side := mapping.Side{Snap: snapshot(directory.User, map[directory.ID]attrs{"a": {"email": text("x")}, "b": {"email": text("x")}})}
	f := mapping.NewFinder(m, directory.User, side, side)
	o, _ := side.Snap.Get(directory.Key{Kind: directory.User, ID: "a"})
	ids, sources, _ := f.Find(o, side)
	ids[0], sources[0] = "broken", "broken"
	if ids, sources, _ = f.Find(o, side); ids[0] != "a" || sources[0] != "a" {
		t.Errorf("%v, %v", ids, sources)
	}
}

// TestFinderSeesDerivedAttributes matches departments by their path, which no
// object holds; what an object does hold comes first.
func TestFinderSeesDerivedAttributes(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Match: []string{"path"}})
	extra := func(path string) mapping.Extra {
		return func(o directory.Object) attrs {
			if o.ID == "none" {
				return nil
			}
			return attrs{"path": text(path)}
		}
	}
	source := mapping.Side{Snap: snapshot(directory.Department, map[directory.ID]attrs{"d": {}, "none": {}}), Extra: extra("/研发部")}
	target := mapping.Side{Snap: snapshot(directory.Department, map[directory.ID]attrs{"7": {}, "8": {"path": text("/其他")}}), Extra: extra("/研发部")}
	f := mapping.NewFinder(m, directory.Department, source, target)
	d, _ := source.Snap.Get(directory.Key{Kind: directory.Department, ID: "d"})
	if ids, _, key := f.Find(d, source); !slices.Equal(ids, []directory.ID{"7"}) || key != "path" {
		t.Errorf("%v by %s", ids, key)
	}
	none, _ := source.Snap.Get(directory.Key{Kind: directory.Department, ID: "none"})
	if ids, _, _ := f.Find(none, source); ids != nil {
		t.Errorf("%v for a department without a path", ids)
	}
}

func TestLinkLive(t *testing.T) {
	t.Parallel()
	if l := (mapping.Link{DisabledAt: time.Unix(1, 0)}); !l.Live() {
		t.Error("a disabled account is there")
	}
	if l := (mapping.Link{DeletedAt: time.Unix(1, 0)}); l.Live() {
		t.Error("a deleted account is not")
	}
}
