package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (w *world) tryUndo(code run.Code, item int) (run.Run, error) {
	w.asked++
	return w.engine.Start(w.t.Context(), run.Request{
		ID: fmt.Sprintf("req-%d", w.asked), Flow: flowName, Trigger: run.ByCommand, By: person("李敏"), Undoes: code, Item: item,
	})
}

// undo takes a run back, or one change of it, and gives the new run at rest.
func (w *world) undo(code run.Code, item int) run.Run {
	w.t.Helper()
	r, err := w.tryUndo(code, item)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.until(r.Code)
}

// approved gives everything in a run its votes and waits for its end.
func (w *world) approved(r run.Run) run.Run {
	w.t.Helper()
	if r.State != run.Awaiting {
		return r
	}
	typed := run.Restated{Delete: r.Counts.Delete, Disable: r.Counts.Disable, Total: r.Counts.Total()}
	for _, who := range []string{"周凯", "陈悦"}[:r.Votes] {
		if _, err := w.engine.Decide(w.t.Context(), run.Vote{Run: r.Code, Decision: run.Approve, By: person(who), Typed: typed}); err != nil {
			w.t.Fatal(err)
		}
	}
	if r.Tier >= plan.SteppedUp {
		if _, err := w.engine.StepUp(w.t.Context(), r.Code, run.Actor{Person: "周凯", Channel: run.FromCLI}); err != nil {
			w.t.Fatal(err)
		}
		<-time.After(11 * time.Minute) // it cools off
	}
	return w.until(r.Code)
}

func (w *world) plan(code run.Code) *plan.Plan {
	w.t.Helper()
	p, err := w.store.Plan(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// notes gives what a plan says of its notes of a kind.
func (w *world) notes(code run.Code, kind plan.NoteKind) []string {
	var says []string
	for _, n := range w.plan(code).Notes {
		if n.Kind == kind {
			says = append(says, n.Say)
		}
	}
	return says
}

// left lets somebody go and gives the applied run.
func (w *world) left(id string) run.Run {
	w.t.Helper()
	w.source.drop(directory.User, id)
	return w.want(w.approved(w.until(w.start(true).Code)), run.Succeeded)
}

func TestWhatCannotBeUndoneIsRefused(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		first := w.until(w.start(true).Code)
		nothing := w.until(w.start(true).Code)
		planned := w.until(w.start(false).Code)
		w.source.drop(directory.User, "0007")
		open := w.want(w.until(w.start(true).Code), run.Awaiting)
		for name, c := range map[string]struct {
			code run.Code
			item int
			kind fault.Kind
		}{
			"unknown":         {"ZZZZZZ", 0, fault.NotFound},
			"nothing to do":   {nothing.Code, 0, fault.Conflict},
			"only planned":    {planned.Code, 0, fault.Conflict},
			"not ended":       {open.Code, 0, fault.Conflict},
			"no such item":    {first.Code, 99, fault.Invalid},
			"a negative item": {first.Code, -1, fault.Invalid},
		} {
			if _, err := w.tryUndo(c.code, c.item); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		}
		for name, req := range map[string]run.Request{
			"a viewer": {ID: "v", Flow: flowName, Trigger: run.ByCommand, By: person("路人"), Undoes: first.Code},
			"nobody":   {ID: "n", Flow: flowName, Trigger: run.ByCommand, Undoes: first.Code},
		} {
			if _, err := w.engine.Start(w.t.Context(), req); fault.KindOf(err) != fault.Denied {
				w.t.Errorf("%s: %v", name, err)
			}
		}
		_, err := w.engine.Start(w.t.Context(), run.Request{ID: "f", Flow: "other", Trigger: run.ByCommand, By: person("李敏"), Undoes: first.Code})
		if fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("another flow: %v", err)
		}
		w.pause(run.Pause{})
		if _, err := w.tryUndo(first.Code, 0); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("in a pause: %v", err)
		}
	})
}

