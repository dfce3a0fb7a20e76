package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain lets the test binary be the rollcall command when it is called by
// that name: scripts run it, and so do the tests that kill it.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"rollcall": func() { loseSyncs(); os.Exit(profiled(func() int { return start(true) })) }})
}

// tidy runs the tests and sees that they leave no goroutine behind.
type tidy struct{ m *testing.M }

// Run gives the exit code of the tests, or 1 where something still runs.
func (t tidy) Run() int {
	code := t.m.Run()
	// Feishu's SDK starts a clock for its cache, and never ends it.
	// Redis' driver dials a dead server once a second, and ends within one after Close.
	if err := goleak.Find(goleak.IgnoreTopFunction("github.com/larksuite/oapi-sdk-go/v3/cache.(*cron).start"),
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// rollcall gives a command that runs this binary as rollcall.
func rollcall(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Args[0] = "rollcall"
	return cmd
}

// TestChat plays the conversations of testdata/chat in the Feishu group, by long
// connection and by HTTP callback, and those of testdata/dingtalk in the
// DingTalk group, by the transport that each names; both with the in-process
// bell and, where there is one, with a real Redis.
func TestChat(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	var database atomic.Int32
	for _, c := range []struct {
		name, dir string
		env       []string
	}{
		{"connection", "chat", []string{"FEISHU=connection", "REDIS="}},
		{"callback", "chat", []string{"FEISHU=callback", "REDIS="}},
		{"redis", "chat", []string{"FEISHU=connection", "REDIS=" + redis}},
		{"dingtalk", "dingtalk", []string{"REDIS="}},
		{"dingtalk_redis", "dingtalk", []string{"REDIS=" + redis}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.HasSuffix(c.name, "redis") && redis == "" {
				t.Skip("NOT RUN: there is no redis-server here")
			}
			testscript.Run(t, testscript.Params{
				Dir: filepath.Join("testdata", c.dir),
				Setup: func(e *testscript.Env) error {
					e.Vars = append(append(e.Vars, c.env...), "LANG=zh_CN.UTF-8", noRest)
					if strings.HasSuffix(c.name, "redis") { // a database for each company: they would share the rates of their robots
						e.Vars = append(e.Vars, fmt.Sprintf("REDIS=%s/%d", redis, database.Add(1)))
					}
					return nil
				},
			})
		})
	}
}

// TestCommands plays the scripts of testdata/cli: the command line without a
// chat.
func TestCommands(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "cli"), Setup: setupCommands, Cmds: commands(t.Context()), RequireExplicitExec: true, RequireUniqueNames: true,
	})
}

// startRedis starts a redis-server of the test's own and gives its URL, or ""
// when there is none on this machine.
func startRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Log("NOT RUN against a real Redis: there is no redis-server here")
		return ""
	}
	socket := freePort(t)
	cmd := exec.CommandContext(t.Context(), path, "--port", socket, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--databases", "256",
		"--maxmemory-policy", "noeviction", "--dir", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	awaitText(t, out, "Ready to accept connections")
	return "redis://127.0.0.1:" + socket
}

// awaitText reads until the text was seen, and goes on reading in the
// background so that the writer never blocks.
func awaitText(t *testing.T, r io.Reader, want string) {
	t.Helper()
	seen := make([]byte, 0, 4096)
	buf := make([]byte, 512)
	for {
		n, err := r.Read(buf)
		seen = append(seen, buf[:n]...)
		if containsText(seen, want) {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return
		}
		if err != nil {
			t.Fatalf("%v before %q was seen; output:\n%s", err, want, seen)
		}
	}
}
