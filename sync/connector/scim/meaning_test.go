package scim

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestMeanings checks every keyword and status of the RFC: it has a kind, and a
// sentence in each language that says what to do.
func TestMeanings(t *testing.T) {
	t.Parallel()
	rfc := map[string]fault.Kind{
		"invalidFilter": fault.Unsupported, "tooMany": fault.Invalid, "uniqueness": fault.Conflict, "mutability": fault.Invalid, "invalidSyntax": fault.Invalid,
		"invalidPath": fault.Invalid, "noTarget": fault.Invalid, "invalidValue": fault.Invalid, "invalidVers": fault.Unsupported, "sensitive": fault.Unsupported,
	}
	if len(rfc) != len(scimTypes) {
		t.Errorf("%d keywords, the RFC has %d", len(scimTypes), len(rfc))
	}
	for word, kind := range rfc {
		m := meaningOf(call{method: http.MethodPatch}, &refused{status: 400, scimType: word})
		if m.kind != kind {
			t.Errorf("%s is %s, want %s", word, m.kind, kind)
		}
		speaks(t, word, m)
	}
	for status := 300; status < 600; status++ {
		for _, method := range []string{http.MethodGet, http.MethodPatch} {
			for _, about := range []bool{false, true} {
				m := meaningOf(call{method: method, about: about}, &refused{status: status})
				speaks(t, http.StatusText(status), m)
				if m.kind == fault.NotFound && (status != http.StatusNotFound || !about) {
					t.Errorf("%d passes for 'not there'", status)
				}
				if status >= 500 && status != http.StatusNotImplemented && method == http.MethodPatch && m.kind != fault.InDoubt {
					t.Errorf("%d at a write is %s", status, m.kind)
				}
			}
		}
	}
	for status, kind := range map[int]fault.Kind{401: fault.Credential, 403: fault.Credential, 404: fault.NotFound, 409: fault.Conflict, 412: fault.Conflict, 429: fault.Limited} {
		if m := meaningOf(call{method: http.MethodGet, about: true}, &refused{status: status}); m.kind != kind {
			t.Errorf("%d is %s, want %s", status, m.kind, kind)
		}
	}
	if m := meaningOf(call{method: http.MethodDelete, about: true}, &refused{status: 403}); m.kind != fault.Denied {
		t.Errorf("403 at a write to one object is %s", m.kind)
	}
}

func speaks(t *testing.T, name string, m meaning) {
	t.Helper()
	han := func(r rune) bool { return unicode.Is(unicode.Han, r) }
	if m.kind == "" || strings.ContainsFunc(m.en, han) || !strings.ContainsFunc(m.zh, han) || len(m.en) < 10 {
		t.Errorf("%s: %+v", name, m)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]path{
		"userName":                        {attr: "userName"},
		"name.givenName":                  {attr: "name", sub: "givenName"},
		`emails[type eq "work"].value`:    {attr: "emails", match: "type", want: "work", sub: "value"},
		urnUser + ":title":                {attr: "title"},
		urnEnterprise + ":manager.value":  {urn: urnEnterprise, attr: "manager", sub: "value"},
		"urn:x:2.0:Y:a[k eq \"2.0:z\"].v": {urn: "urn:x:2.0:Y", attr: "a", match: "k", want: "2.0:z", sub: "v"},
		"members.$ref":                    {attr: "members", sub: "$ref"},
	} {
		got, ok := parsePath(text)
		if !ok || got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
		if again, ok := parsePath(got.String()); !ok || again != got {
			t.Errorf("%s becomes %s", text, got)
		}
	}
	for _, text := range []string{"", "a b", "a.b.c", "urn:x", "urn:", "a[type eq \"x\"]", "a[type co \"x\"].b", "a[type eq \"x\" and y eq \"z\"].b", "1a", "a.", `emails[type eq "a\"b"].value`} {
		if p, ok := parsePath(text); ok {
			t.Errorf("%q is taken for %+v", text, p)
		}
	}
}

// FuzzPage feeds odd listings to the decoder: it gives resources that can be turned
// into objects, or an error.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"totalResults":2,"Resources":[{"id":"a","emails":[{"type":"work","value":"x"}]},{"id":1}]}`, `[]`, `[{"id":"a"}]`, `null`, `{}`, `{"totalResults":"x"}`,
		`{"Resources":[{"id":"a","` + urnEnterprise + `":{"manager":"b"}}]}`, `{"Resources":[{"id":"a","name":[1],"emails":{"value":[]}}]}`,
		`{"Resources":[{"id":"g","members":["a",{"value":"b","type":"Group"}],"` + urnDepartment + `":{"parent":{"value":"x"},"order":"3","leaders":["l"]}}]}`,
	} {
		f.Add([]byte(s))
	}
	c := &Connector{options: Options{Departments: Extension}, specs: userSpecs(Options{})}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePage(data)
		if err != nil {
			return
		}
		if p.total < -1 {
			t.Fatalf("total %d", p.total)
		}
		for _, r := range p.resources {
			o := c.user(r, gift{}, groupRefs(groupsOf(r)))
			if string(o.ID) != r.id() {
				t.Fatalf("id %q of %q", o.ID, r.id())
			}
			d := c.department(r, gift{})
			if d.ID != o.ID || !d.Active {
				t.Fatalf("a department %+v", d)
			}
			list := []assign{{path: mustPath(`emails[type eq "work"].value`), value: "x@y", text: "x@y"}, {path: path{attr: "title"}}}
			body := r.clone()
			for _, a := range list {
				a.path.put(body, a.value)
			}
			if left := changes(list, body); len(left) != 0 {
				t.Fatalf("after the assignment %v still differ in %v", left, body)
			}
		}
	})
}

// FuzzResource feeds odd resources to the decoder.
func FuzzResource(f *testing.F) {
	f.Add([]byte(`{"id":"a","active":"True"}`))
	f.Add([]byte(`{"ID":12}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeResource(data)
		if (err == nil) != (r.id() != "") {
			t.Fatalf("%v with id %q", err, r.id())
		}
	})
}
