package dingtalksim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// attempt sends a call whose answer may not come, and gives what came.
func (b bench) attempt(t *testing.T, path string, body fields) (string, error) {
	t.Helper()
	answer, err := http.DefaultClient.Do(b.request(t, http.MethodPost, path+"?access_token="+b.token(t), body))
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	return string(raw), err
}

func TestCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   Fault
		effects int
		text    bool // whether some of the answer comes
	}{
		{"before", CutBeforeEffect(userCreatePath, "han"), 0, false},
		{"after", CutAfterEffect(userCreatePath, "han"), 1, false},
		{"half", Fault{Path: userCreatePath, Partial: true}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := corp(t)
			b.Inject(c.fault)
			text, err := b.attempt(t, userCreatePath, person1(nil))
			if err == nil || (text != "") != c.text || json.Valid([]byte(text)) {
				t.Errorf("%q, %v", text, err)
			}
			if n := len(b.Effects()); n != c.effects {
				t.Errorf("%d effects", n)
			}
			if b.CallCounts()[userCreatePath] != 1 {
				t.Errorf("counts: %v", b.CallCounts())
			}
			want := 0
			if c.effects > 0 {
				want = codeUserExists
			}
			if got := b.old(t, userCreatePath, person1(nil)); got.errcode() != want {
				t.Errorf("again: %s", got.raw)
			}
		})
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		b := corp(t)
		b.Inject(Fault{Path: userDeletePath, Hang: true, Late: late})
		r := b.request(t, http.MethodPost, userDeletePath+"?access_token="+b.token(t), fields{"userid": "li"})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			answer, err := http.DefaultClient.Do(r.WithContext(ctx))
			if err == nil {
				_ = answer.Body.Close()
			}
			done <- err
		}()
		for b.CallCounts()[userDeletePath] == 0 {
			select {
			case err := <-done:
				t.Fatalf("it was answered: %v", err)
			default:
				runtime.Gosched()
			}
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("it was answered")
		}
		if _, there := b.User("li"); there == late {
			t.Errorf("late=%v: there=%v", late, there)
		}
	}
}

func TestFaultChoice(t *testing.T) {
	t.Parallel()
	b := corp(t)
	b.Inject(Fault{Path: userGetPath, ID: "fang", Skip: 1, Errcode: 90018, Wrapped: true})
	var got []string
	for _, id := range []string{"li", "fang", "li", "fang", "fang"} {
		answer := b.old(t, userGetPath, fields{"userid": id})
		got = append(got, id+"="+answer.text("sub_code"))
	}
	if want := []string{"li=", "fang=", "li=", "fang=90018", "fang="}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	b.Inject(Fault{Path: deptCreatePath, ID: "新", Errcode: -1})
	b.Inject(Fault{Path: deptGetPath, ID: "10", Body: banPage})
	if got := b.old(t, deptCreatePath, fields{"name": "别的", "parent_id": 1}); got.errcode() != 0 {
		t.Errorf("another name: %s", got.raw)
	}
	if got := b.old(t, deptCreatePath, fields{"name": "新", "parent_id": 1}); got.errcode() != codeBusy {
		t.Errorf("the name: %s", got.raw)
	}
	if got := b.old(t, deptGetPath, fields{"dept_id": 10}); got.raw != banPage {
		t.Errorf("the id: %s", got.raw)
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	b := corp(t)
	seen := func() (listed, got bool, again int) {
		ids, _ := b.result(t, userIDsPath, fields{"dept_id": 20}).texts("userid_list")
		list := b.result(t, userListPath, fields{"dept_id": 20, "cursor": 0, "size": 9}).list("list")
		if len(list) != len(ids) {
			t.Errorf("%v and %v", list, ids)
		}
		again = b.old(t, userCreatePath, person1(fields{"userid": "li"})).errcode()
		return slices.Contains(ids, "li"), b.old(t, userGetPath, fields{"userid": "li"}).errcode() == 0, again
	}
	for _, c := range []struct {
		from        Where
		listed, got bool
	}{{HideList, false, true}, {HideGet, true, false}, {HideAll, false, false}, {0, true, true}} {
		b.HideUser("li", c.from)
		if listed, got, again := seen(); listed != c.listed || got != c.got || again != codeUserExists {
			t.Errorf("%d: listed %v, got %v, created again %d", c.from, listed, got, again)
		}
	}
	b.HideDepartment(10, HideAll)
	list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result")
	ids, _ := b.result(t, listSubIDPath, fields{"dept_id": 1})["dept_id_list"].([]any)
	if len(list) != 1 || len(ids) != 1 || b.old(t, deptGetPath, fields{"dept_id": 10}).errcode() != codeNoDept {
		t.Errorf("hidden department: %v, %v", list, ids)
	}
	b.HideDepartment(10, 0)
	if list := b.old(t, listSubPath, fields{"dept_id": 1}).list("result"); len(list) != 2 {
		t.Errorf("shown again: %v", list)
	}
}

func TestEffectsAndHooks(t *testing.T) {
	t.Parallel()
	b := corp(t)
	var told []string
	b.Gate(func(path, id string) { told = append(told, "gate "+path[strings.LastIndex(path, "/")+1:]+" "+id) })
	b.OnEffect(func(e Effect) {
		told = append(told, "effect "+e.Path[strings.LastIndex(e.Path, "/")+1:])
	})
	b.result(t, userUpdatePath, fields{"userid": "li", "title": "新", "tittle": "x"})
	b.old(t, userUpdatePath, fields{"userid": "nobody"})
	b.result(t, deptCreatePath, fields{"name": "x", "parent_id": 1, "parentid": 1})
	want := []string{"gate update li", "effect update", "gate update nobody", "gate create x", "effect create"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	effects := b.Effects()
	if len(effects) != 2 || effects[0].User != "li" || effects[0].UserBefore.Title != "工程师" || effects[0].UserAfter.Title != "新" ||
		!effects[0].At.Equal(b.clock.Now()) || effects[1].DepartmentAfter.Name != "x" || effects[1].Department == 0 {
		t.Errorf("effects: %+v", effects)
	}
	if got := b.UnknownFields(); !slices.Equal(got, []string{deptCreatePath + " parentid", userUpdatePath + " tittle"}) {
		t.Errorf("unknown: %v", got)
	}
	if n := b.CallCounts()[userUpdatePath]; n != 2 {
		t.Errorf("%d calls", n)
	}
	b.Gate(nil)
	b.OnEffect(nil)
	b.result(t, userDeletePath, fields{"userid": "li"})
	if len(told) != len(want) {
		t.Errorf("told %q", told)
	}
}

func TestStoredStateIsACopy(t *testing.T) {
	t.Parallel()
	b := corp(t)
	u, _ := b.User("li")
	u.Departments[0], u.Orders[20], u.Extension["级别"] = 99, 99, "x"
	b.Users()[0].Departments[0] = 99
	d, _ := b.Department(10)
	d.Managers[0] = "x"
	b.Departments()[1].Managers[0] = "x"
	again, _ := b.User("li")
	if again.Departments[0] != 20 || again.Orders[20] != 5 || again.Extension["级别"] != "P6" || !b.Leads("fang", 10) {
		t.Errorf("changed from outside: %+v", again)
	}
	if _, found := b.User("nobody"); found {
		t.Error("nobody is there")
	}
	if _, found := b.Department(99); found {
		t.Error("no department is there")
	}
	if b.Leads("fang", 99) {
		t.Error("fang leads nothing")
	}
}
