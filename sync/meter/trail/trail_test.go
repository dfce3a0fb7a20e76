package trail_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rollcallhq/rollcall/sync/meter/trail"
)

const code = "7K3MQ2"

func open(t *testing.T) (*trail.Trail, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tr, err := trail.Open(t.Context(), trail.Options{Exporter: spans, Version: "v1", Instance: "host-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close(context.Background()) })
	return tr, spans
}

// TestID is what docs/operations.md tells people to compute.
func TestID(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("rollcall.run.7K3MQ2"))
	if got := trail.ID(code); got != hex.EncodeToString(sum[:16]) || len(got) != 32 {
		t.Errorf("id %s", got)
	}
}

// TestTwoProcesses sees that what one process began and another ended is one trace
// whose parts fit.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	one, first := open(t)
	two, second := open(t)
	r := trail.Run{Code: code, Flow: "hr", Trigger: "command"}
	t0 := time.UnixMilli(1_800_000_000_000)
	reading := trail.Phase{Name: "reading", Since: t0.Add(time.Second)}

	one.Request(r, t0, t0.Add(time.Millisecond))
	ctx := trail.With(t.Context(), r, reading)
	inner, end := one.Begin(ctx, trail.Step{Name: "read", System: "wecom"})
	_, endCall := one.Begin(inner, trail.Step{Name: "call", System: "wecom"})
	endCall("45009")
	end("limited")
	two.Phase(r, reading, t0.Add(time.Minute), "failed", true)
	two.Run(r, "failed", true, t0, t0.Add(time.Minute))

	if err := one.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := two.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := append(first.GetSpans(), second.GetSpans()...)
	ids, names := map[string]string{}, map[string]string{}
	for _, s := range all {
		if s.SpanContext.TraceID().String() != trail.ID(code) {
			t.Errorf("%s is of trace %s", s.Name, s.SpanContext.TraceID())
		}
		ids[s.Name] = s.SpanContext.SpanID().String()
		names[s.Name] = s.Parent.SpanID().String()
	}
	for child, parent := range map[string]string{"call": "read", "read": "reading", "reading": "run", "run": "request"} {
		if names[child] != ids[parent] || ids[parent] == "" {
			t.Errorf("%s is not in %s", child, parent)
		}
	}
	if names["request"] != "0000000000000000" {
		t.Error("the request is no root")
	}
	for _, s := range all {
		if s.Name == "reading" && (!s.StartTime.Equal(reading.Since) || s.EndTime.Sub(s.StartTime) != 59*time.Second || s.Status.Code.String() != "Error") {
			t.Errorf("reading from %v to %v, %v", s.StartTime, s.EndTime, s.Status)
		}
	}
}

// TestOutsideOfWork writes nothing, and a nil Trail never does.
func TestOutsideOfWork(t *testing.T) {
	t.Parallel()
	tr, spans := open(t)
	_, end := tr.Begin(t.Context(), trail.Step{Name: "call", System: "x"})
	end("ok")
	var none *trail.Trail
	none.Request(trail.Run{Code: code}, time.Now(), time.Now())
	none.Run(trail.Run{Code: code}, "failed", true, time.Now(), time.Now())
	none.Phase(trail.Run{Code: code}, trail.Phase{}, time.Now(), "x", false)
	_, end = none.Begin(trail.With(t.Context(), trail.Run{Code: code}, trail.Phase{}), trail.Step{Name: "call"})
	end("ok")
	if err := none.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(spans.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
	trail.Of(t.Context()).Enter(trail.Phase{Name: "x"})
}

// TestManySteps writes the first thousand.
func TestManySteps(t *testing.T) {
	t.Parallel()
	tr, spans := open(t)
	ctx := trail.With(t.Context(), trail.Run{Code: code}, trail.Phase{Name: "reading"})
	for range 1500 {
		_, end := tr.Begin(ctx, trail.Step{Name: "call", System: "x"})
		end("ok")
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(spans.GetSpans()); n != 1000 {
		t.Errorf("%d spans", n)
	}
}

// TestCollector sends to a collector, and says in the log when it does not take
// anything, without its address or what it answers.
func TestCollector(t *testing.T) {
	t.Parallel()
	got := make(chan string, 8)
	var status atomic.Int64
	status.Store(http.StatusOK)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.URL.Path + " " + string(body)
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, "canary-answer")
	}))
	defer srv.Close()
	var log strings.Builder
	send := func(endpoint string) {
		tr, err := trail.Open(t.Context(), trail.Options{Endpoint: endpoint, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		tr.Request(trail.Run{Code: code, Flow: "hr"}, time.Now(), time.Now())
		if err := tr.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	send(srv.URL)
	if text := <-got; !strings.HasPrefix(text, "POST /v1/traces ") || !strings.Contains(text, code) {
		t.Errorf("sent %q", text)
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
	status.Store(http.StatusForbidden)
	send(srv.URL + "/other/path")
	if text := <-got; !strings.HasPrefix(text, "POST /other/path ") {
		t.Errorf("sent %q", text)
	}
	if text := log.String(); !strings.Contains(text, "traces are not delivered") || strings.Contains(text, "canary") || strings.Contains(text, srv.URL) {
		t.Errorf("logged %s", text)
	}
	if _, err := trail.Open(t.Context(), trail.Options{Endpoint: "://"}); err == nil {
		t.Error("an address that is none is taken")
	}
}
