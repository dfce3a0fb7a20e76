package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// stub answers by path; what it has no answer for is a healthy, small corp.
type stub map[string]string

func (s stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/")
	answer, ok := s[path]
	if !ok {
		answer = map[string]string{
			"gettoken":              `{"errcode":0,"access_token":"tok-1234567890","expires_in":7200}`,
			"department/simplelist": `{"errcode":0,"department_id":[{"id":1,"parentid":0},{"id":2,"parentid":1}]}`,
			"department/list":       `{"errcode":0,"department":[{"id":1,"name":"根"},{"id":2,"name":"研发","parentid":1}]}`,
			"user/list_id":          `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"bob","department":2}]}`,
			"user/list":             `{"errcode":0,"userlist":[{"userid":"amy","name":"艾米","department":[2],"status":1},{"userid":"bob","name":"鲍勃","department":[2],"status":4}]}`,
		}[path]
	}
	if status, body, ok := strings.Cut(answer, "|"); ok {
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "http://elsewhere.example/")
		var code int
		if _, err := fmt.Sscan(status, &code); err == nil {
			w.WriteHeader(code)
		}
		answer = body
	}
	_, _ = io.WriteString(w, answer) // a client that is gone is its own affair
}

func options(base string) wecom.Options {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	return wecom.Options{
		CorpID: "ww1", ContactsSecret: "hush-contacts", AppSecret: "hush-app", BaseURL: base,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Now:        func() time.Time { return now },
		Sleep:      func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func connect(t *testing.T, h http.Handler) *wecom.Connector {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := wecom.New(options(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOddAnswers checks what a listing makes of answers that are not what they
// should be.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	const complete = ""
	for name, c := range map[string]struct {
		stub stub
		kind fault.Kind // of Read's error
		part string     // of PartialFor, when there is no error
	}{
		"healthy":                 {stub{}, "", complete},
		"no errcode":              {stub{"user/list_id": `{"dept_user":[{"userid":"amy","department":2},{"userid":"bob","department":2}]}`}, "", complete},
		"a page of HTML":          {stub{"user/list_id": `<html>`}, fault.Unavailable, ""},
		"success without content": {stub{"user/list_id": `{"errcode":0}`}, fault.Unavailable, ""},
		"null":                    {stub{"user/list_id": `null`}, fault.Unavailable, ""},
		"no departments":          {stub{"department/simplelist": `{"errcode":0,"department_id":[]}`}, fault.Unavailable, ""},
		"empty token":             {stub{"gettoken": `{"errcode":0,"expires_in":7200}`}, fault.Unavailable, ""},
		"moved":                   {stub{"department/list": "302|"}, fault.Invalid, ""},
		"not found":               {stub{"gettoken": "404|<html>"}, fault.Invalid, ""},
		"slow down":               {stub{"department/simplelist": "429|"}, fault.Limited, ""},
		"a row without id":        {stub{"user/list_id": `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"","department":2}]}`}, "", "broken row"},
		"a row twice":             {stub{"user/list_id": `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"AMY","department":2},{"userid":"bob","department":2}]}`}, "", "repeats itself"},
		"an unknown department":   {stub{"user/list_id": `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"bob","department":9}]}`}, "", "not listed"},
		"a missing id":            {stub{"user/list_id": `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"cat","department":2}]}`, "user/get": `{"errcode":60111}`}, "", "lacks 1 members"},
		"a circle": {stub{
			"department/simplelist": `{"errcode":0,"department_id":[{"id":1},{"id":2,"parentid":3},{"id":3,"parentid":2}]}`,
		}, "", "root"},
		"an orphan": {stub{
			"department/simplelist": `{"errcode":0,"department_id":[{"id":1},{"id":2,"parentid":1},{"id":3,"parentid":8}]}`,
		}, "", "root"},
		"the details are refused": {stub{"user/list": `{"errcode":40001,"errmsg":"hush-app"}`}, fault.Credential, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := connect(t, c.stub).Read(t.Context())
			if fault.KindOf(err) != c.kind {
				t.Fatalf("%v, want %q", err, c.kind)
			}
			if err != nil {
				if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "tok-") {
					t.Errorf("a secret shows: %v", err)
				}
				return
			}
			if got := s.Health.PartialFor; (got == "") != (c.part == "") || !strings.Contains(got, c.part) {
				t.Errorf("partial for %q, want %q", got, c.part)
			}
		})
	}
}

// TestBrokenRecord checks that one odd record hides neither its owner nor the
// others.
func TestBrokenRecord(t *testing.T) {
	t.Parallel()
	c := connect(t, stub{"user/list": `{"errcode":0,"userlist":[{"userid":"amy","name":7},{"userid":"bob","name":"鲍勃","gender":1,"department":[2],"status":1},3]}`})
	s, err := c.Read(t.Context())
	if err != nil || !s.Complete() || s.Len(directory.User) != 2 || len(s.Health.Problems) != 2 {
		t.Fatalf("%v, %+v", err, s.Health)
	}
	o, _ := s.Get(key(directory.User, "amy"))
	if v := o.Attributes["name"]; v.Type() != directory.Unknown {
		t.Errorf("amy's name is %q", v)
	}
	o, _ = s.Get(key(directory.User, "bob"))
	if v := o.Attributes["gender"]; v.Text() != "1" {
		t.Errorf("bob's gender is %s %q", v.Type(), v)
	}
}

// TestTrimmedDepartments checks that an app which is shown only some departments
// of a member does not pass them for all.
func TestTrimmedDepartments(t *testing.T) {
	t.Parallel()
	c := connect(t, stub{
		"department/simplelist": `{"errcode":0,"department_id":[{"id":1},{"id":2,"parentid":1},{"id":3,"parentid":1}]}`,
		"user/list_id":          `{"errcode":0,"dept_user":[{"userid":"amy","department":2},{"userid":"amy","department":3},{"userid":"bob","department":2}]}`,
	})
	s, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o, _ := s.Get(key(directory.User, "amy"))
	if v := o.Attributes["department"]; v.Type() != directory.Unknown {
		t.Errorf("department %s %q", v.Type(), v)
	}
}

// TestUnreachable checks the difference between a call that never left and one
// whose answer was lost.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	var dials atomic.Int64
	server := httptest.NewServer(stub{"user/update": `{"errcode":0,"errmsg":"updated"}`})
	defer server.Close()
	o := options(server.URL)
	var broken atomic.Bool
	o.HTTPClient.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			if broken.Load() {
				return nil, errors.New("no route")
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	c, err := wecom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := connector.Write{Op: plan.Update, Key: key(directory.User, "amy"), After: directory.Attributes{"name": directory.TextOf("x")}}
	if _, err := c.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	before := dials.Load()
	_, err = c.Apply(t.Context(), w)
	if fault.KindOf(err) != fault.Unavailable || dials.Load()-before != 1 {
		t.Errorf("%v after %d dials", err, dials.Load()-before)
	}
	if strings.Contains(fmt.Sprintf("%+v", err), "tok-") {
		t.Errorf("the token shows: %v", err)
	}
}

// TestTimeOut checks that a call ends by itself, and that a write is then in
// doubt.
func TestTimeOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "gettoken") {
			stub{}.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices the end
		<-r.Context().Done()
	}))
	defer server.Close()
	o := options(server.URL)
	o.CallTimeout = 50 * time.Millisecond
	c, err := wecom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Apply(t.Context(), connector.Write{Op: plan.Disable, Key: key(directory.User, "amy")})
	if fault.KindOf(err) != fault.InDoubt {
		t.Errorf("a write that timed out: %v", err)
	}
	if _, err = c.Read(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a read that timed out: %v", err)
	}
}

