package dingtalk_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func oldToken(_ *dingtalksim.Options, o *dingtalk.Options) { o.Token = dingtalk.TokenOld }

// TestToken checks both interfaces: one call for many, renewed before it ends.
func TestToken(t *testing.T) {
	t.Parallel()
	for path, adjustments := range map[string][]adjust{atNewToken: nil, atOldToken: {oldToken}} {
		b := newBench(t, adjustments...)
		b.corp()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"top"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := b.count(path); n != 1 {
			t.Errorf("%s: %d calls for eight callers", path, n)
		}
		b.advance(100 * time.Minute)
		b.lookup(user("top"))
		if n := b.count(path); n != 1 {
			t.Errorf("%s: %d calls while the token is good", path, n)
		}
		b.advance(11 * time.Minute) // nine minutes before its end
		b.lookup(user("top"))
		if n := b.count(path); n != 2 {
			t.Errorf("%s: %d calls, want a renewal before the end", path, n)
		}
		if n := b.count(atNewToken, atOldToken); n != 2 {
			t.Errorf("the other interface was asked: %d calls in all", n)
		}
	}
}

// TestTokenRefused checks every sign of a bad token: one renewal, one more try.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []dingtalksim.Fault{
		{Errcode: 40014, Wrapped: true}, {Errcode: 40014}, {Errcode: 42001}, {Errcode: 40001}, {Errcode: 41001},
	} {
		b := newBench(t)
		b.corp()
		f.Path = atGet
		b.Inject(f)
		b.lookup(user("lead"))
		if n := b.count(atNewToken); n != 2 {
			t.Errorf("%d: %d token calls, want 2", f.Errcode, n)
		}
		f.Times = -1
		b.Inject(f)
		before := b.count(atGet)
		_, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"lead"})
		if fault.KindOf(err) != fault.Credential || b.count(atGet)-before != 2 {
			t.Errorf("%d for ever: %v after %d calls", f.Errcode, err, b.count(atGet)-before)
		}
	}
	b := newBench(t)
	if _, err := b.SeedUser(dingtalksim.User{ID: "ent", Name: "企业账号", Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	b.Inject(dingtalksim.Fault{Path: atDisable, Status: http.StatusUnauthorized, Code: "InvalidAuthentication"})
	b.must(plan.Disable, user("ent"), nil)
	if n := b.count(atNewToken); n != 2 || !b.user("ent").Disabled {
		t.Errorf("the new interface: %d token calls", n)
	}
}

// TestWrongCredentials checks that they are said once a minute and name the keys,
// in both interfaces, and that no secret shows.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	for path, adjustments := range map[string][]adjust{atNewToken: nil, atOldToken: {oldToken}} {
		b := newBench(t, append(adjustments, func(_ *dingtalksim.Options, o *dingtalk.Options) { o.ClientSecret = "wrong-secret" })...)
		for range 5 {
			_, err := b.conn.Read(t.Context())
			if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "client_secret") {
				t.Fatalf("%s: %v", path, err)
			}
			if strings.Contains(err.Error(), "wrong-secret") || strings.Contains(err.Error(), "http://") {
				t.Errorf("the error shows a secret or an address: %v", err)
			}
		}
		if n := b.count(); n != 1 {
			t.Errorf("%s: %d calls with wrong credentials", path, n)
		}
		b.advance(time.Minute)
		_, _ = b.conn.Read(t.Context())
		if n := b.count(); n != 2 {
			t.Errorf("%s: %d calls a minute later", path, n)
		}
	}
}

// TestTokenTrouble checks that a token call that fails for other reasons may be
// tried again.
func TestTokenTrouble(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]dingtalksim.Fault{
		"503": {Status: http.StatusServiceUnavailable}, "cut": {Drop: true}, "no token": {Status: 200, Body: `{"expireIn":7200}`},
	} {
		b := newBench(t)
		b.corp()
		f.Path = atNewToken
		b.Inject(f)
		if s := b.complete(); s.Health.Retries == 0 {
			t.Errorf("%s: no retry", name)
		}
	}
}

// TestRetryAfter checks that the vendor's own wait is kept.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.corp()
	b.Inject(dingtalksim.Fault{Path: atUpdate, Status: http.StatusTooManyRequests})
	b.refused(fault.Limited, plan.Update, user("top"), directory.Attributes{"title": directory.TextOf("x")})
}

// TestTokenBarred: a ban, or a quota that is used up, is no matter of the
// credentials, wherever it is told.
func TestTokenBarred(t *testing.T) {
	t.Parallel()
	for code, part := range map[int]string{90001: "console's notices", 90004: "console's notices", 90017: "console's notices", 90020: "quota", 40035: "client_id"} {
		for path, adjustments := range map[string][]adjust{atNewToken: nil, atOldToken: {oldToken}} {
			b := newBench(t, adjustments...)
			b.corp()
			b.Inject(dingtalksim.Fault{Path: path, Errcode: code, Times: -1})
			_, err := b.conn.Lookup(t.Context(), directory.User, []directory.ID{"top"})
			say := fault.Say(err)
			if fault.KindOf(err) != fault.Credential || !strings.Contains(say, part) || strings.Contains(say, "client_id") != (part == "client_id") {
				t.Errorf("%s, %d: %v", path, code, err)
			}
		}
	}
}
