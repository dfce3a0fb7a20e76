package wecomsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a clock that moves only when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a corp with two tokens and a caller.
type bench struct {
	*Sim
	t        testing.TB
	clock    *clock
	contacts string // tokens
	app      string
}

// answer is a decoded reply.
type answer map[string]any

func (a answer) code() int { return int(a["errcode"].(float64)) }

func setup(t testing.TB, change func(*Options)) *bench {
	t.Helper()
	clock := newClock()
	options := Options{Now: clock.Now, OldIP: true, ExtAttrs: []string{"工号", "主页"}}
	if change != nil {
		change(&options)
	}
	b := &bench{Sim: New(options), t: t, clock: clock}
	b.contacts = b.token("contacts-secret")
	b.app = b.token("app-secret")
	return b
}

func (b *bench) token(secret string) string {
	b.t.Helper()
	a := b.call(http.MethodGet, "gettoken", url.Values{"corpid": {"ww-rollcall-sim"}, "corpsecret": {secret}}, "")
	token, _ := a["access_token"].(string)
	if token == "" {
		b.t.Fatalf("gettoken: %v", a)
	}
	return token
}

func (b *bench) call(method, path string, query url.Values, body string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, "/cgi-bin/"+path+"?"+query.Encode(), strings.NewReader(body))
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.t.Fatalf("%s: HTTP status %d", path, w.Code)
	}
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		b.t.Fatalf("%s: %v in %q", path, err, w.Body)
	}
	if _, ok := a["errcode"].(float64); !ok {
		b.t.Fatalf("%s: no errcode in %q", path, w.Body)
	}
	return a
}

// get calls with the contacts secret; parameters come as name, value, ….
func (b *bench) get(path string, parameters ...string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, path, values(b.contacts, parameters), "")
}

// see calls with the application's secret.
func (b *bench) see(path string, parameters ...string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, path, values(b.app, parameters), "")
}

func (b *bench) post(path, body string) answer {
	b.t.Helper()
	return b.call(http.MethodPost, path, values(b.contacts, nil), body)
}

func values(token string, parameters []string) url.Values {
	v := url.Values{"access_token": {token}}
	for i := 0; i < len(parameters); i += 2 {
		v.Set(parameters[i], parameters[i+1])
	}
	return v
}

func (b *bench) want(a answer, code int) {
	b.t.Helper()
	if a.code() != code {
		b.t.Fatalf("errcode %d, want %d: %v", a.code(), code, a["errmsg"])
	}
}

// addDepartment and addUser seed and fail the test on a refusal.
func (b *bench) addDepartment(d Department) int64 {
	b.t.Helper()
	id, err := b.AddDepartment(d)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) addUser(u User) {
	b.t.Helper()
	if u.Name == "" {
		u.Name = u.ID
	}
	if u.Departments == nil {
		u.Departments = []int64{1}
	}
	if u.Mobile == "" && u.Email == "" {
		u.Email = u.ID + "@example.com"
	}
	if err := b.AddUser(u); err != nil {
		b.t.Fatal(err)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	type want struct{ old, fresh, app int }
	calls := []struct {
		path, method, body string
		query              []string
		want               want
	}{
		{"department/simplelist", "GET", "", nil, want{0, 0, 0}},
		{"department/list", "GET", "", nil, want{0, 48009, 0}},
		{"department/get", "GET", "", []string{"id", "1"}, want{0, 48009, 0}},
		{"user/list_id", "POST", `{}`, nil, want{0, 0, 48002}},
		{"user/get", "GET", "", []string{"userid", "amy"}, want{0, 48009, 0}},
		{"user/list", "GET", "", []string{"department_id", "1"}, want{0, 48009, 0}},
		{"user/simplelist", "GET", "", []string{"department_id", "1"}, want{0, 48009, 0}},
		{"user/getuserid", "POST", `{"mobile":"13800000001"}`, nil, want{0, 0, 0}},
		{"user/get_userid_by_email", "POST", `{"email":"amy@example.com","email_type":2}`, nil, want{0, 0, 0}},
		{"department/create", "POST", `{"name":"New","parentid":1}`, nil, want{0, 0, 48002}},
		{"department/update", "POST", `{"id":2,"name":"Renamed"}`, nil, want{0, 0, 48002}},
		{"department/delete", "GET", "", []string{"id", "2"}, want{0, 0, 48002}},
		{"user/create", "POST", `{"userid":"bob","name":"Bob","department":[1],"mobile":"13800000009"}`, nil, want{0, 0, 48002}},
		{"user/update", "POST", `{"userid":"amy","position":"CTO"}`, nil, want{0, 0, 48002}},
		{"user/delete", "GET", "", []string{"userid", "amy"}, want{0, 0, 48002}},
		{"user/batchdelete", "POST", `{"useridlist":["amy"]}`, nil, want{0, 0, 48002}},
		{"batch/invite", "POST", `{"user":["amy"]}`, nil, want{0, 0, 48002}},
	}
	for _, c := range calls {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			for mode, want := range map[string]int{"old": c.want.old, "fresh": c.want.fresh, "app": c.want.app} {
				b := setup(t, func(o *Options) { o.OldIP = false })
				b.SetOldIP(mode == "old")
				b.addDepartment(Department{ID: 2, Name: "Empty"})
				b.addUser(User{ID: "amy", Mobile: "13800000001", Email: "amy@example.com"})
				token := b.contacts
				if mode == "app" {
					token = b.app
				}
				if got := b.call(c.method, c.path, values(token, c.query), c.body); got.code() != want {
					t.Errorf("%s: %d, want %d: %v", mode, got.code(), want, got["errmsg"])
				}
			}
		})
	}
}

