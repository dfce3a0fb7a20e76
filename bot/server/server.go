// Package server is the one HTTP listener of the process: callbacks of chat
// platforms and the two questions of an orchestrator, alive and ready.
//
// It is the only package that knows gin. It authenticates nobody: every handler
// does that itself. It ends no TLS; a proxy in front of it does.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/outage"
)

// The limits of a connection. gin's own Run sets none of them.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = time.Minute
	headerBytes   = 16 << 10
	stopTimeout   = 10 * time.Second
	readyTimeout  = 2 * time.Second

	defaultMaxBytes = 1 << 20
	defaultMaxConns = 1024
)

// Options set up a Server.
type Options struct {
	Listen string // required: "127.0.0.1:8080", ":0"
	// Handlers are served at exactly their path, whatever the method, or, when it
	// ends with a slash, at everything below it; /healthz and /readyz are ours.
	Handlers map[string]http.Handler
	// Limits are the largest bodies of handlers that take other sizes than
	// MaxBytes, by the same path.
	Limits map[string]int64
	// Ready tells whether the process can work; nil: always. It has two seconds.
	Ready func(ctx context.Context) error
	// TrustedProxies are addresses or ranges whose X-Forwarded-For is believed;
	// nil: nobody's.
	TrustedProxies []string
	MaxBytes       int64 // of a request's body, unless Limits says otherwise; default 1 MiB
	MaxConns       int   // at once; default 1024
	// Patience is how long one request may take; zero fields mean the defaults.
	Patience Patience
	Logger   *slog.Logger
	Now      func() time.Time // the clock; default time.Now
}

// Patience bounds the parts of a request.
type Patience struct {
	Header time.Duration // until the header has arrived; default 5 s
	Read   time.Duration // until all of it has; default 10 s
	Write  time.Duration // until it is answered; default 15 s
	Idle   time.Duration // between two; default 1 min
}

func (p *Patience) setDefaults() {
	p.Header = cmp.Or(p.Header, headerTimeout)
	p.Read = cmp.Or(p.Read, readTimeout)
	p.Write = cmp.Or(p.Write, writeTimeout)
	p.Idle = cmp.Or(p.Idle, idleTimeout)
}

func (o *Options) setDefaults() {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MaxConns <= 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the default
	}
	o.Patience.setDefaults()
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
}

func (o *Options) validate() error {
	var errs []error
	if o.Listen == "" {
		errs = append(errs, errors.New("listen address is missing"))
	}
	for path, h := range o.Handlers {
		switch {
		case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, ":*?#"):
			errs = append(errs, errors.New("a handler's path is no plain path"))
		case path == "/":
			errs = append(errs, errors.New("a handler cannot own everything"))
		case path == healthPath || path == readyPath:
			errs = append(errs, fmt.Errorf("%s is taken", path))
		case h == nil:
			errs = append(errs, errors.New("a handler is missing"))
		}
	}
	return errors.Join(errs...)
}

// Server is the listener. Its methods are safe for concurrent use.
type Server struct {
	o    Options
	http *http.Server
	away outage.Spell // of what Ready asks for

	mu       sync.Mutex
	listener net.Listener // nil before Open
}

// New gives a Server; it does not listen yet. Wrong options are an Invalid
// fault that names all of them. A path may be a secret and is not repeated.
func New(o Options) (*Server, error) {
	err := o.validate()
	o.setDefaults()
	s := &Server{o: o}
	if err == nil {
		s.http = &http.Server{
			ReadHeaderTimeout: o.Patience.Header, ReadTimeout: o.Patience.Read, WriteTimeout: o.Patience.Write,
			IdleTimeout: o.Patience.Idle, MaxHeaderBytes: headerBytes,
			ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
		}
		s.http.Handler, err = s.routes()
	}
	if err != nil {
		why := strings.ReplaceAll(err.Error(), "\n", ", ")
		return nil, fault.Wrap(fault.Invalid, err, "the configuration of the server is wrong: %s / 服务器的配置不对：%s", why, why)
	}
	return s, nil
}

// deaf says why an address cannot be had, and what to do, in both languages; nothing
// where that is not known.
func deaf(err error) (en, zh string) {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another process has it; stop that one, or take another port", "：端口被别的程序占用；请停掉那个程序，或换一个端口"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ": this machine has no such address", "：本机没有这个地址"
	case errors.Is(err, fs.ErrPermission):
		return ": that is not allowed; take a port from 1024 up", "：没有权限；请用 1024 以上的端口"
	}
	return "", ""
}

// Open begins to listen, so that Addr is known; connections wait until Serve.
// Faults: Unavailable when the address cannot be had. Opening twice is nothing.
func (s *Server) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", s.o.Listen)
	if err != nil {
		en, zh := deaf(err)
		return fault.Wrap(fault.Unavailable, err, "cannot listen on %[1]s%[2]s / 无法监听 %[1]s%[3]s", s.o.Listen, en, zh)
	}
	s.listener = newGate(l, s.o.MaxConns)
	return nil
}

// Addr gives the address that is listened on, and "" before Open.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Serve answers until ctx ends, opening first when that was not done. It then
// lets running requests finish, for at most ten seconds, and returns nil. A
// Server serves once.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Open(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	l := s.listener
	s.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(l) }()
	s.o.Logger.InfoContext(ctx, "listening", "address", s.Addr())
	select {
	case err := <-ended:
		return fault.Wrap(fault.Unavailable, err, "the server stopped / 服务器停止了")
	case <-ctx.Done():
	}
	stopCtx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), stopTimeout, errors.New("requests did not end in time"))
	defer cancel()
	if err := s.http.Shutdown(stopCtx); err != nil {
		s.o.Logger.WarnContext(ctx, "requests cut off", "err", context.Cause(stopCtx))
		_ = s.http.Close() // what did not end is cut off
	}
	<-ended //nolint:errcheck // it ended because it was told to
	return nil
}

// routes builds the engine.
func (s *Server) routes() (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode) // debug mode prints every path, and one may be a secret
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.HandleMethodNotAllowed = true
	if err := e.SetTrustedProxies(s.o.TrustedProxies); err != nil {
		return nil, errors.New("trusted_proxies holds what is neither an address nor a range")
	}
	e.Use(s.recover)
	e.NoRoute(func(c *gin.Context) { c.AbortWithStatus(http.StatusNotFound) })
	e.NoMethod(func(c *gin.Context) { c.AbortWithStatus(http.StatusMethodNotAllowed) })
	e.GET(healthPath, s.limit(s.o.MaxBytes), s.health)
	e.GET(readyPath, s.limit(s.o.MaxBytes), s.ready)
	for path, h := range s.o.Handlers {
		limit, own := s.o.Limits[path]
		if !own {
			limit = s.o.MaxBytes
		}
		if strings.HasSuffix(path, "/") {
			path += "*below"
		}
		e.Any(path, s.limit(limit), gin.WrapH(h))
	}
	return e, nil
}
