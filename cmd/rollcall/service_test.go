package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/run"
)

// service is the product on a stage, served in this process, with everything
// that it logs.
type service struct {
	stage  *stage.Stage
	chat   *stage.Chat
	script *stage.Script
	log    *logbook
	clock  *clock
	config string
	loose  bool                  // what is wrong with rule files stops their flows alone, as in rollcall serve
	spans  sdktrace.SpanExporter // takes the traces; nil: none are written
	public string                // the address that is listened on

	app *app
	end func() // stops serving and closes the app; once
}

// patience is how long a test waits for what must come: a loaded machine under
// the race detector is slow.
const patience = 2 * time.Minute

const flowName = "hr-to-wecom"

// openService sets a stage, links last month's accounts, lets the month pass,
// and serves.
func openService(t *testing.T, o stage.Options) *service {
	t.Helper()
	s := &service{log: &logbook{}, clock: &clock{}}
	o.Dir, o.Now = t.TempDir(), time.Now
	var err error
	if s.stage, err = stage.Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stage.Close() })
	s.config = linkedStage(t.Context(), t, s.stage)
	s.chat = s.stage.OpenChat()
	t.Cleanup(s.chat.Close)
	s.script = &stage.Script{Chat: s.chat, Patience: patience}
	s.start(t)
	t.Cleanup(func() {
		s.end()
		if t.Failed() {
			t.Logf("warnings and errors in the log:\n%s", strings.Join(slices.Concat(s.log.with(`"level":"WARN"`), s.log.with(`"level":"ERROR"`)), "\n"))
		}
	})
	return s
}

// start opens the app and serves until end, or the test is over.
func (s *service) start(t *testing.T) {
	t.Helper()
	p := &process{getenv: debugging, stdout: discard{}, stderr: s.log, now: s.clock.Now, executable: swift(t), spans: s.spans}
	cfg, err := configs.Load(configs.Options{Path: s.config, Getenv: os.LookupEnv, ReadFile: os.ReadFile, LooseRules: s.loose})
	if err != nil {
		t.Fatal(err)
	}
	if s.app, err = p.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, ready := make(chan error, 1), make(chan struct{})
	go func() {
		served <- s.app.serve(ctx, func(address string) {
			s.stage.MovedTo(address)
			s.public = address
			close(ready)
		})
	}()
	s.end = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve ends: %v", err)
		}
		if err := s.app.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-served:
		t.Fatalf("serve ends: %v", err)
	}
	if err := s.stage.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

// restart is a new process on the same record: nothing is remembered but what
// was written.
func (s *service) restart(t *testing.T) {
	t.Helper()
	s.end()
	s.start(t)
}

// debugging is an environment in which everything is logged.
func debugging(name string) (string, bool) {
	if name == "ROLLCALL_LOG" {
		return "debug", true
	}
	return os.LookupEnv(name)
}

// ask lets a person say a line and gives the bot's next post in the room that
// holds a text.
func (s *service) ask(t *testing.T, room stage.Room, who, line, want string) string {
	t.Helper()
	posts, _ := s.chat.From(0)
	if err := s.chat.Say(t.Context(), room, who, line); err != nil {
		t.Fatal(err)
	}
	return s.await(t, len(posts), func(p stage.Post) bool { return p.Room == room && strings.Contains(p.Text, want) })
}

// await waits for a post of the bot from an index on and gives its text.
func (s *service) await(t *testing.T, from int, fits func(stage.Post) bool) string {
	t.Helper()
	patient, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := from; ; {
		posts, more := s.chat.From(i)
		for _, p := range posts {
			if i++; p.Who == "点名" && fits(p) {
				return p.Text
			}
		}
		select {
		case <-patient.Done():
			all, _ := s.chat.From(from)
			t.Fatalf("not seen in %v; since then: %+v", patience, all)
		case <-more:
		}
	}
}

