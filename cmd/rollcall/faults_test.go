package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/run"
)

var (
	onlyFaults = flag.String("points", "", "TestP01: only these failpoints, with commas between them")
	allFaults  = flag.Bool("faults", false, "TestP01: every failpoint, first, middle and last")
	kills      = flag.Int("kills", 12, "TestP02: how often the service is killed at least")
	seed       = flag.Uint64("seed", 0, "TestP02: the seed of the times; 0 = a new one")
)

// mortal is the real binary on a stage, in a process that dies and is started
// again.
type mortal struct {
	stage  *stage.Stage
	chat   *stage.Chat
	store  *store.Store // the same record, seen from this process
	dir    string
	config string
	exe    string
	rounds int

	mu     sync.Mutex
	child  *exec.Cmd
	serves chan struct{} // of the present child: closed when it serves
	deaths int           // in this round
	wrong  error         // it ended otherwise than by SIGKILL
	spared bool          // it is not killed any more
}

func openMortal(t *testing.T) *mortal {
	t.Helper()
	m := &mortal{dir: t.TempDir()}
	var err error
	if m.exe, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	m.stage, err = stage.Open(stage.Options{Dir: m.dir, Now: time.Now, Timing: "{lease: 2s, sweep: 100ms, call: 1s, settle: 200ms}"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.stage.Close() })
	m.config = linkedStage(t.Context(), t, m.stage)
	m.chat = m.stage.OpenChat()
	t.Cleanup(m.chat.Close)
	if m.store, err = store.Open(t.Context(), store.Options{Dir: filepath.Join(m.dir, "data"), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.store.Close() })
	return m
}

// serve starts the service, and again whenever it dies, until stop: the first
// time with a failpoint, then without. stop ends the last one by SIGTERM.
func (m *mortal) serve(ctx context.Context, t *testing.T, failpoint string) (stop func()) {
	t.Helper()
	m.mu.Lock()
	m.deaths, m.wrong, m.spared = 0, nil, false
	m.mu.Unlock()
	if err := m.start(ctx, failVariable+"="+failpoint); err != nil {
		t.Fatal(err)
	}
	over, stopping := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			err := m.child.Wait()
			select {
			case <-stopping:
				m.note(err, "at SIGTERM it ends with")
				return
			default:
			}
			if !killed(err) {
				m.note(fmt.Errorf("%w", errors.Join(err, errors.New("nobody killed it"))), "it ends by itself with")
				return
			}
			m.mu.Lock()
			m.deaths++
			m.mu.Unlock()
			if err := m.start(ctx, failVariable+"="); err != nil {
				m.note(err, "it does not start")
				return
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			m.mu.Lock()
			close(stopping)
			m.spared = true
			_ = m.child.Process.Signal(syscall.SIGTERM)
			m.mu.Unlock()
			<-over
		})
	}
}

func (m *mortal) note(err error, how string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.wrong = fmt.Errorf("%s %w", how, err)
	}
}

