package ldapdir

import (
	"context"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// batch is how many ids one search asks for.
const batch = 50

// Lookup asks for just these objects. Gone is what no search finds, neither below
// the base with the filter nor in the whole of the server's naming context
// without it, while other objects of the kind can be seen. One that is there and
// does not match the filter, or was moved out of the base, is Unsure. Faults:
// those of Read.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if len(ids) == 0 {
		return []connector.Sighting{}, nil
	}
	if kind != directory.User && kind != directory.Department {
		return nil, fault.New(fault.Invalid, "a directory has no objects of kind %[1]q / 目录没有“%[1]s”这类对象", kind)
	}
	g := &glance{c: c, kind: kind, found: map[guid]directory.Object{}, places: map[string]place{}, people: map[string]place{}}
	err := c.on(ctx, &c.calls, func(l *line) error {
		g.l = l
		return g.all(ctx, ids)
	})
	if err != nil {
		return nil, err
	}
	return g.out, nil
}

// glance is one Lookup on its way.
type glance struct {
	c      *Connector
	l      *line
	kind   directory.Kind
	found  map[guid]directory.Object
	places map[string]place // departments by the key of their name
	people map[string]place // people by the key of their name
	out    []connector.Sighting
}

// place is what was found at a DN.
type place struct {
	id guid
	ok bool
}

func (g *glance) all(ctx context.Context, ids []directory.ID) error {
	wanted := make([]guid, 0, len(ids))
	for _, id := range ids {
		if one, ok := parseGUID(string(id)); ok {
			wanted = append(wanted, one)
		}
	}
	elsewhere := map[guid]bool{}
	gone := len(wanted) < len(ids)
	for len(wanted) > 0 {
		part := wanted[:min(batch, len(wanted))]
		wanted = wanted[len(part):]
		missing, err := g.some(ctx, part)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		gone = true
		if err := g.anywhere(ctx, missing, elsewhere); err != nil {
			return err
		}
	}
	blind := ""
	if gone {
		var err error
		if blind, err = g.blind(ctx); err != nil {
			return err
		}
	}
	g.out = make([]connector.Sighting, len(ids))
	for i, id := range ids {
		one, _ := parseGUID(string(id)) // what is no id is not found
		o, ok := g.found[one]
		switch {
		case ok && o.ID == id:
			g.out[i] = connector.Sighting{Presence: connector.Present, Object: o}
		case elsewhere[one]:
			g.out[i].Why = g.elsewhereSay()
		case blind != "":
			g.out[i].Why = blind
		default:
			g.out[i].Presence = connector.Gone
		}
	}
	return nil
}

func (g *glance) elsewhereSay() string {
	filter := "user_filter"
	if g.kind == directory.Department {
		filter = "department_filter"
	}
	return "the entry is still in the directory, but outside base_dn or no longer matched by " + filter +
		": use leavers.when or the flow's scope to say who has left / 条目仍在目录中，但已移出 base_dn 或不再符合 " + filter + "：请用 leavers.when 或流程的 scope 说明谁已离职"
}

