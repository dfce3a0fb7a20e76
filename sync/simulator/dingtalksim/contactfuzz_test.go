package dingtalksim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"
)

func FuzzParseMobile(f *testing.F) {
	for _, seed := range []string{"13800000001", "+86-13800000001", "+852-51234567", "", "+", "+-1", "1380000000x"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, abroad bool) {
		state, number, refused := parseMobile(text, abroad)
		if refused != nil {
			if state != "" || number != "" {
				t.Errorf("%q is refused and gave %q %q", text, state, number)
			}
			return
		}
		again, same, refused := parseMobile("+"+state+"-"+number, abroad)
		if refused != nil || again != state || same != number {
			t.Errorf("%q gave %s %s, and then %s %s, %v", text, state, number, again, same, refused)
		}
	})
}

func FuzzInteger(f *testing.F) {
	for _, seed := range []string{`1`, `"1"`, `1.5`, `1e99`, `-7`, `true`, `null`, `""`, `"9223372036854775808"`, `9007199254740993`} {
		f.Add([]byte(`{"n":` + seed + `}`))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := decodeObject(raw)
		if err != nil {
			return
		}
		v, there, good := o.integer("n")
		if there && good {
			again, _, fine := object{"n": strconv.FormatInt(v, 10)}.integer("n")
			if !fine || again != v {
				t.Errorf("%s gave %d and then %d", raw, v, again)
			}
		}
	})
}

func FuzzParseExtension(f *testing.F) {
	for _, seed := range []string{`{"级别":"P6"}`, ``, `{}`, `null`, `{"级别":1}`, `{"x":"y"}`, `{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, refused := parseExtension(object{"extension": text}, []string{"级别"})
		if refused != nil {
			return
		}
		again, refused := parseExtension(object{"extension": extensionText(got)}, []string{"级别"})
		// Bytes that are no UTF-8 were replaced at the first reading.
		if refused != nil || again["级别"] != got["级别"] {
			t.Errorf("%q gave %v and then %v, %v", text, got, again, refused)
		}
	})
}

// FuzzContactWrites sends any body to any write and looks at what the corp
// must be afterwards, whatever came.
func FuzzContactWrites(f *testing.F) {
	paths := []string{userCreatePath, userUpdatePath, userDeletePath, deptCreatePath, deptUpdatePath, deptDeletePath}
	for i, seed := range []string{
		`{"userid":"x","name":"x","mobile":"13800000009","dept_id_list":"10","extension":"{\"级别\":\"1\"}"}`,
		`{"userid":"li","dept_id_list":"10,20","dept_order_list":[{"dept_id":10,"order":"1"}],"manager_userid":"li"}`,
		`{"userid":"li"}`, `{"name":"x","parent_id":"10"}`,
		`{"dept_id":20,"parent_id":1,"dept_manager_userid_list":"li"}`, `{"dept_id":10}`,
	} {
		f.Add(uint8(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		now := time.Date(2026, 3, 9, 10, 0, 0, 0, time.UTC)
		s := New(Options{Now: func() time.Time { return now }, Contacts: ContactsOptions{ExtFields: []string{"级别"}}})
		for _, d := range []Department{{ID: 10, Name: "a"}, {ID: 20, Name: "b", Parent: 10}} {
			if _, err := s.SeedDepartment(d); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.SeedUser(User{ID: "li", Name: "李", Mobile: "13800000001", Departments: []int64{20}}); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		token := s.issueToken()
		s.mu.Unlock()
		path := paths[int(which)%len(paths)]
		r := httptest.NewRequest(http.MethodPost, path+"?access_token="+token, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var got struct {
			Errcode *int `json:"errcode"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Errcode == nil {
			t.Fatalf("%s %q: %s", path, body, w.Body)
		}
		if took := len(s.Effects()) == 1; took != (*got.Errcode == 0) {
			t.Errorf("%s %q: %s with %d effects", path, body, w.Body, len(s.Effects()))
		}
		checkCorp(t, s)
	})
}

// checkCorp looks for what must hold of every corp.
func checkCorp(t *testing.T, s *Sim) {
	t.Helper()
	for _, d := range s.Departments() {
		s.mu.Lock()
		path := s.contacts.book.path(d.ID)
		s.mu.Unlock()
		if path[len(path)-1] != Root {
			t.Errorf("%d hangs from %v", d.ID, path)
		}
		for _, id := range d.Managers {
			if u, found := s.User(id); !found || !slices.Contains(u.Departments, d.ID) {
				t.Errorf("%s manages %d from outside", id, d.ID)
			}
		}
	}
	for _, u := range s.Users() {
		if u.ID == "" || u.Name == "" || u.UnionID == "" || len(u.Departments) == 0 {
			t.Errorf("incomplete: %+v", u)
		}
		for _, id := range u.Departments {
			if _, found := s.Department(id); !found {
				t.Errorf("%s is in %d, which is gone", u.ID, id)
			}
		}
	}
}
