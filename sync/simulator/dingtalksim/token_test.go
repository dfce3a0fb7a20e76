package dingtalksim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAccessToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.token(t)
	b.clock.Add(time.Hour)
	if again := b.token(t); again != first {
		t.Error("a valid token was not given again")
	}
	b.clock.Add(time.Hour + 59*time.Minute) // extended by the repeat
	if again := b.token(t); again != first {
		t.Error("the repeat did not extend the token")
	}
	b.clock.Add(2 * time.Hour)
	if again := b.token(t); again == first {
		t.Error("an expired token was given again")
	}
	bad := b.post(t, "/v1.0/oauth2/accessToken", map[string]string{"appKey": b.opts.ClientID, "appSecret": "no"})
	if bad.status != 400 || bad.text("code") != "invalidClientIdOrSecret" || bad.text("requestid") == "" {
		t.Errorf("bad secret: %d %s", bad.status, bad.raw)
	}
	if folded := b.post(t, "/v1.0/oauth2/accessToken", map[string]string{
		"appkey": b.opts.ClientID, "appsecret": b.opts.ClientSecret,
	}); folded.status != 400 {
		t.Errorf("keys in the wrong case were taken: %s", folded.raw)
	}
}

func TestGetToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	get := func(path string) reply { return b.send(t, b.request(t, http.MethodGet, path, "")) }
	good := get(fmt.Sprintf("/gettoken?appkey=%s&appsecret=%s", b.opts.ClientID, b.opts.ClientSecret))
	if good.errcode() != 0 || good.number("expires_in") != 7200 || good.text("access_token") != b.token(t) {
		t.Errorf("gettoken: %s", good.raw)
	}
	if bad := get("/gettoken?appkey=x&appsecret=y"); bad.status != 200 || bad.errcode() != 40096 {
		t.Errorf("bad secret: %d %s", bad.status, bad.raw)
	}
}

func TestOldFamilyToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.token(t)
	for _, c := range []struct {
		name, key string
		before    func()
		errcode   int
		sub       string
	}{
		{"missing", "", nil, 41001, ""},
		{"unknown", "nobody", nil, 88, "40014"},
		{"good token, no such call", key, nil, 22, ""},
		{"expired", key, func() { b.clock.Add(2 * time.Hour) }, 42001, ""},
		{"revoked", key, b.RevokeTokens, 88, "40014"},
	} {
		if c.before != nil {
			c.before()
		}
		got := b.post(t, "/topapi/v2/role/nothing?access_token="+c.key, "{}")
		if got.status != 200 || got.errcode() != c.errcode || got.text("sub_code") != c.sub {
			t.Errorf("%s: %d %s", c.name, got.status, got.raw)
		}
	}
}

func TestNewFamilyRefusals(t *testing.T) {
	t.Parallel()
	body := map[string]any{
		"robotCode": "dingsimclient", "openConversationId": openID, "msgKey": "sampleText", "msgParam": `{"content":"hi"}`,
	}
	for _, c := range []struct {
		name   string
		before func(bench)
		token  string // "" = a good one, "-" = none
		status int
		code   string
	}{
		{"good", nil, "", 200, ""},
		{"no token", nil, "-", 400, "InvalidAuthentication"},
		{"unknown token", nil, "nobody", 401, "InvalidAuthentication"},
		{"no permission", func(b bench) { b.SetPermission(ScopeSend, false) }, "", 403, "Forbidden.AccessDenied.AccessTokenPermissionDenied"},
		{"no quota", func(b bench) {
			b.SetQuota(Quota{Calls: 1})
			b.call(t, http.MethodPost, "/v1.0/robot/groupMessages/send", body)
		}, "", 403, "Forbidden.AccessDenied.ApiCountLimitForOrg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := setup(t)
			if c.before != nil {
				c.before(b)
			}
			r := b.request(t, http.MethodPost, "/v1.0/robot/groupMessages/send", body)
			switch c.token {
			case "":
				r.Header.Set(theToken, b.token(t))
			case "-":
			default:
				r.Header.Set(theToken, c.token)
			}
			got := b.send(t, r)
			if got.status != c.status || got.text("code") != c.code {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			if c.name == "no permission" && !strings.Contains(got.raw, `"requiredScopes":["qyapi_robot_sendmsg"]`) {
				t.Errorf("the required scope is not named: %s", got.raw)
			}
		})
	}
}

func TestRevokedToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.request(t, http.MethodPost, "/v1.0/robot/groupMessages/send", "{}")
	r.Header.Set(theToken, b.token(t))
	b.RevokeTokens()
	if got := b.send(t, r); got.status != 401 || got.text("code") != "InvalidAuthentication" {
		t.Errorf("revoked token: %d %s", got.status, got.raw)
	}
	if again := b.call(t, http.MethodPost, "/v1.0/robot/groupMessages/send", "{}"); again.status == 401 {
		t.Error("the token after a revocation is refused too")
	}
}

func TestCallsPerSecond(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.QPS = 2 })
	body := map[string]any{
		"robotCode": "dingsimclient", "openConversationId": openID, "msgKey": "sampleText", "msgParam": `{"content":"hi"}`,
	}
	send := func() reply { return b.call(t, http.MethodPost, "/v1.0/robot/groupMessages/send", body) }
	for i := range 2 {
		if got := send(); got.status != 200 {
			t.Fatalf("call %d: %s", i, got.raw)
		}
	}
	if got := send(); got.status != 403 || got.text("code") != "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi" {
		t.Errorf("third call of the second: %d %s", got.status, got.raw)
	}
	b.clock.Add(time.Second)
	if got := send(); got.status != 200 {
		t.Errorf("a second later: %s", got.raw)
	}
	if used := b.Usage().Calls; used != 3 {
		t.Errorf("used %d calls; a rejected one must not count", used)
	}
}

func TestQuotaIsMonthlyInBeijing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.now = time.Date(2026, 3, 31, 15, 59, 0, 0, time.UTC) // 23:59 in Beijing
	b.SetQuota(Quota{Messages: 1})
	frames := b.listen(t)
	b.say(t, "状态", SayOptions{})
	if got := dataOf(t, <-frames); got.child("text").text("content") != " 状态" {
		t.Fatalf("first message: %v", got)
	}
	b.say(t, "状态", SayOptions{})
	got := dataOf(t, <-frames)
	if got.text("errorCode") != "20001" || got["text"] != nil || got.text("conversationId") != group {
		t.Errorf("message without quota: %v", got)
	}
	b.clock.Add(time.Minute)
	b.say(t, "状态", SayOptions{})
	if got := dataOf(t, <-frames); got["errorCode"] != nil {
		t.Errorf("first message of April: %v", got)
	}
}

func TestReplaceSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, was := b.token(t), b.opts.ClientSecret
	b.ReplaceSecret("another")
	ask := func(secret string) int {
		return b.post(t, "/v1.0/oauth2/accessToken", map[string]string{"appKey": b.opts.ClientID, "appSecret": secret}).status
	}
	if old, now := ask(was), ask("another"); old != http.StatusBadRequest || now != http.StatusOK {
		t.Errorf("the old secret gets %d, the new one %d", old, now)
	}
	if r := b.post(t, "/topapi/user/count?access_token="+key, map[string]bool{"only_active": false}); r.errcode() == 0 {
		t.Errorf("a token of the old secret works: %s", r.raw)
	}
}
