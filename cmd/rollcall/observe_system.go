package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/meter/trail"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// observedSource is a source with somebody who watches.
type observedSource struct {
	connector.Source
	system string
	o      *observer
}

// observedTarget is a target with somebody who watches.
type observedTarget struct {
	observedSource
	target connector.Target
}

var (
	_ connector.Source = (*observedSource)(nil)
	_ connector.Target = (*observedTarget)(nil)
)

// Read lists everything.
func (s *observedSource) Read(ctx context.Context) (snap *directory.Snapshot, err error) {
	err = s.o.operation(ctx, s.system, "read", func(ctx context.Context) error {
		snap, err = s.Source.Read(ctx)
		return err
	})
	return snap, err
}

// Lookup asks for just these objects.
func (s *observedSource) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) (all []connector.Sighting, err error) {
	err = s.o.operation(ctx, s.system, "lookup", func(ctx context.Context) error {
		all, err = s.Source.Lookup(ctx, kind, ids)
		return err
	})
	return all, err
}

// Apply makes one change.
func (t *observedTarget) Apply(ctx context.Context, w connector.Write) (key directory.Key, err error) {
	err = t.o.operation(ctx, t.system, opLabel(w.Op), func(ctx context.Context) error {
		key, err = t.target.Apply(ctx, w)
		return err
	})
	return key, err
}

// operation counts something that is asked of a system, and gives its error as it
// came.
func (o *observer) operation(ctx context.Context, system, op string, do func(context.Context) error) error {
	began := time.Now()
	ctx, end := o.trail.Begin(ctx, trail.Step{Name: op, System: system, Op: op})
	err := do(ctx)
	kind := kindLabel(err)
	end(kind)
	o.meter.Operations.Add(1, system, op, kind)
	o.meter.OperationTime.Observe(time.Since(began).Seconds(), system, op)
	return err
}

func kindLabel(err error) string {
	if err == nil {
		return "ok"
	}
	return string(fault.KindOf(err))
}

// observedRules are rules with somebody who watches. Everything else that a Host can
// do stays reachable.
type observedRules struct {
	ruleHost
	flow string
	o    *observer
}

var _ plan.Rules = (*observedRules)(nil)

// Judge gives verdicts.
func (r *observedRules) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	began := time.Now()
	verdicts, err := r.ruleHost.Judge(ctx, subjects, look)
	failed := 0
	for i := range verdicts {
		if verdicts[i].Failed != nil {
			failed++
		}
	}
	if err != nil && ctx.Err() == nil {
		failed++
	}
	r.o.meter.JudgeTime.Add(time.Since(began).Seconds(), r.flow)
	r.o.meter.Judged.Add(float64(len(verdicts)), r.flow)
	r.o.meter.RuleErrors.Add(float64(failed), r.flow)
	return verdicts, err
}

// observedPacer counts how often, and how long, calls wait for their turn.
type observedPacer struct {
	connector.Pacer
	system string
	o      *observer
}

// shortWait is what counts as no wait.
const shortWait = 2 * time.Millisecond

// Wait waits for a call of a bucket.
func (p *observedPacer) Wait(ctx context.Context, bucket string, n int, per time.Duration) error {
	began := time.Now()
	err := p.Pacer.Wait(ctx, bucket, n, per)
	if took := time.Since(began); took >= shortWait {
		p.o.meter.Waits.Add(1, p.system)
		p.o.meter.WaitTime.Add(took.Seconds(), p.system)
	}
	return err
}

// client gives an HTTP client whose calls are counted under a name: of a system, or
// "bot.feishu" and the like. It may call the given addresses of the configuration
// wherever they lead.
func (a *app) client(name string, configured ...string) *http.Client {
	c := a.httpClient(configured...)
	c.Transport = &observedTransport{next: a.fail.transport(c.Transport), system: name, o: a.observer, now: a.p.now}
	return c
}

