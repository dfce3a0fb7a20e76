package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// world is what is left behind when everything has come to rest: the target's own
// log of what was done to it, the record, the chat, and the service's log.
type world struct {
	effects []wecomsim.Effect
	lives   []life
	posts   []stage.Post
	log     string
	secrets []string
}

// life is one run in the record.
type life struct {
	run     run.Run
	plan    *plan.Plan // nil: it has none
	entries []run.Entry
	votes   []run.Vote
	audit   []run.Audit
}

// observeWorld reads everything.
func observeWorld(ctx context.Context, s *stage.Stage, c *stage.Chat, st *store.Store) (*world, error) {
	w := &world{effects: s.WeCom.Effects(), secrets: s.Secrets()}
	w.posts, _ = c.From(0)
	runs, err := st.Runs(ctx, run.Filter{Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		l := life{run: r}
		if !r.Plan.IsZero() {
			if l.plan, err = st.Plan(ctx, r.Code); err != nil {
				return nil, err
			}
		}
		if l.entries, err = st.Entries(ctx, r.Code); err != nil {
			return nil, err
		}
		if l.votes, err = st.Votes(ctx, r.Code); err != nil {
			return nil, err
		}
		if l.audit, err = st.AuditTrail(ctx, r.Code); err != nil {
			return nil, err
		}
		w.lives = append(w.lives, l)
	}
	return w, nil
}

// broken gives every invariant that does not hold, by the names of the fault
// matrix: I1 approved, I2 once, I3 ended, I4 answered once, I5 audited, I9
// discreet, I12 the journal is what the target saw. Each write of a stage is one
// of another kind or person, so an effect that is there twice was made twice.
func (w *world) broken() []string {
	var bad []string
	fail := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	seen := map[string][]wecomsim.Effect{}
	for _, e := range w.effects {
		seen[e.Op+" "+e.ID] = append(seen[e.Op+" "+e.ID], e)
	}
	for what, all := range seen {
		if len(all) > 1 {
			fail("I2 %s was done %d times", what, len(all))
		}
	}
	promised := map[string]bool{}
	for i := range w.lives {
		l := &w.lives[i]
		l.ended(fail)
		l.audited(fail)
		w.answered(l, fail)
		for what, c := range l.did() {
			promised[what] = true
			if len(seen[what]) == 0 {
				fail("I12 %s: the journal says done, the target saw no %s", l.run.Code, what)
				continue
			}
			l.approved(c, seen[what][0], fail)
		}
	}
	for what := range seen {
		if !promised[what] {
			fail("I12 the target saw %s, no journal has it", what)
		}
	}
	for _, secret := range w.secrets {
		if secret != "" && strings.Contains(w.log, secret) {
			fail("I9 a secret stands in the log")
		}
	}
	return slices.Sorted(slices.Values(bad))
}

// did gives the changes that are done by the journal, by how the target logs them.
func (l *life) did() map[string]plan.Change {
	out := map[string]plan.Change{}
	if l.plan == nil {
		return out
	}
	for _, e := range l.entries {
		for _, c := range l.plan.Changes {
			if path, writes := effectPaths()[c.Op]; writes && c.Seq == e.Seq && e.Step == run.StepDone {
				out[path+" "+string(e.Key.ID)] = c
			}
		}
	}
	return out
}

// effectPaths is how the target logs an operation on a person.
func effectPaths() map[plan.Op]string {
	return map[plan.Op]string{plan.Create: "user/create", plan.Update: "user/update", plan.Disable: "user/update", plan.Delete: "user/delete"}
}

func (l *life) ended(fail func(string, ...any)) {
	if !l.run.State.Ended() {
		fail("I3 %s is still %s", l.run.Code, l.run.State)
	}
	done := 0
	for _, e := range l.entries {
		switch {
		case !l.run.Apply:
		case !e.Step.Settled(), e.Step == run.StepInDoubt:
			fail("I2 %s: change %d is left %s: %s", l.run.Code, e.Seq, e.Step, e.Say)
		case e.Step == run.StepDone:
			done++
		}
	}
	if done != l.run.Outcome.Done {
		fail("I12 %s reports %d done, its journal has %d", l.run.Code, l.run.Outcome.Done, done)
	}
}

// audited sees that the run's birth, its moves and its votes are in the audit.
func (l *life) audited(fail func(string, ...any)) {
	rows := map[string]int{}
	for _, a := range l.audit {
		rows[a.Action]++
	}
	if rows["run.created"] != 1 || rows["run.moved"] == 0 {
		fail("I5 %s: the audit has %v", l.run.Code, rows)
	}
	for _, v := range l.votes {
		if !slices.ContainsFunc(l.audit, func(a run.Audit) bool { return strings.HasPrefix(a.Action, "vote.") && a.Who.Person == v.By.Person }) {
			fail("I5 %s: the vote of %s is not in the audit: %v", l.run.Code, v.By.Person, rows)
		}
	}
}

// approved sees that an account was taken away only after votes for this plan, by
// others than who asked, and that every effect was noted before it was made.
func (l *life) approved(c plan.Change, e wecomsim.Effect, fail func(string, ...any)) {
	for _, j := range l.entries {
		if j.Seq == c.Seq && (j.Sent.IsZero() || j.Sent.Truncate(time.Millisecond).After(e.At)) {
			fail("I5 %s: %s %s was made at %v, noted at %v", l.run.Code, e.Op, e.ID, e.At, j.Sent)
		}
	}
	if c.Op != plan.Delete && c.Op != plan.Disable {
		return
	}
	votes := 0
	for _, v := range l.votes {
		ofPlan := v.Digest.IsZero() || v.Digest == l.run.Plan
		if v.Decision == run.Approve && ofPlan && v.By.Person != l.run.By.Person && !v.At.Truncate(time.Millisecond).After(e.At) {
			votes++
		}
	}
	if votes == 0 || votes < l.run.Votes {
		fail("I1 %s: %s %s has %d votes, needs %d", l.run.Code, e.Op, e.ID, votes, l.run.Votes)
	}
	if !l.run.Apply || l.run.Expires.IsZero() {
		fail("I1 %s: %s %s by a run that was not to apply", l.run.Code, e.Op, e.ID)
	}
}

// answered sees that who asked was told the end once, and who voted was answered
// once.
func (w *world) answered(l *life, fail func(string, ...any)) {
	code := string(l.run.Code)
	ends, votes, posts := 0, 0, 0
	for _, p := range w.posts {
		if p.Room != stage.FeishuRoom || p.Who != "点名" || p.Edit || !strings.Contains(p.Text, code) {
			continue
		}
		posts++
		if strings.Contains(p.Text, "@"+l.run.By.Person) && strings.Contains(p.Text, "完成 "+code) {
			ends++
		}
		if strings.Contains(p.Text, "已批准："+code) {
			votes++
		}
	}
	switch {
	case l.run.State == run.Succeeded && ends != 1:
		fail("I4 %s: its end was told %d times", code, ends)
	case posts == 0:
		fail("I4 %s was never spoken of", code)
	case votes != len(l.votes):
		fail("I4 %s: %d votes have %d answers", code, len(l.votes), votes)
	}
}

// TestInvariantsCanBreak sees that the checker finds each kind of wrong.
func TestInvariantsCanBreak(t *testing.T) {
	t.Parallel()
	if bad := goodWorld().broken(); len(bad) > 0 {
		t.Fatalf("a good world is broken: %q", bad)
	}
	for name, c := range map[string]struct {
		want  string
		wreck func(*world)
	}{
		"done twice":          {"I2", func(w *world) { w.effects = append(w.effects, w.effects[0]) }},
		"nobody asked for it": {"I12", func(w *world) { w.effects = append(w.effects, wecomsim.Effect{Op: "user/delete", ID: "0007"}) }},
		"said, not done":      {"I12", func(w *world) { w.effects = nil }},
		"no vote":             {"I1", func(w *world) { w.lives[0].votes = nil }},
		"own vote":            {"I1", func(w *world) { w.lives[0].votes[0].By.Person = "李敏" }},
		"voted too late":      {"I1", func(w *world) { w.lives[0].votes[0].At = w.effects[0].At.Add(time.Second) }},
		"not ended":           {"I3", func(w *world) { w.lives[0].run.State = run.Applying }},
		"in doubt":            {"I2", func(w *world) { w.lives[0].entries[0].Step = run.StepInDoubt }},
		"not noted before":    {"I5", func(w *world) { w.lives[0].entries[0].Sent = w.effects[0].At.Add(time.Second) }},
		"told twice":          {"I4", func(w *world) { w.posts = append(w.posts, w.posts[0]) }},
		"never told":          {"I4", func(w *world) { w.posts = w.posts[1:] }},
		"vote unanswered":     {"I4", func(w *world) { w.posts = w.posts[:1] }},
		"no audit":            {"I5", func(w *world) { w.lives[0].audit = nil }},
		"vote not in audit":   {"I5", func(w *world) { w.lives[0].audit = w.lives[0].audit[:2] }},
		"miscounted":          {"I12", func(w *world) { w.lives[0].run.Outcome.Done = 7 }},
		"leaked":              {"I9", func(w *world) { w.log = "x=s3cret" }},
	} {
		w := goodWorld()
		c.wreck(w)
		if !slices.ContainsFunc(w.broken(), func(b string) bool { return strings.HasPrefix(b, c.want+" ") }) {
			t.Errorf("%s: want %s, got %q", name, c.want, w.broken())
		}
	}
}

func goodWorld() *world {
	at := time.UnixMilli(1_760_000_000_000)
	r := run.Run{Code: "ABC123", State: run.Succeeded, Apply: true, Votes: 1, Expires: at.Add(time.Hour), By: run.Actor{Person: "李敏"}}
	r.Outcome.Done = 1
	e := run.Entry{Run: "ABC123", Seq: 1, Step: run.StepDone, Sent: at}
	audit := []run.Audit{{Action: "run.created"}, {Action: "run.moved"}, {Action: "vote.approve", Who: run.Actor{Person: "周凯"}}}
	e.Key.ID = "0001"
	return &world{
		effects: []wecomsim.Effect{{At: at.Add(time.Millisecond), Op: "user/delete", ID: "0001"}},
		lives: []life{{
			run: r, plan: &plan.Plan{Changes: []plan.Change{{Seq: 1, Op: plan.Delete}}}, entries: []run.Entry{e}, audit: audit,
			votes: []run.Vote{{Decision: run.Approve, By: run.Actor{Person: "周凯"}, At: at}},
		}},
		posts: []stage.Post{
			{Room: stage.FeishuRoom, Who: "点名", Text: "@李敏 完成 ABC123 · 成功 1"}, {Room: stage.FeishuRoom, Who: "点名", Text: "已批准：ABC123 · 周凯"},
		},
		secrets: []string{"s3cret"},
	}
}
