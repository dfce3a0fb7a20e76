package matrix

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// toll stands between a connector and its target: on the wire where there is one,
// else (a file, a database in a file) directly before the connector. It writes down
// what comes by, and asks the test's rule what becomes of it.
type toll struct {
	t   *testing.T
	now func() time.Time

	mu      sync.Mutex
	rule    func(*knock) ruling
	line    func(ctx context.Context) (net.Conn, error) // made instead of a connection; nil: none
	sending *sending
	knocks  []knock
	seen    map[string]*sending // by token
	counts  map[string]int      // changes by what, since reset
	lies    int
	idle    func()                 // hangs up what stands open
	named   func(id string) string // of a directory: the name of an entry
	met     int                    // rulings that did not let pass, since reset
	late    sync.WaitGroup
}

// sending is one Apply of the engine.
type sending struct {
	connector.Write
	nth  int // of its kind and operation in this run, from 0
	time int // how often it has been sent, from 1
}

// what names the kind of change, such as "user CREATE".
func (s *sending) what() string { return what(s.Key.Kind, s.Op) }

func what(kind directory.Kind, op plan.Op) string { return string(kind) + " " + string(op) }

// knock is one request, or one Apply where there is no wire.
type knock struct {
	*sending // nil: not while a change is sent
	at       time.Time
	write    bool
	line     string // what it asks, for people
	body     string
}

// ruling is what becomes of a knock. The zero value lets it pass.
type ruling struct {
	before bool          // cut the connection, nothing happens
	mute   bool          // nothing happens, and nobody answers
	lose   string        // do it, and lose the answer: "cut", "hang" or "half"
	late   time.Duration // … and do it only so much later
	status int           // answer so instead: an HTTP status
	header http.Header   // … with these
	hint   time.Duration // what the header asks for; for targets without headers
	lie    bool          // answer as if it were done
	twice  bool          // it comes twice: what was on its way arrives at last, and then this
	swap   [2]string     // a fake that does to the second what it was asked to do to the first
	prior  func()        // called before it is passed on
	after  func()        // called when it has been done
}

func (r ruling) passes() bool {
	return !r.before && !r.mute && r.lose == "" && r.late == 0 && r.status == 0 && !r.lie
}

func newToll(t *testing.T, now func() time.Time) *toll {
	t.Helper()
	w := &toll{t: t, now: now}
	w.reset(nil)
	return w
}

// reset begins a run with a rule.
func (w *toll) reset(rule func(*knock) ruling) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule, w.knocks, w.seen, w.counts, w.line, w.met = rule, nil, map[string]*sending{}, map[string]int{}, nil, 0
}

// begin notes that a change is sent.
func (w *toll) begin(write connector.Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen[write.Token]
	if s == nil {
		s = &sending{Write: write}
		s.nth = w.counts[s.what()]
		w.counts[s.what()]++
		w.seen[write.Token] = s
	}
	s.time++
	now := *s
	w.sending = &now
}

func (w *toll) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending = nil
}

// judge writes a knock down and gives the ruling.
func (w *toll) judge(write bool, line, body string) ruling {
	w.mu.Lock()
	k := knock{sending: w.sending, at: w.now(), write: write, line: line, body: body}
	w.knocks = append(w.knocks, k)
	rule := w.rule
	w.mu.Unlock()
	if rule == nil {
		return ruling{}
	}
	r := rule(&k)
	if !r.passes() || r.twice || r.prior != nil || r.after != nil || r.swap[0] != "" {
		w.mu.Lock()
		w.met++
		w.mu.Unlock()
	}
	if r.prior != nil {
		r.prior()
	}
	return r
}

// heard gives all knocks since reset.
func (w *toll) heard() []knock {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]knock(nil), w.knocks...)
}

// afterwards does something later; the end of a run waits for it.
func (w *toll) afterwards(d time.Duration, do func()) {
	w.late.Go(func() {
		time.Sleep(d)
		do()
	})
}

// errCut is a connection that was cut, where there is no connection.
var errCut = fmt.Errorf("connection reset by the test")

// apply is the toll of a target without a wire.
func (w *toll) apply(ctx context.Context, of connector.Target, change connector.Write) (directory.Key, error) {
	line := fmt.Sprintf("%s %s", change.Op, change.Key)
	r := w.judge(true, line, fmt.Sprint(change.After))
	doubt := fault.Wrap(fault.InDoubt, errCut, "no answer came / 没有应答")
	switch {
	case r.mute:
		<-ctx.Done()
		return directory.Key{}, doubt
	case r.before:
		return directory.Key{}, fault.Wrap(fault.Unavailable, errCut, "cannot be reached / 无法连接")
	case r.status == http.StatusTooManyRequests:
		f := fault.New(fault.Limited, "asks us to slow down / 要求放慢速度")
		f.After = r.hint
		return directory.Key{}, f
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return directory.Key{}, fault.New(fault.Credential, "the account may not write any more / 账号已没有写权限")
	case r.status != 0:
		return directory.Key{}, fault.New(fault.Unavailable, "is out of order / 服务异常")
	case r.lie && change.Op == plan.Create:
		return directory.Key{Kind: change.Key.Kind, ID: cmp.Or(change.Key.ID, directory.ID(change.After[of.Describe().IDAttribute].String()))}, nil
	case r.lie:
		return change.Key, nil
	case r.late > 0:
		w.afterwards(r.late, func() { _, _ = of.Apply(context.WithoutCancel(ctx), change) })
		if r.lose == "hang" {
			<-ctx.Done()
		}
		return directory.Key{}, doubt
	}
	if r.twice {
		_, _ = of.Apply(ctx, change)
	}
	if r.swap[0] != "" {
		change.Key.ID = directory.ID(r.swap[1])
	}
	key, err := of.Apply(ctx, change)
	if r.after != nil {
		r.after()
	}
	if r.lose == "" || err != nil {
		return key, err
	}
	if r.lose == "hang" {
		<-ctx.Done()
	}
	return directory.Key{}, doubt
}

