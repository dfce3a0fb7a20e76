package wecom

import (
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// roster is one member as user/list_id knows them.
type roster struct {
	id          string  // as stored
	departments []int64 // in the order of the listing, which says nothing of the main one
}

// numbers gives department ids as directory ids, without the root.
func numbers(list []int64) []directory.ID {
	var ids []directory.ID
	for _, id := range list {
		if id != rootID {
			ids = append(ids, directory.ID(strconv.FormatInt(id, 10)))
		}
	}
	return ids
}

// departmentObject makes the object of a department. names is nil where its
// names are hidden.
func (c *Connector) departmentObject(row departmentRow, names *departmentRow) directory.Object {
	id := directory.ID(strconv.FormatInt(row.ID, 10))
	hidden := c.hiddenBy()
	a := directory.Attributes{
		attrID:     directory.TextOf(string(id)),
		attrName:   hidden,
		attrNameEN: hidden,
		attrParent: directory.RefsToKind(directory.Department, numbers([]int64{row.Parent})...),
		attrOrder:  directory.IntOf(row.Order),
	}
	if names != nil {
		a[attrName] = text(names.Name, hidden)
		a[attrNameEN] = directory.TextOf("")
		if names.NameEN != nil {
			a[attrNameEN] = directory.TextOf(*names.NameEN)
		}
	}
	return directory.Object{Key: directory.Key{Kind: directory.Department, ID: id}, Active: true, Attributes: a}
}

// text gives a text, or the hidden value for one that did not come.
func text(s *string, hidden directory.Value) directory.Value {
	if s == nil {
		return hidden
	}
	return directory.TextOf(*s)
}

// hiddenUser makes the object of a member of whom only the listing of ids is
// known. Of several departments it does not tell which is the main one, and
// whether the account is disabled it does not tell either: Active then only
// means that it exists.
func (c *Connector) hiddenUser(r roster, hidden directory.Value) directory.Object {
	a := directory.Attributes{}
	for _, d := range c.info.Attributes {
		if d.Kind == directory.User {
			a[d.Name] = hidden
		}
	}
	a[attrUserID] = directory.TextOf(r.id)
	if len(r.departments) == 1 {
		refs := directory.RefsToKind(directory.Department, numbers(r.departments)...)
		a[attrDepartment], a[directory.AttrDepartments] = refs, refs
	}
	return directory.Object{
		Key: directory.Key{Kind: directory.User, ID: directory.ID(r.id)}, Active: true, Attributes: a,
	}
}

// userObject makes the object of a member whose details came through the given
// credential.
func (c *Connector) userObject(m *member, k *credential) directory.Object {
	hidden := c.hiddenBy()
	private := func(s *string) directory.Value {
		// An app gets these only with the member's consent; an empty text from it
		// is no evidence of an empty field.
		if s == nil || *s == "" && k == c.app {
			return directory.Hidden(permissionMember)
		}
		return directory.TextOf(*s)
	}
	departments := directory.RefsToKind(directory.Department, numbers(m.mainFirst())...)
	position := text(m.Position, hidden)
	a := directory.Attributes{
		attrUserID:    directory.TextOf(m.UserID),
		attrName:      text(m.Name, hidden),
		attrAlias:     text(m.Alias, hidden),
		attrMobile:    private(m.Mobile),
		attrEmail:     private(m.Email),
		attrBizMail:   private(m.BizMail),
		attrPosition:  position,
		attrGender:    private(m.gender()),
		attrTelephone: text(m.Telephone, hidden),
		attrAddress:   private(m.Address),

		attrDepartment:            departments,
		directory.AttrDepartments: departments,
		directory.AttrTitle:       position,
		attrLeads:                 hidden,
		attrDeptOrder:             hidden,
		attrDirectLeader:          hidden,
		directory.AttrManager:     hidden,
	}
	if m.Leaders != nil {
		leaders := users(*m.Leaders)
		a[attrDirectLeader] = directory.RefsToKind(directory.User, leaders...)
		a[directory.AttrManager] = directory.RefsToKind(directory.User, leaders[:min(1, len(leaders))]...)
	}
	if order, leads, told := m.places(); told {
		a[attrLeads] = directory.RefsToKind(directory.Department, numbers(leads)...)
		a[attrDeptOrder] = directory.ListOf(order...)
	}
	for _, e := range c.options.ExtAttrs {
		_, name := extKind(e)
		a[extPrefix+name] = m.extra(name, hidden)
	}
	return directory.Object{
		Key: directory.Key{Kind: directory.User, ID: directory.ID(m.UserID)}, Active: m.active(), Attributes: a,
	}
}

func users(list []string) []directory.ID {
	ids := make([]directory.ID, len(list))
	for i, id := range list {
		ids[i] = directory.ID(id)
	}
	return ids
}

func (m *member) active() bool {
	return m.Status != statusDisabled && (m.Enable == nil || *m.Enable != 0)
}

// mainFirst gives the departments with the main one in front.
func (m *member) mainFirst() []int64 {
	list := slices.Clone(m.Department)
	if i := slices.Index(list, m.Main); i > 0 {
		list = slices.Insert(slices.Delete(list, i, i+1), 0, m.Main)
	}
	return list
}

// places gives the member's order in each department, in the order of mainFirst
// and without the root, and the departments that the member leads. It is false when
// the vendor did not tell.
func (m *member) places() (order []string, leads []int64, told bool) {
	if len(m.Order) != len(m.Department) || len(m.Leads) != len(m.Department) {
		return nil, nil, false
	}
	for _, id := range m.mainFirst() {
		i := slices.Index(m.Department, id)
		if id == rootID {
			continue
		}
		order = append(order, strconv.FormatInt(m.Order[i], 10))
		if m.Leads[i] == 1 {
			leads = append(leads, id)
		}
	}
	return order, leads, true
}

// gender gives "1" male, "2" female or "" not said; nil when it did not come.
func (m *member) gender() *string {
	if m.Gender == nil {
		return nil
	}
	s := string(*m.Gender)
	if s == "0" {
		s = ""
	}
	return &s
}

// extra gives one custom attribute. A list without it means that the member has
// none of that name; no list means that it is hidden.
func (m *member) extra(name string, hidden directory.Value) directory.Value {
	if m.Extra == nil {
		return hidden
	}
	for _, item := range m.Extra.Attrs {
		switch {
		case item.Name != name:
		case item.Text != nil:
			return directory.TextOf(item.Text.Value)
		case item.Web != nil:
			return directory.TextOf(item.Web.URL)
		}
	}
	return directory.TextOf("")
}
