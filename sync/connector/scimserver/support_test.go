package scimserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

const (
	token = "0123456789abcdef01234567-the-token"
	path  = "/scim/okta/v2"
)

var epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// clock moves a millisecond with each look.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a server on a real record.
type world struct {
	*scimserver.Server
	clock *clock
	shelf *store.Store
}

func open(t *testing.T, change func(*scimserver.Options)) *world {
	t.Helper()
	w := &world{clock: &clock{at: epoch}}
	var err error
	if w.shelf, err = store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: w.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.shelf.Close(); err != nil {
			t.Error(err)
		}
	})
	o := scimserver.Options{System: "okta", Path: path, Token: token, Shelf: w.shelf, Now: w.clock.Now, BaseURL: "https://rollcall.example.com" + path}
	if change != nil {
		change(&o)
	}
	if w.Server, err = scimserver.New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

// reply is an answer with its body read.
type reply struct {
	*httptest.ResponseRecorder
	json map[string]any
}

// call makes a request with the right token; headers are name, value pairs.
func (w *world) call(t *testing.T, method, at, body string, headers ...string) reply {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path+at, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return w.send(t, req)
}

func (w *world) send(t *testing.T, req *http.Request) reply {
	t.Helper()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, req)
	out := reply{ResponseRecorder: rec}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.json); err != nil {
			t.Fatalf("%s %s: the answer is no JSON: %s", req.Method, req.URL, rec.Body)
		}
		if got := rec.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/scim+json") {
			t.Errorf("%s %s: content type %q", req.Method, req.URL, got)
		}
	}
	return out
}

// must makes a request that has to end with a status.
func (w *world) must(t *testing.T, status int, method, at, body string, headers ...string) reply {
	t.Helper()
	r := w.call(t, method, at, body, headers...)
	if r.Code != status {
		t.Fatalf("%s %s %s: status %d, want %d: %s", method, at, body, r.Code, status, r.Body)
	}
	return r
}

// add creates a resource and gives its id.
func (w *world) add(t *testing.T, at, body string) string {
	t.Helper()
	id, _ := w.must(t, http.StatusCreated, http.MethodPost, at, body).json["id"].(string)
	if id == "" {
		t.Fatal("no id was given")
	}
	return id
}

// patch makes one PATCH with the operations.
func (w *world) patch(t *testing.T, at, operations string) reply {
	t.Helper()
	return w.call(t, http.MethodPatch, at, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`)
}

// compact gives JSON in one line, its names in order, without what changes from
// run to run.
func compact(t *testing.T, v any) string {
	t.Helper()
	if m, ok := v.(map[string]any); ok {
		v = without(m, "id", "meta", "schemas")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func without(m map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	maps.Copy(out, m)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

// same compares JSON texts by what they say.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if json.Unmarshal([]byte(got), &g) != nil || json.Unmarshal([]byte(want), &w) != nil {
		t.Fatalf("%s: no JSON: %s, %s", what, got, want)
	}
	a, _ := json.Marshal(g)
	b, _ := json.Marshal(w)
	if !bytes.Equal(a, b) {
		t.Errorf("%s:\n got %s\nwant %s", what, a, b)
	}
}

// bury makes a tombstone of an id, as of one that was pushed and deleted.
func bury(ctx context.Context, t *testing.T, s *store.Store, kind shelf.Kind, id string) {
	t.Helper()
	ref := shelf.Ref{System: "okta", Kind: kind, ID: id}
	if _, err := s.AddShelfItem(ctx, shelf.Item{Ref: ref, Name: "buried-" + id, Document: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveShelfItem(ctx, ref, func(shelf.Item) error { return nil }); err != nil {
		t.Fatal(err)
	}
}
