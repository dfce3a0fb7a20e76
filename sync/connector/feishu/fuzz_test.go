package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func fuzzDecoder(f *testing.F) *decoder {
	f.Helper()
	c, err := New(Options{
		AppID: "a", AppSecret: "s", CustomAttributes: []string{"C-1", "C-2:user"}, Leads: true, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		f.Fatal(err)
	}
	return &decoder{c: c, grant: &grants{c: c, asked: true}, lead: newLeadership(), defs: definitions{known: true, fields: map[string]definition{
		"C-1": {kind: kindEnum, options: []option{{"o1", "甲"}}}, "C-2": {kind: kindUser},
	}}}
}

// FuzzUser: whatever comes, a decoded person has an id, every attribute that is
// described with its type or unknown, and survives the snapshot's codec.
func FuzzUser(f *testing.F) {
	d := fuzzDecoder(f)
	f.Add([]byte(`{"user_id":"u1","open_id":"ou_1","name":"张三","status":{"is_frozen":true,"is_activated":false},"join_time":1700000000,
		"department_ids":["0","od-1"],"orders":[{"department_id":"od-1","department_order":1,"is_primary_dept":true}],"leader_user_id":"",
		"custom_attrs":[{"type":"TEXT","id":"C-1","value":{"text":"x"}}],"gender":1}`))
	f.Add([]byte(`{"user_id":"u1","status":{},"department_ids":["od-1","0"],"orders":[{"department_id":"od-1","user_order":7}],"dotted_line_leader_user_ids":["u2"],
		"custom_attrs":[{"type":"ENUMERATION","id":"C-1","value":{"option_id":"o1"}},{"type":"GENERIC_USER","id":"C-2","value":{"generic_user":{"id":"u2"}}}]}`))
	f.Add([]byte(`{"user_id":"u1","status":{},"join_time":9223372036854775807}`))
	f.Add([]byte(`{"user_id":"u1","status":null,"department_ids":[null]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, s, err := d.user(context.Background(), raw)
		if err != nil {
			return
		}
		if o.ID == "" || s == nil || len(o.Attributes) != len(d.c.fields.users) {
			t.Fatalf("%s became %+v", raw, o)
		}
		checkTypes(t, d, o)
	})
}

// FuzzDepartment is FuzzUser for departments.
func FuzzDepartment(f *testing.F) {
	d := fuzzDecoder(f)
	f.Add([]byte(`{"open_department_id":"od-1","name":"甲部","parent_department_id":"0","order":"3","leader_user_id":"u1"}`))
	f.Add([]byte(`{"open_department_id":"od-1","leaders":[{"leaderType":2,"leaderID":"a"},{"leaderType":1,"leaderID":"b"}]}`))
	f.Add([]byte(`{"open_department_id":"0"}`))
	f.Add([]byte(`{"open_department_id":"od-1","name":7}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, _, err := d.department(context.Background(), raw)
		if err != nil {
			return
		}
		if o.ID == "" || o.ID == rootID {
			t.Fatalf("%s became %+v", raw, o)
		}
		checkTypes(t, d, o)
	})
}

func checkTypes(t *testing.T, d *decoder, o directory.Object) {
	t.Helper()
	for name, v := range o.Attributes {
		f, ok := d.c.fields.find(o.Kind, name)
		if !ok || v.Type() != f.valueType() && v.Type() != directory.Unknown {
			t.Fatalf("%s is %s", name, v.Type())
		}
	}
	raw := directory.AppendObject(nil, o)
	back, err := directory.DecodeObject(raw)
	if err != nil || !bytes.Equal(directory.AppendObject(nil, back), raw) {
		t.Fatalf("the codec loses something: %v", err)
	}
}

// FuzzFault: no answer whatever gives a fault without a kind, or a sentence with
// a line break, or lets a write that may have happened be repeated.
func FuzzFault(f *testing.F) {
	f.Add([]byte(`{"code":99991672,"error":{"permission_violations":[{"subject":"contact:contact"}]}}`), 400, true)
	f.Add([]byte(`{"code":41001,"msg":"mobile exists"}`), 200, true)
	f.Add([]byte(`<html>`), 502, false)
	f.Add([]byte(`{}`), 500, true)
	f.Fuzz(func(t *testing.T, raw []byte, status int, write bool) {
		a := &answer{}
		if json.Unmarshal(raw, a) != nil {
			a = &answer{}
		}
		a.status, a.header = status, http.Header{}
		if a.good() {
			return
		}
		r := request{method: http.MethodGet}
		if write {
			r.method = http.MethodPost
		}
		got := r.fault(a)
		if got.Kind == "" || got.Kind == fault.Internal || !strings.Contains(got.Say, " / ") || strings.Contains(got.Say, "\n") {
			t.Fatalf("%s at HTTP %d became %#v", raw, status, got)
		}
		if write && status >= 500 && a.Code == nil && got.Kind != fault.InDoubt {
			t.Fatalf("a write that was answered with HTTP %d and %s is %s", status, raw, got.Kind)
		}
	})
}
