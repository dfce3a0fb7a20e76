package configs_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/configs"
)

// TestSeen takes the addresses for Prometheus and for traces that are right, and
// warns of what is odd.
func TestSeen(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) {
		return strings.Repeat("t", 24), name == "TOKEN"
	}
	for _, c := range []struct {
		name, server string
		warn         string // the key path that is warned about
	}{
		{"nothing", `{listen: "127.0.0.1:1"}`, ""},
		{"this machine", `{metrics: "127.0.0.1:9090"}`, ""},
		{"this machine by name", `{metrics: "localhost:9090"}`, ""},
		{"this machine, IPv6", `{metrics: "[::1]:9090"}`, ""},
		{"any port", `{listen: "127.0.0.1:0", metrics: "127.0.0.1:0"}`, ""},
		{"elsewhere, with a token", `{metrics: "0.0.0.0:9090", metrics_token: "${TOKEN}"}`, ""},
		{"every address, with a token", `{metrics: ":9090", metrics_token: "${TOKEN}"}`, ""},
		{"a token for nothing", `{metrics_token: "${TOKEN}"}`, "server.metrics_token"},
		{"traces", `{traces: "https://collector.example.com:4318"}`, ""},
		{"traces to this machine", `{traces: "http://127.0.0.1:4318/v1/traces"}`, ""},
		{"traces in the clear", `{traces: "http://collector:4318"}`, "server.traces"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := configs.Parse([]byte("server: "+c.server+"\n"), configs.Options{Path: "c.yaml", Getenv: env})
			if err != nil {
				t.Fatal(err)
			}
			var warned []string
			for _, w := range cfg.Warnings {
				if strings.HasPrefix(w.Path, "server.") {
					warned = append(warned, w.Path)
				}
			}
			if got := strings.Join(warned, " "); got != c.warn {
				t.Errorf("warned of %q, want %q", got, c.warn)
			}
		})
	}
}

// TestSeenRefuses refuses numbers that anybody could read.
func TestSeenRefuses(t *testing.T) {
	t.Parallel()
	for _, server := range []string{
		`{metrics: "0.0.0.0:9090"}`, `{metrics: ":9090"}`, `{metrics: "10.0.0.1:9090"}`, `{metrics: "9090"}`, `{metrics: "127.0.0.1:x"}`,
		`{listen: "127.0.0.1:8080", metrics: "127.0.0.1:8080"}`, `{metrics: "0.0.0.0:9090", metrics_token: short}`,
		`{traces: "collector:4318"}`, `{traces: "https://user:pass@collector"}`, `{traces: "https://collector?key=1"}`,
	} {
		if _, err := configs.Parse([]byte("server: "+server+"\n"), configs.Options{Path: "c.yaml"}); err == nil {
			t.Errorf("taken: %s", server)
		}
	}
}