// some asks for one batch and gives the ids that were not found.
func (g *glance) some(ctx context.Context, ids []guid) (missing []guid, err error) {
	d := g.l.d
	filter := "(&" + d.filter(g.kind) + d.byID(ids...) + ")"
	attrs := d.attributes
	if g.kind == directory.Department {
		attrs = []string{d.idAttr}
	}
	answer, err := g.c.search(ctx, g.l, query{scope: ldap.ScopeWholeSubtree, filter: filter, attrs: attrs})
	if err != nil {
		return nil, baseFault(err)
	}
	if g.kind == directory.Department {
		err = g.takeDepartments(ctx, answer.Entries)
	} else {
		err = g.takePeople(ctx, answer.Entries, filter)
	}
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, ok := g.found[id]; !ok {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// baseFault says what a missing base means: nothing is proven.
func baseFault(err error) error {
	if code(err) == codeNotThere {
		return baseMissing()
	}
	return err
}

func (g *glance) takeDepartments(ctx context.Context, entries []*ldap.Entry) error {
	for _, e := range entries {
		n, err := parseName(e.DN)
		id, ok := g.l.d.idOf(e)
		if err != nil || !ok || n.equal(g.c.base) {
			continue
		}
		parent, err := g.above(ctx, n)
		if err != nil {
			return err
		}
		o := ou{id: id, name: n}
		g.found[id] = g.l.d.departmentObject(&o, parent)
	}
	return nil
}

func (g *glance) takePeople(ctx context.Context, entries []*ldap.Entry, filter string) error {
	if len(entries) == 0 {
		return nil
	}
	s, err := g.look(ctx, filter, len(entries))
	if err != nil {
		return err
	}
	blind, err := g.c.blindOn(ctx, g.l)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p, ok, err := g.c.personOf(ctx, g.l, e)
		if err != nil {
			return err
		}
		n, nameErr := parseName(e.DN)
		if !ok || nameErr != nil {
			return fault.New(fault.Unavailable, "an entry has no %[1]s, or a name outside base_dn / 条目没有 %[1]s，或不在 base_dn 之下", g.l.d.idAttr)
		}
		id, _ := parseGUID(string(p.object.ID)) // personOf wrote it
		p.hide(g.l.d, func(attribute string) bool { return s.shows(id, attribute) && !blind[strings.ToLower(attribute)] })
		if err := g.refer(ctx, &p, n); err != nil {
			return err
		}
		if err := g.beside(ctx, &p.object); err != nil {
			return err
		}
		g.found[id] = p.object
	}
	return nil
}

// look is Connector.look for a batch, on the connection at hand.
func (g *glance) look(ctx context.Context, filter string, n int) (*sight, error) {
	s := &sight{each: map[string]map[guid]bool{}}
	ids := func(filter string) (map[guid]bool, error) {
		answer, err := g.c.search(ctx, g.l, query{scope: ldap.ScopeWholeSubtree, filter: filter, attrs: []string{g.l.d.idAttr}})
		if err != nil {
			return nil, err
		}
		out := map[guid]bool{}
		for _, e := range answer.Entries {
			if id, ok := g.l.d.idOf(e); ok {
				out[id] = true
			}
		}
		return out, nil
	}
	var err error
	if s.whole, err = ids("(&" + filter + g.l.d.presence + ")"); err != nil {
		return nil, err
	}
	if len(s.whole) >= n {
		return s, nil
	}
	for _, attribute := range g.l.d.tested() {
		if s.each[strings.ToLower(attribute)], err = ids("(&" + filter + visible(attribute) + ")"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// refer finds the objects that a person's names lead to.
func (g *glance) refer(ctx context.Context, p *person, n name) error {
	in, err := g.above(ctx, n)
	if err != nil {
		return err
	}
	p.object.Attributes[directory.AttrDepartments] = in
	for field, dns := range p.refs {
		kind := g.l.d.leadsTo(field)
		for _, dn := range dns {
			if _, err := g.at(ctx, kind, dn); err != nil {
				return err
			}
		}
	}
	p.link(g.l.d, func(kind directory.Kind, dn string) (directory.ID, bool) {
		found, err := g.at(ctx, kind, dn) // known by now
		return found.id.id(), err == nil && found.ok
	})
	return nil
}

// at gives the object of a kind with a DN.
func (g *glance) at(ctx context.Context, kind directory.Kind, dn string) (place, error) {
	known := g.people
	if kind == directory.Department {
		known = g.places
	}
	n, err := parseName(dn)
	if err != nil || !n.below(g.c.base) {
		return place{}, nil //nolint:nilerr // what is no name of ours leads nowhere
	}
	key := n.key()
	if found, ok := known[key]; ok {
		return found, nil
	}
	e, there, err := g.c.one(ctx, g.l, query{base: dn, filter: g.l.d.filter(kind), attrs: []string{g.l.d.idAttr}})
	if err != nil {
		return place{}, err
	}
	var found place
	if there {
		found.id, found.ok = g.l.d.idOf(e)
	}
	known[key] = found
	return found, nil
}

// above is tree.above, asking the server.
func (g *glance) above(ctx context.Context, n name) (directory.Value, error) {
	for up := n.parent(); len(up.parts) > len(g.c.base.parts); up = up.parent() {
		found, err := g.at(ctx, directory.Department, up.dn)
		switch {
		case err != nil:
			return directory.Value{}, err
		case found.ok:
			return directory.RefsToKind(directory.Department, found.id.id()), nil
		case g.l.d.hiddenOU(up):
			return directory.Hidden(permissionOU), nil
		}
	}
	return directory.RefsToKind(directory.Department), nil
}

// anywhere looks for ids in the whole naming context, without the filters.
func (g *glance) anywhere(ctx context.Context, ids []guid, found map[guid]bool) error {
	answer, err := g.c.search(ctx, g.l, query{base: g.l.context, scope: ldap.ScopeWholeSubtree, filter: g.l.d.byID(ids...), attrs: []string{g.l.d.idAttr}})
	if err != nil && code(err) != codeNotThere && code(err) != codeNoRights {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // the account sees no more than the base
	}
	for _, e := range answer.Entries {
		if id, ok := g.l.d.idOf(e); ok {
			found[id] = true
		}
	}
	return nil
}

// blind tells why nothing can be said of what was not found: when no other object
// of the kind can be seen with its id, by which it would be found, the account has
// most likely lost its rights. Everybody may see themselves: our own account is no
// other. "" when it sees.
func (g *glance) blind(ctx context.Context) (string, error) {
	e, ok, err := g.c.one(ctx, g.l, query{base: g.c.o.BaseDN, attrs: []string{attrHasBelow}})
	if err != nil {
		return "", err
	}
	if !ok {
		return "", baseMissing()
	}
	if strings.EqualFold(e.GetEqualFoldAttributeValue(attrHasBelow), "FALSE") {
		return "", nil // it is empty, says the server itself
	}
	// Beside others the base and our own account may match.
	answer, err := g.c.search(ctx, g.l, query{
		scope: ldap.ScopeWholeSubtree, filter: g.l.d.filter(g.kind), attrs: []string{g.l.d.idAttr, "userPrincipalName", "sAMAccountName"}, limit: 3,
	})
	if err != nil {
		return "", err
	}
	for _, e := range answer.Entries {
		n, err := parseName(e.DN)
		_, shown := g.l.d.idOf(e)
		if err == nil && shown && n.below(g.c.base) && (g.kind == directory.Department || !g.c.ourselves(n, e)) {
			return "", nil
		}
	}
	if g.kind == directory.Department {
		return "the account sees no department with its id at all: check its rights and department_filter / 该账号看不到任何部门及其编号：请检查其权限与 department_filter", nil
	}
	return "the account sees nobody else with their id at all: check its rights and user_filter / 除自己以外，该账号看不到任何人员及其编号：请检查其权限与 user_filter", nil
}
