package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lend lets somebody stand in for a day.
func (w *world) lend(from, to string) {
	w.t.Helper()
	err := w.engine.Delegate(w.t.Context(), run.Delegation{From: from, To: to, Flow: "*", Until: w.now().Add(24 * time.Hour), By: by(from, "")})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestDelegateRefuses(t *testing.T) {
	t.Parallel()
	story(t, 3, admin, func(w *world) {
		good := run.Delegation{From: "周凯", To: "路人", Flow: "hr-to-corp", Until: w.now().Add(time.Hour), By: by("周凯", "")}
		for name, c := range map[string]struct {
			spoil func(*run.Delegation)
			kind  fault.Kind
		}{
			"no approver":           {func(d *run.Delegation) { d.From, d.By.Person = "李敏", "李敏" }, fault.Denied},
			"an admin":              {func(d *run.Delegation) { d.From, d.By.Person = "王芳", "王芳" }, fault.Denied},
			"somebody else's right": {func(d *run.Delegation) { d.By.Person = "陈悦" }, fault.Denied},
			"nobody":                {func(d *run.Delegation) { d.From, d.By.Person = "", "" }, fault.Denied},
			"to oneself":            {func(d *run.Delegation) { d.To = "周凯" }, fault.Invalid},
			"to a stranger":         {func(d *run.Delegation) { d.To = "钱七" }, fault.NotFound},
			"of no flow":            {func(d *run.Delegation) { d.Flow = "x" }, fault.NotFound},
			"in the past":           {func(d *run.Delegation) { d.Until = w.now() }, fault.Invalid},
			"without an end":        {func(d *run.Delegation) { d.Until = time.Time{} }, fault.Invalid},
			"for too long":          {func(d *run.Delegation) { d.Until = w.now().Add(30*24*time.Hour + time.Second) }, fault.Invalid},
		} {
			d := good
			c.spoil(&d)
			if err := w.engine.Delegate(w.t.Context(), d); fault.KindOf(err) != c.kind {
				w.t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		}
		if held, err := w.engine.Delegations(w.t.Context()); err != nil || len(held) != 0 {
			w.t.Errorf("holds %v, %v", held, err)
		}
		if err := w.engine.Delegate(w.t.Context(), good); err != nil {
			w.t.Fatal(err)
		}
		good.Until = good.Until.Add(time.Hour) // again: the later time counts
		if err := w.engine.Delegate(w.t.Context(), good); err != nil {
			w.t.Fatal(err)
		}
		lent := run.Delegation{From: "路人", To: "李敏", Flow: "*", Until: good.Until, By: by("路人", "")}
		if err := w.engine.Delegate(w.t.Context(), lent); fault.KindOf(err) != fault.Denied {
			w.t.Errorf("lent on: %v", err)
		}
		held, err := w.engine.Delegations(w.t.Context())
		if err != nil || len(held) != 1 || held[0].To != "路人" || !held[0].Until.Equal(good.Until) || held[0].At.IsZero() {
			w.t.Errorf("holds %+v, %v", held, err)
		}
		<-time.After(2 * time.Hour)
		if held, err := w.engine.Delegations(w.t.Context()); err != nil || len(held) != 0 {
			w.t.Errorf("holds %v, %v", held, err)
		}
	})
}

func (w *world) eligible(r run.Run, want ...string) {
	w.t.Helper()
	names, err := w.engine.Eligible(w.t.Context(), r.Code)
	if err != nil || !slices.Equal(names, want) {
		w.t.Errorf("eligible %v, %v; want %v", names, err, want)
	}
}

func TestADelegationIsForItsFlow(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		d := run.Delegation{From: "周凯", To: "路人", Flow: r.Flow, Until: w.now().Add(time.Hour), By: by("周凯", "")}
		if err := w.engine.Delegate(w.t.Context(), d); err != nil {
			w.t.Fatal(err)
		}
		w.eligible(r, "周凯", "陈悦", "路人")
		w.cast(ballot(r, by("路人", ""), 6), "")
		w.cast(ballot(r, by("陈悦", ""), 6), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestAVoteInSomebodysPlace(t *testing.T) {
	t.Parallel()
	story(t, 60, nil, func(w *world) {
		r := w.leave(6)
		w.eligible(r, "周凯", "陈悦")
		w.lend("周凯", "路人")
		w.eligible(r, "周凯", "陈悦", "路人")
		w.cast(ballot(r, by("路人", ""), 6), "")
		w.eligible(r, "陈悦")
		votes, _ := w.store.Votes(w.t.Context(), r.Code)
		if len(votes) != 1 || votes[0].For != "周凯" || votes[0].Whose() != "周凯" {
			w.t.Errorf("votes %+v", votes)
		}
		w.cast(ballot(r, by("周凯", ""), 6), fault.Conflict) // the two are one vote
		w.want(w.until(r.Code), run.Awaiting)
		w.cast(ballot(r, by("陈悦", ""), 6), "")
		w.want(w.until(r.Code), run.Succeeded)
		w.eligible(r)
	})
	story(t, 60, nil, func(w *world) { // the other way round
		r := w.leave(6)
		w.lend("周凯", "路人")
		w.cast(ballot(r, by("周凯", ""), 6), "")
		w.cast(ballot(r, by("路人", ""), 6), fault.Conflict)
		w.lend("陈悦", "路人") // stands in for the first that still counts
		w.eligible(r, "陈悦", "路人")
		w.cast(ballot(r, by("路人", ""), 6), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
	story(t, 60, nil, func(w *world) { // an approver votes for himself
		r := w.leave(6)
		w.lend("周凯", "陈悦")
		w.cast(ballot(r, by("陈悦", ""), 6), "")
		w.cast(ballot(r, by("周凯", ""), 6), "")
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestNoVoteInThePlaceOfWhoMayNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from   string
		change func(*world)
	}{
		"A7 who lent it asked":            {"李敏", func(w *world) { w.people[0].Roles[run.Approver] = []string{"*"} }},
		"A9 who lent it is in the plan":   {"周凯", func(w *world) { w.people[1].EmployeeNo = "0001" }},
		"A9 who stands in is in the plan": {"周凯", func(w *world) { w.people[3].EmployeeNo = "0001" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, c.change, func(w *world) {
				r := w.leave(1)
				w.lend(c.from, "路人")
				w.cast(ballot(r, by("路人", ""), 1), fault.Denied)
				if names, _ := w.engine.Eligible(w.t.Context(), r.Code); slices.Contains(names, "路人") || !slices.Contains(names, "陈悦") {
					w.t.Errorf("eligible %v", names)
				}
			})
		})
	}
}

// TestADelegationThatEnded sees that a vote falls with the delegation or the role
// of who lent it.
func TestADelegationThatEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world){
		"its time is over": func(w *world) { <-time.After(25 * time.Hour) },
		"A29 who lent it lost the role": func(w *world) {
			w.stop()
			delete(w.people[1].Roles, run.Approver)
			w.open()
		},
		"it was taken away": func(w *world) {
			d := run.Delegation{From: "周凯", To: "路人", Flow: "*"}
			if err := w.store.Set(w.t.Context(), run.Setting{Kind: run.SetDelegation, Name: d.Name(), By: by("周凯", "")}); err != nil {
				w.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 60, func(w *world) {
				w.flow.Plan.Approve.Expires, w.sweep = 72*time.Hour, time.Minute
				admin(w)
			}, func(w *world) {
				r := w.leave(6)
				w.lend("周凯", "路人")
				w.cast(ballot(r, by("路人", ""), 6), "")
				end(w)
				w.want(w.cast(ballot(r, by("陈悦", ""), 6), ""), run.Awaiting)
				w.cast(ballot(r, by("吴静", ""), 6), "")
				w.want(w.until(r.Code), run.Succeeded)
			})
		})
	}
}

func TestAnUnreadableDelegationLendsNothing(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.leave(1)
		until := w.now().Add(time.Hour).Format(time.RFC3339)
		for name, value := range map[string]string{
			"周凯 → 路人 @ *":  `{`,
			"周凯 → 李敏 @ *":  `{"from":"周凯","to":"路人","flow":"*","until":"` + until + `"}`, // another name than its value
			"周凯 → 路人 @ hr": `{"from":"周凯","to":"路人","flow":"hr","until":"` + until + `"}`,
		} {
			if err := w.store.Set(w.t.Context(), run.Setting{Kind: run.SetDelegation, Name: name, Value: []byte(value)}); err != nil {
				w.t.Fatal(err)
			}
		}
		w.cast(ballot(r, by("路人", ""), 1), fault.Denied)
		if w.target.objects[directory.Key{Kind: directory.User, ID: "0001"}].Active == false {
			w.t.Error("0001 was disabled")
		}
	})
}
