package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// How often a person and a room speak in a minute: below the product's limits of 10
// and 30, so that every command is to be obeyed.
const (
	loadPersonMinute = 8.0
	loadRoomMinute   = 24.0
)

// loadShape is how large the load and its company are.
type loadShape struct {
	rate  int           // commands a second
	lasts time.Duration // how long they come
	flows int           // configured, each with a source and a target of its own
	rows  int           // people in each source
	short bool          // a part of make test: only what was lost or doubled counts
}

// persons and rooms (of each platform) are enough for the rate. Even persons are on
// Feishu, odd ones on DingTalk.
func (s loadShape) persons() int { return int(float64(s.rate)*60/loadPersonMinute) + 20 }
func (s loadShape) rooms() int   { return int(float64(s.rate)/2*60/loadRoomMinute) + 10 }

// room is where a person is.
func (s loadShape) room(person int) int { return person / 2 % s.rooms() }

// operator tells whether a person may run flows: one in each Feishu room.
func (s loadShape) operator(person int) bool { return person%2 == 0 && person/2 < s.rooms() }

// known tells whether the configuration names a person: two in a room.
func (s loadShape) known(person int) bool { return person/2 < 2*s.rooms() }

// loadWorld is two replicas of the binary on one PostgreSQL and one Redis, and the
// pretend platforms that talk to them, which live in this process: the services have
// processes of their own.
type loadWorld struct {
	loadShape
	dir      string
	feishu   *feishusim.Sim
	ding     *dingtalksim.Sim
	urls     map[string]string
	redis    *redisServer
	record   *sql.DB
	url      string // of the record
	pg       *pgtest.Server
	replicas [2]*loadReplica
}

// loadReplica is one rollcall serve.
type loadReplica struct {
	cmd     *exec.Cmd
	log     string // its path
	listen  string // its address for callbacks
	metrics string
	config  string
}

// openLoad sets the company up and serves it twice.
func openLoad(t *testing.T, s loadShape) *loadWorld {
	t.Helper()
	settings := []string{"fsync=on"} // figures without it would be of another product
	if s.short {
		settings = nil
	}
	if *loadProfile != "" {
		settings = append(settings, "shared_preload_libraries=pg_stat_statements")
	}
	w := &loadWorld{loadShape: s, dir: t.TempDir(), urls: map[string]string{}, redis: ownRedis(t), pg: pgtest.Start(t, settings...)}
	w.url = w.pg.URL(t, t.Name())
	var err error
	if w.record, err = sql.Open("pgx", w.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.record.Close() })
	patience := time.Duration(0) // the platforms' own
	if s.short {
		patience = time.Minute // a busy machine under the race detector
	}
	w.feishu = feishusim.New(feishusim.Options{Now: time.Now, EncryptKey: "load-encrypt-key", VerificationToken: "load-verification-token", AckWait: patience})
	w.ding = dingtalksim.New(dingtalksim.Options{ClientID: "ding-load", ClientSecret: "ding-load-secret", CorpID: "dingload", RobotCode: "ding-load-robot", Now: time.Now, AckWithin: patience})
	t.Cleanup(w.ding.Close)
	w.serve(t, "feishu", w.feishu.Handler())
	w.serve(t, "dingtalk", w.ding.Handler())
	w.ding.SetBaseURL(w.urls["dingtalk"])
	w.populate(t)
	for i := range w.replicas {
		w.replicas[i] = w.replica(t, i)
	}
	for _, r := range w.replicas {
		w.start(t, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := w.ding.AwaitConnections(ctx, 2*len(w.replicas)); err != nil {
		t.Fatal(err)
	}
	until(t, "the long connection stands", func() bool { return w.feishu.Connections() > 0 })
	return w
}

func (w *loadWorld) serve(t *testing.T, name string, h http.Handler) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.urls[name] = "http://" + l.Addr().String()
	over := make(chan struct{})
	go func() { defer close(over); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-over })
}

