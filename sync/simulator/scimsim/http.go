package scimsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const mediaType = "application/scim+json"

// refusal is an error of RFC 7644 §3.12.
type refusal struct {
	Status   int
	ScimType string
	Detail   string
}

func (e *refusal) write(w http.ResponseWriter) {
	body := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"},
		"status":  strconv.Itoa(e.Status), "detail": e.Detail,
	}
	if e.ScimType != "" {
		body["scimType"] = e.ScimType
	}
	send(w, e.Status, encode(body))
}

func bad(scimType, detail string) *refusal { return &refusal{http.StatusBadRequest, scimType, detail} }

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // everything here came from JSON
	}
	return data
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone is its own affair
}

// call is one request on its way.
type call struct {
	method, kind, id string
	query            url.Values
	match            string
	body             string
}

// op names the operation, for faults and counts.
func (c *call) op() string {
	op := c.method + " " + c.kind
	if c.id != "" {
		op += "/"
	}
	return op
}

// reply is a successful answer.
type reply struct {
	status  int
	body    []byte
	version string
	place   string
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	kind, id, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if id, err = url.PathUnescape(id); err != nil {
		bad("invalidPath", "the path is wrong").write(w)
		return
	}
	c := &call{r.Method, kind, id, r.URL.Query(), r.Header.Get("If-Match"), string(raw)}
	s.mu.Lock()
	s.calls[c.op()]++
	line := r.Method + " " + r.URL.RequestURI()
	s.requests = append(s.requests, Request{line, c.match, c.body})
	f := s.takeFault(c.op())
	if f.instead() {
		s.mu.Unlock()
		f.answer(w, r)
		return
	}
	before := len(s.effects)
	got, no := s.handle(c, r)
	after, on := len(s.effects), s.on
	var last Effect
	if after > before {
		last, s.on = s.effects[after-1], nil
	}
	s.mu.Unlock()
	if after > before && on != nil {
		on(last)
	}
	switch {
	case f != nil:
		f.cut(w, r, got.body)
	case no != nil:
		no.write(w)
	default:
		if got.version != "" {
			w.Header().Set("ETag", got.version)
		}
		if got.place != "" {
			w.Header().Set("Location", "http://"+r.Host+got.place)
		}
		send(w, got.status, got.body)
	}
}

// handle does what a request asks. The caller holds mu.
func (s *Sim) handle(c *call, r *http.Request) (reply, *refusal) {
	if !s.admits(r) {
		return reply{}, &refusal{http.StatusUnauthorized, "", "wrong token"}
	}
	if c.method != http.MethodGet && c.body != "" {
		if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); media != mediaType {
			return reply{}, &refusal{http.StatusUnsupportedMediaType, "", "not " + mediaType}
		}
	}
	switch c.kind {
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		if s.options.NoDiscovery || c.method != http.MethodGet {
			return reply{}, notFound()
		}
		return reply{status: http.StatusOK, body: encode(s.discovery(c.kind))}, nil
	case "Users":
		return s.resource(c, &s.users)
	case "Groups":
		if !s.options.NoGroups {
			return s.resource(c, &s.groups)
		}
	}
	return reply{}, notFound()
}

// admits tells whether a request carries the token, or the user and the password.
func (s *Sim) admits(r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer "+s.options.Token {
		return true
	}
	user, password, basic := r.BasicAuth()
	return basic && s.options.User != "" && user == s.options.User && password == s.options.Password
}

func notFound() *refusal { return &refusal{http.StatusNotFound, "", "not found"} }

// resource serves an endpoint of resources.
func (s *Sim) resource(c *call, in *store) (reply, *refusal) {
	if c.id == "" {
		switch c.method {
		case http.MethodGet:
			return s.list(c, in)
		case http.MethodPost:
			return s.create(c)
		}
		return reply{}, &refusal{http.StatusMethodNotAllowed, "", "method not allowed"}
	}
	r, ok := in.byID[c.id]
	if !ok {
		return reply{}, notFound()
	}
	if in.hidden[c.id] {
		return reply{}, &refusal{http.StatusForbidden, "", "not allowed"}
	}
	if c.method != http.MethodGet && c.match != "" && s.options.ETags && c.match != version(r) {
		return reply{}, &refusal{http.StatusPreconditionFailed, "", "version mismatch"}
	}
	switch c.method {
	case http.MethodGet:
		return s.shown(http.StatusOK, c.kind, r, c.query), nil
	case http.MethodPatch:
		return s.patch(c, r)
	case http.MethodPut:
		return s.replace(c, r)
	case http.MethodDelete:
		in.remove(c.id)
		s.leave(c.id)
		s.effect(c, c.id)
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{}, &refusal{http.StatusMethodNotAllowed, "", "method not allowed"}
}

// leave takes whoever was deleted out of every group.
func (s *Sim) leave(id string) {
	for _, g := range s.groups.byID {
		members, _ := g["members"].([]any)
		var kept []any
		for _, m := range members {
			if one, ok := m.(map[string]any); !ok || text(one, "value") != id {
				kept = append(kept, m)
			}
		}
		g["members"] = kept
	}
}

func (s *Sim) effect(c *call, id string) {
	s.effects = append(s.effects, Effect{Op: c.method + " " + c.kind, ID: id, Body: c.body})
}

func version(r Resource) string {
	meta, _ := r["meta"].(map[string]any)
	return text(meta, "version")
}
