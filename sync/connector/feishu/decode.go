package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// rootID is the root department under either spelling of ids. It is no object.
const rootID = "0"

// record is one object as it came: its fields by name. JSON null is no field.
type record map[string]json.RawMessage

func parseRecord(raw json.RawMessage) (record, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil || r == nil {
		return nil, errors.New("not an object")
	}
	for name, v := range r {
		if string(bytes.TrimSpace(v)) == "null" {
			delete(r, name)
		}
	}
	return r, nil
}

// text gives a text field, "" when it is absent or something else.
func (r record) text(name string) string {
	var s string
	if json.Unmarshal(r[name], &s) != nil {
		return ""
	}
	return s
}

// number gives a number, and whether there is one.
func (r record) number(name string) (int, bool) {
	var n *int
	if json.Unmarshal(r[name], &n) != nil || n == nil {
		return 0, false
	}
	return *n, true
}

// status is what Feishu says of an account's state.
type status struct {
	Frozen   bool `json:"is_frozen"`
	Resigned bool `json:"is_resigned"`
	Exited   bool `json:"is_exited"`
}

// left tells whether the person is not in the tenant any more.
func (s *status) left() bool { return s.Resigned || s.Exited }

// decoder turns records into objects for one operation.
type decoder struct {
	c     *Connector
	grant *grants
	defs  definitions
	lead  *leadership // nil when it is not known, or not asked for
}

// user decodes a person. A person without id or state is a Credential fault:
// without these nothing can be told of anybody. Other errors are broken rows.
func (d *decoder) user(ctx context.Context, raw json.RawMessage) (directory.Object, *status, error) {
	r, err := parseRecord(raw)
	if err != nil {
		return directory.Object{}, nil, err
	}
	id := r.text(d.c.o.UserIDType)
	if id == "" && d.c.o.UserIDType == UserID {
		return directory.Object{}, nil, fault.New(fault.Credential,
			"飞书没有给出 user_id：请为应用开通 %s 并发布新版本，或把 user_id_type 配成 open_id"+
				" / Feishu does not show user_id: grant %s to the app and publish a version, or set user_id_type: open_id", permUserID, permUserID)
	}
	if id == "" {
		return directory.Object{}, nil, errors.New("no open_id")
	}
	var s status
	if r["status"] == nil {
		return directory.Object{}, nil, fault.New(fault.Credential,
			"飞书没有给出账号状态：请为应用开通 %s 并发布新版本 / Feishu does not show the state of accounts: grant %s to the app and publish a version",
			permEmployee, permEmployee)
	}
	if err := json.Unmarshal(r["status"], &s); err != nil {
		return directory.Object{}, nil, fmt.Errorf("user %s: status is malformed", id)
	}
	o := directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Active: !s.Frozen}
	if o.Attributes, err = d.attributes(ctx, r, d.c.fields.users); err != nil {
		return o, nil, fmt.Errorf("user %s: %w", id, err)
	}
	if d.c.o.Leads {
		o.Attributes[directory.AttrLeads] = d.lead.led(o.ID)
	}
	return o, &s, nil
}

// department decodes a department.
func (d *decoder) department(ctx context.Context, raw json.RawMessage) (directory.Object, record, error) {
	r, err := parseRecord(raw)
	if err != nil {
		return directory.Object{}, nil, err
	}
	id := r.text("open_department_id")
	if id == "" || id == rootID {
		return directory.Object{}, nil, errors.New("department without open_department_id")
	}
	o := directory.Object{Key: directory.Key{Kind: directory.Department, ID: directory.ID(id)}, Active: true}
	if o.Attributes, err = d.attributes(ctx, r, d.c.fields.departments); err != nil {
		return o, nil, fmt.Errorf("department %s: %w", id, err)
	}
	return o, r, nil
}

