package dingtalksim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// bodyLimit bounds what is read of one request: a file and the form around it.
const bodyLimit = uploadBody

// Call is one HTTP request that reached the simulator, with the answer's
// status (0 when the connection was cut).
type Call struct {
	Method string
	Path   string
	Query  url.Values // as sent, tokens and signatures included
	Body   []byte
	Status int
	At     time.Time
}

// Calls lists the latest requests, oldest first; at most 4096 are kept.
func (s *Sim) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// request is an HTTP request with its body read.
type request struct {
	*http.Request
	body []byte
}

// answer is what an endpoint says. Body is encoded as JSON unless it is a
// string, which is sent as it is. Status 0 cuts the connection.
type answer struct {
	status int
	kind   string // content type; "" = JSON
	body   any
	hang   bool // say nothing until the caller gives up
	half   bool // cut the connection after half of the body
}

// endpoint answers one path. It takes s.mu itself where it needs it.
type endpoint func(*request) answer

// serve wraps an endpoint with the record of calls, the injected faults and
// the announcement of what the call made visible in the chat.
func (s *Sim) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
			return
		}
		s.learnBase(r)
		a := s.faulty(e, &request{Request: r, body: body})
		s.noteCall(r, body, a.status)
		s.announce()
		if a.hang {
			<-r.Context().Done()
		}
		a.write(w)
	})
}

func (s *Sim) noteCall(r *http.Request, body []byte, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.counts[r.URL.Path]++
	s.calls = keepLast(append(s.calls, Call{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Body: body, Status: status, At: s.opts.Now(),
	}), keep)
}

func (s *Sim) learnBase(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.baseFixed {
		return
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	s.base = scheme + r.Host
}

func (a answer) write(w http.ResponseWriter) {
	if a.status == 0 {
		// net/http cuts the connection without an answer and without a log line.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", either(a.kind, "application/json;charset=utf-8"))
	if a.half {
		a.writeHalf(w)
	}
	w.WriteHeader(a.status)
	if text, ok := a.body.(string); ok {
		_, _ = io.WriteString(w, text) // the client has gone: nobody is left to tell
		return
	}
	_ = json.NewEncoder(w).Encode(a.body)
}

// writeHalf sends half of the body under the length of the whole and cuts the
// connection. It does not return.
func (a answer) writeHalf(w http.ResponseWriter) {
	text, isText := a.body.(string)
	if !isText {
		raw, _ := json.Marshal(a.body) // our own values always encode
		text = string(raw)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, text[:len(text)/2])
	_ = http.NewResponseController(w).Flush() // the cut follows either way
	panic(http.ErrAbortHandler)
}

// ok is a success of the /v1.0 family.
func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// apiError is a refusal of the /v1.0 family.
func apiError(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{
		"code": code, "requestid": newID(""), "message": message,
	}}
}

// oapiError is a verdict of the old family; code 0 is success. It is always
// sent with HTTP 200.
func oapiError(code int, message string) answer {
	return answer{status: http.StatusOK, body: map[string]any{"errcode": code, "errmsg": message}}
}

// oapiGatewayError is a refusal by the gateway before the old family: always
// errcode 88, with the real code in sub_code.
func oapiGatewayError(code, message string) answer {
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": 88, "sub_code": code, "sub_msg": message,
		"errmsg":     "ding talk error[subcode=" + code + ",submsg=" + message + "]",
		"request_id": newID(""),
	}}
}

// serveUnknown answers every other path in the style of its family; paths of
// the old family look at the access token first, as the gateway does.
func (s *Sim) serveUnknown(r *request) answer {
	if strings.HasPrefix(r.URL.Path, "/v1.0/") {
		return apiError(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found: "+r.URL.Path)
	}
	if a, refused := s.refuseOldToken(r); refused {
		return a
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": 22, "sub_msg": "不合法ApiName", "errmsg": "Invalid method[submsg=不合法ApiName]", "request_id": newID(""),
	}}
}

// isJSON tells whether the request says that its body is JSON.
func (r *request) isJSON() bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}
