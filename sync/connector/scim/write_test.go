package scim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

func person(id string) connectortest.User {
	return connectortest.User{ID: id, Name: "员工 " + id, Mobile: "138", Email: id + "@corp.example", Title: "工程师"}
}

// creation is the CREATE of a user with a key of ours.
func creation(name, external, tok string) connector.Write {
	after := directory.Attributes{"userName": text(name), "name": text("张三")}
	if external != "" {
		after["externalId"] = text(external)
	}
	return connector.Write{Op: plan.Create, Key: key(directory.User, ""), After: after, Token: tok}
}

// TestCreateFindsItsOwn checks which existing objects a CREATE takes for its own.
func TestCreateFindsItsOwn(t *testing.T) {
	t.Parallel()
	user := func(name, external, display string) scimsim.Resource {
		r := scimsim.Resource{"schemas": []any{scimsim.SchemaUser}, "userName": name, "displayName": display}
		if external != "" {
			r["externalId"] = external
		}
		return r
	}
	for name, c := range map[string]struct {
		there scimsim.Resource
		w     connector.Write
		own   bool
		adj   func(*scimsim.Options)
	}{
		"our token":                        {user("zs", "t-1", "张三"), creation("zs", "", "t-1"), true, nil},
		"our token, changed since":         {user("zs", "t-1", "李四"), creation("zs", "", "t-1"), true, nil},
		"no token at all":                  {user("zs", "", "张三"), creation("zs", "", ""), false, nil},
		"another token":                    {user("zs", "t-2", "张三"), creation("zs", "", "t-1"), false, nil},
		"our key, all the same":            {user("zs", "E1", "张三"), creation("zs", "E1", "t-1"), true, nil},
		"our key, another name":            {user("zs", "E1", "李四"), creation("zs", "E1", "t-1"), false, nil},
		"our key, another login":           {user("other", "E1", "张三"), creation("zs", "E1", "t-1"), false, nil},
		"their login":                      {user("ZS", "", "张三"), creation("zs", "E1", "t-1"), false, nil},
		"our key in another case":          {user("zs", "e1", "张三"), creation("zs", "E1", "t-1"), false, nil},
		"a filter that is ignored":         {user("zs", "E1", "张三"), creation("zs", "E1", "t-1"), true, func(o *scimsim.Options) { o.IgnoreFilter = true }},
		"a filter that is ignored, theirs": {user("zs", "", "张三"), creation("zs", "E1", "t-1"), false, func(o *scimsim.Options) { o.IgnoreFilter = true }},
		"no filter":                        {user("zs", "E1", "张三"), creation("zs", "E1", "t-1"), false, func(o *scimsim.Options) { o.NoFilter = true }},
		"a name found as written only":     {user("ZS", "", "张三"), creation("zs", "E1", "t-1"), false, func(o *scimsim.Options) { o.ExactNames = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(s *scimsim.Options, _ *scim.Options) {
				if c.adj != nil {
					c.adj(s)
				}
			})
			id, err := b.AddUser(c.there)
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.conn.Apply(t.Context(), c.w)
			if len(b.Effects()) != 0 {
				t.Errorf("%d effects", len(b.Effects()))
			}
			if c.own && (err != nil || got.ID != directory.ID(id)) {
				t.Errorf("%s, %v", got, err)
			}
			if !c.own && fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s, %v, want a conflict", got, err)
			}
		})
	}
}

// TestIgnoredFilterIsNobody checks that somebody else, whom a service gives for any
// filter, is not taken for the one asked for.
func TestIgnoredFilterIsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *scimsim.Options, _ *scim.Options) { s.IgnoreFilter = true })
	other := b.seedUser(person("other"))
	if got := do(t, b.conn, creation("zs", "E1", "t-1")); got.ID == other {
		t.Error("somebody else was taken for the new account")
	}
}

