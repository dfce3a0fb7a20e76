package feishu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := feishu.New(feishu.Options{
		UserIDType: "union_id", CustomAttributes: []string{"a b", "C-1:number", "C-7", "C-7:text"}, Acceptor: "leader, ", Rates: feishu.Rates{Read: 1}, AppSecret: "s3cret",
	})
	for _, want := range []string{"app_id", "clock", "union_id", `"a b"`, "C-1:number", `"C-7" twice`, "acceptor", "rates"} {
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	o := feishu.Options{AppID: "cli_a", AppSecret: "s3cret"}
	if text := fmt.Sprintf("%v %+v %#v", o, o, o); strings.Contains(text, "s3cret") || !strings.Contains(text, "cli_a") {
		t.Errorf("options print as %s", text)
	}
}

// TestNothingIsListening: a call that never left us is no doubt.
func TestNothingIsListening(t *testing.T) {
	t.Parallel()
	sim := newTenant(t, nil)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	tokens := feishutoken.New(feishutoken.Options{
		BaseURL: sim.url, AppID: "cli_sim", AppSecret: "sim-secret", Now: sim.clock.Now, HTTPClient: &http.Client{Transport: transport},
	})
	c, err := feishu.New(feishu.Options{
		AppID: "cli_sim", AppSecret: "sim-secret", BaseURL: dead.URL, Now: sim.clock.Now, Sleep: sim.clock.Sleep,
		Tokens: tokens, HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey("u1")})
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), dead.URL) {
		t.Errorf("a write: %v, want unavailable without the URL", err)
	}
	if _, err := c.Read(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a read: %v, want unavailable", err)
	}
}

// TestAnotherServer: whatever answers there is not Feishu, and nothing useful
// came: an error, not an empty snapshot.
func TestAnotherServer(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, tokenPath) {
			return false
		}
		http.NotFound(w, r)
		return true
	}
	if _, err := x.c.Read(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "base_url") {
		t.Errorf("error %v, want invalid naming base_url", err)
	}
}

type paceFunc func(bucket string, n int, per time.Duration) error

func (f paceFunc) Wait(_ context.Context, bucket string, n int, per time.Duration) error {
	return f(bucket, n, per)
}

// TestSharedPace: a pace of others replaces ours.
func TestSharedPace(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	stop := false
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) {
		o.Parallel = 1
		o.Pace = paceFunc(func(bucket string, n int, per time.Duration) error {
			if stop {
				return errors.New("no slot")
			}
			if n < 1 || per <= 0 {
				t.Errorf("bucket %s is asked for with %d in %v", bucket, n, per)
			}
			asked[bucket]++
			return nil
		})
	})
	x.user(t, feishusim.User{UserID: "u1", Name: "x"})
	x.read(t)
	for _, w := range []connector.Write{
		update("u1", directory.Attributes{"name": directory.TextOf("y")}), {Op: plan.Disable, Key: userKey("u1")},
	} {
		if _, err := x.c.Apply(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if asked["read"] != 4 || asked["write"] != 1 || asked["slow"] != 1 || x.clock.waited() != 0 {
		t.Errorf("asked %v, waited %v", asked, x.clock.waited())
	}
	stop = true
	if _, err := x.c.Read(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a slot: %v", err)
	}
}

// TestDefaultSleepEndsWithItsContext covers the timer that production uses.
func TestDefaultSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) {
		o.Sleep, o.Rates = nil, feishu.Rates{Read: 0.001, Write: 1, Slow: 1}
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	x.front = func(http.ResponseWriter, *http.Request) bool {
		cancel(cause)
		return false
	}
	if _, err := x.c.Read(ctx); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, cause) {
		t.Errorf("error %v, want unavailable for %v", err, cause)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	byUserID := newTenant(t, nil).c.Describe()
	if byUserID.IDAttribute != "user_id" || !byUserID.UniqueID || byUserID.Tenant != "cli_sim" || byUserID.DepartmentIDAttribute != "" {
		t.Errorf("by user_id: %+v", byUserID)
	}
	byOpenID := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = feishu.OpenID }).c.Describe()
	if byOpenID.IDAttribute != "" || byOpenID.UniqueID {
		t.Errorf("by open_id: %+v", byOpenID)
	}
	if byUserID.CallTimeout < 2*time.Second || byUserID.Settle <= 0 || byUserID.Can(directory.Department, plan.Disable) {
		t.Errorf("%+v", byUserID)
	}
	for _, name := range []string{"mobile", "email"} {
		if a, ok := byUserID.Attribute(directory.User, name); !ok || !a.LoginID || !a.Writable {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, ok := byUserID.Attribute(directory.User, "custom.C-1"); !ok {
		t.Error("the configured custom field is not described")
	}
}