func TestA33_AnUndoneCreationIsADeletionAndNeedsItsVote(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		looks := w.source.lookups
		w.source.fail = fault.New(fault.Credential, "wrong secret / 密钥错误") // the source is not needed
		r := w.want(w.undo(made.Code, 0), run.Awaiting)
		if r.Counts.Delete != 1 || r.Counts.Total() != 1 || r.Tier != 1 || r.Votes != 1 || !r.Apply || r.Undoes != made.Code || !w.target.has("0031") {
			w.t.Fatalf("run %+v", r)
		}
		if c := w.plan(r.Code).Changes[0]; c.Cause.Kind != plan.CauseUndo || !strings.Contains(c.Reason, string(made.Code)) || c.Before["email"].String() != "u0031@x.cn" {
			w.t.Errorf("change %+v", c)
		}
		for who, kind := range map[string]fault.Kind{"李敏": fault.Denied, "路人": fault.Denied} {
			if _, err := w.vote(r.Code, who, 1, -1); fault.KindOf(err) != kind {
				w.t.Errorf("%s votes: %v", who, err)
			}
		}
		if _, err := w.vote(r.Code, "周凯", 2, -1); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("a wrong count: %v", err)
		}
		w.want(w.approved(r), run.Succeeded)
		if w.target.has("0031") || w.link("0031") || w.source.lookups != looks {
			w.t.Errorf("0031 is there: %v, linked: %v, source asked %d times", w.target.has("0031"), w.link("0031"), w.source.lookups-looks)
		}
		w.source.fail = nil
		again := w.want(w.undo(made.Code, 0), run.NothingToDo)
		if notes := w.notes(again.Code, plan.Kept); len(notes) != 1 {
			w.t.Errorf("notes %v", notes)
		}
		// It is made again, by another run: that is not what the first one made.
		<-time.After(time.Minute)
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.want(w.undo(made.Code, 0), run.NothingToDo)
		if !w.target.has("0031") {
			w.t.Error("0031 is gone")
		}
	})
}

func TestA33_AnUndoneDisableNeedsAVoteAndCanBeUndone(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		gone := w.left("0007")
		r := w.want(w.undo(gone.Code, 0), run.Awaiting)
		if r.Counts.Update != 1 || r.Counts.Total() != 1 || r.Votes != 1 || w.target.active("0007") {
			w.t.Fatalf("run %+v", r)
		}
		w.want(w.approved(r), run.Succeeded)
		if !w.target.active("0007") {
			w.t.Fatal("0007 is not active")
		}
		<-time.After(time.Minute)
		back := w.want(w.undo(r.Code, 0), run.Awaiting)
		if back.Counts.Disable != 1 || back.Counts.Total() != 1 {
			w.t.Fatalf("undo of an undo: %+v", back.Counts)
		}
		w.want(w.approved(back), run.Succeeded)
		if w.target.active("0007") {
			w.t.Error("0007 is active")
		}
		// The first DISABLE is not the one that holds now.
		again := w.want(w.undo(gone.Code, 0), run.NothingToDo)
		if notes := w.notes(again.Code, plan.Kept); len(notes) != 1 || w.target.active("0007") {
			w.t.Errorf("notes %v", notes)
		}
	})
}

func TestAnUpdateIsTakenBackUnlessSomebodyChangedItSince(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.until(w.start(true).Code)
		before := w.target.bytes()
		for _, id := range []string{"0003", "0004"} {
			w.source.objects[user(id)].Attributes["name"] = directory.TextOf("改名" + id)
		}
		changed := w.want(w.until(w.start(true).Code), run.Succeeded)
		one := w.want(w.undo(changed.Code, 2), run.Succeeded)
		if one.Outcome.Done != 1 || one.Outcome.Total() != 1 || one.UndoItem != 2 {
			w.t.Errorf("outcome %+v", one.Outcome)
		}
		w.target.mu.Lock()
		w.target.objects[user("0003")].Attributes["name"] = directory.TextOf("手工改的")
		w.target.mu.Unlock()
		r := w.want(w.undo(changed.Code, 0), run.NothingToDo)
		if notes := w.notes(r.Code, plan.Kept); len(notes) != 2 {
			w.t.Errorf("notes %v", notes)
		}
		w.target.mu.Lock()
		w.target.objects[user("0003")].Attributes["name"] = directory.TextOf("改名0003")
		w.target.mu.Unlock()
		w.want(w.undo(changed.Code, 0), run.Succeeded)
		if !slices.Equal(w.target.bytes(), before) {
			w.t.Error("the target is not as it was")
		}
	})
}

