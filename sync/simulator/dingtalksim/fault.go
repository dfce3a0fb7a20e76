package dingtalksim

import (
	"net/http"
	"strings"
)

// Fault replaces the answers of a path. Its zero outcome is HTTP 503 in the
// shape of the path's family.
type Fault struct {
	// Path is the exact path; a trailing * matches by prefix; "" is every path.
	Path string
	// Times is how many calls it meets: 0 is one, negative is all until
	// ClearFaults.
	Times int
	// Status is the HTTP status. Default: 200 when Errcode is set, else 503.
	Status int
	// Errcode is the code of an old-style answer.
	Errcode int
	// Code is the code of a /v1.0 answer, such as "bot.stopped".
	Code string
	// Message goes with Errcode or Code.
	Message string
	// Body is sent as it is, instead of an answer in the family's shape.
	Body string
	// Drop cuts the connection without an answer.
	Drop bool
	// Late lets the call take effect first: only its answer is replaced. With
	// Drop, the caller cannot know whether its message was sent.
	Late bool
}

// Inject arms a fault. Faults are tried in the order of arming.
func (s *Sim) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults disarms every fault.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faulty runs the endpoint, or the fault that stands before it.
func (s *Sim) faulty(e endpoint, r *request) answer {
	f, found := s.takeFault(r.URL.Path)
	if !found {
		return e(r)
	}
	if f.Late {
		e(r)
	}
	return f.answer(r.URL.Path)
}

// takeFault uses up one call of the first fault that meets the path.
func (s *Sim) takeFault(path string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.meets(path) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		taken := *f
		if f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return taken, true
	}
	return Fault{}, false
}

func (f *Fault) meets(path string) bool {
	if prefix, isPrefix := strings.CutSuffix(f.Path, "*"); isPrefix {
		return strings.HasPrefix(path, prefix)
	}
	return f.Path == "" || f.Path == path
}

func (f *Fault) answer(path string) answer {
	if f.Drop {
		return answer{}
	}
	status := f.Status
	if status == 0 && (f.Errcode != 0 || f.Body != "") {
		status = http.StatusOK
	}
	status = either(status, http.StatusServiceUnavailable)
	if f.Body != "" {
		return answer{status: status, body: f.Body}
	}
	if strings.HasPrefix(path, "/v1.0/") && f.Errcode == 0 {
		return apiError(status, either(f.Code, "ServiceUnavailable"), either(f.Message, http.StatusText(status)))
	}
	a := oapiError(either(f.Errcode, -1), either(f.Message, "系统繁忙"))
	a.status = status
	return a
}
