package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

var soakTime = flag.Duration("soak", 0, "TestP15: for how long; 0 = a few faults")

// TestP15_ThreeFaultsAtOnce lets three things go wrong at once, again and again, while
// people command and vote. At the end of each company's time everything is well
// again: then every invariant must hold, every command must have its answer, and the
// next plan must be empty. The seed chooses worlds, faults and times.
func TestP15_ThreeFaultsAtOnce(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat: -run TestP15 -soak %v -seed %d", *soakTime, from)
	s := &soak{dice: rand.New(rand.NewPCG(from, 15)), seen: map[string]int{}}
	began := time.Now()
	for company := 1; company == 1 || time.Since(began) < *soakTime && !t.Failed(); company++ {
		each := troubleOfCompany
		k := kindOf(t, []string{"replicas", "sqlite"}[s.dice.IntN(2)])
		if *soakTime == 0 {
			each, k = troubleInShort, kindOf(t, "replicas")
		}
		if *onlyWorld != "" {
			k = kindOf(t, *onlyWorld)
		}
		t.Run(fmt.Sprint("company", company, "_", k.name), func(t *testing.T) { s.company(t, k, each) })
	}
	t.Logf("seed %d: %v of trouble in %v, %d rounds, %d commands, %d processes killed, faults %v",
		from, s.troubled.Round(time.Second), time.Since(began).Round(time.Second), s.rounds, s.commands, s.kills, s.seen)
}

const (
	troubleOfCompany = 75 * time.Second
	troubleInShort   = 8 * time.Second
	changesOfSoak    = 6 // below the guards on deletions
)

// soak counts what happened.
type soak struct {
	dice     *rand.Rand // of the faults alone: what people do is always the same
	seen     map[string]int
	troubled time.Duration
	rounds   int
	commands int
	kills    int
}

// trouble is one thing that goes wrong, until end is called.
type trouble struct {
	name  string
	begin func() (end func())
}

func (s *soak) company(t *testing.T, k kind, each time.Duration) {
	t.Helper()
	m := openMortal(t, k)
	m.rough = true
	stop := m.serve(t.Context(), t, failWatch)
	defer stop()
	m.until(t, "all serve", m.whole)
	m.change(t)
	s.live(t, m)
	m.settledPlan(t)
	before := m.most(t) // of processes that have worked
	began := time.Now()
	ctx, calm := context.WithTimeout(t.Context(), each)
	over := make(chan struct{})
	go func() { defer close(over); s.rage(ctx, m.troubles(t, s.dice)) }()
	for n := 0; ctx.Err() == nil; n++ {
		if s.rounds++; n < changesOfSoak {
			m.change(t)
		}
		s.live(t, m)
		pause(ctx, 300*time.Millisecond)
	}
	calm()
	<-over
	s.troubled += time.Since(began)
	m.calm()
	calmed := time.Now()
	m.until(t, "all serve again", m.whole)
	t.Logf("all serve again in %v", time.Since(calmed).Round(time.Millisecond))
	m.mu.Lock()
	m.rough = false
	m.mu.Unlock()
	s.recover(t, m)
	m.settledPlan(t)
	t.Logf("all is settled in %v", time.Since(calmed).Round(time.Millisecond))
	after := m.most(t)
	m.until(t, "they need what they needed", func() bool { // connections that nobody uses end by themselves
		after = m.most(t)
		w := &world{before: map[string]vitals{"": before}, after: map[string]vitals{"": after}}
		leaks := false
		w.slim(func(string, ...any) { leaks = true })
		return !leaks
	})
	t.Logf("%v before, %v after %v of calm", before, after, time.Since(calmed).Round(time.Millisecond))
	m.quiet(t)
	stop()
	w := m.world(t.Context(), t)
	w.rough, w.skew = true, wrongBy()
	w.before, w.after = map[string]vitals{"a replica": before}, map[string]vitals{"a replica": after}
	for _, b := range w.broken() {
		t.Error(b)
	}
	for _, said := range m.unanswered() {
		t.Errorf("I4 nobody answered %s", said)
	}
	s.commands += m.heard()
	s.kills += m.deaths
	if m.wrong != nil {
		t.Error(m.wrong)
	}
	if t.Failed() {
		t.Logf("the faults were %v; the service's log ends:\n%s", s.seen, logEnd(m.dir))
	}
}

