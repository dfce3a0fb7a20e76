package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Whois gives what is known of a person in the given flows, in their order: where
// the person was found by the query, or is known by the same employee number,
// mail address or id. A system that does not answer is said to be unsure; nothing
// is written. Faults: NotFound when no flow knows one, or a flow is unknown;
// Conflict when several fit (the sentence lists them by name, department and the
// end of the employee number); Invalid for an empty query.
func (e *Engine) Whois(ctx context.Context, q run.Query, flows []string) ([]run.Profile, error) {
	all, err := e.find(ctx, q, flows)
	if err != nil {
		return nil, err
	}
	profiles := make([]run.Profile, len(all))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askAtOnce)
	for i := range all {
		g.Go(func() (err error) {
			w := &worker{Engine: e, flow: all[i].flow}
			defer w.caught(&err)
			profiles[i], err = e.profile(ctx, all[i])
			return err
		})
	}
	return profiles, g.Wait()
}

// askAtOnce bounds how many flows are asked at once: each holds its listing in
// memory meanwhile.
const askAtOnce = 3

// found is one person in one flow. A zero key means that several there are kin of
// the person, and nobody knows which is meant.
type found struct {
	flow   *Flow
	key    directory.Key // in the source
	user   directory.Object
	link   *mapping.Link // tombstones too; nil: there is none
	listed bool
	where  string // path of the first department
	ends   *ends
}

// ends name both systems of a flow.
type ends struct{ source, target string }

func (f *Flow) ends() *ends {
	name := func(c connector.Source) string {
		info := c.Describe()
		return info.Type + "\x00" + info.Tenant + "\x00"
	}
	return &ends{source: name(f.Source), target: name(f.Target)}
}

// find looks for one person: by the query in every flow, and then for the same
// person in the flows where the query finds nobody.
func (e *Engine) find(ctx context.Context, q run.Query, flows []string) ([]found, error) {
	s, err := e.sought(q)
	if err != nil {
		return nil, err
	}
	byFlow := map[string][]found{}
	var all []found
	listed := false
	for _, name := range flows {
		f, err := e.flow(name)
		if err != nil {
			return nil, err
		}
		there, has, err := e.search(ctx, f, s.fits)
		if err != nil {
			return nil, err
		}
		listed = listed || has
		byFlow[name] = there
		all = append(all, there...)
	}
	if len(all) == 0 {
		if all, err = e.strangers(ctx, q, flows); err != nil {
			return nil, err
		}
		for _, p := range all {
			byFlow[p.flow.Plan.Name] = []found{p}
		}
	}
	if len(all) == 0 {
		return nil, nobody(q, listed)
	}
	if persons := persons(all); len(persons) > 1 {
		return nil, several(persons)
	}
	return e.withKin(ctx, flows, byFlow, all)
}

