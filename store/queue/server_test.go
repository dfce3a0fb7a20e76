package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// server is a Redis of a test's own.
type server struct {
	binary, dir, port string
	args              []string
	cmd               *exec.Cmd
}

// startServer starts a Redis on a free port and gives its URL.
func startServer(t *testing.T) string {
	t.Helper()
	return newServer(t).url()
}

// newServer starts a Redis with more arguments.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Log("NO redis-server IN PATH: THE BELL IS NOT TESTED ON A REAL REDIS HERE")
		t.Skip("NOT RUN: there is no redis-server here")
	}
	s := &server{binary: binary, dir: t.TempDir(), port: freePort(t), args: args}
	s.start(t)
	return s
}

// freePort gives a port that was free just now.
func freePort(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func (s *server) url() string { return "redis://127.0.0.1:" + s.port }

// start starts it, empty, and waits until it takes connections.
func (s *server) start(t *testing.T) {
	t.Helper()
	args := []string{"--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir}
	s.run(t, "Ready to accept connections", append(args, s.args...)...)
}

// run starts the process and waits until it says a word.
func (s *server) run(t *testing.T, word string, args ...string) {
	t.Helper()
	cmd := exec.Command(s.binary, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.cmd = cmd
	t.Cleanup(func() { kill(cmd) })
	ready := make(chan struct{}, 10)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), word) {
				ready <- struct{}{}
			}
		}
	}()
	queuetest.Await(t, "the Redis server", ready)
}

// kill ends a process with SIGKILL; it may be dead already.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestCluster runs the suite on a Redis Cluster of one node.
func TestCluster(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--cluster-enabled", "yes")
	c := client(t, s.url())
	if err := c.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", "0", "16383").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster is up", func() bool {
		return strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
	})
	var n atomic.Int64
	queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
		return replicas(t, "redis-cluster://127.0.0.1:"+s.port, fmt.Sprint("runs-", n.Add(1)))
	})
}

// TestSentinel runs the suite on a server that a Sentinel names.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := newServer(t)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(conf, []byte("sentinel monitor people 127.0.0.1 "+master.port+" 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := &server{binary: master.binary, dir: t.TempDir(), port: freePort(t)}
	sentinel.run(t, "+monitor master people", conf, "--sentinel", "--port", sentinel.port, "--bind", "127.0.0.1", "--dir", sentinel.dir)
	var n atomic.Int64
	queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
		return replicas(t, "redis-sentinel://127.0.0.1:"+sentinel.port+"?master_name=people", fmt.Sprint("runs-", n.Add(1)))
	})
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
