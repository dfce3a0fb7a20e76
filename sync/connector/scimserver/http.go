package scimserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/shelf"
)

const mediaType = "application/scim+json"

// ServeHTTP answers one request of the provider. Every answer but 204 and 304 is
// SCIM JSON, and none is kept by a cache.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if p := s.permit(w, req); p != nil {
		s.refuse(w, req, p)
		return
	}
	if err := s.route(w, req); err != nil {
		s.refuse(w, req, err)
	}
}

// permit checks the bearer token in a time that tells nothing about it.
func (s *Server) permit(w http.ResponseWriter, req *http.Request) *problem {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(given[:], s.token[:]) == 1 && strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	if !s.refused.AllowN(s.o.Now(), 1) {
		w.Header().Set("Retry-After", "60")
		return &problem{status: http.StatusTooManyRequests, detail: "too many wrong tokens, try again in a minute / 错误的令牌太多，请一分钟后再试"}
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
	s.log.WarnContext(req.Context(), "provider refused: wrong token")
	return &problem{
		status: http.StatusUnauthorized,
		detail: "the bearer token is missing or wrong: it must be the token of this system in Rollcall's configuration / 缺少令牌或令牌不对，应与点名配置中该系统的 token 一致",
	}
}

// refuse answers with an error. What is ours to mend goes to the log.
func (s *Server) refuse(w http.ResponseWriter, req *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError && req.Context().Err() == nil {
		s.log.ErrorContext(req.Context(), "push cannot be kept", "status", p.status, "err", err)
	}
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	s.answer(w, req, p.status, p.body())
}

// answer writes SCIM JSON.
func (s *Server) answer(w http.ResponseWriter, req *http.Request, status int, body any) {
	raw, err := encodeJSON(body)
	if err != nil {
		s.log.ErrorContext(req.Context(), "answer cannot be written", "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	if req.Method != http.MethodHead {
		_, _ = w.Write(raw) //nolint:gosec // JSON of our own, typed as such; who hung up hears nothing
	}
}

// route finds the endpoint of a request.
func (s *Server) route(w http.ResponseWriter, req *http.Request) error {
	rest, ok := strings.CutPrefix(req.URL.Path, s.o.Path)
	rest = strings.Trim(rest, "/")
	if !ok || rest == "" {
		return notThere("")
	}
	head, id, _ := strings.Cut(rest, "/")
	if strings.Contains(id, "/") {
		return notThere(id)
	}
	switch fold(head) { // Microsoft's own collection asks for /users as well
	case "users":
		return s.resource(w, req, s.kind(shelf.User), id)
	case "groups":
		return s.resource(w, req, s.kind(shelf.Group), id)
	case ".search":
		return s.byMethod(w, req, map[string]handle{http.MethodPost: func(w http.ResponseWriter, req *http.Request) error {
			return s.search(w, req, s.kinds)
		}})
	case "serviceproviderconfig", "resourcetypes", "schemas":
		return s.byMethod(w, req, map[string]handle{http.MethodGet: func(w http.ResponseWriter, req *http.Request) error {
			return s.discover(w, req, fold(head), id)
		}})
	case "bulk", "me":
		return &problem{status: http.StatusNotImplemented, detail: "not supported, as ServiceProviderConfig says / 不支持，见 ServiceProviderConfig"}
	default:
		return notThere(head)
	}
}

// handle answers a request, or gives the error to answer with.
type handle func(http.ResponseWriter, *http.Request) error

// byMethod chooses by method; HEAD is a GET whose body is left out.
func (s *Server) byMethod(w http.ResponseWriter, req *http.Request, by map[string]handle) error {
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := by[method]; ok {
		return h(w, req)
	}
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if by[m] != nil {
			allowed = append(allowed, m)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &problem{status: http.StatusMethodNotAllowed, detail: "this method is not allowed here / 此处不支持该方法"}
}

// resource answers for a kind as a whole, or for one of it.
func (s *Server) resource(w http.ResponseWriter, req *http.Request, r *resource, id string) error {
	on := func(h func(http.ResponseWriter, *http.Request, *resource, string) error) handle {
		return func(w http.ResponseWriter, req *http.Request) error { return h(w, req, r, id) }
	}
	switch id {
	case "":
		return s.byMethod(w, req, map[string]handle{http.MethodGet: on(s.list), http.MethodPost: on(s.create)})
	case ".search":
		return s.byMethod(w, req, map[string]handle{http.MethodPost: func(w http.ResponseWriter, req *http.Request) error {
			return s.search(w, req, []*resource{r})
		}})
	default:
		return s.byMethod(w, req, map[string]handle{
			http.MethodGet: on(s.get), http.MethodPut: on(s.put), http.MethodPatch: on(s.patch), http.MethodDelete: on(s.remove),
		})
	}
}

// read reads the body of a request as one JSON object.
func (s *Server) read(w http.ResponseWriter, req *http.Request) (map[string]any, error) {
	if given := req.Header.Get("Content-Type"); given != "" {
		media, _, err := mime.ParseMediaType(given)
		if err != nil || media != mediaType && media != "application/json" {
			return nil, &problem{status: http.StatusUnsupportedMediaType, detail: "send application/scim+json / 请发送 application/scim+json"}
		}
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &problem{status: http.StatusRequestEntityTooLarge, detail: "the body is larger than 1 MiB; push large groups in parts, by PATCH / 请求体超过 1 MiB；大组请用 PATCH 分批推送"}
	}
	if err != nil {
		return nil, bad(invalidSyntax, "the body broke off / 请求体不完整")
	}
	return parseJSON(raw)
}

// base gives the address that resources stand under.
func (s *Server) base(req *http.Request) string {
	if s.o.BaseURL != "" {
		return strings.TrimSuffix(s.o.BaseURL, "/")
	}
	scheme := "http"
	if req.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + req.Host + s.o.Path
}

// live gives an item that is there.
func (s *Server) live(ctx context.Context, r *resource, id string) (shelf.Item, error) {
	it, err := s.o.Shelf.ShelfItem(ctx, s.ref(r, id))
	if err == nil && !it.Gone.IsZero() {
		err = notThere(id)
	}
	return it, err
}

func (s *Server) ref(r *resource, id string) shelf.Ref {
	return shelf.Ref{System: s.o.System, Kind: r.kind, ID: id}
}
