// Package pgtest starts a real PostgreSQL for tests: on loopback, in a folder of its
// own, stopped when the test is over.
package pgtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Secret is the password of the role rollcall, which owns the databases.
const Secret = "pg-s3cret/x"

const adminSecret = "admin-secret"

// Server is one PostgreSQL.
type Server struct {
	Port  string
	Admin *sql.DB // as the role postgres

	bin   string
	dir   string
	as    *syscall.SysProcAttr
	more  []string      // settings
	cmd   *exec.Cmd     // nil: it does not run
	ended chan struct{} // closed when cmd has ended
}

// Start starts a server with settings such as "synchronous_commit=off". Without
// PostgreSQL on the machine the test is skipped, loudly.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Skip("NOT RUN: no PostgreSQL is installed here (make test installs it)")
	}
	s := &Server{bin: filepath.Dir(found[len(found)-1]), Port: freePort(t), more: settings}
	s.dir, s.as = place(t)
	secret := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(secret, []byte(adminSecret+"\n"), 0o644); err != nil { //nolint:gosec // the server's account reads it
		t.Fatal(err)
	}
	init := s.command(context.Background(), "initdb", "-D", s.data(), "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+secret, "-E", "UTF8",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh", "--no-sync") // texts do not sort by bytes there
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	admin, err := sql.Open("pgx", s.address("postgres", adminSecret, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	s.Admin = admin
	t.Cleanup(s.close)
	s.run(t)
	s.mustDo(t, `CREATE ROLE rollcall LOGIN PASSWORD '`+Secret+`'`)
	return s
}

// comeUp bounds how long a server may take until it answers: one that was killed
// puts its data in order first.
const comeUp = 60 * time.Second

// run starts the server and waits until it answers. One that ends by itself is
// started again: what a killed one left behind may still be in its way.
func (s *Server) run(t testing.TB) {
	t.Helper()
	patient, enough := context.WithTimeout(context.Background(), comeUp)
	defer enough()
	for {
		if s.cmd == nil {
			s.launch(t)
		}
		ctx, cancel := context.WithTimeout(patient, time.Second)
		err := s.Admin.PingContext(ctx)
		cancel()
		if err == nil {
			return
		}
		select {
		case <-s.ended:
			s.cmd = nil
			wait(patient, 200*time.Millisecond)
		default:
			wait(patient, 50*time.Millisecond)
		}
		if patient.Err() != nil {
			out, _ := os.ReadFile(s.log())
			t.Fatalf("the server does not come up: %v\n%s", err, out)
		}
	}
}

// launch starts the process.
func (s *Server) launch(t testing.TB) {
	t.Helper()
	line := []string{"-D", s.data(), "-p", s.Port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=300"}
	for _, one := range s.more {
		line = append(line, "-c", one)
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := s.command(context.Background(), "postgres", line...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	s.cmd, s.ended = cmd, ended
}

func (s *Server) log() string { return filepath.Join(s.dir, "server.log") }

// close ends the server for good.
func (s *Server) close() {
	_ = s.Admin.Close()
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGCONT)
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.signal(syscall.SIGKILL)
		<-s.ended
	}
}

// wait waits, for shorter when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	rest, done := context.WithTimeout(ctx, d)
	<-rest.Done()
	done()
}

// URL gives the address of a database that the role rollcall owns, the same for the
// same name; it is made when it is not there.
func (s *Server) URL(t testing.TB, name string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(name))
	database := "rc_" + hex.EncodeToString(sum[:8])
	var there bool
	if err := s.Admin.QueryRowContext(context.Background(), `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, database).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if !there {
		s.mustDo(t, `CREATE DATABASE `+database+` OWNER rollcall`)
	}
	return s.address("rollcall", Secret, database)
}

func (s *Server) address(user, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: "127.0.0.1:" + s.Port, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

func (s *Server) mustDo(t testing.TB, statement string) {
	t.Helper()
	if _, err := s.Admin.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...) //nolint:gosec // the server's own programs
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + s.bin + ":/usr/bin:/bin"}
	cmd.SysProcAttr = s.as
	return cmd
}

// place makes a folder that an account of the machine owns, since the server does not
// run as root, and gives what makes a command run as that account.
func place(t testing.TB) (string, *syscall.SysProcAttr) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc-postgres") //nolint:usetesting // the account cannot enter what t.TempDir lies in, which is ours alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return dir, as
	}
	u, err := osuser.Lookup("postgres")
	if err != nil {
		u, err = osuser.Lookup("nobody")
	}
	if err != nil {
		t.Skip("NOT RUN: root cannot run the server without the account postgres")
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(fmt.Errorf("give the folder away: %w", err))
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return dir, as
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// PID is the process number of the server, whose children serve the connections.
func (s *Server) PID() int { return s.cmd.Process.Pid }
