package bot

import (
	"context"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// applied makes a run that ended and changed something.
func (w *world) applied() run.Code {
	w.t.Helper()
	code := w.awaits(aPlan())
	w.service.entries[code] = []run.Entry{{Seq: 1, Step: run.StepDone}, {Seq: 2, Step: run.StepSkipped}, {Seq: 3, Step: run.StepInDoubt}}
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Partial, run.Outcome{Done: 1, Skipped: 1, InDoubt: 1} })
	w.settle()
	return code
}

func TestUndo(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"ops", "team"} {
		w := newWorld(t)
		code := w.applied()
		w.log.Reset()
		w.command("Wu Di", room, Command{Verb: Undo, Code: code})
		w.command("Li Min", room, Command{Verb: Undo, Code: nthCode(99)})
		w.command("Boss", "wall", Command{Verb: Undo, Code: code})
		w.command("Li Min", "direct", Command{Verb: Undo, Code: code})
		w.command("Li Min", room, Command{Verb: Undo, Code: code, Item: 2})
		w.command("Li Min", room, Command{Verb: Undo, Code: code, Item: 9})
		open := w.awaits(aPlan())
		w.command("Li Min", room, Command{Verb: Undo, Code: open})
		w.service.move(open, run.EventMoved, func(r *run.Run) { r.State = run.Rejected })
		w.settle()
		w.command("Li Min", room, Command{Verb: Undo, Code: open})
		w.b.flow("hr-to-wecom").Paused = true
		w.command("Li Min", room, Command{Verb: Undo, Code: code})
		w.b.flow("hr-to-wecom").Paused = false
		if n := len(w.service.order); n != 2 {
			t.Errorf("refused commands made %d runs", n-2)
		}
		w.command("Li Min", room, Command{Verb: Undo, Code: code})
		w.command("Li Min", room, Command{Verb: Undo, Code: code, Item: 3})
		if n := len(w.service.order); n != 4 {
			t.Errorf("%d runs", n)
		}
		golden(t, "testdata/transcripts/undo."+room+".txt", w.log.String())
		if wrongFormat.MatchString(w.log.String()) {
			t.Errorf("%s has a wrong format", room)
		}
	}
}

// starter keeps what was asked for.
type starter struct {
	*service
	asked []run.Request
	err   error
}

func (s *starter) Start(ctx context.Context, req run.Request) (run.Run, error) {
	s.asked = append(s.asked, req)
	if s.err != nil {
		return run.Run{}, s.err
	}
	return s.service.Start(ctx, req)
}

// A33: an undo is a request like any other: by the same person, for the same
// flow, with the message's id, under the same policy.
func TestA33_UndoAsksTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.applied()
	s := &starter{service: w.service}
	w.b.o.Service = s
	w.command("Li Min", "ops", Command{Verb: Undo, Code: code, Item: 1})
	if len(s.asked) != 1 {
		t.Fatalf("%d requests", len(s.asked))
	}
	got := s.asked[0]
	if !got.Apply || got.Undoes != code || got.Item != 1 || got.Flow != "hr-to-wecom" || got.By.Person != "Li Min" || got.Trigger != run.ByCommand || !strings.HasPrefix(got.ID, "feishu:om_") || got.Thread.Chat != "oc_ops" {
		t.Errorf("%+v", got)
	}
	for _, kind := range []fault.Kind{fault.Conflict, fault.Denied, fault.Invalid, fault.Unsupported, fault.Stale, fault.NotFound} {
		s.err = fault.New(kind, "the engine refuses / 引擎不同意")
		if text := texts(w.command("Li Min", "ops", Command{Verb: Undo, Code: code})); !strings.Contains(text, "引擎不同意") {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

// A3: an undo whose answer was lost begins one run, and is answered with it
// however late.
func TestA3_UndoOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.applied()
	n := len(w.service.order)
	m := w.message("Li Min", "ops", "撤销 "+string(code))
	w.crashed(m)
	w.clock = w.clock.Add(2 * defaultLate)
	if _, err := w.in.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := texts(w.settle()); len(w.service.order) != n+1 || !strings.Contains(got, w.code()) || strings.Contains(got, "来晚了") {
		t.Errorf("%d runs: %s", len(w.service.order)-n, got)
	}
}
