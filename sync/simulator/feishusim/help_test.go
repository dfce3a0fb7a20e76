package feishusim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a clock that only a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is one tenant on a listener, with a token in hand.
type world struct {
	*Sim
	t     *testing.T
	clock *clock
	base  string
	token string
}

func setup(t *testing.T, o Options) *world {
	t.Helper()
	c := &clock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	o.Now = c.now
	if o.AckWait == 0 {
		o.AckWait = time.Minute // a busy machine must not look like a deaf client
	}
	s := New(o)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.DropConnections()
		server.Close()
	})
	w := &world{Sim: s, t: t, clock: c, base: server.URL}
	w.login()
	return w
}

func (w *world) login() {
	w.t.Helper()
	r := w.do("POST", "/open-apis/auth/v3/tenant_access_token/internal",
		`{"app_id":"`+w.AppID()+`","app_secret":"`+w.AppSecret()+`"}`)
	w.token, _ = r.body["tenant_access_token"].(string)
	if w.token == "" {
		w.t.Fatalf("login: %v", r.body)
	}
}

// reply is an answer of the tenant.
type reply struct {
	status int
	code   int
	header http.Header
	body   map[string]any
	raw    string
}

func (w *world) do(method, path, body string) reply {
	w.t.Helper()
	r, err := w.try(method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (w *world) try(method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	out := reply{status: resp.StatusCode, header: resp.Header, raw: string(raw), code: -1}
	d := json.NewDecoder(bytes.NewReader(raw))
	if d.Decode(&out.body) == nil {
		if code, ok := out.body["code"].(float64); ok {
			out.code = int(code)
		}
	}
	return out, err
}

// ok makes a call that must succeed and gives its data.
func (w *world) ok(method, path, body string) map[string]any {
	w.t.Helper()
	r := w.do(method, path, body)
	if r.code != 0 {
		w.t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	data, _ := r.body["data"].(map[string]any)
	return data
}

// refused makes a call that must be refused with a code.
func (w *world) refused(code int, method, path, body string) reply {
	w.t.Helper()
	r := w.do(method, path, body)
	if r.code != code {
		w.t.Fatalf("%s %s %s: want code %d, got %d %s", method, path, body, code, r.status, r.raw)
	}
	return r
}

func (w *world) department(id, name, parent string) Department {
	w.t.Helper()
	d, err := w.AddDepartment(Department{DepartmentID: id, Name: name, Parent: parent})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) person(id, name string, departments ...string) User {
	w.t.Helper()
	u, err := w.AddUser(User{
		UserID: id, Name: name, Departments: departments,
		Mobile: "1380000" + last4(id), Email: id + "@example.com", EmployeeNo: "E" + id,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// last4 makes four digits of an id.
func last4(id string) string {
	n := 0
	for _, r := range id {
		n = (n*31 + int(r)) % 10000
	}
	return string([]byte{byte('0' + n/1000), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)})
}

func object(t *testing.T, v any) map[string]any {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("not an object: %v", v)
	}
	return m
}

func rows(t *testing.T, v any) []any {
	t.Helper()
	l, ok := v.([]any)
	if !ok {
		t.Fatalf("not a list: %v", v)
	}
	return l
}

func quote(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
