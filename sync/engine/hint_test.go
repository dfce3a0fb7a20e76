package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

// listening lets the flow listen to its source, and sweep rarely.
func listening(w *world) {
	w.sweep = time.Minute
	w.flow.OnChange = 30 * time.Second
}

func (w *world) hint(hints ...directory.Hint) {
	w.engine.Hint(w.t.Context(), "hr", hints)
}

func changed(id string) directory.Hint {
	return directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}}
}

// byEvent gives the runs that events began, newest first, each at rest.
func (w *world) byEvent() []run.Run {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), run.Filter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []run.Run
	for _, r := range runs {
		if r.Trigger == run.ByEvent {
			all = append(all, w.until(r.Code))
		}
	}
	return all
}

// mail gives a person of the source another mail address.
func (w *world) mail(id, address string) {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	key := directory.Key{Kind: directory.User, ID: directory.ID(id)}
	o := w.source.objects[key]
	o.Attributes = o.Attributes.Clone()
	o.Attributes["email"] = directory.TextOf(address)
	w.source.objects[key] = o
}

func (w *world) reads() (source, target int) {
	w.source.mu.Lock()
	source = w.source.reads
	w.source.mu.Unlock()
	w.target.mu.Lock()
	defer w.target.mu.Unlock()
	return source, w.target.reads
}

func TestAChangeByEventIsAppliedWithoutReadingEverything(t *testing.T) {
	t.Parallel()
	story(t, 5, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		source, target := w.reads()
		w.mail("0002", "new@x.cn")
		for range 50 { // they come in a burst, and again
			w.hint(changed("0002"))
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 {
			w.t.Fatalf("%d runs, want 1", len(runs))
		}
		r := w.want(runs[0], run.Succeeded)
		if r.Counts.Update != 1 || r.Counts.Total() != 1 || r.Objects != directory.KeysOf(changed("0002").Key) || r.By.Platform != run.Change {
			w.t.Errorf("run %+v", r)
		}
		if s, t2 := w.reads(); s != source || t2 != target {
			w.t.Errorf("%d and %d listings were read for one change", s-source, t2-target)
		}
		if last := w.target.done()[len(w.target.done())-1]; last != "UPDATE 0002" {
			w.t.Errorf("last effect %s", last)
		}
	})
}

func TestSomebodyNewByEventIsCreatedWithTheirNewDepartment(t *testing.T) {
	t.Parallel()
	story(t, 5, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		source, target := w.reads()
		w.source.put(directory.Department, "d9", "新部门", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d1")})
		w.source.put(directory.User, "0009", "新人", directory.Attributes{
			"employee_no": directory.TextOf("0009"), "departments": directory.RefsToKind(directory.Department, "d9"),
		})
		w.hint(changed("0009"))
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 {
			w.t.Fatalf("%d runs, want 1", len(runs))
		}
		r := w.want(runs[0], run.Succeeded)
		if r.Counts.Create != 2 || r.Counts.Total() != 2 || !w.target.has("0009") {
			w.t.Errorf("run %+v", r)
		}
		if s, t2 := w.reads(); s != source || t2 != target+1 {
			w.t.Errorf("%d and %d listings were read", s-source, t2-target)
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestNobodyLosesAnAccountByAnEventAlone(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		listening(w)
		w.flow.Plan.Leavers.When = map[string][]string{"email": {"left@x.cn"}}
		w.flow.Plan.Approve.DisableOver = 5
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		before := len(w.target.done())
		w.mail("0002", "left@x.cn")
		w.hint(changed("0002"))
		<-time.After(time.Minute)
		for _, r := range w.byEvent() {
			if r.Counts.Destructive() > 0 {
				w.t.Errorf("a run by event plans %+v", r.Counts)
			}
		}
		if n := len(w.target.done()); n != before {
			w.t.Errorf("effects %v", w.target.done()[before:])
		}
		if r := w.want(w.until(w.start(true).Code), run.Succeeded); r.Counts.Disable != 1 {
			w.t.Errorf("the full run plans %+v", r.Counts)
		}
	})
}

func TestWhoIsGoneByEventStartsAFullRunAndAVoteDecides(t *testing.T) {
	t.Parallel()
	story(t, 5, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.source.drop(directory.User, "0003")
		w.hint(directory.Hint{Key: changed("0003").Key, Gone: true})
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 || runs[0].Objects != "" {
			w.t.Fatalf("runs %+v, want a full one", runs)
		}
		waits := w.want(runs[0], run.Awaiting)
		if waits.Counts.Disable != 1 {
			w.t.Errorf("counts %+v", waits.Counts)
		}
		// Somebody else changes: that goes on beside the vote, and the vote stays open.
		w.mail("0004", "four@x.cn")
		w.hint(changed("0004"))
		<-time.After(time.Minute)
		if r := w.byEvent()[0]; r.State != run.Succeeded || r.Counts.Update != 1 {
			w.t.Errorf("beside the vote: %s %s %+v", r.State, r.Reason, r.Counts)
		}
		w.want(w.state(waits.Code), run.Awaiting)
		// A second one who is gone has to wait until ten minutes are over.
		w.source.drop(directory.User, "0005")
		w.hint(directory.Hint{Key: changed("0005").Key, Gone: true})
		<-time.After(time.Minute)
		if n := len(w.byEvent()); n != 2 {
			w.t.Errorf("%d runs by event, want 2", n)
		}
		<-time.After(10 * time.Minute)
		if newest := w.byEvent()[0]; newest.Counts.Disable != 2 || newest.State != run.Awaiting {
			w.t.Errorf("newest run %+v", newest)
		}
		w.want(w.state(waits.Code), run.Superseded)
	})
}

func TestAHintThatNamesNobodyStartsAFullRun(t *testing.T) {
	t.Parallel()
	story(t, 2, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.person(7)
		w.hint(directory.Hint{})
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 || runs[0].State != run.Succeeded || runs[0].Counts.Create != 1 {
			w.t.Fatalf("runs %+v", runs)
		}
	})
}

