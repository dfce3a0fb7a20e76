// Package scrape shows the families of meter to a Prometheus server.
//
// It is the only package that knows Prometheus' client. It opens no port and ends
// no TLS: its handler belongs on an address of its own, never on the public one.
package scrape

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcallhq/rollcall/sync/meter"
)

const (
	fresh     = 5 * time.Second // how long what was asked for is shown again
	askTime   = 4 * time.Second // for one asking
	pageTime  = 10 * time.Second
	atOnce    = 3 // pages made side by side
	bearer    = "Bearer "
	mostCodes = 40 // label values of one system
)

// Options set up a Registry.
type Options struct {
	Version string // of the binary
	// Ask gives what is not counted as it happens, most of it read of the record. An
	// error means that the record does not answer; the samples that came are shown all
	// the same. Nil: nothing is asked for.
	Ask    func(ctx context.Context) ([]meter.Sample, error)
	Logger *slog.Logger // default: none
}

// Registry holds the numbers of this process. It is safe for concurrent use.
type Registry struct {
	o     Options
	reg   *prometheus.Registry
	meter meter.Meter
	kinds map[string]kind

	mu    sync.Mutex // guards what was asked for, and one asking at a time
	at    time.Time
	shown []prometheus.Metric
}

// kind is a family as the client describes it.
type kind struct {
	meter.Family
	desc *prometheus.Desc
}

// New makes a Registry. It asks for nothing before somebody looks.
func New(o Options) *Registry {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{o: o, reg: prometheus.NewRegistry(), kinds: map[string]kind{}}
	r.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, f := range meter.Families() {
		if f.Asked {
			r.kinds[f.Name] = kind{f, prometheus.NewDesc(f.Name, f.EN, f.Labels, nil)}
		}
	}
	r.meter = meter.New(r.bind)
	r.reg.MustRegister(asking{r})
	return r
}

// Meter gives the instruments that count into the registry.
func (r *Registry) Meter() meter.Meter { return r.meter }

// bind makes the collector of a family. Labels that do not fit would be a bug of
// ours; it must not take the process down, so the value is lost and logged.
func (r *Registry) bind(f meter.Family) meter.Record {
	use := func(labels []string, do func()) {
		if len(labels) != len(f.Labels) {
			r.o.Logger.Error("metric with wrong labels", "metric", f.Name)
			return
		}
		do()
	}
	switch f.Kind {
	case meter.IsHistogram:
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.Name, Help: f.EN, Buckets: f.Buckets}, f.Labels)
		r.reg.MustRegister(v)
		return func(value float64, labels ...string) {
			use(labels, func() { v.WithLabelValues(clean(labels)...).Observe(value) })
		}
	case meter.IsGauge:
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.Name, Help: f.EN}, f.Labels)
		r.reg.MustRegister(v)
		return func(value float64, labels ...string) {
			use(labels, func() { v.WithLabelValues(clean(labels)...).Set(value) })
		}
	default:
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.Name, Help: f.EN}, f.Labels)
		r.reg.MustRegister(v)
		b := newBounds(slices.Index(f.Labels, "code"))
		return func(value float64, labels ...string) {
			use(labels, func() { v.WithLabelValues(clean(b.within(labels))...).Add(max(0, value)) })
		}
	}
}

// clean keeps values that are no UTF-8 from stopping the client.
func clean(labels []string) []string {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "?")
	}
	return labels
}

// bounds keeps a label whose values others choose from growing without end.
type bounds struct {
	place int // of the label; negative: there is none

	mu   sync.Mutex
	seen map[string]map[string]bool // by the first label
}

func newBounds(place int) *bounds { return &bounds{place: place, seen: map[string]map[string]bool{}} }

func (b *bounds) within(labels []string) []string {
	if b.place < 0 {
		return labels
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	of := b.seen[labels[0]]
	if of == nil {
		of = map[string]bool{}
		b.seen[labels[0]] = of
	}
	value := labels[b.place]
	if !of[value] && len(of) >= mostCodes {
		labels = slices.Clone(labels)
		labels[b.place] = "other"
		return labels
	}
	of[value] = true
	return labels
}

// asking is the collector of what is asked for when somebody looks.
type asking struct{ r *Registry }

// Describe tells nothing: which samples come depends on the record.
func (a asking) Describe(chan<- *prometheus.Desc) {}

// Collect gives what was asked for within the last seconds, or asks.
func (a asking) Collect(out chan<- prometheus.Metric) {
	for _, m := range a.r.look() {
		out <- m
	}
}

// look asks, at most once in some seconds, whoever and however many look.
func (r *Registry) look() []prometheus.Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < fresh {
		return r.shown
	}
	began := time.Now() //nolint:forbidigo // what is measured is real
	samples := []meter.Sample{{Name: meter.Build, Labels: []string{r.o.Version, runtime.Version()}, Value: 1}}
	up := 1.0
	if r.o.Ask != nil {
		ctx, cancel := context.WithTimeout(context.Background(), askTime)
		more, err := r.o.Ask(ctx)
		cancel()
		samples = append(samples, more...)
		if err != nil {
			up = 0
			r.o.Logger.Warn("metrics of the record are not known", "err", err)
		}
	}
	samples = append(samples, meter.Sample{Name: meter.RecordUp, Value: up},
		meter.Sample{Name: meter.RecordReadTimes, Value: time.Since(began).Seconds()})
	r.shown = r.shown[:0:0]
	for _, s := range samples {
		if m, ok := r.metric(s); ok {
			r.shown = append(r.shown, m)
		}
	}
	r.at = time.Now() //nolint:forbidigo // how fresh an answer is, is real
	return r.shown
}

func (r *Registry) metric(s meter.Sample) (prometheus.Metric, bool) {
	k, known := r.kinds[s.Name]
	if !known {
		r.o.Logger.Error("sample of an unknown metric", "metric", s.Name)
		return nil, false
	}
	value := prometheus.GaugeValue
	if k.Kind == meter.IsCounter {
		value = prometheus.CounterValue
	}
	m, err := prometheus.NewConstMetric(k.desc, value, s.Value, clean(slices.Clone(s.Labels))...)
	if err != nil {
		r.o.Logger.Error("metric with wrong labels", "metric", s.Name)
		return nil, false
	}
	return m, true
}

// Gatherer gives every number, for tests and for whoever speaks another protocol.
func (r *Registry) Gatherer() prometheus.Gatherer { return r.reg }

// Handler serves the page. With a token only those who bring it see anything.
func (r *Registry) Handler(token string) http.Handler {
	page := promhttp.HandlerFor(r.reg, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: atOnce, Timeout: pageTime,
		ErrorLog: slog.NewLogLogger(r.o.Logger.Handler(), slog.LevelWarn),
	})
	want := sha256.Sum256([]byte(bearer + token))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		got := sha256.Sum256([]byte(req.Header.Get("Authorization")))
		if token != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		page.ServeHTTP(w, req)
	})
}