// TestCreateHalfDone checks an account that was created and could not join its
// group: it is in doubt, and the same CREATE finds it and goes on.
func TestCreateHalfDone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.seedDepartment(connectortest.Department{Name: "研发部"})
	w := creation("zs", "", "t-1")
	w.After["groups"] = directory.RefsToKind(directory.Department, d)
	b.Inject(scimsim.Fault{Op: "PATCH Groups/", Status: 403})
	_, err := b.conn.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.InDoubt || !strings.Contains(fault.Say(err), "created") {
		t.Fatal(err)
	}
	k := do(t, b.conn, w)
	if got := b.GroupsOf(string(k.ID)); !slices.Equal(got, []string{string(d)}) {
		t.Errorf("in %v", got)
	}
	if n := len(b.Effects()); n != 2 {
		t.Errorf("%d effects, want the account and the membership", n)
	}
	w = creation("li", "", "t-2")
	w.After["groups"] = directory.RefsToKind(directory.Department, "no-such-group")
	if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Invalid || len(b.Effects()) != 2 {
		t.Errorf("a group that is not there: %v, %d effects", err, len(b.Effects()))
	}
}

// TestLeaveWhatIsGone checks that to leave a group which is gone, or in which one
// is no more, is no fault.
func TestLeaveWhatIsGone(t *testing.T) {
	t.Parallel()
	for _, f := range []scimsim.Fault{{Status: 404}, {Status: 400, ScimType: "noTarget"}} {
		b := newBench(t)
		d := b.seedDepartment(connectortest.Department{Name: "研发部"})
		u := person("a")
		u.Departments = []directory.ID{d}
		id := b.seedUser(u)
		f.Op = "PATCH Groups/"
		b.Inject(f)
		do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, string(id)), After: directory.Attributes{"groups": directory.RefsTo()}})
	}
}

// TestStrangersStay checks that a group keeps whoever else is in it, through every
// dialect.
func TestStrangersStay(t *testing.T) {
	t.Parallel()
	for _, d := range []scim.Dialect{scim.Standard, scim.Okta, scim.Entra} {
		b := newBench(t, func(s *scimsim.Options, o *scim.Options) { o.Dialect, s.Lenient = d, true })
		a, c := b.seedDepartment(connectortest.Department{Name: "甲"}), b.seedDepartment(connectortest.Department{Name: "乙"})
		u, v := person("a"), person("b")
		u.Departments, v.Departments = []directory.ID{a}, []directory.ID{a, c}
		mover, stays := b.seedUser(u), b.seedUser(v)
		do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, string(mover)), After: directory.Attributes{"groups": directory.RefsToKind(directory.Department, c)}})
		do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.Department, string(a)), After: directory.Attributes{"name": text("丙")}})
		if got := b.GroupsOf(string(stays)); len(got) != 2 {
			t.Errorf("%s: whoever stays is in %v", d, got)
		}
		if got := b.GroupsOf(string(mover)); !slices.Equal(got, []string{string(c)}) {
			t.Errorf("%s: the mover is in %v", d, got)
		}
	}
}

// TestVersions checks that a change made by somebody else between our look and our
// write is not written over.
func TestVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *scimsim.Options, _ *scim.Options) { s.ETags = true })
	id := b.seedUser(person("a"))
	b.Inject(scimsim.Fault{Op: "PATCH Users/", Status: 412})
	w := connector.Write{Op: plan.Update, Key: key(directory.User, string(id)), After: directory.Attributes{"title": text("总监")}}
	if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Conflict {
		t.Error(err)
	}
	do(t, b.conn, w)
	last := b.Requests()[len(b.Requests())-1]
	if !strings.HasPrefix(last.Match, `W/"`) {
		t.Errorf("If-Match %q", last.Match)
	}
}

