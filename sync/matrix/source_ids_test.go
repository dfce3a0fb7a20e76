package matrix

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestS11_IDsUsedAgain gives the number of somebody to somebody else, at once, or after
// the first has left and lost the account. Nobody gets the account of the other without
// a person's vote; in a directory, where the new entry is another object, not even then.
func TestS11_IDsUsedAgain(t *testing.T) {
	t.Parallel()
	eachSource(t, nil, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		other := func(no string) person {
			p := w.c.people[no]
			p.name, p.mobile, p.email = "另一个人", "1371111"+no[1:], "other"+no[1:]+"@example.com"
			return p
		}
		for name, left := range map[string]bool{"at once": false, "after leaving": true} {
			no := number(7)
			if left {
				no = number(12)
			}
			next := other(no)
			if left || src.name == "ldap" || src.name == "feishu" || src.name == "scim" { // another person has another id there
				w.from.leave(no)
				w.from.flush(w.c)
				if left {
					w.agree(w.run())
				}
			}
			w.from.set(w.c, next)
			w.c.people[no] = next
			w.from.flush(w.c)
			before := w.to.look().people[no]
			writes := w.target.writes.Load()
			r := w.run()
			if after := w.to.look().people[no]; !sameHeld(before, after) || w.target.writes.Load() != writes {
				t.Errorf("%s: the account of %s is %+v after no vote, was %+v: the run is %s\n%s", name, no, after, before, r.State, w.trouble(r))
			}
			w.disputed(name, no, r)
			if r.State == run.Awaiting {
				w.reject(r)
			}
			delete(w.c.people, no)
			w.from.leave(no)
			w.from.flush(w.c)
			w.agree(w.run())
		}
	})
}

// disputed sees that a person is told of somebody who may be another.
func (w *faultWorld) disputed(name, no string, r run.Run) {
	w.t.Helper()
	made, err := w.store.Plan(w.t.Context(), r.Code)
	check(w.t, err)
	for _, n := range made.Notes {
		if n.Kind == plan.Conflict && bilingual(n.Say) {
			return
		}
	}
	for _, f := range made.Risk.Reasons {
		if f.Code == plan.FindAnother && r.State == run.Awaiting {
			return
		}
	}
	w.t.Errorf("%s: nobody is told of %s: the run is %s, %+v\n%s", name, no, r.State, made.Risk, w.trouble(r))
}

// reject lets an approver refuse a run.
func (w *faultWorld) reject(r run.Run) {
	w.t.Helper()
	_, err := w.engine.Decide(w.t.Context(), run.Vote{
		Run: r.Code, Decision: run.Reject, By: run.Actor{Person: "周凯"}, Typed: run.Restated{Total: -1, Delete: -1, Disable: -1},
	})
	check(w.t, err)
}

// TestS11_TombstoneNames lets people be marked as having left, and get another name,
// address and number in the same moment, as Entra renames whoever it deletes. They are
// disabled, and nothing of that is written.
func TestS11_TombstoneNames(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"dingtalk"}, func(t *testing.T, src *tampered) { // it marks nobody
		w := newFaultWorld(t, src, faultOptions{})
		w.leaves = []string{number(7), number(12)}
		before := map[string]held{}
		for _, no := range w.leaves {
			before[no] = w.to.look().people[no]
			p := w.c.people[no]
			p.name, p.email, p.mobile = "已删除-"+p.name, "deleted-"+p.email, "1399999"+no[1:]
			w.from.set(w.c, p)
			w.from.suspend(no)
			delete(w.c.people, no)
		}
		w.from.flush(w.c)
		r := w.control()
		if r.Counts.Update != 0 {
			t.Errorf("%d updates\n%s", r.Counts.Update, w.trouble(r))
		}
		for no, was := range before {
			now := w.to.look().people[no]
			if was.active = false; !sameHeld(now, was) {
				t.Errorf("%s is %+v, was %+v", no, now, was)
			}
		}
		for _, no := range w.leaves { // and later it is gone for good
			w.from.leave(no)
		}
		w.from.flush(w.c)
		if r := w.run(); r.State != run.NothingToDo {
			t.Errorf("gone for good: the run is %s, %+v\n%s", r.State, r.Counts, w.trouble(r))
		}
	})
}
