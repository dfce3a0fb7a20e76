package plan_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

const deletionEN, deletionZH = "the mailbox is lost", "邮箱会丢失"

// undoOf gives the input of the undo of a plan that was carried out to the letter;
// in is as it is afterwards.
func undoOf(in plan.Input, p *plan.Plan) plan.UndoInput {
	links := map[directory.Key]mapping.Link{}
	for _, l := range in.Links {
		if l.Live() {
			links[l.Source] = l
		}
	}
	deeds := map[int]plan.Deed{}
	for i := range p.Changes {
		c := &p.Changes[i]
		d := plan.Deed{Key: c.Key, Done: true, At: in.Now}
		if l, ok := links[c.Source]; ok {
			d.Key = l.Target
		}
		if was, known := c.Before[directory.AttrActive].Bool(); c.Op == plan.Disable && known && !was {
			d.Done = false // nothing was sent
		}
		deeds[c.Seq] = d
	}
	return plan.UndoInput{Input: in, Code: "7K3MQ2", Plan: p, Deeds: deeds, DeleteMeans: deletionEN + " / " + deletionZH}
}

// TestEveryUndo draws companies, carries out a plan, and takes it back: whatever
// the undo has no note about is as it was, and nothing but what the run created is
// ever deleted.
func TestEveryUndo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := company(rt, t)
		p := make1(rt, in)
		after := applied(rt, in, p)
		u := undoOf(after, p)
		undo := plan.Undo(u)
		checkUndo(rt, u, undo)
		u.Input = shuffled(u.Input)
		if again := plan.Undo(u); !bytes.Equal(again.Encode(), undo.Encode()) {
			rt.Fatalf("two undos of one input differ:\n%s\n%s", planText(undo), planText(again))
		}
		back := applied(rt, after, undo)
		noted := map[directory.Key]bool{}
		for _, n := range undo.Notes {
			noted[n.Key] = true
		}
		for _, c := range p.Changes {
			target, was := in.Target.Get(u.Deeds[c.Seq].Key)
			now, is := back.Target.Get(u.Deeds[c.Seq].Key)
			switch {
			case noted[c.Source]:
			case was != is:
				rt.Fatalf("#%d %s %s: there before: %t, now: %t\n%s", c.Seq, c.Op, c.Name, was, is, planText(undo))
			case was && !bytes.Equal(plainBytes(target), plainBytes(now)):
				rt.Fatalf("#%d %s %s was %v and is %v\n%s", c.Seq, c.Op, c.Name, target, now, planText(undo))
			}
		}
	})
}

// plainBytes gives an object's bytes, without attributes that have no value.
func plainBytes(o directory.Object) []byte {
	o.Attributes = o.Attributes.Clone()
	for name, v := range o.Attributes {
		if v.IsEmpty() {
			delete(o.Attributes, name)
		}
	}
	return directory.AppendObject(nil, o)
}

func checkUndo(t tester, u plan.UndoInput, undo *plan.Plan) {
	t.Helper()
	checkNumbers(t, undo)
	created := map[directory.Key]bool{}
	for _, c := range u.Plan.Changes {
		if c.Op == plan.Create && u.Deeds[c.Seq].Done {
			created[u.Deeds[c.Seq].Key] = true
		}
	}
	for _, c := range undo.Changes {
		switch {
		case c.Op == plan.Create || c.Op == plan.Adopt:
			t.Fatalf("an undo has a %s: %+v", c.Op, c)
		case c.Op == plan.Delete && !created[c.Key]:
			t.Fatalf("an undo deletes what the run did not create: %+v", c)
		case c.Cause.Kind != plan.CauseUndo:
			t.Fatalf("cause %q", c.Cause.Kind)
		}
	}
	if slices.Contains(codes(undo), plan.FindEmptySource) || slices.Contains(codes(undo), plan.FindShrink) || slices.Contains(codes(undo), plan.FindIncomplete) {
		t.Fatalf("an undo is held against the source: %v", codes(undo))
	}
}

// done is one user of the target after a run that did one thing to him.
type done struct {
	w *world
	u plan.UndoInput
}

