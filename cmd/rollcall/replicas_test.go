package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// replicas are several services on one PostgreSQL and one Redis, each with a data
// folder of its own, as if on different hosts.
type replicas struct {
	all    []*service
	stage  *stage.Stage
	chat   *stage.Chat
	record *sql.DB // the record, from outside
}

// openReplicas serves n replicas on a stage.
func openReplicas(t *testing.T, n int, server *pgtest.Server) *replicas {
	t.Helper()
	return openReplicasAt(t, n, stage.Options{Record: server.URL(t, t.Name()), Timing: "{lease: 10s, sweep: 300ms, call: 2s, settle: 500ms}"})
}

// openReplicasAt serves n replicas on a stage whose record is somewhere.
func openReplicasAt(t *testing.T, n int, o stage.Options) *replicas {
	t.Helper()
	o.Dir, o.Now, o.FeishuCallback, o.Redis = t.TempDir(), time.Now, true, ownRedis(t).url()
	set, err := stage.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	config := linkedStage(t.Context(), t, set)
	r := &replicas{stage: set, chat: set.OpenChat()}
	t.Cleanup(r.chat.Close)
	if r.record, err = sql.Open("pgx", o.Record); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.record.Close() })
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		own := filepath.Join(o.Dir, fmt.Sprintf("replica%d.yaml", i))
		data := strings.Replace(string(text), "data: "+filepath.Join(o.Dir, "data")+"\n", "data: "+filepath.Join(o.Dir, fmt.Sprint("data", i))+"\n", 1)
		if err := os.WriteFile(own, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &service{stage: set, chat: r.chat, log: &logbook{}, clock: &clock{}, config: own}
		s.start(t)
		r.all = append(r.all, s)
		t.Cleanup(func() {
			s.end()
			if t.Failed() {
				t.Logf("replica %d warns:\n%s", i, strings.Join(append(s.log.with(`"level":"WARN"`), s.log.with(`"level":"ERROR"`)...), "\n"))
			}
		})
	}
	if a, b := r.all[0].app.name, r.all[len(r.all)-1].app.name; n > 1 && a == b {
		t.Fatalf("two replicas are called %s", a)
	}
	return r
}

// post delivers an event to a replica as Feishu does, again until it is accepted.
func (s *service) post(t *testing.T, e feishusim.Event) {
	t.Helper()
	until(t, "the event is accepted", func() bool {
		a, err := s.stage.Feishu.Post(t.Context(), "http://"+s.public+feishuPath, e, feishusim.Forgery{})
		return err == nil && a.Status == http.StatusOK
	})
}

// said makes the event of what somebody says in the Feishu room, undelivered.
func (r *replicas) said(t *testing.T, who, line string) feishusim.Event {
	t.Helper()
	e, err := r.stage.Feishu.MessageEvent(feishusim.Words{
		Chat: r.stage.ChatID(stage.FeishuRoom), From: r.stage.Account(stage.FeishuRoom, who), Text: "@点名 " + line,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// count asks the record for a number.
func (r *replicas) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	until(t, "the record answers "+query, func() bool { return r.record.QueryRowContext(t.Context(), query, args...).Scan(&n) == nil })
	return n
}

// answers gives how often the bot replied to a message.
func (r *replicas) answers(e feishusim.Event) int {
	n := 0
	for _, m := range r.stage.Feishu.Messages(r.stage.ChatID(stage.FeishuRoom)) {
		if m.FromBot && m.ParentID == e.MessageID {
			n++
		}
	}
	return n
}

// settled waits until every message is handled.
func (r *replicas) settled(t *testing.T, messages int) {
	t.Helper()
	until(t, "every message is handled", func() bool { return r.count(t, `SELECT COUNT(*) FROM inbox WHERE handled > 0`) == messages })
}

// quiet waits until everything that happened is told.
func (r *replicas) quiet(t *testing.T) {
	t.Helper()
	r.all[0].quiet(t)
}

// awaiting lets a sync be planned and gives its run.
func (r *replicas) awaiting(t *testing.T, by *service) run.Run {
	t.Helper()
	by.post(t, r.said(t, "李敏", "同步 hr-to-wecom"))
	return r.all[len(r.all)-1].awaitRun(t, "the run awaits approval", func(one run.Run) bool { return one.State == run.Awaiting })
}

// TestReplicas runs two replicas on one PostgreSQL and one Redis.
func TestReplicas(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	t.Run("T04_one_message_at_both", func(t *testing.T) { sameMessage(t, server) })
	t.Run("T34_approve_and_reject", func(t *testing.T) { approveAndReject(t, server) })
	t.Run("P03_one_stops_in_the_middle", func(t *testing.T) { oneStops(t, server) })
}

// sameMessage delivers one message many times to both replicas side by side: one
// command, one answer. What they share is looked at, too.
func sameMessage(t *testing.T, server *pgtest.Server) {
	r := openReplicas(t, 2, server)
	e := r.said(t, "李敏", "同步 hr-to-wecom")
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() { r.all[i%2].post(t, e) })
	}
	group.Wait()
	r.settled(t, 1)
	planned := r.all[0].awaitRun(t, "the run awaits approval", func(one run.Run) bool { return one.State == run.Awaiting })
	until(t, "the command is answered", func() bool { return r.answers(e) > 0 })
	if runs, replies := r.count(t, `SELECT COUNT(*) FROM runs`), r.answers(e); runs != 1 || replies != 1 {
		t.Errorf("%d runs and %d answers, want one of each", runs, replies)
	}
	r.sharedPace(t)
	r.sharedSnapshot(t, planned)
	r.skewedClock(t)
}

