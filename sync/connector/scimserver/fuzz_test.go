package scimserver

import (
	"encoding/json"
	"strings"
	"testing"
)

const fuzzUser = `{"userName":"ab","active":true,"name":{"givenName":"A"},"emails":[{"type":"work","value":"w@x","primary":true},{"type":"home","value":"h@x"}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"m"}}}`

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a"`, `emails[type eq "work"].value eq "x" and not (active eq false)`, `a[b eq c or d pr].e pr`, `userName sw O`, `a eq 1.5 or b ne null`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department co "D"`, `((((a pr))))`, `x].y eq 1`, `[].z eq`, "a eq \"\\", `a.b[c eq "]"].d eq "("`,
	} {
		f.Add(s)
	}
	r := userResource()
	doc, err := decodeJSON([]byte(fuzzUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseFilter(text)
		if err != nil {
			if p := problemOf(err); p.status != 400 || p.scimType == "" {
				t.Fatalf("%q: %+v", text, p)
			}
			return
		}
		m := r.matcher()
		if first := m.match(e, doc); m.match(e, doc) != first {
			t.Fatalf("%q is not sure", text)
		}
		demands(e)
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{
		`emails[type eq "work"].value`, `name.givenName`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`, `urn:`, `urn:x`, `urn:x[`,
		`members[value eq "x"]`, `roles[primary eq "True"].value`, `a.b.c`, `emails[].x`, `urn:ietf:params:scim:schemas:core:2.0:User`, ` .x`, `]`,
	} {
		f.Add(s)
	}
	r := userResource()
	f.Fuzz(func(t *testing.T, text string) {
		got, known, err := r.locate(text)
		switch {
		case err != nil:
			if p := problemOf(err); p.status != 400 || p.scimType == "" {
				t.Fatalf("%q: %+v", text, p)
			}
		case known && got.schema == nil:
			t.Fatalf("%q leads nowhere, and that is known", text)
		}
	})
}

// FuzzPatch sends whole bodies. Whatever comes, what is kept is in the schema's
// form: normalizing it again changes nothing.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"op":"Replace","path":"active","value":"False"}`, `{"op":"replace","value":{"name.givenName":"G","emails[type eq \"home\"].value":"n"}}`,
		`{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{"op":"add","path":"roles[primary eq \"True\"].value","value":"x"}`, `{"op":"remove"}`,
		`{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","value":{"manager":"x","department":null}}`,
		`{"op":"remove","path":"emails","value":[{"value":"w@x"}]}`, `{"op":"replace","path":"emails","value":[{},null,"x"]}`, `{"op":"add","path":"name","value":{}}`,
	} {
		f.Add(`{"Operations":[` + s + `]}`)
	}
	r := userResource()
	f.Fuzz(func(t *testing.T, text string) {
		body, err := parseJSON([]byte(text))
		if err != nil {
			return
		}
		ops, err := parsePatch(body)
		if err != nil {
			return
		}
		doc, err := decodeJSON([]byte(fuzzUser))
		if err != nil {
			t.Fatal(err)
		}
		p := &patcher{normalizer: &normalizer{}, r: &r, doc: doc}
		if err := p.apply(ops); err != nil {
			if pr := problemOf(err); pr.status != 400 || pr.scimType == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		kept, err := encodeJSON(p.doc)
		if err != nil {
			t.Fatal(err)
		}
		strict := &normalizer{strict: true}
		again, err := strict.whole(&r, reread(t, kept))
		if err != nil {
			t.Fatalf("%q leaves %s: %v", text, kept, err)
		}
		// Order within a list counts, emptiness and the choice of the primary do not.
		twice, _ := encodeJSON(again)
		once, _ := strict.whole(&r, reread(t, twice))
		if third, _ := encodeJSON(once); string(third) != string(twice) {
			t.Fatalf("%q: %s, then %s", text, twice, third)
		}
		if strings.Contains(string(kept), `"password"`) {
			t.Fatalf("a password is kept: %s", kept)
		}
	})
}

func reread(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	m, err := decodeJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{fuzzUser, `{"a":1}{`, `{"a":{"A":1},"a":2}`, `{"a":[[[[[[]]]]]]}`, "\ufeff{}", `{"a":1e400}`, `{"userName":true,"emails":"x"}`} {
		f.Add([]byte(s))
	}
	r := userResource()
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseJSON(raw)
		if err != nil {
			if p := problemOf(err); p.status != 400 {
				t.Fatalf("%v", p)
			}
			return
		}
		doc, err := (&normalizer{}).whole(&r, m)
		if err != nil {
			return
		}
		kept, err := encodeJSON(doc)
		if err != nil {
			t.Fatal(err)
		}
		again, err := (&normalizer{strict: true}).whole(&r, reread(t, kept))
		if err != nil {
			t.Fatalf("%s: %v", kept, err)
		}
		if twice, _ := encodeJSON(again); string(twice) != string(kept) {
			t.Fatalf("%s, then %s", kept, twice)
		}
	})
}
