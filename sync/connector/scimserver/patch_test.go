package scimserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// patchCases are what providers send, beginning with one user. want is the user
// afterwards; "" = as before. A status other than 200 changes nothing.
var patchCases = []struct {
	name, ops string
	status    int
	scimType  string
	want      string
}{
	// Entra, without and with the flag aadOptscim062020.
	{"Entra disables by a text", `{"op":"Replace","path":"active","value":"False"}`, 200, "", `{"active":false}`},
	{"Entra disables by a boolean", `{"op":"replace","path":"active","value":false}`, 200, "", `{"active":false}`},
	{"Entra adds one attribute", `{"op":"Add","path":"title","value":"Engineer"}`, 200, "", `{"title":"Engineer"}`},
	{"Entra adds one attribute, with the flag", `{"op":"add","path":"title","value":"Engineer"}`, 200, "", `{"title":"Engineer"}`},
	{
		"Entra changes several, one by one", `{"op":"Replace","path":"name.givenName","value":"G"},{"op":"Replace","path":"name.familyName","value":"F"}`, 200, "",
		`{"name":{"givenName":"G","familyName":"F","formatted":"A B"}}`,
	},
	{
		"Entra changes several, with the flag", `{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@x"},
		{"op":"replace","value":{"name.givenName":"G","displayName":"D","` + enterprise + `:department":"R&D"}}`, 200, "",
		`{"name":{"givenName":"G","familyName":"B","formatted":"A B"},"displayName":"D","emails":[{"type":"work","value":"n@x","primary":true},{"type":"home","value":"h@x"}],
		"` + enterprise + `":{"department":"R&D","manager":{"value":"m1","displayName":"Old"}}}`,
	},
	{"Entra's manager is a bare text", `{"op":"Add","path":"` + enterprise + `:manager","value":"m2"}`, 200, "", `{"` + enterprise + `":{"manager":{"value":"m2"},"department":"old"}}`},
	{
		"Entra's manager, with a value part", `{"op":"Replace","path":"` + enterprise + `:manager.value","value":"m2"}`, 200, "",
		`{"` + enterprise + `":{"manager":{"value":"m2","displayName":"Old"},"department":"old"}}`,
	},
	{"Entra removes the manager", `{"op":"Remove","path":"` + enterprise + `:manager"}`, 200, "", `{"` + enterprise + `":{"department":"old"}}`},
	{"a manager who is nobody", `{"op":"Replace","path":"` + enterprise + `:manager","value":""}`, 200, "", `{"` + enterprise + `":{"department":"old"}}`},
	{
		"Entra fills in an address that is not there", `{"op":"Add","path":"emails[type eq \"other\"].value","value":"o@x"}`, 200, "",
		`{"emails":[{"type":"work","value":"w@x","primary":true},{"type":"home","value":"h@x"},{"type":"other","value":"o@x"}]}`,
	},
	{"Entra replaces a phone that is not there", `{"op":"Replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"138"}`, 200, "", `{"phoneNumbers":[{"type":"mobile","value":"138"}]}`},
	{"Entra's app role", `{"op":"Add","path":"roles[primary eq \"True\"].value","value":"admin"}`, 200, "", `{"roles":[{"primary":true,"value":"admin"}]}`},
	{"several terms make one value", `{"op":"add","path":"phoneNumbers[type eq \"work\" and primary eq true].value","value":"1"}`, 200, "", `{"phoneNumbers":[{"type":"work","primary":true,"value":"1"}]}`},
	// Okta.
	{"Okta deactivates without a path", `{"op":"replace","value":{"active":false}}`, 200, "", `{"active":false}`},
	{"Okta repeats the id", `{"op":"replace","value":{"id":"other","displayName":"D"}}`, 200, "", `{"displayName":"D"}`},
	// The RFC.
	{"a value path as a key", `{"op":"replace","value":{"emails[type eq \"home\"].value":"n@x"}}`, 200, "", `{"emails":[{"type":"work","value":"w@x","primary":true},{"type":"home","value":"n@x"}]}`},
	{"an extension as a key", `{"op":"replace","value":{"` + enterprise + `":{"costCenter":"C"}}}`, 200, "", `{"` + enterprise + `":{"costCenter":"C","department":"old","manager":{"value":"m1","displayName":"Old"}}}`},
	{"an extension as a path", `{"op":"add","path":"` + enterprise + `","value":{"costCenter":"C"}}`, 200, "", `{"` + enterprise + `":{"costCenter":"C","department":"old","manager":{"value":"m1","displayName":"Old"}}}`},
	{"an extension is removed", `{"op":"remove","path":"` + enterprise + `"}`, 200, "", `{"` + enterprise + `":null}`},
	{"the core schema in the path", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName","value":"F"}`, 200, "", `{"name":{"givenName":"A","familyName":"F","formatted":"A B"}}`},
	{"names in any case", `{"op":"REPLACE","path":"NAME.FAMILYNAME","value":"F"}`, 200, "", `{"name":{"givenName":"A","familyName":"F","formatted":"A B"}}`},
	{"a list is replaced", `{"op":"replace","path":"emails","value":[{"value":"n@x"}]}`, 200, "", `{"emails":[{"value":"n@x"}]}`},
	{"a list is replaced by nothing", `{"op":"replace","path":"emails","value":[]}`, 200, "", `{"emails":null}`},
	{"null takes a value away", `{"op":"replace","path":"name.formatted","value":null}`, 200, "", `{"name":{"givenName":"A","familyName":"B"}}`},
	{"adding nothing is nothing", `{"op":"add","path":"emails","value":null}`, 200, "", ""},
	{"one is added", `{"op":"add","path":"emails","value":{"type":"other","value":"o@x"}}`, 200, "", `{"emails":[{"type":"work","value":"w@x","primary":true},{"type":"home","value":"h@x"},{"type":"other","value":"o@x"}]}`},
	{"the same is not added twice", `{"op":"add","path":"emails","value":[{"type":"home","value":"h@x"}]}`, 200, "", ""},
	{
		"a new primary is the only one", `{"op":"add","path":"emails","value":[{"type":"other","value":"o@x","primary":true}]}`, 200, "",
		`{"emails":[{"type":"work","value":"w@x","primary":false},{"type":"home","value":"h@x"},{"type":"other","value":"o@x","primary":true}]}`,
	},
	{"a whole element is replaced", `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"n@x"}}`, 200, "", `{"emails":[{"type":"work","value":"n@x"},{"type":"home","value":"h@x"}]}`},
	{"an element is filled in", `{"op":"add","path":"emails[type eq \"work\"]","value":{"display":"W"}}`, 200, "", `{"emails":[{"type":"work","value":"w@x","primary":true,"display":"W"},{"type":"home","value":"h@x"}]}`},
	{"an element is removed", `{"op":"remove","path":"emails[value ew \"H@x\"]"}`, 200, "", `{"emails":[{"type":"work","value":"w@x","primary":true}]}`},
	{"the value of an element is removed", `{"op":"remove","path":"emails[type eq \"work\"].value"}`, 200, "", `{"emails":[{"type":"home","value":"h@x"}]}`},
	{"values without quotes", `{"op":"remove","path":"emails[type eq work]"}`, 200, "", `{"emails":[{"type":"home","value":"h@x"}]}`},
	{"what is not there is removed", `{"op":"remove","path":"title"},{"op":"remove","path":"ims[type eq \"x\"]"},{"op":"remove","path":"` + enterprise + `:division"}`, 200, "", ""},
	{"a password is never kept", `{"op":"replace","path":"password","value":"secret"},{"op":"replace","value":{"password":"secret"}}`, 200, "", ""},
	{"unknown attributes are left out", `{"op":"add","path":"shoeSize","value":43},{"op":"add","path":"urn:x:y:User:hat","value":"L"},{"op":"add","value":{"name.nick":"N"}}`, 200, "", ""},
	// What is refused, and changes nothing.
	{"remove without a path", `{"op":"remove"}`, 400, "noTarget", ""},
	{"remove without a path, with a value", `{"op":"remove","value":{"title":"x"}}`, 400, "noTarget", ""},
	{"all or nothing", `{"op":"replace","path":"title","value":"T"},{"op":"remove"}`, 400, "noTarget", ""},
	{"no such operation", `{"op":"move","path":"title"}`, 400, "invalidSyntax", ""},
	{"replace without a value", `{"op":"replace","path":"emails"}`, 400, "invalidValue", ""},
	{"a path that is none", `{"op":"replace","path":"emails[type eq","value":"x"}`, 400, "invalidPath", ""},
	{"a filter on a single value", `{"op":"replace","path":"name[a eq \"b\"]","value":"x"}`, 400, "invalidPath", ""},
	{"a filter that says nothing of a new one", `{"op":"replace","path":"ims[type ne \"work\"].value","value":"x"}`, 400, "noTarget", ""},
	{"one of several is meant", `{"op":"replace","path":"emails.value","value":"x"}`, 400, "noTarget", ""},
	{"userName goes", `{"op":"remove","path":"userName"}`, 400, "invalidValue", ""},
	{"userName is blank", `{"op":"replace","path":"userName","value":" "}`, 400, "invalidValue", ""},
	{"the id", `{"op":"replace","path":"id","value":"x"}`, 400, "mutability", ""},
	{"meta", `{"op":"replace","path":"meta.created","value":"x"}`, 400, "mutability", ""},
	{"active is told by nobody", `{"op":"replace","path":"active","value":false},{"op":"replace","path":"active","value":null}`, 200, "", `{"active":false}`},
	{"active is taken away", `{"op":"replace","path":"active","value":false},{"op":"remove","path":"active"}`, 200, "", `{"active":false}`},
	{"not a boolean", `{"op":"replace","path":"active","value":"maybe"}`, 400, "invalidValue", ""},
	{"a number for a boolean", `{"op":"replace","path":"active","value":0}`, 400, "invalidValue", ""},
	{"an object for a text", `{"op":"replace","path":"title","value":{}}`, 400, "invalidValue", ""},
	{"a text for a name", `{"op":"replace","path":"name","value":"A B"}`, 400, "invalidValue", ""},
	{"a value that is no object, without a path", `{"op":"add","value":"x"}`, 400, "invalidValue", ""},
	{"a schema that is no object", `{"op":"add","path":"` + enterprise + `","value":"x"}`, 400, "invalidValue", ""},
	{"the whole resource goes", `{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User"}`, 400, "noTarget", ""},
	{"a path that is no text", `{"op":"add","path":7,"value":"x"}`, 400, "invalidPath", ""},
}

const beforePatch = `{"userName":"ab","active":true,"name":{"givenName":"A","familyName":"B","formatted":"A B"},
	"emails":[{"type":"work","value":"w@x","primary":true},{"type":"home","value":"h@x"}],
	"` + enterprise + `":{"manager":{"value":"m1","displayName":"Old"},"department":"old"}}`

func TestPatch(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for i, tt := range patchCases {
		body := strings.Replace(beforePatch, `"ab"`, fmt.Sprintf(`"user%d"`, i), 1)
		id := w.add(t, "/Users", body)
		var want map[string]any
		var change map[string]any
		if json.Unmarshal([]byte(body), &want) != nil || tt.want != "" && json.Unmarshal([]byte(tt.want), &change) != nil {
			t.Fatalf("%s: the case is no JSON", tt.name)
		}
		for name, v := range change {
			if want[name] = v; v == nil {
				delete(want, name)
			}
		}
		r := w.patch(t, "/Users/"+id, tt.ops)
		if r.Code != tt.status || r.Code != http.StatusOK && (r.json["scimType"] != tt.scimType || r.json["status"] != fmt.Sprint(tt.status)) {
			t.Errorf("%s: %d %s", tt.name, r.Code, r.Body)
			continue
		}
		got := w.must(t, http.StatusOK, http.MethodGet, "/Users/"+id, "")
		same(t, tt.name, compact(t, got.json), compact(t, want))
		version := `W/"1"`
		if r.Code == http.StatusOK && tt.want != "" {
			version = `W/"2"`
		}
		if etag := got.Header().Get("ETag"); etag != version {
			t.Errorf("%s: version %s, want %s", tt.name, etag, version)
		}
	}
}

func TestPatchMembers(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for _, tt := range []struct {
		name, ops string
		status    int
		want      string // ids of members
	}{
		{"Entra removes by a list: those only", `{"op":"Remove","path":"members","value":[{"value":"a"}]}`, 200, "b c"},
		{"two of them", `{"op":"Remove","path":"members","value":[{"value":"a"},{"value":"c"},{"value":"z"}]}`, 200, "b"},
		{"an empty list removes nobody", `{"op":"Remove","path":"members","value":[]}`, 200, "a b c"},
		{"one, as an object", `{"op":"remove","path":"members","value":{"value":"b"}}`, 200, "a c"},
		{"one, as a text", `{"op":"remove","path":"members","value":"b"}`, 200, "a c"},
		{"ids are case-exact", `{"op":"remove","path":"members","value":[{"value":"A"}]}`, 200, "a b c"},
		{"by a filter", `{"op":"remove","path":"members[value eq \"b\"]"}`, 200, "a c"},
		{"by a filter that finds nobody", `{"op":"remove","path":"members[value eq \"B\"]"}`, 200, "a b c"},
		{"all, as the RFC says", `{"op":"remove","path":"members"}`, 200, ""},
		{"added, one of them again", `{"op":"Add","path":"members","value":[{"value":"b","display":"Bee"},{"value":"d"}]}`, 200, "a b c d"},
		{"added without a path", `{"op":"add","value":{"members":[{"value":"d"}]}}`, 200, "a b c d"},
		{"replaced", `{"op":"replace","path":"members","value":[{"value":"d"}]}`, 200, "d"},
		{"renamed without a path, as Okta does", `{"op":"replace","value":{"id":"whatever","displayName":"New"}}`, 200, "a b c"},
		{"adding nothing", `{"op":"add","path":"members"}`, 400, "a b c"},
		{"the name goes", `{"op":"remove","path":"displayName"}`, 400, "a b c"},
	} {
		id := w.add(t, "/Groups", `{"displayName":"G","members":[{"value":"a"},{"value":"b"},{"value":"c"}]}`)
		if r := w.patch(t, "/Groups/"+id, tt.ops); r.Code != tt.status {
			t.Errorf("%s: %d %s", tt.name, r.Code, r.Body)
		}
		got := w.must(t, http.StatusOK, http.MethodGet, "/Groups/"+id, "").json
		var ids []string
		list, _ := got["members"].([]any)
		for _, m := range list {
			ids = append(ids, m.(map[string]any)["value"].(string))
		}
		if strings.Join(ids, " ") != tt.want {
			t.Errorf("%s: members %v, want %s", tt.name, ids, tt.want)
		}
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	w := open(t, func(o *scimserver.Options) { o.Strict = true })
	id := w.add(t, "/Users", `{"userName":"a","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"meta":{"x":1},"password":"p"}`)
	for _, ops := range []string{`{"op":"add","path":"shoeSize","value":1}`, `{"op":"add","path":"urn:x:y:Z:hat","value":1}`, `{"op":"add","value":{"hat":1}}`} {
		if r := w.patch(t, "/Users/"+id, ops); r.Code != http.StatusBadRequest || r.json["scimType"] != "invalidPath" {
			t.Errorf("%s: %d %s", ops, r.Code, r.Body)
		}
	}
	for _, body := range []string{`{"userName":"b","hat":1}`, `{"userName":"b","name":{"hat":1}}`, `{"userName":"b","urn:x:y:Z":{}}`, `{"userName":"b","` + enterprise + `":{"hat":1}}`} {
		if r := w.call(t, http.MethodPost, "/Users", body); r.Code != http.StatusBadRequest || r.json["scimType"] != "invalidSyntax" {
			t.Errorf("%s: %d %s", body, r.Code, r.Body)
		}
	}
}

// TestPatchesAtOnce: twenty changes of one group at the same time lose nothing.
func TestPatchesAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	id := w.add(t, "/Groups", `{"displayName":"G"}`)
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r := w.patch(t, "/Groups/"+id, fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"m%02d"}]}`, i))
			if r.Code != http.StatusOK {
				t.Errorf("%d: %d %s", i, r.Code, r.Body)
			}
		})
	}
	wg.Wait()
	got := w.must(t, http.StatusOK, http.MethodGet, "/Groups/"+id, "")
	if members, _ := got.json["members"].([]any); len(members) != n || got.Header().Get("ETag") != fmt.Sprintf(`W/"%d"`, n+1) {
		t.Errorf("%d members, version %s", len(members), got.Header().Get("ETag"))
	}
}
