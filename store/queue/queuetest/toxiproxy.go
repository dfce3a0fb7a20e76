package queuetest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// Toxiproxy is a toxiproxy-server (github.com/Shopify/toxiproxy v2) of a test's own,
// with one proxy in front of one server. Proxy does less and runs everywhere; this
// one has faults that somebody else has written.
type Toxiproxy struct {
	Address string // host:port for clients

	api string
}

// StartToxiproxy starts the binary at a path, and a proxy in front of host:port.
// Without a path the test is skipped, loudly.
func StartToxiproxy(t testing.TB, path, upstream string) *Toxiproxy {
	t.Helper()
	if path == "" {
		t.Skip("NOT RUN: no toxiproxy is named by ROLLCALL_TOXIPROXY, so its toxics are not tried (make faults builds it)")
	}
	port := FreePort(t)
	x := &Toxiproxy{api: "http://127.0.0.1:" + port, Address: "127.0.0.1:" + FreePort(t)}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-host", "127.0.0.1", "-port", port) //nolint:gosec // a test names it
	if err := cmd.Start(); err != nil {
		t.Fatalf("toxiproxy: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	Until(t, "toxiproxy serves", func() bool { return x.ask(t, http.MethodGet, "/version", nil) < http.StatusBadRequest })
	x.must(t, http.MethodPost, "/proxies", map[string]any{"name": "redis", "listen": x.Address, "upstream": upstream, "enabled": true})
	return x
}

// Toxic is one fault of toxiproxy. Stream is upstream (to the server) or downstream.
type Toxic struct {
	Type, Stream string
	Attributes   map[string]any
}

// Add lets a toxic work on all connections from now on.
func (x *Toxiproxy) Add(t testing.TB, toxic Toxic) {
	t.Helper()
	x.must(t, http.MethodPost, "/proxies/redis/toxics", map[string]any{
		"name": "toxic", "type": toxic.Type, "stream": toxic.Stream, "toxicity": 1.0, "attributes": toxic.Attributes,
	})
}

// Clear takes the toxic away, and cuts the connections, which may be out of step.
func (x *Toxiproxy) Clear(t testing.TB) {
	t.Helper()
	x.must(t, http.MethodDelete, "/proxies/redis/toxics/toxic", nil)
	x.must(t, http.MethodPost, "/proxies/redis", map[string]any{"enabled": false})
	x.must(t, http.MethodPost, "/proxies/redis", map[string]any{"enabled": true})
}

func (x *Toxiproxy) must(t testing.TB, method, path string, body map[string]any) {
	t.Helper()
	if status := x.ask(t, method, path, body); status >= http.StatusBadRequest {
		t.Fatalf("toxiproxy answers %d to %s %s", status, method, path)
	}
}

// ask gives the status of an answer; 599 stands for none.
func (x *Toxiproxy) ask(t testing.TB, method, path string, body map[string]any) int {
	t.Helper()
	const none = 599
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, x.api+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return none
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// Toxics gives one of each kind that loses, cuts, slows or breaks up what Redis
// answers, by a name for the test.
func Toxics() map[string]Toxic {
	return map[string]Toxic{
		"answers_lost":      {"timeout", "downstream", map[string]any{"timeout": 0}},
		"requests_lost":     {"timeout", "upstream", map[string]any{"timeout": 0}},
		"answers_lost_cut":  {"timeout", "downstream", map[string]any{"timeout": 300}},
		"reset":             {"reset_peer", "downstream", map[string]any{"timeout": 0}},
		"reset_after_a_bit": {"reset_peer", "downstream", map[string]any{"timeout": 200}},
		"cut_in_an_answer":  {"limit_data", "downstream", map[string]any{"bytes": 30}},
		"cut_in_a_request":  {"limit_data", "upstream", map[string]any{"bytes": 90}},
		"in_pieces":         {"slicer", "downstream", map[string]any{"average_size": 2, "size_variation": 1, "delay": 1000}},
		"slow":              {"latency", "downstream", map[string]any{"latency": 700, "jitter": 500}},
		"narrow":            {"bandwidth", "downstream", map[string]any{"rate": 1}},
		"slow_close":        {"slow_close", "downstream", map[string]any{"delay": 1000}},
	}
}
