package wecom

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// TestP10_AWrongClockIsNamedForContactEvents: the event came when it was signed; the log
// says how far the clocks are apart, and of a forgery or a malformed body it says nothing.
func TestP10_AWrongClockIsNamedForContactEvents(t *testing.T) {
	t.Parallel()
	signed := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	sim := wecomsim.New(wecomsim.Options{Now: func() time.Time { return signed }})
	for name, c := range map[string]struct {
		token string
		clock time.Duration
		code  int
		skew  string
	}{
		"ours is fast":             {"QDG6eK", 5*time.Minute + time.Second, 401, "5m1s"},
		"ours is slow":             {"QDG6eK", -5*time.Minute - time.Second, 401, "-5m1s"},
		"at the end of the window": {"QDG6eK", 5*time.Minute + 900*time.Millisecond, 200, ""},
		"a forgery, late":          {"forged", time.Hour, 401, ""},
	} {
		var log bytes.Buffer
		l := newListener(t, ListenerOptions{
			CorpID: "ww-rollcall-sim", Token: "QDG6eK", AESKey: sampleKey, Now: func() time.Time { return signed.Add(c.clock) },
			Logger: slog.New(slog.NewJSONHandler(&log, nil)), Tell: func(context.Context, []directory.Hint) {},
		})
		r, err := sim.EventRequest(t.Context(), wecomsim.Callback{URL: "http://x/callback", Token: c.token, AESKey: sampleKey}, wecomsim.ContactEvent{Change: "update_user", UserID: "u1"})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		named := strings.Contains(log.String(), `"clock_skew":"`+c.skew+`"`)
		if w.Code != c.code || named != (c.skew != "") || !named && strings.Contains(log.String(), "clock_skew") {
			t.Errorf("%s: %d, %s", name, w.Code, log.String())
		}
		if (w.Code == http.StatusOK) != (log.Len() == 0) {
			t.Errorf("%s: the log says %s", name, log.String())
		}
	}
}
