package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// One is one user as both systems show it now, to be planned alone. What is not
// told of the target is taken to be as the links say.
type One struct {
	Key directory.Key // in the source
	// Source is the user as the source shows it; nil: the source says that it is
	// gone.
	Source *directory.Object
	// Departments are source departments that the listing lacks.
	Departments []directory.Object
	// Target is the linked account, or, without a live link, the one under the id
	// that we would give; nil: the target says that there is none.
	Target *directory.Object
	// Partners are those of Around that are there, as the target shows them, with
	// the departments above. Missing are those that the target says are not there.
	Partners []directory.Object
	Missing  []directory.Key
}

// Around gives the target objects that matter for one user beside its account,
// departments before users: what its references are linked to, what the account
// refers to, and the accounts of those who share a match key with it. Of in,
// Source and Links count.
func Around(in Input, one One) []directory.Key {
	a := newAlone(in, one)
	wanted := map[directory.Key]bool{}
	for source, l := range a.linked {
		if source.Kind == directory.User && source != one.Key {
			wanted[l.Target] = true
		}
	}
	for _, v := range a.user().Attributes {
		for _, ref := range v.Refs() {
			if l, ok := a.linked[ref.Key]; ok {
				wanted[l.Target] = true
			}
		}
	}
	if one.Target != nil {
		for _, v := range one.Target.Attributes {
			for _, ref := range v.Refs() {
				wanted[ref.Key] = true
			}
		}
		delete(wanted, one.Target.Key)
	}
	return slices.SortedFunc(maps.Keys(wanted), func(x, y directory.Key) int { return cmp.Compare(x.String(), y.String()) })
}

// alone is the input of a plan of one user: the user, who shares a match key with
// it, the departments that they need, and what these are linked to.
type alone struct {
	whole  Input
	in     Input
	one    One
	source *directory.Builder
	target *directory.Builder
	added  map[directory.Key]bool // to the source
	linked map[directory.Key]mapping.Link
	links  map[directory.Key]mapping.Link // by source, live, of the whole flow
	fresh  map[directory.Key]directory.Object
}

func newAlone(in Input, one One) *alone {
	a := &alone{
		whole: in, in: in, one: one,
		source: directory.NewBuilder(in.Source.System, in.Source.TakenAt), target: directory.NewBuilder(in.Target.System, in.Now),
		added: map[directory.Key]bool{}, linked: map[directory.Key]mapping.Link{}, links: map[directory.Key]mapping.Link{},
		fresh: map[directory.Key]directory.Object{},
	}
	for _, l := range in.Links {
		if l.Live() {
			a.links[l.Source] = l
		}
	}
	for _, d := range one.Departments {
		a.fresh[d.Key] = d
	}
	a.addUser()
	a.addOwner()
	a.addTarget()
	a.in.Source, _ = a.source.Finish()
	a.in.Source.Health = in.Source.Health
	a.in.Target, _ = a.target.Finish()
	a.in.Links = slices.SortedFunc(maps.Values(a.linked), func(x, y mapping.Link) int {
		return cmp.Compare(x.Source.String(), y.Source.String())
	})
	a.in.LastGood, a.in.Recent, a.in.Only, a.in.Former, a.in.partial = nil, 0, Narrow{}, nil, true
	a.in.Gone = map[directory.Key]GoneAnswer{}
	if one.Source == nil {
		a.in.Gone[one.Key] = GoneConfirmed
	}
	if in.Rules != nil {
		a.in.Rules = oneJudge{Rules: in.Rules, key: one.Key, look: a.look}
	}
	return a
}

// addUser puts the user into the source, with the departments above and those who
// might be taken for the same person.
func (a *alone) addUser() {
	a.link(a.one.Key)
	user := a.user()
	if a.one.Source != nil {
		a.add(user)
	}
	for _, v := range user.Attributes {
		for _, ref := range v.Refs() {
			if ref.Kind == directory.User {
				a.referUser(ref.Key)
			} else {
				a.refer(ref.Key)
			}
		}
	}
	for _, rival := range a.rivals(user) {
		a.link(rival.Key)
		a.add(rival)
		for _, ref := range rival.Attributes[directory.AttrDepartments].Refs() {
			a.refer(ref.Key)
		}
	}
}

// addOwner brings in somebody else to whom the account is linked.
func (a *alone) addOwner() {
	for _, l := range a.links {
		if a.one.Target == nil || l.Target != a.one.Target.Key || l.Source == a.one.Key {
			continue
		}
		a.link(l.Source)
		if o, ok := a.whole.Source.Get(l.Source); ok {
			a.add(o)
		}
	}
}

func (a *alone) add(o directory.Object) {
	if !a.added[o.Key] {
		a.added[o.Key] = true
		a.source.Add(o)
	}
}

