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
	"github.com/rollcallhq/rollcall/sync/directory"
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

	// What follows may be left out; then what it would show is not looked at.
	chain     *store.Proof      // of the audit
	calls     []call            // as they were noted, under which fence; see withLog
	protected []string          // ids of target objects that nobody may take away
	before    map[string]vitals // of each process, before the work
	after     map[string]vitals // and when it is done
	skew      time.Duration     // how wrong the clock of a replica was
	rough     bool              // systems failed as well: a run may end in part, or fail, and say so
	told      bool              // every letter is out: both rooms have heard the end
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
	proof, err := st.VerifyAudit(ctx, store.Check{})
	if err != nil {
		return nil, err
	}
	w.chain = &proof
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

// complain takes what is wrong.
type complain func(format string, args ...any)

// broken gives every invariant that does not hold, by the names of the fault
// matrix: I1 approved, I2 once, I3 ended, I4 answered once, I5 audited, I7 nothing
// from an incomplete listing, I8 one at work, I9 discreet, I10 nothing leaks, I11
// the protected untouched, I12 the journal is what the target saw, what the votes
// covered, and what the chat was told.
func (w *world) broken() []string {
	var bad []string
	fail := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	seen := map[string][]wecomsim.Effect{}
	for _, e := range w.effects {
		seen[e.Op+" "+e.ID] = append(seen[e.Op+" "+e.ID], e)
	}
	promised := map[string][]deed{}
	for i := range w.lives {
		l := &w.lives[i]
		w.ended(l, fail)
		l.audited(fail)
		l.proven(fail)
		w.answered(l, fail)
		w.counted(l, fail)
		for what, all := range l.did() {
			promised[what] = append(promised[what], all...)
		}
	}
	for what, all := range promised {
		w.kept(what, all, seen[what], fail)
	}
	for what, all := range seen {
		if len(promised[what]) == 0 {
			fail("I12 the target saw %s, no journal has it", what)
			if len(all) > 1 {
				fail("I2 %s was done %d times", what, len(all))
			}
		}
	}
	if w.chain != nil && (w.chain.Break != nil || w.chain.Rows == 0) {
		fail("I5 the chain of the audit does not hold: %+v", *w.chain)
	}
	w.alone(promised, seen, fail)
	w.untouched(fail)
	w.slim(fail)
	for _, secret := range w.secrets {
		if secret != "" && strings.Contains(w.log, secret) {
			fail("I9 a secret stands in the log")
		}
	}
	return slices.Sorted(slices.Values(bad))
}

// deed is a change that is done, by the journal; unsure when only a person can tell.
type deed struct {
	life   *life
	change plan.Change
	entry  run.Entry
	unsure bool
}

// did gives the changes that are done by the journal, by how the target logs them.
func (l *life) did() map[string][]deed {
	out := map[string][]deed{}
	if l.plan == nil {
		return out
	}
	for _, e := range l.entries {
		for _, c := range l.plan.Changes {
			op, writes := effectOps()[c.Op]
			if !writes || c.Seq != e.Seq || e.Step != run.StepDone && e.Step != run.StepInDoubt {
				continue
			}
			what := string(cmpKind(c.Key.Kind)) + "/" + op + " " + string(e.Key.ID)
			out[what] = append(out[what], deed{l, c, e, e.Step == run.StepInDoubt})
		}
	}
	return out
}

// cmpKind gives the kind of a change: doctored ones are of users.
func cmpKind(k directory.Kind) directory.Kind {
	if k == "" {
		return directory.User
	}
	return k
}

// effectOps is how the target logs an operation.
func effectOps() map[plan.Op]string {
	return map[plan.Op]string{plan.Create: "create", plan.Update: "update", plan.Disable: "update", plan.Delete: "delete"}
}

// kept holds the changes that the journal calls done against what the target saw of
// them, in the order of time: as many, each approved and noted before.
func (w *world) kept(what string, all []deed, seen []wecomsim.Effect, fail complain) {
	slices.SortStableFunc(all, func(a, b deed) int { return a.entry.Sent.Compare(b.entry.Sent) })
	sure := 0
	for i := range all {
		if !all[i].unsure {
			sure++
		}
	}
	switch code := all[0].life.run.Code; {
	case len(seen) > len(all):
		fail("I2 %s was done %d times, for %d changes", what, len(seen), len(all))
	case len(seen) < sure:
		fail("I12 %s: the journal says done, the target saw no %s (%d of %d)", code, what, len(seen), sure)
	}
	if sure < len(all) {
		return // which of them was done, nobody knows
	}
	for i := range all[:min(len(all), len(seen))] {
		w.approved(&all[i], seen[i], fail)
	}
}

