package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// killer kills the service at chosen writes of the target: before the write
// takes effect, or after it.
type killer struct {
	mu     sync.Mutex
	writes int
	kill   func()
	before map[int]bool
	after  map[int]bool
}

func (k *killer) gate(string, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.before[k.writes] {
		delete(k.before, k.writes)
		k.kill()
	}
}

func (k *killer) onEffect(wecomsim.Effect) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes++
	if k.after[k.writes] {
		delete(k.after, k.writes)
		k.kill()
	}
}

// TestKill kills the service again and again while it applies 50 changes, and
// starts it again: every change is done once, as the target counts it, the run
// reaches its end and the thread gets its report.
func TestKill(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	s, err := stage.Open(stage.Options{Dir: dir, Now: time.Now, Timing: "{lease: 2s, sweep: 100ms, call: 1s, settle: 200ms}"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	config := linkedStage(ctx, t, s)
	for i := range 38 { // 47 people join or change, 3 leave: 50 changes
		if err := s.Roster.Set(fmt.Sprintf("05%02d", i), "姓名", fmt.Sprintf("新人%02d", i)); err != nil {
			t.Fatal(err)
		}
	}
	dead := make(chan struct{}, 1)
	killed := false // the present child: a write of a dead one may still land
	k := &killer{before: map[int]bool{}, after: map[int]bool{}}
	for i := 1; i <= 46; i += 9 {
		k.before[i], k.after[i+2] = true, true
	}
	for _, last := range []int{48, 49} { // the deletions
		k.before[last], k.after[last+1] = true, true
	}
	planned, kills := len(k.before)+len(k.after), 0
	var child *exec.Cmd
	k.kill = func() {
		if killed {
			return
		}
		killed = true
		kills++
		_ = child.Process.Kill()
		dead <- struct{}{}
	}
	s.WeCom.Gate(k.gate)
	s.WeCom.OnEffect(k.onEffect)

	c := s.OpenChat()
	defer c.Close()
	child = startService(ctx, t, config, dir)
	defer func() { // before the stage closes: it waits for whoever is connected
		_ = child.Process.Kill()
		_ = child.Wait()
		if t.Failed() {
			t.Logf("the service's log ends:\n%s", logEnd(dir))
		}
	}()
	if err := s.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	script := &stage.Script{Chat: c, Patience: 8 * time.Minute}
	play(ctx, t, script, `
say @点名 同步 hr-to-wecom
expect 待批准 {code}
as 周凯
say @点名 批准 {code} 删除=3
`)
	ended := make(chan error, 1)
	go func() { ended <- script.Play(ctx, strings.NewReader("expect 成功 50\n")) }()
	for {
		select {
		case <-dead:
			_ = child.Wait()
			k.mu.Lock()
			child, killed = startService(ctx, t, config, dir), false
			k.mu.Unlock()
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			checkEffects(t, s, k)
			t.Logf("%d kills at %d points", kills, planned)
			return
		}
	}
}

func checkEffects(t *testing.T, s *stage.Stage, k *killer) {
	t.Helper()
	var done []string
	for _, e := range s.WeCom.Effects() {
		done = append(done, e.Op+" "+e.ID)
	}
	slices.Sort(done)
	if once := slices.Compact(slices.Clone(done)); len(once) != len(done) || len(done) != 50 {
		t.Errorf("%d writes, %d different, want 50: %v", len(done), len(once), done)
	}
	if left := len(k.before) + len(k.after); left > 0 {
		t.Errorf("%d points were not reached", left)
	}
}

func play(ctx context.Context, t *testing.T, s *stage.Script, lines string) {
	t.Helper()
	if err := s.Play(ctx, strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
}

// linkedStage writes the stage's configuration and links last month's
// accounts.
func linkedStage(ctx context.Context, t *testing.T, s *stage.Stage) string {
	t.Helper()
	return linkedStageWith(ctx, t, s, func(text string) string { return text })
}

// linkedStageWith lets the configuration be edited first.
func linkedStageWith(ctx context.Context, t *testing.T, s *stage.Stage, edit func(string) string) string {
	t.Helper()
	path, err := s.WriteConfig()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(edit(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{getenv: os.LookupEnv, stdout: os.Stdout, stderr: discard{}, now: time.Now, executable: os.Executable}
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.linkAll(ctx, &cfg.Flows[0]); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Today(); err != nil {
		t.Fatal(err)
	}
	return path
}

// startService starts rollcall serve in a process of its own.
func startService(ctx context.Context, t *testing.T, config, dir string) *exec.Cmd {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := rollcall(ctx, t, "serve", "--config", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = os.Environ()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// logEnd gives the end of what the service logged.
func logEnd(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "serve.log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logEndBytes):])
}

const logEndBytes = 8000

// discard takes a log that nobody reads.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
