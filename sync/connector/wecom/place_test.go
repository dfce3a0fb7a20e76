package wecom_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

func refs(ids ...directory.ID) directory.Value {
	return directory.RefsToKind(directory.Department, ids...)
}

// team has departments 10, 11 and 12, and Bob, who leads the first of his two.
func team(t *testing.T, b *bench) {
	t.Helper()
	for _, id := range []int64{10, 11, 12} {
		if _, err := b.AddDepartment(wecomsim.Department{ID: id, Name: "部门" + string(rune('甲'+id)), Parent: 1}); err != nil {
			t.Fatal(err)
		}
	}
	err := b.AddUser(wecomsim.User{
		ID: "bob", Name: "鲍勃", Mobile: "13800000001", Departments: []int64{10, 11}, Order: []int64{3, 0}, IsLeader: []int{1, 0},
		MainDepartment: 11, Status: wecomsim.StatusActive,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlaces checks departments, order and leadership, which stand together on the
// wire: what a change does not give stays as it is.
func TestPlaces(t *testing.T) {
	t.Parallel()
	bob := key(directory.User, "bob")
	for name, c := range map[string]struct {
		after         directory.Attributes
		departments   []int64
		main          int64
		order         []int64
		leads         []int
		kind          fault.Kind
		reads, blind  bool
		createInstead bool
	}{
		"moves, and keeps what stays": {
			after: directory.Attributes{"department": refs("10", "12")}, departments: []int64{10, 12}, main: 10,
			order: []int64{3, 0}, leads: []int{1, 0},
		},
		"leads another": {
			after: directory.Attributes{"leads": refs("11")}, departments: []int64{11, 10}, main: 11,
			order: []int64{0, 3}, leads: []int{1, 0},
		},
		"leads none": {
			after: directory.Attributes{"leads": refs()}, departments: []int64{11, 10}, main: 11, order: []int64{0, 3}, leads: []int{0, 0},
		},
		"another order": {
			after: directory.Attributes{"department_order": directory.ListOf("7", "8")}, departments: []int64{11, 10}, main: 11,
			order: []int64{7, 8}, leads: []int{0, 1},
		},
		"all at once": {
			after: directory.Attributes{
				"department": refs("12", "10"), "leads": refs("12", "10"), "department_order": directory.TextOf("1, 2"),
			}, departments: []int64{12, 10}, main: 12, order: []int64{1, 2}, leads: []int{1, 1},
		},
		"leads where they are not": {after: directory.Attributes{"leads": refs("12")}, kind: fault.Invalid},
		"no number":                {after: directory.Attributes{"department_order": directory.ListOf("x")}, kind: fault.Invalid},
		"cannot be seen":           {after: directory.Attributes{"leads": refs("11")}, kind: fault.Denied, blind: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, true, func(_ *wecomsim.Options, o *wecom.Options) {
				if c.blind {
					o.AppSecret = ""
				}
			})
			team(t, b)
			before := len(b.Effects())
			_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: bob, After: c.after})
			if fault.KindOf(err) != c.kind {
				t.Fatalf("%v, want %q", err, c.kind)
			}
			if c.kind != "" {
				if n := len(b.Effects()) - before; n != 0 {
					t.Errorf("%d effects of a refused change", n)
				}
				return
			}
			u, ok := b.User("bob")
			if !ok || !slices.Equal(u.Departments, c.departments) || u.MainDepartment != c.main ||
				!slices.Equal(u.Order, c.order) || !slices.Equal(u.IsLeader, c.leads) {
				t.Errorf("the corp holds %+v", u)
			}
			seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"bob"})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.after {
				if got := seen[0].Object.Attributes[name]; strings.ReplaceAll(got.String(), " ", "") != strings.ReplaceAll(want.String(), " ", "") {
					t.Errorf("%s reads back as %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestPlacesBeyondTheScope: an app is shown only those of a member's departments that
// it sees. They are not taken for all of them: nobody loses a department, and nothing
// is said of where somebody is.
func TestPlacesBeyondTheScope(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]directory.Attributes{
		"leads":            {"leads": refs("10")},
		"department_order": {"department_order": directory.ListOf("9")},
	} {
		b := newBench(t, true)
		team(t, b)
		b.SetAppScope(10, 12)
		_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: after})
		if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "widen its scope") {
			t.Errorf("%s: %v", name, err)
		}
		if u, _ := b.User("bob"); !slices.Equal(u.Departments, []int64{10, 11}) {
			t.Errorf("%s: the corp holds %+v", name, u)
		}
	}
	b := newBench(t, true)
	team(t, b)
	b.SetAppScope(10, 12)
	ids := []directory.ID{"bob"}
	for i := range 21 { // more than are asked for one by one
		ids = append(ids, directory.ID("nobody"+string(rune('a'+i))))
	}
	read, _ := read(t, b).Get(key(directory.User, "bob"))
	objects := map[string]directory.Object{"read": read}
	for name, asked := range map[string][]directory.ID{"looked up": ids[:1], "looked up with many": ids} {
		seen, err := b.conn.Lookup(t.Context(), directory.User, asked)
		if err != nil {
			t.Fatal(err)
		}
		objects[name] = seen[0].Object
	}
	for how, o := range objects {
		if got := o.Attributes["name"].String(); got != "鲍勃" {
			t.Errorf("%s: the name is %q", how, got)
		}
		for _, name := range []string{"department", "departments", "leads", "department_order"} {
			if v := o.Attributes[name]; v.Type() != directory.Unknown {
				t.Errorf("%s: %s is %q", how, name, v)
			}
		}
	}
	// Moved by the change itself: what is not seen of the place is left to the vendor.
	_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: directory.Attributes{"department": refs("10", "11", "12")}})
	if u, _ := b.User("bob"); err != nil || !slices.Equal(u.IsLeader, []int{1, 0, 0}) || !slices.Equal(u.Order, []int64{3, 0, 0}) {
		t.Errorf("%v, the corp holds %+v", err, u)
	}
}

