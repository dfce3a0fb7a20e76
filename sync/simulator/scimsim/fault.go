package scimsim

import (
	"net/http"
	"strconv"
	"strings"
)

// Fault makes calls go wrong. Set Status, or some of the flags; a fault without a
// Status and without Before lets the call have its effect and loses the answer.
type Fault struct {
	// Op is the operation that it hits: "GET Users" (the listing), "GET Users/"
	// (one), "POST Users", "PATCH Users/", "DELETE Groups/", …; "write" is any that is
	// no GET. Empty means every call.
	Op string
	// Skip lets the first so many matching calls pass.
	Skip int
	// Times is how many calls it hits. Zero means one, negative means all.
	Times int

	// Status answers with this HTTP status and does nothing.
	Status int
	// ScimType is the scimType of the answer.
	ScimType string
	// RetryAfter is the header of the answer.
	RetryAfter string
	// Location is the header of the answer.
	Location string
	// Body is the whole answer for Status. Empty means a SCIM error.
	Body string

	// Before cuts the connection before anything happened.
	Before bool
	// Drop does what was asked, then cuts the connection without an answer.
	Drop bool
	// Partial sends the first half of the answer before the cut.
	Partial bool
	// Hang says nothing until the client gives up, instead of cutting.
	Hang bool
}

// Inject adds a fault. Each call meets at most one, in the order in which they
// came.
func (s *Sim) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// takeFault gives the fault that a call meets, or nil, and uses it up. The caller
// holds mu.
func (s *Sim) takeFault(op string) *Fault {
	for _, f := range s.faults {
		write := f.Op == "write" && !strings.HasPrefix(op, http.MethodGet)
		if f.Times == 0 || f.Op != "" && f.Op != op && !write {
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

// instead tells whether the fault takes the place of the call's effect.
func (f *Fault) instead() bool { return f != nil && (f.Status != 0 || f.Before) }

// answer plays a fault that takes the place of the effect.
func (f *Fault) answer(w http.ResponseWriter, r *http.Request) {
	if f.Before {
		f.cut(w, r, nil)
		return
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if f.Body != "" {
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body)) // a client that is gone is its own affair
		return
	}
	(&refusal{f.Status, f.ScimType, "injected"}).write(w)
}

// cut ends the exchange without a whole answer.
func (f *Fault) cut(w http.ResponseWriter, r *http.Request, body []byte) {
	if f.Hang {
		<-r.Context().Done()
		return
	}
	if f.Partial {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler) // net/http's own way to cut a connection
}
