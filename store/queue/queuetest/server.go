package queuetest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server of a test's own, on loopback, with nothing kept on disk
// unless its arguments say so.
type Server struct {
	Port string
	Dir  string

	args []string
	cmd  *exec.Cmd
}

// StartServer starts a redis-server with more arguments; those of a Sentinel begin
// with the path of its file. Without redis-server on the machine the test is
// skipped, loudly. It is killed when the test is over.
func StartServer(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("NOT RUN: there is no redis-server here, so nothing is tried on a real Redis")
	}
	s := &Server{Port: FreePort(t), Dir: t.TempDir(), args: args}
	s.Start(t)
	t.Cleanup(s.Kill)
	return s
}

// Start starts it again after Kill; it has lost everything then.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.run(t, "Ready to accept connections")
}

// StartLoading starts it again after Kill with what SAVE has kept, a millisecond for
// each key, and returns while it loads.
func (s *Server) StartLoading(t testing.TB) {
	t.Helper()
	s.run(t, "Loading RDB", "--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
}

// run starts the process and waits until it says a word.
func (s *Server) run(t testing.TB, word string, more ...string) {
	t.Helper()
	args := []string{"--port", s.Port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.Dir, "--enable-debug-command", "local"}
	if len(s.args) > 0 && !strings.HasPrefix(s.args[0], "--") {
		args, word = []string{s.args[0], "--sentinel", "--port", s.Port, "--bind", "127.0.0.1", "--dir", s.Dir}, "+monitor master"
		args = append(args, s.args[1:]...)
	} else {
		args = append(append(args, s.args...), more...)
	}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", args...) //nolint:gosec // a test names them
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, over := make(chan struct{}, 1), make(chan string, 1)
	go func() {
		var last string
		for lines := bufio.NewScanner(out); lines.Scan(); last = lines.Text() {
			if strings.Contains(lines.Text(), word) {
				select {
				case ready <- struct{}{}:
				default: // told already
				}
			}
		}
		over <- last
	}()
	select {
	case <-ready:
	case last := <-over:
		t.Fatalf("the Redis server ends at once: %s", last)
	case <-time.After(patience):
		t.Fatal("the Redis server does not start")
	}
}

// Kill is kill -9; it may be dead already.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// PID is the number of its process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Address is host:port.
func (s *Server) Address() string { return "127.0.0.1:" + s.Port }

// URL is its address without a password.
func (s *Server) URL() string { return "redis://" + s.Address() }

// Client gives a client of the test's own, closed at its end.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Address(), DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Admin gives a client whose password and rights stay, whatever becomes of those of
// others, and what sends one command with it and fails the test when Redis refuses.
func (s *Server) Admin(t testing.TB) (*redis.Client, func(command ...any)) {
	t.Helper()
	s.Do(t, "ACL", "SETUSER", "admin", "on", ">admin", "~*", "&*", "+@all")
	c := redis.NewClient(&redis.Options{Addr: s.Address(), Username: "admin", Password: "admin", DisableIdentity: true, ReadTimeout: time.Minute})
	t.Cleanup(func() { _ = c.Close() })
	return c, func(command ...any) {
		t.Helper()
		if err := c.Do(context.WithoutCancel(t.Context()), command...).Err(); err != nil {
			t.Fatalf("%v: %v", command, err)
		}
	}
}

// Do sends one command and fails the test when Redis refuses it.
func (s *Server) Do(t testing.TB, command ...any) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Address(), DisableIdentity: true})
	defer func() { _ = c.Close() }()
	if err := c.Do(context.WithoutCancel(t.Context()), command...).Err(); err != nil {
		t.Fatalf("%v: %v", command[0], err)
	}
}

// FreePort gives a port that was free just now.
func FreePort(t testing.TB) string {
	t.Helper()
	for {
		var lc net.ListenConfig
		free, err := lc.Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(free.Addr().String())
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		if len(port) == 5 && port < "55000" { // a node of a Cluster talks to the others at its port and 10000
			return port
		}
	}
}

// Until asks until the answer is yes.
func Until(t testing.TB, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-timeout.C:
			t.Fatalf("it never came true: %s", what)
		}
	}
}

