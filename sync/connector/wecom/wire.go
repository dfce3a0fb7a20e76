package wecom

import (
	"encoding/json"
	"strings"
)

// rootID is the department that every corp has. It is no object of ours.
const rootID = 1

// departmentIDs is the answer of department/simplelist. The root is always in
// it, so that an empty list is a broken answer.
type departmentIDs struct {
	reply
	Rows []departmentRow `json:"department_id"`
}

func (d *departmentIDs) whole() bool { return len(d.Rows) > 0 }

// departmentList is the answer of department/list. An app may see none.
type departmentList struct {
	reply
	Rows *[]departmentRow `json:"department"`
}

func (d *departmentList) whole() bool { return d.Rows != nil }

// departmentGet is the answer of department/get.
type departmentGet struct {
	reply
	Row *departmentRow `json:"department"`
}

func (d *departmentGet) whole() bool { return d.Row != nil }

// departmentRow is a department; simplelist leaves the names out.
type departmentRow struct {
	ID     int64   `json:"id"`
	Name   *string `json:"name"`
	NameEN *string `json:"name_en"`
	Parent int64   `json:"parentid"`
	Order  int64   `json:"order"`
}

// userIDs is one page of user/list_id: a row for each member and department.
// The last page has an empty next_cursor, as the vendor writes, or none at all,
// as live corps answer.
type userIDs struct {
	reply
	Next string     `json:"next_cursor"`
	Rows *[]userRow `json:"dept_user"`
}

func (u *userIDs) whole() bool { return u.Rows != nil }

type userRow struct {
	UserID     string `json:"userid"`
	Department int64  `json:"department"`
}

// userList is the answer of user/list. Its rows are decoded one by one, so that
// a single odd one does not hide the others.
type userList struct {
	reply
	Rows *[]json.RawMessage `json:"userlist"`
}

func (u *userList) whole() bool { return u.Rows != nil }

// userGet is the answer of user/get.
type userGet struct {
	reply
	member
}

func (u *userGet) whole() bool { return u.UserID != "" }

// member is a member's details. What the vendor leaves out is nil: it is hidden
// from us, and not empty.
type member struct {
	UserID     string    `json:"userid"`
	Name       *string   `json:"name"`
	Alias      *string   `json:"alias"`
	Mobile     *string   `json:"mobile"`
	Email      *string   `json:"email"`
	BizMail    *string   `json:"biz_mail"`
	Position   *string   `json:"position"`
	Gender     *loose    `json:"gender"`
	Telephone  *string   `json:"telephone"`
	Address    *string   `json:"address"`
	Department []int64   `json:"department"`
	Main       int64     `json:"main_department"`
	Order      []int64   `json:"order"`             // parallel to Department
	Leads      []int     `json:"is_leader_in_dept"` // the same, 1 or 0
	Leaders    *[]string `json:"direct_leader"`
	Status     int       `json:"status"`
	Enable     *int      `json:"enable"`
	Extra      *extAttr  `json:"extattr"`
}

// The states of a member.
const (
	statusActive   = 1 // has signed in
	statusDisabled = 2
	statusLeft     = 5
)

// extAttr are a member's custom attributes.
type extAttr struct {
	Attrs []extItem `json:"attrs"`
}

// extItem is one custom attribute: of type 0, text, or 1, a web address.
type extItem struct {
	Type int      `json:"type"`
	Name string   `json:"name"`
	Text *extText `json:"text,omitempty"`
	Web  *extWeb  `json:"web,omitempty"`
}

// extWeb is a web address with its title; both empty clears it.
type extWeb struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// extKind reads a configured custom attribute.
func extKind(configured string) (web bool, name string) {
	name, web = strings.CutPrefix(configured, webPrefix)
	return web, name
}

type extText struct {
	Value string `json:"value"`
}

// created is the answer of department/create.
type created struct {
	reply
	ID int64 `json:"id"`
}

func (c *created) whole() bool { return c.Code != nil && c.ID > rootID }

// loose is a text that may come as a number.
type loose string

// UnmarshalJSON takes a string or a number.
func (l *loose) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		err := json.Unmarshal(raw, &s)
		*l = loose(s)
		return err
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	*l = loose(n)
	return err
}

var _ json.Unmarshaler = (*loose)(nil)

// fold gives the form under which the vendor compares userids.
func fold(id string) string { return strings.ToLower(id) }
