package scimserver

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// watcher is somebody who wants to hear of pushes. Its fields are guarded by the
// server's lock.
type watcher struct {
	pending []directory.Hint
	ring    chan struct{} // holds one when something is pending
}

// mostHints is how many hints wait for a slow listener; beyond that one says that
// something changed.
const mostHints = 10_000

// Watch tells of each push that this process takes, until ctx ends. Another
// replica's watcher tells of what that one takes.
func (s *Server) Watch(ctx context.Context, tell func([]directory.Hint)) error {
	w := &watcher{ring: make(chan struct{}, 1)}
	s.mu.Lock()
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, w)
		s.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.ring:
		}
		s.mu.Lock()
		hints := w.pending
		w.pending = nil
		s.mu.Unlock()
		if len(hints) > 0 {
			tell(hints)
		}
	}
}

// wrote tells the log and the watchers of a write: before is nil for a new
// resource, after for a deleted one.
func (s *Server) wrote(ctx context.Context, ref shelf.Ref, before, after map[string]any) {
	op := "UPDATE"
	switch {
	case before == nil:
		op = "CREATE"
	case after == nil:
		op = "DELETE"
	}
	s.log.DebugContext(ctx, "pushed", "op", op, "kind", string(ref.Kind), "id", ref.ID)
	hints := []directory.Hint{{Key: keyOf(ref), Gone: after == nil}}
	if ref.Kind == shelf.Group {
		for _, id := range differing(members(before), members(after)) {
			hints = append(hints, directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		if len(w.pending)+len(hints) > mostHints {
			w.pending = []directory.Hint{{}}
		} else {
			w.pending = append(w.pending, hints...)
		}
		select {
		case w.ring <- struct{}{}:
		default: // it is told already
		}
	}
}

// keyOf gives an item's key as a directory object.
func keyOf(ref shelf.Ref) directory.Key {
	kind := directory.User
	if ref.Kind == shelf.Group {
		kind = directory.Department
	}
	return directory.Key{Kind: kind, ID: directory.ID(ref.ID)}
}

// members gives the ids of a group's members, in order, each once.
func members(doc map[string]any) []string {
	var ids []string
	for _, m := range asList(doc["members"]) {
		if id := memberID(m); id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// differing gives what is in one list of the two only; both are in order.
func differing(a, b []string) []string {
	var out []string
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, id := range pair[0] {
			if _, both := slices.BinarySearch(pair[1], id); !both {
				out = append(out, id)
			}
		}
	}
	return out
}
