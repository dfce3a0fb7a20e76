// Package trail writes what happened to a run as OpenTelemetry traces: the request,
// the run, its phases, and what was asked of the systems.
//
// The id of a run's trace is made of the run's code, and the ids of its own span
// and of its phases of when they began, as the record has it. So every process adds
// to the same trace, across the queue and across a restart, without handing
// anything on. It is the only package that knows OpenTelemetry. A span holds names
// of flows and systems, operations and outcomes; never a person, an object, a URL
// or the text of an error.
package trail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The names of the attributes.
const (
	keyRun     = attribute.Key("rollcall.run")
	keyFlow    = attribute.Key("rollcall.flow")
	keyTrigger = attribute.Key("rollcall.trigger")
	keyState   = attribute.Key("rollcall.state")
	keyPhase   = attribute.Key("rollcall.phase")
	keySystem  = attribute.Key("rollcall.system")
	keyOp      = attribute.Key("rollcall.op")
	keyOutcome = attribute.Key("rollcall.outcome")
)

// mostSteps is how many steps of one piece of work are written: a reading of a
// large company makes many thousands of calls.
const mostSteps = 1000

// Run says which run it is about.
type Run struct {
	Code, Flow, Trigger string
}

// Phase is a state that a run was in from a time on, as the record has it.
type Phase struct {
	Name  string
	Since time.Time // its milliseconds are part of its name
}

// ID gives the id of a run's trace: the first 16 bytes of the SHA-256 of
// "rollcall.run." and the code.
func ID(code string) string {
	id := traceID(code)
	return hex.EncodeToString(id[:])
}

func traceID(code string) trace.TraceID {
	sum := sha256.Sum256([]byte("rollcall.run." + code))
	return trace.TraceID(sum[:16])
}

func spanID(code, what string) trace.SpanID {
	sum := sha256.Sum256([]byte("rollcall.span." + code + "." + what))
	return trace.SpanID(sum[:8])
}

func requestSpan(code string) trace.SpanID { return spanID(code, "request") }
func runSpan(code string) trace.SpanID     { return spanID(code, "run") }
func phaseSpan(code string, p Phase) trace.SpanID {
	return spanID(code, fmt.Sprintf("%s.%d", p.Name, p.Since.UnixMilli()))
}

// Trail writes spans. A nil Trail writes none. It is safe for concurrent use.
type Trail struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// wanted is the id that the next span is to have.
type wanted struct {
	trace trace.TraceID
	span  trace.SpanID
}

type wantedKey struct{}

// span writes one span whose ids are known beforehand.
func (t *Trail) span(name string, id wanted, parent trace.SpanID, from, to time.Time, failed bool, attrs ...attribute.KeyValue) {
	ctx := context.WithValue(context.Background(), wantedKey{}, id)
	opts := []trace.SpanStartOption{trace.WithTimestamp(from), trace.WithAttributes(attrs...)}
	if parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, under(id.trace, parent))
	} else {
		opts = append(opts, trace.WithNewRoot())
	}
	_, s := t.tracer.Start(ctx, name, opts...)
	if failed {
		s.SetStatus(codes.Error, "")
	}
	s.End(trace.WithTimestamp(to))
}

func under(id trace.TraceID, parent trace.SpanID) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: parent, TraceFlags: trace.FlagsSampled, Remote: true})
}

// Request writes how a run came to be: from when it was asked for until it was
// stored. It is the root of the trace.
func (t *Trail) Request(r Run, from, to time.Time) {
	if t == nil {
		return
	}
	t.span("request", wanted{traceID(r.Code), requestSpan(r.Code)}, trace.SpanID{}, from, to, false,
		keyRun.String(r.Code), keyFlow.String(r.Flow), keyTrigger.String(r.Trigger))
}

// Run writes the whole of a run that has ended.
func (t *Trail) Run(r Run, state string, failed bool, from, to time.Time) {
	if t == nil {
		return
	}
	t.span("run", wanted{traceID(r.Code), runSpan(r.Code)}, requestSpan(r.Code), from, to, failed,
		keyRun.String(r.Code), keyFlow.String(r.Flow), keyTrigger.String(r.Trigger), keyState.String(state))
}

// Phase writes a state that a run has left, with the one that it came into.
func (t *Trail) Phase(r Run, p Phase, to time.Time, next string, failed bool) {
	if t == nil {
		return
	}
	t.span(p.Name, wanted{traceID(r.Code), phaseSpan(r.Code, p)}, runSpan(r.Code), p.Since, to, failed,
		keyRun.String(r.Code), keyFlow.String(r.Flow), keyPhase.String(p.Name), keyState.String(next))
}

// Work is a run that is being worked on, in a context.
type Work struct {
	Run

	mu    sync.Mutex
	phase Phase
	steps int
}

type workKey struct{}

// With gives a context in which a run is worked on: what is done in it belongs to
// the run's present phase.
func With(ctx context.Context, r Run, p Phase) context.Context {
	return context.WithValue(ctx, workKey{}, &Work{Run: r, phase: p})
}

// Of gives the work of a context, nil when there is none.
func Of(ctx context.Context) *Work {
	w, _ := ctx.Value(workKey{}).(*Work)
	return w
}

// Enter notes that the run came into another phase. A nil Work has none.
func (w *Work) Enter(p Phase) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = p
}

// now gives the present phase; false when enough steps were written already.
func (w *Work) now() (Phase, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps++
	return w.phase, w.steps <= mostSteps
}

// Step is something that is asked of a system.
type Step struct {
	Name   string // "read", "call"
	System string
	Op     string // "" = as Name
}

// Begin begins a step of the context's work. What is begun in the context that it
// gives belongs to the step; end ends it with its outcome, "ok" or a word for what
// was wrong. Outside of work, or after very many steps, nothing is written.
func (t *Trail) Begin(ctx context.Context, s Step) (_ context.Context, end func(outcome string)) {
	w := Of(ctx)
	if t == nil || w == nil {
		return ctx, func(string) {}
	}
	p, more := w.now()
	if !more {
		return ctx, func(string) {}
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, under(traceID(w.Code), phaseSpan(w.Code, p)))
	}
	attrs := []attribute.KeyValue{keyRun.String(w.Code), keyFlow.String(w.Flow), keySystem.String(s.System)}
	if s.Op != "" {
		attrs = append(attrs, keyOp.String(s.Op))
	}
	ctx, span := t.tracer.Start(ctx, s.Name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	return ctx, func(outcome string) {
		span.SetAttributes(keyOutcome.String(outcome))
		if outcome != "ok" {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
