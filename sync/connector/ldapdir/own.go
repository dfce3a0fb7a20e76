package ldapdir

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// ours tells whether what stands at the name of a new entry is our own earlier
// create, whose answer was lost: the same change, the same name, and every value
// that was to be written, as far as it can be read.
func (h *hand) ours(ctx context.Context, r *ldap.AddRequest) (bool, error) {
	if dn, lost := h.c.lost.Load(h.w.Token); h.w.Token == "" || !lost || dn != r.DN {
		return false, nil
	}
	names := make([]string, len(r.Attributes))
	for i, a := range r.Attributes {
		names[i] = a.Type
	}
	e, there, err := h.c.one(ctx, h.l, query{base: r.DN, attrs: names})
	if err != nil || !there {
		return false, err
	}
	for _, a := range r.Attributes {
		if strings.EqualFold(a.Type, attrUAC) {
			continue // the server itself changes it, and others enable the account
		}
		if same, err := h.stands(ctx, e, r.DN, a); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// stands tells whether an entry has the values that were to be written, as far as
// they can be read.
func (h *hand) stands(ctx context.Context, e *ldap.Entry, dn string, wanted ldap.Attribute) (bool, error) {
	have, err := h.c.values(ctx, h.l, e, wanted.Type)
	if err != nil {
		return false, err
	}
	if len(have) == 0 {
		empty, err := h.empty(ctx, dn, wanted.Type)
		return err == nil && !empty, err
	}
	if len(have) != len(wanted.Vals) && !grows(dn, wanted.Type) {
		return false, nil
	}
	return !slices.ContainsFunc(wanted.Vals, func(v string) bool { return !holds(have, v) }), nil
}

// grows tells whether the server itself adds values: the classes above those that
// are given, and the entry's own name.
func grows(dn, attribute string) bool {
	n, err := parseName(dn)
	if err != nil {
		return false
	}
	_, named := n.value(attribute)
	return named || strings.EqualFold(attribute, "objectClass")
}

// empty tells whether an attribute that did not come is known to be empty. Active
// Directory does not tell that from one that is hidden.
func (h *hand) empty(ctx context.Context, dn, attribute string) (bool, error) {
	if h.l.d.kind == AD {
		return false, nil
	}
	_, shown, err := h.c.one(ctx, h.l, query{base: dn, filter: visible(attribute), attrs: []string{"1.1"}})
	return shown, err
}

// holds tells whether a value is among those that the server gives, which it
// compares without regard to case and blanks, and names as names.
func holds(have []string, value string) bool {
	n, err := parseName(value)
	return slices.ContainsFunc(have, func(one string) bool {
		if foldValue(one) == foldValue(value) {
			return true
		}
		m, failed := parseName(one)
		return err == nil && failed == nil && n.equal(m)
	})
}

// filterSay names the filter of a kind as the configuration does.
func (d *dialect) filterSay(kind directory.Kind) string {
	name := "user_filter"
	if kind == directory.Department {
		name = "department_filter"
	}
	return name + " " + strings.ReplaceAll(d.filter(kind), " / ", "/")
}

// unseen says of a name that is taken when no listing shows what has it.
func (h *hand) unseen(ctx context.Context, dn string, conflict error) error {
	kind := h.w.Key.Kind
	if _, there, err := h.c.one(ctx, h.l, query{base: dn, attrs: []string{"1.1"}}); err != nil || !there {
		return conflict
	}
	if _, seen, err := h.c.one(ctx, h.l, query{base: dn, filter: h.l.d.filter(kind), attrs: []string{"1.1"}}); err != nil || seen {
		return conflict
	}
	filter := h.l.d.filterSay(kind)
	f := fault.Wrap(fault.Conflict, conflict,
		"an entry with this name exists already, and %[1]s does not match it: widen the filter, or rename or delete the entry in the directory"+
			" / 同名条目已存在，但不符合 %[1]s：请放宽过滤器，或在目录中改名、删除这个条目", filter)
	f.Code = itoa(int(code(conflict)))
	return f
}

// outside is the fault of a new entry that no listing will show. The entry stays:
// it may be missing only for now, and nothing is deleted without a vote.
func (d *dialect) outside(kind directory.Kind) error {
	return fault.New(fault.Denied,
		"the entry was made, but %[1]s does not match it, or the account may not read what it asks for: it is not managed; widen the filter or map what it asks for, the next run then finds the entry"+
			" / 条目已创建，但不符合 %[1]s，或该账号无权读取其中用到的属性：点名管不到它；请放宽过滤器，或映射它要求的属性，下次运行就能找到这个条目", d.filterSay(kind))
}