func (d *decoder) attributes(ctx context.Context, r record, fields []field) (directory.Attributes, error) {
	out := make(directory.Attributes, len(fields))
	for i := range fields {
		f := &fields[i]
		switch f.form {
		case custom, customUser:
			out[f.name] = d.custom(ctx, r, f)
			continue
		case ledDepartments:
			continue
		default:
		}
		raw, present := r.raw(f)
		switch {
		case present:
			v, err := f.decode(r, raw, d.c.o.Zone)
			if err != nil {
				return nil, fmt.Errorf("field %s is malformed", f.wire)
			}
			out[f.name] = v
		case f.form == leaderList && r.text("leader_user_id") != "":
			out[f.name] = directory.Hidden(f.permission) // there is one, and maybe deputies
		case f.omitted && d.grant.has(ctx, f.permission):
			out[f.name] = directory.Empty(f.valueType())
		default:
			out[f.name] = directory.Hidden(f.permission)
		}
	}
	return out, nil
}

// raw gives the JSON of a field, and whether it came.
func (r record) raw(f *field) (json.RawMessage, bool) {
	switch f.form {
	case statusFlag:
		var s record
		if json.Unmarshal(r["status"], &s) != nil {
			return nil, false
		}
		v, ok := s[f.wire]
		return v, ok
	case memberOrder:
		_, ok := r.memberOrder()
		return r[f.wire], ok
	default:
		v, ok := r[f.wire]
		return v, ok
	}
}

func (f *field) decode(r record, raw json.RawMessage, zone *time.Location) (directory.Value, error) {
	switch f.form {
	case number:
		var n int64
		err := json.Unmarshal(raw, &n)
		return directory.IntOf(n), err
	case flag, statusFlag:
		var b bool
		err := json.Unmarshal(raw, &b)
		return directory.BoolOf(b), err
	case unixDay:
		return decodeDay(raw, zone)
	case departments:
		return decodeDepartments(r)
	case memberOrder:
		v, _ := r.memberOrder()
		return v, nil
	case leaderList:
		return decodeLeaders(raw)
	case userRefs:
		return decodeUsers(raw)
	default: // a text or an id
	}
	return f.decodeText(raw)
}

func (f *field) decodeText(raw json.RawMessage) (directory.Value, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return directory.Value{}, err
	}
	switch {
	case f.form == userRef && s != "":
		return directory.RefsToKind(directory.User, directory.ID(s)), nil
	case f.form == parentRef && s != "" && s != rootID:
		return directory.RefsToKind(directory.Department, directory.ID(s)), nil
	case f.form == userRef, f.form == parentRef:
		return directory.RefsTo(), nil
	default:
		return directory.TextOf(s), nil
	}
}

// decodeDay reads Unix seconds as a day of the zone; the time of day is noise
// that differs between consoles and imports.
func decodeDay(raw json.RawMessage, zone *time.Location) (directory.Value, error) {
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil {
		return directory.Value{}, err
	}
	if n == 0 {
		return directory.Empty(directory.Date), nil
	}
	y, m, d := time.Unix(n, 0).In(zone).Date()
	if y < 1 || y > 9999 {
		return directory.Value{}, errors.New("out of range")
	}
	return directory.DateOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)), nil
}

// decodeDepartments gives the departments, the main one first. The root is left
// out.
func decodeDepartments(r record) (directory.Value, error) {
	ids, ok := r.departmentIDs()
	if !ok {
		return directory.Value{}, errors.New("not a list of ids")
	}
	refs := make([]directory.ID, 0, len(ids))
	for _, id := range ids {
		if id != rootID {
			refs = append(refs, directory.ID(id))
		}
	}
	return directory.RefsToKind(directory.Department, refs...), nil
}

// decodeUsers gives a list of people, in the order in which it came.
func decodeUsers(raw json.RawMessage) (directory.Value, error) {
	var ids []directory.ID
	if err := json.Unmarshal(raw, &ids); err != nil {
		return directory.Value{}, err
	}
	ids = slices.DeleteFunc(ids, func(id directory.ID) bool { return id == "" })
	return directory.RefsToKind(directory.User, ids...), nil
}