// strangers asks the sources themselves for somebody whom no listing knows yet, by
// id. A source that does not answer knows nobody.
func (e *Engine) strangers(ctx context.Context, q run.Query, flows []string) ([]found, error) {
	ids := q.IDs
	if len(ids) == 0 {
		ids = []string{strings.TrimSpace(q.Text)}
	}
	byFlow := make([]*found, len(flows))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askAtOnce)
	for i, name := range flows {
		f := e.flows[name]
		g.Go(func() (err error) {
			w := &worker{Engine: e, flow: f}
			defer w.caught(&err)
			for _, id := range ids {
				key := directory.Key{Kind: directory.User, ID: directory.ID(bare(id))}
				if s, unsure := askOne(ctx, name, f.Source, key); unsure == "" && s.Presence == connector.Present {
					byFlow[i] = &found{flow: f, key: s.Object.Key, user: s.Object, ends: f.ends()}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []found
	for _, p := range byFlow {
		if p != nil {
			all = append(all, *p)
		}
	}
	return all, nil
}

// withKin gives the person in every flow, in the order of flows.
func (e *Engine) withKin(ctx context.Context, flows []string, byFlow map[string][]found, all []found) ([]found, error) {
	known := map[string]bool{}
	for _, p := range all {
		for _, token := range p.tokens() {
			known[token] = true
		}
	}
	kin := func(p found) bool {
		return slices.ContainsFunc(p.tokens(), func(token string) bool { return known[token] })
	}
	var out []found
	for _, name := range flows {
		if len(byFlow[name]) > 0 {
			out = append(out, byFlow[name]...)
			continue
		}
		f := e.flows[name]
		there, _, err := e.search(ctx, f, kin)
		if err != nil {
			return nil, err
		}
		if len(there) > 1 {
			there = []found{{flow: f}}
		}
		out = append(out, there...)
	}
	return out, nil
}

// search gives everybody in a flow who fits, and whether there is a complete
// listing: those who are listed, and those whom a link remembers.
func (e *Engine) search(ctx context.Context, f *Flow, fits func(found) bool) ([]found, bool, error) {
	links, err := e.o.Store.Links(ctx, f.Plan.Name)
	if err != nil {
		return nil, false, fmt.Errorf("load links: %w", err)
	}
	last, listed, err := e.o.Store.LastSnapshot(ctx, f.Plan.Name)
	if err != nil {
		return nil, false, fmt.Errorf("load last snapshot: %w", err)
	}
	bySource, live := indexed(links)
	var all []found
	systems := f.ends()
	take := func(p found) {
		p.flow, p.ends = f, systems
		if p.link != nil && !p.link.Live() && live[p.link.Target] {
			p.link = nil // the account has changed hands
		}
		if fits(p) {
			all = append(all, p)
		}
	}
	if listed {
		for o := range last.All(directory.User) {
			take(found{key: o.Key, user: o, link: bySource[o.Key], listed: true})
		}
	}
	for i := range links {
		l := &links[i]
		if l.Source.Kind == directory.User && (!listed || !last.Has(l.Source)) {
			take(found{key: l.Source, user: directory.Object{Key: l.Source, Attributes: l.Seen}, link: l})
		}
	}
	all = withoutPast(all)
	if listed {
		placed(all, last)
	}
	return all, listed, nil
}

// placed says in which department each was listed.
func placed(all []found, last *directory.Snapshot) {
	if len(all) == 0 {
		return
	}
	paths := mapping.Paths(last)
	for i := range all {
		all[i].where = firstPath(all[i].user, paths)
	}
}

// indexed gives links by source, and which target objects have a live one.
func indexed(links []mapping.Link) (bySource map[directory.Key]*mapping.Link, live map[directory.Key]bool) {
	bySource, live = map[directory.Key]*mapping.Link{}, map[directory.Key]bool{}
	for i := range links {
		bySource[links[i].Source] = &links[i]
		if links[i].Live() {
			live[links[i].Target] = true
		}
	}
	return bySource, live
}

func firstPath(user directory.Object, paths map[directory.ID]string) string {
	for _, ref := range user.Attributes[directory.AttrDepartments].Refs() {
		if path := paths[ref.ID]; path != "" {
			return path
		}
	}
	return ""
}

// tokens gives what tells that somebody in another flow is the same person: the
// employee number, the mail address, and the ids in both systems.
func (p found) tokens() []string {
	tokens := append(p.words(), p.ends.source+string(p.key.ID))
	if p.link != nil && p.link.Live() {
		tokens = append(tokens, p.ends.target+string(p.link.Target.ID))
	}
	return tokens
}

// words gives the tokens that a person bears in every system.
func (p found) words() []string {
	var words []string
	for _, name := range []string{directory.AttrEmployeeNo, directory.AttrEmail} {
		if text := known(p.user, name); text != "" {
			words = append(words, name+"\x00"+text)
		}
	}
	return words
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// withoutPast drops those whose account is deleted, and who are listed again under
// another id with the same employee number or mail address.
func withoutPast(all []found) []found {
	return slices.DeleteFunc(slices.Clone(all), func(p found) bool {
		past := !p.listed && p.link != nil && !p.link.Live()
		return past && slices.ContainsFunc(all, func(q found) bool { return q.listed && meet(p.words(), q.words()) })
	})
}

// known gives the normal form of an attribute, or "" when it is empty or hidden.
func known(o directory.Object, name string) string {
	v := o.Attributes[name]
	if v.Type() == directory.Unknown {
		return ""
	}
	return mapping.Normal(name, v.String())
}
