package feishusim

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

const tokenPath = "/open-apis/auth/v3/tenant_access_token/internal"

func TestTokenLife(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	first := w.token
	w.clock.advance(89 * time.Minute)
	if w.login(); w.token != first {
		t.Error("a token with 31 minutes left was replaced")
	}
	w.clock.advance(2 * time.Minute)
	if w.login(); w.token == first || w.TokensIssued() != 2 {
		t.Errorf("a token with 29 minutes left was kept; issued %d", w.TokensIssued())
	}
	second := w.token
	w.token = first
	w.ok("GET", "/open-apis/bot/v3/info", "") // the old one lives on
	w.clock.advance(30 * time.Minute)
	if r := w.refused(99991663, "GET", "/open-apis/bot/v3/info", ""); r.status != 400 {
		t.Errorf("expired: status %d", r.status)
	}
	w.token = second
	w.ok("GET", "/open-apis/bot/v3/info", "")
	w.RevokeTokens()
	w.refused(99991663, "GET", "/open-apis/bot/v3/info", "")
	w.login()
	w.ok("GET", "/open-apis/bot/v3/info", "")
	if n := w.Calls()["token.tenant"]; n != 4 {
		t.Errorf("token calls: %d", n)
	}
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.refused(10015, "POST", tokenPath, `{"app_id":"cli_sim","app_secret":"no"}`)
	w.refused(99991543, "POST", tokenPath, `{"app_id":"cli_other","app_secret":"no"}`)
	w.refused(10003, "POST", tokenPath, `{"app_id":"cli_sim"}`)
	w.refused(10003, "POST", tokenPath, ``)
	token := w.token
	for bad, code := range map[string]int{"": 99991661, "u-1": 99991671, "t-unknown": 99991663} {
		w.token = bad
		if r := w.refused(code, "GET", "/open-apis/bot/v3/info", ""); r.status != 400 {
			t.Errorf("%q: status %d", bad, r.status)
		}
	}
	w.token = token
	w.DisableApp(true)
	w.refused(99991662, "GET", "/open-apis/bot/v3/info", "")
	w.refused(10014, "POST", tokenPath, `{"app_id":"cli_sim","app_secret":"sim-secret"}`)
	long := setup(t, Options{LongToken: true, TokenLife: time.Hour})
	if len(long.token) < 3000 {
		t.Errorf("long token has %d bytes", len(long.token))
	}
	long.ok("GET", "/open-apis/bot/v3/info", "")
}

