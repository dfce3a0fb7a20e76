package scimserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// faulty is a record that counts its readers, breaks and hangs.
type faulty struct {
	*store.Store

	mu    sync.Mutex
	calls int
	down  bool
	hang  chan struct{}
}

func (f *faulty) arrive(ctx context.Context) error {
	f.mu.Lock()
	f.calls++
	down, hang := f.down, f.hang
	f.hang = nil
	f.mu.Unlock()
	if hang != nil {
		close(hang)
		<-ctx.Done()
		return fault.Wrap(fault.Unavailable, ctx.Err(), "given up / 已放弃")
	}
	if down {
		return fault.New(fault.Unavailable, "the record cannot be read or written now / 数据库暂时无法读写")
	}
	return nil
}

func (f *faulty) ShelfState(ctx context.Context, system string) (shelf.State, error) {
	if err := f.arrive(ctx); err != nil {
		return shelf.State{}, err
	}
	return f.Store.ShelfState(ctx, system)
}

func (f *faulty) ShelfItem(ctx context.Context, ref shelf.Ref) (shelf.Item, error) {
	if err := f.arrive(ctx); err != nil {
		return shelf.Item{}, err
	}
	return f.Store.ShelfItem(ctx, ref)
}

func (f *faulty) ShelfItems(ctx context.Context, q shelf.Query) ([]shelf.Item, error) {
	if err := f.arrive(ctx); err != nil {
		return nil, err
	}
	return f.Store.ShelfItems(ctx, q)
}

func (f *faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func seedUser(t *testing.T, w *world, u connectortest.User) directory.ID {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"userName": u.ID, "displayName": u.Name, "active": !u.Disabled, "title": u.Title,
		"emails":       []any{map[string]any{"type": "work", "value": u.Email, "primary": true}},
		"phoneNumbers": []any{map[string]any{"type": "mobile", "value": u.Mobile}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := w.add(t, "/Users", string(body))
	for _, d := range u.Departments {
		if r := w.patch(t, "/Groups/"+string(d), fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, id)); r.Code != http.StatusOK {
			t.Fatalf("add to %s: %s", d, r.Body)
		}
	}
	return directory.ID(id)
}

func seedDepartment(t *testing.T, w *world, d connectortest.Department) directory.ID {
	t.Helper()
	group := map[string]any{"displayName": d.Name, "externalId": "x" + d.ID}
	if d.Parent != "" {
		group["urn:rollcall:params:scim:schemas:extension:2.0:Department"] = map[string]any{"parent": map[string]any{"value": string(d.Parent)}}
	}
	body, err := json.Marshal(group)
	if err != nil {
		t.Fatal(err)
	}
	return directory.ID(w.add(t, "/Groups", string(body)))
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const source, ours = "a provider pushes; this is a source only", "what is read is our own record, in our own transactions"
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		f := &faulty{}
		w := open(t, func(o *scimserver.Options) {
			f.Store, _ = o.Shelf.(*store.Store)
			o.Shelf, o.Contents = f, scimserver.Full
		})
		// The suite's missing ones: here, deleted by the provider.
		bury(t.Context(), t, w.shelf, shelf.User, "u99999")
		bury(t.Context(), t, w.shelf, shelf.Group, "99999")
		return connectortest.Harness{
			Connector: w.Server, Page: 2, Secrets: []string{token},
			SeedUser:       func(u connectortest.User) directory.ID { return seedUser(t, w, u) },
			SeedDepartment: func(d connectortest.Department) directory.ID { return seedDepartment(t, w, d) },
			Stored: func(key directory.Key) (connectortest.Stored, bool) {
				groups := w.must(t, http.StatusOK, http.MethodGet, `/Groups?filter=members%20eq%20%22`+string(key.ID)+`%22`, "")
				var in []directory.ID
				for _, g := range groups.json["Resources"].([]any) {
					in = append(in, directory.ID(g.(map[string]any)["id"].(string)))
				}
				slices.Sort(in)
				return connectortest.Stored{Active: true, Departments: in}, true
			},
			Calls: func() (n int) {
				f.set(func() { n = f.calls })
				return n
			},
			Advance: w.clock.pass,
			Down:    func() { f.set(func() { f.down = true }) },
			HangRead: func() <-chan struct{} {
				arrived := make(chan struct{})
				f.set(func() { f.hang = arrived })
				return arrived
			},
			Without: map[string]string{
				"NewUser": source, "NewDepartment": source, "Effects": source, "HangWrite": source, "CutAfterEffect": source,
				"CutBeforeEffect": source, "LimitWrite": source, "TokenCalls": source, "ExpireToken": source, "WrongCredentials": source,
				"RateLimit": ours, "FailPage": ours, "TruncatePage": ours, "HidePermission": ours, "HideObject": ours,
				"Refusals": source,
			},
		}
	})
}

