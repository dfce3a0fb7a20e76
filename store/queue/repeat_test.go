package queue_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// TestT70_ARedisThatRepeatsThePassword: a server that knows no AUTH, as an old Sentinel
// or a proxy, quotes in its refusal what it was sent. Neither error nor log does.
func TestT70_ARedisThatRepeatsThePassword(t *testing.T) {
	t.Parallel()
	s := queuetest.StartServer(t, "--rename-command", "HELLO", "", "--rename-command", "AUTH", "")
	for _, url := range []string{
		"redis://:geheim-4711@" + s.Address(),
		"redis://jemand:geheim-4711@" + s.Address(),
		"redis-cluster://:geheim-4711@" + s.Address(),
		"redis-sentinel://:x@" + s.Address() + "/people?sentinel_password=geheim-4711",
	} {
		var log bytes.Buffer
		b := open(t, queue.Options{URL: url, Consumer: "c", Logger: slog.New(slog.NewJSONHandler(&log, nil))})
		errs := []error{b.Ready(t.Context()), b.Ring(t.Context(), "k")}
		_, err := b.Warnings(t.Context())
		for _, err := range append(errs, err) {
			if err == nil || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "jemand") {
				t.Errorf("%s", err)
			}
		}
		if text := log.String(); !strings.Contains(text, "redis is away") || strings.Contains(text, "geheim") || strings.Contains(text, "jemand") {
			t.Errorf("log: %s", text)
		}
	}
}
