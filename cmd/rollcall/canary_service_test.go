package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// saboteur stands between Rollcall and one pretend platform. It keeps every token
// that goes through, and fails calls while it is told to.
type saboteur struct {
	next   *httputil.ReverseProxy
	fails  atomic.Pointer[http.HandlerFunc]
	failed atomic.Int64
	calls  atomic.Int64

	mu   sync.Mutex
	seen map[string]string // token → what it is
}

func sabotage(t *testing.T, target string) (s *saboteur, base string) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	s = &saboteur{next: httputil.NewSingleHostReverseProxy(u), seen: map[string]string{}}
	server := quiet(httptest.NewUnstartedServer(s))
	s.next.ErrorLog = server.Config.ErrorLog
	server.Start()
	t.Cleanup(server.Close)
	return s, server.URL
}

func (s *saboteur) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	s.mu.Lock()
	for _, name := range []string{"access_token", "session", "key", "ticket", "sign"} {
		s.keep(name, r.URL.Query().Get(name))
	}
	s.keep("bearer token", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	s.keep("DingTalk token", r.Header.Get("X-Acs-Dingtalk-Access-Token"))
	s.mu.Unlock()
	if fails := s.fails.Load(); fails != nil && r.Header.Get("Upgrade") == "" {
		s.failed.Add(1)
		(*fails)(w, r)
		return
	}
	s.next.ServeHTTP(w, r)
}

func (s *saboteur) keep(what, token string) {
	if len(token) >= 8 {
		s.seen[token] = what
	}
}

// TestT70_CanariesInTheService runs the product with every platform failing in
// turn, at level debug: reads, answers, cards, webhooks and changes. Then the log,
// the record, every file, everything said in the rooms, what Prometheus and a load
// balancer are answered, and the traces are searched.
func TestT70_CanariesInTheService(t *testing.T) {
	t.Parallel()
	s, between := sabotaged(t, stage.Options{})
	outside := &outside{s: s}
	for _, mode := range []string{"refused credentials", "success that is none", "half an answer", "no HTTP", "bad redirect"} {
		handler := failures[mode]
		before := map[string]int64{}
		for name, b := range between {
			before[name] = b.failed.Load()
			b.fails.Store(&handler)
		}
		for room, line := range map[stage.Room]string{stage.FeishuRoom: "@点名 预演 hr-to-wecom", stage.DingRoom: "@点名 doctor --deep"} {
			if err := s.chat.Say(t.Context(), room, "李敏", line); err != nil {
				t.Fatal(err)
			}
		}
		for name, b := range between {
			until(t, mode+" shows at "+name, func() bool { return b.failed.Load() > before[name] })
			b.fails.Store(nil)
		}
		outside.look(t)
	}
	s.until(t, "no run works", func(all []run.Run) bool {
		return len(all) > 0 && !slices.ContainsFunc(all, func(r run.Run) bool { return r.State.Working() })
	})

	s.restart(t) // a refused secret is not tried again before

	// A run whose calls break in the middle of the work.
	code := s.began(t, run.Request{ID: "cli:canary", Trigger: run.ByCLI, By: run.Actor{Person: "李敏", Platform: run.CLI, Channel: run.FromCLI}})
	reset, wecom := failures["reset"], between["wecom"]
	broken := sync.OnceFunc(func() { wecom.fails.Store(&reset) })
	s.stage.WeCom.OnEffect(func(wecomsim.Effect) { broken() })
	s.atTerminal(t, "approve", "周凯", string(code), "delete=3")
	from := wecom.failed.Load()
	until(t, "changes fail", func() bool { return wecom.failed.Load() > from+1 })
	wecom.fails.Store(nil)
	until(t, "the run ends", func() bool { return s.run(t, code).State.Ended() })
	s.settled(t)
	outside.look(t)
	s.end()
	outside.searched(t, s.searched(t, between))
}

