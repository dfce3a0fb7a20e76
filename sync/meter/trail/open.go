package trail

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Options set up a Trail.
type Options struct {
	// Endpoint is where the spans go by OTLP over HTTP: "https://collector:4318", with
	// /v1/traces unless it has a path. "" = as the OTEL_EXPORTER_OTLP_ variables of the
	// process say.
	Endpoint string
	// Exporter takes the spans instead, in tests.
	Exporter sdktrace.SpanExporter
	Version  string // of the binary
	Instance string // names the process among replicas
	Logger   *slog.Logger
}

// tracesPath is where a collector takes traces.
const tracesPath = "/v1/traces"

// Open makes a Trail. It connects to nobody yet: a collector that is away costs
// spans, not runs. Faults: Invalid for an address that cannot be used.
func Open(ctx context.Context, o Options) (*Trail, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	to := o.Exporter
	if to == nil {
		var err error
		if to, err = otlp(ctx, o.Endpoint); err != nil {
			return nil, err
		}
	}
	about := resource.NewSchemaless(attribute.String("service.name", "rollcall"), attribute.String("service.version", o.Version),
		attribute.String("service.instance.id", o.Instance))
	p := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithBatcher(&heeding{SpanExporter: to, log: o.Logger}))
	return &Trail{provider: p, tracer: p.Tracer("rollcall")}, nil
}

func otlp(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error) {
	var opts []otlptracehttp.Option
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" {
			return nil, fault.New(fault.Invalid, "server.traces is not a URL / server.traces 不是网址")
		}
		if strings.Trim(u.Path, "/") == "" {
			u.Path = tracesPath
		}
		opts = append(opts, otlptracehttp.WithEndpointURL(u.String()))
	}
	e, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, bare(err), "traces cannot be sent: check server.traces and the OTEL_EXPORTER_OTLP_ variables / 无法发送链路追踪：请检查 server.traces 和 OTEL_EXPORTER_OTLP_ 开头的环境变量")
	}
	return e, nil
}

// Close sends what is left, within ctx.
func (t *Trail) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return bare(t.provider.Shutdown(ctx))
}

// Flush sends what is there now.
func (t *Trail) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return bare(t.provider.ForceFlush(ctx))
}

// ids gives each span the id that its context wants, else one by chance.
type ids struct{}

var _ sdktrace.IDGenerator = ids{}

// NewIDs gives the ids of a root.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if w, ok := ctx.Value(wantedKey{}).(wanted); ok {
		return w.trace, w.span
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:]) // never fails
	return id, chance()
}

// NewSpanID gives the id of a child.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if w, ok := ctx.Value(wantedKey{}).(wanted); ok {
		return w.span
	}
	return chance()
}

func chance() trace.SpanID {
	var id trace.SpanID
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// heeding tells our log of spans that do not arrive, instead of the SDK's global
// one: not what the collector says, and no address.
type heeding struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

// ExportSpans sends spans, or loses them.
func (h *heeding) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := h.SpanExporter.ExportSpans(ctx, spans); err != nil {
		h.log.WarnContext(ctx, "traces are not delivered", "spans", len(spans), "reason", reason(err))
	}
	return nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "stopping"
	default:
		if _, ok := errors.AsType[*url.Error](err); ok {
			return "unreachable"
		}
		return "refused"
	}
}

// bare drops the address that net/http puts into its errors.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
