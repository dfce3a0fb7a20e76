package feishusim

import (
	"fmt"
	"sync"
	"testing"
)

// TestManyAtOnce uses every part of the tenant at the same time; the race
// detector and the counts are the judges.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := room(t, Options{NoLimits: true})
	dial(w)
	dial(w)
	r := listen(t)
	w.department("a", "A", "")
	stop := w.OnMessage(func(m Message) { _ = m.Text() })
	defer stop()
	id := w.send("interactive", card2, "")["message_id"].(string)
	e, err := w.MessageEvent(Words{From: "zhou", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 20
	var wg sync.WaitGroup
	for name, work := range map[string]func(int) error{
		"create": func(i int) error {
			return w.expect(0, "POST", users+"?department_id_type=department_id", fmt.Sprintf(
				`{"name":"n%d","mobile":"1390000%04d","department_ids":["a"],"employee_type":1,"user_id":"n%d"}`, i, i, i))
		},
		"same mobile": func(i int) error {
			// Two writers want the same number: exactly one of them gets it.
			_, err := w.try("POST", users, fmt.Sprintf(
				`{"name":"m","mobile":"1370000%04d","department_ids":["0"],"employee_type":1}`, i/2))
			return err
		},
		"list": func(int) error {
			return w.expect(0, "GET", users+"/find_by_department?department_id_type=department_id&department_id=a", "")
		},
		"tree": func(int) error { return w.expect(0, "GET", departments+"/0/children?fetch_child=true", "") },
		"patch": func(int) error {
			return w.expect(0, "PATCH", messages+"/"+id, quote(map[string]string{"content": card2}))
		},
		"say": func(int) error {
			_, err := w.Say(t.Context(), Words{Chat: "oc_room", From: "wang", Text: "@点名 状态"})
			return err
		},
		"post": func(int) error {
			_, err := w.Post(t.Context(), r.URL, e, Forgery{})
			return err
		},
		"seed": func(i int) error {
			_, err := w.AddUser(User{UserID: fmt.Sprintf("s%d", i), Name: "s", Departments: []string{"a"}})
			return err
		},
		"read": func(int) error { _ = w.Users(); _ = w.Effects(); _ = w.Messages("oc_room"); _ = w.Calls(); return nil },
	} {
		wg.Go(func() {
			for i := range rounds {
				if err := work(i); err != nil {
					t.Errorf("%s %d: %v", name, i, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(w.EffectsOf("user.create")); n != rounds+rounds/2 {
		t.Errorf("%d users created", n)
	}
	if n := len(w.EffectsOf("message.patch")); n != rounds {
		t.Errorf("%d cards edited", n)
	}
}

// expect makes a call and judges its code without ending the test, for other goroutines.
func (w *world) expect(code int, method, path, body string) error {
	r, err := w.try(method, path, body)
	if err == nil && r.code != code {
		err = fmt.Errorf("%s %s: %s", method, path, r.raw)
	}
	return err
}
