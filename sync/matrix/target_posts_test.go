package matrix

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// prepare starts what a bubble of virtual time cannot hold.
func prepare(t *testing.T, name string) {
	t.Helper()
	if name == "ldap" && directoryServer(t) == "" {
		t.Skip("NOT RUN: no slapd here: apt-get install slapd")
	}
}

// deptNumber reads the id of a department that is a number.
func deptNumber(t *testing.T, id directory.ID) int64 {
	t.Helper()
	n, err := strconv.ParseInt(string(id), 10, 64)
	check(t, err)
	return n
}

func attr(o directory.Object, name string) string { return o.Attributes[name].String() }

// verbIn finds which deed a call was by the end of its path.
func verbIn(path string) string {
	switch {
	case strings.HasSuffix(path, "create"):
		return "create"
	case strings.HasSuffix(path, "delete"):
		return "delete"
	default:
		return "write"
	}
}

// wecomPost is a WeCom corp.
type wecomPost struct {
	*wecomCorp
	now func() time.Time
}

func newWeComPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	sim := wecomsim.New(wecomsim.Options{Now: now, ExtAttrs: []string{wecomMobile, wecomEmail}})
	return &wecomPost{&wecomCorp{Sim: sim, t: t, units: map[string]int64{"": 1}}, now}
}

func (s *wecomPost) connect(w *toll) connector.Target {
	writes := func(r *http.Request) bool {
		p := r.URL.Path
		return (strings.Contains(p, "/user/") || strings.Contains(p, "/department/")) && (strings.HasSuffix(p, "create") || strings.HasSuffix(p, "update") || strings.HasSuffix(p, "delete"))
	}
	url, client := w.web(s.Handler(), writes, func(*knock, *http.Request) (int, string) {
		return http.StatusOK, `{"errcode":0,"errmsg":"ok","id":` + fmt.Sprint(w.fibs()) + `}`
	})
	c, err := wecom.New(wecom.Options{
		CorpID: "ww-rollcall-sim", ContactsSecret: "contacts-secret", AppSecret: "app-secret", BaseURL: url, HTTPClient: client, Now: s.now,
		ExtAttrs: []string{wecomMobile, wecomEmail},
	})
	check(s.t, err)
	return c
}

func (s *wecomPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *wecomPost) headers() string                           { return "Retry-After" }

func (s *wecomPost) deeds() []deed {
	var all []deed
	for _, e := range s.Effects() {
		kind := directory.User
		if strings.HasPrefix(e.Op, "department") {
			kind = directory.Department
		}
		all = append(all, deed{verbIn(e.Op), directory.Key{Kind: kind, ID: directory.ID(e.ID)}})
	}
	return all
}

func (s *wecomPost) rename(key directory.Key, name string) {
	if key.Kind == directory.User {
		check(s.t, s.ChangeUser(string(key.ID), func(u *wecomsim.User) { u.Name, u.Position = name, name }))
		return
	}
	check(s.t, s.ChangeDepartment(deptNumber(s.t, key.ID), func(d *wecomsim.Department) { d.Name = name }))
}

func (s *wecomPost) remove(key directory.Key) {
	if key.Kind == directory.User {
		s.RemoveUser(string(key.ID))
		return
	}
	check(s.t, s.RemoveDepartment(deptNumber(s.t, key.ID)))
}

func (s *wecomPost) occupy(o directory.Object, in directory.ID) {
	if o.Kind == directory.Department {
		_, err := s.AddDepartment(wecomsim.Department{Name: attr(o, "name"), Parent: 1})
		check(s.t, err)
		return
	}
	at := deptNumber(s.t, in)
	check(s.t, s.AddUser(wecomsim.User{
		ID: attr(o, "employee_no"), Name: attr(o, "name"), Position: attr(o, "title"), Mobile: attr(o, "mobile"), Email: attr(o, "email"), Status: wecomsim.StatusActive,
		Departments: []int64{at}, MainDepartment: at, Texts: map[string]string{wecomMobile: attr(o, "mobile"), wecomEmail: attr(o, "email")},
	}))
}

// feishuPost is a Feishu tenant.
type feishuPost struct {
	*feishuTenant
	now   func() time.Time
	names map[string]string // open id → user id, those who have gone too
}

func newFeishuPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	return &feishuPost{&feishuTenant{Sim: feishusim.New(feishusim.Options{Now: now}), t: t, units: map[string]string{}}, now, map[string]string{}}
}

func (s *feishuPost) connect(w *toll) connector.Target {
	writes := func(r *http.Request) bool {
		return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/contact/") && !strings.Contains(r.URL.Path, "batch")
	}
	url, client := w.web(s.Handler(), writes, func(k *knock, r *http.Request) (int, string) {
		n := w.fibs()
		user := map[string]any{"open_id": fmt.Sprintf("ou_%d", n), "user_id": fmt.Sprintf("lie%d", n)}
		if k.sending != nil && k.Key.ID != "" && k.Key.Kind == directory.User {
			user["user_id"] = string(k.Key.ID)
		}
		department := map[string]any{"open_department_id": fmt.Sprintf("od-%032d", n), "department_id": fmt.Sprintf("lie%d", n), "name": "x"}
		text, _ := json.Marshal(map[string]any{"code": 0, "msg": "ok", "data": map[string]any{"user": user, "department": department}})
		return http.StatusOK, string(text)
	})
	c, err := feishu.New(feishu.Options{AppID: s.AppID(), AppSecret: s.AppSecret(), BaseURL: url, HTTPClient: client, Now: s.now})
	check(s.t, err)
	return c
}