// TestUnknownIsUnsure: what was never pushed is not gone. The record may be a new
// one, while the links are old.
func TestUnknownIsUnsure(t *testing.T) {
	t.Parallel()
	w := open(t, func(o *scimserver.Options) { o.Contents = scimserver.Full })
	id := w.add(t, "/Users", `{"userName":"a"}`)
	w.must(t, http.StatusNoContent, http.MethodDelete, "/Users/"+id, "")
	seen, err := w.Lookup(t.Context(), directory.User, []directory.ID{directory.ID(id), "never", ""})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Gone, connector.Unsure, connector.Unsure} {
		if seen[i].Presence != want || want == connector.Unsure && !strings.Contains(seen[i].Why, " / ") {
			t.Errorf("%d: %+v", i, seen[i])
		}
	}
	// The same id as a group was never pushed.
	seen, err = w.Lookup(t.Context(), directory.Department, []directory.ID{directory.ID(id)})
	if err != nil || seen[0].Presence != connector.Unsure {
		t.Errorf("a user's id as a department: %+v, %v", seen, err)
	}
}

func TestCompleteness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		contents string
		pushed   bool
		pass     time.Duration
		complete bool
		hidden   bool // departments
		why      string
	}{
		{scimserver.Auto, false, 9 * time.Hour, false, false, "nothing has been pushed"},
		{scimserver.Full, false, 9 * time.Hour, false, false, "nothing has been pushed"},
		{scimserver.Auto, true, 0, false, true, "first push"},
		{scimserver.Auto, true, 59 * time.Minute, false, true, "首次推送"},
		{scimserver.Auto, true, 61 * time.Minute, true, false, ""},
		{scimserver.Full, true, 0, true, false, ""},
		{scimserver.Partial, true, 0, false, true, "partial"},
		{scimserver.Partial, true, 9 * time.Hour, false, false, "partial"},
	} {
		w := open(t, func(o *scimserver.Options) { o.Contents = tt.contents })
		var id string
		if tt.pushed {
			w.add(t, "/Groups", `{"displayName":"研发部"}`)
			id = w.add(t, "/Users", `{"userName":"a"}`)
		}
		w.clock.pass(tt.pass)
		snap, err := w.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if snap.Complete() != tt.complete || !strings.Contains(snap.Health.PartialFor, tt.why) {
			t.Errorf("%s, pushed %v, after %v: %q", tt.contents, tt.pushed, tt.pass, snap.Health.PartialFor)
		}
		if !tt.pushed {
			continue
		}
		o, _ := snap.Get(directory.Key{Kind: directory.User, ID: directory.ID(id)})
		if got := o.Attributes["departments"].Type() == directory.Unknown; got != tt.hidden {
			t.Errorf("%s after %v: departments hidden %v", tt.contents, tt.pass, got)
		}
	}
}

