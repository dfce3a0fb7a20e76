package engine_test

import (
	"context"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lagging is a target whose listing shows somebody where he was.
type lagging struct {
	*place
	listed map[directory.ID]directory.Object
}

// Describe tells that departments are references: hidden ones are not empty ones.
func (l *lagging) Describe() connector.Info {
	info := l.place.Describe()
	info.Attributes = append(info.Attributes, connector.Attribute{Kind: directory.User, Name: "department", Type: directory.Refs})
	return info
}

func (l *lagging) Read(ctx context.Context) (*directory.Snapshot, error) {
	snap, err := l.place.Read(ctx)
	if err != nil || len(l.listed) == 0 {
		return snap, err
	}
	b := directory.NewBuilder(snap.System, snap.TakenAt)
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range snap.All(kind) {
			if old, late := l.listed[o.ID]; late {
				o = old
			}
			b.Add(o)
		}
	}
	snap, _ = b.Finish()
	return snap, nil
}

// emptying gives an open run that moves 0001 and 0002 out of a department that
// vanished, and deletes it: #1, #2 and #3.
func emptying(w *world) run.Run {
	w.t.Helper()
	w.until(w.start(true).Code)
	for _, id := range []directory.ID{"0001", "0002"} {
		w.source.objects[directory.Key{Kind: directory.User, ID: id}].Attributes["departments"] = directory.RefsToKind(directory.Department, "d2")
	}
	w.source.drop(directory.Department, "d3")
	r := w.want(w.until(w.start(true).Code), run.Awaiting)
	if r.Counts.Update != 2 || r.Counts.Delete != 1 || r.Counts.Total() != 3 {
		w.t.Fatalf("counts %+v", r.Counts)
	}
	return r
}

func withVanishing(w *world) {
	w.flow.Plan.DeleteGoneDepartments = true
	w.source.put(directory.Department, "d3", "旧部门", nil)
	for _, id := range []directory.ID{"0001", "0002"} {
		w.source.objects[directory.Key{Kind: directory.User, ID: id}].Attributes["departments"] = directory.RefsToKind(directory.Department, "d3")
	}
}

func TestADepartmentThatTheRunEmptiesIsDeletedInIt(t *testing.T) {
	t.Parallel()
	story(t, 4, withVanishing, func(w *world) {
		r := emptying(w)
		w.agree(r)
		w.want(w.until(r.Code), run.Succeeded)
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		if w.link("d3") {
			w.t.Errorf("the department is still linked; effects %v", w.target.done())
		}
	})
}

// described is a target with one attribute more, that it hides.
type described struct {
	*place
	attribute connector.Attribute
}

func (d *described) Describe() connector.Info {
	info := d.place.Describe()
	info.Attributes = append(info.Attributes, d.attribute)
	return info
}

// TestAHiddenManagerKeepsNoDepartment: DingTalk's listings show none, and a directory
// none that it cannot find. Other references that are hidden may be to a department.
func TestAHiddenManagerKeepsNoDepartment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attribute connector.Attribute
		want      run.State
	}{
		"the manager":                {connector.Attribute{Name: "manager"}, run.Succeeded},
		"the system's name for it":   {connector.Attribute{Name: "leader_id", Means: "manager"}, run.Succeeded},
		"something else":             {connector.Attribute{Name: "leads"}, run.Partial},
		"something else called such": {connector.Attribute{Name: "leader_id"}, run.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := func(w *world) {
				withVanishing(w)
				c.attribute.Kind, c.attribute.Type = directory.User, directory.Refs
				w.target.hidden[c.attribute.Name] = "listings / 列表"
				w.flow.Target = &described{w.target, c.attribute}
			}
			story(t, 4, setup, func(w *world) {
				r := emptying(w)
				w.agree(r)
				w.want(w.until(r.Code), c.want)
				if w.link("d3") != (c.want == run.Partial) {
					w.t.Errorf("effects %v", w.target.done())
				}
			})
		})
	}
}

func TestADepartmentStaysWhenAMoveIsHeldOrFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vote  func(*world, run.Run)
		step  string
		fails bool
	}{
		"a move is held back": {vote: func(w *world, r run.Run) {
			w.cast(run.Vote{Run: r.Code, Decision: run.Approve, By: by("周凯", ""), Typed: run.Restated{Delete: -1, Disable: -1, Total: 1}, Hold: list("#2")}, "")
		}, step: "held back by 周凯 / 由周凯保留"},
		"a move fails": {vote: func(w *world, r run.Run) { w.agree(r) }, step: "needs #2, which was not done / 依赖的第 2 项没有完成", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 4, withVanishing, func(w *world) {
				r := emptying(w)
				if c.fails {
					w.target.before = func(wr connector.Write) error {
						if wr.Key.ID == "0002" {
							return fault.New(fault.Denied, "no / 不行")
						}
						return nil
					}
				}
				c.vote(w, r)
				r = w.want(w.until(r.Code), run.Partial)
				if said := w.says(r); said[3] != c.step || r.Outcome.Done != 1 || !w.link("d3") {
					w.t.Errorf("said %v, outcome %+v", said, r.Outcome)
				}
			})
		})
	}
}

// TestWhoWasMovedIsAskedForByID: a listing may show for a while who has been moved.
func TestWhoWasMovedIsAskedForByID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after func(w *world, old directory.Value)
		state run.State
	}{
		"the listing lags":    {func(*world, directory.Value) {}, run.Succeeded},
		"somebody moved back": {func(w *world, old directory.Value) { w.target.objects[userKey("0002")].Attributes["department"] = old }, run.Partial},
		"nobody can tell":     {func(w *world, _ directory.Value) { w.target.hidden["department"] = "contacts" }, run.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var late *lagging
			story(t, 4, func(w *world) {
				withVanishing(w)
				late = &lagging{place: w.target, listed: map[directory.ID]directory.Object{}}
				w.flow.Target = late
			}, func(w *world) {
				r := emptying(w)
				old := w.target.objects[userKey("0002")]
				old.Attributes = old.Attributes.Clone()
				w.target.after = func(wr connector.Write) error {
					if wr.Op == plan.Update && wr.Key.ID == "0002" {
						late.listed["0002"] = old
						c.after(w, old.Attributes["department"])
					}
					return nil
				}
				w.agree(r)
				r = w.want(w.until(r.Code), c.state)
				if w.link("d3") == (c.state == run.Succeeded) {
					w.t.Errorf("outcome %+v, said %v", r.Outcome, w.says(r))
				}
			})
		})
	}
}

func userKey(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }
