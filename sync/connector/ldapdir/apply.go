package ldapdir

import (
	"context"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change. The object is found by its id first, below the base and
// by the filter of its kind; one that is elsewhere is Denied. A change of values
// and a move are two calls of the protocol: values go first. Nothing whose answer
// was lost is sent again. Faults: those of connector.Target.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if ctx.Err() != nil {
		return directory.Key{}, ended(ctx)
	}
	if !c.Describe().Can(w.Key.Kind, w.Op) {
		return directory.Key{}, unsupported(w)
	}
	if w.Op != plan.Create && w.Key.ID == "" {
		return directory.Key{}, fault.New(fault.Invalid, "the change names no object / 变更没有指明对象")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.CallTimeout, errTimeout)
	defer cancel()
	key := w.Key
	err := c.on(ctx, &c.calls, func(l *line) error {
		if !l.d.canDisable() && w.Op == plan.Disable {
			return unsupported(w)
		}
		h := &hand{c: c, l: l, w: w}
		var err error
		switch {
		case w.Op == plan.Create:
			key, err = h.create(ctx)
		case w.Op == plan.Delete:
			err = h.remove(ctx)
		case w.Key.Kind == directory.Department:
			err = h.changeDepartment(ctx)
		default:
			err = h.changeUser(ctx)
		}
		return err
	})
	if err != nil {
		return directory.Key{}, err
	}
	return key, nil
}

func unsupported(w connector.Write) error {
	return fault.New(fault.Unsupported, "this directory cannot %[1]s a %[2]s / 该目录不支持对 %[2]s 执行 %[1]s", w.Op, w.Key.Kind)
}

// hand is one write on its way.
type hand struct {
	c *Connector
	l *line
	w connector.Write
}

// spot is an object's entry as it was found.
type spot struct {
	entry *ldap.Entry
	name  name
}

// find finds an object by its id. Faults: NotFound; Denied for an entry that is
// outside the base or the filter, or is the base itself.
func (h *hand) find(ctx context.Context, key directory.Key, attrs ...string) (spot, error) {
	id, ok := parseGUID(string(key.ID))
	if !ok || id.id() != key.ID {
		return spot{}, notThere()
	}
	d := h.l.d
	answer, err := h.c.search(ctx, h.l, query{
		scope: ldap.ScopeWholeSubtree, filter: "(&" + d.filter(key.Kind) + d.byID(id) + ")", attrs: append([]string{d.idAttr}, attrs...),
	})
	if err != nil {
		return spot{}, baseFault(err)
	}
	if len(answer.Entries) == 1 {
		n, err := parseName(answer.Entries[0].DN)
		if err != nil || !n.below(h.c.base) {
			return spot{}, fault.New(fault.Denied, "the entry is not below base_dn / 条目不在 base_dn 之下")
		}
		return spot{answer.Entries[0], n}, nil
	}
	g := &glance{c: h.c, l: h.l, kind: key.Kind}
	found := map[guid]bool{}
	if err := g.anywhere(ctx, []guid{id}, found); err != nil {
		return spot{}, err
	}
	if found[id] {
		return spot{}, fault.New(fault.Denied, "%s", g.elsewhereSay())
	}
	// The account may have lost its sight: then nothing is proven.
	blind, err := g.blind(ctx)
	if err == nil && blind != "" {
		err = fault.New(fault.Denied, "%s", blind)
	}
	if err != nil {
		return spot{}, err
	}
	return spot{}, notThere()
}

func notThere() error {
	return fault.New(fault.NotFound, "the entry is not there / 条目不存在")
}

// pause waits until a writing call may be made.
func (h *hand) pause(ctx context.Context) error {
	if err := h.c.pace.Wait(ctx, bucket, defaultRate, time.Second); err != nil || ctx.Err() != nil || h.l.IsClosing() {
		return ended(ctx)
	}
	return nil
}

// write makes one writing call.
func (h *hand) write(ctx context.Context, call func() error) error {
	if err := h.pause(ctx); err != nil {
		return err
	}
	done := h.l.guard(ctx)
	defer done()
	if err := call(); err != nil {
		return h.c.refusal(ctx, err, true)
	}
	return nil
}

// remove deletes an entry; that it is gone already is what was wanted.
func (h *hand) remove(ctx context.Context) error {
	at, err := h.find(ctx, h.w.Key, "userPrincipalName", "sAMAccountName")
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if err := h.notOurselves(at); err != nil {
		return err
	}
	err = h.write(ctx, func() error { return h.l.Del(ldap.NewDelRequest(at.name.dn, nil)) })
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}

// notOurselves refuses to take away the account that Rollcall signs in with.
func (h *hand) notOurselves(at spot) error {
	if h.c.ourselves(at.name, at.entry) {
		return fault.New(fault.Denied, "this is the account that Rollcall itself signs in with / 这是点名自己登录所用的账号")
	}
	return nil
}

// ourselves tells whether an entry, or one below it, is the account that we sign
// in with.
func (c *Connector) ourselves(n name, e *ldap.Entry) bool {
	bind := c.o.BindDN
	if own, err := parseName(bind); err == nil {
		return own.equal(n) || own.below(n)
	}
	upn, sam := e.GetEqualFoldAttributeValue("userPrincipalName"), e.GetEqualFoldAttributeValue("sAMAccountName")
	if _, short, windows := strings.Cut(bind, `\`); windows {
		return strings.EqualFold(short, sam)
	}
	short, _, _ := strings.Cut(bind, "@")
	// Active Directory knows everybody as sAMAccountName@domain as well.
	return strings.EqualFold(bind, upn) || strings.EqualFold(short, sam)
}

// seat gives the DN that an object is to stand under: of the department that the
// references name first, or the base. Faults: Invalid when it is not there.
func (h *hand) seat(ctx context.Context, v directory.Value) (name, error) {
	refs := v.Refs()
	switch {
	case v.IsEmpty():
		return h.c.base, nil
	case len(refs) == 0: // must not pass for none
		return name{}, fault.New(fault.Invalid, "the department is given as a text and not as a reference: map it from departments / 部门的值是文本而不是引用：请从 departments 映射")
	}
	if len(refs) > 1 {
		return name{}, fault.New(fault.Invalid, "an entry stands in one department only: map the main one / 条目只能属于一个部门：请只映射主部门")
	}
	at, err := h.find(ctx, directory.Key{Kind: directory.Department, ID: refs[0].ID})
	if fault.KindOf(err) == fault.NotFound {
		return name{}, fault.New(fault.Invalid, "the department is not there / 部门不存在")
	}
	return at.name, err
}

// move renames an entry, or moves it, or both, in one call.
func (h *hand) move(ctx context.Context, at name, own string, seat name) error {
	superior := ""
	if !at.parent().equal(seat) {
		superior = seat.dn
	}
	if superior == "" && own == at.parts[0].text() {
		return nil
	}
	if seat.equal(at) || seat.below(at) {
		return fault.New(fault.Invalid, "a department cannot be moved below itself / 部门不能移到自己下面")
	}
	return h.write(ctx, func() error { return h.l.ModifyDN(ldap.NewModifyDNRequest(at.dn, own, true, superior)) })
}
