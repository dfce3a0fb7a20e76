package main

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// redisServer is a redis-server that a test may lose.
type redisServer struct{ *queuetest.Server }

// ownRedis starts one, or skips the test.
func ownRedis(t *testing.T) *redisServer {
	t.Helper()
	return &redisServer{queuetest.StartServer(t, "--maxmemory-policy", "noeviction")}
}

func (r *redisServer) url() string { return r.URL() }

// used tells whether somebody keeps something there.
func (r *redisServer) used(t *testing.T) bool {
	t.Helper()
	n, err := r.Client(t).DBSize(t.Context()).Result()
	return err == nil && n > 0
}

// TestRedisLost loses all of Redis three times in the life of one run: while it
// is queued, while it awaits approval, and while it is applied, there with the
// service as well. Plan, votes, links and journal are SQL's, and its sweeper
// brings the run to its end.
func TestRedisLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *redisServer){
		"flushed": func(t *testing.T, r *redisServer) {
			t.Helper()
			r.Do(t, "FLUSHALL")
		},
		"killed": func(t *testing.T, r *redisServer) {
			t.Helper()
			r.Kill()
			r.Start(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ownRedis(t)
			// A call that is under way lasts longer than it takes to lose Redis: what is in the
			// record must be compared before the call is given up.
			w := &loss{service: openService(t, stage.Options{Redis: r.url(), Timing: "{lease: 12s, sweep: 300ms, call: 6s, settle: 500ms}"}), lose: func() { lose(t, r) }}
			until(t, "the service uses that Redis", func() bool { return r.used(t) })
			w.queued(t)
			w.awaiting(t)
			w.applying(t)
			until(t, "the service is back at Redis", func() bool { return r.used(t) })
		})
	}
}

// loss is one run whose Redis is lost.
type loss struct {
	*service
	lose func()
	code run.Code
	kept kept
}

// kept is what the record holds of a run.
type kept struct {
	run     run.Run
	plan    *plan.Plan
	votes   []run.Vote
	entries []run.Entry
	links   []mapping.Link
}

func (w *loss) look(t *testing.T) kept {
	t.Helper()
	var k kept
	var err error
	must := func(what string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	st := w.app.store
	k.run, err = st.Run(t.Context(), w.code)
	must("run")
	if !k.run.Plan.IsZero() {
		k.plan, err = st.Plan(t.Context(), w.code)
		must("plan")
	}
	k.votes, err = st.Votes(t.Context(), w.code)
	must("votes")
	k.entries, err = st.Entries(t.Context(), w.code)
	must("journal")
	k.links, err = st.Links(t.Context(), flowName)
	must("links")
	return k
}

// lost loses Redis and sees that the record stays.
func (w *loss) lost(t *testing.T) {
	t.Helper()
	before := w.look(t)
	w.lose()
	if after := w.look(t); !reflect.DeepEqual(before, after) {
		t.Errorf("the record is not what it was:\n%+v\n%+v", before.run, after.run)
	}
	w.kept = before
}

// queued loses Redis while the run waits for another worker's lease.
func (w *loss) queued(t *testing.T) {
	t.Helper()
	st := w.app.store
	lease, ok, err := st.Acquire(t.Context(), flowName, "somebody-else", time.Minute)
	if err != nil || !ok {
		t.Fatalf("acquire: %v, %v", ok, err)
	}
	w.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "hr-to-wecom")
	r := w.awaitRun(t, "a run", func(run.Run) bool { return true })
	if w.code = r.Code; r.State != run.Queued {
		t.Fatalf("the run is %s", r.State)
	}
	w.lost(t)
	if err := st.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	w.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
}

// awaiting loses Redis before the vote.
func (w *loss) awaiting(t *testing.T) {
	t.Helper()
	w.lost(t)
	if len(w.kept.plan.Changes) != 12 || len(w.kept.links) < 400 {
		t.Fatalf("%d changes, %d links", len(w.kept.plan.Changes), len(w.kept.links))
	}
}

// applying loses Redis, and ends the service, in the middle of the changes.
func (w *loss) applying(t *testing.T) {
	t.Helper()
	reached, open := gatedAt(t, w.stage.WeCom, 5)
	w.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(w.code)+" 删除=3", "已批准")
	arrives(t, reached)
	digest := w.kept.run.Plan
	w.lost(t)
	if w.kept.run.State != run.Applying || len(w.kept.votes) != 1 || w.kept.run.Plan != digest {
		t.Fatalf("the run is %+v, votes %+v", w.kept.run, w.kept.votes)
	}
	open() // the call that is under way lands, and its answer is lost
	w.restart(t)
	w.lose() // once more, perhaps before anybody has rung
	done := w.awaitRun(t, "the run succeeds", func(r run.Run) bool { return r.State.Ended() })
	if done.State != run.Succeeded || done.Code != w.code || done.Plan != digest || done.Outcome.Done+done.Outcome.Already != 12 {
		t.Errorf("the run ends as %+v", done)
	}
	w.once(t, 12)
	w.await(t, 0, func(p stage.Post) bool { return p.Room == stage.FeishuRoom && strings.Contains(p.Text, "成功 12") })
}

