package scim

import (
	"context"
	"net/http"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Lookup asks for just these objects, by id. Gone is only what the service itself
// answers with 404 while its listings work and show somebody; what it does not let us
// see is Unsure.
// Faults: Credential, Limited, Unavailable, Invalid.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if kind != directory.User && (kind != directory.Department || c.options.Departments == NoGroups) {
		if len(ids) == 0 {
			return []connector.Sighting{}, nil
		}
		return nil, fault.New(fault.Invalid, "the service has no objects of kind %q / 服务中没有“%s”这类对象", kind, kind)
	}
	out := make([]connector.Sighting, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	g, err := c.discover(ctx, &tally{})
	if err != nil {
		return nil, err
	}
	l := &looking{c: c, g: g, kind: kind, endpoint: g.users, groups: belonging{c: c, g: g}}
	if kind == directory.Department {
		l.endpoint = g.groups
	}
	if err := l.list(ctx, ids); err != nil {
		return nil, err
	}
	for i, id := range ids {
		if out[i], err = l.one(ctx, string(id)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// looking is one Lookup on its way.
type looking struct {
	c        *Connector
	g        gift
	kind     directory.Kind
	endpoint string
	groups   belonging
	listed   map[string]resource // what a listing has shown
	alive    bool                // the endpoint has answered with a listing
	nobody   bool                // which shows no user at all
}

// list reads a whole listing of users where that takes fewer calls than to ask for
// each.
func (l *looking) list(ctx context.Context, ids []directory.ID) error {
	n := int(l.c.population.Load())
	if l.kind != directory.User || n == 0 || len(ids) <= pages(n, l.c.options.PageSize) {
		return nil
	}
	want := map[string]bool{}
	for _, id := range ids {
		want[string(id)] = true
	}
	l.listed = map[string]resource{}
	rows := 0
	_, err := l.c.all(ctx, l.endpoint, listing{}, &tally{}, func(r resource) {
		rows++
		if want[r.id()] {
			l.listed[r.id()] = r
		}
	})
	l.alive, l.nobody = err == nil, rows == 0
	return err
}

func (l *looking) one(ctx context.Context, id string) (connector.Sighting, error) {
	r, ok := l.listed[id]
	if !ok {
		var err error
		r, _, err = l.c.get(ctx, l.endpoint, id, l.kind == directory.Department)
		switch {
		case missing(err):
			return l.gone(ctx)
		case statusOf(err) == http.StatusUnauthorized, fault.Retryable(err):
			return connector.Sighting{}, err
		case err != nil:
			return connector.Sighting{Why: fault.Say(err)}, nil
		}
	}
	if l.kind == directory.Department {
		return connector.Sighting{Presence: connector.Present, Object: l.c.department(r, l.g)}, nil
	}
	groups, err := l.groups.value(ctx, r)
	if err != nil {
		return connector.Sighting{}, err
	}
	return connector.Sighting{Presence: connector.Present, Object: l.c.user(r, l.g, groups)}, nil
}

// gone judges a 404.
func (l *looking) gone(ctx context.Context) (connector.Sighting, error) {
	if !l.alive {
		some, err := l.c.populated(ctx, l.endpoint)
		if err != nil {
			return connector.Sighting{}, err
		}
		l.alive, l.nobody = true, !some && l.kind == directory.User
	}
	if l.nobody {
		return connector.Sighting{Why: "the service shows no user at all: the token may not see them / 服务不显示任何用户：令牌可能无权查看"}, nil
	}
	return connector.Sighting{Presence: connector.Gone}, nil
}