// web puts a handler behind the toll, on connections of memory, so that it stands
// in a bubble of virtual time; writes tells which requests change something.
func (w *toll) web(inner http.Handler, writes func(*http.Request) bool, fib func(*knock, *http.Request) (int, string)) (string, *http.Client) {
	w.t.Helper()
	pipes := newPipes()
	server := &http.Server{Handler: w.gate(inner, writes, fib), ReadHeaderTimeout: time.Hour}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(pipes)
	}()
	transport := &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return w.connection(ctx, pipes.dial)
		},
	}
	transport.DialTLSContext = transport.DialContext // what is on the pipes is as good as encrypted
	w.idle = transport.CloseIdleConnections
	w.t.Cleanup(func() {
		w.late.Wait()
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return "https://target.test", &http.Client{Transport: transport}
}

// connection makes one, unless the line is broken.
func (w *toll) connection(ctx context.Context, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	w.mu.Lock()
	line := w.line
	w.mu.Unlock()
	if line != nil {
		return line(ctx)
	}
	return dial(ctx)
}

// breakLine lets every further connection go wrong, and hangs up those that stand.
func (w *toll) breakLine(line func(ctx context.Context) (net.Conn, error)) {
	w.mu.Lock()
	w.line = line
	idle := w.idle
	w.mu.Unlock()
	if idle != nil {
		idle()
	}
}

func (w *toll) broken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.line != nil
}

func (w *toll) gate(inner http.Handler, writes func(*http.Request) bool, fib func(*knock, *http.Request) (int, string)) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // read whole, so that the server notices a client that goes
		again := func() *http.Request {
			copied := r.Clone(context.WithoutCancel(r.Context()))
			copied.Body = io.NopCloser(strings.NewReader(string(body)))
			return copied
		}
		write := writes(r)
		line := r.Method + " " + r.URL.RequestURI()
		rule := w.judge(write, line, string(body))
		switch {
		case rule.passes():
			req := again()
			if rule.swap[0] != "" {
				body = []byte(strings.ReplaceAll(string(body), rule.swap[0], rule.swap[1]))
				r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, rule.swap[0], rule.swap[1])
				r.URL.Path = strings.ReplaceAll(r.URL.Path, rule.swap[0], rule.swap[1])
				req = again()
				req.RequestURI = r.URL.RequestURI()
			}
			if w.broken() {
				out.Header().Set("Connection", "close")
			}
			if rule.twice {
				inner.ServeHTTP(httptest.NewRecorder(), again())
			}
			if rule.after == nil {
				inner.ServeHTTP(out, req)
				break
			}
			answer := httptest.NewRecorder()
			inner.ServeHTTP(answer, req)
			rule.after()
			maps.Copy(out.Header(), answer.Header())
			if w.broken() {
				out.Header().Set("Connection", "close")
			}
			out.WriteHeader(answer.Code)
			_, _ = out.Write(answer.Body.Bytes())
		case rule.before:
			panic(http.ErrAbortHandler)
		case rule.mute:
			<-r.Context().Done()
		case rule.late > 0:
			w.afterwards(rule.late, func() { inner.ServeHTTP(httptest.NewRecorder(), again()) })
			lose(out, r, rule.lose, nil)
		case rule.lose != "":
			answer := httptest.NewRecorder()
			inner.ServeHTTP(answer, again())
			lose(out, r, rule.lose, answer)
		case rule.lie:
			status, text := fib(&knock{sending: w.underWay(), body: string(body)}, r)
			out.Header().Set("Content-Type", "application/json")
			out.WriteHeader(status)
			_, _ = io.WriteString(out, text)
		default:
			maps.Copy(out.Header(), rule.header)
			out.Header().Set("Content-Type", "text/html")
			out.WriteHeader(rule.status)
			if rule.status >= http.StatusInternalServerError { // DingTalk bars addresses by web pages of other statuses
				_, _ = io.WriteString(out, "<html>"+http.StatusText(rule.status)+"</html>")
			}
		}
	})
}

func (w *toll) underWay() *sending {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sending
}

// lose ends an exchange without a whole answer.
func lose(out http.ResponseWriter, r *http.Request, how string, answer *httptest.ResponseRecorder) {
	if how == "hang" {
		<-r.Context().Done()
		return
	}
	if how == "half" && answer != nil && answer.Body.Len() > 1 {
		out.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		out.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		out.WriteHeader(answer.Code)
		_, _ = out.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(out).Flush()
	}
	panic(http.ErrAbortHandler)
}

// pipes is a listener on connections of memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Accept is net.Listener's.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is net.Listener's.
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// fibs numbers the objects that a lie says it made.
func (w *toll) fibs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lies++
	return 900_000 + w.lies
}

func (w *toll) meetings() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.met
}
