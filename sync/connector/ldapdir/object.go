package ldapdir

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// uacDisabled is ACCOUNTDISABLE of userAccountControl.
const uacDisabled = 0x2

// person is a user whose references to others are still DNs.
type person struct {
	object directory.Object
	refs   map[string][]string // field name → DNs
	absent []string            // fields (and attrActive) that the entry did not show
	broken []string            // fields whose values cannot be understood
}

// personOf takes an entry apart. ok is false when it has no id or a name outside
// the base. Values in several parts are read to their end.
func (c *Connector) personOf(ctx context.Context, l *line, e *ldap.Entry) (p person, ok bool, err error) {
	d := l.d
	id, idOK := d.idOf(e)
	n, nameErr := parseName(e.DN)
	if !idOK || nameErr != nil || !n.below(c.base) {
		return person{}, false, nil //nolint:nilerr // what is no name of ours is no person of ours
	}
	p = person{
		object: directory.Object{
			Key: directory.Key{Kind: directory.User, ID: id.id()}, Active: true, Attributes: make(directory.Attributes, len(d.fields)+2),
		},
		refs: map[string][]string{},
	}
	attributes := p.object.Attributes
	attributes[attrDN] = directory.TextOf(e.DN)
	for i := range d.fields {
		f := &d.fields[i]
		values, err := c.values(ctx, l, e, f.attribute)
		if err != nil {
			return person{}, true, err
		}
		own, named := n.value(f.attribute)
		if len(values) == 0 && named {
			values = []string{own} // the name shows what access rules hide
		}
		if len(values) == 0 {
			p.absent = append(p.absent, f.name)
		}
		if f.form == formUsers || f.form == formDepartments {
			p.refs[f.name] = values
			continue
		}
		v, err := decode(f, values, own, c.o.Zone)
		if err != nil {
			p.broken = append(p.broken, f.name)
			v = directory.Hidden(permissionBroken)
		}
		attributes[f.name] = v
	}
	c.activity(d, e, &p)
	return p, true, nil
}

// activity tells whether the account may be used.
func (c *Connector) activity(d *dialect, e *ldap.Entry, p *person) {
	switch {
	case d.kind == AD:
		text := e.GetEqualFoldAttributeValue(attrUAC)
		n, err := strconv.ParseInt(text, 10, 64)
		if text == "" || err != nil {
			p.absent = append(p.absent, directory.AttrActive)
			return
		}
		p.object.Active = n&uacDisabled == 0
	case d.offName != "":
		values := e.GetEqualFoldAttributeValues(d.offName)
		if len(values) == 0 {
			p.absent = append(p.absent, directory.AttrActive)
			return
		}
		p.object.Active = !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, d.offValue) })
	}
}

// hide makes unknown what the entry did not show and may yet have. shows tells
// whether an absent attribute of the directory is proven to be empty.
func (p *person) hide(d *dialect, shows func(attribute string) bool) {
	for _, name := range p.absent {
		if name == directory.AttrActive {
			// An account's state is always there in Active Directory.
			if d.kind == AD || !shows(d.offName) {
				p.object.Attributes[name] = directory.Hidden(permissionActive)
			}
			continue
		}
		f, ok := d.field(name)
		if ok && !shows(f.attribute) {
			p.object.Attributes[name] = directory.Hidden(permissionOf(f.attribute))
			delete(p.refs, name)
		}
	}
}

// link turns DNs into references. to gives the id behind a DN; ok is false for
// one that is no user or department of ours. A reference that leads nowhere makes
// the whole attribute unknown: without it, it would look shorter than it is.
func (p *person) link(d *dialect, to func(kind directory.Kind, dn string) (directory.ID, bool)) {
	for name, dns := range p.refs {
		kind := d.leadsTo(name)
		ids := make([]directory.ID, 0, len(dns))
		known := true
		for _, dn := range dns {
			id, ok := to(kind, dn)
			known = known && ok
			ids = append(ids, id)
		}
		if !known {
			permission := permissionManager
			if kind == directory.Department {
				permission = permissionOU
			}
			p.object.Attributes[name] = directory.Hidden(permission)
			continue
		}
		slices.Sort(ids) // a set in the directory
		p.object.Attributes[name] = directory.RefsToKind(kind, slices.Compact(ids)...)
	}
}
