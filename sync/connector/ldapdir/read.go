package ldapdir

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Read lists everything: the base, the departments, the people, and who of them
// shows whether they have each attribute. Faults: Credential, Limited,
// Unavailable, and Invalid for a wrong base or filter.
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	r := &reading{
		c: c, count: connector.CounterOf(ctx), start: c.o.Now(), hidden: map[string]bool{}, seen: map[string]bool{}, filled: map[string]bool{},
	}
	r.b = directory.NewBuilder("ldap", r.start)
	if err := r.foot(ctx); err != nil {
		return nil, err
	}
	if err := r.departments(ctx); err != nil {
		return nil, err
	}
	if err := r.people(ctx); err != nil {
		return nil, err
	}
	if err := r.emptyOnes(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// reading is one Read on its way.
type reading struct {
	c       *Connector
	b       *directory.Builder
	count   *connector.Counter
	start   time.Time
	tally   tally
	d       *dialect
	tree    *tree
	spool   *spool
	base    bool            // the base says that there are entries below it
	hidden  map[string]bool // permissions that hide something
	seen    map[string]bool // attributes that somebody shows, in lower case
	filled  map[string]bool // names above a person or a department, by key
	samples []string        // the DNs of a few people, of several places
	broken  int             // values that cannot be understood
}

// foot reads the base entry: without it nothing below proves anything.
func (r *reading) foot(ctx context.Context) error {
	return r.c.on(ctx, &r.c.calls, func(l *line) error {
		e, ok, err := r.c.one(ctx, l, query{base: r.c.o.BaseDN, attrs: []string{attrHasBelow}})
		if err != nil {
			return err
		}
		if !ok {
			return baseMissing()
		}
		r.tally.pages++
		r.d, r.base = l.d, strings.EqualFold(e.GetEqualFoldAttributeValue(attrHasBelow), "TRUE")
		return nil
	})
}

func baseMissing() error {
	return fault.New(fault.Invalid, "base_dn is not there, or the account may not read it / base_dn 不存在，或该账号无权读取")
}

// doubt marks the snapshot as incomplete for what a listing could not give.
func (r *reading) doubt(got listed, bad int, what, was string) {
	if got.partial != "" {
		r.b.Incomplete("%s", got.partial)
	}
	if len(got.refs) > 0 {
		r.b.Incomplete("%s", referralSay(got.refs[0]))
	}
	if bad > 0 {
		r.b.Incomplete("%d %s cannot be understood: no %s, or a name outside base_dn / %d 个%s无法识别：没有 %s，或不在 base_dn 之下", bad, what, r.d.idAttr, bad, was, r.d.idAttr)
	}
}

// referralSay names the server that a search was referred to.
func referralSay(ref string) string {
	where := ref
	if _, rest, ok := strings.Cut(ref, "://"); ok {
		where, _, _ = strings.Cut(rest, "?")
	}
	return "a part below base_dn is on another server (" + where + "), which is not followed: set base_dn to a part that is here" +
		" / base_dn 下有一部分在另一台服务器上（" + where + "），不会跟随：请把 base_dn 设为本服务器上的部分"
}

func (r *reading) departments(ctx context.Context) error {
	c, bad := r.c, 0
	attrs := []string{r.d.idAttr}
	if r.d.kind == OpenLDAP {
		attrs = append(attrs, attrHasBelow)
	}
	got, err := c.list(ctx, listing{
		filter: r.d.ous, attrs: attrs, tally: &r.tally,
		reset: func() { r.tree, bad = newTree(c.base, r.d), 0 },
		each: func(_ *line, e *ldap.Entry) error {
			if !r.tree.add(e) {
				bad++
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	r.doubt(got, bad, "departments", "部门")
	r.tree.partial = got.partial != "" || bad > 0
	r.count.Departments(len(r.tree.ous))
	for i := range r.tree.ous {
		o := &r.tree.ous[i]
		parent := r.tree.above(o.name)
		r.doubtPlace(parent)
		r.filled[o.name.parent().key()] = true
		r.add(r.d.departmentObject(o, parent))
	}
	return nil
}

// doubtPlace marks the snapshot as incomplete when something stands in a
// department that we do not see.
func (r *reading) doubtPlace(v directory.Value) {
	if v.Permission() == permissionOU {
		r.b.Incomplete("an organizational unit is hidden, though what is in it can be seen: let the account read every entry below base_dn / 有组织单位不可见，但能看到其中的条目：请允许该账号读取 base_dn 下的全部条目")
	}
}

func (r *reading) people(ctx context.Context) error {
	c, bad, counted := r.c, 0, 0
	got, err := c.list(ctx, listing{
		filter: r.d.users, attrs: r.d.attributes, tally: &r.tally,
		reset: func() { r.spool, r.samples, bad, r.broken = newSpool(), nil, 0, 0 },
		each: func(l *line, e *ldap.Entry) error {
			p, ok, err := c.personOf(ctx, l, e)
			if err != nil {
				return err
			}
			if !ok {
				bad++
				return nil
			}
			r.take(e, &p)
			if n := len(r.spool.records); n > counted {
				r.count.Users(n - counted)
				counted = n
			}
			return nil
		},
	})
	if err != nil && (got.entries == 0 || fault.KindOf(err) == fault.Credential) {
		return err
	}
	if err != nil {
		r.b.Incomplete("%s", fault.Say(err))
	}
	r.doubt(got, bad, "people", "人员")
	return r.settle(ctx)
}

// take keeps a person, and notes what was seen.
func (r *reading) take(e *ldap.Entry, p *person) {
	n, err := parseName(e.DN)
	if err != nil {
		return // personOf took it
	}
	above, ours := n.parent().key(), r.c.ourselves(n, e)
	if !ours && len(r.samples) < samples && (len(r.samples) == 0 || !r.filled[above]) {
		r.samples = append(r.samples, e.DN)
	}
	r.filled[above] = true
	if !ours { // we may see more of ourselves than of others
		for _, a := range e.Attributes {
			base, _, _ := strings.Cut(a.Name, ";")
			r.seen[strings.ToLower(base)] = true
		}
	}
	r.broken += len(p.broken)
	p.object.Attributes[directory.AttrDepartments] = r.tree.above(n)
	r.spool.add(p, n)
}

// settle proves absences, turns names into references and adds everybody.
func (r *reading) settle(ctx context.Context) error {
	n := len(r.spool.records)
	s, err := r.c.look(ctx, r.d.users, n, &r.tally)
	if err != nil {
		return err
	}
	if s.blind, err = r.c.blind(ctx, r.seen, r.samples); err != nil {
		return err
	}
	r.c.sight.Store(&sight{blind: s.blind, at: r.c.o.Now()})
	var unseen []guid
	err = r.spool.drain(func(p *person) {
		id, _ := parseGUID(string(p.object.ID)) // we wrote it
		if len(unseen) < suspects && s.suspect(id) {
			unseen = append(unseen, id)
		}
		p.hide(r.d, func(attribute string) bool { return s.shows(id, attribute) })
		p.link(r.d, r.to)
		if plain, dn, ok := r.d.wished(&p.object); ok && r.spool.taken(dn) {
			r.d.rename(&p.object, plain)
		}
		r.doubtPlace(p.object.Attributes[directory.AttrDepartments])
		r.add(p.object)
	})
	if err != nil {
		return err
	}
	return r.still(ctx, unseen)
}

// to gives the id behind a DN.
func (r *reading) to(kind directory.Kind, dn string) (directory.ID, bool) {
	if kind == directory.User {
		return r.spool.user(dn)
	}
	n, err := parseName(dn)
	if err != nil {
		return "", false
	}
	id, ok := r.tree.ids[n.key()]
	return id.id(), ok
}

func (r *reading) add(o directory.Object) {
	r.b.Add(o)
	for _, v := range o.Attributes {
		// A value that leads elsewhere or is broken is no missing permission.
		if p := v.Permission(); v.Type() == directory.Unknown && p != permissionManager && p != permissionBroken {
			r.hidden[p] = true
		}
	}
}

// emptyOnes looks into departments that look empty though the server says that
// they are not: if nothing at all is to be seen there, access rules hide people
// from us. Only OpenLDAP says so.
func (r *reading) emptyOnes(ctx context.Context) error {
	var odd []string
	for i := range r.tree.ous {
		if o := &r.tree.ous[i]; o.hasBelow && !r.filled[o.name.key()] {
			odd = append(odd, o.name.dn)
		}
	}
	if r.base && !r.filled[r.c.base.key()] {
		odd = append(odd, r.c.o.BaseDN)
	}
	if len(odd) == 0 {
		return nil
	}
	return r.c.on(ctx, &r.c.calls, func(l *line) error {
		for _, dn := range odd {
			answer, err := r.c.search(ctx, l, query{base: dn, scope: ldap.ScopeSingleLevel, filter: anything, attrs: []string{"1.1"}, limit: 1})
			if err != nil {
				return err
			}
			r.tally.pages++
			if len(answer.Entries) == 0 && len(answer.Referrals) == 0 {
				r.b.Incomplete("there are entries that the account may not see: let it read every entry below base_dn / 有该账号看不到的条目：请允许它读取 base_dn 下的全部条目")
				return nil
			}
		}
		return nil
	})
}

func (r *reading) finish(ctx context.Context) (*directory.Snapshot, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	h := r.b.Health()
	h.Departments = len(r.tree.ous)
	h.Pages, h.Retries, h.Restarts = r.tally.pages, r.tally.retries, r.tally.restarts
	h.Took = r.c.o.Now().Sub(r.start)
	h.Scope = strings.Join([]string{r.d.kind, r.c.o.BaseDN, r.d.users, r.d.ous, r.c.o.BindDN}, " ")
	h.Hidden = slices.Sorted(maps.Keys(r.hidden))
	if r.broken > 0 {
		n := strconv.Itoa(r.broken)
		h.Problems = append(h.Problems, directory.Problem{
			Place: "ldap",
			Say:   n + " values have another form than their type and stay unknown: check the types under attributes / " + n + " 个值与声明的类型不符，视为未知：请检查 attributes 中的 type",
		})
	}
	s, _ := r.b.Finish()
	return s, nil
}