// didUpdate gives a user whose name and title a run changed.
func didUpdate(t *testing.T) *done {
	d := &done{w: firm(t, 40, 0)}
	d.w.target.objects[7].Attributes["title"] = text("经理")
	c := plan.Change{
		Seq: 1, Op: plan.Update, Key: userKey("0007"), Source: userKey("0007"), Name: "人",
		Before: directory.Attributes{"name": text("旧名"), "title": text("")},
		After:  directory.Attributes{"name": text("人"), "title": text("经理")},
	}
	return d.with(c)
}

// didCreate gives a user whom a run created.
func didCreate(t *testing.T) *done {
	d := &done{w: firm(t, 40, 0)}
	d.w.in.Links[7].Since = now
	return d.with(plan.Change{
		Seq: 1, Op: plan.Create, Key: userKey("0007"), Source: userKey("0007"), Name: "人",
		After: directory.Attributes{"name": text("人"), "userid": text("0007")},
	})
}

// didDisable gives a user whom a run disabled.
func didDisable(t *testing.T) *done {
	d := &done{w: firm(t, 40, 0)}
	d.w.target.objects[7].Active = false
	d.w.in.Links[7].DisabledAt = now
	return d.with(plan.Change{
		Seq: 1, Op: plan.Disable, Key: userKey("0007"), Source: userKey("0007"), Name: "人",
		Before: directory.Attributes{"name": text("人"), directory.AttrActive: directory.BoolOf(true)},
	})
}

func (d *done) with(changes ...plan.Change) *done {
	d.u = plan.UndoInput{
		Code: "7K3MQ2", Deeds: map[int]plan.Deed{}, DeleteMeans: deletionEN + " / " + deletionZH,
		Plan: &plan.Plan{Source: plan.Side{System: "hr", Tenant: "hr-1"}, Target: plan.Side{Tenant: "corp-1"}, Changes: changes},
	}
	for _, c := range changes {
		d.u.Deeds[c.Seq] = plan.Deed{Key: userKey("0007"), Done: true, At: now}
	}
	return d
}

func (d *done) undo() *plan.Plan {
	d.u.Input = d.w.input()
	return plan.Undo(d.u)
}

func (d *done) attr() directory.Attributes { return d.w.target.objects[7].Attributes }