// sharedPace sees that calls are counted together.
func (r *replicas) sharedPace(t *testing.T) {
	t.Helper()
	for i, free := range []bool{true, true, false} {
		bell, ok := r.all[i%2].app.bell.(*queue.Redis)
		if !ok {
			t.Fatal("there is no Redis")
		}
		wait, err := bell.Take(t.Context(), "system:wecom:test", 2, time.Hour)
		if err != nil || (wait <= 0) != free {
			t.Errorf("call %d waits for %v, %v", i, wait, err)
		}
	}
}

// sharedSnapshot sees that every replica knows the last listing, and measures a
// shrunken source by it.
func (r *replicas) sharedSnapshot(t *testing.T, planned run.Run) {
	t.Helper()
	for i, s := range r.all {
		last, there, err := s.app.store.LastSnapshot(t.Context(), flowName)
		if err != nil || !there || last.Len("user") < 400 {
			t.Fatalf("replica %d has no listing: %v, %v", i, there, err)
		}
	}
	if _, err := r.all[1].app.engine.Stop(t.Context(), planned.Code, run.Actor{Person: "周凯", Platform: run.Feishu}, "test"); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 60; i++ {
		if i != 18 && i != 102 {
			if err := r.stage.Roster.Drop(fmt.Sprintf("%04d", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range r.all { // whichever plans
		s.post(t, r.said(t, "李敏", "同步 hr-to-wecom"))
		was := planned.Code
		planned = s.awaitRun(t, "the smaller source is planned", func(one run.Run) bool { return one.Code != was && !one.Plan.IsZero() })
		p, err := s.app.store.Plan(t.Context(), planned.Code)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindShrink && f.Have > 14 }) {
			t.Errorf("the shrink guard does not see it: %+v", p.Risk.Reasons)
		}
	}
}

// skewedClock sees that a replica whose clock is wrong is not ready, and says so.
func (r *replicas) skewedClock(t *testing.T) {
	t.Helper()
	status := func() int { return get(t, "http://"+r.all[1].public+"/readyz") }
	until(t, "it is ready", func() bool { return status() == http.StatusOK })
	r.all[1].clock.forward(40 * time.Second)
	until(t, "it is not ready", func() bool { return status() == http.StatusServiceUnavailable })
	d := &doctor{app: r.all[1].app}
	if found := d.recordClock(t.Context()); len(found) != 1 || found[0].Level != bot.Broken || !strings.Contains(found[0].Say.EN, " 40") && !strings.Contains(found[0].Say.EN, " 39.9") || !strings.Contains(found[0].Say.EN, "behind") {
		t.Errorf("the doctor finds %+v", found)
	}
}

// applyAll approves what asks for it until every run has ended: each change is made
// once, whichever replica works.
func (r *replicas) applyAll(t *testing.T) {
	t.Helper()
	voted := map[run.Code]bool{}
	until(t, "every run has ended", func() bool {
		left := 0
		for i, one := range r.all[0].runs(t) {
			if one.State.Ended() {
				continue
			}
			left++
			if one.State == run.Awaiting && !voted[one.Code] {
				voted[one.Code] = true
				for _, who := range []string{"周凯", "陈悦"}[:max(1, one.Votes)] {
					r.all[i%2].post(t, r.said(t, who, "批准 "+string(one.Code)+" 删除=3"))
				}
			}
		}
		return left == 0
	})
	r.all[0].once(t, 12)
}

// approveAndReject lets one approve and another reject at the same moment at
// different replicas: one of them decides, the other is told so.
func approveAndReject(t *testing.T, server *pgtest.Server) {
	r := openReplicas(t, 2, server)
	for range 5 {
		planned := r.awaiting(t, r.all[0])
		votes := []feishusim.Event{
			r.said(t, "周凯", "批准 "+string(planned.Code)+" 删除=3"), r.said(t, "陈悦", "驳回 "+string(planned.Code)+" 不对"),
		}
		var group sync.WaitGroup
		for i, e := range votes {
			group.Go(func() { r.all[i].post(t, e) })
		}
		group.Wait()
		done := r.all[0].awaitRun(t, "the run ends", func(one run.Run) bool { return one.Code == planned.Code && one.State.Ended() })
		until(t, "both are answered", func() bool { return r.answers(votes[0]) == 1 && r.answers(votes[1]) == 1 })
		cast, err := r.all[0].app.store.Votes(t.Context(), planned.Code)
		if err != nil || len(cast) != 1 {
			t.Fatalf("votes %+v, %v", cast, err)
		}
		switch {
		case done.State == run.Succeeded && cast[0].Decision == run.Approve:
			r.all[0].once(t, 12)
			return
		case done.State == run.Rejected && cast[0].Decision == run.Reject:
			r.all[0].once(t, 0)
		default:
			t.Fatalf("the run is %s after %+v", done.State, cast)
		}
	}
}

// halfway approves a run and stops the target before its fifth write. It gives who
// is at work, and what lets the target go on.
func (r *replicas) halfway(t *testing.T) (*service, func()) {
	t.Helper()
	planned := r.awaiting(t, r.all[0])
	reached, open := gatedAt(t, r.stage.WeCom, 5)
	r.all[1].post(t, r.said(t, "周凯", "批准 "+string(planned.Code)+" 删除=3"))
	arrives(t, reached)
	var owner string
	if err := r.record.QueryRowContext(t.Context(), `SELECT owner FROM leases WHERE flow = $1`, flowName).Scan(&owner); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.all {
		if s.app.name == owner {
			return s, open
		}
	}
	t.Fatalf("%q is none of us", owner)
	return nil, nil
}

// finished waits for the end of the run: each change was made once.
func (r *replicas) finished(t *testing.T, by *service) {
	t.Helper()
	until(t, "the record answers", func() bool { return by.app.store.Ping(t.Context()) == nil })
	done := by.awaitRun(t, "the run ends", func(one run.Run) bool { return one.State.Ended() })
	if done.State != run.Succeeded || done.Outcome.Done+done.Outcome.Already != 12 {
		t.Errorf("the run ends as %+v", done)
	}
	by.once(t, 12)
	by.await(t, 0, func(p stage.Post) bool { return p.Room == stage.FeishuRoom && strings.Contains(p.Text, "成功 12") })
}

// oneStops ends the replica that is at work; the other goes on. Then both are
// restarted one after the other while commands come: none is lost or doubled.
func oneStops(t *testing.T, server *pgtest.Server) {
	r := openReplicas(t, 2, server)
	worker, open := r.halfway(t)
	other := r.all[0]
	if other == worker {
		other = r.all[1]
	}
	worker.end()
	open()
	r.finished(t, other)
	worker.start(t)
	var events []feishusim.Event
	var group sync.WaitGroup
	for i, s := range r.all {
		alive := r.all[1-i]
		s.end()
		for range 10 {
			e := r.said(t, "吴迪", "我是谁")
			events = append(events, e)
			group.Go(func() { alive.post(t, e) })
		}
		s.start(t)
		group.Wait() // before the other is ended
	}
	r.settled(t, len(events)+2)
	until(t, "every command is answered", func() bool {
		for _, e := range events {
			if r.answers(e) == 0 {
				return false
			}
		}
		return true
	})
	for _, e := range events {
		if n := r.answers(e); n != 1 {
			t.Errorf("%d answers to one command", n)
		}
	}
}