// TestWrongSecretIsAskedOnce checks the circuit-breaker, from many sides at once.
func TestWrongSecretIsAskedOnce(t *testing.T) {
	t.Parallel()
	var tokens atomic.Int64
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens.Add(1)
		_, _ = io.WriteString(w, `{"errcode":40001,"errmsg":"invalid credential hush-contacts"}`)
	}))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.Read(t.Context())
			if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "contacts_secret") || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if tokens.Load() != 1 {
		t.Errorf("the wrong secret was sent %d times", tokens.Load())
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := wecom.New(wecom.Options{BaseURL: "qyapi", PageSize: 10001, Rate: -1, ExtAttrs: []string{"a", "a"}})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
	for _, name := range []string{"corp_id", "contacts_secret", "http client", "clock", "base_url", "page size", "rate", "extattr a"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	o := options("")
	o.AppSecret = o.ContactsSecret
	if _, err := wecom.New(o); err == nil {
		t.Error("one secret for both was accepted")
	}
}

// TestPace checks the connector's own rate on the injected clock, and that the
// logger learns no secret.
func TestPace(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(stub{"user/list": `{"errcode":-1,"errmsg":"busy"}`})
	defer server.Close()
	o := options(server.URL)
	var mu sync.Mutex
	var waited time.Duration
	start := o.Now()
	o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return start.Add(waited) }
	o.Sleep = func(_ context.Context, d time.Duration) error { mu.Lock(); defer mu.Unlock(); waited += d; return nil }
	o.Rate = 1
	var log strings.Builder
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c, err := wecom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if waited < 5*time.Second {
		t.Errorf("eight calls at one a second took %v", waited)
	}
	if text := log.String(); !strings.Contains(text, "call repeated") || strings.Contains(text, "tok-") || strings.Contains(text, "hush") {
		t.Errorf("log %q", text)
	}
}