func TestUndo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		did    func(*testing.T) *done
		change func(*done)
		ops    []plan.Op
		notes  []plan.NoteKind
		tier   int
		codes  []string
	}{
		"an update": {did: didUpdate, ops: []plan.Op{plan.Update}},
		"an update that was voted on": {
			did: didUpdate, change: func(d *done) { d.u.Voted = true },
			ops: []plan.Op{plan.Update}, tier: 1, codes: []string{plan.FindUndo},
		},
		"changed since": {
			did: didUpdate, change: func(d *done) { d.attr()["title"] = text("总监") }, notes: []plan.NoteKind{plan.Kept},
		},
		"back already": {
			did:    didUpdate,
			change: func(d *done) { d.attr()["name"], d.attr()["title"] = text("旧名"), text("") }, notes: []plan.NoteKind{plan.Kept},
		},
		"the old value was hidden": {
			did: didUpdate, change: func(d *done) { d.u.Plan.Changes[0].Before["name"] = directory.Hidden("read:name") },
			ops: []plan.Op{plan.Update}, notes: []plan.NoteKind{plan.Irreversible},
		},
		"hidden now, nothing remembered": {
			did: didUpdate, change: func(d *done) { d.attr()["name"] = directory.Hidden("read:name") }, notes: []plan.NoteKind{plan.Unclear},
		},
		"hidden now, but remembered": {
			did: didUpdate, change: func(d *done) {
				d.attr()["name"] = directory.Hidden("read:name")
				d.w.in.Links[7].Written = directory.Attributes{"name": text("人")}
			}, ops: []plan.Op{plan.Update},
		},
		"not mapped any more": {
			did: didUpdate, change: func(d *done) {
				spec := d.w.spec[directory.User]
				spec.Rules = slices.DeleteFunc(spec.Rules, func(r mapping.Rule) bool { return r.To == "title" })
			}, ops: []plan.Op{plan.Update}, notes: []plan.NoteKind{plan.Irreversible},
		},
		"a department that is gone": {
			did: didUpdate, change: func(d *done) {
				ch := &d.u.Plan.Changes[0]
				ch.Before["departments"], ch.After["departments"] = directory.RefsToKind(directory.Department, "d5"), directory.RefsTo()
			}, ops: []plan.Op{plan.Update}, notes: []plan.NoteKind{plan.Lost},
		},
		"not linked any more": {
			did: didUpdate, change: func(d *done) { d.w.in.Links[7].DeletedAt = now }, notes: []plan.NoteKind{plan.Kept},
		},
		"linked to another account": {
			did: didUpdate, change: func(d *done) { d.w.in.Links[7].Target = userKey("x") }, notes: []plan.NoteKind{plan.Kept},
		},
		"gone from the target": {
			did: didUpdate, change: func(d *done) { d.w.target.objects = slices.Delete(d.w.target.objects, 7, 8) },
			notes: []plan.NoteKind{plan.Kept},
		},
		"not listed by the target": {
			did: didUpdate, change: func(d *done) {
				d.w.target.objects = slices.Delete(d.w.target.objects, 7, 8)
				d.w.targetNo = "page 3 failed"
			}, notes: []plan.NoteKind{plan.Unclear},
		},
		"in doubt": {
			did: didUpdate, change: func(d *done) { d.u.Deeds[1] = plan.Deed{InDoubt: true} }, notes: []plan.NoteKind{plan.Unclear},
		},
		"skipped":  {did: didUpdate, change: func(d *done) { d.u.Deeds[1] = plan.Deed{} }},
		"no entry": {did: didUpdate, change: func(d *done) { delete(d.u.Deeds, 1) }},
		"adopted": {
			did: didUpdate, change: func(d *done) { d.u.Plan.Changes[0].Op = plan.Adopt }, notes: []plan.NoteKind{plan.Irreversible},
		},
		"deleted": {
			did: didUpdate, change: func(d *done) { d.u.Plan.Changes[0].Op = plan.Delete }, notes: []plan.NoteKind{plan.Irreversible},
		},

		"a creation": {did: didCreate, ops: []plan.Op{plan.Delete}, tier: 1, codes: []string{plan.FindDelete}},
		"a creation, changed since": {
			did: didCreate, change: func(d *done) { d.attr()["name"] = text("改名") }, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, disabled since": {
			did: didCreate, change: func(d *done) { d.w.target.objects[7].Active = false }, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, hidden": {
			did: didCreate, change: func(d *done) { d.attr()["name"] = directory.Hidden("read:name") }, notes: []plan.NoteKind{plan.Unclear},
		},
		"a creation, made again": {
			did: didCreate, change: func(d *done) { d.w.in.Links[7].Since = now.Add(time.Second) }, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, to which a later run added something": {
			did: didCreate, change: func(d *done) {
				d.attr()["title"] = text("经理")
				d.w.in.Links[7].Written = directory.Attributes{"name": text("人"), "userid": text("0007"), "title": text("经理")}
			}, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, to which the run itself added something": {
			did: didCreate, change: func(d *done) {
				d.attr()["title"] = text("经理")
				d.w.in.Links[7].Written = directory.Attributes{"name": text("人"), "userid": text("0007"), "title": text("经理")}
				d.u.Plan.Changes = append(d.u.Plan.Changes, plan.Change{
					Seq: 2, Op: plan.Update, Key: userKey("0007"), Source: userKey("0007"), Needs: []int{1},
					Before: directory.Attributes{"title": text("")}, After: directory.Attributes{"title": text("经理")},
				})
				d.u.Deeds[2] = plan.Deed{Key: userKey("0007"), Done: true, At: now}
			}, ops: []plan.Op{plan.Update, plan.Delete}, tier: 1, codes: []string{plan.FindDelete},
		},
		"a creation, adopted": {
			did: didCreate, change: func(d *done) { d.w.in.Links[7].Origin = mapping.Adopted }, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, not deletable": {
			did: didCreate, change: func(d *done) { d.w.cannot = []string{"delete user"} }, notes: []plan.NoteKind{plan.Kept},
		},
		"a creation, protected": {
			did: didCreate, change: func(d *done) { d.w.in.Flow.Protect.Attributes["employee_no"] = []string{"0007"} }, ops: []plan.Op{plan.Delete}, tier: 4, codes: []string{plan.FindDelete, plan.FindProtected},
		},
		"a creation of whom no source tells any more whether it is protected": {
			did: didCreate, change: func(d *done) {
				d.w.in.Flow.Protect.Attributes["level"] = []string{"executive"}
				d.w.source.objects = slices.Delete(d.w.source.objects, 7, 8)
			}, ops: []plan.Op{plan.Delete}, tier: 4, codes: []string{plan.FindDelete, plan.FindProtected},
		},
		"a creation of whom the target tells that it is not protected": {
			did: didCreate, change: func(d *done) {
				d.w.in.Flow.Protect.Attributes["name"] = []string{"总裁"}
				d.w.source.objects = slices.Delete(d.w.source.objects, 7, 8)
			}, ops: []plan.Op{plan.Delete}, tier: 1, codes: []string{plan.FindDelete},
		},
		"a creation of who leads by now": {
			did: didCreate, change: func(d *done) {
				d.w.source.objects[3].Attributes["manager"] = directory.RefsToKind(directory.User, "0007")
			}, ops: []plan.Op{plan.Delete}, tier: 2, codes: []string{plan.FindDelete, plan.FindStaff},
		},
		"a creation after much was taken away today": {
			did: didCreate, change: func(d *done) { d.w.in.Recent = 10 },
			ops: []plan.Op{plan.Delete}, tier: 4, codes: []string{plan.FindDelete, plan.FindHardCap, plan.FindMany},
		},
		"a creation on which an update stands": {
			did: didCreate, change: func(d *done) {
				d.u.Plan.Changes = append(d.u.Plan.Changes, plan.Change{
					Seq: 2, Op: plan.Update, Key: userKey("0008"), Source: userKey("0008"), Needs: []int{1},
					Before: directory.Attributes{"title": text("")}, After: directory.Attributes{"title": text("x")},
				})
				d.u.Deeds[2] = plan.Deed{Key: userKey("0008"), Done: true, At: now}
				d.w.target.objects[8].Attributes["title"] = text("z") // changed since
			}, notes: []plan.NoteKind{plan.Kept, plan.Kept},
		},

		"a disable": {did: didDisable, ops: []plan.Op{plan.Update}},
		"a disable, enabled since": {
			did: didDisable, change: func(d *done) { d.w.target.objects[7].Active = true }, notes: []plan.NoteKind{plan.Kept},
		},
		"a disable, another one since": {
			did: didDisable, change: func(d *done) { d.w.in.Links[7].DisabledAt = now.Add(time.Hour) }, notes: []plan.NoteKind{plan.Kept},
		},
		"a disable, by hand since": {
			did: didDisable, change: func(d *done) { d.w.in.Links[7].DisabledAt = time.Time{} }, notes: []plan.NoteKind{plan.Kept},
		},
		"a disable of who was disabled": {
			did: didDisable, change: func(d *done) { d.u.Plan.Changes[0].Before[directory.AttrActive] = directory.BoolOf(false) },
			notes: []plan.NoteKind{plan.Kept},
		},
		"a disable of who may have been disabled": {
			did: didDisable, change: func(d *done) { d.u.Plan.Changes[0].Before[directory.AttrActive] = directory.Hidden("read:active") },
			notes: []plan.NoteKind{plan.Irreversible},
		},
		"a disable that is not seen any more": {
			did: didDisable, change: func(d *done) {
				d.attr()[directory.AttrActive] = directory.Hidden("read:active")
				d.w.target.objects[7].Active = true
			}, ops: []plan.Op{plan.Update},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.did(t)
			if c.change != nil {
				c.change(d)
			}
			p := d.undo()
			var ops []plan.Op
			for _, ch := range p.Changes {
				ops = append(ops, ch.Op)
			}
			var notes []plan.NoteKind
			for _, n := range p.Notes {
				notes = append(notes, n.Kind)
			}
			if !slices.Equal(ops, c.ops) || !slices.Equal(notes, c.notes) || p.Risk.Tier != c.tier || !slices.Equal(codes(p), c.codes) {
				t.Errorf("ops %v, notes %v, tier %d %v; want %v, %v, %d %v\n%s", ops, notes, p.Risk.Tier, codes(p), c.ops, c.notes, c.tier, c.codes, planText(p))
			}
			checkLanguages(t, p)
		})
	}
}

