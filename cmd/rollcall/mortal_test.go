package main

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
)

// mortal is the real binary on a stage, in processes that die and are started
// again.
type mortal struct {
	kind   kind
	stage  *stage.Stage
	chat   *stage.Chat
	store  *store.Store // the same record, seen from this process
	dir    string
	config string
	exe    string
	rounds int
	moved  string // who stands in a department that the next round gives up

	server *pgtest.Server // of a world with replicas
	redis  *redisServer
	record *sql.DB // the record of a world with replicas, from outside

	hosts []*host

	mu     sync.Mutex
	deaths int   // in this round
	wrong  error // one ended otherwise than by SIGKILL
	spared bool  // they are not killed any more
	rough  bool  // what they need may be away when they start
	frail  int   // so often one may end by itself: it is starved
}

// host is one process of the service, and those after it.
type host struct {
	m      *mortal
	name   string
	config string
	env    []string
	exe    string   // its binary; "": the tests' own
	within []string // a command that runs it; nil: none

	child  *exec.Cmd     // guarded by m.mu
	serves chan struct{} // of the present child: closed when it serves
	over   chan struct{} // closed when nobody is started any more
	leaves bool          // it was told to end, and is not started again
}

func openMortal(t *testing.T, of kind) *mortal {
	t.Helper()
	m := &mortal{kind: of, dir: t.TempDir()}
	var err error
	if m.exe, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	o := stage.Options{Dir: m.dir, Now: time.Now, Timing: "{lease: 2s, sweep: 100ms, call: 1s, settle: 200ms}"}
	if of.replicas > 1 {
		m.redis, m.server = ownRedis(t), pgtest.Start(t)
		o.Redis, o.Record = m.redis.url(), m.server.URL(t, t.Name())
		if m.record, err = sql.Open("pgx", o.Record); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.record.Close() })
	}
	if m.stage, err = stage.Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.stage.Close() })
	if of.dingtalk {
		moveToDingTalk(t, m.stage)
	}
	m.config = linkedStageWith(t.Context(), t, m.stage, of.edit)
	m.chat = m.stage.OpenChat()
	t.Cleanup(m.chat.Close)
	data := filepath.Join(m.dir, "data")
	if m.store, err = store.Open(t.Context(), store.Options{Dir: data, URL: o.Record, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.store.Close() })
	m.openHosts(t)
	return m
}

