package scim_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// ways are the forms in which a user is written.
func ways() map[string]func(*scimsim.Options, *scim.Options) {
	return map[string]func(*scimsim.Options, *scim.Options){
		"standard": func(*scimsim.Options, *scim.Options) {},
		"okta":     func(_ *scimsim.Options, o *scim.Options) { o.Dialect = scim.Okta },
		"entra":    func(s *scimsim.Options, o *scim.Options) { o.Dialect, s.Lenient = scim.Entra, true },
		"put":      func(s *scimsim.Options, o *scim.Options) { s.NoPatch, o.Departments = true, scim.NoGroups },
	}
}

// elements gives a list of a stored user.
func (b *bench) elements(id, name string) []map[string]any {
	b.t.Helper()
	u, _ := b.User(id)
	list, _ := u[name].([]any)
	var out []map[string]any
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, m)
	}
	return out
}

// TestElementKeepsTheRest checks that to clear one part of an address leaves its
// other parts.
func TestElementKeepsTheRest(t *testing.T) {
	t.Parallel()
	for name, adjust := range ways() {
		b := newBench(t, adjust, func(_ *scimsim.Options, o *scim.Options) {
			o.Attributes = []scim.Attribute{{Name: "city", Path: `addresses[type eq "work"].locality`, Type: directory.Text}}
		})
		id, err := b.AddUser(scimsim.Resource{"schemas": []any{scimsim.SchemaUser}, "userName": "zs", "active": true, "addresses": []any{
			map[string]any{"type": "work", "locality": "上海", "streetAddress": "南京路 1 号"},
			map[string]any{"type": "home", "locality": "苏州"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, id), After: directory.Attributes{"city": text("")}})
		got := b.elements(id, "addresses")
		if len(got) != 2 || got[0]["streetAddress"] != "南京路 1 号" || got[0]["locality"] != nil || got[1]["locality"] != "苏州" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestOtherElementsStay checks that of two numbers of one type only the one that we
// show is written.
func TestOtherElementsStay(t *testing.T) {
	t.Parallel()
	for name, adjust := range ways() {
		for wish, want := range map[string][]any{"8003": {"8003", "8002"}, "": {"8002"}} {
			b := newBench(t, adjust)
			id, err := b.AddUser(scimsim.Resource{"schemas": []any{scimsim.SchemaUser}, "userName": "zs", "active": true, "phoneNumbers": []any{
				map[string]any{"type": "work", "value": "8001"}, map[string]any{"type": "work", "value": "8002"},
			}})
			if err != nil {
				t.Fatal(err)
			}
			do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, id), After: directory.Attributes{"telephone": text(wish)}})
			got := b.elements(id, "phoneNumbers")
			same := len(got) == len(want)
			for i := range min(len(got), len(want)) {
				same = same && got[i]["value"] == want[i]
			}
			if !same {
				t.Errorf("%s: %q gives %v, want %v", name, wish, got, want)
			}
		}
	}
}

// TestForeignElementNotCleared checks that an address of another type, which is
// shown where there is none of ours, is not said to be cleared.
func TestForeignElementNotCleared(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, err := b.AddUser(scimsim.Resource{"schemas": []any{scimsim.SchemaUser}, "userName": "zs", "emails": []any{
		map[string]any{"type": "home", "value": "h@x.example"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := connector.Write{Op: plan.Update, Key: key(directory.User, id), After: directory.Attributes{"email": text("")}}
	if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "email") {
		t.Error(err)
	}
	if n := len(b.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

// TestDeleteConfirmed checks that a 404 to a DELETE is no success while the object
// is there, or while nothing shows that a SCIM service has said it.
func TestDeleteConfirmed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.seedUser(person("a"))
	d := b.seedDepartment(connectortest.Department{Name: "甲"})
	for _, k := range []directory.Key{key(directory.User, string(id)), key(directory.Department, string(d))} {
		b.Inject(scimsim.Fault{Op: "DELETE Users/", Status: 404})
		b.Inject(scimsim.Fault{Op: "DELETE Groups/", Status: 404})
		if _, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: k}); fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s: %v", k, err)
		}
	}
	do(t, b.conn, connector.Write{Op: plan.Delete, Key: key(directory.User, "nobody")})
	c := connect(t, stub{"/Users": "404|<html>"})
	if _, err := c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.User, "a")}); err == nil {
		t.Error("the 404 of a gateway passes for a deletion")
	}
}

