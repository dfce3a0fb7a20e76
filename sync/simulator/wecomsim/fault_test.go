package wecomsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// wire calls a corp over a real connection, each call over one of its own.
func wire(t *testing.T, b *bench) func(ctx context.Context, method, path, body string) (int, []byte, error) {
	t.Helper()
	server := httptest.NewServer(b.Handler())
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context, method, path, body string) (int, []byte, error) {
		target := server.URL + "/cgi-bin/" + path + "access_token=" + b.contacts
		r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			return 0, nil, err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		return response.StatusCode, text, err
	}
}

func TestFaultCodes(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	for _, code := range []int{-1, 6000, 45009, 45033, 48008, 45026} {
		b.Inject(Fault{Path: "/cgi-bin/user/delete", Code: code})
		b.want(b.get("user/get", "userid", "ben"), 0)
		b.want(b.get("user/delete", "userid", "ben"), code)
	}
	if len(b.Effects()) != 0 {
		t.Errorf("effects: %v", b.Effects())
	}
	b.want(b.get("user/delete", "userid", "ben"), 0)
	if got := b.Calls()["user/delete"]; got != 7 {
		t.Errorf("%d calls, want 7", got)
	}
}

func TestFaultTimesSkipAndID(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.Inject(Fault{Path: "user/update", ID: "AMY", Skip: 1, Times: 2, Code: -1})
	for i, want := range []int{0, -1, -1, 0} {
		b.want(b.post("user/update", `{"userid":"ben"}`), 0)
		if a := b.post("user/update", `{"userid":"amy"}`); a.code() != want {
			t.Errorf("call %d: %d, want %d", i, a.code(), want)
		}
	}
	b.Inject(Fault{Path: "department/update", ID: "3", Times: -1, Code: 45009})
	for range 5 {
		b.want(b.post("department/update", `{"id":3}`), 45009)
		b.want(b.post("department/update", `{"id":2}`), 0)
	}
	b.ClearFaults()
	b.want(b.post("department/update", `{"id":3}`), 0)
	b.Inject(Fault{Code: -1})
	b.want(b.get("department/simplelist"), -1)
	b.Inject(Fault{ID: "amy,ben", Code: -1})
	b.want(b.post("user/batchdelete", `{"useridlist":["amy","ben"]}`), -1)
}

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	call := wire(t, b)
	b.Inject(Fault{Path: "user/delete", Status: 502})
	status, text, err := call(t.Context(), "GET", "user/delete?userid=ben&", "")
	if err != nil || status != 502 || !strings.Contains(string(text), "<html>") {
		t.Errorf("%d %q %v", status, text, err)
	}
	b.Inject(Fault{Path: "user/delete", Status: 429, Body: "slow down"})
	status, text, err = call(t.Context(), "GET", "user/delete?userid=ben&", "")
	if err != nil || status != 429 || string(text) != "slow down" {
		t.Errorf("%d %q %v", status, text, err)
	}
	if len(b.Effects()) != 0 {
		t.Errorf("effects: %v", b.Effects())
	}
}

func TestFaultCuts(t *testing.T) {
	t.Parallel()
	create := `{"userid":"eve","name":"E","department":[2],"mobile":"13700000000","to_invite":false}`
	for name, c := range map[string]struct {
		fault   Fault
		effects int
	}{
		"after":            {Fault{Drop: true}, 1},
		"before":           {Fault{Before: true}, 0},
		"drop before":      {Fault{Drop: true, Before: true}, 0},
		"after, in halves": {Fault{Drop: true, Partial: true}, 1},
		"silent after":     {Fault{Drop: true, Hang: true}, 1},
		"silent before":    {Fault{Before: true, Hang: true}, 0},
		"silent":           {Fault{Hang: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// Against silence the client gives up: when its call has had its
			// effect, or, if it will have none, when it has arrived.
			b := staff(t, func(o *Options) {
				o.ClientIP = func(r *http.Request) string {
					if c.fault.Hang && c.fault.Before && strings.HasSuffix(r.URL.Path, "user/create") {
						cancel()
					}
					return "192.0.2.1"
				}
			})
			if c.fault.Hang {
				b.OnEffect(func(Effect) { cancel() })
			}
			call := wire(t, b)
			c.fault.Path = "user/create"
			b.Inject(c.fault)
			_, text, err := call(ctx, "POST", "user/create?", create)
			if err == nil {
				t.Errorf("an answer came: %s", text)
			}
			if c.fault.Hang && !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want a cancelled call", err)
			}
			if got := len(b.Effects()); got != c.effects {
				t.Errorf("%d effects, want %d", got, c.effects)
			}
			status, text, err := call(t.Context(), "POST", "user/create?", create)
			var a answer
			if err != nil || status != 200 || json.Unmarshal(text, &a) != nil {
				t.Fatalf("again: %d %q %v", status, text, err)
			}
			b.want(a, map[int]int{0: 0, 1: 60102}[c.effects])
		})
	}
}