func TestADeletedAccountDoesNotComeBack(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		rarely(w)
		w.flow.Plan.Leavers.First = plan.Delete
	}, func(w *world) {
		w.until(w.start(true).Code)
		r := w.want(w.undo(w.left("0007").Code, 0), run.NothingToDo)
		notes := w.notes(r.Code, plan.Irreversible)
		if len(notes) != 1 || !strings.Contains(fault.In(notes[0], "en"), "cannot be brought back") || !strings.Contains(fault.In(notes[0], "zh"), "无法") {
			w.t.Errorf("notes %v", notes)
		}
		if w.target.has("0007") || len(w.plan(r.Code).Notes) != 1 || w.plan(r.Code).Source.Health.PartialFor == "" {
			w.t.Errorf("plan %+v", w.plan(r.Code))
		}
	})
}

func TestAnUndoLearnsNothingOfTheSource(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		links, _ := w.store.Links(w.t.Context(), flowName)
		links[3].LeftRuns = 2
		w.put(links[3])
		before, _, err := w.store.LastSnapshot(w.t.Context(), flowName)
		if err != nil {
			w.t.Fatal(err)
		}
		w.person(32)
		w.want(w.approved(w.undo(made.Code, 0)), run.Succeeded)
		after, _, err := w.store.LastSnapshot(w.t.Context(), flowName)
		links, _ = w.store.Links(w.t.Context(), flowName)
		if err != nil || after.Digest() != before.Digest() || links[3].LeftRuns != 2 {
			w.t.Errorf("snapshot changed: %v, left %d runs, %v", after.Digest() != before.Digest(), links[3].LeftRuns, err)
		}
	})
}

func TestAnUndoReplacesWhatWaitsAndOutlivesWhatFindsNothing(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.drop(directory.User, "0007")
		open := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.undo(made.Code, 1), run.Awaiting)
		w.want(w.until(open.Code), run.Superseded)
		w.person(7)
		undo := w.want(w.undo(made.Code, 0), run.Awaiting)
		w.want(w.until(w.start(true).Code), run.NothingToDo)
		w.want(w.until(undo.Code), run.Awaiting)
		// The same deletion by the source's word is another matter than the undo.
		w.flow.Plan.Leavers.First = plan.Delete
		w.stop()
		w.open()
		w.source.drop(directory.User, "0031")
		leaver := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.until(undo.Code), run.Superseded)
		if leaver.Counts.Delete != 1 {
			w.t.Errorf("counts %+v", leaver.Counts)
		}
	})
}

func TestAnObjectThatChangesWhileTheUndoWaitsIsNotTouched(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		r := w.want(w.undo(made.Code, 0), run.Awaiting)
		w.target.mu.Lock()
		w.target.objects[user("0031")].Attributes["email"] = directory.TextOf("other@x.cn")
		w.target.mu.Unlock()
		r = w.want(w.approved(r), run.Partial)
		if r.Outcome.Skipped != 1 || !w.target.has("0031") {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
	})
}

func TestOnlyWhatWasDoneIsTakenBackAfterACancel(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		rarely(w)
	}, func(w *world) {
		w.until(w.start(true).Code)
		before := w.target.bytes()
		for i := 31; i <= 36; i++ {
			w.person(i)
		}
		n := 0
		w.target.after = func(connector.Write) error {
			if n++; n == 3 {
				go func() {
					r, _ := w.store.Runs(w.t.Context(), run.Filter{Limit: 1})
					_, _ = w.engine.Stop(w.t.Context(), r[0].Code, person("李敏"), "")
				}()
				<-time.After(time.Second)
			}
			return nil
		}
		r := w.want(w.until(w.start(true).Code), run.Cancelled)
		w.target.after = nil
		undo := w.want(w.approved(w.undo(r.Code, 0)), run.Succeeded)
		if r.Outcome.Done != 3 || undo.Counts.Delete != 3 || undo.Counts.Total() != 3 || !slices.Equal(w.target.bytes(), before) {
			w.t.Errorf("outcome %+v, counts %+v", r.Outcome, undo.Counts)
		}
	})
}

func TestAWorkerThatDiesInAnUndoIsReplaced(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		w.until(w.start(true).Code)
		before := w.target.bytes()
		for i := 61; i <= 64; i++ {
			w.person(i)
		}
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		r := w.want(w.undo(made.Code, 0), run.Awaiting)
		n, dead := 0, make(chan struct{})
		w.target.after = func(connector.Write) error {
			if n++; n == 2 {
				close(dead)
				<-time.After(time.Second)
			}
			return nil
		}
		w.agree(r)
		<-dead
		w.stop()
		w.target.after = nil
		w.open()
		r = w.want(w.until(r.Code), run.Succeeded)
		w.noTwice()
		if r.Outcome.Done != 4 || !slices.Equal(w.target.bytes(), before) {
			w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done())
		}
	})
}

