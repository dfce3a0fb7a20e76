package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// startServer starts a Redis on a free port and gives its URL.
func startServer(t *testing.T) string {
	t.Helper()
	return queuetest.StartServer(t).URL()
}

// kill ends a process with SIGKILL; it may be dead already.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// child is a process that listens: it prints "begun KEY" for each ring and then
// hangs, or answers.
type child struct {
	cmd   *exec.Cmd
	lines chan string
}

func startChild(t *testing.T, url, name, how string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, "-test.run=^TestChildProcess$"), lines: make(chan string, 100)}
	c.cmd.Env = append(os.Environ(), "QUEUE_CHILD="+how, "QUEUE_URL="+url, "QUEUE_NAME="+name)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(c.cmd) })
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	return c
}

// TestChildProcess is what startChild runs; alone it does nothing.
func TestChildProcess(t *testing.T) {
	how := os.Getenv("QUEUE_CHILD")
	if how == "" {
		t.Skip("runs as a child of TestTakeOverAfterKill only")
	}
	b, err := queue.OpenRedis(t.Context(), queue.Options{URL: os.Getenv("QUEUE_URL"), Consumer: os.Getenv("QUEUE_NAME"), MinIdle: quickIdle})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening")
	_ = b.Listen(t.Context(), 1, func(ctx context.Context, key string) {
		fmt.Println("begun " + key)
		if how == "hang" {
			<-ctx.Done()
		}
	})
}

// backSince reports how long Redis was of no use after it was mended. That this is 30 s
// at most is asserted in the long form alone: a crowded machine takes its time, and
// whoever waits for Redis to be back waits with a bound of his own.
func backSince(t *testing.T, mended time.Time) {
	t.Helper()
	took := time.Since(mended)
	t.Logf("back after %s", took.Round(time.Millisecond))
	if os.Getenv("ROLLCALL_LONG") != "" && took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
