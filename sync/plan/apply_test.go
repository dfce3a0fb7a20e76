package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// tester is what a property and a test have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

var _ tester = testing.TB(nil)

// checkPlan sees that a plan keeps what every plan must keep.
func checkPlan(t tester, in plan.Input, p *plan.Plan) {
	t.Helper()
	checkNumbers(t, p)
	checkTrees(t, in, p)
	checkSafety(t, in, p)
	again, err := plan.Make(context.Background(), shuffled(in))
	if err != nil || again.Digest() != p.Digest() {
		t.Errorf("the same input in another order gives another plan: %v\n%s\n%s", err, p.Encode(), again.Encode())
	}
	back, err := plan.Decode(p.Encode())
	if err != nil || back.Digest() != p.Digest() {
		t.Errorf("the plan does not survive being stored: %v", err)
	}
}

// checkNumbers sees that changes are numbered, and need only what comes before.
func checkNumbers(t tester, p *plan.Plan) {
	t.Helper()
	creates := map[directory.Key]int{}
	for i, c := range p.Changes {
		if c.Seq != i+1 {
			t.Fatalf("change %d is numbered %d", i+1, c.Seq)
		}
		if c.Op == plan.Create {
			creates[c.Source] = c.Seq
		}
		for _, need := range c.Needs {
			if need < 1 || need >= c.Seq {
				t.Errorf("#%d needs #%d", c.Seq, need)
			}
		}
		for name, v := range c.After {
			for _, ref := range v.Refs() {
				if ref.Pending && !slices.Contains(c.Needs, creates[ref.Key]) {
					t.Errorf("#%d: %s refers to %s, which nothing before it creates", c.Seq, name, ref)
				}
			}
		}
	}
}

// checkTrees sees that departments come before users on create, users before
// departments on delete, and children before their parents on delete.
func checkTrees(t tester, in plan.Input, p *plan.Plan) {
	t.Helper()
	lastDepartment, firstUser, lastUserGone, firstDepartmentGone := 0, len(p.Changes)+1, 0, len(p.Changes)+1
	parents := map[directory.ID]directory.ID{}
	for o := range in.Target.All(directory.Department) {
		for _, ref := range o.Attributes[directory.AttrParent].Refs() {
			parents[o.ID] = ref.ID
		}
	}
	deleted := map[directory.ID]bool{}
	for _, c := range p.Changes {
		department := c.Key.Kind == directory.Department
		switch {
		case c.Op == plan.Create && department:
			lastDepartment = c.Seq
		case c.Op == plan.Create:
			firstUser = min(firstUser, c.Seq)
		case c.Op == plan.Delete && department:
			firstDepartmentGone = min(firstDepartmentGone, c.Seq)
			if parent, ok := parents[c.Key.ID]; ok && deleted[parent] {
				t.Errorf("#%d deletes %s after its parent %s", c.Seq, c.Key.ID, parent)
			}
			deleted[c.Key.ID] = true
		case c.Op.Destructive():
			lastUserGone = c.Seq
		}
	}
	if lastDepartment > firstUser {
		t.Errorf("#%d creates a department after a user (#%d)", lastDepartment, firstUser)
	}
	if lastUserGone > firstDepartmentGone {
		t.Errorf("#%d takes a user away after a department (#%d)", lastUserGone, firstDepartmentGone)
	}
}

