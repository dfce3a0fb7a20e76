package feishutoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

// vendor is a token endpoint whose answers the test chooses.
type vendor struct {
	calls  atomic.Int64
	answer func(n int64, w http.ResponseWriter)
	mu     sync.Mutex
	bodies []map[string]string
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost ||
		r.URL.Path != "/open-apis/auth/v3/tenant_access_token/internal" || r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	v.mu.Lock()
	v.bodies = append(v.bodies, body)
	v.mu.Unlock()
	v.answer(v.calls.Add(1), w)
}

func grants(n int64, w http.ResponseWriter) {
	_, _ = fmt.Fprintf(w, `{"code":0,"msg":"ok","tenant_access_token":"t-%d","expire":7200}`, n)
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func setup(t *testing.T, answer func(int64, http.ResponseWriter)) (*feishutoken.Source, *vendor, *clock) {
	t.Helper()
	v := &vendor{answer: answer}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	return feishutoken.New(feishutoken.Options{BaseURL: server.URL + "/", AppID: "cli_a", AppSecret: "s3cret", Now: c.Now}), v, c
}

func token(t *testing.T, s *feishutoken.Source) string {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return got
}

func TestTokenIsKeptAndRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	s, v, c := setup(t, grants)
	for _, step := range []struct {
		pass time.Duration
		want string
	}{
		{0, "t-1"}, {time.Hour, "t-1"}, {54*time.Minute + 59*time.Second, "t-1"}, {2 * time.Second, "t-2"}, {time.Hour, "t-2"},
	} {
		c.add(step.pass)
		if got := token(t, s); got != step.want {
			t.Errorf("after another %v: token %s, want %s", step.pass, got, step.want)
		}
	}
	if v.bodies[0]["app_id"] != "cli_a" || v.bodies[0]["app_secret"] != "s3cret" || len(v.bodies) != 2 {
		t.Errorf("requests = %v", v.bodies)
	}
}

func TestInvalidateForgetsOnlyTheCurrentToken(t *testing.T) {
	t.Parallel()
	s, v, _ := setup(t, grants)
	first := token(t, s)
	s.Invalidate("t-other")
	if got := token(t, s); got != first || v.calls.Load() != 1 {
		t.Fatalf("after a foreign Invalidate: %s, %d calls", got, v.calls.Load())
	}
	s.Invalidate(first)
	if got := token(t, s); got != "t-2" {
		t.Errorf("after Invalidate: %s, want t-2", got)
	}
	s.Invalidate(first) // a slow caller tells about the old token
	if got := token(t, s); got != "t-2" {
		t.Errorf("after a late Invalidate: %s, want t-2", got)
	}
}

func TestCallersShareOneRequest(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, v, _ := setup(t, func(n int64, w http.ResponseWriter) {
		<-release
		grants(n, w)
	})
	const callers = 50
	got := make(chan string, callers)
	for range callers {
		go func() {
			tok, err := s.Token(context.Background())
			got <- fmt.Sprint(tok, err)
		}()
	}
	close(release)
	for range callers {
		if tok := <-got; tok != "t-1<nil>" {
			t.Errorf("token = %s, want t-1", tok)
		}
	}
	if n := v.calls.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestACancelledLeaderDoesNotTakeTheOthersAlong(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	s, _, _ := setup(t, func(n int64, w http.ResponseWriter) {
		if n == 1 {
			close(arrived)
			<-release
		}
		grants(n, w)
	})
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(context.Background())
	leader := make(chan error, 1)
	go func() {
		_, err := s.Token(ctx)
		leader <- err
	}()
	<-arrived
	follower := make(chan string, 1)
	go func() {
		tok, err := s.Token(context.Background())
		follower <- fmt.Sprint(tok, err)
	}()
	cancel()
	if err := <-leader; !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("leader's error = %v", err)
	}
	if got := <-follower; got != "t-2<nil>" {
		t.Errorf("follower got %s, want t-2", got)
	}
}