// observedTransport makes calls with somebody who watches. It changes neither the
// request nor the answer, and keeps nothing of either but a code.
type observedTransport struct {
	next   http.RoundTripper
	system string
	o      *observer
	now    func() time.Time
}

// RoundTrip makes one call.
func (t *observedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	began, sent := time.Now(), t.now()
	// The request keeps its own context: who made it looks at what happens to it.
	_, end := t.o.trail.Begin(req.Context(), trail.Step{Name: "call", System: t.system})
	res, err := t.next.RoundTrip(req)
	took := time.Since(began)
	t.o.meter.CallTime.Observe(took.Seconds(), t.system)
	done := func(code string) {
		end(code)
		t.o.meter.Calls.Add(1, t.system, code)
	}
	if err != nil {
		done(lostCall(req, err))
		return res, err //nolint:wrapcheck // a transport gives the error as it came
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		// The header is cut to the second.
		t.o.meter.ClockOffset.Set(date.Add(time.Second/2).Sub(sent.Add(took/2)).Seconds(), t.system)
	}
	if res.StatusCode == http.StatusSwitchingProtocols { // its body is the connection
		done("ok")
		return res, nil
	}
	res.Body = &overheard{ReadCloser: res.Body, status: res.StatusCode, done: done}
	return res, nil
}

func lostCall(req *http.Request, err error) string {
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(req.Context().Err(), context.Canceled):
		return "cancelled"
	default:
		return "no_answer"
	}
}

// overheard is the body of an answer. It keeps the first bytes until the caller has
// read them all or closes, for the vendor's code that stands there.
type overheard struct {
	io.ReadCloser
	status int
	done   func(code string)

	mu    sync.Mutex
	told  bool
	begin []byte
}

// headLen is how much of an answer is looked at.
const headLen = 512

// Read reads.
func (b *overheard) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	if more := min(n, headLen-len(b.begin)); more > 0 {
		b.begin = append(b.begin, p[:more]...)
	}
	b.mu.Unlock()
	if err != nil {
		b.tell()
	}
	return n, err //nolint:wrapcheck // a reader gives the error as it came
}

// Close closes.
func (b *overheard) Close() error {
	b.tell()
	return b.ReadCloser.Close() //nolint:wrapcheck // the same
}

func (b *overheard) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told {
		return
	}
	b.told = true
	b.done(codeLabel(b.status, b.begin))
	b.begin = nil
}

// vendorCode finds the code of an answer of Feishu, WeCom or DingTalk: at its
// beginning, behind nothing but texts that are no data. What stands deeper may be a
// person's.
var vendorCode = regexp.MustCompile(
	`^\s*\{(?:\s*"(?i:request_?id|err_?msg|msg|message)"\s*:\s*"[^"\\]*"\s*,)*\s*"(?:err)?code"\s*:\s*(-?[0-9]{1,9}|"[A-Za-z][A-Za-z0-9_.-]{0,60}")\s*[,}]`)

// codeLabel gives the word for an answer. A code that is a text counts only where
// the status says that something is wrong.
func codeLabel(status int, begin []byte) string {
	code := ""
	if m := vendorCode.FindSubmatch(begin); m != nil {
		code = string(m[1])
	}
	text, quoted := strings.CutPrefix(code, `"`)
	switch {
	case quoted && status >= http.StatusBadRequest:
		return strings.TrimSuffix(text, `"`)
	case code != "" && code != "0" && !quoted:
		return code
	case status >= http.StatusBadRequest:
		return "http_" + strconv.Itoa(status)
	default:
		return "ok"
	}
}

// refusals counts the requests that a handler of ours refuses for what they are:
// unsigned, too large, too many.
func (a *app) refusals(platform string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w}
		h.ServeHTTP(s, r)
		switch s.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
			a.observer.meter.Refused.Add(1, platform, "http_"+strconv.Itoa(s.status))
		}
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader writes the status.
func (s *statusWriter) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap gives the writer to http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
