package wecom_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

func key(kind directory.Kind, id directory.ID) directory.Key {
	return directory.Key{Kind: kind, ID: id}
}

// TestBodies checks what goes over the wire, byte by byte: nothing but what the
// change names, and no \uXXXX.
func TestBodies(t *testing.T) {
	t.Parallel()
	amy, d12 := key(directory.User, "amy"), key(directory.Department, "12")
	for name, c := range map[string]struct {
		w    connector.Write
		want string
	}{
		"create": {
			connector.Write{Op: plan.Create, Key: key(directory.User, "dan"), After: directory.Attributes{
				"userid": directory.TextOf("dan"), "name": directory.TextOf("R&D <丹>\u2028\x07"), "mobile": directory.TextOf("+86 13900000000"),
				"email": directory.TextOf(""), "alias": directory.Hidden("x"), "position": {},
				"direct_leader": directory.RefsTo(), "extattr.工号": directory.TextOf("7"),
			}},
			`{"department":[1],"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":"7"}}]},"main_department":1,"mobile":"+8613900000000","name":"R&D <丹>","to_invite":false,"userid":"dan"}`,
		},
		"create by number": {
			connector.Write{Op: plan.Create, Key: key(directory.User, ""), After: directory.Attributes{
				"userid": directory.IntOf(1007), "name": directory.TextOf("丹"), "mobile": directory.TextOf("13900000000"),
				"department": directory.RefsToKind(directory.Department, "12", "10"), "active": directory.BoolOf(false),
			}},
			`{"department":[12,10],"enable":0,"main_department":12,"mobile":"13900000000","name":"丹","to_invite":false,"userid":"1007"}`,
		},
		"update": {
			connector.Write{Op: plan.Update, Key: amy, After: directory.Attributes{"position": directory.TextOf("主管")}},
			`{"position":"主管","userid":"amy"}`,
		},
		"clear": {
			connector.Write{Op: plan.Update, Key: amy, After: directory.Attributes{
				"alias": directory.TextOf(""), "telephone": {}, "extattr.工号": {}, "direct_leader": {}, "department": {}, "userid": directory.TextOf("AMY"),
			}},
			`{"alias":"","department":[1],"direct_leader":[],"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":""}}]},"main_department":1,"telephone":"","userid":"amy"}`,
		},
		"leader": {
			connector.Write{Op: plan.Update, Key: amy, After: directory.Attributes{"direct_leader": directory.RefsToKind(directory.User, "bob")}},
			`{"direct_leader":["bob"],"userid":"amy"}`,
		},
		"disable": {connector.Write{Op: plan.Disable, Key: amy}, `{"enable":0,"userid":"amy"}`},
		"enable": {
			connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: directory.Attributes{"active": directory.BoolOf(true)}},
			`{"enable":1,"userid":"bob"}`,
		},
		"delete":            {connector.Write{Op: plan.Delete, Key: amy}, ""},
		"create department": {connector.Write{Op: plan.Create, Key: key(directory.Department, ""), After: directory.Attributes{"name": directory.TextOf("人事 & 行政")}}, `{"name":"人事 & 行政","parentid":1}`},
		"create department by id": {connector.Write{Op: plan.Create, Key: key(directory.Department, "77"), After: directory.Attributes{
			"id": directory.TextOf("77"), "name": directory.TextOf("组"), "parent": directory.RefsToKind(directory.Department, "10"), "order": directory.IntOf(3),
		}}, `{"id":77,"name":"组","order":3,"parentid":10}`},
		"move department":   {connector.Write{Op: plan.Update, Key: d12, After: directory.Attributes{"parent": directory.RefsToKind(directory.Department, "10")}}, `{"id":12,"parentid":10}`},
		"rename department": {connector.Write{Op: plan.Update, Key: d12, After: directory.Attributes{"name": directory.TextOf("营销"), "order": {}}}, `{"id":12,"name":"营销"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, true)
			staff(t, b)
			got, err := b.conn.Apply(t.Context(), c.w)
			if err != nil {
				t.Fatal(err)
			}
			effects := b.Effects()
			if len(effects) != 1 || effects[0].Detail != c.want {
				t.Fatalf("effects %+v, want body %s", effects, c.want)
			}
			if string(got.ID) != effects[0].ID || got.Kind != c.w.Key.Kind {
				t.Errorf("key %s, effect on %s", got, effects[0].ID)
			}
			if len(b.UnknownFields()) > 0 || len(b.Invitations()) > 0 {
				t.Errorf("unknown fields %v, invitations %v", b.UnknownFields(), b.Invitations())
			}
		})
	}
}

// TestRefusedBeforeTheCall checks what is wrong without asking the vendor.
func TestRefusedBeforeTheCall(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	amy := key(directory.User, "amy")
	one := func(name string, v directory.Value) directory.Attributes { return directory.Attributes{name: v} }
	for name, c := range map[string]struct {
		w    connector.Write
		kind fault.Kind
	}{
		"no userid":           {connector.Write{Op: plan.Create, Key: key(directory.User, "")}, fault.Invalid},
		"another userid":      {connector.Write{Op: plan.Update, Key: amy, After: one("userid", directory.TextOf("bob"))}, fault.Invalid},
		"standard name":       {connector.Write{Op: plan.Update, Key: amy, After: one("title", directory.TextOf("x"))}, fault.Invalid},
		"unknown custom":      {connector.Write{Op: plan.Update, Key: amy, After: one("extattr.星座", directory.TextOf("x"))}, fault.Invalid},
		"disable by update":   {connector.Write{Op: plan.Update, Key: amy, After: one("active", directory.BoolOf(false))}, fault.Invalid},
		"gender":              {connector.Write{Op: plan.Update, Key: amy, After: one("gender", directory.TextOf("男"))}, fault.Invalid},
		"department as text":  {connector.Write{Op: plan.Update, Key: amy, After: one("department", directory.TextOf("研发"))}, fault.Invalid},
		"pending department":  {connector.Write{Op: plan.Update, Key: amy, After: one("department", directory.RefsTo(directory.Ref{Key: key(directory.Department, "10"), Pending: true}))}, fault.Invalid},
		"leader is no user":   {connector.Write{Op: plan.Update, Key: amy, After: one("direct_leader", directory.RefsToKind(directory.Department, "10"))}, fault.Invalid},
		"no key":              {connector.Write{Op: plan.Delete, Key: key(directory.User, "")}, fault.Invalid},
		"adopt":               {connector.Write{Op: plan.Adopt, Key: amy}, fault.Unsupported},
		"disable department":  {connector.Write{Op: plan.Disable, Key: key(directory.Department, "10")}, fault.Unsupported},
		"delete the root":     {connector.Write{Op: plan.Delete, Key: key(directory.Department, "1")}, fault.Denied},
		"department id":       {connector.Write{Op: plan.Create, Key: key(directory.Department, ""), After: one("id", directory.TextOf("abc"))}, fault.Invalid},
		"department order":    {connector.Write{Op: plan.Update, Key: key(directory.Department, "10"), After: one("order", directory.TextOf("first"))}, fault.Invalid},
		"unknown of it":       {connector.Write{Op: plan.Update, Key: key(directory.Department, "10"), After: one("leader", directory.TextOf("x"))}, fault.Invalid},
		"strange kind":        {connector.Write{Op: plan.Update, Key: key("group", "1")}, fault.Unsupported},
		"parent is no number": {connector.Write{Op: plan.Update, Key: key(directory.Department, "10"), After: one("parent", directory.RefsToKind(directory.Department, "x"))}, fault.Invalid},
	} {
		if _, err := b.conn.Apply(t.Context(), c.w); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %s", name, err, c.kind)
		}
	}
	for _, w := range []connector.Write{
		{Op: plan.Update, Key: amy, After: one("name", directory.Hidden("x"))},
		{Op: plan.Update, Key: key(directory.Department, "10"), After: one("name", directory.Hidden("x"))},
	} {
		if got, err := b.conn.Apply(t.Context(), w); err != nil || got != w.Key {
			t.Errorf("an update of nothing: %s, %v", got, err)
		}
	}
	if n := b.calls(); n != 0 {
		t.Errorf("%d calls: %v", n, b.Calls())
	}
}

// TestWriteFaults checks the kinds that depend on the call.
func TestWriteFaults(t *testing.T) {
	t.Parallel()
	update := connector.Write{Op: plan.Update, Key: key(directory.User, "amy"), After: directory.Attributes{"department": directory.RefsToKind(directory.Department, "10")}}
	remove := connector.Write{Op: plan.Delete, Key: key(directory.User, "amy")}
	move := connector.Write{Op: plan.Update, Key: key(directory.Department, "10"), After: directory.Attributes{"parent": directory.RefsTo()}}
	for name, c := range map[string]struct {
		w     connector.Write
		fault wecomsim.Fault
		kind  fault.Kind
	}{
		"the member's department is missing":  {update, wecomsim.Fault{Code: 60123}, fault.Invalid},
		"the member is missing":               {update, wecomsim.Fault{Code: 60111}, fault.NotFound},
		"the delete of a missing member":      {remove, wecomsim.Fault{Code: 46004}, ""},
		"the creator":                         {remove, wecomsim.Fault{Code: 301005}, fault.Denied},
		"busy":                                {remove, wecomsim.Fault{Code: -1}, fault.InDoubt},
		"bad gateway":                         {remove, wecomsim.Fault{Status: http.StatusBadGateway}, fault.InDoubt},
		"too many":                            {update, wecomsim.Fault{Status: http.StatusTooManyRequests}, fault.Limited},
		"half an answer":                      {update, wecomsim.Fault{Drop: true, Partial: true}, fault.InDoubt},
		"a proxy's page":                      {update, wecomsim.Fault{Status: http.StatusOK}, fault.InDoubt},
		"a proxy's refusal":                   {update, wecomsim.Fault{Status: http.StatusForbidden}, fault.Invalid},
		"the department is missing":           {move, wecomsim.Fault{Code: 60003}, fault.NotFound},
		"the parent is missing":               {move, wecomsim.Fault{Code: 60124}, fault.Invalid},
		"the department's place is a circle":  {move, wecomsim.Fault{Code: 60010}, fault.Invalid},
		"someone else edits at the same time": {move, wecomsim.Fault{Code: 6000}, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, true)
			staff(t, b)
			b.onWrite(c.fault)
			if _, err := b.conn.Apply(t.Context(), c.w); fault.KindOf(err) != c.kind {
				t.Errorf("%v, want %s", err, c.kind)
			}
			sent := 0
			for path, n := range b.Calls() {
				if slices.Contains(writes, path) {
					sent += n
				}
			}
			if sent != 1 {
				t.Errorf("%d calls for one write: %v", sent, b.Calls())
			}
		})
	}
}

// TestWriteWithExpiredToken checks that a write whose token was refused, which
// happens before any effect, goes out again with a new one, once.
func TestWriteWithExpiredToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	read(t, b)
	b.ExpireTokens()
	before := b.Calls()["gettoken"]
	w := connector.Write{Op: plan.Update, Key: key(directory.User, "amy"), After: directory.Attributes{"name": directory.TextOf("艾")}}
	if _, err := b.conn.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if n := b.Calls()["gettoken"] - before; n != 1 || len(b.Effects()) != 1 {
		t.Errorf("%d token calls, %d effects", n, len(b.Effects()))
	}
	b.Inject(wecomsim.Fault{Path: "user/update", Code: 40014, Times: -1})
	_, err := b.conn.Apply(t.Context(), w)
	if n := b.Calls()["user/update"]; fault.KindOf(err) != fault.Credential || n != 4 {
		t.Errorf("%v after %d updates", err, n)
	}
}

// TestInvite checks that nobody is invited unless it is asked for.
func TestInvite(t *testing.T) {
	t.Parallel()
	b := newBench(t, true, func(_ *wecomsim.Options, o *wecom.Options) { o.Invite = true })
	w := connector.Write{Op: plan.Create, Key: key(directory.User, "dan"), After: directory.Attributes{
		"name": directory.TextOf("丹"), "mobile": directory.TextOf("13900000000"),
	}}
	if _, err := b.conn.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if len(b.Invitations()) != 1 {
		t.Errorf("invitations %v", b.Invitations())
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(b.Effects()[0].Detail), &body); err != nil || body["to_invite"] != true {
		t.Errorf("body %v, %v", body, err)
	}
}
