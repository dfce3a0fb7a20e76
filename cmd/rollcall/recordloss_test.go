package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// outage is a PostgreSQL that is away for a while, in one way.
type outage struct {
	name       string
	harm, mend func(*testing.T, *pgtest.Server, *pgtest.Way)
	passes     bool // it is over by itself, at once
}

// outages are the ways in which PostgreSQL is away; make test tries the first ones.
func outages() []outage {
	all := []outage{
		{
			name: "killed",
			harm: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Kill(t) },
			mend: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Restart(t) },
		},
		{
			name: "cut", passes: true,
			harm: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Cut(t) },
			mend: func(*testing.T, *pgtest.Server, *pgtest.Way) {},
		},
		{
			name: "stopped",
			harm: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Stop(t, "immediate") },
			mend: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Restart(t) },
		},
		{
			name: "frozen",
			harm: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Freeze(t) },
			mend: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.Thaw(t) },
		},
		{
			name: "read_only",
			harm: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.ReadOnly(t, true) },
			mend: func(t *testing.T, s *pgtest.Server, _ *pgtest.Way) { t.Helper(); s.ReadOnly(t, false) },
		},
		{
			name: "slow",
			harm: func(_ *testing.T, _ *pgtest.Server, w *pgtest.Way) { w.Delay(2 * time.Second) },
			mend: func(_ *testing.T, _ *pgtest.Server, w *pgtest.Way) { w.Delay(0) },
		},
		{
			name: "unreachable",
			harm: func(_ *testing.T, _ *pgtest.Server, w *pgtest.Way) { w.Hang(true) },
			mend: func(_ *testing.T, _ *pgtest.Server, w *pgtest.Way) { w.Hang(false); w.Cut() },
		},
	}
	if !*allFaults {
		all = all[:2]
	}
	return all
}

// TestP09_PostgreSQLLost loses the PostgreSQL of two replicas four times in the life
// of one run: while commands come, while it reads, while it is voted on, and in the
// middle of a change. What is acknowledged is in the record, nothing is done that was
// not noted before, the replicas say that they are not ready, and all goes on by itself
// when the record is back.
func TestP09_PostgreSQLLost(t *testing.T) {
	t.Parallel()
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Start(t)
			way := server.Way(t)
			r := openReplicasAt(t, 2, stage.Options{Record: way.URL(t, t.Name()), Timing: "{lease: 6s, sweep: 300ms, call: 2s, settle: 500ms}"})
			l := &recordLoss{
				replicas: r, passes: o.passes,
				harm: func() { o.harm(t, server, way) }, mend: func() { o.mend(t, server, way) },
			}
			t.Cleanup(func() { way.Delay(0); way.Hang(false); server.Thaw(t) }) // before the replicas end
			l.live(t)
		})
	}
}

// recordLoss is one run whose record is lost again and again.
type recordLoss struct {
	*replicas
	passes     bool
	harm, mend func()
	code       run.Code
	asked      []feishusim.Event // acknowledged

	reached <-chan struct{} // the fifth write is reached
	open    func()          // it may go on
}

// live is the life of the run, with an outage in each part.
func (l *recordLoss) live(t *testing.T) {
	t.Helper()
	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{{"commands", l.commands}, {"reading", l.reading}, {"voting", l.voting}, {"applying", l.applying}, {"the end", l.ending}, {"invariants", l.holds}} {
		began := time.Now()
		step.do(t)
		t.Logf("%s: %v", step.name, time.Since(began).Round(time.Millisecond))
	}
}

// away harms the record, does something at once, waits until everybody has noticed,
// and mends it.
func (l *recordLoss) away(t *testing.T, meanwhile func()) {
	t.Helper()
	l.harm()
	meanwhile()
	if !l.passes {
		for i, s := range l.all {
			told := len(s.log.with(`"msg":"not ready"`))
			until(t, "it is not ready", func() bool { return s.readyz(t) == http.StatusServiceUnavailable })
			if lines := s.log.with(`"msg":"not ready"`); len(lines) <= told || !strings.Contains(lines[len(lines)-1], "the record cannot be") {
				t.Errorf("replica %d does not say why: %q", i, lines)
			}
		}
	}
	l.mend()
	began := time.Now()
	for _, s := range l.all {
		until(t, "it is ready again", func() bool { return s.readyz(t) == http.StatusOK })
	}
	t.Logf("ready again after %v", time.Since(began).Round(time.Millisecond))
}

// readyz gives the status of /readyz.
func (s *service) readyz(t *testing.T) int {
	t.Helper()
	return get(t, "http://"+s.public+"/readyz")
}

// try posts an event once, and tells whether it was acknowledged.
func (l *recordLoss) try(t *testing.T, at int, e feishusim.Event) bool {
	t.Helper()
	s := l.all[at%len(l.all)]
	a, err := s.stage.Feishu.Post(t.Context(), "http://"+s.public+feishuPath, e, feishusim.Forgery{})
	if err == nil && a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
		t.Errorf("a message is answered %d", a.Status)
	}
	return err == nil && a.Status == http.StatusOK
}

