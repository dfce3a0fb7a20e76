package scim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestRealService tries the connector on scimmy: a strict service that takes
// neither "False" for a boolean nor a bare manager, gives no Location, ignores
// If-Match, finds userName only as it is written, and answers 204 to a PATCH that
// changes nothing.
func TestRealService(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	for _, dialect := range []scim.Dialect{scim.Standard, scim.Okta} {
		t.Run("suite "+string(dialect), func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) connectortest.Harness { return p.guest(t, scim.Groups, dialect).harness() })
		})
		t.Run("groups "+string(dialect), func(t *testing.T) { t.Parallel(); groupsOnPeer(t, p.guest(t, scim.Groups, dialect)) })
	}
	t.Run("life", func(t *testing.T) { t.Parallel(); life(t, p.guest(t, scim.Groups, scim.Standard)) })
	t.Run("another dialect", func(t *testing.T) { t.Parallel(); misunderstood(t, p) })
	t.Run("pages", func(t *testing.T) { t.Parallel(); pagesOnPeer(t, p.guest(t, scim.Groups, scim.Standard)) })
	t.Run("names in another case", func(t *testing.T) { t.Parallel(); caseOnPeer(t, p.guest(t, scim.NoGroups, scim.Standard)) })
}

func text(s string) directory.Value { return directory.TextOf(s) }

func do(t *testing.T, c connector.Target, w connector.Write) directory.Key {
	t.Helper()
	got, err := c.Apply(t.Context(), w)
	if err != nil {
		t.Fatalf("%s %s: %v", w.Op, w.Key, err)
	}
	return got
}

// see looks an object up, which must be there.
func see(t *testing.T, c connector.Source, k directory.Key) directory.Object {
	t.Helper()
	seen, err := c.Lookup(t.Context(), k.Kind, []directory.ID{k.ID})
	if err != nil || seen[0].Presence != connector.Present {
		t.Fatalf("%s: %v %+v", k, err, seen)
	}
	return seen[0].Object
}

func wantValues(t *testing.T, o directory.Object, want directory.Attributes) {
	t.Helper()
	for name, v := range want {
		if got := o.Attributes[name]; !got.Equal(v) {
			t.Errorf("%s is %s %q, want %q", name, got.Type(), got, v)
		}
	}
}

// life takes one account through everything.
func life(t *testing.T, g *guest) {
	boss := do(t, g.conn, connector.Write{Op: plan.Create, Key: key(directory.User, ""), Token: "t-1", After: directory.Attributes{
		"userName": text("boss@corp.example"), "name": text("周总"),
	}})
	after := directory.Attributes{
		"userName": text("zhang.san@corp.example"), "externalId": text("E-0001"), "name": text("张三 𠮷"), "givenName": text("三"), "familyName": text("张"),
		"email": text("zhang.san@corp.example"), "mobile": text("13800000001"), "telephone": text("010-1"), "title": text("工程师"), "employee_no": text("0001"),
		"department": text("研发部"), "division": text("技术"), "organization": text("点名"), "costCenter": text("CC1"),
		"manager": directory.RefsToKind(directory.User, boss.ID), "locale": text("zh-CN"), "preferredLanguage": text("zh"), "timezone": text("Asia/Shanghai"),
		"nickName": text("小张"), "userType": text("正式"), "active": directory.BoolOf(true),
	}
	k := do(t, g.conn, connector.Write{Op: plan.Create, Key: key(directory.User, ""), Token: "t-2", After: after})
	delete(after, "active")
	wantValues(t, see(t, g.conn, k), after)

	if again := do(t, g.conn, connector.Write{Op: plan.Create, Key: key(directory.User, ""), Token: "t-2", After: after}); again != k {
		t.Errorf("the same create gives %s and %s", k, again)
	}
	change := directory.Attributes{
		"name": text("张三丰"), "givenName": text("三丰"), "email": text("z@corp.example"), "mobile": text(""), "telephone": text("010-2"),
		"title": text(""), "department": text(""), "costCenter": text("CC2"), "manager": directory.RefsTo(),
	}
	do(t, g.conn, connector.Write{Op: plan.Update, Key: k, After: change})
	maps.Copy(after, change)
	wantValues(t, see(t, g.conn, k), after)
	do(t, g.conn, connector.Write{Op: plan.Update, Key: k, After: directory.Attributes{"mobile": text("13800000002"), "manager": directory.RefsToKind(directory.User, boss.ID)}})
	after["mobile"], after["manager"] = text("13800000002"), directory.RefsToKind(directory.User, boss.ID)
	wantValues(t, see(t, g.conn, k), after)

	do(t, g.conn, connector.Write{Op: plan.Disable, Key: k})
	if see(t, g.conn, k).Active {
		t.Error("the disabled account is active")
	}
	do(t, g.conn, connector.Write{Op: plan.Update, Key: k, After: directory.Attributes{"active": directory.BoolOf(true)}})
	if !see(t, g.conn, k).Active {
		t.Error("the enabled account is inactive")
	}
	wantValues(t, see(t, g.conn, k), after)
	do(t, g.conn, connector.Write{Op: plan.Delete, Key: k})
	do(t, g.conn, connector.Write{Op: plan.Delete, Key: k})
	seen, err := g.conn.Lookup(t.Context(), directory.User, []directory.ID{k.ID})
	if err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("after the delete: %v %+v", err, seen)
	}
}

