package sqltable_test

import (
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	pgSecret = "pg-s3cret/x"
	mySecret = "my-s3cret/x"
)

// place makes a folder that an account of the machine owns, since neither server
// runs as root, and gives what makes a command run as that account.
func place(t *testing.T, account string) (string, *syscall.SysProcAttr) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc-"+account) //nolint:usetesting // the account cannot enter what t.TempDir lies in, which is ours alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() != 0 {
		return dir, nil
	}
	u, err := osuser.Lookup(account)
	if err != nil {
		u, err = osuser.Lookup("nobody")
	}
	if err != nil {
		t.Skipf("NOT RUN: root cannot run the server without the account %s", account)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// runAs runs a command to its end.
func runAs(t *testing.T, as *syscall.SysProcAttr, dir string, line ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
	cmd.SysProcAttr, cmd.Dir = as, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line[0], err, out)
	}
}

// startAs starts a server, and stops it when the test is over.
func startAs(t *testing.T, as *syscall.SysProcAttr, dir string, line ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), line[0], line[1:]...)
	cmd.SysProcAttr, cmd.Dir = as, dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
	})
}

// awake waits until a server answers.
func awake(t *testing.T, db *sql.DB) {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := db.PingContext(ctx)
		<-pause(ctx, err)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not come up: %v", err)
		}
	}
}

// pause is at once after success, and the end of the attempt's time otherwise.
func pause(ctx context.Context, err error) <-chan struct{} {
	if err != nil {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		context.AfterFunc(short, cancel)
		return short.Done()
	}
	now := make(chan struct{})
	close(now)
	return now
}

// postgresServer starts a PostgreSQL and gives its administrator and the form of a
// URL of ours.
func postgresServer(t *testing.T) (*sql.DB, string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Skip("NOT RUN: no PostgreSQL is installed here (make test installs it)")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, as := place(t, "postgres")
	port := freePort(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("admin-secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	runAs(t, as, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+secret, "-E", "UTF8", "--locale=C", "--no-sync")
	startAs(t, as, dir, filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "max_connections=300")
	db, err := sql.Open("pgx", "postgres://postgres:admin-secret@127.0.0.1:"+port+"/postgres?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	awake(t, db)
	must(t, db, "CREATE ROLE rollcall LOGIN PASSWORD '"+pgSecret+"'")
	return db, "postgres://rollcall:" + strings.ReplaceAll(pgSecret, "/", "%2F") + "@127.0.0.1:" + port + "/postgres?sslmode=disable&search_path="
}

// mariadbServer does the same for MariaDB.
func mariadbServer(t *testing.T) (string, string) {
	t.Helper()
	install, err := exec.LookPath("mariadb-install-db")
	if err != nil {
		t.Skip("NOT RUN: no MariaDB is installed here (make test installs it)")
	}
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		if server = "/usr/sbin/mariadbd"; !exists(server) {
			t.Skip("NOT RUN: no mariadbd is installed here (make test installs it)")
		}
	}
	dir, as := place(t, "mysql")
	port := freePort(t)
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "s.sock")
	runAs(t, as, dir, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	startAs(t, as, dir, server, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1", "--socket="+socket,
		"--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--max-connections=300", "--innodb-buffer-pool-size=64M")
	db := mariadbAdmin(t, socket, "")
	awake(t, db)
	must(t, db, "CREATE USER 'rollcall'@'%' IDENTIFIED BY '"+mySecret+"'")
	return socket, "mysql://rollcall:" + strings.ReplaceAll(mySecret, "/", "%2F") + "@127.0.0.1:" + port + "/"
}

// mariadbAdmin logs root in, into a database.
func mariadbAdmin(t *testing.T, socket, database string) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "root", "unix", socket, database
	cfg.Logger = &mysql.NopLogger{}
	dial, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(dial)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func must(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}
