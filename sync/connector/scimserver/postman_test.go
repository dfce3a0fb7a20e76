package scimserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	collection = flag.String("collection", "", "a Postman collection of SCIM requests, to be run by newman")
	newman     = flag.String("newman", "newman", "the newman program")
)

// TestPostman runs somebody else's collection against a fresh server and says
// what passed. `make scim-conformance COLLECTION=FILE` runs it.
func TestPostman(t *testing.T) {
	if *collection == "" {
		t.Skip("NOT RUN: no -collection; make scim-conformance COLLECTION=FILE runs one")
	}
	w := open(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		// Microsoft's collection fetches its token from its own sample server.
		if req.URL.Path == path+"/Token" {
			_ = json.NewEncoder(rw).Encode(map[string]string{"token": token})
			return
		}
		w.ServeHTTP(rw, req)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	report := filepath.Join(t.TempDir(), "report.json")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"run", *collection, "--reporters", "json", "--reporter-json-export", report}
	for name, v := range map[string]string{"Protocol": "http", "Server": "127.0.0.1", "Port": ":" + port, "Api": strings.Trim(path, "/"), "token": token} {
		args = append(args, "--env-var", name+"="+v)
	}
	out, err := exec.CommandContext(ctx, *newman, args...).CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatalf("newman cannot be run: %v", err)
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("newman wrote no report: %s", out)
	}
	var result struct {
		Run struct {
			Stats struct {
				Requests, Assertions struct{ Total, Failed int }
			}
			Failures []struct {
				Source, Parent struct{ Name string }
				Error          struct{ Test, Message string }
			}
		}
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		t.Fatal(err)
	}
	s := result.Run.Stats
	var b strings.Builder
	for _, f := range result.Run.Failures {
		fmt.Fprintf(&b, "\n  %s / %s: %s: %s", f.Parent.Name, f.Source.Name, f.Error.Test, f.Error.Message)
	}
	t.Logf("%d requests, %d of %d assertions pass%s", s.Requests.Total, s.Assertions.Total-s.Assertions.Failed, s.Assertions.Total, b.String())
	if s.Requests.Total == 0 || s.Requests.Failed > 0 {
		t.Errorf("%d of %d requests got no answer", s.Requests.Failed, s.Requests.Total)
	}
}
