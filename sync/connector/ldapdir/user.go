package ldapdir

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// draft is what a write wants of an entry, in the directory's words.
type draft struct {
	values map[string][]string // attribute → values; none = cleared
	names  []string            // of the attributes, in order
	seat   *name               // where it is to stand; nil = where it stands
	active *bool
}

func (d *draft) set(attribute string, values []string) {
	if _, given := d.values[attribute]; !given {
		d.names = append(d.names, attribute)
	}
	d.values[attribute] = values
}

// get finds the values of an attribute, whatever its case; none when it is not
// given or cleared.
func (d *draft) get(attribute string) []string {
	for have, values := range d.values {
		if strings.EqualFold(have, attribute) {
			return values
		}
	}
	return nil
}

// take drops an attribute and gives its first value.
func (d *draft) take(attribute string) (value string, given bool) {
	for i, have := range d.names {
		if strings.EqualFold(have, attribute) {
			values := d.values[have]
			d.names = slices.Delete(d.names, i, i+1)
			delete(d.values, have)
			if len(values) > 0 {
				value = values[0]
			}
			return value, true
		}
	}
	return "", false
}

// draft translates the attributes of a write. Faults: Invalid, Unsupported.
func (h *hand) draft(ctx context.Context) (*draft, error) {
	d := &draft{values: map[string][]string{}}
	for _, attr := range h.w.After.Names() {
		v := h.w.After[attr]
		if v.Type() == directory.Unknown {
			return nil, invalid(attr, "is unknown and cannot be written", "是未知值，不能写入")
		}
		switch attr {
		case directory.AttrActive:
			b, ok := v.Bool()
			if !ok {
				return nil, invalid(attr, "is neither true nor false", "既不是 true 也不是 false")
			}
			d.active = &b
		case directory.AttrDepartments:
			seat, err := h.seat(ctx, v)
			if err != nil {
				return nil, err
			}
			d.seat = &seat
		default:
			if err := h.draftField(ctx, d, attr, v); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

func (h *hand) draftField(ctx context.Context, d *draft, attr string, v directory.Value) error {
	f, ok := h.l.d.field(attr)
	if !ok || !f.writable {
		return fault.New(fault.Unsupported, "the attribute %[1]s cannot be written / 属性 %[1]s 不可写", attr)
	}
	if f.form == formUsers || f.form == formDepartments {
		dns, err := h.dns(ctx, f, v)
		d.set(f.attribute, dns)
		return err
	}
	values, err := encode(f, v, h.l.d.kind, h.c.o.Zone)
	if err != nil {
		return invalid(attr, "has another form than its type", "与声明的类型不符")
	}
	d.set(f.attribute, values)
	return nil
}

func invalid(attr, en, zh string) error {
	return fault.New(fault.Invalid, "%[1]s %[2]s / %[1]s %[3]s", attr, en, zh)
}

// dns gives the names of the objects that references lead to.
func (h *hand) dns(ctx context.Context, f *field, v directory.Value) ([]string, error) {
	if v.Type() != directory.Refs && !v.IsEmpty() {
		return nil, invalid(f.name, "has another form than its type", "与声明的类型不符")
	}
	var out []string
	for _, r := range v.Refs() {
		key := directory.Key{Kind: h.l.d.leadsTo(f.name), ID: r.ID}
		at, err := h.find(ctx, key)
		if fault.KindOf(err) == fault.NotFound {
			return nil, invalid(f.name, "names an entry that is not there", "所指的条目不存在")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, at.name.dn)
	}
	return out, nil
}

// changeUser makes an UPDATE or a DISABLE.
func (h *hand) changeUser(ctx context.Context) error {
	d, err := h.draft(ctx)
	if err != nil {
		return err
	}
	off := false
	switch {
	case h.w.Op == plan.Disable && d.active != nil && *d.active, h.w.Op == plan.Update && d.active != nil && !*d.active:
		return invalid(directory.AttrActive, "contradicts the operation", "与操作矛盾")
	case h.w.Op == plan.Disable:
		d.active = &off
	}
	attrs := []string{"userPrincipalName", "sAMAccountName"}
	if h.l.d.kind == AD {
		attrs = append(attrs, attrUAC, attrPwdSet)
	} else if h.l.d.offName != "" {
		attrs = append(attrs, h.l.d.offName)
	}
	at, err := h.find(ctx, h.w.Key, attrs...)
	if err != nil {
		return err
	}
	if h.w.Op == plan.Disable {
		if err := h.notOurselves(at); err != nil {
			return err
		}
		if left := h.c.left; left != nil && !at.name.below(*left) {
			d.seat = left
		}
	}
	return h.alter(ctx, at, d)
}

// alter makes what a draft wants of an entry that is there: values first, the
// name and the place after.
func (h *hand) alter(ctx context.Context, at spot, d *draft) error {
	own, err := h.ownName(at.name, d)
	if err != nil {
		return err
	}
	changes := ldap.NewModifyRequest(at.name.dn, nil)
	for _, attribute := range d.names {
		changes.Replace(attribute, d.values[attribute])
	}
	if d.active != nil {
		if err := h.switchTo(at.entry, *d.active, changes); err != nil {
			return err
		}
	}
	if len(changes.Changes) > 0 {
		err := h.write(ctx, func() error { return h.l.Modify(changes) })
		if err != nil {
			return err
		}
	}
	seat := at.name.parent()
	if d.seat != nil {
		seat = *d.seat
	}
	err = h.move(ctx, at.name, own, seat)
	if code(err) != codeExists || h.l.d.kind != AD {
		return err
	}
	// In Active Directory an entry is named after its person, so that two of one
	// name collide. The sign-in name, which is unique, is added.
	beside, ok := besideName(own, at.entry.GetEqualFoldAttributeValue("sAMAccountName"))
	if !ok {
		return err
	}
	return h.move(ctx, at.name, beside, seat)
}

// ownName gives the entry's relative name after the change, and takes what is in
// it out of the draft: only a rename changes it.
func (h *hand) ownName(at name, d *draft) (string, error) {
	renamed := at
	for _, a := range at.parts[0].pairs {
		value, given := d.take(a.attribute)
		if !given {
			continue
		}
		if value == "" {
			return "", invalid(a.attribute, "names the entry and cannot be empty", "是条目的名称，不能为空")
		}
		p := part{pairs: slices.Clone(renamed.parts[0].pairs)}
		for i := range p.pairs {
			if strings.EqualFold(p.pairs[i].attribute, a.attribute) {
				p.pairs[i].value = value
			}
		}
		renamed = name{parts: append([]part{p}, renamed.parts[1:]...)}
	}
	return renamed.parts[0].text(), nil
}

// switchTo adds the change that enables or disables an account.
func (h *hand) switchTo(e *ldap.Entry, on bool, changes *ldap.ModifyRequest) error {
	d := h.l.d
	if d.kind != AD {
		return h.mark(e, on, changes)
	}
	flags, err := strconv.ParseInt(e.GetEqualFoldAttributeValue(attrUAC), 10, 64)
	if err != nil {
		return fault.New(fault.Denied, "the account may not read userAccountControl: grant it / 该账号无权读取 userAccountControl：请授权")
	}
	want := flags | uacDisabled
	if on {
		want = flags &^ uacDisabled
	}
	if want == flags {
		return nil
	}
	if on && e.GetEqualFoldAttributeValue(attrPwdSet) == "0" {
		return fault.New(fault.Invalid, "the account has no password yet, or must change it: set one in Active Directory and enable the account there / 账号还没有密码，或须先修改密码：请在 AD 中设置密码并启用账号")
	}
	changes.Replace(attrUAC, []string{strconv.FormatInt(want, 10)})
	return nil
}

// mark sets or takes away the configured mark of a disabled account.
func (h *hand) mark(e *ldap.Entry, on bool, changes *ldap.ModifyRequest) error {
	d := h.l.d
	if d.offName == "" {
		if on {
			return nil // everybody is active here
		}
		return unsupported(h.w)
	}
	values := e.GetEqualFoldAttributeValues(d.offName)
	at := slices.IndexFunc(values, func(v string) bool { return strings.EqualFold(v, d.offValue) })
	switch {
	case on && at >= 0:
		changes.Delete(d.offName, []string{values[at]})
	case !on && at < 0:
		changes.Replace(d.offName, []string{d.offValue})
	}
	return nil
}
