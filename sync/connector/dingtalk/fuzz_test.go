package dingtalk

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// FuzzJudge feeds answers of any shape: each is a success that is whole, or a
// fault with a kind and a sentence; a write never gets one that says 'try again'
// for what cannot be understood.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		`{"errcode":0,"errmsg":"ok","result":{"userid":"a","dept_id_list":[1]}}`, `{"errcode":"0","result":{"userid":"a","dept_id_list":"[1,2]"}}`,
		`{"errcode":88,"sub_code":"60011","sub_msg":"x"}`, `{"code":"Forbidden.AccessDenied.QpsLimitForApi","message":"m"}`,
		`{"status":1111}`, `<html>`, `{"errcode":-1}`, `null`, `[]`, `{"errcode":{}}`, `{"errcode":0,"result":{"userid":"a","dept_id_list":{}}}`,
	} {
		f.Add([]byte(seed), 200, true)
		f.Add([]byte(seed), 403, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, status int, write bool) {
		c := &Connector{options: Options{ClientSecret: "s3cr3t", Now: func() time.Time { return time.Unix(0, 0) }}}
		var m member
		r := old(pathUserGet, nil)
		r.write = write
		err := c.judge(&exchange{call: r, status: status, header: http.Header{}, data: data, token: "t0k3n"}, &m)
		switch kind := fault.KindOf(err); {
		case err == nil && !m.whole():
			t.Fatalf("%q passes without its content", data)
		case err == nil:
		case kind == fault.Internal, fault.Say(err) == "":
			t.Fatalf("%q gives %v", data, err)
		}
	})
}

// FuzzMember feeds rows of listings: what can be read becomes an object whose
// values have the described types.
func FuzzMember(f *testing.F) {
	for _, seed := range []string{
		`{"userid":"a","name":"b","dept_id_list":[1,2],"mobile":"138","state_code":"86","hired_date":"1597573616828","leader":"true"}`,
		`{"userid":"a","dept_id_list":"[2,3]","extension":"{\"x\":\"y\"}","exclusive_account":1,"dept_order":"7"}`,
		`{"userid":1,"dept_id_list":2,"extension":{"x":1},"leader_in_dept":{"dept_id":"2","leader":"true"},"dept_order_list":[]}`,
		`{"userid":"a","dept_id_list":[],"extension":"nonsense","hired_date":-9223372036854775808,"email":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		page := memberPage{Rows: list[json.RawMessage]{data}}
		if !json.Valid(data) {
			return
		}
		c := &Connector{options: Options{Zone: time.UTC, CustomAttributes: []string{"x"}}}
		info := c.Describe()
		for _, m := range page.members() {
			o := c.userObject(personOf(m), sight{})
			for name, v := range o.Attributes {
				a, ok := info.Attribute(directory.User, name)
				if !ok || v.Type() != a.Type && v.Type() != directory.Unknown {
					t.Fatalf("%s of %q is %s", name, data, v.Type())
				}
			}
			if _, err := directory.DecodeObject(directory.AppendObject(nil, o)); err != nil {
				t.Fatalf("%q: %v", data, err)
			}
		}
	})
}
