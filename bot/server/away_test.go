package server

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestNotReadyIsToldOnce asks every second for two and a half minutes while the record
// is away: the log has it when it begins, once a minute, and when it is over.
func TestNotReadyIsToldOnce(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	var seconds atomic.Int64
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := setup(t, Options{
		Now: func() time.Time { return began.Add(time.Duration(seconds.Load()) * time.Second) },
		Ready: func(context.Context) error {
			if down.Load() {
				return fault.New(fault.Unavailable, "the store is down / 存储不可用")
			}
			return nil
		},
	})
	ask := func(times, status int) {
		t.Helper()
		for range times {
			if res, _ := w.do(t, "GET", "/readyz", ""); res.StatusCode != status {
				t.Fatalf("it says %d", res.StatusCode)
			}
			seconds.Add(1)
		}
	}
	ask(3, http.StatusOK)
	down.Store(true)
	ask(150, http.StatusServiceUnavailable)
	down.Store(false)
	ask(3, http.StatusOK)
	down.Store(true)
	ask(2, http.StatusServiceUnavailable)
	text := w.log.text()
	if n := strings.Count(text, `"msg":"not ready"`); n != 4 { // three of the first spell, one of the second
		t.Errorf("it is told %d times:\n%s", n, text)
	}
	if n := strings.Count(text, `"msg":"ready again"`); n != 1 || !strings.Contains(text, `"took":"2m30s"`) || !strings.Contains(text, `"times":60`) {
		t.Errorf("its end is told %d times:\n%s", n, text)
	}
}