// The ids of a person and of a room.
func loadOpenID(i int) string { return fmt.Sprintf("ou_load%04d", i) }
func loadStaff(i int) string  { return fmt.Sprintf("staff%04d", i) }
func loadChat(i int) string   { return fmt.Sprintf("oc_load%04d", i) }
func loadConv(i int) string   { return fmt.Sprintf("cidLOAD%04d==", i) }
func loadFlow(i int) string   { return fmt.Sprintf("flow-%03d", i) }

// populate puts the people into the platforms' rooms, and writes the roster of each flow.
func (w *loadWorld) populate(t *testing.T) {
	t.Helper()
	feishu, ding := make([][]string, w.rooms()), make([][]string, w.rooms())
	for i := range w.persons() {
		r, name := w.room(i), fmt.Sprintf("员工%04d", i)
		if i%2 == 1 {
			w.ding.AddStaff(loadStaff(i), name)
			ding[r] = append(ding[r], loadStaff(i))
			continue
		}
		if _, err := w.feishu.AddUser(feishusim.User{OpenID: loadOpenID(i), UserID: fmt.Sprint("u", i), Name: name, Mobile: fmt.Sprintf("137%08d", i)}); err != nil {
			t.Fatal(err)
		}
		feishu[r] = append(feishu[r], loadOpenID(i))
	}
	for i := range w.rooms() {
		w.feishu.AddChat(loadChat(i), fmt.Sprintf("群 %d", i), feishu[i]...)
		w.ding.AddConversation(loadConv(i), fmt.Sprintf("room %d", i), loadConv(i), ding[i]...)
	}
	for i := range w.flows {
		var b strings.Builder
		b.WriteString("工号,姓名,手机,邮箱,入职日期\n")
		for n := range w.rows {
			fmt.Fprintf(&b, "%03d%03d,员工%d,138%03d%05d,p%d.%d@load.example,2020-01-%02d\n", i, n, n, i, n, i, n, 1+n%28)
		}
		if err := os.WriteFile(filepath.Join(w.dir, loadFlow(i)+".csv"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "hired.js"), []byte("if (context.data.hiredate - today() <= 0) { repo.executeCreate(); }\nreturn context;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// config writes the configuration of a replica: both hear DingTalk's Stream, the
// first hears Feishu by HTTP callback, the second by long connection.
func (w *loadWorld) config(i int, metrics string) string {
	var b strings.Builder
	receive := "connection"
	if i == 0 {
		receive = "callback, encrypt_key: load-encrypt-key, verification_token: load-verification-token"
	}
	fmt.Fprintf(&b, `locale: zh-CN
timezone: Asia/Shanghai
data: %s
server: {listen: "127.0.0.1:0", metrics: "%s"}
record: "%s"
redis: "%s"
systems:
  feishu: {type: feishu, app_id: %s, app_secret: %s, base_url: "%s"}
  dingtalk: {type: dingtalk, client_id: ding-load, client_secret: ding-load-secret, api_url: "%s", oapi_url: "%s"}
`, filepath.Join(w.dir, fmt.Sprint("data", i)), metrics, w.url, w.redis.url(), w.feishu.AppID(), w.feishu.AppSecret(), w.urls["feishu"], w.urls["dingtalk"], w.urls["dingtalk"])
	for n := range w.flows {
		fmt.Fprintf(&b, "  from-%[1]s: {type: file, path: %[1]s.csv, id: 工号, contents: full, attributes: {hiredate: {column: 入职日期, type: date}}}\n", loadFlow(n))
		fmt.Fprintf(&b, "  to-%[1]s: {type: file, path: out-%[1]s.csv, id: 工号, contents: full, disabled: 状态=停用}\n", loadFlow(n))
	}
	fmt.Fprintf(&b, "bots:\n  feishu: {system: feishu, receive: %s}\n  dingtalk: {system: dingtalk, receive: stream, robot_code: ding-load-robot}\npeople:\n", receive)
	for n := range w.persons() {
		roles := `{viewer: ["*"]}`
		if w.operator(n) {
			roles = `{operator: ["*"]}`
		}
		account := "feishu: " + loadOpenID(n)
		if n%2 == 1 {
			account = "dingtalk: " + loadStaff(n)
		}
		if w.known(n) {
			fmt.Fprintf(&b, "  - {name: 员工%04d, %s, roles: %s}\n", n, account, roles)
		}
	}
	b.WriteString("  - {name: 审批甲, roles: {approver: [\"*\"]}}\n  - {name: 审批乙, roles: {approver: [\"*\"]}}\nrooms:\n")
	for n := range w.rooms() {
		ours, other := "", ", locale: en" // else the language of all
		if n%2 == 1 {
			ours, other = other, ours
		}
		flow := loadFlow(n % w.flows)
		fmt.Fprintf(&b, "  - {name: F%[1]d, platform: feishu, chat_id: %[2]s%[3]s, flows: [%[4]s]}\n", n, loadChat(n), ours, flow)
		fmt.Fprintf(&b, "  - {name: D%[1]d, platform: dingtalk, chat_id: \"%[2]s\"%[3]s, flows: [%[4]s]}\n", n, loadConv(n), other, flow)
	}
	b.WriteString("flows:\n")
	for n := range w.flows {
		rule := ""
		if n%4 == 0 {
			rule = ", rule: hired.js"
		}
		fmt.Fprintf(&b, `  %[1]s:
    from: from-%[1]s
    to: to-%[1]s
    users: {match: [employee_no], map: {employee_no: employee_no, name: name, mobile: mobile, email: email}%[2]s}
    leavers: {first: disable, then: delete, after: 30d}
    rooms: [F%[3]d]
`, loadFlow(n), rule, n%w.rooms())
	}
	return b.String()
}

func (w *loadWorld) replica(t *testing.T, i int) *loadReplica {
	t.Helper()
	r := &loadReplica{metrics: "127.0.0.1:" + freePort(t), log: filepath.Join(w.dir, fmt.Sprintf("serve%d.log", i)), config: filepath.Join(w.dir, fmt.Sprintf("replica%d.yaml", i))}
	if err := os.WriteFile(r.config, []byte(w.config(i, r.metrics)), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts a replica and waits until it serves; it is ended by SIGTERM.
func (w *loadWorld) start(t *testing.T, r *loadReplica) {
	t.Helper()
	log, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	binary := os.Getenv("ROLLCALL_BINARY")
	if binary == "" || *loadProfile != "" { // the tests' own, which can be profiled
		if binary, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, "serve", "--config", r.config)
	r.cmd.Args[0] = "rollcall"
	r.cmd.Env = append(os.Environ(), profileVariable+"="+w.profile(r))
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.WaitDelay = 5 * time.Second
	if err := errors.Join(r.cmd.Start(), log.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("a replica ends with %v", err)
		}
		if t.Failed() {
			t.Logf("%s warns:\n%s", r.log, strings.Join(r.lines(`"level":"WARN"`, `"level":"ERROR"`, "rollcall:", "panic"), "\n"))
		}
	})
	w.await(t, "a replica serves", 3*time.Minute, func() bool {
		for _, line := range r.lines(`"msg":"serving"`) {
			_, rest, _ := strings.Cut(line, `"listen":"`)
			r.listen, _, _ = strings.Cut(rest, `"`)
		}
		return r.listen != ""
	})
}

// profile gives where a replica writes its profiles to; "" = nowhere.
func (w *loadWorld) profile(r *loadReplica) string {
	if *loadProfile == "" {
		return ""
	}
	return filepath.Join(*loadProfile, strings.TrimSuffix(filepath.Base(r.config), ".yaml"))
}

// lines gives the lines of a replica's log that hold one of some texts, at most fifty.
func (r *loadReplica) lines(texts ...string) []string {
	data, err := os.ReadFile(r.log)
	if err != nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		for _, text := range texts {
			if strings.Contains(line, text) && len(all) < 50 {
				all = append(all, strings.TrimSpace(line))
			}
		}
	}
	return all
}

// count asks the record for a number.
func (w *loadWorld) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := w.record.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
