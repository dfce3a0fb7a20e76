package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/bot/server"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/meter"
	"github.com/rollcallhq/rollcall/sync/meter/scrape"
	"github.com/rollcallhq/rollcall/sync/meter/trail"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// observer watches an app from outside: it counts, writes traces, and knows which
// flow a run is of. Its wrappers stand around the record, the systems, their paces
// and the rules; none of them changes what goes through.
type observer struct {
	meter    meter.Meter
	trail    *trail.Trail // nil: no traces
	registry *scrape.Registry
	flows    *flowBook
	began    time.Time
	log      *slog.Logger // tells of each move of a run

	mu      sync.Mutex
	refused map[run.Platform]func() map[string]int64 // what chat platforms refused
	ops     map[run.Code][]plan.Op                   // of plans that are being applied, by place
}

// observe makes the observer of an app; it asks the app's record when somebody
// looks.
func (a *app) observe(flows *flowBook) *observer {
	o := &observer{
		flows: flows, began: time.Now(), log: slog.New(slog.DiscardHandler), refused: map[run.Platform]func() map[string]int64{}, ops: map[run.Code][]plan.Op{},
	}
	o.registry = scrape.New(scrape.Options{Version: version(), Logger: a.log, Ask: a.samples})
	o.meter = o.registry.Meter()
	return o
}

// door remembers who counts what a platform refuses.
func (o *observer) door(platform run.Platform, refused func() map[string]int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused[platform] = refused
}

// openTrail opens the traces when the configuration or the environment names a
// collector.
func (a *app) openTrail(ctx context.Context) error {
	endpoint := a.cfg.Server.Traces
	if endpoint == "" && !a.p.collector() {
		return nil
	}
	t, err := trail.Open(ctx, trail.Options{Endpoint: endpoint, Exporter: a.p.spans, Version: version(), Instance: a.name, Logger: a.log})
	if err != nil {
		return err
	}
	a.observer.trail = t
	a.observer.flows.traced.Store(true)
	a.closers = append(a.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			a.log.WarnContext(ctx, "the last traces are lost")
		}
		return nil
	})
	return nil
}

// lastSpans is how long a process that stops takes for its last spans.
const lastSpans = 3 * time.Second

// collector tells whether the environment names a collector of traces, as the
// OpenTelemetry specification has it.
func (p *process) collector() bool {
	if p.spans != nil {
		return true
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if v, ok := p.getenv(name); ok && v != "" {
			return true
		}
	}
	return false
}

// metricsPath is where the numbers are shown.
const metricsPath = "/metrics"

// metricsServer gives the server of the numbers, on an address of its own; nil when
// the configuration has none.
func (a *app) metricsServer() (*server.Server, error) {
	if a.cfg.Server.Metrics == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	return server.New(server.Options{
		Listen: a.cfg.Server.Metrics, Ready: a.store.Ping, Logger: a.log, MaxConns: metricsConns,
		Handlers: map[string]http.Handler{metricsPath: a.observer.registry.Handler(a.cfg.Server.MetricsToken.Reveal())},
	})
}

// metricsConns is how many may look at the numbers at once.
const metricsConns = 16

// serving tells the observer that a service begins: the log hears of each move of a
// run, and everything that may be counted is shown as 0. A server that sees a count
// for the first time at 1 would not notice that it grew.
func (o *observer) serving(cfg *configs.Config, log *slog.Logger) {
	o.log = log
	for i := range cfg.Flows {
		f := cfg.Flows[i].Name
		for _, system := range []string{cfg.Flows[i].From, cfg.Flows[i].To} {
			o.systemServed(system)
		}
		for _, s := range run.States() {
			o.meter.Moves.Add(0, f, string(s))
		}
		for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete, plan.Adopt} {
			for _, step := range []run.Step{run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped, run.StepInDoubt} {
				o.meter.Changes.Add(0, f, opLabel(op), string(step))
			}
		}
		for _, d := range []run.Decision{run.Approve, run.Reject, run.BreakGlass} {
			o.meter.Votes.Add(0, f, string(d))
		}
		o.meter.Judged.Add(0, f)
		o.meter.RuleErrors.Add(0, f)
		o.meter.LeasesLost.Add(0, f)
	}
}

// systemServed shows what may be counted of a system as 0.
func (o *observer) systemServed(system string) {
	for _, op := range []string{"read", "lookup", opLabel(plan.Create), opLabel(plan.Update), opLabel(plan.Disable), opLabel(plan.Delete)} {
		for _, kind := range []string{"ok", string(fault.Credential)} {
			o.meter.Operations.Add(0, system, op, kind)
		}
	}
	o.meter.Waits.Add(0, system)
	o.meter.WaitTime.Add(0, system)
}

// flowBook knows which flow a run is of, for the log. It is safe for concurrent
// use.
type flowBook struct {
	traced atomic.Bool

	mu    sync.Mutex
	flows map[string]string // by code
}

func newFlowBook() *flowBook { return &flowBook{flows: map[string]string{}} }

// mostRuns is how many runs a flowBook knows; then it forgets all of them.
const mostRuns = 10_000

func (b *flowBook) learn(runs ...run.Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.flows) > mostRuns {
		clear(b.flows)
	}
	for i := range runs {
		if runs[i].Code != "" {
			b.flows[string(runs[i].Code)] = runs[i].Flow
		}
	}
}

func (b *flowBook) of(code string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flows[code]
}

// runLog completes lines about a run: one with a run gets its flow, one that is
// written while a run is worked on gets both, and each gets the trace when traces
// are written.
type runLog struct {
	slog.Handler
	book *flowBook
	has  map[string]bool // attributes that every line has
}

// Handle writes a line.
func (l runLog) Handle(ctx context.Context, r slog.Record) error {
	code, has := "", map[string]bool{"flow": l.has["flow"], "run": l.has["run"]}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "run" {
			code = a.Value.String()
		}
		has[a.Key] = true
		return true
	})
	if w := trail.Of(ctx); w != nil && !has["run"] {
		code = w.Code
		r.AddAttrs(slog.String("run", code))
	}
	if code == "" {
		return l.Handler.Handle(ctx, r)
	}
	if flow := l.book.of(code); flow != "" && !has["flow"] {
		r.AddAttrs(slog.String("flow", flow))
	}
	if l.book.traced.Load() && !has["trace"] {
		r.AddAttrs(slog.String("trace", trail.ID(code)))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs gives a handler whose lines all have the attributes.
func (l runLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	has := map[string]bool{}
	for k := range l.has {
		has[k] = true
	}
	for _, a := range attrs {
		has[a.Key] = true
	}
	return runLog{l.Handler.WithAttrs(attrs), l.book, has}
}

// WithGroup gives a handler whose attributes are in a group.
func (l runLog) WithGroup(name string) slog.Handler {
	return runLog{l.Handler.WithGroup(name), l.book, l.has}
}
