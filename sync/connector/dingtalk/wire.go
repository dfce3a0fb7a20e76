package dingtalk

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// rootID is the department that every corp has. It is no object of ours.
const rootID = 1

// The vendor's own samples write numbers, truth values and lists as texts, and a
// list of one as the one: all these forms are taken.

// loose is a text that may come as a number or a truth value.
type loose string

// UnmarshalJSON takes any scalar.
func (l *loose) UnmarshalJSON(raw []byte) error {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		*l = loose(s)
		return err
	case len(raw) > 0 && (raw[0] == '{' || raw[0] == '['):
		return errShape
	case string(raw) == "null":
		return nil
	}
	*l = loose(raw)
	return nil
}

var errShape = errors.New("a value has the wrong shape")

// number is a whole number that may come as a text.
type number int64

// UnmarshalJSON takes a number or a text of one.
func (n *number) UnmarshalJSON(raw []byte) error {
	var l loose
	if err := l.UnmarshalJSON(raw); err != nil || l == "" {
		return err
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(l)), 10, 64)
	if err != nil {
		return errShape
	}
	*n = number(v)
	return nil
}

// flag is a truth value that may come as a text or as 0 and 1.
type flag bool

// UnmarshalJSON takes true, "true", 1, and their opposites.
func (f *flag) UnmarshalJSON(raw []byte) error {
	var l loose
	if err := l.UnmarshalJSON(raw); err != nil || l == "" {
		return err
	}
	v, err := strconv.ParseBool(strings.TrimSpace(string(l)))
	if err != nil {
		return errShape
	}
	*f = flag(v)
	return nil
}

// list is a list that may come as its only member, or as a text of itself.
type list[T any] []T

// UnmarshalJSON takes [a,b], a, and "[a,b]".
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		return nil
	}
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		switch t := strings.TrimSpace(s); {
		case t == "":
			return nil // as null: what is in it is not told
		case strings.HasPrefix(t, "["):
			raw = []byte(t)
		}
	}
	if len(raw) > 0 && raw[0] == '[' {
		out := []T{}
		if err := json.Unmarshal(raw, &out); err != nil {
			return err
		}
		*l = out
		return nil
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

var (
	_ json.Unmarshaler = (*loose)(nil)
	_ json.Unmarshaler = (*number)(nil)
	_ json.Unmarshaler = (*flag)(nil)
	_ json.Unmarshaler = (*list[int])(nil)
	_ json.Unmarshaler = (*extension)(nil)
)

// departmentRow is a department in a listing.
type departmentRow struct {
	ID     number `json:"dept_id"`
	Name   *loose `json:"name"`
	Parent number `json:"parent_id"`

	details *departmentGet // when they were read
}

// departmentRows is the answer of department/listsub.
type departmentRows struct{ Rows list[departmentRow] }

// UnmarshalJSON takes the list itself.
func (d *departmentRows) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &d.Rows) }

func (d *departmentRows) whole() bool { return d.Rows != nil }

// departmentGet is the answer of department/get.
type departmentGet struct {
	departmentRow
	Order      *number      `json:"order"`
	Identifier loose        `json:"source_identifier"`
	Code       loose        `json:"code"`
	Managers   *list[loose] `json:"dept_manager_userid_list"`
}

func (d *departmentGet) whole() bool { return d.ID > 0 }

// memberIDs is the answer of user/listid.
type memberIDs struct {
	IDs list[loose] `json:"userid_list"`
}

func (m *memberIDs) whole() bool { return m.IDs != nil }

// memberPage is one page of user/list. Its rows are decoded one by one, so that
// a single odd one does not hide the others.
type memberPage struct {
	More flag                  `json:"has_more"`
	Next *number               `json:"next_cursor"`
	Rows list[json.RawMessage] `json:"list"`
}

func (m *memberPage) whole() bool { return m.Rows != nil }

// memberCount is the answer of user/count.
type memberCount struct {
	Count *number `json:"count"`
}

func (m *memberCount) whole() bool { return m.Count != nil }

// created is the answer of user/create and department/create.
type created struct {
	UserID loose  `json:"userid"`
	DeptID number `json:"dept_id"`
}

// whole is always so: what is missing is judged by who asked.
func (*created) whole() bool { return true }

// nothing is the answer of calls that tell nothing.
type nothing struct{}

func (*nothing) whole() bool { return true }

// UnmarshalJSON takes anything.
func (*nothing) UnmarshalJSON([]byte) error { return nil }

// member is a person as user/list and user/get show them. What the vendor leaves
// out is nil.
type member struct {
	UserID    loose        `json:"userid"`
	UnionID   *loose       `json:"unionid"`
	Name      *loose       `json:"name"`
	StateCode *loose       `json:"state_code"`
	Mobile    *loose       `json:"mobile"`
	Telephone *loose       `json:"telephone"`
	JobNumber *loose       `json:"job_number"`
	Title     *loose       `json:"title"`
	Email     *loose       `json:"email"`
	OrgEmail  *loose       `json:"org_email"`
	WorkPlace *loose       `json:"work_place"`
	Remark    *loose       `json:"remark"`
	Extension *extension   `json:"extension"`
	HiredDate *number      `json:"hired_date"`
	Exclusive *flag        `json:"exclusive_account"`
	Manager   *loose       `json:"manager_userid"`
	Depts     list[number] `json:"dept_id_list"`

	// In user/list, of the department that was asked for.
	Leader *flag   `json:"leader"`
	Order  *number `json:"dept_order"`
	// In user/get, of all departments.
	LeaderIn list[leaderIn]  `json:"leader_in_dept"`
	Orders   list[deptOrder] `json:"dept_order_list"`
}

func (m *member) whole() bool { return m.UserID != "" && m.Depts != nil }

type leaderIn struct {
	Dept   number `json:"dept_id"`
	Leader flag   `json:"leader"`
}

type deptOrder struct {
	Dept  number `json:"dept_id"`
	Order number `json:"order"`
}

// extension is a person's custom fields: a JSON text, or the object itself.
// Fields is nil when it cannot be read.
type extension struct{ fields map[string]string }

// UnmarshalJSON takes a text of an object, or an object.
func (e *extension) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		raw = []byte(s)
		if strings.TrimSpace(s) == "" {
			e.fields = map[string]string{}
			return nil
		}
	}
	var fields map[string]loose
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil //nolint:nilerr // the person's other fields can be read all the same
	}
	e.fields = make(map[string]string, len(fields))
	for name, v := range fields {
		e.fields[name] = string(v)
	}
	return nil
}