// Guarded is a master with a replica, and the Sentinels that name it "people".
type Guarded struct {
	Master, Replica *Server
	Sentinels       []*Server
}

// StartGuarded starts a master, a replica, and three Sentinels that take the master
// for dead after half a second.
func StartGuarded(t testing.TB) *Guarded {
	t.Helper()
	g := &Guarded{Master: StartServer(t, "--repl-diskless-sync-delay", "0")}
	g.Replica = StartServer(t, "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+g.Master.Port)
	g.InStep(t)
	for range 3 {
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor people 127.0.0.1 %s 2\nsentinel down-after-milliseconds people 500\nsentinel failover-timeout people 2000\n", g.Master.Port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g.Sentinels = append(g.Sentinels, StartServer(t, conf))
	}
	for _, s := range g.Sentinels {
		c := s.Client(t)
		Until(t, "the Sentinels know each other and the replica", func() bool {
			info := c.Info(t.Context(), "sentinel").Val()
			return strings.Contains(info, "slaves=1,sentinels=3")
		})
	}
	return g
}

// InStep waits until the replica has what the master has.
func (g *Guarded) InStep(t testing.TB) {
	t.Helper()
	c := g.Replica.Client(t)
	Until(t, "the replica follows", func() bool {
		return strings.Contains(c.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
}

// URL names the Sentinels.
func (g *Guarded) URL() string {
	hosts := make([]string, len(g.Sentinels))
	for i, s := range g.Sentinels {
		hosts[i] = s.Address()
	}
	return "redis-sentinel://" + strings.Join(hosts, ",") + "/people"
}

// Slotted is a Cluster.
type Slotted struct {
	Masters  []*Server
	Replicas []*Server // of each master, when there are any
}

// slots is how many a Cluster has.
const slots = 16384

// StartSlotted starts a Cluster of n masters, each with a replica if wanted, that
// takes a node for dead after a second; a part without a master stops no other.
func StartSlotted(t testing.TB, n int, replicas bool) *Slotted {
	t.Helper()
	node := func() *Server {
		return StartServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0")
	}
	s := &Slotted{}
	for i := range n {
		m := node()
		s.Masters = append(s.Masters, m)
		m.Do(t, "CLUSTER", "ADDSLOTSRANGE", i*slots/n, (i+1)*slots/n-1)
		m.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
	}
	if replicas {
		for range n {
			s.Replicas = append(s.Replicas, node())
		}
	}
	all := append(append([]*Server{}, s.Masters...), s.Replicas...)
	for _, m := range all[1:] {
		m.Do(t, "CLUSTER", "MEET", "127.0.0.1", s.Masters[0].Port)
	}
	for _, m := range all {
		c := m.Client(t)
		Until(t, "the nodes know each other", func() bool {
			info := c.ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(all))) &&
				strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r", slots))
		})
	}
	for i, r := range s.Replicas {
		c := r.Client(t)
		id := s.Masters[i].Client(t).Do(t.Context(), "CLUSTER", "MYID").Val()
		Until(t, "the replica is taken", func() bool { return c.Do(t.Context(), "CLUSTER", "REPLICATE", id).Err() == nil })
		Until(t, "the replica follows", func() bool {
			return strings.Contains(c.Info(t.Context(), "replication").Val(), "master_link_status:up")
		})
	}
	return s
}

// URL names two of the masters: the driver finds the others.
func (s *Slotted) URL() string {
	hosts := []string{s.Masters[0].Address()}
	if len(s.Masters) > 1 {
		hosts = append(hosts, s.Masters[1].Address())
	}
	return "redis-cluster://" + strings.Join(hosts, ",")
}

// Owner gives the number of the master that first kept a key.
func (s *Slotted) Owner(t testing.TB, key string) int {
	t.Helper()
	slot := s.Masters[0].Client(t).ClusterKeySlot(t.Context(), key).Val()
	for i := range s.Masters {
		if int(slot) < (i+1)*slots/len(s.Masters) {
			return i
		}
	}
	t.Fatalf("slot %d", slot)
	return 0
}