// killed tells whether a process was ended by SIGKILL.
func killed(err error) bool {
	exit, is := errors.AsType[*exec.ExitError](err)
	if !is {
		return false
	}
	status, is := exit.Sys().(syscall.WaitStatus)
	return is && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (m *mortal) start(ctx context.Context, env string) error {
	log, err := os.OpenFile(filepath.Join(m.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serves = make(chan struct{})
	c := exec.CommandContext(ctx, m.exe, "serve", "--config", m.config)
	c.Args[0] = "rollcall"
	c.Env = append(os.Environ(), env)
	c.Stdout, c.Stderr = log, &herald{to: log, serves: m.serves}
	c.WaitDelay = 2 * time.Second // a rule's process may hold the pipe a little longer
	m.child = c
	return c.Start()
}

// herald copies a log, and tells when the service serves.
type herald struct {
	to     *os.File
	serves chan struct{}
	told   bool
}

func (h *herald) Write(b []byte) (int, error) {
	if !h.told && bytes.Contains(b, []byte(`"msg":"serving"`)) {
		h.told = true
		close(h.serves)
	}
	return h.to.Write(b)
}

// round lets a person join, one change and one leave, asks for a run, votes, and
// waits until all is said; then it sees that nothing is left to be done, and that
// every invariant holds.
func (m *mortal) round(ctx context.Context, t *testing.T, failpoint string) int {
	t.Helper()
	m.change(t)
	stop := m.serve(ctx, t, failpoint)
	defer stop()
	before := m.runs(t)
	m.say(t, "李敏", "@点名 同步 "+flowName)
	var r run.Run
	m.until(t, "the run awaits votes", func() bool {
		all := m.runs(t)
		if len(all) > len(before) {
			r = all[0]
		}
		return r.State == run.Awaiting && m.shown("待批准 "+string(r.Code))
	})
	for _, who := range []string{"周凯", "陈悦"}[:max(1, r.Votes)] {
		m.say(t, who, fmt.Sprintf("@点名 批准 %s 删除=%d", r.Code, r.Counts.Delete))
	}
	m.until(t, "the run ends", func() bool { r = m.runs(t)[0]; return r.State.Ended() })
	m.quiet(t)
	m.say(t, "李敏", "@点名 预演 "+flowName)
	m.until(t, "the next plan", func() bool { return len(m.runs(t)) == len(before)+2 && m.runs(t)[0].State.Ended() })
	m.quiet(t)
	stop()
	if next := m.runs(t)[0]; next.State != run.NothingToDo {
		t.Errorf("I6 the next plan is %s: %+v", next.State, next.Counts)
	}
	if r.State != run.Succeeded {
		t.Errorf("%s ends as %s: %s", r.Code, r.State, r.Reason)
	}
	w, err := observeWorld(ctx, m.stage, m.chat, m.store)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(m.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	w.log = string(log)
	for _, b := range w.broken() {
		t.Error(b)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wrong != nil {
		t.Error(m.wrong)
	}
	if t.Failed() {
		t.Logf("the service's log ends:\n%s", logEnd(m.dir))
	}
	return m.deaths
}

// change makes three changes that no other round makes.
func (m *mortal) change(t *testing.T) {
	t.Helper()
	n := m.rounds
	m.rounds++
	for _, c := range [][3]string{
		{fmt.Sprintf("06%02d", n), "姓名", fmt.Sprintf("新人%02d", n)},
		{fmt.Sprintf("03%02d", 10+n), "职位", "首席"},
		{fmt.Sprintf("03%02d", 50+n), "状态", "离职"},
	} {
		if err := m.stage.Roster.Set(c[0], c[1], c[2]); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *mortal) say(t *testing.T, who, line string) {
	t.Helper()
	for range 5 { // the platform is patient
		m.until(t, "the service serves", m.serving) // what is said to a dead one is waited for long
		err := m.chat.Say(t.Context(), stage.FeishuRoom, who, line)
		if err == nil {
			return
		}
		t.Logf("%s: %v", line, err)
		if m.chat.Again(t.Context(), stage.FeishuRoom) == nil {
			return
		}
	}
	t.Fatalf("nobody takes %q", line)
}

func (m *mortal) runs(t *testing.T) []run.Run {
	t.Helper()
	all, err := m.store.Runs(t.Context(), run.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// shown tells whether the bot said something in the room.
func (m *mortal) shown(text string) bool {
	posts, _ := m.chat.From(0)
	return slices.ContainsFunc(posts, func(p stage.Post) bool {
		return p.Room == stage.FeishuRoom && p.Who == "点名" && strings.Contains(p.Text, text)
	})
}

// quiet waits until every message is handled and every letter sent.
func (m *mortal) quiet(t *testing.T) {
	t.Helper()
	m.until(t, "all is said", func() bool {
		b, err := m.store.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return b.Inbox.N == 0 && len(b.Outbox) == 0
	})
}

func (m *mortal) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	patient := time.After(5 * time.Minute)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		m.mu.Lock()
		wrong := m.wrong
		m.mu.Unlock()
		select {
		case <-patient:
			t.Fatalf("never: %s\n%s", what, logEnd(m.dir))
		case <-tick.C:
		}
		if wrong != nil {
			t.Fatalf("%s: %v\n%s", what, wrong, logEnd(m.dir))
		}
	}
}

// points gives the failpoints to be tried: all of them, first, middle and last,
// or a dozen.
func points() []string {
	if *onlyFaults != "" {
		return strings.Split(*onlyFaults, ",")
	}
	if !*allFaults {
		return []string{
			"claim:after:1", "run:after:1", "plan:after:1", "card:before:1", "vote:after:1", "apply:before:1", "intent:after:2",
			"send:before:3", "send:after:1", "send:after:3", "outcome:before:2", "report:before:1", "letter:after:2",
		}
	}
	times := map[string][]int{
		"page": {1, 3}, "verify": {1, 3}, "letter": {1, 3}, "mark": {1, 3}, "intent": {1, 2, 3}, "send": {1, 2, 3}, "outcome": {1, 2, 3},
	}
	var all []string
	for _, name := range failNames() {
		for _, when := range []string{"before", "after"} {
			for _, n := range append(times[name], 1)[:max(1, len(times[name]))] {
				all = append(all, fmt.Sprintf("%s:%s:%d", name, when, n))
			}
		}
	}
	return all
}

// withoutRace says why kills are left out: what is killed shows no race.
const withoutRace = "the race detector makes each start slow: make test tries this once more without it"

// roundsOfStage keeps a stage below the guards on deletions, and lets the slow
// rounds wait beside each other.
const roundsOfStage = 3

// TestP01_KilledAtEveryFailpoint kills the service at each failpoint of a run's
// life, once before and once after what it stands for, and starts it again.
func TestP01_KilledAtEveryFailpoint(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	all := points()
	for n := 0; len(all) > 0; n++ {
		some := all[:min(roundsOfStage, len(all))]
		all = all[len(some):]
		t.Run(fmt.Sprint("company", n+1), func(t *testing.T) {
			t.Parallel()
			m := openMortal(t)
			for _, p := range some {
				if !t.Run(strings.ReplaceAll(p, ":", "_"), func(t *testing.T) {
					began := time.Now()
					if deaths := m.round(t.Context(), t, p); deaths != 1 {
						t.Errorf("it died %d times", deaths)
					}
					t.Logf("%s: %v", p, time.Since(began).Round(time.Millisecond))
				}) {
					return
				}
			}
		})
	}
}

// TestP02_KilledAtRandom kills the service again and again, 60 to 360 ms after it
// serves, one time in four after it was started, while runs are asked for, voted
// on, applied and reported.
func TestP02_KilledAtRandom(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat: -run TestP02 -kills %d -seed %d", *kills, from)
	dice := rand.New(rand.NewPCG(from, 0))
	total, rounds := 0, 0
	for total < *kills {
		t.Run(fmt.Sprint("company", rounds/roundsOfStage+1), func(t *testing.T) {
			m := openMortal(t)
			for range roundsOfStage {
				if total >= *kills || t.Failed() {
					return
				}
				ctx, stop := context.WithCancel(t.Context())
				over := make(chan struct{})
				go func() { defer close(over); m.hunt(ctx, dice, min(killsOfRound, *kills-total)) }()
				deaths := m.round(t.Context(), t, "")
				stop()
				<-over
				total += deaths
				rounds++
			}
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills in %d runs", total, rounds)
}

// killsOfRound ends a hunt, so that a run comes to its end on a slow machine.
const killsOfRound = 25

// hunt kills the child of the moment at random times, most times.
func (m *mortal) hunt(ctx context.Context, dice *rand.Rand, most int) {
	last, _ := m.present() // of the round before
	for n := 0; n < most; {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
		child, serves := m.present()
		if child == last {
			continue
		}
		wait := time.Duration(60+dice.IntN(300)) * time.Millisecond
		if dice.IntN(4) > 0 {
			select {
			case <-ctx.Done():
				return
			case <-serves:
			}
		}
		if !pause(ctx, wait) {
			return
		}
		m.mu.Lock()
		if m.child == child && !m.spared && child.Process.Kill() == nil {
			n++
		}
		m.mu.Unlock()
		last = child
	}
}

// present gives the child of the moment, and what tells when it serves.
func (m *mortal) present() (*exec.Cmd, chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.child, m.serves
}

// serving tells whether the child of the moment serves: one that died early never
// did.
func (m *mortal) serving() bool {
	_, serves := m.present()
	select {
	case <-serves:
		return true
	default:
		return false
	}
}

// pause waits, and tells whether the time has passed.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
