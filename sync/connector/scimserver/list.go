package scimserver

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	filter "github.com/scim2/filter-parser/v2"

	"github.com/rollcallhq/rollcall/sync/shelf"
)

const (
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	defaultPage = 100
	maxPage     = 1000
	scanPage    = 500
)

// question is what a listing asks for.
type question struct {
	filter     filter.Expression // nil = everything
	start      int               // from 1
	count      int
	attributes []string
	excluded   []string
}

// newQuestion reads the parameters of a listing; numbers that make no sense are
// brought into range (RFC 7644 §3.4.2.4).
func newQuestion(get func(string) string) (question, error) {
	q := question{start: 1, count: defaultPage, attributes: names(get("attributes")), excluded: names(get("excludedAttributes"))}
	number := func(name string, into *int) error {
		text := strings.TrimSpace(get(name))
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return bad(invalidValue, "%[1]s must be a whole number / %[1]s 必须是整数", name)
		}
		*into = n
		return nil
	}
	if err := number("startIndex", &q.start); err != nil {
		return q, err
	}
	if err := number("count", &q.count); err != nil {
		return q, err
	}
	q.start, q.count = max(q.start, 1), min(max(q.count, 0), maxPage)
	if text := get("filter"); strings.TrimSpace(text) != "" {
		e, err := parseFilter(text)
		if err != nil {
			return q, err
		}
		q.filter = e
	}
	return q, nil
}

// list answers GET /Users and /Groups.
func (s *Server) list(w http.ResponseWriter, req *http.Request, r *resource, _ string) error {
	values, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return bad(invalidSyntax, "the query cannot be read / 看不懂查询参数")
	}
	q, err := newQuestion(values.Get)
	if err != nil {
		return err
	}
	return s.listing(w, req, []*resource{r}, q)
}

// search answers POST .search: the same question in a body.
func (s *Server) search(w http.ResponseWriter, req *http.Request, kinds []*resource) error {
	body, err := s.read(w, req)
	if err != nil {
		return err
	}
	q, err := newQuestion(func(name string) string {
		switch v := member(body, name).(type) {
		case []any:
			var list []string
			for _, one := range v {
				list = append(list, leaf(one))
			}
			return strings.Join(list, ",")
		default:
			return leaf(v)
		}
	})
	if err != nil {
		return err
	}
	return s.listing(w, req, kinds, q)
}

// listing collects one page over the kinds in order, and how many there are.
func (s *Server) listing(w http.ResponseWriter, req *http.Request, kinds []*resource, q question) error {
	page, total := []any{}, 0
	for _, r := range kinds {
		rest := q
		rest.start = max(q.start-total, 1)
		rest.count = q.count - len(page)
		items, n, err := s.find(req.Context(), r, rest)
		if err != nil {
			return err
		}
		v := r.newView(q.attributes, q.excluded)
		for _, it := range items {
			full, err := s.render(req, it)
			if err != nil {
				return err
			}
			page = append(page, v.show(full))
		}
		total += n
	}
	s.answer(w, req, http.StatusOK, map[string]any{
		"schemas": []any{listSchema}, "totalResults": total, "startIndex": q.start, "itemsPerPage": len(page), "Resources": page,
	})
	return nil
}

// find gives one page of a kind, and how many fit the question. What the record
// has an index of narrows the search; the rest is looked at one by one.
func (s *Server) find(ctx context.Context, r *resource, q question) ([]shelf.Item, int, error) {
	base := shelf.Query{System: s.o.System, Kind: r.kind}
	if q.filter == nil {
		total, err := s.o.Shelf.ShelfCount(ctx, base)
		if err != nil || q.count == 0 || q.start > total {
			return nil, total, err
		}
		base.Offset, base.Limit = q.start-1, q.count
		items, err := s.o.Shelf.ShelfItems(ctx, base)
		return items, total, err
	}
	wanted := demands(q.filter)
	indexed := "username"
	if r.kind == shelf.Group {
		indexed = "displayname"
	}
	base.Name, base.ExternalID = fold(wanted[indexed]), wanted["externalid"]
	var page []shelf.Item
	total, m := 0, r.matcher()
	err := s.each(ctx, base, func(it shelf.Item) error {
		doc, err := s.document(it)
		if err != nil {
			return err
		}
		if !m.match(q.filter, doc) {
			return nil
		}
		if total++; total >= q.start && len(page) < q.count {
			page = append(page, it)
		}
		return nil
	})
	return page, total, err
}

// each calls fn for everything that a query chooses, page by page.
func (s *Server) each(ctx context.Context, q shelf.Query, fn func(shelf.Item) error) error {
	for q.Limit = scanPage; ; {
		items, err := s.o.Shelf.ShelfItems(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range items {
			if err := fn(it); err != nil {
				return err
			}
		}
		if len(items) < q.Limit {
			return nil
		}
		q.After = items[len(items)-1].ID
	}
}

// document gives an item with what the server adds to it, but its address.
func (s *Server) document(it shelf.Item) (map[string]any, error) {
	doc, err := decodeJSON(it.Document)
	if err != nil {
		return nil, err
	}
	r := s.kind(it.Kind)
	schemas := []any{r.core.id}
	for i := range r.extensions {
		if doc[r.extensions[i].id] != nil {
			schemas = append(schemas, r.extensions[i].id)
		}
	}
	doc["id"], doc["schemas"] = it.ID, schemas
	doc["meta"] = map[string]any{
		"resourceType": string(it.Kind), "created": stamp(it.Created), "lastModified": stamp(it.Changed), "version": etag(it),
	}
	return doc, nil
}

// render gives a resource as it is answered.
func (s *Server) render(req *http.Request, it shelf.Item) (map[string]any, error) {
	doc, err := s.document(it)
	if err != nil {
		return nil, err
	}
	if meta, ok := doc["meta"].(map[string]any); ok {
		meta["location"] = s.location(req, it.Ref)
	}
	return doc, nil
}

func (s *Server) location(req *http.Request, ref shelf.Ref) string {
	return s.base(req) + s.kind(ref.Kind).endpoint + "/" + url.PathEscape(ref.ID)
}

// show answers with one resource.
func (s *Server) show(w http.ResponseWriter, req *http.Request, status int, it shelf.Item) error {
	full, err := s.render(req, it)
	if err != nil {
		return err
	}
	query := req.URL.Query()
	v := s.kind(it.Kind).newView(names(query.Get("attributes")), names(query.Get("excludedAttributes")))
	w.Header().Set("ETag", etag(it))
	if status == http.StatusCreated {
		w.Header().Set("Location", s.location(req, it.Ref))
	}
	s.answer(w, req, status, v.show(full))
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func versionNumber(it shelf.Item) json.Number { return json.Number(strconv.FormatInt(it.Version, 10)) }