// live lets people ask for a run and vote on it, while others ask for other things,
// and waits for the run's end, whatever it is.
func (s *soak) live(t *testing.T, m *mortal) {
	t.Helper()
	was, began := m.known(t), time.Now()
	m.say(t, "李敏", "@点名 同步 "+flowName)
	m.say(t, "吴迪", "@点名 我是谁")
	taken := time.Since(began)
	voted := map[run.Code]int{}
	r := m.fresh(t, "the run ends", was, func(r run.Run) bool {
		if r.State == run.Awaiting && voted[r.Code] < max(1, r.Votes) {
			who := []string{"周凯", "陈悦"}[voted[r.Code]]
			voted[r.Code]++
			m.say(t, who, fmt.Sprintf("@点名 批准 %s 删除=%d", r.Code, r.Counts.Delete))
		}
		return r.By.Person != "" && r.State.Ended()
	})
	ended := time.Since(began)
	m.say(t, "吴迪", "@点名 状态")
	t.Logf("%s is %s: taken in %v, ended in %v, all in %v", r.Code, r.State,
		taken.Round(time.Millisecond), ended.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// recover brings everything in step when all is well again: what failed before is
// done now. A quota that is used up is waited for.
func (s *soak) recover(t *testing.T, m *mortal) {
	t.Helper()
	for range 40 {
		s.live(t, m)
		last := m.lastAsked(t)
		if last.State == run.Succeeded || last.State == run.NothingToDo {
			return
		}
		t.Logf("%s ends as %s: %s", last.Code, last.State, last.Reason)
		pause(t.Context(), 5*time.Second)
	}
	t.Error("nothing succeeds though all is well")
}

// lastAsked gives the newest run that somebody asked for.
func (m *mortal) lastAsked(t *testing.T) run.Run {
	t.Helper()
	all := m.runs(t)
	return all[slices.IndexFunc(all, func(r run.Run) bool { return r.By.Person != "" })]
}

// rage begins three troubles at a time and ends them, until ctx ends.
func (s *soak) rage(ctx context.Context, all []trouble) {
	for ctx.Err() == nil {
		var ends []func()
		for _, i := range s.dice.Perm(len(all))[:3] {
			s.seen[all[i].name]++
			ends = append(ends, all[i].begin())
		}
		pause(ctx, time.Duration(1000+s.dice.IntN(4000))*time.Millisecond)
		for _, end := range ends {
			end()
		}
		pause(ctx, time.Duration(200+s.dice.IntN(1500))*time.Millisecond)
	}
}

// wrongBy is how wrong a clock is made. A lease that was taken by a clock that is
// ahead and set right holds for so long, and with it the flow.
func wrongBy() time.Duration {
	if *soakTime == 0 {
		return 10 * time.Second
	}
	return 65 * time.Second
}

// troubles are what can go wrong in a world.
func (m *mortal) troubles(t *testing.T, dice *rand.Rand) []trouble {
	t.Helper()
	either := func() *host { return m.hosts[dice.IntN(len(m.hosts))] }
	nothing := func() {}
	all := []trouble{
		{"killed", func() func() { either().signal(syscall.SIGKILL); return nothing }},
		{"frozen", func() func() {
			h := either()
			h.signal(syscall.SIGSTOP)
			return func() { h.signal(syscall.SIGCONT) }
		}},
	}
	all = append(all, m.vendorTroubles(dice)...)
	all = append(all, m.chatTroubles()...)
	if *soakTime == 0 { // it is kept to for a minute
		all = slices.DeleteFunc(all, func(one trouble) bool { return one.name == quotaUsedUp })
	}
	if m.record != nil {
		return append(all, m.sharedTroubles(t, either)...)
	}
	return append(all, trouble{"record busy", func() func() { return holdRecord(filepath.Join(m.dir, "data", "rollcall.db")) }})
}

const quotaUsedUp = "quota used up"

func (m *mortal) vendorTroubles(dice *rand.Rand) []trouble {
	wecom := m.stage.WeCom
	inject := func(f wecomsim.Fault) func() {
		wecom.Inject(f)
		return wecom.ClearFaults
	}
	write := func() string { return []string{"user/create", "user/update", "user/delete"}[dice.IntN(3)] }
	return []trouble{
		{"vendor 502", func() func() { return inject(wecomsim.Fault{Status: 502, Times: -1}) }},
		{"vendor 429", func() func() { return inject(wecomsim.Fault{Status: 429, Times: 4}) }},
		{quotaUsedUp, func() func() { return inject(wecomsim.Fault{Path: write(), Code: 45009, Times: 1}) }},
		{"answers lost", func() func() { return inject(wecomsim.Fault{Path: write(), Partial: true, Drop: true, Times: 2}) }},
		{"calls lost", func() func() { return inject(wecomsim.Fault{Before: true, Times: 3}) }},
		{"vendor hangs", func() func() { return inject(wecomsim.Fault{Path: write(), Hang: true, Times: 1}) }},
		{"vendor slow", func() func() {
			wecom.Gate(func(string, string) { pause(context.Background(), 400*time.Millisecond) })
			return func() { wecom.Gate(nil) }
		}},
	}
}

func (m *mortal) chatTroubles() []trouble {
	feishu, ding := m.stage.Feishu, m.stage.DingTalk
	return []trouble{
		{"chat away", func() func() {
			disarm := feishu.Inject(feishusim.Fault{Path: "/open-apis/im", Status: 500, Times: -1})
			feishu.RefuseConnections(503, 0)
			feishu.DropConnections()
			return func() { feishu.RefuseConnections(0, 0); disarm() }
		}},
		{"chat answers lost", func() func() {
			return feishu.Inject(feishusim.Fault{Path: "/open-apis/im/v1/messages", Drop: true, Times: 3})
		}},
		{"other chat away", func() func() {
			ding.Inject(dingtalksim.Fault{Path: "/v1.0/robot*", Times: -1})
			ding.DropConnections()
			return ding.ClearFaults
		}},
	}
}

// sharedTroubles are of what replicas share.
func (m *mortal) sharedTroubles(t *testing.T, either func() *host) []trouble {
	t.Helper()
	nothing := func() {}
	return []trouble{
		{"redis killed", func() func() { m.redis.Kill(); return func() { m.redis.Start(t) } }},
		{"redis emptied", func() func() { m.redis.flush(t); return nothing }},
		{"sessions cut", func() func() {
			_, _ = m.server.Admin.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rollcall'`)
			return nothing
		}},
		{"clock ahead", func() func() { return either().wrongClock(wrongBy()) }},
		{"clock behind", func() func() { return either().wrongClock(-wrongBy()) }},
	}
}

// flush empties a Redis that may be away.
func (r *redisServer) flush(t *testing.T) {
	t.Helper()
	if c, err := dialTCP(t.Context(), r.Address()); err == nil {
		_, _ = fmt.Fprint(c, "FLUSHALL\r\n")
		_, _ = c.Read(make([]byte, 64))
		_ = c.Close()
	}
}

// wrongClock starts a replica again with a clock that is wrong, until it is started
// with a right one.
func (h *host) wrongClock(by time.Duration) (end func()) {
	set := func(env ...string) {
		h.m.mu.Lock()
		h.env = env
		h.m.mu.Unlock()
		h.signal(syscall.SIGKILL)
	}
	set(clockVariable + "=" + by.String())
	return func() { set() }
}

// holdRecord writes the record and does not come to an end, so that nobody else can.
func holdRecord(path string) (end func()) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return func() {}
	}
	tx, err := db.BeginTx(context.Background(), nil)
	return func() {
		if err == nil {
			_ = tx.Rollback()
		}
		_ = db.Close()
	}
}

