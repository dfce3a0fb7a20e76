package scimserver

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/shelf"
)

// maxDocument bounds one resource as it is kept: a group with tens of thousands of
// members.
const maxDocument = 8 << 20

// fill puts a document into an item, with what the record has an index of.
func fill(r *resource, it shelf.Item, doc map[string]any) (shelf.Item, error) {
	raw, err := encodeJSON(doc)
	if err != nil {
		return it, err
	}
	if len(raw) > maxDocument {
		return it, &problem{status: http.StatusRequestEntityTooLarge, detail: "the resource would be larger than 8 MiB / 资源将超过 8 MiB"}
	}
	name, _ := doc["userName"].(string)
	if r.kind == shelf.Group {
		name, _ = doc["displayName"].(string)
	}
	it.Name, it.Document = fold(name), raw
	it.ExternalID, _ = doc["externalId"].(string)
	return it, nil
}

// create answers POST /Users and /Groups.
func (s *Server) create(w http.ResponseWriter, req *http.Request, r *resource, _ string) error {
	body, err := s.read(w, req)
	if err != nil {
		return err
	}
	doc, err := s.normalizer(req.Context()).whole(r, body)
	if err != nil {
		return err
	}
	if err := checkWhole(r, doc); err != nil {
		return err
	}
	if _, told := doc["active"]; !told && r.kind == shelf.User {
		doc["active"] = true
	}
	it, err := fill(r, shelf.Item{Ref: s.ref(r, s.o.NewID())}, doc)
	if err != nil {
		return err
	}
	if it, err = s.o.Shelf.AddShelfItem(req.Context(), it); err != nil {
		return err
	}
	s.wrote(req.Context(), it.Ref, nil, doc)
	return s.show(w, req, http.StatusCreated, it)
}

// get answers GET of one resource.
func (s *Server) get(w http.ResponseWriter, req *http.Request, r *resource, id string) error {
	it, err := s.live(req.Context(), r, id)
	if err != nil {
		return err
	}
	if given := req.Header.Get("If-None-Match"); given != "" && matchesETag(given, it) {
		w.Header().Set("ETag", etag(it))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return s.show(w, req, http.StatusOK, it)
}

// put answers PUT: the resource becomes what is sent. What a provider tends to
// leave out is kept when it is left out: taking it for 'no' would suspend people
// and empty groups.
func (s *Server) put(w http.ResponseWriter, req *http.Request, r *resource, id string) error {
	body, err := s.read(w, req)
	if err != nil {
		return err
	}
	return s.change(w, req, s.ref(r, id), func(old map[string]any) (map[string]any, error) {
		doc, err := s.normalizer(req.Context()).whole(r, body)
		if err != nil {
			return nil, err
		}
		for _, name := range r.keeps {
			if _, told := doc[name]; !told && member(body, name) == nil && old[name] != nil {
				doc[name] = old[name]
			}
		}
		return doc, checkWhole(r, doc)
	})
}

// patch answers PATCH: every operation, or none.
func (s *Server) patch(w http.ResponseWriter, req *http.Request, r *resource, id string) error {
	body, err := s.read(w, req)
	if err != nil {
		return err
	}
	ops, err := parsePatch(body)
	if err != nil {
		return err
	}
	return s.change(w, req, s.ref(r, id), func(old map[string]any) (map[string]any, error) {
		p := &patcher{normalizer: s.normalizer(req.Context()), r: r, doc: old}
		return p.doc, p.apply(ops)
	})
}

// change changes a resource in one transaction and answers with it.
func (s *Server) change(w http.ResponseWriter, req *http.Request, ref shelf.Ref, edit func(map[string]any) (map[string]any, error)) error {
	r := s.kind(ref.Kind)
	var before, after map[string]any
	was := int64(0)
	it, err := s.o.Shelf.UpdateShelfItem(req.Context(), ref, func(old shelf.Item) (shelf.Item, error) {
		was = old.Version
		if err := precondition(req, old); err != nil {
			return old, err
		}
		doc, err := decodeJSON(old.Document)
		if err != nil {
			return old, err
		}
		if before, err = decodeJSON(old.Document); err != nil {
			return old, err
		}
		if after, err = edit(doc); err != nil {
			return old, err
		}
		return fill(r, old, after)
	})
	if err != nil {
		return err
	}
	if it.Version != was {
		s.wrote(req.Context(), ref, before, after)
	}
	return s.show(w, req, http.StatusOK, it)
}

// remove answers DELETE. Groups forget a deleted user; if that breaks off, they
// hold an id that names nobody, which does no harm.
func (s *Server) remove(w http.ResponseWriter, req *http.Request, r *resource, id string) error {
	ctx := req.Context()
	var before map[string]any
	err := s.o.Shelf.RemoveShelfItem(ctx, s.ref(r, id), func(old shelf.Item) error {
		if err := precondition(req, old); err != nil {
			return err
		}
		var err error
		before, err = decodeJSON(old.Document)
		return err
	})
	if err != nil {
		return err
	}
	s.wrote(ctx, s.ref(r, id), before, nil)
	s.forget(context.WithoutCancel(ctx), id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// forget takes an id out of every group.
func (s *Server) forget(ctx context.Context, id string) {
	const page = 100
	for {
		groups, err := s.o.Shelf.ShelfItems(ctx, shelf.Query{System: s.o.System, Kind: shelf.Group, Mentions: id, Limit: page})
		left := 0
		for _, g := range groups {
			it, changeErr := s.o.Shelf.UpdateShelfItem(ctx, g.Ref, func(old shelf.Item) (shelf.Item, error) {
				doc, err := decodeJSON(old.Document)
				if err != nil {
					return old, err
				}
				members := slices.DeleteFunc(asList(doc["members"]), func(m any) bool { return memberID(m) == id })
				if doc["members"] = members; len(members) == 0 {
					delete(doc, "members")
				}
				return fill(s.kind(shelf.Group), old, doc)
			})
			if changeErr != nil || it.Version == g.Version {
				left++ // it mentions the id otherwise
			}
		}
		if err != nil {
			s.log.WarnContext(ctx, "groups keep a deleted member", "err", err)
		}
		if err != nil || len(groups) < page || left == len(groups) {
			return
		}
	}
}

func memberID(m any) string {
	object, _ := m.(map[string]any)
	id, _ := object[nameValue].(string)
	return id
}

// etag gives the weak version of an item.
func etag(it shelf.Item) string { return `W/"` + leaf(versionNumber(it)) + `"` }

// matchesETag tells whether a list of versions holds the item's.
func matchesETag(list string, it shelf.Item) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag(it), "W/") {
			return true
		}
	}
	return false
}

// precondition obeys If-Match.
func precondition(req *http.Request, it shelf.Item) error {
	given := req.Header.Get("If-Match")
	if given == "" || matchesETag(given, it) {
		return nil
	}
	return &problem{status: http.StatusPreconditionFailed, detail: "the resource was changed meanwhile: read it again / 资源已被修改，请重新读取"}
}