func (w *world) ended(l *life, fail complain) {
	if !l.run.State.Ended() {
		fail("I3 %s is still %s", l.run.Code, l.run.State)
	}
	var o run.Outcome
	for _, e := range l.entries {
		if !l.run.Apply || l.dropped() {
			break
		}
		o.Count(e.Step)
		cut := w.rough || l.run.State == run.Cancelled || l.run.State == run.Failed // in the middle
		if !e.Step.Settled() && !cut || e.Step == run.StepSending || e.Step == run.StepInDoubt && !w.rough {
			fail("I2 %s: change %d is left %s: %s", l.run.Code, e.Seq, e.Step, e.Say)
		}
	}
	if o != l.run.Outcome {
		fail("I12 %s reports %+v, its journal has %+v", l.run.Code, l.run.Outcome, o)
	}
}

// dropped tells whether the run ended before it applied anything.
func (l *life) dropped() bool {
	return slices.Contains([]run.State{run.Rejected, run.Cancelled, run.Superseded, run.Expired, run.Blocked}, l.run.State) && l.run.Outcome == run.Outcome{}
}

// audited sees that the run's birth, its moves and its votes are in the audit.
func (l *life) audited(fail complain) {
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

// approved sees that an account was taken away only after votes for this plan that
// cover the change, by others than who asked, and that every effect was noted before
// it was made.
func (w *world) approved(d *deed, e wecomsim.Effect, fail complain) {
	l, c := d.life, &d.change
	if sent := d.entry.Sent; sent.IsZero() || sent.Truncate(time.Millisecond).After(e.At.Add(w.skew)) {
		fail("I5 %s: %s %s was made at %v, noted at %v", l.run.Code, e.Op, e.ID, e.At, sent)
	}
	if !l.run.Apply {
		fail("I1 %s: %s %s by a run that was not to apply", l.run.Code, e.Op, e.ID)
	}
	if c.Op.Destructive() {
		w.logged(d, e, fail)
	}
	votes, covers := 0, 0
	seen := map[string]bool{l.run.By.Person: true, l.run.Behind: true} // whose votes do not count, or have counted
	for _, v := range l.votes {
		if v.Decision == run.Reject {
			fail("I1 %s: %s %s, though %s rejected it", l.run.Code, e.Op, e.ID, v.By.Person)
		}
		ofPlan := v.Digest.IsZero() || v.Digest == l.run.Plan
		late := v.At.Truncate(time.Millisecond).After(e.At.Add(w.skew)) || !v.At.Before(l.run.Expires.Add(w.skew))
		if v.Decision != run.Approve || !ofPlan || late || seen[v.By.Person] {
			continue
		}
		seen[v.By.Person] = true
		if votes++; v.Covers(c.Seq) {
			covers++
		}
	}
	if c.Op.Destructive() && (votes == 0 || votes < l.run.Votes || l.run.Expires.IsZero()) {
		fail("I1 %s: %s %s has %d votes, needs %d", l.run.Code, e.Op, e.ID, votes, l.run.Votes)
	}
	if votes > 0 && covers < votes && (c.Op.Destructive() || l.run.HeldBack > 0) {
		fail("I12 %s: %s %s was held back by %d of %d", l.run.Code, e.Op, e.ID, votes-covers, votes)
	}
}

// logged sees that the audit had a row of an account that was to be taken away before
// it was, and has one of what came of it.
func (w *world) logged(d *deed, e wecomsim.Effect, fail complain) {
	of := fmt.Sprintf("#%d ", d.change.Seq)
	before, after := false, false
	for _, a := range d.life.audit {
		if !strings.HasPrefix(a.Action, "change.") || !strings.HasPrefix(a.Detail, of) {
			continue
		}
		if a.Action == "change."+string(run.StepSending) {
			before = before || !a.At.Truncate(time.Millisecond).After(e.At.Add(w.skew))
		} else {
			after = after || a.Action == "change."+string(d.entry.Step)
		}
	}
	if !before || !after {
		fail("I5 %s: of %s %s the audit has a row before: %v, of its outcome: %v", d.life.run.Code, e.Op, e.ID, before, after)
	}
}

// answered sees that who asked was told the end once, and who voted was answered
// once. Nobody asked for a run of the schedule: its card tells the end.
func (w *world) answered(l *life, fail complain) {
	code, word := string(l.run.Code), endWords()[l.run.State]
	ends, votes, posts, cards := 0, 0, 0, 0
	for _, p := range w.posts {
		if p.Room != stage.FeishuRoom || p.Who != "点名" || !strings.Contains(p.Text, code) {
			continue
		}
		if strings.Contains(p.Text, word+" "+code) {
			cards++
		}
		if p.Edit {
			continue
		}
		posts++
		if strings.Contains(p.Text, "@"+l.run.By.Person) && strings.Contains(p.Text, word+" "+code) {
			ends++
		}
		if strings.Contains(p.Text, "已批准："+code) || strings.Contains(p.Text, "已驳回："+code) {
			votes++
		}
	}
	acted := word != "" && (l.run.State == run.Succeeded || w.rough)
	switch {
	case l.run.By.Person == "" && acted && l.run.Outcome.Done > 0 && cards == 0:
		fail("I4 %s: no card tells its end", code)
	case l.run.By.Person == "":
	case acted && ends != 1:
		fail("I4 %s (%s): its end was told %d times", code, l.run.State, ends)
	case posts == 0:
		fail("I4 %s was never spoken of", code)
	}
	if votes != len(l.votes) {
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
		"strange twice":       {"I2", func(w *world) { w.effects = append(w.effects, strange(), strange()) }},
		"nobody asked for it": {"I12", func(w *world) { w.effects = append(w.effects, strange()) }},
		"said, not done":      {"I12", func(w *world) { w.effects = nil }},
		"no vote":             {"I1", func(w *world) { w.lives[0].votes = nil }},
		"one votes twice": {"I1", func(w *world) {
			l := &w.lives[0]
			l.run.Votes, l.votes = 2, append(l.votes, l.votes[0])
		}},
		"rejected": {"I1", func(w *world) {
			w.lives[0].votes = append(w.lives[0].votes, run.Vote{Decision: run.Reject, By: run.Actor{Person: "陈悦"}, At: w.lives[0].votes[0].At})
		}},
		"whose schedule it is":  {"I1", func(w *world) { w.lives[0].run.Behind = "周凯" }},
		"voted after its time":  {"I1", func(w *world) { w.lives[0].run.Expires = w.lives[0].votes[0].At }},
		"no row before":         {"I5", func(w *world) { w.lives[0].audit[3].At = w.effects[0].At.Add(time.Second) }},
		"no row of the outcome": {"I5", func(w *world) { w.lives[0].audit = w.lives[0].audit[:4] }},
		"chain broken":          {"I5", func(w *world) { w.chain = &store.Proof{Rows: 3, Break: &store.Break{Seq: 3}} }},
		"own vote":              {"I1", func(w *world) { w.lives[0].votes[0].By.Person = "李敏" }},
		"voted too late":        {"I1", func(w *world) { w.lives[0].votes[0].At = w.effects[0].At.Add(time.Second) }},
		"vote of other plan":    {"I1", func(w *world) { w.lives[0].votes[0].Digest = directory.Digest{7} }},
		"not to apply":          {"I1", func(w *world) { w.lives[0].run.Apply = false }},
		"not ended":             {"I3", func(w *world) { w.lives[0].run.State = run.Applying }},
		"in doubt":              {"I2", func(w *world) { w.lives[0].entries[0].Step = run.StepInDoubt }},
		"left pending":          {"I2", func(w *world) { w.lives[0].entries[0].Step = run.StepPending }},
		"left sending":          {"I2", func(w *world) { w.rough, w.lives[0].entries[0].Step = true, run.StepSending }},
		"not noted before":      {"I5", func(w *world) { w.lives[0].entries[0].Sent = w.effects[0].At.Add(time.Second) }},
		"told twice":            {"I4", func(w *world) { w.posts = append(w.posts, w.posts[0]) }},
		"never told":            {"I4", func(w *world) { w.posts = w.posts[1:] }},
		"vote unanswered":       {"I4", func(w *world) { w.posts = w.posts[:1] }},
		"schedule untold":       {"I4", func(w *world) { w.lives[0].run.By, w.posts = run.Actor{}, w.posts[1:] }},
		"failure untold":        {"I4", func(w *world) { w.rough, w.lives[0].run.State = true, run.Failed }},
		"no audit":              {"I5", func(w *world) { w.lives[0].audit = nil }},
		"vote not in audit":     {"I5", func(w *world) { w.lives[0].audit = w.lives[0].audit[:2] }},
		"miscounted":            {"I12", func(w *world) { w.lives[0].run.Outcome.Done = 7 }},
		"leaked":                {"I9", func(w *world) { w.log = "x=s3cret" }},

		"incomplete source": {"I7", func(w *world) { w.lives[0].plan.Source.Health.PartialFor = "page 3 failed" }},
		"incomplete target": {"I7", func(w *world) {
			w.lives[0].plan.Target.Health.PartialFor, w.lives[0].plan.Changes[0].Op = "page 3 failed", plan.Create
		}},
		"no cause":         {"I7", func(w *world) { w.lives[0].plan.Changes[0].Cause = plan.Cause{} }},
		"two at work":      {"I8", func(w *world) { w.another(); w.calls[0].fence, w.calls[1].fence = 5, 4 }},
		"came back":        {"I8", func(w *world) { w.another(); w.calls[0].fence = 9 }},
		"nobody noted it":  {"I8", func(w *world) { w.calls = w.calls[:0] }},
		"noted afterwards": {"I8", func(w *world) { w.calls[0].at = w.effects[0].At.Add(time.Second) }},
		"goroutines":       {"I10", func(w *world) { w.after["a"] = vitals{56, 22, 100} }},
		"files":            {"I10", func(w *world) { w.after["a"] = vitals{50, 27, 100} }},
		"memory":           {"I10", func(w *world) { w.after["a"] = vitals{50, 22, 111} }},
		"not measured":     {"I10", func(w *world) { delete(w.after, "a") }},
		"protected gone":   {"I11", func(w *world) { w.protected = []string{"0001"} }},
		"protected disabled": {"I11", func(w *world) {
			w.protected, w.effects[0].Op, w.effects[0].Detail = []string{"0001"}, "user/update", `{"enable":0,"userid":"0001"}`
		}},
		"held back":         {"I12", func(w *world) { w.lives[0].votes[0].Part = []int{2} }},
		"told other counts": {"I12", func(w *world) { w.posts[0].Text = "@李敏 完成 ABC123 · 成功 2" }},
		"told other end": {"I12", func(w *world) {
			w.posts = append(w.posts, stage.Post{Room: stage.DingRoom, Who: "点名", Text: "┌─ Failed ABC123 · done 1"})
		}},
		"other counts there": {"I12", func(w *world) {
			w.posts[2].Text = "│ ### Done ABC123 · done 1 · already so 2 · sync hr-to-wecom"
		}},
		"not told there": {"I12", func(w *world) { w.posts = w.posts[:2] }},
	} {
		w := goodWorld()
		c.wreck(w)
		if !slices.ContainsFunc(w.broken(), func(b string) bool { return strings.HasPrefix(b, c.want+" ") }) {
			t.Errorf("%s: want %s, got %q", name, c.want, w.broken())
		}
	}
}

// TestInvariantsAreNoStricter sees that what may be is not taken for wrong.
func TestInvariantsAreNoStricter(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*world){
		"by event, nothing taken away": func(w *world) {
			w.lives[0].plan.Source.Health.PartialFor, w.lives[0].plan.Changes[0].Op, w.effects[0].Op = "by event", plan.Update, "user/update"
		},
		"done, undone, done again": func(w *world) { w.another(); w.effects[1].ID, w.lives[1].entries[0].Key.ID = "0001", "0001" },
		"in doubt when systems fail": func(w *world) {
			w.rough, w.told, w.lives[0].entries[0].Step, w.effects = true, false, run.StepInDoubt, nil
			w.lives[0].run.State, w.lives[0].run.Outcome = run.Partial, run.Outcome{InDoubt: 1}
			w.posts[0].Text = "@李敏 部分完成 ABC123 · 成功 0 · 结果不明 1"
			w.posts = w.posts[:2]
		},
		"a wrong clock":     func(w *world) { w.skew, w.lives[0].votes[0].At = time.Minute, w.effects[0].At.Add(30*time.Second) },
		"nobody kept calls": func(w *world) { w.calls = nil },
		"a handful":         func(w *world) { w.after["a"] = vitals{54, 25, 110} },
	} {
		w := goodWorld()
		arrange(w)
		if bad := w.broken(); len(bad) > 0 {
			t.Errorf("%s: %q", name, bad)
		}
	}
}

