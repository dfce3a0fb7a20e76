package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

var (
	loadMinutes = flag.Float64("load", 0, "TestLoad: how many minutes commands come; 0 = the short form of make test")
	loadRate    = flag.Int("load-rate", 200, "TestLoad: commands a second")
	loadFlows   = flag.Int("load-flows", 100, "TestLoad: flows that run at once")
	loadProfile = flag.String("load-profile", "", "TestLoad: a folder for profiles of the replicas, which are then the tests' binary")
)

// profileVariable names the folder into which the tests' binary, as a service,
// writes profiles of itself when it ends.
const profileVariable = "ROLLCALL_TEST_PROFILE"

// profiled runs the service and writes its profiles; without the variable it only
// runs it.
func profiled(serve func() int) int {
	dir := os.Getenv(profileVariable)
	if dir == "" || !slices.Contains(os.Args, "serve") {
		return serve()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 1
	}
	runtime.SetMutexProfileFraction(100)
	runtime.SetBlockProfileRate(1_000_000)
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil || pprof.StartCPUProfile(cpu) != nil {
		return 1
	}
	code := serve()
	pprof.StopCPUProfile()
	errs := []error{cpu.Close()}
	for _, name := range []string{"heap", "allocs", "mutex", "block", "goroutine"} {
		f, err := os.Create(filepath.Join(dir, name+".pprof"))
		if err == nil {
			err = errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
		}
		errs = append(errs, err)
	}
	if errors.Join(errs...) != nil {
		return 1
	}
	return code
}

// TestLoad drives two replicas by signed Feishu events, over HTTP and over the long
// connection, and by DingTalk Stream: no command may be lost or answered twice. With
// -load it takes minutes and prints figures, which fail nothing (make load).
func TestLoad(t *testing.T) {
	s := loadShape{rate: 20, lasts: 6 * time.Second, flows: 4, rows: 5, short: true}
	if *loadMinutes > 0 {
		s = loadShape{rate: *loadRate, lasts: time.Duration(*loadMinutes * float64(time.Minute)), flows: *loadFlows, rows: 20}
	} else {
		t.Parallel()
	}
	w := openLoad(t, s)
	tell := func(format string, args ...any) {
		if !s.short {
			fmt.Printf(format+"\n", args...)
		}
	}
	for _, line := range w.machine(t) {
		tell("%s", line)
	}
	tell("%d people, %d rooms on each platform, %d flows of %d people; two processes of %s", s.persons(), s.rooms(), s.flows, s.rows, w.replicas[0].cmd.Path)
	d := openDrive(w)
	defer d.stopEars()
	w.manyFlows(t, d, tell)
	w.steadily(t, d, tell)
}

// manyFlows lets every flow run at once, and sees that each ends with its accounts.
func (w *loadWorld) manyFlows(t *testing.T, d *loadDrive, tell func(string, ...any)) {
	t.Helper()
	x, stop := w.watch(t.Context(), time.Second)
	began := time.Now()
	for i := range w.flows {
		c := &remark{verb: "plan", sent: 1} // its end is told, too
		room := i % w.rooms()
		d.sayFeishu(t.Context(), c, i, feishusim.Words{Chat: loadChat(room), From: loadOpenID(2 * room), Text: "同步 " + loadFlow(i)})
		d.mu.Lock()
		d.said = append(d.said, c)
		d.mu.Unlock()
	}
	w.await(t, "every flow has run", 10*time.Minute, func() bool {
		return w.count(t, `SELECT COUNT(*) FROM runs WHERE state IN ('succeeded', 'partial', 'failed', 'blocked', 'awaiting_approval')`) >= w.flows
	})
	took := time.Since(began)
	stop()
	if n := w.count(t, `SELECT COUNT(*) FROM runs WHERE state = 'succeeded'`); n != w.flows {
		t.Errorf("%d of %d flows succeeded", n, w.flows)
	}
	if n := w.count(t, `SELECT COUNT(*) FROM changes WHERE step = 'done'`); n != w.flows*w.rows {
		t.Errorf("%d changes are done, want %d", n, w.flows*w.rows)
	}
	w.await(t, "every run is told of", 10*time.Minute, func() bool { return w.untold(t)+w.count(t, `SELECT COUNT(*) FROM inbox WHERE handled = 0`) == 0 })
	waits, ends := w.lives(t)
	tell("\n%d flows at once, four workers in each process: all ended after %.1f s", w.flows, took.Seconds())
	tell("  until a worker began: %s", quantiles(waits))
	tell("  until the end:        %s", quantiles(ends))
	tell("  processors:           %s", x.spent())
	for _, line := range x.memory(0, time.Hour) {
		tell("  %s", line)
	}
	if err := w.record.QueryRowContext(t.Context(), `SELECT code FROM runs ORDER BY created LIMIT 1`).Scan(&d.code); err != nil {
		t.Fatal(err)
	}
}

