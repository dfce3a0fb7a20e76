package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/meter/trail"
	"github.com/rollcallhq/rollcall/sync/run"
)

const scrapeToken = "a-token-of-prometheus-9f3c"

// seenFromOutside serves the stage with an address for Prometheus and a collector
// in this process.
func seenFromOutside(t *testing.T) (*service, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	s := &service{log: &logbook{}, clock: &clock{}, spans: keeping{spans}}
	var err error
	if s.stage, err = stage.Open(stage.Options{Dir: t.TempDir(), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stage.Close() })
	s.config = linkedStage(t.Context(), t, s.stage)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(text), "server: {", fmt.Sprintf(`server: {metrics: "127.0.0.1:%s", metrics_token: %s, `, freePort(t), scrapeToken), 1)
	more = strings.Replace(more, "    rooms: [运维群, HR sync]\n", "    rooms: [运维群, HR sync]\n    schedule: \"0 3 1 1 *\"\n", 1)
	if err := os.WriteFile(s.config, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	s.chat = s.stage.OpenChat()
	t.Cleanup(s.chat.Close)
	s.start(t)
	t.Cleanup(func() { s.end() })
	return s, spans
}

// keeping is an exporter that keeps its spans when a process ends.
type keeping struct{ *tracetest.InMemoryExporter }

// Shutdown ends nothing.
func (keeping) Shutdown(context.Context) error { return nil }

// scrape gives the page that Prometheus sees.
func (s *service) scrape(t *testing.T, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.app.cfg.Server.Metrics+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(page)
}

// TestSeenFromOutside runs a sync with a vote, restarts in the middle, and looks at
// what Prometheus and the collector of traces see of it.
func TestSeenFromOutside(t *testing.T) {
	t.Parallel()
	s, spans := seenFromOutside(t)
	if status, _ := s.scrape(t, ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	code := string(s.runs(t)[0].Code)
	var page string
	until(t, "what leads to the card is counted", func() bool { // behind the step that it counts
		_, page = s.scrape(t, scrapeToken)
		return strings.Contains(page, `rollcall_run_moves_total{flow="hr-to-wecom",state="awaiting_approval"} 1`)
	})
	has(t, page, `rollcall_runs_open{flow="hr-to-wecom",state="awaiting_approval"} 1`,
		`rollcall_run_moves_total{flow="hr-to-wecom",state="awaiting_approval"} 1`, `rollcall_approval_expires_timestamp_seconds{flow="hr-to-wecom"}`)
	s.restart(t)
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+code+" 删除=3", "已批准")
	until(t, "the run succeeds", func() bool { return s.runs(t)[0].State == run.Succeeded })
	var samples string
	until(t, "all is counted", func() bool { // what was asked for is shown again for some seconds
		_, samples = s.scrape(t, scrapeToken)
		return strings.Contains(samples, `rollcall_flow_last_run{flow="hr-to-wecom",state="succeeded"} 1`) &&
			strings.Contains(samples, `rollcall_lease_held{flow="hr-to-wecom"} 0`) // it is given back behind the run's end
	})
	has(t, samples, `rollcall_votes_total{decision="approve",flow="hr-to-wecom"} 1`, `rollcall_votes_total{decision="reject",flow="hr-to-wecom"} 0`,
		`rollcall_changes_total{flow="hr-to-wecom",op="delete",outcome="done"} 3`, `rollcall_changes_total{flow="hr-to-wecom",op="delete",outcome="failed"} 0`,
		`rollcall_run_moves_total{flow="hr-to-wecom",state="succeeded"} 1`, `rollcall_run_moves_total{flow="hr-to-wecom",state="blocked"} 0`,
		`rollcall_run_phase_seconds_count{flow="hr-to-wecom",phase="awaiting_approval"} 1`, `rollcall_run_phase_seconds_count{flow="hr-to-wecom",phase="applying"} 1`,
		`rollcall_system_operations_total{kind="ok",op="delete",system="wecom"} 3`, `rollcall_vendor_calls_total{code="ok",system="wecom"}`,
		`rollcall_vendor_call_seconds_count{system="bot.feishu"}`, `rollcall_connections{platform="feishu"} 1`, `rollcall_connections{platform="dingtalk"} 2`,
		`rollcall_record_up 1`, `rollcall_snapshot_age_seconds{flow="hr-to-wecom"}`, `rollcall_flow_overdue_seconds{flow="hr-to-wecom"} 0`,
		`rollcall_flow_last_success_timestamp_seconds{flow="hr-to-wecom"}`, `rollcall_outbox_waiting{way="feishu"}`, `rollcall_inbox_unhandled 0`,
		`rollcall_clock_offset_seconds{against="wecom"}`, `rollcall_build_info{`, `go_goroutines `, `process_open_fds `,
		`rollcall_events_refused_total`)
	s.end()
	s.nothingPrivate(t, page+samples, spans)
	s.traced(t, code, spans)
	s.logged(t, code)
}