// TestWholeKeepsTheRest checks that a service without PATCH keeps what we know
// nothing of, and that groups are left alone there.
func TestWholeKeepsTheRest(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*bench){
		"told":      func(*bench) {},
		"found out": func(b *bench) { b.Inject(scimsim.Fault{Op: "PATCH Users/", Status: 405, Times: -1}) },
	} {
		b := newBench(t, func(s *scimsim.Options, _ *scim.Options) { s.NoPatch = name == "told" })
		adjust(b)
		r := scimsim.Resource{
			"schemas": []any{scimsim.SchemaUser}, "userName": "zs", "profileUrl": "https://x.example/", "active": true,
			"emails": []any{map[string]any{"type": "home", "value": "h@x.example"}},
		}
		id, err := b.AddUser(r)
		if err != nil {
			t.Fatal(err)
		}
		do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, id), After: directory.Attributes{"title": text("总监"), "email": text("w@x.example")}})
		got, _ := b.User(id)
		emails, _ := got["emails"].([]any)
		if got["profileUrl"] != r["profileUrl"] || got["title"] != "总监" || len(emails) != 2 || got["active"] != true {
			t.Errorf("%s: %v", name, got)
		}
		d := b.seedDepartment(connectortest.Department{Name: "甲"})
		before := len(b.Effects())
		for _, w := range []connector.Write{
			{Op: plan.Update, Key: key(directory.Department, string(d)), After: directory.Attributes{"name": text("乙")}},
			{Op: plan.Update, Key: key(directory.User, id), After: directory.Attributes{"groups": directory.RefsToKind(directory.Department, d)}},
		} {
			if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Unsupported {
				t.Errorf("%s: %s %s: %v", name, w.Op, w.Key, err)
			}
		}
		if n := len(b.Effects()); n != before {
			t.Errorf("%s: groups were written", name)
		}
	}
}

// TestWholeRefusesTheUnseen checks that an account is not written whole where the
// service hides a part of it.
func TestWholeRefusesTheUnseen(t *testing.T) {
	t.Parallel()
	c := connect(t, stub{
		"/ServiceProviderConfig": `{"patch":{"supported":false}}`,
		"/Schemas":               `{"totalResults":1,"Resources":[{"id":"` + scimsim.SchemaUser + `","attributes":[{"name":"userName"},{"name":"title"},{"name":"badge","returned":"request","mutability":"readWrite"}]}]}`,
		"/Users/a":               `{"id":"a","userName":"amy"}`,
	})
	_, err := c.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "a"), After: directory.Attributes{"title": text("x")}})
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.Say(err), "badge") {
		t.Error(err)
	}
}

// TestBadValues checks what is refused before any call that writes.
func TestBadValues(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(_ *scimsim.Options, o *scim.Options) {
		o.Attributes = []scim.Attribute{{Name: "level", Path: "addresses.region", Type: directory.Int}}
	})
	u := key(directory.User, string(b.seedUser(person("a"))))
	d := key(directory.Department, string(b.seedDepartment(connectortest.Department{Name: "甲"})))
	pending := directory.RefsTo(directory.Ref{Key: key(directory.User, "x"), Pending: true})
	for name, w := range map[string]connector.Write{
		"no login":            {Op: plan.Create, Key: key(directory.User, ""), After: directory.Attributes{"name": text("x")}},
		"an empty login":      {Op: plan.Update, Key: u, After: directory.Attributes{"userName": text(" ")}},
		"disable by update":   {Op: plan.Update, Key: u, After: directory.Attributes{"active": directory.BoolOf(false)}},
		"no truth value":      {Op: plan.Update, Key: u, After: directory.Attributes{"active": text("maybe")}},
		"the id":              {Op: plan.Update, Key: u, After: directory.Attributes{"id": text("x")}},
		"departments":         {Op: plan.Update, Key: u, After: directory.Attributes{"departments": directory.RefsTo()}},
		"a manager by name":   {Op: plan.Update, Key: u, After: directory.Attributes{"manager": text("x")}},
		"two managers":        {Op: plan.Update, Key: u, After: directory.Attributes{"manager": directory.RefsToKind(directory.User, "x", "y")}},
		"a pending manager":   {Op: plan.Update, Key: u, After: directory.Attributes{"manager": pending}},
		"a person as a group": {Op: plan.Update, Key: u, After: directory.Attributes{"groups": directory.RefsToKind(directory.User, "x")}},
		"references in text":  {Op: plan.Update, Key: u, After: directory.Attributes{"title": directory.RefsToKind(directory.User, "x")}},
		"no number":           {Op: plan.Update, Key: u, After: directory.Attributes{"level": text("x")}},
		"no id":               {Op: plan.Delete, Key: key(directory.User, "")},
		"a way up":            {Op: plan.Delete, Key: key(directory.User, "..")},
		"a nameless group":    {Op: plan.Create, Key: key(directory.Department, ""), After: directory.Attributes{"order": directory.IntOf(1)}},
		"an unnamed group":    {Op: plan.Update, Key: d, After: directory.Attributes{"name": text("")}},
		"a parent by name":    {Op: plan.Update, Key: d, After: directory.Attributes{"parent": text("x")}},
		"a group's title":     {Op: plan.Update, Key: d, After: directory.Attributes{"title": text("x")}},
	} {
		_, err := b.conn.Apply(t.Context(), w)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), " / ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(b.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