// TestMembersNotListed checks that groups whose members a service shows only one by
// one do not make everybody a member of none.
func TestMembersNotListed(t *testing.T) {
	t.Parallel()
	const groups = `{"totalResults":2,"Resources":[{"id":"g","displayName":"甲"},{"id":"h","displayName":"乙"}]}`
	for name, c := range map[string]struct {
		single string
		hidden bool
	}{
		"shown one by one": {`{"id":"h","displayName":"乙","members":[{"value":"a"}]}`, true},
		"really empty":     {`{"id":"h","displayName":"乙","members":[]}`, false},
		"not to be asked":  {`403|{}`, true},
	} {
		conn := connect(t, stub{
			"/Users/a": `{"id":"a","userName":"amy","active":true}`, "/Users/b": `{"id":"b","userName":"bob","active":true}`,
			"/Groups": groups, "/Groups/g": `{"id":"g","displayName":"甲"}`, "/Groups/h": c.single,
		})
		s, err := conn.Read(t.Context())
		if err != nil || !s.Complete() {
			t.Fatal(err, s)
		}
		for _, k := range []string{"a", "b"} {
			o, _ := s.Get(key(directory.User, k))
			if unknown := o.Attributes["groups"].Type() == directory.Unknown; unknown != c.hidden {
				t.Errorf("%s: the groups of %s are %s %q", name, k, o.Attributes["groups"].Type(), o.Attributes["groups"])
			}
			if seen := see(t, conn, key(directory.User, k)); seen.Digest() != o.Digest() {
				t.Errorf("%s: read %v, looked up %v", name, o, seen)
			}
		}
	}
}

// TestTotalOfOnePage checks that a service which gives the size of the page for the
// number of all is found out, and that one which does not page at all is believed.
func TestTotalOfOnePage(t *testing.T) {
	t.Parallel()
	two := `{"totalResults":2,"Resources":[{"id":"a"},{"id":"b"}]}`
	for name, c := range map[string]struct {
		stub stub
		part string
	}{
		"the page":          {stub{"/Users?count=2&startIndex=1": two, "/Users?count=2&startIndex=3": `{"totalResults":1,"Resources":[{"id":"c"}]}`}, "page_size"},
		"the end":           {stub{"/Users?count=2&startIndex=1": two, "/Users?count=2&startIndex=3": `{"totalResults":2,"Resources":[]}`}, ""},
		"the end, with 400": {stub{"/Users?count=2&startIndex=1": two, "/Users?count=2&startIndex=3": `400|{}`}, ""},
		"no pages":          {stub{"/Users": two}, ""},
	} {
		s, err := connect(t, c.stub).Read(t.Context())
		if err != nil {
			t.Fatal(name, err)
		}
		if got := s.Health.PartialFor; (got == "") != (c.part == "") || !strings.Contains(got, c.part) {
			t.Errorf("%s: partial for %q, want %q", name, got, c.part)
		}
	}
}

// TestEndlessRubbish checks that a listing of rows that say nothing comes to an end.
func TestEndlessRubbish(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s, err := connect(t, stub{"/Users": `{"Resources":[7,{"id":"a"}]}`}).Read(ctx)
	if err != nil || s.Complete() {
		t.Errorf("%v", err)
	}
}

// TestNobodyListed checks that a service which shows nobody at all, as one does to a
// token that may see nobody, proves nobody gone.
func TestNobodyListed(t *testing.T) {
	t.Parallel()
	c := connect(t, stub{"/Users": `{"totalResults":0,"Resources":[]}`})
	seen, err := c.Lookup(t.Context(), directory.User, []directory.ID{"a"})
	if err != nil || seen[0].Presence != connector.Unsure || !strings.Contains(seen[0].Why, " / ") {
		t.Errorf("%v %+v", err, seen)
	}
}