func (s *feishuPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *feishuPost) headers() string                           { return "X-Ogw-Ratelimit-Reset" }

func (s *feishuPost) deeds() []deed {
	for _, u := range s.Users() {
		s.names[u.OpenID] = u.UserID
	}
	var all []deed
	for _, e := range s.Effects() {
		what, op, _ := strings.Cut(e.Op, ".")
		key := directory.Key{Kind: directory.Department, ID: directory.ID(e.ID)}
		if what == "user" {
			key = directory.Key{Kind: directory.User, ID: directory.ID(s.names[e.ID])}
		}
		all = append(all, deed{verbIn(op), key})
	}
	return all
}

func (s *feishuPost) rename(key directory.Key, name string) {
	if key.Kind == directory.User {
		check(s.t, s.UpdateUser(string(key.ID), func(u *feishusim.User) { u.Name, u.JobTitle = name, name }))
		return
	}
	d, _ := s.Department(string(key.ID))
	s.RemoveDepartment(d.OpenID)
	d.Name = name
	_, err := s.AddDepartment(d)
	check(s.t, err)
}

func (s *feishuPost) remove(key directory.Key) {
	if key.Kind == directory.User {
		check(s.t, s.UpdateUser(string(key.ID), func(u *feishusim.User) {
			u.LeftDepartments, u.Departments, u.Resigned, u.ResignedAt = u.Departments, nil, true, s.now()
		}))
		return
	}
	s.RemoveDepartment(string(key.ID))
}

func (s *feishuPost) occupy(o directory.Object, in directory.ID) {
	if o.Kind == directory.Department {
		_, err := s.AddDepartment(feishusim.Department{Name: attr(o, "name")})
		check(s.t, err)
		return
	}
	_, err := s.AddUser(feishusim.User{
		UserID: attr(o, "employee_no"), EmployeeNo: attr(o, "employee_no"), Name: attr(o, "name"), JobTitle: attr(o, "title"), Mobile: "+86" + attr(o, "mobile"),
		Email: attr(o, "email"), Departments: []string{string(in)}, Activated: true,
	})
	check(s.t, err)
}

// dingtalkPost is a DingTalk corp that moves those it disables.
type dingtalkPost struct {
	*dingtalkCorp
	now func() time.Time
}

func newDingTalkPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	s := &dingtalkCorp{Sim: dingtalksim.New(dingtalksim.Options{Now: now}), t: t, units: map[string]int64{"": dingtalksim.Root}}
	t.Cleanup(s.Close)
	id, err := s.SeedDepartment(dingtalksim.Department{Name: quarantine})
	check(t, err)
	s.left = id
	return &dingtalkPost{s, now}
}

func (s *dingtalkPost) connect(w *toll) connector.Target {
	writes := func(r *http.Request) bool {
		p := r.URL.Path
		return strings.HasPrefix(p, "/topapi/v2/") && (strings.HasSuffix(p, "/create") || strings.HasSuffix(p, "/update") || strings.HasSuffix(p, "/delete"))
	}
	url, client := w.web(s.Handler(), writes, func(k *knock, _ *http.Request) (int, string) {
		n := w.fibs()
		result := map[string]any{"userid": fmt.Sprintf("lie%d", n), "dept_id": n}
		if k.sending != nil && k.Key.ID != "" {
			result["userid"] = string(k.Key.ID)
		}
		text, _ := json.Marshal(map[string]any{"errcode": 0, "errmsg": "ok", "request_id": "r", "result": result})
		return http.StatusOK, string(text)
	})
	c, err := dingtalk.New(dingtalk.Options{
		ClientID: "dingsimclient", ClientSecret: "simsecret", APIURL: url, OAPIURL: url, HTTPClient: client, Now: s.now,
		Disable: dingtalk.DisableMove, Quarantine: strconv.FormatInt(s.left, 10),
	})
	check(s.t, err)
	return c
}

func (s *dingtalkPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }
func (s *dingtalkPost) headers() string                           { return "Retry-After" }

func (s *dingtalkPost) deeds() []deed {
	var all []deed
	for _, e := range s.Effects() {
		key := directory.Key{Kind: directory.Department, ID: directory.ID(strconv.FormatInt(e.Department, 10))}
		if e.User != "" {
			key = directory.Key{Kind: directory.User, ID: directory.ID(e.User)}
		}
		all = append(all, deed{verbIn(e.Path), key})
	}
	return all
}

func (s *dingtalkPost) rename(key directory.Key, name string) {
	if key.Kind == directory.User {
		check(s.t, s.Console().ChangeUser(string(key.ID), func(u *dingtalksim.User) { u.Name, u.Title = name, name }))
		return
	}
	check(s.t, s.Console().ChangeDepartment(deptNumber(s.t, key.ID), func(d *dingtalksim.Department) { d.Name = name }))
}