func has(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if want == "rollcall_events_refused_total" { // there were none: it shows nothing
			continue
		}
		if !strings.Contains(page, "\n"+want) {
			var near []string
			name, _, _ := strings.Cut(want, "{")
			for line := range strings.Lines(page) {
				if strings.HasPrefix(line, name) {
					near = append(near, line)
				}
			}
			t.Errorf("not on the page: %s\nthere is: %s", want, strings.Join(near, ""))
		}
	}
}

// nothingPrivate sees that neither the page nor a span shows a secret, or anything
// of a person.
func (s *service) nothingPrivate(t *testing.T, page string, spans *tracetest.InMemoryExporter) {
	t.Helper()
	var all strings.Builder
	all.WriteString(page)
	for _, span := range spans.GetSpans() {
		fmt.Fprintf(&all, "%s %v %v %v %v %v\n", span.Name, span.Attributes, span.Events, span.Links, span.Status, span.Resource)
	}
	text := all.String()
	private := slices.Concat(s.stage.Secrets(), s.stage.Persons(), []string{scrapeToken, "http://", "access_token", "李敏", "周凯", "陈悦", "ou_"})
	for _, p := range private {
		if before, _, found := strings.Cut(text, p); found {
			t.Errorf("shows %q behind %q", p, before[max(0, len(before)-80):])
		}
	}
}

// traced sees that one trace tells the whole of a run, though two processes worked
// on it.
func (s *service) traced(t *testing.T, code string, spans *tracetest.InMemoryExporter) {
	t.Helper()
	names, ids, under := map[string]int{}, map[string]string{}, map[string]string{}
	for _, span := range spans.GetSpans() {
		if span.SpanContext.TraceID().String() != trail.ID(code) {
			continue
		}
		id := span.SpanContext.SpanID().String()
		names[span.Name]++
		ids[id] = span.Name
		if span.Parent.IsValid() {
			under[id] = span.Parent.SpanID().String()
		}
		for _, a := range span.Attributes {
			if a.Key == "rollcall.run" && a.Value.AsString() != code {
				t.Errorf("%s is of run %s", span.Name, a.Value.AsString())
			}
		}
	}
	for name, want := range map[string]int{"request": 1, "run": 1, "queued": 1, "reading": 1, "planning": 1, "awaiting_approval": 1, "applying": 1, "delete": 3} {
		if names[name] != want {
			t.Errorf("%d spans %s, want %d", names[name], name, want)
		}
	}
	parents := map[string]bool{}
	for id, parent := range under {
		at, there := ids[parent]
		if !there {
			t.Errorf("the parent of %s is in no span", ids[id])
		}
		parents[ids[id]+" in "+at] = true
	}
	for _, want := range []string{
		"run in request", "reading in run", "applying in run", "read in reading", "call in read", "delete in applying", "call in delete",
	} {
		if !parents[want] {
			t.Errorf("no %s; there is %v", want, parents)
		}
	}
}

// logged sees that every line about the run names its flow and its trace.
func (s *service) logged(t *testing.T, code string) {
	t.Helper()
	lines := s.log.with(`"run":"` + code + `"`)
	if len(lines) == 0 {
		t.Error("no line of the log is about the run")
	}
	for _, line := range lines {
		if !strings.Contains(line, `"flow":"hr-to-wecom"`) || !strings.Contains(line, `"trace":"`+trail.ID(code)+`"`) {
			t.Errorf("a line about the run lacks flow or trace: %s", line)
		}
	}
}

// TestMetricsAreNotPublic sees that the public address shows no numbers, and that
// none are shown where nobody asked for them.
func TestMetricsAreNotPublic(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	if srv, err := s.app.metricsServer(); srv != nil || err != nil {
		t.Errorf("there is a server of numbers: %v %v", srv, err)
	}
	s.scrapeNothing(t)
}

func (s *service) scrapeNothing(t *testing.T) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.public+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("the public address answers %d", res.StatusCode)
	}
}