// checkSafety sees that nothing is taken away that must not be.
func checkSafety(t tester, in plan.Input, p *plan.Plan) {
	t.Helper()
	linked := map[directory.Key]directory.Key{}
	for _, l := range in.Links {
		if l.Live() {
			linked[l.Source] = l.Target
		}
	}
	touched := map[directory.Key]plan.Op{}
	for _, c := range p.Changes {
		if !c.Op.Destructive() {
			for name, v := range c.After {
				if v.Type() == directory.Unknown {
					t.Errorf("#%d writes a hidden value to %s", c.Seq, name)
				}
			}
			continue
		}
		if !in.Source.Complete() {
			t.Errorf("#%d: %s on an incomplete source", c.Seq, c.Op)
		}
		if linked[c.Source] != c.Key && !p.Risk.Blocked {
			t.Errorf("#%d: %s of %s, which is not ours, is not blocked", c.Seq, c.Op, c.Key)
		}
		if c.Cause.Kind == "" || c.Cause.Kind == plan.CauseDiffers {
			t.Errorf("#%d: %s rests on %q", c.Seq, c.Op, c.Cause.Kind)
		}
		if before, twice := touched[c.Key]; twice {
			t.Errorf("#%d: %s of %s after %s", c.Seq, c.Op, c.Key, before)
		}
		touched[c.Key] = c.Op
		checkLooked(t, in, c)
	}
	owners := map[directory.Key]directory.Key{}
	for source, target := range linked {
		owners[target] = source
	}
	for _, c := range p.Changes {
		if owner, owned := owners[c.Key]; owned && owner != c.Source && c.Key.ID != "" {
			t.Errorf("#%d: %s of %s for %s, though it belongs to %s", c.Seq, c.Op, c.Key, c.Source, owner)
		}
		if c.Key.ID != "" {
			owners[c.Key] = c.Source
		}
	}
}

// checkLooked sees that what a rule looked at is as the source shows it, each once and
// in order.
func checkLooked(t tester, in plan.Input, c plan.Change) {
	t.Helper()
	for i, l := range c.Cause.Looked {
		if i > 0 && c.Cause.Looked[i-1].Key.String() >= l.Key.String() {
			t.Errorf("#%d: looked at %s after %s", c.Seq, l.Key, c.Cause.Looked[i-1].Key)
		}
		want := directory.Digest{}
		if o, there := in.Source.Get(l.Key); there {
			want = o.Digest()
		}
		if l.Fingerprint != want || l.Name == "" {
			t.Errorf("#%d: looked at %+v, want the fingerprint %s", c.Seq, l, want)
		}
	}
}

// shuffled gives the same input with everything in another order.
func shuffled(in plan.Input) plan.Input {
	r := rand.New(rand.NewPCG(1, 2))
	in.Links = slices.Clone(in.Links)
	r.Shuffle(len(in.Links), func(i, j int) { in.Links[i], in.Links[j] = in.Links[j], in.Links[i] })
	mix := func(s *directory.Snapshot) *directory.Snapshot {
		var all []directory.Object
		for _, kind := range []directory.Kind{directory.User, directory.Department} {
			for o := range s.All(kind) {
				all = append(all, o)
			}
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		b := directory.NewBuilder(s.System, s.TakenAt)
		for _, o := range all {
			b.Add(o)
		}
		*b.Health() = s.Health
		snap, _ := b.Finish()
		return snap
	}
	in.Source, in.Target = mix(in.Source), mix(in.Target)
	return in
}

// applied gives the input as it is after a plan was carried out to the letter:
// the target's objects and the links, and nothing else.
func applied(t tester, in plan.Input, p *plan.Plan) plan.Input {
	t.Helper()
	a := &applier{t: t, plan: p, objects: map[directory.Key]directory.Object{}, links: map[directory.Key]mapping.Link{}, in: in}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range in.Target.All(kind) {
			o.Attributes = o.Attributes.Clone()
			a.objects[o.Key] = o
		}
	}
	var tombstones []mapping.Link
	for _, l := range in.Links {
		if !l.Live() {
			tombstones = append(tombstones, l)
			continue
		}
		a.links[l.Source] = l
	}
	for i := range p.Changes {
		a.do(&p.Changes[i])
	}
	out := in
	b := directory.NewBuilder(in.Target.System, in.Target.TakenAt)
	for _, o := range a.objects {
		b.Add(o)
	}
	*b.Health() = in.Target.Health
	out.Target, _ = b.Finish()
	out.Links = tombstones
	for _, l := range a.links {
		out.Links = append(out.Links, l)
	}
	return out
}

