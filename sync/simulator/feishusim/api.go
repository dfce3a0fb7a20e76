package feishusim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxBody is the most that the tenant reads of one request: a file and the form
// around it.
const maxBody = maxFile + 1<<20

// call is one API request on its way.
type call struct {
	sim   *Sim
	http  *http.Request
	query url.Values
	body  []byte
	now   time.Time
	empty bool     // a fault asks for an empty page
	after []func() // run when the lock is gone
}

// flat is a reply whose fields stand beside code and msg instead of in data.
type flat map[string]any

// route is one API of the tenant.
type route struct {
	pattern string // method and path, as http.ServeMux reads it
	name    string // what Calls counts
	rates   []rate
	scopes  []string // any one of them permits the call; none: needs no permission
	open    bool     // needs no token
	serve   func(*call) (any, *refusal)
}

func (s *Sim) routes() []route {
	all := []route{
		{pattern: "POST /open-apis/auth/v3/tenant_access_token/internal", name: "token.tenant", open: true, serve: serveToken("tenant_access_token")},
		{pattern: "POST /open-apis/auth/v3/app_access_token/internal", name: "token.app", open: true, serve: serveToken("app_access_token")},
		{pattern: "POST /callback/ws/endpoint", name: "ws.endpoint", open: true, serve: serveBootstrap},
		{pattern: "GET /open-apis/bot/v3/info", name: "bot.info", rates: level4, serve: serveBotInfo},
		{pattern: "POST /open-apis/bot/v2/hook/{key}", name: "hook.send", open: true, serve: serveHook},
	}
	all = append(all, contactRoutes()...)
	return append(all, imRoutes()...)
}

// Handler serves the tenant. The base URL is that of the listener; the long
// connection's address is derived from the Host header of each request.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.handle(r))
	}
	mux.HandleFunc("GET /ws/v2", s.serveLink)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.write(w, http.StatusNotFound, flat{"code": 404, "msg": "no such API: " + r.Method + " " + r.URL.Path})
	})
	return mux
}

func (s *Sim) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.answer(w, nil, refuse(99992402, "request body cannot be read"))
			return
		}
		s.mu.Lock()
		s.calls[rt.name]++
		s.mu.Unlock()
		f := s.takeFault(r)
		s.wait(r, f)
		if f.Before {
			panic(http.ErrAbortHandler)
		}
		if f.answers() && !f.Apply {
			s.answerFault(w, f)
			return
		}
		c := &call{sim: s, http: r, query: r.URL.Query(), body: body, empty: f.EmptyPage}
		data, no := s.run(rt, c)
		for _, do := range c.after {
			do()
		}
		if f.After != nil {
			f.After(r.Context())
		}
		switch {
		case f.Drop:
			panic(http.ErrAbortHandler)
		case f.answers():
			s.answerFault(w, f)
		default:
			s.answer(w, data, no)
		}
	})
}

// run checks token, rate and permission, in the gateway's order, and serves.
func (s *Sim) run(rt route, c *call) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.o.Now()
	if !rt.open {
		if no := s.authorise(c); no != nil {
			return nil, no
		}
	}
	if wait, ok := s.allow("api/"+rt.name, rt.rates); !ok {
		return nil, limited(rt.rates, wait)
	}
	if len(rt.scopes) > 0 && !s.permits(rt.scopes...) {
		no := refuse(99991672, "Access denied. One of the following scopes is required: "+join(rt.scopes))
		no.scopes = rt.scopes
		return nil, no
	}
	return rt.serve(c)
}

// wait spends the configured latency and the fault's delay.
func (s *Sim) wait(r *http.Request, f Fault) {
	if s.o.Latency > 0 {
		timer := time.NewTimer(s.o.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if f.Delay != nil {
		f.Delay(r.Context())
	}
}

// success is the body of a good answer.
func success(data any) flat {
	out, ok := data.(flat)
	if !ok {
		if data == nil {
			data = map[string]any{}
		}
		out = flat{"data": data}
	}
	if _, ok := out["code"]; !ok {
		out["code"] = 0
	}
	if _, ok := out["msg"]; !ok {
		out["msg"] = "success"
	}
	return out
}

func (s *Sim) answer(w http.ResponseWriter, data any, no *refusal) {
	if no == nil {
		s.write(w, http.StatusOK, success(data))
		return
	}
	for k, v := range no.header {
		w.Header().Set(k, v)
	}
	status := no.status
	if status == 0 {
		status = httpStatus(no.code)
	}
	s.write(w, status, flat{"code": no.code, "msg": no.msg, "error": no.errorBody("")})
}

func (s *Sim) answerFault(w http.ResponseWriter, f Fault) {
	for k, values := range f.Header {
		for _, v := range values {
			w.Header().Add(k, v)
		}
	}
	status := f.Status
	if status == 0 {
		status = httpStatus(f.Code)
	}
	if f.Body != "" || f.Code == 0 {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, f.Body) // the caller may be gone: nothing to do about it
		return
	}
	if f.Code == 99991400 && w.Header().Get("x-ogw-ratelimit-reset") == "" {
		w.Header().Set("x-ogw-ratelimit-reset", "1")
	}
	s.write(w, status, flat{"code": f.Code, "msg": f.Msg, "error": (&refusal{}).errorBody("")})
}

// write sends JSON with the log id that every reply of the vendor carries.
func (s *Sim) write(w http.ResponseWriter, status int, body flat) {
	s.mu.Lock()
	logID := s.digest("log")[:34]
	s.mu.Unlock()
	if e, ok := body["error"].(map[string]any); ok {
		e["log_id"] = logID
	}
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Tt-Logid", logID)
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the caller may be gone: nothing to do about it
}

// decode reads the body as JSON. An empty body is an error; null leaves v as it is.
func (c *call) decode(v any) *refusal {
	d := json.NewDecoder(bytes.NewReader(c.body))
	if err := d.Decode(v); err != nil || d.More() {
		return refuse(9499, "Bad Request: body is not one JSON value")
	}
	return nil
}

// object reads the body as a JSON object; nulls are dropped, as the vendor
// treats them as not sent. An empty body is an empty object.
func (c *call) object() (map[string]json.RawMessage, *refusal) {
	out := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return out, nil
	}
	if no := c.decode(&out); no != nil {
		return nil, no
	}
	for k, v := range out {
		if string(bytes.TrimSpace(v)) == "null" {
			delete(out, k)
		}
	}
	return out, nil
}

func join(words []string) string {
	var b bytes.Buffer
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(w)
	}
	return b.String()
}
