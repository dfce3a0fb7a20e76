package scimserver

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// Describe tells what is pushed.
func (s *Server) Describe() connector.Info {
	info := s.info
	info.Attributes = slices.Clone(info.Attributes)
	return info
}

// Probe sees that the record can be read. Faults: Unavailable.
func (s *Server) Probe(ctx context.Context) error {
	_, err := s.state(ctx)
	return err
}

func (s *Server) state(ctx context.Context) (shelf.State, error) {
	if err := ctx.Err(); err != nil {
		return shelf.State{}, fault.Wrap(fault.Unavailable, err, "the read was given up / 读取已中止")
	}
	state, err := s.o.Shelf.ShelfState(ctx, s.o.System)
	return state, s.read503(err)
}

// read503 gives an error of the shelf as the contract of a source wants it.
func (s *Server) read503(err error) error {
	if err == nil || fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "what was pushed to %[1]s cannot be read now / 暂时读不到推送给 %[1]s 的数据", s.o.System)
}

// Read gives everything that was pushed and not deleted. It proves absences once
// the first push is over, as Options.Contents says.
func (s *Server) Read(ctx context.Context) (*directory.Snapshot, error) {
	began := s.o.Now()
	state, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	b := directory.NewBuilder(s.o.System, began)
	s.judge(b, state)
	w := &world{groupsOf: map[string][]group{}, names: map[string]string{}, external: map[string]string{}}
	if err := s.readIDs(ctx, w); err != nil {
		return nil, err
	}
	if err := s.readGroups(ctx, b, w); err != nil {
		return nil, err
	}
	if w.hidden, err = s.hidden(ctx, state); err != nil {
		return nil, err
	}
	if err := s.readUsers(ctx, b, w); err != nil {
		return nil, err
	}
	b.Health().Took = s.o.Now().Sub(began)
	snap, _ := b.Finish()
	return snap, nil
}

// settled tells whether groups and memberships can be believed to be all there.
func (s *Server) settled(state shelf.State) bool {
	return !state.First.IsZero() && (s.o.Contents == Full || state.SettledBy(s.o.Now()))
}

// hidden says why nobody can tell who is in which group; "" when it can be told.
func (s *Server) hidden(ctx context.Context, state shelf.State) (string, error) {
	if !s.settled(state) {
		return firstPush, nil
	}
	groups, err := s.o.Shelf.ShelfCount(ctx, shelf.Query{System: s.o.System, Kind: shelf.Group, Ever: true})
	if err == nil && groups == 0 {
		return noGroups, nil
	}
	return "", s.read503(err)
}

// judge says why an absence proves nothing, if so.
func (s *Server) judge(b *directory.Builder, state shelf.State) {
	switch {
	case state.First.IsZero():
		b.Incomplete("nothing has been pushed to %[1]s yet / 还没有数据推送到 %[1]s", s.o.System)
	case s.o.Contents == Partial:
		b.Incomplete("%[1]s is configured as partial: who is not there has not left / %[1]s 配置为 partial，不在其中不代表离职", s.o.System)
	case !s.settled(state):
		b.Incomplete("the first push to %[1]s is not over: an hour without a write ends it, or contents: full / 向 %[1]s 的首次推送尚未结束：一小时没有新写入即为结束，或配置 contents: full", s.o.System)
	}
}

// readGroups reads groups, and who is in them.
func (s *Server) readGroups(ctx context.Context, b *directory.Builder, w *world) error {
	var all []group
	err := s.pages(ctx, b, shelf.Group, func(it shelf.Item, doc map[string]any) {
		g := newGroup(it, doc)
		all = append(all, g)
		w.addGroup(&g, members(doc))
	})
	for _, g := range all {
		b.Add(w.department(g))
	}
	b.Health().Departments = len(all)
	connector.CounterOf(ctx).Departments(len(all))
	return err
}

// readIDs learns what ids users go by: a manager may come later than who names
// it, and a million of users are never held at once.
func (s *Server) readIDs(ctx context.Context, w *world) error {
	return s.read503(s.each(ctx, shelf.Query{System: s.o.System, Kind: shelf.User}, func(it shelf.Item) error {
		w.addUser(it)
		return nil
	}))
}

// readUsers reads users.
func (s *Server) readUsers(ctx context.Context, b *directory.Builder, w *world) error {
	return s.pages(ctx, b, shelf.User, func(it shelf.Item, doc map[string]any) {
		o, problems := s.user(it, doc, w)
		b.Add(o)
		for _, say := range problems {
			s.note(b, it, say)
		}
		connector.CounterOf(ctx).Users(1)
	})
}

// note keeps what is wrong with one user, a bounded number of them.
func (s *Server) note(b *directory.Builder, it shelf.Item, say string) {
	const most = 200
	h := b.Health()
	if len(h.Problems) < most {
		h.Problems = append(h.Problems, directory.Problem{Place: "user " + it.ID, Say: say})
	}
}

// pages calls fn for each item of a kind and counts pages.
func (s *Server) pages(ctx context.Context, b *directory.Builder, kind shelf.Kind, fn func(shelf.Item, map[string]any)) error {
	n := 0
	err := s.each(ctx, shelf.Query{System: s.o.System, Kind: kind}, func(it shelf.Item) error {
		n++
		doc, err := decodeJSON(it.Document)
		if err == nil {
			fn(it, doc)
		}
		return err
	})
	b.Health().Pages += n/scanPage + 1
	return s.read503(err)
}

// Lookup tells what became of single objects. A tombstone is gone for certain;
// what was never pushed is unsure: it may be that this record is a younger one.
func (s *Server) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	state, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	hidden, err := s.hidden(ctx, state)
	if err != nil {
		return nil, err
	}
	sightings := make([]connector.Sighting, 0, len(ids))
	for _, id := range ids {
		one, err := s.sight(ctx, directory.Key{Kind: kind, ID: id}, hidden)
		if err != nil {
			return nil, s.read503(err)
		}
		sightings = append(sightings, one)
	}
	return sightings, nil
}

// sight looks at one object.
func (s *Server) sight(ctx context.Context, key directory.Key, hidden string) (connector.Sighting, error) {
	ref := shelf.Ref{System: s.o.System, Kind: shelf.User, ID: string(key.ID)}
	if key.Kind == directory.Department {
		ref.Kind = shelf.Group
	}
	it, err := s.o.Shelf.ShelfItem(ctx, ref)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return connector.Sighting{Presence: connector.Unsure, Why: "was never pushed to this record: not known to be gone / 从未推送到此数据库，不能断定已离开"}, nil
	case err != nil:
		return connector.Sighting{}, err
	case !it.Gone.IsZero():
		return connector.Sighting{Presence: connector.Gone}, nil
	}
	doc, err := decodeJSON(it.Document)
	if err != nil {
		return connector.Sighting{}, err
	}
	w, err := s.around(ctx, it, doc)
	if err != nil {
		return connector.Sighting{}, err
	}
	w.hidden = hidden
	if ref.Kind == shelf.Group {
		return connector.Sighting{Presence: connector.Present, Object: w.department(newGroup(it, doc))}, nil
	}
	o, _ := s.user(it, doc, w)
	return connector.Sighting{Presence: connector.Present, Object: o}, nil
}