// TestFlatGroups checks groups without our extension.
func TestFlatGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *scimsim.Options, o *scim.Options) { s.NoExtension, o.Departments = true, scim.Groups })
	d := do(t, b.conn, connector.Write{Op: plan.Create, Key: key(directory.Department, ""), Token: "t", After: directory.Attributes{"name": text("甲")}})
	_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: d, After: directory.Attributes{"parent": directory.RefsTo()}})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "extension") {
		t.Error(err)
	}
	b = newBench(t, func(s *scimsim.Options, _ *scim.Options) { s.NoExtension = true })
	_, err = b.conn.Apply(t.Context(), connector.Write{Op: plan.Create, Key: key(directory.Department, ""), Token: "t", After: directory.Attributes{"name": text("甲"), "order": directory.IntOf(1)}})
	if fault.KindOf(err) != fault.Unsupported || len(b.Effects()) != 0 {
		t.Errorf("%v, %d effects", err, len(b.Effects()))
	}
}

// TestReads holds the calls of a read against what Info says, for the first and for
// later ones, and checks that users are then asked for one call each, or listed
// where that is cheaper.
func TestReads(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int{{0, 0}, {1, 1}, {3, 2}, {7, 4}, {12, 9}} {
		b := newBench(t)
		var d []directory.ID
		for range c[1] {
			d = append(d, b.seedDepartment(connectortest.Department{Name: "组"}))
		}
		var ids []directory.ID
		for i := range c[0] {
			u := person(string(rune('a' + i)))
			if len(d) > 0 {
				u.Departments = d[:1]
			}
			ids = append(ids, b.seedUser(u))
		}
		for _, want := range []int{b.conn.Describe().Reads(c[0], c[1]), b.conn.Describe().Reads(c[0], c[1]) - 3} {
			before := b.calls()
			s, err := b.conn.Read(t.Context())
			if err != nil || !s.Complete() {
				t.Fatal(err, s.Health)
			}
			if n := b.calls() - before; n != want {
				t.Errorf("%v: %d calls, want %d", c, n, want)
			}
		}
		if c[0] < 7 {
			continue
		}
		for _, n := range []int{1, len(ids)} {
			before, want := b.calls(), min(n, (len(ids)+pageSize-1)/pageSize)
			if _, err := b.conn.Lookup(t.Context(), directory.User, ids[:n]); err != nil || b.calls()-before != want {
				t.Errorf("%d of %d users looked up by %d calls, want %d: %v", n, len(ids), b.calls()-before, want, err)
			}
		}
	}
}