// TestCodeLabel finds the vendors' codes and nothing else.
func TestCodeLabel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{200, `{"code":0,"data":{}}`, "ok"},
		{200, `{"errcode":45009,"errmsg":"api freq out of limit"}`, "45009"},
		{400, `{"code":99991400,"msg":"x"}`, "99991400"},
		{200, `{"request_id":"abc","errcode":60020,"errmsg":"no"}`, "60020"},
		{200, `{"errmsg":"no","errcode":40014}`, "40014"},
		{403, `{"code":"Forbidden.AccessDenied.QpsLimitForApi","requestid":"x"}`, "Forbidden.AccessDenied.QpsLimitForApi"},
		{200, `{"code":"E0007","name":"张三"}`, "ok"},
		{200, `{"data":{"code":1234567}}`, "ok"},
		{200, `{"userName":"zhang","code":138}`, "ok"},
		{200, `{"code":13800138000}`, "ok"},
		{429, `{"schemas":["urn"]}`, "http_429"},
		{503, ``, "http_503"},
		{204, ``, "ok"},
		{500, `<html>`, "http_500"},
		{200, `{"errmsg":"a \" quote","errcode":1}`, "ok"},
	} {
		if got := codeLabel(c.status, []byte(c.body)); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.body, got, c.want)
		}
	}
}

// TestOverheard gives the body as it is and tells once.
func TestOverheard(t *testing.T) {
	t.Parallel()
	var told []string
	text := `{"errcode":45009,"errmsg":"` + strings.Repeat("x", 2000) + `"}`
	b := &overheard{ReadCloser: io.NopCloser(strings.NewReader(text)), status: 200, done: func(code string) { told = append(told, code) }}
	got, err := io.ReadAll(b)
	if err != nil || string(got) != text {
		t.Errorf("the body is not what it was: %d bytes, %v", len(got), err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(told, []string{"45009"}) {
		t.Errorf("told %q", told)
	}
}

// TestTransportKeepsErrors gives an error of the network as it came, and counts it.
func TestTransportKeepsErrors(t *testing.T) {
	t.Parallel()
	p := &process{getenv: func(string) (string, bool) { return "", false }, stderr: discard{}, now: time.Now}
	a := p.bare(&configs.Config{})
	res, err := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/?access_token=secret", http.NoBody)
		if err != nil {
			return nil, err
		}
		return a.client("x", "http://127.0.0.1:1").Do(req)
	}()
	if err == nil {
		_ = res.Body.Close()
		t.Fatal("nobody is there, and it answers")
	}
	families, err := a.observer.registry.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "rollcall_vendor_calls_total" {
			if text := f.String(); !strings.Contains(text, "no_answer") || strings.Contains(text, "secret") {
				t.Errorf("counted as %s", text)
			}
			return
		}
	}
	t.Error("the call was not counted")
}

// TestScheduledFor reads the time of a scheduled run.
func TestScheduledFor(t *testing.T) {
	t.Parallel()
	if at, ok := scheduledFor("schedule:hr-to-wecom:1700000000", "hr-to-wecom"); !ok || at.Unix() != 1700000000 {
		t.Errorf("%v %v", at, ok)
	}
	for _, id := range []string{"schedule:other:1700000000", "schedule:hr-to-wecom:x", "feishu:om_1", ""} {
		if _, ok := scheduledFor(id, "hr-to-wecom"); ok {
			t.Errorf("%q is taken for a schedule's", id)
		}
	}
}

// TestRunLog completes lines in and outside of work.
func TestRunLog(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	p := &process{getenv: func(string) (string, bool) { return "", false }, stderr: log, now: time.Now}
	a := p.bare(&configs.Config{})
	a.observer.flows.learn(run.Run{Code: "7K3MQ2", Flow: "f1"})
	working := trail.With(context.Background(), trail.Run{Code: "7K3MQ2", Flow: "f1"}, trail.Phase{Name: "reading"})
	a.log.With("system", "hr").InfoContext(working, "read")
	a.log.Info("moved", "run", run.Code("7K3MQ2"))
	a.log.With("flow", "f1").Info("kept", "run", "7K3MQ2")
	a.log.Info("unknown", "run", "ZZZZZZ")
	a.log.Info("nothing")
	for text, want := range map[string][2]int{"read": {1, 1}, "moved": {1, 1}, "kept": {1, 1}, "unknown": {1, 0}, "nothing": {0, 0}} {
		lines := log.with(`"msg":"` + text + `"`)
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines", text, len(lines))
		}
		if got := [2]int{strings.Count(lines[0], `"run":`), strings.Count(lines[0], `"flow":`)}; got != want {
			t.Errorf("%s: run and flow stand there %v times, want %v: %s", text, got, want, lines[0])
		}
	}
}