// TestUnseenByDefault checks that an attribute without mutability counts as one that
// we could clear (RFC 7643 §7), in whatever schema.
func TestUnseenByDefault(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{scimsim.SchemaUser, "urn:x:2.0:Own"} {
		c := connect(t, stub{
			"/ServiceProviderConfig": `{"patch":{"supported":false}}`,
			"/Schemas": `{"totalResults":2,"Resources":[{"id":"` + scimsim.SchemaUser + `","attributes":[{"name":"userName"},{"name":"title"}]},{"id":"` +
				schema + `","attributes":[{"name":"title"},{"name":"badge","returned":"request"}]}]}`,
			"/Users/a": `{"id":"a","userName":"amy"}`,
		})
		_, err := c.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "a"), After: directory.Attributes{"title": text("x")}})
		if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.Say(err), "badge") {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

// TestGroupsWithoutPatch checks that a service which cannot PATCH groups is not
// taken for one that cannot PATCH users: these would be written whole.
func TestGroupsWithoutPatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, d := b.seedUser(person("a")), b.seedDepartment(connectortest.Department{Name: "甲"})
	b.Inject(scimsim.Fault{Op: "PATCH Groups/", Status: 501, Times: -1})
	w := connector.Write{Op: plan.Update, Key: key(directory.User, string(id)), After: directory.Attributes{"groups": directory.RefsToKind(directory.Department, d)}}
	if _, err := b.conn.Apply(t.Context(), w); fault.KindOf(err) != fault.Unsupported {
		t.Error(err)
	}
	do(t, b.conn, connector.Write{Op: plan.Update, Key: key(directory.User, string(id)), After: directory.Attributes{"title": text("总监")}})
	for _, r := range b.Requests() {
		if strings.HasPrefix(r.Line, http.MethodPut) {
			t.Errorf("the user was written whole: %s", r.Line)
		}
	}
}

// TestTooManyCalls checks that 429 means to slow down, whatever else is said.
func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Inject(scimsim.Fault{Op: "GET Users", Status: 429, ScimType: "tooMany"})
	if s, err := b.conn.Read(t.Context()); err != nil || !s.Complete() {
		t.Errorf("a read was not repeated: %v", err)
	}
}

// TestLoopbackByName checks that a name which only looks like this machine's address
// gets no token in the clear.
func TestLoopbackByName(t *testing.T) {
	t.Parallel()
	for host, ok := range map[string]bool{"127.0.0.1": true, "127.9.9.9": true, "[::1]": true, "localhost": true, "127.evil.example": false, "10.0.0.1": false} {
		if _, err := scim.New(options("http://" + host + ":8080/v2")); (err == nil) != ok {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestTwoUserTypes checks that of two resource types of one schema the one of the
// RFC's name is read.
func TestTwoUserTypes(t *testing.T) {
	t.Parallel()
	c := connect(t, stub{
		"/ResourceTypes": `{"totalResults":2,"Resources":[{"id":"User","name":"User","endpoint":"/Users","schema":"` + scimsim.SchemaUser +
			`"},{"id":"Robot","name":"Robot","endpoint":"/Robots","schema":"` + scimsim.SchemaUser + `"}]}`,
		"/Robots": `{"totalResults":0}`,
	})
	s, err := c.Read(t.Context())
	if err != nil || s.Len(directory.User) != 2 {
		t.Errorf("%v, %d users", err, s.Len(directory.User))
	}
}

// TestLargeAnswer checks that an answer beyond all measure says what to do, and is
// not asked for again.
func TestLargeAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/Users" {
			stub{}.ServeHTTP(w, r)
			return
		}
		asked.Add(1)
		_, _ = io.CopyN(w, blanks{}, 64<<20+1) // a client that is gone is its own affair
	}))
	if _, err := c.Read(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "page_size") || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// blanks is an endless text.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
