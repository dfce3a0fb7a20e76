package scim_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// peer is a real service that nobody here wrote, as one process for all tests.
type peer struct {
	address string
	tenants atomic.Int64
}

// startPeer starts it, or skips the test where there is no Node.
func startPeer(t *testing.T) *peer {
	t.Helper()
	node, err := exec.LookPath("node")
	npm, npmErr := exec.LookPath("npm")
	if err != nil || npmErr != nil {
		t.Skip("NOT RUN: no node and npm here, so the connector is not tried on a real SCIM service")
	}
	dir, err := installed(npm)
	if err != nil {
		t.Skipf("NOT RUN: the real SCIM service cannot be installed: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, "server.js")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "SCIM_TOKEN="+token)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the service does not start: %v %s", err, problems.String())
	}
	return &peer{address: "127.0.0.1:" + strings.TrimSpace(port)}
}

// TestPeerInstalls brings in the peer's packages and sees that it serves.
func TestPeerInstalls(t *testing.T) {
	t.Parallel()
	g := startPeer(t).guest(t, scim.Groups, scim.Standard)
	if err := g.conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

// installed gives a folder with the service and its packages, filled by npm ci when
// it is new. The folder's name tells its contents, and it is made beside itself and
// moved, so that two tests at once do no harm.
func installed(npm string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json", "server.js"} {
		data, err := os.ReadFile(filepath.Join("testdata", "scimmy", name))
		if err != nil {
			return "", err
		}
		files[name] = data
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data) // a hash takes everything
	}
	root := filepath.Join(cache, "rollcall-scim-peer")
	dir := filepath.Join(root, hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(root, "new-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // gone already when it was moved
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), data, 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = fresh
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, text)
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return dir, nil
}

// guest is a tenant of the peer, behind a proxy that counts, and a connector on it.
type guest struct {
	*bench
	url    string // of the tenant, without the proxy
	mu     sync.Mutex
	writes []scimsim.Effect
	seen   int
}

func (p *peer) guest(t *testing.T, departments scim.Departments, dialect scim.Dialect) *guest {
	t.Helper()
	g := &guest{bench: &bench{t: t, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}}
	g.url = fmt.Sprintf("http://%s/t%d/scim/v2", p.address, p.tenants.Add(1))
	target, err := url.Parse(g.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.seen++
			// 204 to a PATCH means that nothing has changed.
			patch204 := r.Request.Method == http.MethodPatch && r.StatusCode == http.StatusNoContent
			if r.Request.Method != http.MethodGet && r.StatusCode < 300 && !patch204 {
				g.writes = append(g.writes, scimsim.Effect{Op: r.Request.Method, ID: r.Request.URL.Path, Body: fmt.Sprint(r.ContentLength)})
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	g.conn, err = scim.New(scim.Options{
		URL: server.URL, Token: token, Departments: departments, Dialect: dialect, PageSize: pageSize, Rate: 10000,
		HTTPClient: server.Client(), Now: g.clock, Sleep: g.sleep,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ask makes a call beside the connector; into may be nil.
func (g *guest) ask(method, path string, body, into any) int {
	g.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			g.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(g.t.Context(), method, g.url+"/"+path, bytes.NewReader(data))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if into != nil && response.StatusCode < 300 {
		if err := json.Unmarshal(text, into); err != nil {
			g.t.Fatalf("%s %s: %v %s", method, path, err, text)
		}
	}
	return response.StatusCode
}

func (g *guest) seedUser(u connectortest.User) directory.ID {
	var made struct{ ID string }
	status := g.ask(http.MethodPost, "Users", map[string]any{
		"schemas": []any{scimsim.SchemaUser}, "userName": u.ID, "displayName": u.Name, "title": u.Title, "active": !u.Disabled,
		"emails": []any{map[string]any{"type": "work", "value": u.Email}}, "phoneNumbers": []any{map[string]any{"type": "mobile", "value": u.Mobile}},
	}, &made)
	if status != http.StatusCreated {
		g.t.Fatalf("seed: %d", status)
	}
	return directory.ID(made.ID)
}

func (g *guest) seedGroup(name string, members ...directory.ID) directory.ID {
	var made struct{ ID string }
	list := []any{}
	for _, m := range members {
		list = append(list, map[string]any{"value": string(m)})
	}
	status := g.ask(http.MethodPost, "Groups", map[string]any{"schemas": []any{scimsim.SchemaGroup}, "displayName": name, "members": list}, &made)
	if status != http.StatusCreated {
		g.t.Fatalf("seed: %d", status)
	}
	return directory.ID(made.ID)
}

func (g *guest) stored(k directory.Key) (connectortest.Stored, bool) {
	kind := "Users/"
	if k.Kind == directory.Department {
		kind = "Groups/"
	}
	var r struct {
		DisplayName string
		Active      bool
		Groups      []struct{ Value string }
	}
	status := g.ask(http.MethodGet, kind+string(k.ID), nil, &r)
	s := connectortest.Stored{Name: r.DisplayName, Active: r.Active}
	for _, one := range r.Groups {
		s.Departments = append(s.Departments, directory.ID(one.Value))
	}
	return s, status == http.StatusOK
}

func (g *guest) effects() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.writes)
}

func (g *guest) harness() connectortest.Harness {
	h := connectortest.Harness{
		Connector: g.conn, Page: pageSize, Secrets: []string{token}, AttrDepartments: "groups",
		SeedUser: g.seedUser, Stored: g.stored, NewUser: g.newUser, Advance: g.advance,
		Effects: g.effects, Calls: func() int { g.mu.Lock(); defer g.mu.Unlock(); return g.seen },
		Without: map[string]string{},
	}
	for _, name := range []string{
		"TokenCalls", "RateLimit", "FailPage", "TruncatePage", "ExpireToken", "WrongCredentials", "Down", "HangRead", "HangWrite",
		"CutAfterEffect", "CutBeforeEffect", "LimitWrite", "HidePermission", "HideObject", "Refusals",
	} {
		h.Without[name] = "a real service does not misbehave on command"
	}
	for _, name := range []string{"SeedDepartment", "NewDepartment"} {
		h.Without[name] = "its groups are flat"
	}
	return h
}
