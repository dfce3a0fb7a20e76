package dingtalk

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// kinds is what each code has to become, written a second time.
var kinds = map[fault.Kind]string{
	fault.Credential: "40001 40014 42001 41001 43007 60011 60020 90001 90003 90004 90005 90006 90007 90008 90009 90010 90011 90012 " +
		"90013 90014 90015 90016 90017 90020 InvalidAuthentication invalidClientIdOrSecret AccessTokenPermissionDenied IpNotInWhiteList ApiCountLimitForOrg",
	fault.Limited:     "90018 90002 QpsLimitForAppkeyAndApi QpmLimitForAppkeyAndApi QpsLimitForApi",
	fault.Unavailable: "-1 60019",
	fault.Denied:      "50002 50004 60007 60018 60120",
	fault.Conflict:    "40100 40101 60102 60104 60106 60016 60021 60005 60006",
	fault.NotFound:    "40103 60121 60111 33012 60003",
	fault.Unsupported: "40022 12150 exclusive.account.only",
	fault.Invalid:     "40009 40031 40035 400002 40066 40068 40069 40104 60103 60001 60009 60022 60010 60004 60128 22",
}

// TestMeanings checks every code of the table, in every shape that it comes in.
func TestMeanings(t *testing.T) {
	t.Parallel()
	c := onAddress(t, "")
	seen := map[string]bool{}
	for kind, codes := range kinds {
		for code := range strings.FieldsSeq(codes) {
			seen[code] = true
			for _, body := range shapes(t, code) {
				err := c.judge(&exchange{call: old(pathUserGet, nil), status: http.StatusOK, header: http.Header{}, data: body, token: "a-token"}, &nothing{})
				if fault.KindOf(err) != kind {
					t.Errorf("%s is %v, want %s", body, err, kind)
				}
				say := fault.Say(err)
				if en, zh := fault.In(say, "en"), fault.In(say, "zh"); en == zh || !strings.ContainsFunc(zh, han) || !strings.ContainsFunc(en, latin) {
					t.Errorf("%s says %q", code, say)
				}
				if strings.Contains(err.Error(), "a-token") {
					t.Errorf("%s shows the token", code)
				}
			}
		}
	}
	for code := range meanings {
		if !seen[code] {
			t.Errorf("code %s is in the table and not in the test", code)
		}
	}
}

func han(r rune) bool   { return unicode.Is(unicode.Han, r) }
func latin(r rune) bool { return r >= 'a' && r <= 'z' }

// shapes are the ways in which the vendor gives a code.
func shapes(t *testing.T, code string) [][]byte {
	t.Helper()
	var out [][]byte
	for _, v := range []any{
		map[string]any{"errcode": code, "errmsg": "said with a-token"},
		map[string]any{"errcode": 88, "sub_code": code, "sub_msg": "said with a-token", "errmsg": "ding talk error"},
		map[string]any{"errcode": "88", "errmsg": "ding talk error[subcode=" + code + ",submsg=said]"},
		map[string]any{"code": "Forbidden.AccessDenied." + code, "message": "said with a-token", "requestid": "x"},
		map[string]any{"code": code, "message": "said"},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, data)
	}
	return out
}

// onAddress makes a connector on one address.
func onAddress(t *testing.T, base string) *Connector {
	t.Helper()
	c, err := New(Options{
		ClientID: "id", ClientSecret: "the-secret", APIURL: base, OAPIURL: base, HTTPClient: http.DefaultClient,
		Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAnswers checks what else may come in the place of an answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	read, write := old(pathUserGet, nil), change(pathUserUpdate, nil)
	fresh := account(pathDisable, "x")
	for _, c := range []struct {
		name   string
		call   call
		status int
		body   string
		kind   fault.Kind
		after  time.Duration
	}{
		{"empty", read, 200, "", fault.Unavailable, 0},
		{"empty to a write", write, 200, "", fault.InDoubt, 0},
		{"no code", read, 200, `{}`, fault.Unavailable, 0},
		{"no code to a write", write, 200, `{}`, fault.InDoubt, 0},
		{"ok", read, 200, `{"errcode":0}`, "", 0},
		{"ok as text", read, 200, `{"errcode":"0","errmsg":"ok","result":{}}`, "", 0},
		{"new ok", fresh, 200, `{"result":true}`, "", 0},
		{"88 alone", read, 200, `{"errcode":88,"errmsg":"?"}`, fault.Invalid, 0},
		{"unknown", read, 200, `{"errcode":7777}`, fault.Invalid, 0},
		{"unknown of the new", fresh, 400, `{"code":"odd.thing","message":"m"}`, fault.Invalid, 0},
		{"array", read, 200, `[]`, fault.Unavailable, 0},
		{"1111", read, 200, `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`, fault.Limited, banTime},
		{"1111 quoted to a write", write, 200, `{"status":"1111"}`, fault.Limited, banTime},
		{"page", read, 200, " <html>", fault.Limited, banTime},
		{"page 403", read, 403, "<html>", fault.Limited, banTime},
		{"page 404", read, 404, "<html>", fault.Invalid, 0},
		{"page 502", read, 502, "<html>", fault.Unavailable, 0},
		{"page to a write", write, 200, "<html>", fault.InDoubt, 0},
		{"502 to a write", write, 502, `{"errcode":-1}`, fault.InDoubt, 0},
		{"503", read, 503, `{"errcode":0}`, fault.Unavailable, 30 * time.Second},
		{"429", write, 429, `{}`, fault.Limited, 30 * time.Second},
		{"302", read, 302, "", fault.Invalid, 0},
		{"408 to a write", write, 408, "", fault.InDoubt, 30 * time.Second},
		{"Forbidden qps", fresh, 403, `{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi","message":"m"}`, fault.Limited, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := onAddress(t, "")
			header := http.Header{}
			if c.after == 30*time.Second {
				header.Set("Retry-After", "30")
			}
			err := conn.judge(&exchange{call: c.call, status: c.status, header: header, data: []byte(c.body)}, &nothing{})
			if fault.KindOf(err) != c.kind || c.after != 0 && fault.After(err) != c.after {
				t.Errorf("kind %q after %v, want %q after %v: %v", fault.KindOf(err), fault.After(err), c.kind, c.after, err)
			}
		})
	}
}

// TestDeniedScope checks that the new interface's own name of a permission is
// shown, and the address that is not allowed.
func TestDeniedScope(t *testing.T) {
	t.Parallel()
	c := onAddress(t, "")
	say := func(body string) string {
		return fault.Say(c.judge(&exchange{call: account(pathDisable, "x"), status: http.StatusForbidden, header: http.Header{}, data: []byte(body)}, &nothing{}))
	}
	if got := say(`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","accessdenieddetail":{"requiredScopes":["Contact.Thing.Write"]}}`); !strings.Contains(got, "Contact.Thing.Write") {
		t.Errorf("said %q", got)
	}
	if got := say(`{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"ip 203.0.113.7 is not in whitelist"}`); strings.Count(got, "203.0.113.7") != 2 {
		t.Errorf("said %q", got)
	}
}

// TestRedirect checks that a redirect is not followed: the token stands in the
// address.
func TestRedirect(t *testing.T) {
	t.Parallel()
	hits := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	t.Cleanup(server.Close)
	if _, err := onAddress(t, server.URL).Read(t.Context()); fault.KindOf(err) != fault.Credential && fault.KindOf(err) != fault.Invalid {
		t.Errorf("a redirect gives %v", err)
	}
	if hits != 1 {
		t.Errorf("%d requests", hits)
	}
}
