package wecom

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// FuzzEncode checks that no text makes a \uXXXX escape, which the vendor refuses.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{"R&D <核心>", "a\u2028b\u2029c", "\x00\x1f\x7f\u0085", "\xff\xfe", `\u0041`, "𠮷", `"`, "\b\f\r\n\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		data, err := encode(map[string]any{"name": clean(s)})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(strings.ReplaceAll(string(data), `\\`, ""), `\u`) {
			t.Errorf("%q is sent as %s", s, data)
		}
		var back map[string]string
		if err := json.Unmarshal(data, &back); err != nil || back["name"] != clean(s) {
			t.Errorf("%s comes back as %q, %v", data, back["name"], err)
		}
	})
}

// FuzzAnswer checks that no answer breaks the decoding.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"errcode":0,"userlist":[{"userid":"a","gender":1,"department":[1],"extattr":{"attrs":[{"name":"x","text":{"value":"y"}}]}}]}`))
	f.Add([]byte(`{"errcode":0,"userid":"a","gender":"2","direct_leader":null,"status":5}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &Connector{options: Options{ExtAttrs: []string{"x"}}}
		for _, out := range []answer{&userList{}, &userGet{}, &userIDs{}, &departmentIDs{}, &departmentGet{}, &tokenReply{}, &created{}} {
			err := c.judge(call{path: "x", key: newCredential(appName, "s")}, data, "t", out)
			if err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("%s gives %v", data, err)
			}
			if got, ok := out.(*userGet); ok && err == nil {
				if o := c.userObject(&got.member, c.app); o.ID == "" {
					t.Errorf("%s gives an object without id", data)
				}
			}
		}
	})
}

// TestMeanings checks that every sentence is there in both languages and says
// what to change where something has to be changed.
func TestMeanings(t *testing.T) {
	t.Parallel()
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	for number, m := range meanings {
		if m.en == "" || !han(m.zh) {
			t.Errorf("%d: %q / %q", number, m.en, m.zh)
		}
		if m.kind == fault.Credential && !strings.ContainsAny(m.en, ":") {
			t.Errorf("%d does not say what to change: %q", number, m.en)
		}
	}
	for number, want := range map[int]fault.Kind{
		-1: fault.Unavailable, 6000: fault.Unavailable, 45009: fault.Limited, 45033: fault.Limited,
		40001: fault.Credential, 48009: fault.Credential, 60020: fault.Credential,
		60102: fault.Conflict, 60008: fault.Conflict, 60104: fault.Conflict,
		60111: fault.NotFound, 46004: fault.NotFound, 60003: fault.NotFound, 60123: fault.NotFound,
		60010: fault.Invalid, 60125: fault.Invalid, 40033: fault.Invalid,
		60011: fault.Denied, 301005: fault.Denied, 60007: fault.Denied,
	} {
		if got := meanings[number].kind; got != want {
			t.Errorf("%d is %s, want %s", number, got, want)
		}
	}
}