func TestAFailedEarlyRenewalKeepsTheOldToken(t *testing.T) {
	t.Parallel()
	s, v, c := setup(t, func(n int64, w http.ResponseWriter) {
		if n == 2 || n == 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		grants(n, w)
	})
	token(t, s)
	c.add(117 * time.Minute)
	for range 5 {
		if got := token(t, s); got != "t-1" {
			t.Fatalf("token during an outage = %s, want t-1", got)
		}
	}
	if n := v.calls.Load(); n != 2 {
		t.Errorf("%d requests during the pause, want 2", n)
	}
	c.add(5 * time.Minute)
	if _, err := s.Token(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("dead token and an outage: %v, want unavailable", err)
	}
	if got := token(t, s); got != "t-4" {
		t.Errorf("after the outage: %s, want t-4", got)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		header string
		body   string
		kind   fault.Kind
		code   string
		say    string
		after  time.Duration
	}{
		"invalid id":      {400, "", `{"code":10003,"msg":"invalid param"}`, fault.Credential, "10003", "app_id", 0},
		"disabled":        {200, "", `{"code":10014,"msg":"x"}`, fault.Credential, "10014", "enable", 0},
		"wrong secret":    {200, "", `{"code":10015,"msg":"app secret invalid"}`, fault.Credential, "10015", "app_secret", 0},
		"unknown app":     {400, "", `{"code":99991543,"msg":"x"}`, fault.Credential, "99991543", "base_url", 0},
		"address":         {400, "", `{"code":99991401,"msg":"x"}`, fault.Credential, "99991401", "allowlist", 0},
		"app off":         {400, "", `{"code":99991662,"msg":"x"}`, fault.Credential, "99991662", "停用", 0},
		"not installed":   {400, "", `{"code":99991673,"msg":"x"}`, fault.Credential, "99991673", "审核", 0},
		"limit":           {429, "7", `{"code":99991400,"msg":"x"}`, fault.Limited, "99991400", "fewer", 7 * time.Second},
		"limit, absurd":   {429, "1000000000", `{"code":99991400}`, fault.Limited, "99991400", "", 5 * time.Minute},
		"limit, unsaid":   {429, "", `{"code":99991400}`, fault.Limited, "99991400", "", time.Second},
		"unknown code":    {200, "", `{"code":4711,"msg":"x"}`, fault.Unavailable, "4711", "", 0},
		"html":            {502, "", `<html>`, fault.Unavailable, "", "502", 0},
		"no code":         {500, "", `{}`, fault.Unavailable, "", "500", 0},
		"no token":        {200, "", `{"code":0,"expire":7200}`, fault.Unavailable, "", "", 0},
		"no life":         {200, "", `{"code":0,"tenant_access_token":"t-1"}`, fault.Unavailable, "", "", 0},
		"absurd life":     {200, "", `{"code":0,"tenant_access_token":"t-1","expire":9000000000}`, fault.Unavailable, "", "", 0},
		"cut in the body": {200, "", `{"code":0,"tenant_acc`, fault.Unavailable, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := setup(t, func(_ int64, w http.ResponseWriter) {
				if c.header != "" {
					w.Header().Set("x-ogw-ratelimit-reset", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := s.Token(t.Context())
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != c.kind || f.Code != c.code || f.After != c.after {
				t.Fatalf("error = %#v, want %s [%s] after %v", err, c.kind, c.code, c.after)
			}
			if !strings.Contains(f.Say, c.say) || !strings.Contains(f.Say, " / ") {
				t.Errorf("sentence %q lacks %q or a language", f.Say, c.say)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error shows the secret: %v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := feishutoken.New(feishutoken.Options{BaseURL: server.URL, AppID: "a", AppSecret: "s3cret", Now: time.Now})
	if _, err := s.Token(t.Context()); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), server.URL) {
		t.Errorf("error = %v, want unavailable without the URL", err)
	}
}

func TestTheSecretIsNotSentToARedirect(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t, func(_ int64, w http.ResponseWriter) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	if _, err := s.Token(t.Context()); fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Say(err), "307") {
		t.Errorf("error = %v, want unavailable naming 307", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := feishutoken.New(feishutoken.Options{}).Token(t.Context())
	for _, want := range []string{"app_id", "app_secret", "clock"} {
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want invalid naming %s", err, want)
		}
	}
	o := feishutoken.Options{AppID: "cli_a", AppSecret: "s3cret"}
	js, err := json.Marshal(struct{ ID, Secret any }{o.AppID, nil})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v %#v", o, o), string(js)} {
		if strings.Contains(text, "s3cret") || !strings.Contains(text, "cli_a") {
			t.Errorf("options print as %s", text)
		}
	}
}

func TestRejected(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{99991661: true, 99991663: true, 99991664: true, 99991671: true, 99991672: false, 0: false, 99991400: false} {
		if got := feishutoken.Rejected(code); got != want {
			t.Errorf("Rejected(%d) = %v", code, got)
		}
	}
}