// commands loses the record while messages come. Each that was acknowledged is
// answered, once; what was refused comes again, as the platform does it.
func (l *recordLoss) commands(t *testing.T) {
	t.Helper()
	const messages = 24
	events, taken := make([]feishusim.Event, messages), make([]atomic.Bool, messages)
	some := make(chan struct{}, messages)
	var group sync.WaitGroup
	for i := range events {
		events[i] = l.said(t, "吴迪", "我是谁")
	}
	for first := range 4 {
		group.Go(func() {
			for i := first; i < messages; i += 4 {
				if l.try(t, i, events[i]) {
					taken[i].Store(true)
				}
				some <- struct{}{}
			}
		})
	}
	for range messages / 3 {
		<-some
	}
	l.away(t, func() {
		late := l.said(t, "吴迪", "我是谁")
		events = append(events, late)
		if !l.passes && l.try(t, 0, late) {
			t.Error("a message is acknowledged while there is no record")
		}
		group.Wait()
		if !l.passes { // a platform that never comes again: the sender is told at once
			l.all[0].ask(t, stage.DingRoom, "吴迪", "@点名 whoami", "没有收下，请重发 / not accepted, send again")
		}
	})
	for i := range messages {
		if taken[i].Load() && l.count(t, `SELECT COUNT(*) FROM inbox WHERE id LIKE '%' || $1`, events[i].MessageID) != 1 {
			t.Errorf("message %d was acknowledged, and is not in the record", i)
		}
	}
	for i, e := range events {
		l.all[i%len(l.all)].post(t, e)
	}
	l.asked = append(l.asked, events...)
}

// reading loses the record while the target is read, which goes on meanwhile.
func (l *recordLoss) reading(t *testing.T) {
	t.Helper()
	sim := l.stage.WeCom
	sim.Inject(wecomsim.Fault{Path: "department/list", Hang: true})
	before := sim.Calls()["department/list"]
	e := l.said(t, "李敏", "同步 hr-to-wecom")
	l.all[0].post(t, e)
	l.asked = append(l.asked, e)
	until(t, "the target is read", func() bool { return sim.Calls()["department/list"] > before })
	l.away(t, func() {})
	l.code = l.all[0].awaitRun(t, "the run awaits approval", func(one run.Run) bool {
		if one.State.Ended() {
			t.Fatalf("the run ends as %s: %s", one.State, one.Reason)
		}
		return one.State == run.Awaiting
	}).Code
}

// voting loses the record while votes come: one that is not acknowledged does not
// count, and one that comes again counts once.
func (l *recordLoss) voting(t *testing.T) {
	t.Helper()
	vote := l.said(t, "周凯", "批准 "+string(l.code)+" 删除=3")
	l.reached, l.open = gatedAt(t, l.stage.WeCom, 5)
	l.away(t, func() {
		if !l.passes && l.try(t, 1, vote) {
			t.Error("a vote is acknowledged while there is no record")
		}
	})
	for range 2 {
		l.all[len(l.all)-1].post(t, vote)
	}
	l.asked = append(l.asked, vote)
}

// applying loses the record in the middle of a change: it is made, and cannot be
// written down.
func (l *recordLoss) applying(t *testing.T) {
	t.Helper()
	arrives(t, l.reached)
	if n := l.count(t, `SELECT COUNT(*) FROM changes WHERE step = 'sending'`); n != 1 {
		t.Errorf("%d calls are under way by the journal, want one", n)
	}
	l.away(t, func() {
		l.open()
		until(t, "the change is made", func() bool { return len(l.stage.WeCom.Effects()) >= 5 })
	})
	l.stage.WeCom.Gate(nil)
}

// ending waits for the end, and sees that nothing is left to be done.
func (l *recordLoss) ending(t *testing.T) {
	t.Helper()
	done := l.all[0].awaitRun(t, "the run ends", func(one run.Run) bool { return one.Code == l.code && one.State.Ended() })
	if done.State != run.Succeeded || done.Outcome.Done+done.Outcome.Already != 12 {
		t.Errorf("the run ends as %s: %s, %+v", done.State, done.Reason, done.Outcome)
	}
	l.all[0].once(t, 12)
	next := l.said(t, "李敏", "预演 hr-to-wecom")
	l.all[len(l.all)-1].post(t, next)
	l.asked = append(l.asked, next)
	after := l.all[0].awaitRun(t, "the next plan", func(one run.Run) bool { return one.Code != l.code && one.State.Ended() })
	if after.State != run.NothingToDo {
		t.Errorf("I6 the next plan is %s: %+v", after.State, after.Counts)
	}
	if n := l.count(t, `SELECT COUNT(*) FROM inbox`); n < len(l.asked) {
		t.Errorf("%d messages are in the record, %d were acknowledged", n, len(l.asked))
	}
	l.quiet(t)
}

// holds sees that every command is answered once and that no invariant is broken.
func (l *recordLoss) holds(t *testing.T) {
	t.Helper()
	for _, e := range l.asked {
		if n := l.answers(e); n == 0 {
			t.Errorf("%q is never answered", e.MessageID)
		}
	}
	w, err := observeWorld(t.Context(), l.stage, l.chat, l.all[0].app.store)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.all {
		w.log += s.log.String()
	}
	w.secrets = append(slices.Clone(w.secrets), pgtest.Secret)
	for _, b := range w.broken() {
		t.Error(b)
	}
}