// bytes gives the canonical bytes of everything in a system; an attribute without
// a value is none.
func (p *place) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := directory.NewBuilder(p.name, time.Time{})
	for _, o := range p.objects {
		o.Attributes = o.Attributes.Clone()
		for name, v := range o.Attributes {
			if v.IsEmpty() {
				delete(o.Attributes, name)
			}
		}
		b.Add(o)
	}
	snap, _ := b.Finish()
	var all []byte
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for record := range snap.Records(kind) {
			all = append(all, record...)
		}
	}
	return all
}

// shuffle changes a company at random, within what votes can carry.
func (w *world) shuffle(random *rand.Rand) {
	somebody := func() string { return fmt.Sprintf("%04d", 1+random.IntN(60)) }
	department := "d2"
	if random.IntN(2) == 0 {
		department = "d9"
		w.source.put(directory.Department, "d9", "新部门", directory.Attributes{"parent": directory.RefsToKind(directory.Department, []directory.ID{"d1", "d2"}[random.IntN(2)])})
	}
	for i := range random.IntN(4) {
		w.person(61 + i)
		o := w.source.objects[user(fmt.Sprintf("%04d", 61+i))]
		o.Attributes["departments"] = directory.RefsToKind(directory.Department, directory.ID(department))
		o.Attributes["manager"] = directory.RefsToKind(directory.User, "0061")
		w.source.objects[user(somebody())].Attributes["manager"] = directory.RefsToKind(directory.User, o.ID)
	}
	for range random.IntN(12) {
		a := w.source.objects[user(somebody())].Attributes
		switch random.IntN(5) {
		case 0:
			a["name"] = directory.TextOf(fmt.Sprint("改名", random.IntN(3)))
		case 1:
			delete(a, "email")
		case 2:
			a["email"] = directory.TextOf(somebody() + "@y.cn")
		case 3:
			a["departments"] = directory.RefsToKind(directory.Department, directory.ID(department), "d1")
		case 4:
			a["manager"] = directory.RefsToKind(directory.User, directory.ID(somebody()))
		}
	}
	if random.IntN(3) == 0 {
		w.source.objects[directory.Key{Kind: directory.Department, ID: "d2"}].Attributes["name"] = directory.TextOf("平台部")
	}
	for range random.IntN(4) {
		id := somebody()
		if _, there := w.source.objects[user(id)]; there && !w.leads(id) {
			delete(w.source.objects, user(id))
		}
	}
}

func (w *world) leads(id string) bool {
	for _, o := range w.source.objects {
		for _, ref := range o.Attributes["manager"].Refs() {
			if string(ref.ID) == id {
				return true
			}
		}
	}
	return false
}

func TestAnUndoneRunLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for seed := range seeds(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			story(t, 60, nil, func(w *world) {
				w.until(w.start(true).Code)
				before := w.target.bytes()
				w.shuffle(random)
				r := w.approved(w.until(w.start(true).Code))
				if r.State == run.NothingToDo {
					return
				}
				w.want(r, run.Succeeded)
				changed := w.target.bytes()
				undo := w.want(w.approved(w.undo(r.Code, 0)), run.Succeeded)
				if got := w.target.bytes(); !slices.Equal(got, before) {
					w.t.Fatalf("seed %d: %+v became %+v, and the target is not as it was; notes %+v", seed, r.Counts, undo.Counts, w.plan(undo.Code).Notes)
				}
				if undo.Counts.Create+undo.Counts.Disable+undo.Counts.Adopt != 0 || undo.Counts.Delete != r.Counts.Create {
					w.t.Errorf("seed %d: %+v became %+v", seed, r.Counts, undo.Counts)
				}
				if r.Counts.Create > 0 { // what is deleted does not come back by an undo
					return
				}
				w.want(w.approved(w.undo(undo.Code, 0)), run.Succeeded)
				if !slices.Equal(w.target.bytes(), changed) {
					w.t.Errorf("seed %d: the undo of the undo is not what the run had left", seed)
				}
			})
		})
	}
}