func TestManyHintsAreAFullRun(t *testing.T) {
	t.Parallel()
	story(t, 2, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		for i := range 500 {
			w.hint(changed(fmt.Sprintf("%04d", i)))
		}
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 || runs[0].Objects != "" || runs[0].State != run.NothingToDo {
			w.t.Fatalf("runs %+v", runs)
		}
	})
}

func TestAnEventAboutSomebodyUnknownEndsInAFullRun(t *testing.T) {
	t.Parallel()
	story(t, 2, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.hint(changed("nobody"))
		<-time.After(2 * time.Minute)
		runs := w.byEvent()
		if len(runs) != 2 || runs[0].Objects != "" || runs[0].State != run.NothingToDo || runs[1].State != run.NothingToDo {
			w.t.Fatalf("runs %+v", runs)
		}
	})
}

func TestAShrunkSourceStopsTheFlow(t *testing.T) {
	t.Parallel()
	story(t, 2, func(w *world) { w.sweep = time.Minute }, func(w *world) { // even when it does not listen
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.hint(directory.Hint{Shrunk: true})
		<-time.After(time.Second)
		all, err := w.engine.Pauses(w.t.Context())
		if err != nil || len(all) != 1 || !all[0].Auto || !strings.Contains(all[0].Why, "hr") {
			w.t.Fatalf("pauses %+v, %v", all, err)
		}
		if len(w.told(run.EventAlarm)) != 1 {
			w.t.Errorf("alarms %v", w.told(run.EventAlarm))
		}
	})
}

func TestAChangedConfigurationIsNotAppliedByEvents(t *testing.T) {
	t.Parallel()
	story(t, 2, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.stop()
		w.flow.Config = "config-2"
		w.open()
		w.mail("0001", "new@x.cn")
		before := len(w.target.done())
		w.hint(changed("0001"))
		<-time.After(time.Minute)
		runs := w.byEvent()
		if len(runs) != 1 || runs[0].State != run.Planned || runs[0].Reason == "" {
			w.t.Fatalf("runs %+v", runs)
		}
		if n := len(w.target.done()); n != before {
			w.t.Errorf("effects %v", w.target.done()[before:])
		}
	})
}

func TestAPausedFlowLeavesHintsToTheNextFullRun(t *testing.T) {
	t.Parallel()
	story(t, 2, listening, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		w.pause(run.Pause{Why: "x"})
		w.mail("0001", "new@x.cn")
		w.hint(changed("0001"))
		<-time.After(time.Minute)
		w.resume()
		<-time.After(time.Hour)
		if runs := w.byEvent(); len(runs) != 0 {
			w.t.Errorf("runs %+v", runs)
		}
	})
}

// TestEchoesDoNotLoop lets two flows write into each other's source by mappings
// that never agree, and every write come back as an event.
func TestEchoesDoNotLoop(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		listening(w)
		back, err := mapping.Compile(mapping.Spec{Match: []string{"userid"}, Rules: []mapping.Rule{
			{To: "employee_no", From: "userid"}, {To: "email", Template: "{{ .email }}x"},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
		there := w.flow
		there.Plan.Name, there.From, there.To = "corp-to-hr", "corp", "hr"
		there.Source, there.Target = w.target, w.source
		there.Plan.Users, there.Plan.Departments = back, nil
		w.more = append(w.more, there)
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		_, err := w.engine.Start(w.t.Context(), run.Request{
			ID: "there", Flow: "corp-to-hr", Apply: true, Trigger: run.ByCommand, By: person("李敏"),
		})
		if err != nil {
			w.t.Fatal(err)
		}
		<-time.After(time.Second)
		w.mail("0002", "start@x.cn")
		seen := 0
		w.hint(changed("0002"))
		for range 40 { // each effect comes back as an event of the system that it was made in
			<-time.After(time.Minute)
			for _, system := range []struct {
				name string
				at   *place
			}{{"corp", w.target}, {"hr", w.source}} {
				done := system.at.done()
				for _, effect := range done {
					_, id, _ := strings.Cut(effect, " ")
					w.engine.Hint(w.t.Context(), system.name, []directory.Hint{changed(id)})
				}
				seen = len(done)
			}
		}
		if n := len(w.target.done()) + len(w.source.done()); n > 30 {
			w.t.Errorf("%d effects in 40 minutes, %d of the last system: it goes round and round", n, seen)
		}
	})
}

func TestOnlyAnEventNamesObjects(t *testing.T) {
	t.Parallel()
	story(t, 1, nil, func(w *world) {
		_, err := w.engine.Start(w.t.Context(), run.Request{
			ID: "x", Flow: flowName, Apply: true, Trigger: run.ByCommand, By: person("李敏"), Objects: directory.KeysOf(changed("0001").Key),
		})
		if err == nil {
			w.t.Error("a command may name objects")
		}
	})
}