func TestUndoOfAnUpdateGivesTheOldValuesBack(t *testing.T) {
	t.Parallel()
	c := didUpdate(t).undo().Changes[0]
	if !c.After["name"].Equal(text("旧名")) || !c.After["title"].IsEmpty() || !c.Before["name"].Equal(text("人")) || !c.Before["title"].Equal(text("经理")) {
		t.Errorf("change %+v", c)
	}
	if c.SafeAlone(nil) {
		t.Error("emptying an attribute is harmless")
	}
}

func TestUndoOfAnEnablingIsADisable(t *testing.T) {
	t.Parallel()
	d := didUpdate(t)
	d.u.Plan.Changes[0].Before[directory.AttrActive], d.u.Plan.Changes[0].After[directory.AttrActive] = directory.BoolOf(false), directory.BoolOf(true)
	d.w.in.Flow.Approve.DisableOver = 0
	p := d.undo()
	if len(p.Changes) != 2 || p.Changes[0].Op != plan.Update || p.Changes[1].Op != plan.Disable || p.Risk.Tier != 1 {
		t.Fatalf("%s", planText(p))
	}
	if _, given := p.Changes[0].After[directory.AttrActive]; given || !p.Changes[1].Before["name"].Equal(text("旧名")) {
		t.Errorf("%+v", p.Changes)
	}
}