func (s *dingtalkPost) remove(key directory.Key) {
	if key.Kind == directory.User {
		check(s.t, s.Console().RemoveUser(string(key.ID)))
		return
	}
	check(s.t, s.Console().RemoveDepartment(deptNumber(s.t, key.ID)))
}

func (s *dingtalkPost) occupy(o directory.Object, in directory.ID) {
	if o.Kind == directory.Department {
		_, err := s.SeedDepartment(dingtalksim.Department{Name: attr(o, "name"), Parent: dingtalksim.Root})
		check(s.t, err)
		return
	}
	_, err := s.SeedUser(dingtalksim.User{
		ID: attr(o, "employee_no"), JobNumber: attr(o, "employee_no"), Name: attr(o, "name"), Title: attr(o, "title"), Mobile: attr(o, "mobile"),
		Email: attr(o, "email"), Departments: []int64{deptNumber(s.t, in)},
	})
	check(s.t, err)
}

// scimPost is a service that speaks SCIM.
type scimPost struct {
	*scimService
	now func() time.Time
}

func newSCIMPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	sim := scimsim.New(scimsim.Options{Now: now, ETags: true})
	return &scimPost{&scimService{pusher: newPusher(t, sim.Handler(), "", "scim-token"), sim: sim}, now}
}

func (s *scimPost) connect(w *toll) connector.Target {
	url, client := w.web(s.sim.Handler(), func(r *http.Request) bool { return r.Method != http.MethodGet }, func(k *knock, r *http.Request) (int, string) {
		if r.Method != http.MethodPost {
			return http.StatusNoContent, ""
		}
		var made map[string]any
		_ = json.Unmarshal([]byte(k.body), &made)
		if made == nil {
			made = map[string]any{}
		}
		made["id"] = fmt.Sprintf("lie-%d", w.fibs())
		text, _ := json.Marshal(made)
		return http.StatusCreated, string(text)
	})
	c, err := scim.New(scim.Options{URL: url, Token: "scim-token", Departments: scim.Extension, HTTPClient: client, Now: s.now})
	check(s.t, err)
	return c
}

// specs leave groups of people out: they would make two writes of one change.
func (s *scimPost) specs() (users, departments *mapping.Spec) {
	from := payrollWords()
	return rules(from.no, "employee_no", from.no, "userName", from.no, "externalId", from.no, "name", "name", "mobile", from.mobile, "email", from.email, "title", from.title), tree()
}

func (s *scimPost) headers() string { return "Retry-After" }

func (s *scimPost) deeds() []deed {
	verbs := map[string]string{http.MethodPost: "create", http.MethodDelete: "delete"}
	var all []deed
	for _, e := range s.sim.Effects() {
		method, what, _ := strings.Cut(e.Op, " ")
		kind := directory.User
		if what == "Groups" {
			kind = directory.Department
		}
		verb := verbs[method]
		if verb == "" {
			verb = "write"
		}
		all = append(all, deed{verb, directory.Key{Kind: kind, ID: directory.ID(e.ID)}})
	}
	return all
}

func (s *scimPost) rename(key directory.Key, name string) {
	check(s.t, s.sim.Change(string(key.ID), func(r scimsim.Resource) {
		r["displayName"] = name
		if key.Kind == directory.User {
			r["title"] = name
		}
	}))
}

func (s *scimPost) remove(key directory.Key) { s.sim.Remove(string(key.ID)) }

func (s *scimPost) occupy(o directory.Object, _ directory.ID) {
	var err error
	if o.Kind == directory.Department {
		_, err = s.sim.AddGroup(scimsim.Resource{"schemas": []any{scimsim.SchemaGroup}, "displayName": attr(o, "name")})
	} else {
		no := attr(o, "employee_no")
		r := scimsim.Resource(s.user(person{no: no, name: attr(o, "name"), title: attr(o, "title"), mobile: attr(o, "mobile"), email: attr(o, "email")}, true))
		text, _ := json.Marshal(r)
		r = nil
		check(s.t, json.Unmarshal(text, &r))
		_, err = s.sim.AddUser(r)
	}
	check(s.t, err)
}

func (s *wecomPost) expire() bool { s.ExpireTokens(); return true }

func (s *wecomPost) deny() func() {
	s.TrustIPs("203.0.113.9")
	return func() { s.TrustIPs() }
}

func (s *feishuPost) expire() bool { s.RevokeTokens(); return true }

func (s *feishuPost) deny() func() {
	s.SetScopes("contact:contact:readonly_as_app")
	return func() { s.SetScopes() }
}

func (s *dingtalkPost) expire() bool { s.RevokeTokens(); return true }

func (s *dingtalkPost) deny() func() {
	s.SetPermission(dingtalksim.PermitManage, false)
	return func() { s.SetPermission(dingtalksim.PermitManage, true) }
}

func (s *scimPost) expire() bool { return false }

func (s *scimPost) deny() func() {
	s.sim.SetToken("another-token")
	return func() { s.sim.SetToken("scim-token") }
}