// TestP06_CommandsWhileRedisFails breaks Redis in one way after the other under a
// living service. Every command is obeyed and answered meanwhile, /readyz stays at
// 200 as docs/operations.md says, and each time the service finds back; no run is
// begun twice. The long form (-cut) breaks it in more ways.
func TestP06_CommandsWhileRedisFails(t *testing.T) {
	t.Parallel()
	r := ownRedis(t)
	admin, do := r.Admin(t)
	s := openService(t, stage.Options{Redis: r.url()})
	commands := 0
	for _, c := range []struct {
		name       string
		long       bool
		hurt, mend func()
	}{
		{"memory full", false, func() { do("CONFIG", "SET", "maxmemory", "1") }, func() { do("CONFIG", "SET", "maxmemory", "0") }},
		{"a replica", true, func() { do("REPLICAOF", "127.0.0.1", freePort(t)) }, func() { do("REPLICAOF", "NO", "ONE") }},
		{
			"another password", false,
			func() {
				do("CONFIG", "SET", "requirepass", "changed")
				do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			},
			func() { do("CONFIG", "SET", "requirepass", "") },
		},
		{
			"asleep", true,
			func() { go func() { _ = admin.Do(context.WithoutCancel(t.Context()), "DEBUG", "SLEEP", "3").Err() }() },
			func() {},
		},
		{"killed", false, r.Kill, func() { r.Start(t) }},
	} {
		if c.long && *cutFor == 0 {
			continue // of the long form; store/queue tries them all
		}
		back := len(s.log.with("redis is back"))
		c.hurt()
		s.ask(t, stage.FeishuRoom, "李敏", "@点名 预演 hr-to-wecom", "hr-to-wecom")
		commands++
		s.awaitRun(t, "the run is planned while Redis is: "+c.name, func(one run.Run) bool { return one.State == run.Planned && len(s.runs(t)) == commands })
		until(t, "/readyz says 200 while Redis is: "+c.name, func() bool { return s.ready(t) == 200 })
		c.mend()
		mended := time.Now()
		until(t, "the service is back at Redis after: "+c.name, func() bool { return len(s.log.with("redis is back")) > back && r.used(t) })
		soonAgain(t, c.name, mended)
	}
	if all := s.runs(t); len(all) != commands {
		t.Errorf("%d runs of %d commands", len(all), commands)
	}
	s.discreet(t, "changed")
}

// TestP06_FailoverUnderARun kills the master that Sentinels, or a Cluster, replace,
// between the vote and the last change of a run.
func TestP06_FailoverUnderARun(t *testing.T) {
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		g := queuetest.StartGuarded(t)
		overFailover(t, g.URL(), g.Master.Kill)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		s := queuetest.StartSlotted(t, 3, true)
		overFailover(t, s.URL(), s.Masters[s.Owner(t, "rollcall:runs")].Kill)
	})
}

func overFailover(t *testing.T, url string, fail func()) {
	t.Helper()
	w := &loss{service: openService(t, stage.Options{Redis: url}), lose: fail}
	w.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "hr-to-wecom")
	w.code = w.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting }).Code
	reached, open := gatedAt(t, w.stage.WeCom, 5)
	w.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(w.code)+" 删除=3", "已批准")
	arrives(t, reached)
	w.lost(t)
	open()
	failed := time.Now()
	done := w.awaitRun(t, "the run ends", func(r run.Run) bool { return r.State.Ended() })
	if done.State != run.Succeeded || done.Code != w.code {
		t.Errorf("the run ends as %+v", done)
	}
	w.once(t, 12)
	w.settled(t)
	until(t, "the service is back at Redis", func() bool { return len(w.log.with("redis is back")) > 0 })
	soonAgain(t, "failover", failed)
}

// soonAgain reports how long something took to be well again. That this is 30 s at most
// is asserted in the long form alone (-cut): a crowded machine takes its time, and the
// test has waited for the event itself.
func soonAgain(t *testing.T, what string, since time.Time) {
	t.Helper()
	took := time.Since(since)
	t.Logf("%s: well again after %s", what, took.Round(time.Millisecond))
	if *cutFor > 0 && took > 30*time.Second {
		t.Errorf("%s: it took %s", what, took)
	}
}
