package matrix

import (
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

const serverSecret = "admin-secret"

// place makes a folder that an account of the machine owns, since no database
// server runs as root, and gives what makes a command run as that account.
func place(t *testing.T, account string) (string, *syscall.SysProcAttr) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rc-"+account) //nolint:usetesting // no other account may enter t.TempDir, and its path is too long for a socket
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() != 0 {
		return dir, nil
	}
	u, err := osuser.Lookup(account)
	if err != nil {
		t.Skipf("NOT RUN: root cannot run the server without the account %s", account)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	check(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	check(t, err)
	check(t, os.Chown(dir, int(uid), int(gid)))
	return dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(t, err)
	return port
}

// command makes one that runs as an account.
func command(as *syscall.SysProcAttr, dir string, line ...string) *exec.Cmd {
	cmd := exec.Command(line[0], line[1:]...)
	cmd.SysProcAttr, cmd.Dir = as, dir
	return cmd
}

// start starts a server, waits until it answers, and stops it at the end.
func start(t *testing.T, cmd *exec.Cmd, db *sql.DB) {
	t.Helper()
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = db.Close()
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
	})
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 600 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err = db.PingContext(ctx)
		cancel()
		if err == nil {
			return
		}
		<-tick.C
	}
	t.Fatalf("the server does not come up: %v", err)
}

// newPostgres is a server with a database of its own.
func newPostgres(t *testing.T, _ *lab) system {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	check(t, err)
	if len(found) == 0 {
		t.Skip("NOT RUN: no PostgreSQL is installed here (make test installs it)")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, as := place(t, "postgres")
	secret, data, port := filepath.Join(dir, "secret"), filepath.Join(dir, "data"), freePort(t)
	check(t, os.WriteFile(secret, []byte(serverSecret+"\n"), 0o644))
	out, err := command(as, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+secret, "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	url := "postgres://postgres:" + serverSecret + "@127.0.0.1:" + port + "/postgres?sslmode=disable"
	db, err := sql.Open("pgx", url)
	check(t, err)
	start(t, command(as, dir, filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"), db)
	return newDatabase(t, &database{db: db, url: url, numbers: true}, "")
}

// newMariaDB is the same of MariaDB.
func newMariaDB(t *testing.T, _ *lab) system {
	t.Helper()
	install, err := exec.LookPath("mariadb-install-db")
	if err != nil {
		t.Skip("NOT RUN: no MariaDB is installed here (make test installs it)")
	}
	server, err := exec.LookPath("mariadbd")
	if err != nil {
		server = "/usr/sbin/mariadbd"
	}
	dir, as := place(t, "mysql")
	data, socket, port := filepath.Join(dir, "data"), filepath.Join(dir, "s.sock"), freePort(t)
	out, err := command(as, dir, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb-install-db: %v: %s", err, out)
	}
	open := func(database string) *sql.DB {
		cfg := mysql.NewConfig()
		cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.Logger = "root", "unix", socket, database, &mysql.NopLogger{}
		dial, err := mysql.NewConnector(cfg)
		check(t, err)
		return sql.OpenDB(dial)
	}
	admin := open("")
	start(t, command(as, dir, server, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1", "--socket="+socket,
		"--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0"), admin)
	for _, s := range []string{
		"CREATE DATABASE hr CHARACTER SET utf8mb4", "CREATE USER 'rollcall'@'%' IDENTIFIED BY '" + serverSecret + "'", "GRANT SELECT, INSERT, UPDATE, DELETE ON hr.* TO 'rollcall'@'%'",
	} {
		_, err := admin.ExecContext(t.Context(), s)
		check(t, err)
	}
	db := open("hr")
	t.Cleanup(func() { _ = db.Close() })
	return newDatabase(t, &database{db: db, url: "mysql://rollcall:" + serverSecret + "@127.0.0.1:" + port + "/hr"}, " ENGINE=InnoDB COLLATE utf8mb4_bin")
}
