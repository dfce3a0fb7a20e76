package feishu

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// batchFrom is the number of ids from which a batch call comes first.
const batchFrom = 3

// Lookup asks for objects in batches of 50, and by itself for each that a batch
// leaves out: a batch is silent about both the missing and the invisible.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	l := &looking{c: c, kind: kind, decoder: decoder{c: c, grant: &grants{c: c}}, found: map[directory.ID]connector.Sighting{}}
	if err := l.prepare(ctx, ids); err != nil {
		return nil, err
	}
	if len(ids) >= batchFrom {
		for batch := range slices.Chunk(ids, pageSize) {
			if err := l.batch(ctx, batch); err != nil {
				return nil, err
			}
		}
	}
	out := make([]connector.Sighting, 0, len(ids))
	for _, id := range ids {
		s, ok := l.found[id]
		if !ok {
			var err error
			if s, err = l.one(ctx, id); err != nil {
				return nil, err
			}
			l.found[id] = s
		}
		out = append(out, s)
	}
	return out, nil
}

// looking is one Lookup under way.
type looking struct {
	tally
	decoder

	c     *Connector
	kind  directory.Kind
	found map[directory.ID]connector.Sighting
}

// prepare asks for what stands beside the people themselves, if the
// configuration asks for it.
func (l *looking) prepare(ctx context.Context, ids []directory.ID) (err error) {
	ours := func(id directory.ID) bool { return l.c.plausible(l.kind, id) == nil }
	if l.kind != directory.User || !slices.ContainsFunc(ids, ours) {
		return nil
	}
	if l.defs, err = l.c.definitions(ctx, &l.tally, definitionsLife); err != nil || !l.c.o.Leads {
		return err
	}
	l.lead, err = l.leaders(ctx, &l.tally)
	return err
}

// batch keeps what one batch call tells. A batch that is refused tells nothing.
func (l *looking) batch(ctx context.Context, ids []directory.ID) error {
	kind, parameter := "users", "user_ids"
	if l.kind == directory.Department {
		kind, parameter = "departments", "department_ids"
	}
	var asked []string
	for _, id := range ids {
		if l.c.plausible(l.kind, id) == nil {
			asked = append(asked, string(id))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	rows, err := l.c.batch(ctx, &l.tally, kind, parameter, asked)
	if err != nil {
		if stops(err) {
			return err
		}
		return nil
	}
	for _, raw := range rows {
		if s, err := l.sighting(ctx, raw); err == nil && s.Object.ID != "" && slices.Contains(ids, s.Object.ID) {
			l.found[s.Object.ID] = s
		}
	}
	return nil
}

// one asks for one object. The error is one after which nothing can be told of
// any object.
func (l *looking) one(ctx context.Context, id directory.ID) (connector.Sighting, error) {
	if err := l.c.plausible(l.kind, id); err != nil {
		return unsure(err), nil
	}
	r := &request{path: contacts + "/users/:id", params: larkcore.PathParams{"id": string(id)}, query: l.c.query()}
	wrapper := "user"
	if l.kind == directory.Department {
		r.path, wrapper = contacts+"/departments/:id", "department"
	}
	data, err := l.c.get(ctx, &l.tally, r)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return connector.Sighting{Presence: connector.Gone}, nil
	case err != nil && stops(err):
		return connector.Sighting{}, err
	case err != nil:
		return unsure(err), nil
	}
	var reply map[string]json.RawMessage
	if json.Unmarshal(data, &reply) != nil || reply[wrapper] == nil {
		return unsure(&lostError{"飞书的回答残缺", "Feishu's answer is malformed"}), nil //nolint:nilerr // the sighting tells it
	}
	s, err := l.sighting(ctx, reply[wrapper])
	if err == nil && s.Presence == connector.Present && s.Object.ID != id {
		err = &lostError{"飞书回答了另一个对象", "Feishu answered with another object"}
	}
	if err != nil {
		return unsure(err), nil
	}
	return s, nil
}

// sighting judges one record: a person who resigned, or left the tenant, is
// gone though Feishu still shows the record.
func (l *looking) sighting(ctx context.Context, raw json.RawMessage) (connector.Sighting, error) {
	if l.kind == directory.Department {
		return l.departmentSighting(ctx, raw)
	}
	o, s, err := l.user(ctx, raw)
	if err != nil {
		return connector.Sighting{}, err
	}
	if s.left() {
		return connector.Sighting{Presence: connector.Gone, Object: directory.Object{Key: o.Key}}, nil
	}
	return connector.Sighting{Presence: connector.Present, Object: o}, nil
}

func (l *looking) departmentSighting(ctx context.Context, raw json.RawMessage) (connector.Sighting, error) {
	o, rec, err := l.department(ctx, raw)
	if err != nil {
		return connector.Sighting{}, err
	}
	var state struct {
		Deleted bool `json:"is_deleted"`
	}
	if rec["status"] != nil && json.Unmarshal(rec["status"], &state) == nil && state.Deleted {
		return connector.Sighting{Presence: connector.Gone, Object: directory.Object{Key: o.Key}}, nil
	}
	return connector.Sighting{Presence: connector.Present, Object: o}, nil
}

func unsure(err error) connector.Sighting {
	return connector.Sighting{Presence: connector.Unsure, Why: say(err)}
}

// plausible refuses ids that cannot be ours. Asking for a person by the wrong
// kind of id is answered 'does not exist', which must never pass for 'has left':
// that is what a changed user_id_type would make of everybody.
func (c *Connector) plausible(kind directory.Kind, id directory.ID) error {
	s := string(id)
	switch {
	case s == "" || s == "." || s == ".." || len(s) > 128:
		return fault.New(fault.Invalid, "编号不合规 / the id is not valid")
	case kind == directory.Department && s == rootID:
		return fault.New(fault.Invalid, "根部门不是对象 / the root department is no object")
	case kind == directory.User && strings.HasPrefix(s, "ou_") != (c.o.UserIDType == OpenID):
		return fault.New(fault.Invalid, "编号不是 %s，user_id_type 可能改过 / the id is no %s: user_id_type may have been changed", c.o.UserIDType, c.o.UserIDType)
	default:
		return nil
	}
}