type applier struct {
	t       tester
	plan    *plan.Plan
	in      plan.Input
	objects map[directory.Key]directory.Object
	links   map[directory.Key]mapping.Link // by source
}

func (a *applier) do(c *plan.Change) {
	l, key := a.links[c.Source], c.Key
	if c.Op == plan.Create && key.ID == "" {
		key.ID = directory.ID(fmt.Sprintf("given-%d-%d", len(a.objects), c.Seq))
	} else if key.ID == "" {
		key = l.Target
	}
	o, exists := a.objects[key]
	if exists == (c.Op == plan.Create) {
		a.t.Fatalf("#%d: %s of %s, which exists: %t", c.Seq, c.Op, key, exists)
	}
	switch c.Op {
	case plan.Create:
		o = directory.Object{Key: key, Active: true, Attributes: directory.Attributes{}}
		l = mapping.Link{Flow: a.in.Flow.Name, Source: c.Source, Target: key, Origin: mapping.Created, Since: a.in.Now}
	case plan.Adopt:
		l = mapping.Link{Flow: a.in.Flow.Name, Source: c.Source, Target: key, Origin: mapping.Adopted, Since: a.in.Now}
	case plan.Disable:
		o.Active, l.DisabledAt = false, a.in.Now
	case plan.Delete:
		l.DeletedAt = a.in.Now
		a.vacant(c)
	}
	a.write(c, &o, &l)
	a.objects[key] = o
	if c.Op == plan.Delete {
		delete(a.objects, key)
	}
	if l.Source.ID != "" {
		a.links[c.Source] = l
	}
}

// vacant sees that a department which vanished is empty by the time it is deleted,
// and that what emptied it is needed for that.
func (a *applier) vacant(c *plan.Change) {
	if c.Key.Kind != directory.Department || c.Cause.Kind != plan.CauseGone {
		return
	}
	inside := func(o directory.Object) bool {
		for _, v := range o.Attributes {
			if slices.Contains(v.Refs(), directory.Ref{Key: c.Key}) {
				return true
			}
		}
		return false
	}
	for _, o := range a.objects {
		if inside(o) {
			a.t.Errorf("#%d deletes %s, and %s is in it", c.Seq, c.Key, o.Key)
		}
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range a.in.Target.All(kind) {
			if needed := slices.ContainsFunc(c.Needs, func(seq int) bool { return a.plan.Changes[seq-1].Key == o.Key }); inside(o) && !needed {
				a.t.Errorf("#%d deletes %s, and does not need what becomes of %s", c.Seq, c.Key, o.Key)
			}
		}
	}
}

// write sets the change's values. Where the object hides an attribute it goes
// on doing so, and the link remembers what was written, as it was planned.
func (a *applier) write(c *plan.Change, o *directory.Object, l *mapping.Link) {
	l.Written = l.Written.Clone()
	if l.Written == nil {
		l.Written = directory.Attributes{}
	}
	for name, v := range c.After {
		if active, ok := v.Bool(); ok && name == directory.AttrActive {
			o.Active, l.DisabledAt = active, time.Time{}
			continue
		}
		l.Written[name] = v
		if o.Attributes[name].Type() != directory.Unknown {
			o.Attributes[name] = a.resolved(c, v)
		}
	}
}

func (a *applier) resolved(c *plan.Change, v directory.Value) directory.Value {
	refs := v.Refs()
	for i, ref := range refs {
		if !ref.Pending {
			continue
		}
		l, ok := a.links[ref.Key]
		if !ok || !l.Live() {
			a.t.Fatalf("#%d refers to %s, which does not exist yet", c.Seq, ref)
		}
		refs[i] = directory.Ref{Key: l.Target}
	}
	if refs == nil {
		return v
	}
	return directory.RefsTo(refs...)
}
