package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// health tells that the process is alive.
func (s *Server) health(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// ready tells whether it can work. Why it cannot is for the log only.
func (s *Server) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeoutCause(c.Request.Context(), readyTimeout, errors.New("no answer in time"))
	defer cancel()
	if err := s.o.Ready(ctx); err != nil {
		if tell, times := s.away.Bad(s.o.Now()); tell { // it is asked every second
			s.o.Logger.WarnContext(ctx, "not ready", "kind", string(fault.KindOf(err)), "times", times, "err", err)
		}
		c.String(http.StatusServiceUnavailable, "not ready\n")
		return
	}
	if tell, lasted := s.away.Good(s.o.Now()); tell {
		s.o.Logger.InfoContext(ctx, "ready again", "took", lasted.String())
	}
	c.String(http.StatusOK, "ok\n")
}

// limit bounds a body before anybody reads it.
func (s *Server) limit(bytes int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bytes)
		c.Next()
	}
}

// recover answers 500 when a handler panics. Neither the request nor what was
// thrown is logged, since both may hold secrets: the type and the stack are.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(thrown) // asks net/http to cut the connection
		}
		s.o.Logger.ErrorContext(c.Request.Context(), "handler panicked",
			"thrown", fmt.Sprintf("%T", thrown), "stack", string(debug.Stack()))
		c.AbortWithStatus(http.StatusInternalServerError)
	}()
	c.Next()
}

// gate lets only so many connections in; others wait in the kernel's queue.
type gate struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newGate(l net.Listener, n int) *gate {
	return &gate{Listener: l, places: make(chan struct{}, n), closed: make(chan struct{})}
}

// Accept waits for a free place, then for a connection.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case g.places <- struct{}{}:
	case <-g.closed:
		return nil, net.ErrClosed
	}
	c, err := g.Listener.Accept()
	if err != nil {
		<-g.places
		return nil, err
	}
	return &guest{Conn: c, leave: sync.OnceFunc(func() { <-g.places })}, nil
}

// Close ends the listening.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

// guest is a connection that frees its place when it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
