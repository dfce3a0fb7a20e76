package ldapdir

import (
	"context"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// sight is what was learned of visible attributes. An attribute that an entry
// does not show is taken as empty only when two things hold: the server says of
// the entry that it knows whether it has the attribute (see visible), and, in
// Active Directory, where that may be said of attributes that are hidden, the
// attribute was seen on somebody or the account may write it.
type sight struct {
	// whole are the entries that show whether they have every attribute.
	whole map[guid]bool
	// each are those that show it of one attribute, for the attributes for which
	// some do not; in lower case.
	each map[string]map[guid]bool
	// blind are attributes that nobody shows and that we may not write.
	blind map[string]bool
	// failed: it could not be found out.
	failed bool
	// at is when blind was learned.
	at time.Time
}

// sightFor is how long what a listing learned of attributes that nobody shows
// stands. Later it is asked for afresh: a right may have been taken away since.
const sightFor = 10 * time.Minute

// shows tells whether an entry's lack of an attribute is proven.
func (s *sight) shows(id guid, attribute string) bool {
	key := strings.ToLower(attribute)
	switch {
	case s.failed || s.blind[key]:
		return false
	case s.whole[id]:
		return true
	default:
		return s.each[key][id]
	}
}

// look finds out for the people that a filter finds who shows what. n is how many
// they are.
func (c *Connector) look(ctx context.Context, filter string, n int, t *tally) (*sight, error) {
	d := c.dialect.Load()
	s := &sight{each: map[string]map[guid]bool{}, blind: map[string]bool{}}
	if n == 0 {
		return s, nil
	}
	var err error
	if s.whole, err = c.matching(ctx, "(&"+filter+d.presence+")", t); err != nil {
		return s.fail(ctx, c, err)
	}
	if len(s.whole) >= n {
		return s, nil
	}
	for _, attribute := range d.tested() {
		ids, err := c.matching(ctx, "(&"+filter+visible(attribute)+")", t)
		if err != nil {
			return s.fail(ctx, c, err)
		}
		s.each[strings.ToLower(attribute)] = ids
	}
	return s, nil
}

// fail notes that nothing is proven, unless the reading as a whole has to end.
func (s *sight) fail(ctx context.Context, c *Connector, err error) (*sight, error) {
	if fault.KindOf(err) == fault.Credential || ctx.Err() != nil {
		return s, err
	}
	c.o.Logger.WarnContext(ctx, "visibility of attributes unknown", "err", err)
	s.failed = true
	return s, nil
}

// tested are the attributes whose absence needs proof.
func (d *dialect) tested() []string {
	var out []string
	for _, a := range d.attributes[1:] {
		if strings.Contains(d.presence, visible(a)) {
			out = append(out, a)
		}
	}
	return out
}

// matching gives the ids of what a filter finds.
func (c *Connector) matching(ctx context.Context, filter string, t *tally) (map[guid]bool, error) {
	d := c.dialect.Load()
	var ids map[guid]bool
	got, err := c.list(ctx, listing{
		filter: filter, attrs: []string{d.idAttr}, tally: t,
		reset: func() { ids = map[guid]bool{} },
		each: func(_ *line, e *ldap.Entry) error {
			if id, ok := d.idOf(e); ok {
				ids[id] = true
			}
			return nil
		},
	})
	if err == nil && got.partial != "" {
		return ids, nil // whoever is missing counts as not proven
	}
	return ids, err
}

// effective gives the attributes of an entry that the account may write, in lower
// case. Only Active Directory tells.
func effective(e *ldap.Entry) map[string]bool {
	out := map[string]bool{}
	for _, a := range e.GetEqualFoldAttributeValues(attrEffective) {
		out[strings.ToLower(a)] = true
	}
	return out
}

// samples is of how many people it is asked what we may write.
const samples = 5

// blind finds the attributes that no entry showed and that we may not write,
// asking about a few entries. Our own account is none of them: everybody may
// write some attributes of their own.
func (c *Connector) blind(ctx context.Context, seen map[string]bool, examples []string) (map[string]bool, error) {
	d := c.dialect.Load()
	if d.kind != AD {
		return map[string]bool{}, nil
	}
	unseen := map[string]bool{}
	for _, a := range d.tested() {
		if key := strings.ToLower(a); !seen[key] {
			unseen[key] = true
		}
	}
	if len(unseen) == 0 || len(examples) == 0 {
		return unseen, nil
	}
	out := map[string]bool{}
	err := c.on(ctx, &c.calls, func(l *line) error { return c.forbidden(ctx, l, examples, unseen, out) })
	return out, err
}

// forbidden notes in out which attributes the account may not write of one of a
// few entries.
func (c *Connector) forbidden(ctx context.Context, l *line, examples []string, of, out map[string]bool) error {
	for _, dn := range examples {
		e, ok, err := c.one(ctx, l, query{base: dn, attrs: []string{attrEffective}})
		if err != nil {
			return err
		}
		var may map[string]bool
		if ok {
			may = effective(e)
		}
		for a := range of {
			out[a] = out[a] || !may[a]
		}
	}
	return nil
}

// blindOn gives what blind gives, for those who are asked for by id: from the last
// listing, or, when there was none of late, by asking on the connection at hand
// whether anybody shows each attribute.
func (c *Connector) blindOn(ctx context.Context, l *line) (map[string]bool, error) {
	if last := c.sight.Load(); l.d.kind != AD || last != nil && c.o.Now().Sub(last.at) < sightFor {
		if last == nil {
			return map[string]bool{}, nil
		}
		return last.blind, nil
	}
	unseen, blind := map[string]bool{}, map[string]bool{}
	for _, a := range l.d.tested() {
		others, err := c.others(ctx, l, "(&"+l.d.users+"("+a+"=*))", 1)
		if err != nil {
			return nil, err
		}
		if len(others) == 0 {
			unseen[strings.ToLower(a)] = true
		}
	}
	if len(unseen) > 0 {
		examples, err := c.others(ctx, l, l.d.users, samples)
		if err != nil {
			return nil, err
		}
		if len(examples) == 0 {
			blind = unseen
		}
		if err := c.forbidden(ctx, l, examples, unseen, blind); err != nil {
			return nil, err
		}
	}
	c.sight.Store(&sight{blind: blind, at: c.o.Now()})
	return blind, nil
}

// others gives the names of up to n people whom a filter finds, besides our own
// account.
func (c *Connector) others(ctx context.Context, l *line, filter string, n int) ([]string, error) {
	answer, err := c.search(ctx, l, query{scope: ldap.ScopeWholeSubtree, filter: filter, attrs: []string{"userPrincipalName", "sAMAccountName"}, limit: n + 1})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range answer.Entries {
		if name, err := parseName(e.DN); err == nil && len(out) < n && !c.ourselves(name, e) {
			out = append(out, e.DN)
		}
	}
	return out, nil
}
