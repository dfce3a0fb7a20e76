package dingtalksim

import (
	"net/http"
	"strconv"
	"strings"
)

// Fault replaces the answers of a path. Its zero outcome is HTTP 503 in the
// shape of the path's family.
type Fault struct {
	// Path is the exact path; a trailing * matches by prefix; "" is every path.
	Path string
	// ID restricts the fault to calls that name this user or department: the
	// userid, else the dept_id, the mobile, or the name of what is created.
	ID string
	// Skip lets so many matching calls pass first.
	Skip int
	// Times is how many calls it meets: 0 is one, negative is all until
	// ClearFaults.
	Times int
	// Status is the HTTP status. Default: 200 when Errcode is set, else 503.
	Status int
	// Errcode is the code of an old-style answer.
	Errcode int
	// Wrapped sends Errcode as the sub_code of an 88, as the gateway does.
	Wrapped bool
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
	// Hang says nothing until the caller gives up.
	Hang bool
	// Partial lets the call take effect, sends the first half of its answer and
	// cuts the connection.
	Partial bool
}

// CutBeforeEffect is a fault that cuts the connection before anything happens.
func CutBeforeEffect(path, id string) Fault { return Fault{Path: path, ID: id, Drop: true} }

// CutAfterEffect is a fault that does what was asked and loses the answer.
func CutAfterEffect(path, id string) Fault { return Fault{Path: path, ID: id, Drop: true, Late: true} }

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
	f, found := s.takeFault(r.URL.Path, r.subject)
	if !found {
		return e(r)
	}
	if f.Partial {
		a := e(r)
		a.half = true
		return a
	}
	if f.Late {
		e(r)
	}
	return f.answer(r.URL.Path)
}

// takeFault uses up one call of the first fault that meets the path and the
// object that subject names.
func (s *Sim) takeFault(path string, subject func() string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !f.meets(path) || f.ID != "" && f.ID != subject() {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
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
	if f.Drop || f.Hang {
		return answer{hang: f.Hang}
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
	code, message := either(f.Errcode, -1), either(f.Message, "系统繁忙")
	a := oapiError(code, message)
	if f.Wrapped {
		a = oapiGatewayError(strconv.Itoa(code), message)
	}
	a.status = status
	return a
}