func TestNewIPIsTheDefault(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.OldIP = false })
	b.want(b.get("department/list"), 48009)
	b.want(b.get("department/simplelist"), 0)
}

func TestEditingOff(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.EditingOff = true })
	body := `{"name":"New","parentid":1}`
	b.want(b.post("department/create", body), 48002)
	b.SetEditing(true)
	b.want(b.post("department/create", body), 0)
}

func TestAppSeesNoPrivateFields(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.addUser(User{ID: "amy", Mobile: "13800000001", Email: "amy@example.com", Gender: "2", Address: "Road 1", Position: "CTO"})
	full, seen := b.get("user/get", "userid", "amy"), b.see("user/get", "userid", "amy")
	for _, name := range []string{"mobile", "email", "gender", "address", "avatar", "thumb_avatar", "biz_mail", "qr_code"} {
		if _, found := full[name]; !found {
			t.Errorf("the contacts secret does not see %s", name)
		}
		if value, found := seen[name]; found {
			t.Errorf("the application sees %s: %v", name, value)
		}
	}
	if seen["position"] != "CTO" || seen["name"] != "amy" {
		t.Errorf("the application does not see the rest: %v", seen)
	}
}

func TestAppScope(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.AppScope = []int64{2} })
	b.addDepartment(Department{ID: 2, Name: "In"})
	b.addDepartment(Department{ID: 3, Name: "Below", Parent: 2})
	b.addDepartment(Department{ID: 4, Name: "Out"})
	b.addUser(User{ID: "in", Departments: []int64{4, 3}, Mobile: "13800000001"})
	b.addUser(User{ID: "out", Departments: []int64{4}, Mobile: "13800000002"})
	for _, path := range []string{"department/simplelist", "department/list"} {
		a := b.see(path)
		rows, _ := a[map[bool]string{true: "department_id", false: "department"}[strings.HasSuffix(path, "simplelist")]].([]any)
		if got := len(rows); got != 2 {
			t.Errorf("%s: %d departments, want 2", path, got)
		}
	}
	b.want(b.see("department/list", "id", "4"), 60011)
	b.want(b.see("department/get", "id", "4"), 60011)
	b.want(b.see("user/list", "department_id", "4"), 60011)
	b.want(b.see("user/get", "userid", "out"), 60011)
	b.want(b.see("user/get", "userid", "in"), 0)
	lookup := func(mobile string) answer {
		return b.call("POST", "user/getuserid", values(b.app, nil), `{"mobile":"`+mobile+`"}`)
	}
	b.want(lookup("13800000001"), 0)
	b.want(lookup("13800000002"), 46004)
	b.SetAppScope()
	b.want(b.see("user/get", "userid", "out"), 0)
}

func TestTrustedIP(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.TrustIPs("203.0.113.9")
	a := b.get("department/simplelist")
	b.want(a, 60020)
	if text := a["errmsg"].(string); !strings.Contains(text, "from ip: 192.0.2.1") {
		t.Errorf("the text does not name the caller's address: %s", text)
	}
	b.TrustIPs("203.0.113.9", "192.0.2.1")
	b.want(b.get("department/simplelist"), 0)
	b.TrustIPs()
	b.want(b.get("department/simplelist"), 0)
}

func TestRate(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.PerMinute = 2 })
	for _, want := range []int{0, 0, 45009} {
		b.want(b.get("department/simplelist"), want)
	}
	b.want(b.get("department/list"), 0)
	b.clock.Add(time.Minute)
	b.want(b.get("department/simplelist"), 0)
}

func TestForm(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, c := range map[string]struct {
		method, path, body string
		want               int
	}{
		"GET where POST is due": {"GET", "user/create", "", 40058},
		"POST where GET is due": {"POST", "user/delete", "{}", 40058},
		"empty body":            {"POST", "user/create", "", 40058},
		"no object":             {"POST", "user/create", "[]", 40058},
		"null":                  {"POST", "user/create", "null", 40058},
		"two values":            {"POST", "user/create", "{} {}", 40058},
		"wrong type":            {"POST", "user/create", `{"userid":7}`, 40058},
		"not utf-8":             {"POST", "department/create", "{\"name\":\"\xff\",\"parentid\":1}", 40058},
		"unicode escape":        {"POST", "department/create", `{"name":"R\u0026D","parentid":1}`, 40033},
		"escaped backslash":     {"POST", "department/create", `{"name":"a\\u0026","parentid":1}`, 60009},
		"field in wrong case":   {"POST", "department/create", `{"Name":"R","parentid":1}`, 60001},
		"plain ampersand":       {"POST", "department/create", `{"name":"R&D","parentid":1}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.call(c.method, c.path, values(b.contacts, nil), c.body)
			if a.code() != c.want {
				t.Errorf("errcode %d, want %d: %v", a.code(), c.want, a["errmsg"])
			}
		})
	}
}

func TestUnknownPath(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, path := range []string{"/", "/cgi-bin/", "/cgi-bin/user/nonsense", "/sim/reset"} {
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: HTTP status %d, want 404", path, w.Code)
		}
	}
}

func TestUnknownFields(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.want(b.post("department/create", `{"name":"R","parentid":1,"parent_id":1,"Order":3}`), 0)
	got := fmt.Sprint(b.UnknownFields())
	if want := "[department/create Order department/create parent_id]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNewerCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.NewerCodes = true })
	b.want(b.get("department/get", "id", "9"), 60123)
	b.want(b.post("department/create", `{"name":"R","parentid":9}`), 60124)
	b.want(b.post("department/create", `{"name":"R|D","parentid":1}`), 60125)
	b.want(b.post("department/create", `{"name":"","parentid":1}`), 60125)
}