// openHosts gives each replica a data folder of its own, as if on different hosts.
func (m *mortal) openHosts(t *testing.T) {
	t.Helper()
	m.hosts = []*host{{m: m, name: "replica 0", config: m.config}}
	if m.kind.replicas < 2 {
		return
	}
	text, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	m.hosts = nil
	for i := range m.kind.replicas {
		h := &host{m: m, name: fmt.Sprint("replica ", i), config: filepath.Join(m.dir, fmt.Sprintf("replica%d.yaml", i))}
		own := strings.Replace(string(text), "data: "+filepath.Join(m.dir, "data")+"\n", "data: "+filepath.Join(m.dir, fmt.Sprint("data", i))+"\n", 1)
		if err := os.WriteFile(h.config, []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
		m.hosts = append(m.hosts, h)
	}
}

// serve starts every replica, and again whenever it dies, until stop: the first
// time with a failpoint, then without. stop ends the last ones by SIGTERM.
func (m *mortal) serve(ctx context.Context, t *testing.T, failpoint string) (stop func()) {
	t.Helper()
	m.mu.Lock()
	m.deaths, m.wrong, m.spared = 0, nil, false
	m.mu.Unlock()
	for _, h := range m.hosts {
		h.launch(ctx, t, failpoint)
	}
	return m.stopper()
}

// stopper gives what ends every replica.
func (m *mortal) stopper() func() {
	return sync.OnceFunc(func() {
		m.mu.Lock()
		m.spared = true
		m.mu.Unlock()
		for _, h := range m.hosts {
			if h.over != nil {
				h.end()
			}
		}
	})
}

// launch starts a replica, and again whenever it dies.
func (h *host) launch(ctx context.Context, t *testing.T, failpoint string) {
	t.Helper()
	h.leaves = false
	if err := h.start(ctx, failpoint); err != nil {
		t.Fatal(err)
	}
	h.over = make(chan struct{})
	go h.keep(ctx)
}

// leave sends a replica SIGTERM so many times, and sees that it ends by itself, with
// 0, and with -faults in time. meanwhile happens before it is waited for.
func (h *host) leave(t *testing.T, signals int, meanwhile func()) {
	t.Helper()
	h.m.mu.Lock()
	h.leaves = true
	for range signals {
		if err := h.child.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	h.m.mu.Unlock()
	began := time.Now()
	meanwhile()
	<-h.over
	took := time.Since(began)
	if *allFaults && took > termWithin { // a crowded machine takes its time
		t.Errorf("%s ends %v after SIGTERM", h.name, took)
	}
	if code := h.child.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s ends with %d: %v", h.name, code, h.child.ProcessState)
	}
	t.Logf("%s ends %v after %d SIGTERM", h.name, took.Round(time.Millisecond), signals)
}

// termWithin is how soon a process ends that was told to.
const termWithin = 10 * time.Second

// end sends the last child SIGTERM, when it has learned to heed it, and waits.
func (h *host) end() {
	child, serves := h.present()
	_ = child.Process.Signal(syscall.SIGCONT)
	select {
	case <-serves:
	case <-h.over:
	case <-time.After(time.Minute):
	}
	_ = child.Process.Signal(syscall.SIGTERM)
	<-h.over
}

// keep waits for the present child and starts the next.
func (h *host) keep(ctx context.Context) {
	defer close(h.over)
	m := h.m
	for {
		child, serves := h.present()
		err := child.Wait()
		m.mu.Lock()
		spared, rough := m.spared || h.leaves, m.rough
		starved := err != nil && !killed(err) && !spared && m.frail > 0
		if starved {
			m.frail--
		}
		if killed(err) || starved {
			m.deaths++
		}
		m.mu.Unlock()
		switch {
		case spared && killed(err): // a moment before
			return
		case spared:
			m.note(err, "at SIGTERM it ends with")
			return
		case killed(err) || starved:
		case rough && !closed(serves): // what it needs was away, and it said so
			pause(ctx, 200*time.Millisecond)
		default:
			m.note(fmt.Errorf("%w", errors.Join(err, errors.New("nobody killed it"))), "it ends by itself with")
			return
		}
		if err := h.start(ctx, failWatch); err != nil {
			if !errors.Is(err, errSpared) {
				m.note(err, "it does not start")
			}
			return
		}
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

func (h *host) start(ctx context.Context, failpoint string) error {
	log, err := os.OpenFile(filepath.Join(h.m.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.m.spared {
		return errSpared
	}
	h.serves = make(chan struct{})
	c := exec.CommandContext(ctx, cmp.Or(h.exe, h.m.exe), "serve", "--config", h.config)
	if len(h.within) > 0 {
		c = exec.CommandContext(ctx, h.within[0], append(slices.Clone(h.within[1:]), h.own(), "serve", "--config", h.config)...)
	} else {
		c.Args[0] = "rollcall"
	}
	c.Env = append(append(os.Environ(), h.env...), failVariable+"="+failpoint)
	c.Stdout, c.Stderr = log, &herald{to: log, serves: h.serves}
	c.WaitDelay = 2 * time.Second // a rule's process may hold the pipe a little longer
	h.child = c
	return c.Start()
}

// own gives the binary's path under the name by which it goes, for commands that start
// it: they call it by its path.
func (h *host) own() string {
	own := filepath.Join(h.m.dir, "rollcall")
	_ = os.Symlink(h.m.exe, own)
	return own
}

// errSpared is why nobody is started any more.
var errSpared = errors.New("the round is over")

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

// present gives the child of the moment, and what tells when it serves.
func (h *host) present() (*exec.Cmd, chan struct{}) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	return h.child, h.serves
}

// signal sends the child of the moment a signal.
func (h *host) signal(s syscall.Signal) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if !h.m.spared {
		_ = h.child.Process.Signal(s)
	}
}

// serving tells whether any child of the moment serves: one that died early never
// did.
func (m *mortal) serving() bool {
	return slices.ContainsFunc(m.hosts, func(h *host) bool { _, serves := h.present(); return closed(serves) })
}

// whole tells whether all do.
func (m *mortal) whole() bool {
	return !slices.ContainsFunc(m.hosts, func(h *host) bool { _, serves := h.present(); return !closed(serves) })
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// worker gives the replica that holds the flow's lease, nil when none does.
func (m *mortal) worker(t *testing.T) *host {
	t.Helper()
	var owner string
	if err := m.record.QueryRowContext(t.Context(), `SELECT owner FROM leases WHERE flow = $1`, flowName).Scan(&owner); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(owner, "-") // the host's name, the process, letters
	for _, h := range m.hosts {
		child, _ := h.present()
		if len(parts) > 2 && parts[len(parts)-2] == strconv.Itoa(child.Process.Pid) {
			return h
		}
	}
	return nil
}

// say lets a person say a line until the platform has delivered it.
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
	var all []run.Run
	m.until(t, "the record answers", func() bool { // its sessions may be cut
		var err error
		all, err = m.store.Runs(t.Context(), run.Filter{Limit: 1000})
		if err != nil && t.Context().Err() != nil {
			t.Fatal(err)
		}
		return err == nil
	})
	return all
}

// shown tells whether the bot said something in the room.
func (m *mortal) shown(text string) bool {
	posts, _ := m.chat.From(0)
	return slices.ContainsFunc(posts, func(p stage.Post) bool {
		return p.Room == stage.FeishuRoom && p.Who == "点名" && strings.Contains(p.Text, text)
	})
}

// quiet waits until everything that happened is told.
func (m *mortal) quiet(t *testing.T) {
	t.Helper()
	m.until(t, "all is said", func() bool { return allSaid(t.Context(), m.store) })
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

// vitals gives what each replica needs now.
func (m *mortal) vitals(t *testing.T) map[string]vitals {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`"msg":"metrics","listen":"([^"]+)"`).FindAllSubmatch(text, -1)
	out := map[string]vitals{}
	for _, found := range slices.Backward(all) { // of those who are dead nobody answers
		if v, err := readVitals(t, string(found[1])); err == nil && len(out) < len(m.hosts) {
			out[string(found[1])] = v
		}
	}
	if len(out) != len(m.hosts) {
		t.Fatalf("%d of %d replicas show their numbers", len(out), len(m.hosts))
	}
	return out
}