func TestAnUndoWithNothingToTakeBackReplacesNothing(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.person(31)
		made := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.target.drop(directory.User, "0031")
		w.source.drop(directory.User, "0007")
		open := w.want(w.until(w.start(true).Code), run.Awaiting)
		w.want(w.undo(made.Code, 0), run.NothingToDo)
		w.want(w.until(open.Code), run.Awaiting)
	})
}

func TestAnUndoTouchesNoAccountThatIsNotOursAnyMore(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		r := w.want(w.undo(w.left("0007").Code, 0), run.Awaiting)
		links, _ := w.store.Links(w.t.Context(), flowName)
		for _, l := range links {
			if l.Source == user("0007") {
				l.DeletedAt = w.now()
				w.put(l)
			}
		}
		if r = w.want(w.approved(r), run.Partial); r.Outcome.Skipped != 1 || w.target.active("0007") {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
	})
}

// A department can be deleted once the undo itself has moved the last one out of
// it, though another department was deleted, and the target read, before that.
func TestAnUndoDeletesTheDepartmentsThatItEmpties(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		rarely(w)
	}, func(w *world) {
		w.until(w.start(true).Code)
		before := w.target.bytes()
		parent := func(id directory.ID) directory.Attributes {
			return directory.Attributes{"parent": directory.RefsToKind(directory.Department, id)}
		}
		w.source.put(directory.Department, "d8", "新一层", parent("d1"))
		w.source.put(directory.Department, "d2", "平台组", parent("d8"))
		w.source.put(directory.Department, "d9", "新小组", parent("d2"))
		made := w.want(w.approved(w.until(w.start(true).Code)), run.Succeeded)
		if made.Counts.Create != 2 || made.Counts.Update != 1 {
			w.t.Fatalf("counts %+v", made.Counts)
		}
		r := w.want(w.approved(w.undo(made.Code, 0)), run.Succeeded)
		if r.Counts.Delete != 2 || !slices.Equal(w.target.bytes(), before) {
			w.t.Errorf("counts %+v", r.Counts)
		}
	})
}

func TestAPartOfAFlowIsPlannedAndNotApplied(t *testing.T) {
	t.Parallel()
	story(t, 3, nil, func(w *world) {
		req := run.Request{ID: "part", Flow: flowName, Trigger: run.ByCommand, By: person("李敏"), Dept: "研发部", Kind: directory.User, Apply: true}
		if _, err := w.engine.Start(w.t.Context(), req); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("apply: %v", err)
		}
		req.Apply = false
		r, err := w.engine.Start(w.t.Context(), req)
		if err != nil || r.Dept != "研发部" || r.Kind != directory.User {
			w.t.Fatalf("plan: %+v, %v", r, err)
		}
		w.want(w.until(r.Code), run.Planned)
	})
}

// An undo asks neither mapping nor rules: it does not tell that a new
// configuration is right.
func TestAnUndoIsNoProofOfANewConfiguration(t *testing.T) {
	t.Parallel()
	story(t, 3, rarely, func(w *world) {
		first := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.objects[user("0003")].Attributes["name"] = directory.TextOf("改名")
		changed := w.want(w.until(w.start(true).Code), run.Succeeded)
		w.stop()
		w.flow.Config = "config-2"
		w.flow.Schedule = every(time.Hour)
		w.open()
		w.want(w.undo(changed.Code, 0), run.Succeeded)
		<-time.After(61 * time.Minute)
		all := w.scheduled()
		if len(all) != 1 || all[0].Votes != 1 || first.Config == w.flow.Config {
			w.t.Fatalf("runs %+v", all)
		}
		w.want(w.until(all[0].Code), run.Awaiting)
	})
}

// TestAnUndoneDisableLeavesWhatIsKnownOfALeaver has an operator who sees that an
// executive was disabled, takes it back, protects executives, and syncs again.
func TestAnUndoneDisableLeavesWhatIsKnownOfALeaver(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.source.objects[directory.Key{Kind: directory.User, ID: "0007"}].Attributes["level"] = directory.TextOf("executive")
		w.until(w.start(true).Code)
		r := w.left("0007")
		w.want(w.approved(w.undo(r.Code, 0)), run.Succeeded)
		if !w.target.active("0007") {
			w.t.Fatal("it is not taken back")
		}
		w.stop()
		w.flow.Plan.Protect.Attributes = map[string][]string{"level": {"executive"}}
		w.open()
		w.want(w.until(w.start(true).Code), run.Blocked)
	})
}
