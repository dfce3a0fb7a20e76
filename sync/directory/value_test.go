package directory_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// zoo is one value of every kind, and its empty ones.
func zoo() map[string]directory.Value {
	return map[string]directory.Value{
		"absent": {}, "text": directory.TextOf("张三"), "empty text": directory.TextOf(""), "blank text": directory.TextOf(" "), "seven as text": directory.TextOf("7"),
		"true as text": directory.TextOf("true"), "date as text": directory.TextOf("2026-03-01"), "question mark": directory.TextOf("?"),
		"int": directory.IntOf(7), "zero": directory.IntOf(0), "empty int": directory.Empty(directory.Int),
		"true": directory.BoolOf(true), "false": directory.BoolOf(false), "empty bool": directory.Empty(directory.Bool),
		"date": directory.DateOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), "date-time": directory.DateOf(time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)), "empty date": directory.Empty(directory.Date),
		"list": directory.ListOf("a", "b"), "list reversed": directory.ListOf("b", "a"), "empty list": directory.ListOf(), "list of nothing": directory.ListOf(""),
		"refs": directory.RefsToKind(directory.User, "1"), "other kind": directory.RefsToKind(directory.Department, "1"), "empty refs": directory.RefsTo(),
		"pending": directory.RefsTo(directory.Ref{Key: directory.Key{Kind: directory.User, ID: "1"}, Pending: true}),
		"hidden":  directory.Hidden("contacts:read"), "hidden without a name": directory.Hidden(""),
	}
}

// TestEqual compares every value with every other one: only these pairs are
// equal, beside each value with itself.
func TestEqual(t *testing.T) {
	t.Parallel()
	empty := map[string]bool{"absent": true, "empty text": true, "empty int": true, "empty bool": true, "empty date": true, "empty list": true, "empty refs": true}
	pairs := map[[2]string]bool{{"int", "seven as text"}: true, {"true", "true as text"}: true, {"date", "date as text"}: true}
	for a, v := range zoo() {
		for b, w := range zoo() {
			want := a == b || empty[a] && empty[b] || pairs[[2]string{a, b}] || pairs[[2]string{b, a}]
			if v.Type() == directory.Unknown || w.Type() == directory.Unknown {
				want = false // no evidence of anything
			}
			if got := v.Equal(w); got != want {
				t.Errorf("%s equal to %s: %t", a, b, got)
			}
		}
		if v.IsEmpty() != empty[a] {
			t.Errorf("%s is empty: %t", a, v.IsEmpty())
		}
	}
}

