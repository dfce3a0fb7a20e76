package scrape_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/meter"
	"github.com/rollcallhq/rollcall/sync/meter/scrape"
)

func page(t *testing.T, r *scrape.Registry, token, header string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	w := httptest.NewRecorder()
	r.Handler(token).ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

// TestToken shows the numbers to who brings the token alone.
func TestToken(t *testing.T) {
	t.Parallel()
	r := scrape.New(scrape.Options{Version: "v1"})
	for _, c := range []struct {
		token, header string
		want          int
	}{
		{"", "", 200},
		{"", "Bearer x", 200},
		{"secret", "Bearer secret", 200},
		{"secret", "", 401},
		{"secret", "Bearer", 401},
		{"secret", "Bearer ", 401},
		{"secret", "bearer secret", 401},
		{"secret", "secret", 401},
		{"secret", "Bearer secretx", 401},
		{"secret", "Basic secret", 401},
	} {
		status, body := page(t, r, c.token, c.header)
		if status != c.want || (status == 200) != strings.Contains(body, "rollcall_build_info") {
			t.Errorf("token %q, header %q: %d", c.token, c.header, status)
		}
	}
	w := httptest.NewRecorder()
	r.Handler("").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/metrics", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestAsk asks once in some seconds, and says when the record does not answer.
func TestAsk(t *testing.T) {
	t.Parallel()
	asked := 0
	r := scrape.New(scrape.Options{Ask: func(context.Context) ([]meter.Sample, error) {
		asked++
		return []meter.Sample{
			{Name: meter.OutboxWaiting, Labels: []string{"feishu"}, Value: 3},
			{Name: meter.OutboxWaiting, Labels: []string{"too", "many"}, Value: 1},
			{Name: "rollcall_unknown", Value: 1},
			{Name: meter.Paused, Labels: []string{"bad\xff"}, Value: 1},
		}, errors.New("the disk is full")
	}})
	for range 3 {
		status, body := page(t, r, "", "")
		for _, want := range []string{`rollcall_outbox_waiting{way="feishu"} 3`, "rollcall_record_up 0", `rollcall_flow_paused{flow="bad?"} 1`} {
			if status != 200 || !strings.Contains(body, want) {
				t.Errorf("%d, no %s", status, want)
			}
		}
		if strings.Contains(body, "unknown") || strings.Contains(body, "many") || strings.Contains(body, "disk") {
			t.Error("shows what it should not")
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestBounds keeps codes that others choose from growing without end.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := scrape.New(scrape.Options{})
	m := r.Meter()
	for i := range 1000 {
		m.Calls.Add(1, "wecom", fmt.Sprint(i))
	}
	m.Calls.Add(1, "feishu", "ok")
	m.Moves.Add(1, "too few")
	_, body := page(t, r, "", "")
	if n := strings.Count(body, `system="wecom"`); n != 41 {
		t.Errorf("%d codes of one system", n)
	}
	for _, want := range []string{`rollcall_vendor_calls_total{code="other",system="wecom"} 960`, `rollcall_vendor_calls_total{code="ok",system="feishu"} 1`, "rollcall_record_up 1"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "rollcall_run_moves_total{") {
		t.Error("a value with wrong labels was counted")
	}
}