// settled waits until everything that was heard before is answered: the bot answers
// what one person says in one chat in order, and what others say beside that.
func (s *service) settled(t *testing.T) {
	t.Helper()
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 我是谁", "李敏")
	until(t, "everything that was heard is handled", func() bool {
		b, err := s.app.store.Backlog(t.Context())
		return err == nil && b.Inbox.N == 0
	})
}

// quiet waits until everything that happened is told.
func (s *service) quiet(t *testing.T) {
	t.Helper()
	until(t, "all is said", func() bool { return allSaid(t.Context(), s.app.store) })
}

// allSaid tells whether every message is handled, every event is told, and every
// letter is sent, looked at in the order in which one makes the next. A run that has
// ended has told it only then.
func allSaid(ctx context.Context, st *store.Store) bool {
	if b, err := st.Backlog(ctx); err != nil || b.Inbox.N > 0 {
		return false
	}
	if events, err := st.Events(ctx, "bot", 1); err != nil || len(events) > 0 {
		return false
	}
	b, err := st.Backlog(ctx)
	return err == nil && len(b.Outbox) == 0
}

// runs gives every run of the record, the newest first.
func (s *service) runs(t *testing.T) []run.Run {
	t.Helper()
	all, err := s.app.store.Runs(t.Context(), run.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// awaitRun waits until the newest run is as wanted.
func (s *service) awaitRun(t *testing.T, what string, fits func(run.Run) bool) run.Run {
	t.Helper()
	var last run.Run
	until(t, what, func() bool {
		all := s.runs(t)
		if len(all) == 0 {
			return false
		}
		last = all[0]
		return fits(last)
	})
	return last
}

// until looks again and again until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	patient, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-patient.Done():
			t.Fatalf("not in %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// effects gives the target's writes as "op id", in order.
func (s *service) effects() []string {
	var all []string
	for _, e := range s.stage.WeCom.Effects() {
		all = append(all, e.Op+" "+e.ID)
	}
	return all
}

// once sees that every write of the target was made once, and how many.
func (s *service) once(t *testing.T, want int) {
	t.Helper()
	all := s.effects()
	slices.Sort(all)
	if different := slices.Compact(slices.Clone(all)); len(all) != want || len(different) != want {
		t.Errorf("%d writes, %d different, want %d: %v", len(all), len(different), want, all)
	}
}

// discreet sees that the log holds none of the stage's secrets, nothing of a
// person and none of the texts.
func (s *service) discreet(t *testing.T, texts ...string) {
	t.Helper()
	log := s.log.String()
	if !strings.Contains(log, "roster file read") {
		t.Errorf("that is not the log: %q", log)
	}
	for _, secret := range slices.Concat(s.stage.Secrets(), s.stage.Persons(), texts) {
		if before, after, found := strings.Cut(log, secret); found {
			start := before[strings.LastIndexByte(before, '\n')+1:]
			end, _, _ := strings.Cut(after, "\n")
			t.Errorf("the log shows %q: %s", secret, start+secret+end)
		}
	}
}

// logbook keeps a log. It is safe for concurrent use.
type logbook struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// with gives the lines that hold a text.
func (l *logbook) with(text string) []string {
	var lines []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// clock is the machine's, put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(by time.Duration) { c.ahead.Add(int64(by)) }

// swift gives a process.executable for rule children that end at once: under
// the race detector they would sleep for a second, and their environment, where
// it is told not to, is empty.
func swift(t *testing.T) func() (string, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	self, script := filepath.Join(dir, "rollcall"), filepath.Join(dir, "swift")
	// A child that is being started meanwhile would hold the script open, and it
	// could not be run.
	syscall.ForkLock.RLock()
	err = errors.Join(os.Symlink(exe, self), os.WriteFile(script, []byte("#!/bin/sh\nGORACE=atexit_sleep_ms=0 exec '"+self+"' \"$@\"\n"), 0o700))
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return func() (string, error) { return script, nil }
}

// record gives the path of the stage's database.
func (s *service) record() string {
	return filepath.Join(filepath.Dir(s.config), "data", "rollcall.db")
}
