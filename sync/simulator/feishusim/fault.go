package feishusim

import (
	"context"
	"net/http"
	"regexp"
)

// Fault makes matching API calls go wrong. Method and Path (or Match) choose
// the calls; the other fields say what happens.
//
// Go's own client repeats a GET by itself when a kept-alive connection is cut
// before any answer came, so a cut GET may need Times 2 to be noticed.
type Fault struct {
	Method string         // "" is any
	Path   string         // prefix of the URL path; "" is any
	Match  *regexp.Regexp // used instead of Path when set
	Skip   int            // let this many matching calls pass first
	Times  int            // how many calls to hit; 0 is one, negative is all of them

	Status int         // answer with this HTTP status …
	Code   int         // … and this vendor code; one of the two is enough
	Msg    string      // the message that goes with Code
	Body   string      // answer with this text as it is (an HTML error page); needs Status
	Header http.Header // added to the answer

	Apply     bool // do what was asked before the Status or Code answer is sent: a lying error
	Drop      bool // do what was asked, then cut the connection without an answer
	Before    bool // cut the connection before anything is done
	EmptyPage bool // a list call answers has_more=true with a token and no items

	Delay func(ctx context.Context) // called before the call is served
	After func(ctx context.Context) // called after it was served, before its answer is sent
}

type fault struct {
	Fault
	seen, done int
}

// Inject arms a fault and returns what disarms it. Faults are tried in the
// order in which they were armed; the first that matches is used up by the call.
func (s *Sim) Inject(f Fault) (disarm func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	armed := &fault{Fault: f}
	if armed.Times == 0 {
		armed.Times = 1
	}
	s.faults = append(s.faults, armed)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, other := range s.faults {
			if other == armed {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
				return
			}
		}
	}
}

// ClearFaults disarms every fault.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault finds the fault for a request and uses it up. It returns a copy,
// and a zero Fault when none matches.
func (s *Sim) takeFault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !matcher(f.Path, f.Match, r.URL.Path) {
			continue
		}
		if f.Times > 0 && f.done >= f.Times {
			continue
		}
		f.seen++
		if f.seen <= f.Skip {
			continue
		}
		f.done++
		return f.Fault
	}
	return Fault{}
}

// answers tells whether the fault replaces the answer.
func (f *Fault) answers() bool { return f.Status != 0 || f.Code != 0 }