func TestGateHoldsAWrite(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	arrived, release := make(chan string), make(chan struct{})
	b.Gate(func(op, id string) {
		arrived <- op + " " + id
		<-release
	})
	done := make(chan answer)
	go func() { done <- b.get("user/delete", "userid", "ben") }()
	if got := <-arrived; got != "user/delete ben" {
		t.Errorf("at the gate: %s", got)
	}
	// Under no lock: the corp can be read, and nothing has happened yet.
	if _, found := b.User("ben"); !found || len(b.Effects()) != 0 {
		t.Error("the write took effect before the gate let it pass")
	}
	b.want(b.get("user/get", "userid", "ben"), 0) // reads do not pass the gate
	close(release)
	if a := <-done; a.code() != 0 {
		t.Errorf("%v", a)
	}
	b.Gate(nil)
	b.want(b.post("department/create", `{"name":"a","parentid":1}`), 0)
}

func TestHooks(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	var mu sync.Mutex
	var seen, gates []string
	b.Gate(func(op, id string) {
		mu.Lock()
		defer mu.Unlock()
		gates = append(gates, op+" "+id)
	})
	b.OnEffect(func(e Effect) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e.Op+" "+e.ID+" "+e.Detail)
		b.Tree() // under no lock
	})
	b.want(b.post("department/create", `{"parentid":1,"name":"R&D"}`), 0)
	b.want(b.post("user/update", `{"userid":"BEN","enable":0}`), 0)
	b.want(b.post("user/update", `{"userid":"nobody"}`), 60111)
	b.want(b.post("user/batchdelete", `{"useridlist":["ben","amy"]}`), 0)
	b.want(b.get("department/delete", "id", "2"), 0)
	want := []string{
		`department/create 5 {"name":"R&D","parentid":1}`,
		`user/update ben {"enable":0,"userid":"BEN"}`,
		"user/batchdelete ben ", "user/batchdelete Amy ",
		"department/delete 2 ",
	}
	if got := strings.Join(seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("effects:\n%s", got)
	}
	wantGates := "department/create \nuser/update BEN\nuser/update nobody\nuser/batchdelete ben,amy\ndepartment/delete 2"
	if got := strings.Join(gates, "\n"); got != wantGates {
		t.Errorf("gates:\n%s", got)
	}
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	var group sync.WaitGroup
	codes := make(chan int, 20)
	for range 20 {
		group.Go(func() {
			codes <- b.post("user/create", `{"userid":"eve","name":"E","department":[2],"mobile":"13700000000","to_invite":false}`).code()
			b.Tree()
			b.get("user/list", "department_id", "2")
		})
	}
	group.Wait()
	close(codes)
	counts := map[int]int{}
	for code := range codes {
		counts[code]++
	}
	if counts[0] != 1 || counts[60102] != 19 || len(b.Effects()) != 1 {
		t.Errorf("codes %v, %d effects", counts, len(b.Effects()))
	}
}

// Go's client repeats a GET whose reused connection was cut without a byte of
// an answer: the corp is asked twice to delete, and does it once.
func TestGoRepeatsACutGET(t *testing.T) {
	t.Parallel()
	for partial, want := range map[bool]int{false: 2, true: 1} {
		b := staff(t, nil)
		server := httptest.NewServer(b.Handler())
		t.Cleanup(server.Close)
		get := func(path string) (answer, error) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/cgi-bin/"+path+"access_token="+b.contacts, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(r)
			if err != nil {
				return nil, err
			}
			defer func() { _ = response.Body.Close() }()
			var a answer
			return a, json.NewDecoder(response.Body).Decode(&a)
		}
		if _, err := get("department/simplelist?"); err != nil {
			t.Fatal(err)
		}
		b.Inject(Fault{Path: "user/delete", Drop: true, Partial: partial})
		_, err := get("user/delete?userid=ben&")
		if (err != nil) != partial {
			t.Errorf("partial %v: %v", partial, err)
		}
		if calls := b.Calls()["user/delete"]; calls != want || len(b.Effects()) != 1 {
			t.Errorf("partial %v: %d calls, want %d; effects %v", partial, calls, want, b.Effects())
		}
	}
}
