package ldapdir

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// uacNew is userAccountControl of a new account: an ordinary one, disabled. It is
// never enabled here, since it has no password.
const uacNew = 0x200 | uacDisabled

// create makes an entry and gives the id that the server gave it.
func (h *hand) create(ctx context.Context) (directory.Key, error) {
	r, err := h.blank(ctx)
	if err != nil {
		return directory.Key{}, err
	}
	err = h.add(ctx, r)
	if code(err) == codeExists && h.l.d.kind == AD && h.w.Key.Kind == directory.User {
		err = h.addBeside(ctx, r, err)
	}
	if err != nil {
		if fault.KindOf(err) == fault.InDoubt && h.w.Token != "" {
			h.c.lost.Store(h.w.Token, r.DN)
		}
		if code(err) != codeExists {
			return directory.Key{}, err
		}
		// Our own earlier create, whose answer was lost, is no conflict.
		ours, failed := h.ours(ctx, r)
		if failed != nil {
			return directory.Key{}, failed
		}
		if !ours {
			return directory.Key{}, h.unseen(ctx, r.DN, err)
		}
	}
	return h.born(ctx, r.DN)
}

// born reads the id of a new entry as a listing will: through the filter of its
// kind. Faults: InDoubt when it cannot be read, Denied when the filter does not
// match the entry.
func (h *hand) born(ctx context.Context, dn string) (directory.Key, error) {
	d := h.l.d
	e, ok, err := h.c.one(ctx, h.l, query{base: dn, filter: d.filter(h.w.Key.Kind), attrs: []string{d.idAttr}})
	if err == nil && ok {
		if id, ok := d.idOf(e); ok {
			h.c.lost.Delete(h.w.Token)
			return directory.Key{Kind: h.w.Key.Kind, ID: id.id()}, nil
		}
	}
	if err == nil && !ok {
		if _, ok, err = h.c.one(ctx, h.l, query{base: dn, attrs: []string{"1.1"}}); err == nil && ok {
			return directory.Key{}, d.outside(h.w.Key.Kind)
		}
	}
	if h.w.Token != "" {
		h.c.lost.Store(h.w.Token, dn)
	}
	return directory.Key{}, fault.Wrap(fault.InDoubt, err, "the entry was made, and its id cannot be read / 条目已创建，但读不到它的编号")
}

func (h *hand) add(ctx context.Context, r *ldap.AddRequest) error {
	return h.write(ctx, func() error { return h.l.Add(r) })
}

// addBeside makes an entry whose name is taken by another person of the same
// name, under its name and sign-in name. A sign-in name that is taken stays a
// conflict.
func (h *hand) addBeside(ctx context.Context, r *ldap.AddRequest, conflict error) error {
	n, err := parseName(r.DN)
	if err != nil {
		return conflict
	}
	sam := ""
	for _, a := range r.Attributes {
		if strings.EqualFold(a.Type, "sAMAccountName") && len(a.Vals) == 1 {
			sam = a.Vals[0]
		}
	}
	e, ok, err := h.c.one(ctx, h.l, query{base: r.DN, attrs: []string{"sAMAccountName"}})
	if err != nil || !ok || strings.EqualFold(e.GetEqualFoldAttributeValue("sAMAccountName"), sam) {
		return conflict
	}
	beside, ok := besideName(n.parts[0].text(), sam)
	if !ok {
		return conflict
	}
	seat := n.parent()
	r.DN = beside + "," + seat.dn
	attribute, value := n.parts[0].pairs[0].attribute, ""
	if own, err := parseName(beside); err == nil {
		value = own.parts[0].pairs[0].value
	}
	for i := range r.Attributes {
		if strings.EqualFold(r.Attributes[i].Type, attribute) {
			r.Attributes[i].Vals = []string{value}
		}
	}
	return h.add(ctx, r)
}

// blank builds the request of a new entry. Faults: Invalid, Unsupported.
func (h *hand) blank(ctx context.Context) (*ldap.AddRequest, error) {
	if h.w.Key.Kind == directory.Department {
		return h.blankDepartment(ctx)
	}
	d, err := h.draft(ctx)
	if err != nil {
		return nil, err
	}
	seat := h.c.base
	if d.seat != nil {
		seat = *d.seat
	}
	if err := h.require(d); err != nil {
		return nil, err
	}
	values := d.get(h.l.d.rdn) // require saw to it
	r := ldap.NewAddRequest(relative(h.l.d.rdn, values[0])+","+seat.dn, nil)
	r.Attribute("objectClass", h.l.d.classes)
	for _, attribute := range d.names {
		if len(d.values[attribute]) > 0 {
			r.Attribute(attribute, d.values[attribute])
		}
	}
	off := d.active != nil && !*d.active
	switch {
	case h.l.d.kind == AD:
		r.Attribute(attrUAC, []string{strconv.Itoa(uacNew)})
	case off && h.l.d.offName == "":
		return nil, fault.New(fault.Unsupported, "this directory cannot create a disabled account: set disabled / 该目录不能新建停用的账号：请配置 disabled")
	case off:
		r.Attribute(h.l.d.offName, []string{h.l.d.offValue})
	}
	return r, nil
}

// require adds what the usual object classes need, and sees that the entry can be
// named.
func (h *hand) require(d *draft) error {
	l := h.l.d
	first := func(attributes ...string) string {
		for _, a := range attributes {
			if values := d.get(a); len(values) > 0 {
				return values[0]
			}
		}
		return ""
	}
	fill := func(attribute, value string) {
		if first(attribute) == "" && value != "" {
			d.take(attribute)
			d.set(attribute, []string{value})
		}
	}
	if first(l.login) == "" {
		return invalid(l.login, "is needed to create an account: map it", "是新建账号所必需的：请映射它")
	}
	fill("cn", first("cn", "displayName", l.login))
	if l.kind != AD {
		fill("sn", first("sn", "cn"))
	}
	if first(l.rdn) == "" {
		return invalid(l.rdn, "names the entry: map it (rdn)", "是条目的名称：请映射它（rdn）")
	}
	return nil
}
