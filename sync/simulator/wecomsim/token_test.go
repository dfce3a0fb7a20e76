package wecomsim

import (
	"net/url"
	"testing"
	"time"
)

func (b *bench) gettoken(corp, secret string) answer {
	b.t.Helper()
	return b.call("GET", "gettoken", url.Values{"corpid": {corp}, "corpsecret": {secret}}, "")
}

func TestGetTokenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		corp, secret string
		want         int
	}{
		"no corp":      {"", "contacts-secret", 41002},
		"no secret":    {"ww-rollcall-sim", "", 41004},
		"wrong corp":   {"ww-other", "contacts-secret", 40013},
		"wrong secret": {"ww-rollcall-sim", "guess", 40001},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			b.want(b.gettoken(c.corp, c.secret), c.want)
		})
	}
}

func TestTokenStaysTheSameWithinItsLife(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	first := b.gettoken("ww-rollcall-sim", "contacts-secret")
	if first["expires_in"] != float64(7200) || first["access_token"] != b.contacts {
		t.Fatalf("first: %v", first)
	}
	if b.app == b.contacts {
		t.Fatal("two secrets have one token")
	}
	b.clock.Add(2*time.Hour - time.Second)
	b.want(b.get("department/simplelist"), 0)
	if again := b.gettoken("ww-rollcall-sim", "contacts-secret"); again["access_token"] != b.contacts || again["expires_in"] != float64(1) {
		t.Errorf("again: %v", again)
	}
	b.clock.Add(time.Second)
	b.want(b.get("department/simplelist"), 42001)
	if fresh := b.token("contacts-secret"); fresh == b.contacts {
		t.Error("an expired token came back")
	}
}

func TestTokenEndsEarly(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.want(b.call("GET", "department/simplelist", url.Values{}, ""), 41001)
	b.want(b.call("GET", "department/simplelist", values("nonsense", nil), ""), 40014)
	b.ExpireTokens()
	b.want(b.get("department/simplelist"), 42001)
	b.contacts = b.token("contacts-secret")
	b.want(b.get("department/simplelist"), 0)
	b.RevokeTokens()
	b.want(b.get("department/simplelist"), 40014)
	b.contacts = b.token("contacts-secret")
	b.want(b.get("department/simplelist"), 0)
	b.ReplaceSecrets("second", "app-2")
	b.want(b.get("department/simplelist"), 40014)
	b.want(b.gettoken("ww-rollcall-sim", "contacts-secret"), 40001)
	b.contacts = b.token("second")
	b.want(b.get("department/simplelist"), 0)
}

func TestWrongSecretsLockTheAddress(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.LockAfter = 3 })
	for range 3 {
		b.want(b.gettoken("ww-rollcall-sim", "guess"), 40001)
	}
	b.want(b.gettoken("ww-rollcall-sim", "contacts-secret"), 45009)
	b.want(b.get("department/simplelist"), 0) // tokens that exist still work
	b.clock.Add(time.Hour)
	b.want(b.gettoken("ww-rollcall-sim", "contacts-secret"), 0)
	b.want(b.gettoken("ww-rollcall-sim", "guess"), 40001)
	b.want(b.gettoken("ww-rollcall-sim", "contacts-secret"), 0)
}