// TestDepartmentsAreUnknownWithoutGroups: a provider may push its groups days after
// its users. That nobody is in one then says nothing.
func TestDepartmentsAreUnknownWithoutGroups(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	id := directory.ID(w.add(t, "/Users", `{"userName":"a"}`))
	w.clock.pass(2 * time.Hour)
	group := ""
	for i, want := range []directory.Type{directory.Unknown, directory.Refs, directory.Refs} {
		snap, err := w.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed, _ := snap.Get(directory.Key{Kind: directory.User, ID: id})
		seen, err := w.Lookup(t.Context(), directory.User, []directory.ID{id})
		if err != nil {
			t.Fatal(err)
		}
		if got, asked := listed.Attributes["departments"].Type(), seen[0].Object.Attributes["departments"].Type(); got != want || asked != want {
			t.Errorf("departments are of type %v, asked for %v, want %v", got, asked, want)
		}
		switch i {
		case 0:
			group = w.add(t, "/Groups", `{"displayName":"研发部"}`)
		case 1: // the last one: nobody is in any, for certain
			w.must(t, http.StatusNoContent, http.MethodDelete, "/Groups/"+group, "")
		}
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	w := open(t, func(o *scimserver.Options) {
		o.Contents = scimserver.Full
		o.Attributes = []scimserver.Attribute{
			{Name: "badge", Path: "urn:corp:2.0:User:badge", Type: directory.Text},
			{Name: "grade", Path: "grade", Type: directory.Int},
			{Name: "hiredate", Path: "urn:corp:2.0:User:hired", Type: directory.Date},
			{Name: "private_mail", Path: `emails[type eq "home"].value`, Type: directory.Text},
			{Name: "middle", Path: "name.middleName", Type: directory.Text},
			{Name: "remote", Path: "urn:corp:2.0:User:remote", Type: directory.Date},
		}
	})
	boss := w.add(t, "/Users", `{"userName":"boss","externalId":"00uBOSS","name":{"familyName":"林","givenName":"晨"}}`)
	research := w.add(t, "/Groups", `{"displayName":"研发部","externalId":"g-rd"}`)
	team := w.add(t, "/Groups", `{"displayName":"平台组","urn:rollcall:params:scim:schemas:extension:2.0:Department":
		{"parent":"g-rd","order":"3","leader":{"value":"00uBOSS"}}}`)
	lost := w.add(t, "/Groups", `{"displayName":"迷路","urn:rollcall:params:scim:schemas:extension:2.0:Department":{"parent":"nowhere"}}`)
	id := w.add(t, "/Users", `{"userName":"Zhang.San@corp.example","externalId":"00u1","active":"False","displayName":"张三","locale":"zh-CN",
		"name":{"familyName":"张","givenName":"三","middleName":"m"},"title":"工程师","nickName":"三儿","grade":"7",
		"emails":[{"type":"home","value":"z@home.example"},{"type":"work","value":"z@corp.example"}],
		"phoneNumbers":[{"type":"work","value":"010-1"},{"type":"mobile","value":"13800000001"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":701,"department":"研发部","manager":"00uBOSS","costCenter":"C1"},
		"urn:corp:2.0:User":{"badge":"B7","hired":"2020-03-01","remote":"maybe","unknown":1}}`)
	for _, g := range []string{team, research} {
		if r := w.patch(t, "/Groups/"+g, `{"op":"add","path":"members","value":"`+id+`"}`); r.Code != http.StatusOK {
			t.Fatal(r.Body)
		}
	}
	snap, err := w.Read(t.Context())
	if err != nil || !snap.Complete() {
		t.Fatal(err, snap.Health.PartialFor)
	}
	o, _ := snap.Get(directory.Key{Kind: directory.User, ID: directory.ID(id)})
	if o.Active || o.Value("active").String() != "false" {
		t.Error("the suspended user is active")
	}
	for name, want := range map[string]string{
		"id": id, "userName": "Zhang.San@corp.example", "externalId": "00u1", "name": "张三", "givenName": "三", "familyName": "张",
		"email": "z@corp.example", "mobile": "13800000001", "telephone": "010-1", "title": "工程师", "employee_no": "701", "nickName": "三儿",
		"manager": "user:" + boss, "departments": "department:" + research + ", department:" + team, "department": "研发部", "costCenter": "C1",
		"division": "", "locale": "zh-CN", "badge": "B7", "grade": "7", "hiredate": "2020-03-01", "private_mail": "z@home.example", "middle": "m", "remote": "?",
	} {
		if got := o.Attributes[name]; got.String() != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(snap.Health.Problems) != 1 || !strings.Contains(snap.Health.Problems[0].Say, "remote") {
		t.Errorf("problems %+v", snap.Health.Problems)
	}
	if b, _ := snap.Get(directory.Key{Kind: directory.User, ID: directory.ID(boss)}); b.Name() != "林晨" || !b.Active {
		t.Errorf("the boss is %+v", b)
	}
	d, _ := snap.Get(directory.Key{Kind: directory.Department, ID: directory.ID(team)})
	for name, want := range map[string]string{"name": "平台组", "parent": "department:" + research, "order": "3", "leader": "user:" + boss} {
		if got := d.Attributes[name].String(); got != want {
			t.Errorf("department: %s is %q, want %q", name, got, want)
		}
	}
	if d, _ := snap.Get(directory.Key{Kind: directory.Department, ID: directory.ID(lost)}); d.Attributes["parent"].Type() != directory.Unknown {
		t.Errorf("a parent that leads nowhere is %q, not unknown", d.Attributes["parent"])
	}
	seen, err := w.Lookup(t.Context(), directory.User, []directory.ID{directory.ID(id)})
	if err != nil || seen[0].Object.Digest() != o.Digest() {
		t.Errorf("looked up: %+v, %v", seen, err)
	}
	seen, err = w.Lookup(t.Context(), directory.Department, []directory.ID{directory.ID(team)})
	if err != nil || seen[0].Object.Digest() != d.Digest() {
		t.Errorf("the department looked up: %+v, %v", seen, err)
	}
}
