package scim

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// quote writes a text into a filter (RFC 7644 §3.4.2.2: as in JSON).
func quote(s string) (string, error) {
	data, err := encode(s)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "a filter cannot be encoded / 过滤条件无法编码")
	}
	return string(data), nil
}

// find asks for the resources whose attribute equals a text. What comes back is
// held against the text: some services ignore filters and give everything. That
// nothing is found proves nothing. Services that cannot be searched find nothing.
func (c *Connector) find(ctx context.Context, g gift, endpoint, attr, value string) ([]resource, error) {
	if !g.filter || value == "" {
		return nil, nil
	}
	quoted, err := quote(value)
	if err != nil {
		return nil, err
	}
	p, err := c.page(ctx, endpoint, listing{count: 10, filter: attr + " eq " + quoted, bare: endpoint == g.groups}, &tally{})
	switch fault.KindOf(err) {
	case "":
	case fault.Unsupported, fault.Invalid, fault.NotFound:
		c.options.Logger.InfoContext(ctx, "filter refused", "kind", attr, "err", err)
		return nil, nil
	default:
		return nil, err
	}
	return slices.DeleteFunc(p.resources, func(r resource) bool {
		have := r.text(attr)
		return r.id() == "" || have != value && (attr != attrLogin || !strings.EqualFold(have, value))
	}), nil
}

// birth is a CREATE on its way.
type birth struct {
	c        *Connector
	g        gift
	endpoint string
	assigns  []assign
	external string // what the service keeps for us
	ours     bool   // external is this change's own token
}

// newBirth finds the key by which the object is known again: the mapped externalId,
// or the change's token.
func (c *Connector) newBirth(g gift, endpoint string, w connector.Write, assigns []assign) *birth {
	b := &birth{c: c, g: g, endpoint: endpoint, assigns: assigns, external: clean(w.After[attrExternal].Text())}
	if b.external == "" {
		b.external, b.ours = w.Token, true
	}
	return b
}

// earlier looks for the object among those that are there already: first by
// externalId, then by the texts that a service holds unique. It gives our own from
// an earlier call, or Conflict for somebody else's.
func (b *birth) earlier(ctx context.Context, attr string, variants ...string) (resource, error) {
	found, err := b.c.find(ctx, b.g, b.endpoint, attrExternal, b.external)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Compact(variants) {
		more, err := b.c.find(ctx, b.g, b.endpoint, attr, v)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	for _, r := range found {
		if b.mine(r) {
			return r, nil
		}
	}
	if len(found) > 0 {
		return nil, taken()
	}
	return nil, nil //nolint:nilnil // nobody is there; only create asks
}

func taken() error {
	return fault.New(fault.Conflict, "the service has such an object already (same userName or externalId): match it, or correct the value / 服务中已有这样的对象（userName 或 externalId 相同）：请通过匹配认领，或更正该值")
}

// mine tells whether an object is what an earlier call of this change has made: it
// bears this change's token, or our key and every value that would be written.
func (b *birth) mine(r resource) bool {
	if b.external == "" || r.text(attrExternal) != b.external {
		return false
	}
	return b.ours || len(changes(b.assigns, r)) == 0
}

// post creates the object. id is empty when there is an error.
func (b *birth) post(ctx context.Context, body resource, attr, login string) (id string, err error) {
	var variants []string
	if attr != "" {
		variants = []string{login}
	}
	own, err := b.earlier(ctx, attr, variants...)
	if err != nil || own != nil {
		return own.id(), err
	}
	got, err := b.c.send(ctx, call{method: http.MethodPost, path: b.endpoint, body: body})
	if fault.KindOf(err) == fault.Conflict && attr != "" {
		// Somebody has it. A service may find names only as they are written, or in
		// lower case, or may not find externalId.
		again, findErr := b.earlier(ctx, attr, login, strings.ToLower(login), strings.ToUpper(login))
		if findErr != nil || again == nil {
			return "", err
		}
		return again.id(), nil
	}
	if err != nil {
		return "", err
	}
	return born(got)
}

var errNoBody = errors.New("the answer names no object")

// born gives the id in the answer to a CREATE: from its body, or from Location.
func born(a answer) (string, error) {
	if r, err := decodeResource(a.data); err == nil {
		return r.id(), nil
	}
	if i := strings.LastIndexByte(a.location, '/'); i >= 0 {
		if id, err := url.PathUnescape(a.location[i+1:]); err == nil && id != "" {
			return id, nil
		}
	}
	return "", fault.Wrap(fault.InDoubt, errNoBody, "the service took the new object and does not say which it is / 服务接受了新对象，却没有说明是哪一个")
}

func (c *Connector) createUser(ctx context.Context, g gift, w connector.Write) (directory.Key, error) {
	d, err := c.userDraft(w, g)
	if err != nil {
		return directory.Key{}, err
	}
	login := clean(w.After[attrLogin].Text())
	if login == "" {
		return directory.Key{}, fault.New(fault.Invalid, "a new account needs a userName: map it / 新账号需要 userName：请在映射中给出")
	}
	if err := c.movable(ctx, g, d.groups); err != nil {
		return directory.Key{}, err
	}
	b := c.newBirth(g, g.users, w, d.assigns)
	id, err := b.post(ctx, newUser(d.assigns, b.external), attrLogin, login)
	if err != nil {
		return directory.Key{}, err
	}
	key := directory.Key{Kind: directory.User, ID: directory.ID(id)}
	if err := c.move(ctx, g, id, d.groups, nil); err != nil {
		en, zh := fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh")
		return key, fault.Wrap(fault.InDoubt, err, "the account was created but is not in all of its groups: %s / 账号已创建，但没有加入全部群组：%s", en, zh)
	}
	return key, nil
}