// lives gives for each run how long it waited for a worker, and lasted in all.
func (w *loadWorld) lives(t *testing.T) (waits, ends []time.Duration) {
	t.Helper()
	rows, err := w.record.QueryContext(t.Context(), `SELECT MIN(at), MIN(CASE WHEN action = 'run.moved' THEN at END), MAX(at) FROM audit
		WHERE action IN ('run.created', 'run.moved') GROUP BY run`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var born, begun, ended int64
		if err := rows.Scan(&born, &begun, &ended); err != nil {
			t.Fatal(err)
		}
		waits, ends = append(waits, time.Duration(begun-born)*time.Millisecond), append(ends, time.Duration(ended-born)*time.Millisecond)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return waits, ends
}

// The platforms' rates that bound how fast answers can go: Feishu's calls a minute
// and DingTalk's a second, as docs/reliability.md has them.
const (
	feishuAMinute = 1000
	dingASecond   = 20
)

// steadily lets commands come at the rate, and waits until everything is answered.
func (w *loadWorld) steadily(t *testing.T, d *loadDrive, tell func(string, ...any)) {
	t.Helper()
	d.mu.Lock()
	d.said, d.inChat, d.atOnce = nil, map[string][]time.Time{}, nil
	clear(d.posts)
	d.mu.Unlock()
	before := w.count(t, `SELECT COUNT(*) FROM inbox`)
	x, stop := w.watch(t.Context(), min(max(w.lasts/30, time.Second), 5*time.Second)) // each look costs the replicas something
	began := time.Now()
	n := int(float64(w.rate) * w.lasts.Seconds())
	d.steady(t.Context(), n)
	came := time.Since(began)
	spent := x.spent()
	w.await(t, "every message is handled", 20*time.Minute, func() bool { return w.count(t, `SELECT COUNT(*) FROM inbox WHERE handled = 0`) == 0 })
	handled, cost := time.Since(began), x.cost(n)
	left := w.count(t, `SELECT COUNT(*) FROM outbox WHERE state = 'waiting'`)
	tell("\n%d commands and messages in %.1f s (%.1f a second), all handled after %.1f s, %d letters wait for the platforms' rates", n, came.Seconds(), float64(n)/came.Seconds(), handled.Seconds(), left)
	s := d.tally()
	var all []time.Duration
	for _, way := range []string{byCallback, byLongConn, byStream} {
		tell("  acknowledged, %-17s %s", way, quantiles(s.acks[way]))
		all = append(all, s.acks[way]...)
	}
	tell("  acknowledged, all:              %s", quantiles(all))
	tell("  processors for each command:    %s", cost)
	tell("  claimed until handled:          %s", quantiles(w.handling(t, began)))
	tell("  the load's own lag:             %s", quantiles(s.lag))
	tell("  processors while they came:     %s", spent)
	for _, line := range x.memory(min(came/5, time.Minute), came) {
		tell("  %s", line)
	}
	drained := time.Now()
	w.drain(t, d, tell)
	stop()
	took := time.Since(began)
	s = d.tally()
	d.mu.Lock()
	posts := fmt.Sprintf("feishu %d, dingtalk %d", d.posts["feishu"], d.posts["dingtalk"])
	floor := max(time.Duration(d.posts["feishu"]-feishuAMinute)*time.Minute/feishuAMinute, time.Duration(d.posts["dingtalk"])*time.Second/dingASecond)
	d.mu.Unlock()
	tell("\nall answered after %.1f s (%.1f s after the last came); the platforms' rates allow %.1f s for that many (%s): %.2f times", took.Seconds(), time.Since(drained).Seconds(), floor.Seconds(), posts, took.Seconds()/max(floor.Seconds(), 1))
	tell("  processors, with the drain:     %s", x.spent())
	tell("  memory while the outbox drained:")
	for _, line := range x.memory(came, took) {
		tell("  %s", line)
	}
	refused, worst, second := d.bans()
	tell("  refused by the platforms' limits: %d; most in one DingTalk chat within a minute: %d (20 silence a robot); most DingTalk calls in a second: %d (20)", refused, worst, second)
	if worst > 20 {
		t.Errorf("%d messages in one DingTalk chat within a minute", worst)
	}
	tell("  %d commands in %d deliveries, %d answered; %d refused and told to be sent again, %d not acknowledged, %d not answered, %d answered twice; %d said to others, %d of them answered",
		s.commands, s.deliveries, s.answered, s.refused, s.unacknowledged, s.unanswered, s.doubled, s.talk, s.disturbed)
	for _, line := range w.statements(t) {
		tell("  %s", line)
	}
	d.lost(t, before)
}

// drain waits until the outbox is empty, and tells now and then how much is left.
func (w *loadWorld) drain(t *testing.T, d *loadDrive, tell func(string, ...any)) {
	t.Helper()
	last := time.Now()
	w.await(t, "every letter is sent", 2*time.Hour, func() bool {
		left := w.untold(t)
		if time.Since(last) > 30*time.Second {
			last = time.Now()
			d.mu.Lock()
			tell("  … %d letters left; sent so far: feishu %d, dingtalk %d", left, d.posts["feishu"], d.posts["dingtalk"])
			d.mu.Unlock()
		}
		return left == 0
	})
}

// untold gives how much is to be said yet: letters, and what will make letters.
func (w *loadWorld) untold(t *testing.T) int {
	t.Helper()
	return w.count(t, `SELECT (SELECT COUNT(*) FROM runs WHERE state IN ('queued', 'reading', 'planning', 'applying'))
		+ (SELECT COUNT(*) FROM events WHERE seq > COALESCE((SELECT seq FROM cursors WHERE reader = 'bot'), 0))
		+ (SELECT COUNT(*) FROM outbox WHERE state = 'waiting')`)
}

// handling gives how long each message of the load was on its way from claim to handled.
func (w *loadWorld) handling(t *testing.T, since time.Time) []time.Duration {
	t.Helper()
	rows, err := w.record.QueryContext(t.Context(), `SELECT handled - at FROM inbox WHERE at >= $1 AND handled > 0`, since.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []time.Duration
	for rows.Next() {
		var ms int64
		if err := rows.Scan(&ms); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Duration(ms)*time.Millisecond)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// await looks again and again; it is as patient as it is told.
func (w *loadWorld) await(t *testing.T, what string, patience time.Duration, so func() bool) {
	t.Helper()
	enough := time.Now().Add(patience)
	for !so() {
		if time.Now().After(enough) {
			t.Fatalf("not in %v: %s", patience, what)
		}
		if !pause(t.Context(), 100*time.Millisecond) {
			t.Fatal(context.Cause(t.Context()))
		}
	}
}

// bans gives how many calls Feishu refused for coming too fast, the most messages in
// one DingTalk chat within a minute, and the most of all of them within a second.
func (d *loadDrive) bans() (refused, worst, second int) {
	calls := d.w.feishu.Calls()
	for _, name := range []string{"send", "reply", "patch", "put"} {
		refused += calls["message."+name] - len(d.w.feishu.EffectsOf("message."+name))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, times := range d.inChat {
		worst = max(worst, most(times, time.Minute))
	}
	return refused, worst, most(d.atOnce, time.Second)
}

// most gives how many times lie within one span at most.
func most(times []time.Time, span time.Duration) int {
	best, from := 0, 0
	for i := range times {
		for times[i].Sub(times[from]) >= span {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

func redisVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "redis-server", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(out))
	return "Redis " + strings.Join(words[min(2, len(words)):min(3, len(words))], "")
}