// sabotaged opens a service whose platforms can be made to fail.
func sabotaged(t *testing.T, o stage.Options) (*service, map[string]*saboteur) {
	t.Helper()
	s := &service{log: &logbook{}, clock: &clock{}}
	o.Dir, o.Now = t.TempDir(), time.Now
	var err error
	if s.stage, err = stage.Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stage.Close() })
	s.config = linkedStage(t.Context(), t, s.stage)
	raw, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	text, between := string(raw), map[string]*saboteur{}
	for name, key := range map[string]string{"feishu": "base_url", "wecom": "base_url", "dingtalk": "api_url"} {
		m := regexp.MustCompile(`\{type: ` + name + `,.*?` + key + `: "([^"]+)"`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no address of %s", name)
		}
		b, base := sabotage(t, m[1])
		text, between[name] = strings.ReplaceAll(text, m[1], base), b
		if name == "dingtalk" {
			s.stage.DingTalk.SetBaseURL(base)
		}
	}
	text = strings.Replace(text, "server: {", fmt.Sprintf(`server: {metrics: "127.0.0.1:%s", metrics_token: %s, `, freePort(t), scrapeToken), 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.spans = keeping{tracetest.NewInMemoryExporter()}
	s.chat = s.stage.OpenChat()
	t.Cleanup(s.chat.Close)
	s.script = &stage.Script{Chat: s.chat, Patience: patience}
	s.start(t)
	t.Cleanup(func() { s.end() })
	return s, between
}

// until waits until the runs of the record are as wanted.
func (s *service) until(t *testing.T, what string, fits func([]run.Run) bool) {
	t.Helper()
	until(t, what, func() bool { return fits(s.runs(t)) })
}

// searched looks for secrets everywhere, and for people where they have no
// business, and gives all of them.
func (s *service) searched(t *testing.T, between map[string]*saboteur) []canary {
	t.Helper()
	var secrets, sessions, people []canary
	for _, text := range s.stage.Secrets() {
		secrets = append(secrets, canary{"secret", text})
	}
	for name, b := range between {
		b.mu.Lock()
		for token, what := range b.seen {
			if c := (canary{what + " of " + name, token}); what == "session" {
				sessions = append(sessions, c)
			} else {
				secrets = append(secrets, c)
			}
		}
		b.mu.Unlock()
	}
	if len(secrets) < len(s.stage.Secrets())+3 || len(sessions) == 0 {
		t.Errorf("%d secrets and %d sessions: the tokens were not seen", len(secrets), len(sessions))
	}
	for _, text := range s.stage.Persons() {
		people = append(people, canary{"person", text})
	}
	log := s.log.String()
	for i, line := range strings.Split(strings.TrimSuffix(log, "\n"), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("line %d of the log is no JSON: %q", i+1, line)
		}
	}
	if strings.Count(log, `"level":"WARN"`) < 5 {
		t.Errorf("little went wrong: %s", log)
	}
	unseen(t, "the log", log, slices.Concat(secrets, sessions, people))
	unseenInFiles(t, filepath.Dir(s.record()), secrets)
	for _, p := range s.all() {
		if p.Who != "点名" {
			continue
		}
		unseen(t, "a post", p.Text, slices.Concat(secrets, sessions))
		if m := regexp.MustCompile(`1[3-9]\d{9}|@xinghe\.example`).FindString(p.Text); m != "" {
			t.Errorf("%v hears %s: %.300s", p.Room, m, p.Text)
		}
	}
	s.columns(t, people)
	return slices.Concat(secrets, sessions, people)
}

// homes are the columns of the record that need people's numbers and addresses:
// plans and what a change did, what was written last, and the letters about them.
var homes = map[string]bool{"plans.body": true, "links.body": true}

// columns sees that numbers and mail addresses of people stand in no other column
// of the record than those that need them.
func (s *service) columns(t *testing.T, people []canary) {
	t.Helper()
	db, err := sql.Open("sqlite", s.record())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tables := column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'")
	searched := 0
	for _, table := range tables {
		for _, name := range column(t, db, fmt.Sprintf("SELECT name FROM pragma_table_info('%s')", table)) {
			all := strings.Join(column(t, db, fmt.Sprintf(`SELECT CAST(%q AS TEXT) FROM %q`, name, table)), "\n")
			searched += len(all)
			at := table + "." + name
			for _, c := range people {
				if numeric := strings.ContainsAny(c.text, "0123456789@"); numeric && strings.Contains(all, c.text) && !homes[at] {
					t.Errorf("%s holds %s", at, c.text)
					break
				}
			}
		}
	}
	if searched < 10_000 {
		t.Errorf("only %d bytes of the record were searched", searched)
	}
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var v sql.NullString
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
