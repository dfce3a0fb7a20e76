package dingtalk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// departmentObject makes the object of a department.
func departmentObject(row departmentRow) directory.Object {
	id := departmentID(int64(row.ID))
	hidden := directory.Hidden(hiddenListing)
	a := directory.Attributes{
		attrDeptID:           directory.TextOf(string(id)),
		directory.AttrName:   text(row.Name, directory.Hidden(hiddenListing)),
		directory.AttrParent: refs(int64(row.Parent)),
		attrOrder:            hidden, attrIdentifier: hidden, attrCode: hidden,
	}
	if d := row.details; d != nil {
		a[attrOrder] = directory.Empty(directory.Int)
		if d.Order != nil {
			a[attrOrder] = directory.IntOf(int64(*d.Order))
		}
		a[attrIdentifier] = directory.TextOf(string(d.Identifier))
		a[attrCode] = directory.TextOf(string(d.Code))
	}
	return directory.Object{Key: directory.Key{Kind: directory.Department, ID: id}, Active: true, Attributes: a}
}

// refs refers to departments; the root is none.
func refs(list ...int64) directory.Value {
	var ids []directory.ID
	for _, id := range list {
		if id > rootID {
			ids = append(ids, departmentID(id))
		}
	}
	return directory.RefsToKind(directory.Department, ids...)
}

// text gives a text, or otherwise for one that did not come.
func text(s *loose, otherwise directory.Value) directory.Value {
	if s == nil {
		return otherwise
	}
	return directory.TextOf(string(*s))
}

// userObject makes the object of a person. Read and Lookup both come here, so
// that they tell the same.
func (c *Connector) userObject(p *person, s sight) directory.Object {
	empty := directory.TextOf("")
	personal := directory.Hidden(permissionPersonal)
	if s.personal {
		personal = empty
	}
	listing := directory.Hidden(hiddenListing)
	a := directory.Attributes{
		attrUserID:               directory.TextOf(string(p.UserID)),
		attrUnionID:              text(p.UnionID, listing),
		directory.AttrName:       text(p.Name, listing),
		directory.AttrMobile:     p.mobile(s),
		directory.AttrEmail:      text(p.Email, personal),
		attrOrgEmail:             text(p.OrgEmail, personal),
		attrWorkPlace:            text(p.WorkPlace, personal),
		attrRemark:               text(p.Remark, personal),
		attrTelephone:            text(p.Telephone, empty),
		directory.AttrTitle:      text(p.Title, empty),
		directory.AttrEmployeeNo: text(p.JobNumber, empty),
		attrHiredDate:            p.hired(c.options.Zone),
		attrExclusive:            directory.BoolOf(p.exclusive()),
		directory.AttrManager:    listing,
	}
	switch {
	case p.unread:
		a[directory.AttrManager] = directory.Hidden(hiddenUnread)
	case s.manager:
		a[directory.AttrManager] = directory.RefsToKind(directory.User)
		if p.Manager != nil && *p.Manager != "" {
			a[directory.AttrManager] = directory.RefsToKind(directory.User, directory.ID(*p.Manager))
		}
	}
	p.places(a)
	for _, name := range c.options.CustomAttributes {
		a[extPrefix+name] = p.custom(name, personal)
	}
	active := true
	switch {
	case p.exclusive():
		// Whether it is disabled is told one by one only, by a call for each.
		a[directory.AttrActive] = directory.Hidden(hiddenStatus)
	case c.quarantine != 0:
		active = !slices.Contains(p.Depts, number(c.quarantine))
	}
	return directory.Object{
		Key: directory.Key{Kind: directory.User, ID: directory.ID(p.UserID)}, Active: active, Attributes: a,
	}
}

// places gives the departments, in the vendor's order, which departments the
// person leads, and the person's place in each. Where a department's listing was
// not read, or the answer about the person does not tell, the latter are unknown.
func (p *person) places(a directory.Attributes) {
	var depts, leads []int64
	var orders []string
	unread := false
	for _, d := range p.Depts {
		depts = append(depts, int64(d))
		if slices.Contains(p.leads, int64(d)) {
			leads = append(leads, int64(d))
		}
		i := slices.IndexFunc(p.orders, func(o deptOrder) bool { return o.Dept == d })
		if i < 0 {
			unread = true
			continue
		}
		orders = append(orders, strconv.FormatInt(int64(d), 10)+orderSign+strconv.FormatInt(int64(p.orders[i].Order), 10))
	}
	a[directory.AttrDepartments] = refs(depts...)
	a[directory.AttrLeads] = refs(leads...)
	a[attrDeptOrder] = directory.ListOf(orders...)
	if unread {
		a[attrDeptOrder] = directory.Hidden(hiddenUnread)
	}
	if p.leadsUnread || unread && !p.asked {
		a[directory.AttrLeads] = directory.Hidden(hiddenUnread)
	}
}

// orderSign stands between a department and the person's place in it.
const orderSign = ":"

func (m *member) exclusive() bool { return m.Exclusive != nil && bool(*m.Exclusive) }

// mobile gives the number: of the mainland plain, of elsewhere as +852-12345678,
// which is how DingTalk takes them. Every ordinary account has one, so that one
// that is left out is hidden.
func (m *member) mobile(s sight) directory.Value {
	if m.Mobile == nil {
		if s.mobile && m.exclusive() {
			return directory.TextOf("")
		}
		return directory.Hidden(permissionMobile)
	}
	text := string(*m.Mobile)
	if m.StateCode == nil || text == "" || strings.HasPrefix(text, "+") {
		return directory.TextOf(text)
	}
	if state := strings.TrimLeft(string(*m.StateCode), "+"); state != "" && state != mainland {
		text = "+" + state + "-" + text
	}
	return directory.TextOf(text)
}

// mainland is the country code of numbers that are written without one.
const mainland = "86"

// hired gives the day on which the person was hired. DingTalk keeps an instant
// and shows the day.
func (m *member) hired(zone *time.Location) directory.Value {
	if m.HiredDate == nil || *m.HiredDate == 0 {
		return directory.Empty(directory.Date)
	}
	y, month, d := time.UnixMilli(int64(*m.HiredDate)).In(zone).Date()
	return directory.DateOf(time.Date(y, month, d, 0, 0, 0, 0, time.UTC))
}

// custom gives one custom field. Of fields that came, one that is not among them
// is empty.
func (m *member) custom(name string, otherwise directory.Value) directory.Value {
	switch {
	case m.Extension == nil:
		return otherwise
	case m.Extension.fields == nil:
		return directory.Hidden(permissionPersonal)
	default:
		return directory.TextOf(m.Extension.fields[name])
	}
}