// calm ends whatever is still wrong.
func (m *mortal) calm() {
	m.stage.WeCom.ClearFaults()
	m.stage.WeCom.Gate(nil)
	m.stage.Feishu.ClearFaults()
	m.stage.Feishu.RefuseConnections(0, 0)
	m.stage.DingTalk.ClearFaults()
}

// most gives what the greediest replica needs.
func (m *mortal) most(t *testing.T) vitals {
	t.Helper()
	var out vitals
	for _, v := range m.vitals(t) {
		out.goroutines, out.files = max(out.goroutines, v.goroutines), max(out.files, v.files)
	}
	return out
}

// heard gives how many commands people have sent in the Feishu room.
func (m *mortal) heard() int {
	n := 0
	for _, msg := range m.stage.Feishu.Messages(m.stage.ChatID(stage.FeishuRoom)) {
		if m.isCommand(&msg) {
			n++
		}
	}
	return n
}

func (m *mortal) isCommand(msg *feishusim.Message) bool {
	return !msg.FromBot && !strings.HasPrefix(msg.SenderID, "hook:") && len(msg.Mentions) > 0
}

// unanswered gives the commands of the Feishu room that the bot did not reply to.
func (m *mortal) unanswered() []string {
	all := m.stage.Feishu.Messages(m.stage.ChatID(stage.FeishuRoom))
	answered := map[string]bool{}
	for i := range all {
		if all[i].FromBot {
			answered[all[i].ParentID], answered[all[i].RootID] = true, true
		}
	}
	var left []string
	for i := range all {
		if m.isCommand(&all[i]) && !answered[all[i].ID] {
			left = append(left, all[i].Text())
		}
	}
	return left
}

// TestI10_NothingLeaks sees that a process needs after its work what it needed before.
func TestI10_NothingLeaks(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	m := openMortal(t, kindOf(t, "sqlite"))
	stop := m.serve(t.Context(), t, failWatch)
	defer stop()
	m.until(t, "it serves", m.whole)
	work := func() {
		for range 3 {
			m.change(t)
			m.goThrough(t, voted)
			m.quiet(t)
		}
	}
	work() // what is kept for ever is there by now
	before := m.vitals(t)
	work()
	w := &world{before: before}
	var bad []string
	defer func() {
		if t.Failed() {
			t.Logf("%q", bad)
		}
	}()
	m.until(t, "it needs what it needed", func() bool { // the collector of garbage takes its time
		w.after, bad = m.vitals(t), nil
		w.slim(func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) })
		return len(bad) == 0
	})
	t.Logf("before %v, after %v", before, w.after)
}