// TestPlacesInTheRoot: the root is no object here, so that no attribute speaks of it,
// and what a member is in it stays.
func TestPlacesInTheRoot(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	team(t, b)
	err := b.AddUser(wecomsim.User{
		ID: "rod", Name: "罗德", Mobile: "13800000003", Departments: []int64{1, 10}, Order: []int64{4, 5}, IsLeader: []int{1, 0}, MainDepartment: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	after := directory.Attributes{"leads": refs("10"), "department_order": directory.ListOf("7")}
	if _, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "rod"), After: after}); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("rod"); !slices.Equal(u.Departments, []int64{1, 10}) || !slices.Equal(u.Order, []int64{4, 7}) || !slices.Equal(u.IsLeader, []int{1, 1}) {
		t.Errorf("the corp holds %+v", u)
	}
	seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"rod"})
	if err != nil || !seen[0].Object.Attributes["department_order"].Equal(after["department_order"]) || !seen[0].Object.Attributes["leads"].Equal(after["leads"]) {
		t.Errorf("%v, reads back %+v", err, seen)
	}
	after = directory.Attributes{"leads": refs()}
	if _, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "rod"), After: after}); err != nil {
		t.Fatal(err)
	}
	if u, _ := b.User("rod"); !slices.Equal(u.IsLeader, []int{1, 0}) {
		t.Errorf("leads none of the departments: the corp holds %+v", u)
	}
}

// TestMobileOfSomebodyWhoSignedIn checks that a number which WeCom would pass over
// in silence is said to be refused, and that the rest is written.
func TestMobileOfSomebodyWhoSignedIn(t *testing.T) {
	t.Parallel()
	after := directory.Attributes{"mobile": directory.TextOf("13900000009"), "position": directory.TextOf("主管")}
	w := connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: after}
	b := newBench(t, true)
	team(t, b)
	_, err := b.conn.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "mobile") {
		t.Errorf("the fault is %v", err)
	}
	if u, _ := b.User("bob"); u.Mobile != "13800000001" || u.Position != "主管" {
		t.Errorf("the corp holds %+v", u)
	}
	w.After = directory.Attributes{"mobile": after["mobile"]}
	before := len(b.Effects())
	if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Denied || len(b.Effects()) != before {
		t.Errorf("the mobile alone: %v, %d effects", err, len(b.Effects())-before)
	}
	if err := b.AddUser(wecomsim.User{ID: "eve", Name: "伊芙", Mobile: "13800000002", Departments: []int64{10}, Status: wecomsim.StatusPending}); err != nil {
		t.Fatal(err)
	}
	w.Key = key(directory.User, "eve")
	if _, err := b.conn.Apply(t.Context(), w); err != nil {
		t.Errorf("of somebody who never signed in: %v", err)
	}
	if u, _ := b.User("eve"); u.Mobile != "13900000009" {
		t.Errorf("the corp holds %+v", u)
	}
}

// TestWebAttribute checks a custom attribute that holds a web address.
func TestWebAttribute(t *testing.T) {
	t.Parallel()
	b := newBench(t, true, func(corp *wecomsim.Options, o *wecom.Options) {
		corp.ExtAttrs = []string{"个人主页地址有十二个字以上", "工号"}
		o.ExtAttrs = []string{"web:个人主页地址有十二个字以上", "工号"}
	})
	team(t, b)
	apply := func(value string) error {
		_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: directory.Attributes{
			"extattr.个人主页地址有十二个字以上": directory.TextOf(value), "extattr.工号": directory.TextOf("7"),
		}})
		return err
	}
	read := func() string {
		seen, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"bob"})
		if err != nil {
			t.Fatal(err)
		}
		return seen[0].Object.Attributes["extattr.个人主页地址有十二个字以上"].String()
	}
	if err := apply("https://example.com/bob"); err != nil || read() != "https://example.com/bob" {
		t.Errorf("%v, reads back %q", err, read())
	}
	if err := apply("javascript:alert(1)"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("no web address: %v", err)
	}
	if err := apply(""); err != nil || read() != "" {
		t.Errorf("cleared: %v, reads back %q", err, read())
	}
}
