package bot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// trials are what rules can do with one person.
func trials() []run.Tried {
	in := directory.Attributes{"name": directory.TextOf("Sun Qi"), "mobile": directory.TextOf("13912345678"), "hidden": directory.Hidden("contact:phone")}
	who := directory.Object{Key: key("201"), Active: true, Attributes: in}
	out := in.Clone()
	out["title"], out["mobile"] = directory.TextOf("clerk"), directory.TextOf("")
	target := directory.Attributes{"name": directory.TextOf("Sun Qi")}
	base := func(fn func(t *run.Tried)) run.Tried {
		t := run.Tried{Object: who, Target: target, Proposed: plan.Update, Final: plan.Update, Ruled: true, Took: 3 * time.Millisecond, Verdict: plan.Verdict{Returned: true}}
		fn(&t)
		return t
	}
	nothing := func(note plan.NoteKind, fn func(t *run.Tried)) run.Tried {
		return base(func(t *run.Tried) { t.Final, t.Note = plan.None, note; fn(t) })
	}
	return []run.Tried{
		base(func(t *run.Tried) {
			t.Proposed, t.Final, t.Target = plan.Create, plan.Create, nil
			t.Verdict = plan.Verdict{Calls: plan.Calls{Create: true}, Returned: true, Data: out, Reason: "hired today / 今天入职", At: plan.Place{File: "rules/users.js", Line: 12}}
		}),
		base(func(t *run.Tried) {
			t.Verdict = plan.Verdict{Calls: plan.Calls{Disable: true}, Abort: []plan.Op{plan.Delete}}
			t.Final = plan.Disable
			t.Took = 1500 * time.Millisecond
		}),
		base(func(t *run.Tried) { t.Ruled, t.Proposed, t.Final, t.Took = false, plan.Delete, plan.Delete, 0 }),
		nothing(plan.Aborted, func(t *run.Tried) { t.Verdict.AbortAny = true }),
		nothing(plan.Held, func(t *run.Tried) { t.Verdict = plan.Verdict{Data: out} }),
		nothing(plan.Held, func(t *run.Tried) { t.Verdict.Calls.Update = true; t.Target, t.Proposed = nil, plan.Create }),
		nothing(plan.Held, func(t *run.Tried) { t.Proposed = plan.Create }),
		nothing(plan.LeftActive, func(t *run.Tried) { t.Proposed = plan.Disable; t.Verdict.Abort = []plan.Op{plan.Disable} }),
		nothing(plan.RuleFailed, func(t *run.Tried) {
			t.Verdict = plan.Verdict{Calls: plan.Calls{Delete: true}, Data: out, Failed: &plan.RuleError{File: "hired-only.js", Line: 12, Say: "mail is undefined / mail 未定义"}}
		}),
		nothing(plan.RuleFailed, func(t *run.Tried) {
			t.Verdict = plan.Verdict{Failed: &plan.RuleError{File: "hired-only.js", Line: 30, Say: "mail is undefined, 30 ms over / mail 未定义，超出 30 毫秒", Limit: true}}
		}),
		nothing(plan.RuleFailed, func(t *run.Tried) { t.Verdict.Calls = plan.Calls{Create: true, Delete: true} }),
		nothing("", func(t *run.Tried) { t.Verdict.Calls.Delete = true; t.Target, t.Proposed = nil, plan.None }),
		nothing("", func(t *run.Tried) { t.Proposed, t.Verdict.Data = plan.None, in }),
		nothing(plan.Conflict, func(*run.Tried) {}),
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"ops", "team"} {
		w := newWorld(t)
		w.alone()
		for _, tried := range trials() {
			w.service.set.tried = tried
			if got := w.command("Li Min", room, Command{Verb: Test, Flow: "hr-to-wecom", Person: "201", Op: "delete"}); len(got) != 2 {
				t.Errorf("%d letters", len(got))
			}
		}
		w.command("Wu Di", room, Command{Verb: Test, Flow: "hr-to-wecom", Person: "201"})
		w.command("Li Min", room, Command{Verb: Test, Flow: "secret-flow", Person: "201"})
		w.command("Li Min", room, Command{Verb: Test, Flow: "hr-to-wecom", Person: ""})
		golden(t, "testdata/transcripts/try."+room+".txt", w.log.String())
		inOneLanguage(t, room, w.log.String())
		if len(w.service.order) != 0 || len(w.service.set.asked) != len(trials()) {
			t.Errorf("%d runs, %d questions", len(w.service.order), len(w.service.set.asked))
		}
	}
}

func TestLogged(t *testing.T) {
	t.Parallel()
	lines := slices.Repeat([]string{"hired\n2026-10-08"}, 22)
	if got := cardText(Card{Sections: []Section{EN.logged(lines)}}); strings.Count(got, "    - `hired 2026-10-08`\n") != 20 || !strings.Contains(got, "## What the rule logged\n") || !strings.Contains(got, "- … and 2 more lines") {
		t.Errorf("%s", got)
	}
	if got := ZH.logged(lines[:2]); len(got.Lines) != 2 || got.Title != "规则用 log 写下的" {
		t.Errorf("%+v", got)
	}
}

// A line that a rule logged before it failed helps whoever looks for the error.
func TestTheCardOfATrialShowsWhatTheRuleLogged(t *testing.T) {
	t.Parallel()
	for _, tried := range trials() {
		w := newWorld(t)
		if got := cardText(EN.triedCard(w.b.flow("hr-to-wecom"), &tried)); strings.Contains(got, "What the rule logged") {
			t.Errorf("nothing was logged:\n%s", got)
		}
		tried.Logs = []string{"hired 2026-10-08"}
		if got := cardText(EN.triedCard(w.b.flow("hr-to-wecom"), &tried)); !strings.Contains(got, "## What the rule logged\n") || !strings.Contains(got, "`hired 2026-10-08`") {
			t.Errorf("%s", got)
		}
	}
}

// What the rule did before an error is void, and is not shown as if it counted.
func TestAFailedTrialShowsNothingOfWhatIsVoid(t *testing.T) {
	t.Parallel()
	for _, tried := range trials() {
		if tried.Verdict.Failed == nil {
			continue
		}
		w := newWorld(t)
		got := cardText(EN.triedCard(w.b.flow("hr-to-wecom"), &tried))
		if strings.Contains(got, "executeDelete") || strings.Contains(got, "clerk") || !strings.Contains(got, "`hired-only.js:") || !strings.Contains(got, "` mail is undefined") {
			t.Errorf("%s", got)
		}
	}
}
