package wecomsim

import (
	"net/http"
	"strconv"
	"strings"
)

// Fault makes calls go wrong. Set Code, or Status, or some of the flags; a
// Fault with neither of the first two and without Before lets the call have
// its effect and loses the answer.
type Fault struct {
	// Path is the path that it hits, such as "user/create", with or without
	// /cgi-bin/ before it. Empty means every path.
	Path string
	// ID restricts the fault to calls that name this user or department.
	ID string
	// Skip lets the first so many matching calls pass.
	Skip int
	// Times is how many calls it hits. Zero means one, negative means all.
	Times int

	// Code answers with this errcode and does nothing: 45009, 45033, -1, …
	Code int
	// Status answers with this HTTP status and does nothing.
	Status int
	// Body is the body for Status. Empty means an HTML page of a gateway.
	Body string

	// Drop does what was asked, then cuts the connection without an answer.
	// Mind that Go's HTTP client silently repeats a GET (so user/delete and
	// department/delete) when a connection that it used before is cut so;
	// with Partial it does not.
	Drop bool
	// Before cuts the connection before anything happened. It beats Drop.
	Before bool
	// Partial sends the first half of the answer before the cut.
	Partial bool
	// Hang says nothing until the client gives up, instead of cutting the
	// connection.
	Hang bool
}

// Inject adds a fault. Faults are tried in the order in which they came, and
// each call meets at most one.
func (s *Sim) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Path = strings.TrimPrefix(f.Path, prefix)
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault gives the fault that this call meets, or nil, and uses it up. The
// caller holds mu.
func (s *Sim) takeFault(c *call) *Fault {
	for _, f := range s.faults {
		if f.Times == 0 || !f.matches(c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		hit := *f
		return &hit
	}
	return nil
}

func (f *Fault) matches(c *call) bool {
	if f.Path != "" && f.Path != c.path {
		return false
	}
	return f.ID == "" || fold(f.ID) == fold(c.object())
}

// instead tells whether the fault takes the place of the call's effect.
func (f *Fault) instead() bool {
	return f != nil && (f.Code != 0 || f.Status != 0 || f.Before)
}

// answer plays a fault that takes the place of the effect. refused is the
// encoded answer for Code.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request, refused []byte) {
	switch {
	case f.Before:
		f.cut(w, r, nil)
	case f.Status != 0:
		writeHTML(w, f.Status, or(f.Body, htmlOverload))
	default:
		writeJSON(w, refused)
	}
}

// cut ends the exchange without a whole answer. It does not return, unless
// the fault hangs and the client gave up.
func (f *Fault) cut(w http.ResponseWriter, r *http.Request, body []byte) {
	if f.Hang {
		<-r.Context().Done()
		return
	}
	if f.Partial {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler) // net/http's own way to cut a connection
}