// groupsOnPeer moves people between groups and changes the groups; whoever else is
// in a group stays.
func groupsOnPeer(t *testing.T, g *guest) {
	other := g.seedUser(connectortest.User{ID: "other", Name: "别人"})
	a, b := g.seedGroup("甲部", other), g.seedGroup("乙部", other)
	refs := func(ids ...directory.ID) directory.Attributes {
		return directory.Attributes{"groups": directory.RefsToKind(directory.Department, ids...)}
	}
	after := refs(a)
	after["userName"] = text("mover")
	k := do(t, g.conn, connector.Write{Op: plan.Create, Key: key(directory.User, ""), Token: "t-1", After: after})
	for _, want := range [][]directory.ID{{a}, {b}, {a, b}, {}, {b}} {
		do(t, g.conn, connector.Write{Op: plan.Update, Key: k, After: refs(want...)})
		slices.Sort(want)
		wantValues(t, see(t, g.conn, k), refs(want...))
		both := []directory.ID{a, b}
		slices.Sort(both)
		wantValues(t, see(t, g.conn, key(directory.User, string(other))), refs(both...))
	}
	s, err := g.conn.Read(t.Context()) // after it, users are believed about their groups
	if err != nil || !s.Complete() || s.Len(directory.Department) != 2 {
		t.Fatalf("%v %+v", err, s)
	}
	do(t, g.conn, connector.Write{Op: plan.Update, Key: k, After: refs(a)})
	wantValues(t, see(t, g.conn, k), refs(a))

	d := do(t, g.conn, connector.Write{Op: plan.Create, Key: key(directory.Department, ""), Token: "t-2", After: directory.Attributes{"name": text("丙部"), "externalId": text("D3")}})
	do(t, g.conn, connector.Write{Op: plan.Update, Key: d, After: directory.Attributes{"name": text("丙部（新）")}})
	wantValues(t, see(t, g.conn, d), directory.Attributes{"name": text("丙部（新）"), "externalId": text("D3")})
	if _, err := g.conn.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.Department, string(a))}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the delete of a group with members: %v", err)
	}
	do(t, g.conn, connector.Write{Op: plan.Delete, Key: d})
}

func pagesOnPeer(t *testing.T, g *guest) {
	var all []directory.ID
	for i := range 23 {
		all = append(all, g.seedUser(connectortest.User{ID: fmt.Sprintf("user%02d", i), Name: fmt.Sprintf("员工 %d", i)}))
	}
	for i := range 7 {
		g.seedGroup(fmt.Sprintf("部门 %d", i), all[i:i+3]...)
	}
	s, err := g.conn.Read(t.Context())
	if err != nil || !s.Complete() || s.Len(directory.User) != 23 || s.Len(directory.Department) != 7 {
		t.Fatalf("%v %+v", err, s.Health)
	}
	if want := g.conn.Describe().Reads(23, 7); g.seen != want {
		t.Errorf("%d calls, Reads says %d", g.seen, want)
	}
	o, _ := s.Get(key(directory.User, string(all[3])))
	if n := len(o.Attributes["groups"].Refs()); n != 3 {
		t.Errorf("in %d groups, want 3", n)
	}
}

// caseOnPeer creates somebody whose name is taken in another case, which the
// service's filter does not find.
func caseOnPeer(t *testing.T, g *guest) {
	id := g.seedUser(connectortest.User{ID: "zhang.san", Name: "张三"})
	_, err := g.conn.Apply(t.Context(), connector.Write{Op: plan.Create, Key: key(directory.User, ""), Token: "t", After: directory.Attributes{"userName": text("Zhang.San")}})
	if fault.KindOf(err) != fault.Conflict || g.effects() != 0 {
		t.Errorf("%v, %d effects", err, g.effects())
	}
	if s, ok := g.stored(key(directory.User, string(id))); !ok || s.Name != "张三" {
		t.Errorf("the account is now %+v", s)
	}
}

// misunderstood writes in dialects that the service was not built for: it refuses
// "False", and takes a replace of a list without a path for an add. Both are said.
func misunderstood(t *testing.T, p *peer) {
	entra, okta := p.guest(t, scim.NoGroups, scim.Entra), p.guest(t, scim.NoGroups, scim.Okta)
	k := key(directory.User, string(entra.seedUser(connectortest.User{ID: "a", Name: "甲", Email: "a@corp.example", Mobile: "1"})))
	_, err := entra.conn.Apply(t.Context(), connector.Write{Op: plan.Disable, Key: k})
	if s, _ := entra.stored(k); fault.KindOf(err) != fault.Invalid || !s.Active {
		t.Errorf("%v, %+v", err, s)
	}
	k = key(directory.User, string(okta.seedUser(connectortest.User{ID: "a", Name: "甲", Email: "a@corp.example", Mobile: "1"})))
	_, err = okta.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: k, After: directory.Attributes{"email": text("b@corp.example")}})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "dialect") {
		t.Errorf("%v", err)
	}
}