func TestAccessors(t *testing.T) {
	t.Parallel()
	for name, v := range zoo() {
		typ := v.Type()
		if (v.Text() != "") != (typ == directory.Text && !v.IsEmpty()) {
			t.Errorf("%s: text %q", name, v.Text())
		}
		if _, ok := v.Int(); ok != (typ == directory.Int && !v.IsEmpty()) {
			t.Errorf("%s: int %t", name, ok)
		}
		if _, ok := v.Bool(); ok != (typ == directory.Bool && !v.IsEmpty()) {
			t.Errorf("%s: bool %t", name, ok)
		}
		if _, ok := v.Time(time.UTC); ok != (typ == directory.Date && !v.IsEmpty()) {
			t.Errorf("%s: time %t", name, ok)
		}
		if (len(v.List()) > 0) != (typ == directory.List && !v.IsEmpty()) {
			t.Errorf("%s: list %v", name, v.List())
		}
		if (len(v.Refs()) > 0) != (typ == directory.Refs && !v.IsEmpty()) {
			t.Errorf("%s: refs %v", name, v.Refs())
		}
		if (v.Permission() != "") != (name == "hidden") {
			t.Errorf("%s: permission %q", name, v.Permission())
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	all := zoo()
	for name, want := range map[string]string{
		"absent": "", "text": "张三", "int": "7", "zero": "0", "empty int": "", "true": "true", "false": "false", "empty bool": "", "date": "2026-03-01",
		"date-time": "2026-03-01T08:30:00", "empty date": "", "list": "a, b", "refs": "user:1", "pending": "new:user:1", "hidden": "?", "empty refs": "",
	} {
		if got := all[name].String(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestTypeNames(t *testing.T) {
	t.Parallel()
	for typ, want := range map[directory.Type]string{
		directory.Absent: "absent", directory.Text: "text", directory.Int: "int", directory.Bool: "bool", directory.Date: "date",
		directory.List: "list", directory.Refs: "refs", directory.Unknown: "unknown", 99: "type(99)",
	} {
		if got := typ.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestDatesHaveNoZone sees that a date is the date on the calendar, wherever.
func TestDatesHaveNoZone(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("CST", 8*3600)
	midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, shanghai)
	v := directory.DateOf(midnight)
	if v.String() != "2026-03-01" {
		t.Errorf("%s", v)
	}
	for _, zone := range []*time.Location{time.UTC, shanghai} {
		got, ok := v.Time(zone)
		if y, m, d := got.Date(); !ok || y != 2026 || m != time.March || d != 1 || got.Hour() != 0 || got.Location() != zone {
			t.Errorf("%v in %v", got, zone)
		}
	}
	if !v.Equal(directory.DateOf(midnight.In(shanghai))) || v.Equal(directory.DateOf(midnight.UTC())) {
		t.Error("a date is the zone's own")
	}
	if got, ok := directory.DateOf(time.Date(2026, 3, 1, 23, 59, 59, 999, time.UTC)).Time(shanghai); !ok || got.Second() != 59 || got.Hour() != 23 {
		t.Errorf("%v", got)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	refs := []directory.Ref{
		{Key: directory.Key{Kind: directory.User, ID: "1"}},
		{Key: directory.Key{Kind: directory.Department, ID: "a:b:c"}},
		{Key: directory.Key{Kind: directory.User, ID: "new:1"}, Pending: true},
		{Key: directory.Key{Kind: directory.Department, ID: ""}},
		{Key: directory.Key{Kind: directory.User, ID: "李, 四"}, Pending: true},
	}
	got := directory.RefsTo(refs...).Refs()
	if len(got) != len(refs) {
		t.Fatalf("%v", got)
	}
	for i := range refs {
		if got[i] != refs[i] {
			t.Errorf("%+v, want %+v", got[i], refs[i])
		}
	}
	if !directory.RefsToKind(directory.User, "1", "2").Equal(directory.RefsTo(directory.Ref{Key: directory.Key{Kind: directory.User, ID: "1"}}, directory.Ref{Key: directory.Key{Kind: directory.User, ID: "2"}})) {
		t.Error("two ways to one value")
	}
}

func TestNameOfAnObject(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]directory.Attributes{
		"张三": {"name": directory.TextOf("张三")}, "id": nil, "7": {"name": directory.IntOf(7)},
	} {
		o := directory.Object{Key: directory.Key{Kind: directory.User, ID: "id"}, Attributes: a}
		if got := o.Name(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, v := range []directory.Value{directory.Hidden("p"), directory.TextOf(""), {}} {
		o := directory.Object{Key: directory.Key{ID: "id"}, Attributes: directory.Attributes{"name": v}}
		if o.Name() != "id" {
			t.Errorf("%s name: %q", v.Type(), o.Name())
		}
	}
}

func TestDigestText(t *testing.T) {
	t.Parallel()
	d := directory.Object{Key: directory.Key{Kind: directory.User, ID: "1"}}.Digest()
	text, err := d.MarshalText()
	if err != nil || len(text) != 64 || d.Short() != string(text[:4])+"-"+string(text[4:8]) {
		t.Fatalf("%s, %v, %s", text, err, d.Short())
	}
	var back directory.Digest
	if err := back.UnmarshalText(text); err != nil || back != d || back.IsZero() {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{"", "ab", string(text[:63]), string(text) + "00", "z" + string(text[1:])} {
		if err := new(directory.Digest).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a digest", bad)
		}
	}
	if !(directory.Digest{}).IsZero() {
		t.Error("the zero digest is not zero")
	}
}

// TestAttributesClone changes a copy.
func TestAttributesClone(t *testing.T) {
	t.Parallel()
	a := directory.Attributes{"a": directory.TextOf("1")}
	b := a.Clone()
	b["a"], b["b"] = directory.TextOf("2"), directory.TextOf("3")
	if len(a) != 1 || a["a"].Text() != "1" {
		t.Errorf("%v", a)
	}
}
