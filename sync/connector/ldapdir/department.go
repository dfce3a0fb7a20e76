package ldapdir

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// posting is what a write wants of a department.
type posting struct {
	title *string
	seat  *name
}

func (h *hand) posting(ctx context.Context) (posting, error) {
	var p posting
	for _, attr := range h.w.After.Names() {
		v := h.w.After[attr]
		if v.Type() == directory.Unknown {
			return p, invalid(attr, "is unknown and cannot be written", "是未知值，不能写入")
		}
		switch attr {
		case directory.AttrName:
			title := clean(v.String())
			if title == "" {
				return p, invalid(attr, "names the department and cannot be empty", "是部门的名称，不能为空")
			}
			p.title = &title
		case directory.AttrParent:
			seat, err := h.seat(ctx, v)
			if err != nil {
				return p, err
			}
			p.seat = &seat
		default:
			return p, fault.New(fault.Unsupported, "the attribute %[1]s of a department cannot be written / 部门的属性 %[1]s 不可写", attr)
		}
	}
	return p, nil
}

// blankDepartment builds the request of a new organizational unit.
func (h *hand) blankDepartment(ctx context.Context) (*ldap.AddRequest, error) {
	p, err := h.posting(ctx)
	if err != nil {
		return nil, err
	}
	if p.title == nil {
		return nil, invalid(directory.AttrName, "names the department and cannot be empty", "是部门的名称，不能为空")
	}
	seat := h.c.base
	if p.seat != nil {
		seat = *p.seat
	}
	r := ldap.NewAddRequest(relative("ou", *p.title)+","+seat.dn, nil)
	r.Attribute("objectClass", []string{"top", "organizationalUnit"})
	r.Attribute("ou", []string{*p.title})
	return r, nil
}

// changeDepartment renames a department, moves it, or both.
func (h *hand) changeDepartment(ctx context.Context) error {
	p, err := h.posting(ctx)
	if err != nil {
		return err
	}
	at, err := h.find(ctx, h.w.Key)
	if err != nil {
		return err
	}
	own := at.name.parts[0].text()
	if p.title != nil {
		own = at.name.with(at.name.parts[0].pairs[0].attribute, *p.title)
	}
	seat := at.name.parent()
	if p.seat != nil {
		seat = *p.seat
	}
	return h.move(ctx, at.name, own, seat)
}