// TestReplies sees that ends are read as they are told, in both languages.
func TestReplies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]reply{
		"@李敏 @周凯 完成 FEDS6Q · 成功 12 · 同步 hr-to-wecom\n明细：详情 FEDS6Q": {{"FEDS6Q", run.Succeeded, run.Outcome{Done: 12}}},
		"┌─ Done FEDS6Q · done 12 · sync hr-to-wecom\n│ ### Done FEDS6Q · done 12 · sync": {
			{"FEDS6Q", run.Succeeded, run.Outcome{Done: 12}}, {"FEDS6Q", run.Succeeded, run.Outcome{Done: 12}},
		},
		"┌─ 部分完成 YZFP80 · 撤销 FEDS6Q · 成功 3 · 原本如此 1 · 跳过 2 · 失败 4 · 结果不明 5 · hr": {
			{"YZFP80", run.Partial, run.Outcome{Done: 3, Already: 1, Skipped: 2, Failed: 4, InDoubt: 5}},
		},
		"Partly done YZFP80 · undo ABCDEF · done 3 · already so 1 · skipped 2 · failed 4 · in doubt 5": {
			{"YZFP80", run.Partial, run.Outcome{Done: 3, Already: 1, Skipped: 2, Failed: 4, InDoubt: 5}},
		},
		"┌─ 执行中 FEDS6Q · 0% · 删除 3":   nil,
		"已批准：FEDS6Q · 周凯 13:59 · 1/1": nil,
		"等它完成 FEDS6Q · 成功 12":         nil,
	} {
		if got := replies(text); !slices.Equal(got, want) {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

func strange() wecomsim.Effect { return wecomsim.Effect{Op: "user/delete", ID: "0007"} }

func goodWorld() *world {
	at := time.UnixMilli(1_760_000_000_000)
	r := run.Run{Code: "ABC123", State: run.Succeeded, Apply: true, Votes: 1, Expires: at.Add(time.Hour), By: run.Actor{Person: "李敏"}}
	r.Outcome.Done = 1
	e := run.Entry{Run: "ABC123", Seq: 1, Step: run.StepDone, Sent: at}
	audit := []run.Audit{{Action: "run.created"}, {Action: "run.moved"}, {Action: "vote.approve", Who: run.Actor{Person: "周凯"}}}
	audit = append(audit, run.Audit{Action: "change.sending", Detail: "#1 DELETE user 0001", At: at}, run.Audit{Action: "change.done", Detail: "#1 DELETE user 0001"})
	e.Key.ID = "0001"
	return &world{
		effects: []wecomsim.Effect{{At: at.Add(time.Millisecond), Op: "user/delete", ID: "0001"}},
		lives: []life{{
			run: r, plan: &plan.Plan{Changes: []plan.Change{{Seq: 1, Op: plan.Delete, Cause: plan.Cause{Kind: plan.CauseGone}}}}, entries: []run.Entry{e}, audit: audit,
			votes: []run.Vote{{Decision: run.Approve, By: run.Actor{Person: "周凯"}, At: at}},
		}},
		posts: []stage.Post{
			{Room: stage.FeishuRoom, Who: "点名", Text: "@李敏 完成 ABC123 · 成功 1"},
			{Room: stage.FeishuRoom, Who: "点名", Text: "已批准：ABC123 · 周凯"},
			{Room: stage.DingRoom, Who: "点名", Text: "┌─ Done ABC123 · done 1 · sync hr-to-wecom"},
		},
		secrets: []string{"s3cret"},
		chain:   &store.Proof{Rows: 5},
		calls:   []call{{at, "ABC123", 1, "f", 4}},
		before:  map[string]vitals{"a": {50, 22, 100}}, after: map[string]vitals{"a": {50, 22, 100}},
		told: true,
	}
}

// another is one more run like the first, a minute later, about somebody else.
func (w *world) another() {
	more := goodWorld()
	l := &more.lives[0]
	l.run.Code, l.entries[0].Run, l.entries[0].Key.ID, l.entries[0].Sent = "DEF456", "DEF456", "0002", l.entries[0].Sent.Add(time.Minute)
	e := more.effects[0]
	e.ID, e.At = "0002", e.At.Add(time.Minute)
	for _, p := range more.posts {
		p.Text = strings.ReplaceAll(p.Text, "ABC123", "DEF456")
		w.posts = append(w.posts, p)
	}
	w.lives, w.effects = append(w.lives, *l), append(w.effects, e)
	w.calls = append(w.calls, call{more.calls[0].at.Add(time.Minute), "DEF456", 1, "f", 5})
}
