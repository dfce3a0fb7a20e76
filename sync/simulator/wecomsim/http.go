package wecomsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	prefix       = "/cgi-bin/"
	maxBody      = 21 << 20 // a file of 20 MB with its envelope
	htmlOverload = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n"
	htmlMissing  = "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>\n"
)

// call is one request on its way through the corp.
type call struct {
	path   string // below /cgi-bin/
	method string
	query  url.Values
	header http.Header
	raw    []byte
	fields map[string]json.RawMessage // the body's JSON object, on POST
	ip     string
	kind   secretKind

	effects []Effect      // what the call did
	said    *RobotMessage // what a robot said
}

// reply is the head that every answer has.
type reply struct {
	Code    int    `json:"errcode"`
	Message string `json:"errmsg"`
}

var replyOK = reply{Message: "ok"}

// Handler gives the corp's HTTP surface: the paths below /cgi-bin/. Errors
// come with HTTP status 200, as from the vendor. Unknown paths get an HTML
// page with status 404.
func (s *Sim) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

func (s *Sim) serveHTTP(w http.ResponseWriter, r *http.Request) {
	path, found := strings.CutPrefix(r.URL.Path, prefix)
	if !found {
		writeHTML(w, http.StatusNotFound, htmlMissing)
		return
	}
	// The body is read whole first: only then does the server notice that a
	// client has gone, which a hanging fault waits for.
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c := &call{
		path: path, method: r.Method, query: r.URL.Query(), header: r.Header,
		raw: raw, ip: s.options.ClientIP(r),
	}
	fault := s.arrive(c)
	if err != nil {
		writeHTML(w, http.StatusRequestEntityTooLarge, htmlMissing)
		return
	}
	if fault.instead() {
		fault.answer(w, r, s.failure(c, refuse(fault.Code, "injected fault")))
		return
	}
	route, found := s.routes[path]
	if !found {
		writeHTML(w, http.StatusNotFound, htmlMissing)
		return
	}
	body := s.serve(c, route)
	if fault != nil {
		fault.cut(w, r, body)
		return
	}
	writeJSON(w, body)
}

// arrive counts the call and gives the fault that awaits it, or nil.
func (s *Sim) arrive(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.calls[c.path]++
	return s.takeFault(c)
}

// serve gives the encoded answer of a call.
func (s *Sim) serve(c *call, r route) []byte {
	if refusal := s.admit(c, r); refusal != nil {
		return s.failure(c, refusal)
	}
	if r.access == write {
		s.waitAtGate(c)
	}
	answer, refusal := s.act(c, r)
	s.tell(c)
	if refusal != nil {
		return s.failure(c, refusal)
	}
	return encode(answer)
}

// admit checks all that comes before the meaning of a call: method, token,
// address, rate, permission and the form of the body.
func (s *Sim) admit(c *call, r route) *Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.method != r.method {
		return badParameter("method, require " + r.method)
	}
	if r.access != open {
		if refusal := s.authenticate(c); refusal != nil {
			return refusal
		}
		if !s.trusts(c.ip) {
			return refuse(codeUntrustedIP, "not allow to access from your ip")
		}
		if refusal := s.countRate(c.path); refusal != nil {
			return refusal
		}
		if refusal := s.permit(c.kind, r.access); refusal != nil {
			return refusal
		}
	}
	if r.method == http.MethodPost && !r.form {
		return c.parse(r.access != open)
	}
	return nil
}

// act runs a call's own code under the lock.
func (s *Sim) act(c *call, r route) (any, *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.serve(s, c)
}

func (s *Sim) waitAtGate(c *call) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		gate(c.path, c.object())
	}
}

// tell calls the hooks for what the call did.
func (s *Sim) tell(c *call) {
	s.mu.Lock()
	onEffect, onRobot := s.onEffect, s.onRobot
	s.mu.Unlock()
	for _, effect := range c.effects {
		if onEffect != nil {
			onEffect(effect)
		}
	}
	if c.said != nil && onRobot != nil {
		onRobot(*c.said)
	}
}

// failure encodes a refusal in the vendor's form, whose text carries a hint
// and the caller's address.
func (s *Sim) failure(c *call, r *Refusal) []byte {
	if s.options.NewerCodes {
		r = r.newer()
	}
	text := fmt.Sprintf("%s, hint: [%d_%d], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
		r.Message, s.options.Now().Unix(), r.Code, c.ip, r.Code)
	return encode(reply{Code: r.Code, Message: text})
}

func (s *Sim) trusts(ip string) bool {
	return len(s.modes.trusted) == 0 || s.modes.trusted[ip]
}

func encode(answer any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		// Only a value of our own can be at fault, so a client sees the same
		// as when the vendor breaks.
		return []byte(`{"errcode":-1,"errmsg":"system error"}`)
	}
	return out.Bytes()
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may be gone: that is its affair
}

func writeHTML(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