// refer brings in a department with all above it.
func (a *alone) refer(key directory.Key) {
	for key.Kind == directory.Department && !a.added[key] {
		a.link(key)
		d, ok := a.listed(key)
		if !ok {
			return
		}
		a.add(d)
		parent := d.Attributes[directory.AttrParent].Refs()
		if len(parent) == 0 {
			return
		}
		key = parent[0].Key
	}
}

// referUser brings in somebody to whom the user refers.
func (a *alone) referUser(key directory.Key) {
	a.link(key)
	o, _ := a.whole.Source.Get(key)
	for _, ref := range o.Attributes[directory.AttrDepartments].Refs() {
		a.refer(ref.Key)
	}
}

func (a *alone) listed(key directory.Key) (directory.Object, bool) {
	if o, ok := a.fresh[key]; ok {
		return o, true
	}
	return a.whole.Source.Get(key)
}

// link takes a live link over. What somebody who is gone was, the last listing
// knows, unless the link remembers it already.
func (a *alone) link(key directory.Key) {
	l, ok := a.links[key]
	if !ok {
		return
	}
	if key == a.one.Key && a.one.Source == nil && len(l.Seen) == 0 {
		if o, listed := a.whole.Source.Get(key); listed {
			l.Seen = o.Attributes
		}
	}
	a.linked[key] = l
}

// user gives the user as the source shows it, or as it was last seen.
func (a *alone) user() directory.Object {
	if a.one.Source != nil {
		return *a.one.Source
	}
	o := directory.Object{Key: a.one.Key, Active: true, Attributes: directory.Attributes{}}
	if l, ok := a.linked[a.one.Key]; ok {
		maps.Copy(o.Attributes, l.Seen)
	} else if listed, ok := a.whole.Source.Get(a.one.Key); ok {
		return listed
	}
	return o
}

// rivals gives the other users of the listing who hold a match key of the user or
// of its account.
func (a *alone) rivals(user directory.Object) []directory.Object {
	users := a.whole.Flow.Users
	held := map[string]bool{} // key and normal form
	for _, key := range users.Match() {
		values := []directory.Value{user.Attributes[key]}
		if a.one.Target != nil {
			values = append(values, a.one.Target.Attributes[users.Counterpart(key)])
		}
		for _, v := range values {
			if v.Type() != directory.Unknown && !v.IsEmpty() {
				held[key+"\x00"+mapping.Normal(key, v.String())] = true
			}
		}
	}
	var out []directory.Object
	for o := range a.whole.Source.All(directory.User) {
		shares := func(key string) bool {
			v := o.Attributes[key]
			return v.Type() != directory.Unknown && held[key+"\x00"+mapping.Normal(key, v.String())]
		}
		if o.Key != a.one.Key && slices.ContainsFunc(users.Match(), shares) {
			out = append(out, o)
		}
	}
	return out
}

// addTarget puts in what the target showed, and a stand-in for every other object
// that a link leads to.
func (a *alone) addTarget() {
	have := map[directory.Key]bool{}
	put := func(o directory.Object) {
		if !have[o.Key] {
			have[o.Key] = true
			a.target.Add(o)
		}
	}
	if a.one.Target != nil {
		put(*a.one.Target)
	}
	for _, o := range a.one.Partners {
		put(o)
	}
	for _, key := range a.one.Missing {
		have[key] = true
	}
	if l, ok := a.linked[a.one.Key]; ok {
		have[l.Target] = true // present in Target, or not there
	}
	for _, l := range a.linked {
		put(a.standIn(l))
	}
}

// standIn gives a linked target object that nobody looked at: a department as the
// source has it, so that its path is known; of a user nothing but the id.
func (a *alone) standIn(l mapping.Link) directory.Object {
	o := directory.Object{Key: l.Target, Active: true, Attributes: directory.Attributes{}}
	d, ok := a.listed(l.Source)
	if !ok || l.Source.Kind != directory.Department {
		return o
	}
	o.Attributes[directory.AttrName] = d.Attributes[directory.AttrName]
	o.Attributes[directory.AttrParent] = directory.RefsTo()
	for _, ref := range d.Attributes[directory.AttrParent].Refs() {
		parent, linked := a.links[ref.Key]
		if !linked {
			o.Attributes[directory.AttrParent] = directory.Hidden("")
			break
		}
		o.Attributes[directory.AttrParent] = directory.RefsTo(directory.Ref{Key: parent.Target})
	}
	return o
}

// look is how the rule sees the source: the whole listing, and this user as now.
func (a *alone) look(key directory.Key) (directory.Object, bool) {
	if key == a.one.Key && a.one.Source != nil {
		return *a.one.Source, true
	}
	if a.one.Source != nil {
		return a.listed(key)
	}
	if o, ok := a.listed(key); ok && key != a.one.Key {
		return o, true
	}
	l, ok := a.links[key]
	if key == a.one.Key {
		l, ok = a.linked[key]
	}
	if !ok || len(l.Seen) == 0 {
		return directory.Object{}, false
	}
	return directory.Object{Key: key, Active: true, Attributes: l.Seen}, true
}