func TestUndoSaysThatTheSourceWasNotReadAndNeedsNone(t *testing.T) {
	t.Parallel()
	d := didCreate(t)
	d.u.Input = d.w.input()
	d.u.Source = nil
	p := plan.Undo(d.u)
	if p.Risk.Blocked || p.Counts().Delete != 1 || !strings.Contains(p.Source.Health.PartialFor, "7K3MQ2") || p.Source.Tenant != "hr-1" {
		t.Errorf("risk %+v, source %+v", p.Risk, p.Source)
	}
}

func TestUndoOfADeletionSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	d := didUpdate(t)
	d.u.Plan.Changes[0].Op = plan.Delete
	say := d.undo().Notes[0].Say
	if en, zh := fault.In(say, "en"), fault.In(say, "zh"); !strings.Contains(en, deletionEN) || !strings.Contains(zh, deletionZH) || strings.ContainsFunc(en, han) {
		t.Errorf("%q", say)
	}
}

// One change of a run is taken back alone, with what the run did to the same
// object later in sight.
func TestUndoOfOneChange(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string]bool{"as it was left": false, "changed since": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := didCreate(t)
			d.attr()["title"] = text("经理")
			d.u.Plan.Changes = append(d.u.Plan.Changes, plan.Change{
				Seq: 2, Op: plan.Update, Key: userKey("0007"), Source: userKey("0007"), Needs: []int{1},
				Before: directory.Attributes{"title": text("")}, After: directory.Attributes{"title": text("经理")},
			})
			d.u.Deeds[2] = plan.Deed{Key: userKey("0007"), Done: true, At: now}
			d.u.Item = 1
			if changed {
				d.attr()["title"] = text("总监")
			}
			if p := d.undo(); (p.Counts().Delete == 1) == changed || p.Counts().Total() > 1 {
				t.Errorf("%s", planText(p))
			}
			d.u.Item = 0
			p := d.undo()
			if changed && len(p.Changes) != 0 {
				t.Errorf("%s", planText(p))
			}
			if !changed && (len(p.Changes) != 2 || p.Changes[0].Op != plan.Update || p.Changes[1].Op != plan.Delete || !slices.Equal(p.Changes[1].Needs, []int{1}) || !p.Changes[1].Before["title"].IsEmpty()) {
				t.Errorf("%s", planText(p))
			}
		})
	}
}