func TestEveryReplyIsJSONWithLogID(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	for _, path := range []string{"/open-apis/bot/v3/info", "/open-apis/contact/v3/users/nobody", "/nothing"} {
		r := w.do("GET", path, "")
		if r.header.Get("Content-Type") != "application/json; charset=utf-8" || len(r.header.Get("X-Tt-Logid")) < 20 || r.code < 0 {
			t.Errorf("%s: %v %s", path, r.header, r.raw)
		}
	}
	r := w.refused(99992351, "GET", "/open-apis/contact/v3/users/nobody", "")
	if object(t, r.body["error"])["log_id"] != r.header.Get("X-Tt-Logid") {
		t.Errorf("log id of the body differs: %s", r.raw)
	}
	info := object(t, w.do("GET", "/open-apis/bot/v3/info", "").body["bot"])
	if info["open_id"] != w.BotID() || info["app_name"] != "点名" {
		t.Errorf("bot: %v", info)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	u := w.person("u1", "李雷")
	w.SetScopes("contact:contact.base:readonly", "contact:user.base:readonly")
	show := object(t, w.ok("GET", "/open-apis/contact/v3/users/"+u.OpenID, "")["user"])
	if show["name"] != "李雷" || show["open_id"] != u.OpenID {
		t.Errorf("shown: %v", show)
	}
	for _, hidden := range []string{"email", "mobile", "user_id", "employee_no", "status", "department_ids", "job_title"} {
		if _, there := show[hidden]; there {
			t.Errorf("%s is shown without its permission", hidden)
		}
	}
	r := w.refused(99991672, "POST", "/open-apis/contact/v3/users", `{}`)
	violations := rows(t, object(t, r.body["error"])["permission_violations"])
	if object(t, violations[0])["subject"] != "contact:contact" {
		t.Errorf("violations: %v", violations)
	}
	w.refused(99991672, "GET", "/open-apis/contact/v3/users/u1?user_id_type=user_id", "")
	w.refused(99991672, "POST", "/open-apis/im/v1/messages?receive_id_type=chat_id", `{}`)
	w.SetScopes()
	if show := object(t, w.ok("GET", "/open-apis/contact/v3/users/u1?user_id_type=user_id", "")["user"]); show["mobile"] != "+861380000"+last4("u1") {
		t.Errorf("mobile: %v", show["mobile"])
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	for i := range 50 {
		if r := w.do("GET", "/open-apis/bot/v3/info", ""); r.code != 0 {
			t.Fatalf("call %d: %s", i, r.raw)
		}
	}
	r := w.refused(99991400, "GET", "/open-apis/bot/v3/info", "")
	if r.status != 429 || r.header.Get("X-Ogw-Ratelimit-Reset") != "1" || r.header.Get("X-Ogw-Ratelimit-Limit") == "" {
		t.Errorf("limited: %d %v", r.status, r.header)
	}
	w.clock.advance(20 * time.Millisecond)
	w.ok("GET", "/open-apis/bot/v3/info", "")
	w.refused(99991400, "GET", "/open-apis/bot/v3/info", "")
	w.ok("GET", "/open-apis/im/v1/chats", "") // another API has its own bucket

	free := setup(t, Options{NoLimits: true})
	wide := setup(t, Options{LimitFactor: 2})
	for range 100 {
		free.ok("GET", "/open-apis/bot/v3/info", "")
		wide.ok("GET", "/open-apis/bot/v3/info", "")
	}
	free.ok("GET", "/open-apis/bot/v3/info", "")
	wide.refused(99991400, "GET", "/open-apis/bot/v3/info", "")
}

func TestMinuteLimit(t *testing.T) {
	t.Parallel()
	c := &clock{t: time.Unix(1, 0)}
	s := New(Options{Now: c.now})
	passed := 0
	for range 60 * 60 { // 60 calls a second for a minute
		if _, ok := s.allow("x", level4); ok {
			passed++
		}
		c.advance(time.Second / 60)
	}
	if passed < 1900 || passed > 2001 { // a full bucket of 1000 and one minute's refill
		t.Errorf("%d calls passed", passed)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const path = "/open-apis/contact/v3/departments"
	body := func(name string) string { return `{"name":"` + name + `","parent_department_id":"0"}` }
	w := setup(t, Options{})

	w.Inject(Fault{Method: "POST", Path: path, Code: 43024, Skip: 1})
	w.ok("POST", path, body("a"))
	w.refused(43024, "POST", path, body("b"))
	w.ok("POST", path, body("b"))

	w.Inject(Fault{Path: path, Status: 502, Body: "<html>bad gateway</html>", Times: 2})
	for range 2 {
		if r := w.do("POST", path, body("c")); r.status != 502 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("502: %d %v %s", r.status, r.header, r.raw)
		}
	}
	w.Inject(Fault{Path: path, Before: true})
	if _, err := w.try("POST", path, body("d")); err == nil {
		t.Error("the connection was not cut")
	}
	if n := len(w.EffectsOf("department.create")); n != 2 {
		t.Errorf("%d effects before the drop", n)
	}
	w.Inject(Fault{Path: path, Drop: true})
	if _, err := w.try("POST", path, body("e")); err == nil {
		t.Error("the connection was not cut")
	}
	w.Inject(Fault{Match: regexp.MustCompile("departments$"), Status: 500, Code: 40003, Msg: "internal error", Apply: true})
	if r := w.refused(40003, "POST", path, body("f")); r.status != 500 {
		t.Errorf("status %d", r.status)
	}
	if n := len(w.EffectsOf("department.create")); n != 4 {
		t.Errorf("%d effects after a drop and a lying error", n)
	}
	disarm := w.Inject(Fault{Path: path, Code: 99991400, Times: -1})
	for range 3 {
		if r := w.refused(99991400, "POST", path, body("g")); r.header.Get("x-ogw-ratelimit-reset") == "" {
			t.Error("no reset header")
		}
	}
	disarm()
	w.ok("POST", path, body("g"))
	w.Inject(Fault{Times: -1, Code: 40003})
	w.ClearFaults()
	w.ok("POST", path, body("h"))
}

func TestFaultDelays(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{Latency: time.Millisecond})
	var order []string
	step := func(name string) func(context.Context) {
		return func(context.Context) { order = append(order, name+string(rune('0'+len(w.Effects())))) }
	}
	w.Inject(Fault{Method: http.MethodPost, Delay: step("before"), After: step("after")})
	w.ok("POST", "/open-apis/contact/v3/departments", `{"name":"a","parent_department_id":"0"}`)
	if got := strings.Join(order, " "); got != "before0 after1" {
		t.Errorf("order: %s", got)
	}
}

func TestReplaceSecret(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	was := w.AppSecret()
	ask := func(secret string) int {
		return w.do("POST", "/open-apis/auth/v3/tenant_access_token/internal", `{"app_id":"`+w.AppID()+`","app_secret":"`+secret+`"}`).code
	}
	w.ReplaceSecret("another")
	if r := w.do("GET", "/open-apis/contact/v3/scopes", ""); r.code != 99991663 {
		t.Errorf("a token of the old secret gets %d", r.code)
	}
	if old, now := ask(was), ask("another"); old != 10015 || now != 0 {
		t.Errorf("the old secret gets %d, the new one %d", old, now)
	}
}
