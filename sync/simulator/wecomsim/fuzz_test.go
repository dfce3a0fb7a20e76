package wecomsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzBody posts any body to any POST path: every answer is JSON with an
// errcode, a refusal changes nothing, and the indexes still agree with the
// members.
func FuzzBody(f *testing.F) {
	paths := []string{
		"user/create", "user/update", "user/batchdelete", "user/list_id", "user/getuserid",
		"user/get_userid_by_email", "department/create", "department/update", "batch/invite",
		"webhook/send", "webhook/upload_media",
	}
	for i, body := range []string{
		`{"userid":"eve","name":"E","department":[2],"mobile":"13700000000"}`,
		`{"userid":"ben","mobile":"+86-1","enable":0,"department":[3,2],"order":[1,2]}`,
		`{"useridlist":["ben","amy"]}`, `{"cursor":"","limit":1}`, `{"mobile":"13800000001"}`,
		`{"email":"amy@example.com"}`, `{"name":"R\u0026D","parentid":1}`, `{"id":2,"parentid":3}`,
		`{"user":["ben"]}`, `{"msgtype":"text","text":{"content":"a"}}`, `null`, `[]`, `{"gender":1e400}`, "",
		"--x\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\n123456\r\n--x--\r\n",
	} {
		f.Add(i, []byte(body))
	}
	f.Fuzz(func(t *testing.T, path int, body []byte) {
		b := staff(t, nil)
		b.AddRobot("key")
		before, effects := b.Tree(), len(b.Effects())
		name := paths[(path%len(paths)+len(paths))%len(paths)]
		r := httptest.NewRequest(http.MethodPost, "/cgi-bin/"+name+"?key=key&type=file&access_token="+b.contacts, bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		var a struct {
			Code *int `json:"errcode"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Code == nil {
			t.Fatalf("%s: %q: %v", name, w.Body, err)
		}
		if *a.Code != 0 && (b.Tree() != before || len(b.Effects()) != effects) {
			t.Fatalf("%s refused with %d and changed the corp", name, *a.Code)
		}
		if err := consistent(b.Sim); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	})
}

// consistent compares the indexes with ones made anew from the members.
func consistent(s *Sim) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	anew := newBook("")
	for key, m := range s.book.users {
		if key != fold(m.ID) {
			return fmt.Errorf("%s is kept as %s", m.ID, key)
		}
		if refusal := m.check(); refusal != nil {
			return fmt.Errorf("%s breaks a rule: %w", m.ID, refusal)
		}
		for _, id := range m.Departments {
			if s.book.departments[id] == nil || !s.book.members[id][key] {
				return fmt.Errorf("%s is not in department %d", m.ID, id)
			}
		}
		anew.write(key, m)
	}
	for id, list := range s.book.members {
		if len(list) != len(anew.members[id]) {
			return fmt.Errorf("department %d has %d members, not %d", id, len(list), len(anew.members[id]))
		}
	}
	for name, pair := range map[string][2]map[string]string{
		"mobiles": {s.book.mobiles, anew.mobiles}, "emails": {s.book.emails, anew.emails}, "biz mails": {s.book.bizMail, anew.bizMail},
	} {
		if fmt.Sprint(pair[0]) != fmt.Sprint(pair[1]) {
			return fmt.Errorf("%s: %v, not %v", name, pair[0], pair[1])
		}
	}
	return nil
}

func FuzzHasEscapes(f *testing.F) {
	f.Add("a")
	f.Add(`\\u0041`)
	f.Add(`\u0041`)
	f.Add(`\\\u0041`)
	f.Fuzz(func(t *testing.T, text string) {
		// With escaped backslashes gone, an escape is a backslash before a u.
		want := strings.Contains(strings.ReplaceAll(text, `\\`, "__"), `\u`)
		if got := hasEscapes([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}
