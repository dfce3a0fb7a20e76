package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// locked holds the record so that nobody else can write, until it is called.
func locked(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() {
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
			t.Errorf("unlock: %v", err)
		}
	})
	t.Cleanup(unlock)
	return unlock
}

// says makes the event of what 李敏 says in the Feishu room, undelivered.
func (s *service) says(t *testing.T, line string) feishusim.Event {
	t.Helper()
	e, err := s.stage.Feishu.MessageEvent(feishusim.Words{
		Chat: s.stage.ChatID(stage.FeishuRoom), From: s.stage.Account(stage.FeishuRoom, "李敏"), Text: "@点名 " + line,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ready gives the status of /readyz.
func (s *service) ready(t *testing.T) int {
	t.Helper()
	return get(t, strings.TrimSuffix(s.stage.Door(stage.FeishuRoom), feishuPath)+"/readyz")
}

// ran waits for the one run of the record to be planned, and sees that it was
// begun once.
func (s *service) ran(t *testing.T) {
	t.Helper()
	s.awaitRun(t, "the run is planned", func(r run.Run) bool { return r.State == run.Planned })
	s.settled(t)
	if all := s.runs(t); len(all) != 1 {
		t.Errorf("%d runs, want one: %+v", len(all), all)
	}
}

// TestRecordLocked is a record that cannot be written while messages come. A
// message is acknowledged only when it is in the record: Feishu brings it again,
// by callback and by the long connection; DingTalk never does, so its sender is
// told at once. Nothing runs twice.
func TestRecordLocked(t *testing.T) {
	t.Parallel()
	t.Run("feishu_callback", feishuCallbackLocked)
	t.Run("feishu_connection", feishuConnectionLocked)
	t.Run("dingtalk_stream", func(t *testing.T) { dingTalkLocked(t, stage.Options{}) })
	t.Run("dingtalk_callback", func(t *testing.T) { dingTalkLocked(t, stage.Options{DingCallback: true}) })
}

func feishuCallbackLocked(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{FeishuCallback: true})
	s.settled(t)
	e := s.says(t, "预演 hr-to-wecom")
	deliver := func() feishusim.Answer {
		a, err := s.stage.Feishu.Post(t.Context(), s.stage.Door(stage.FeishuRoom), e, feishusim.Forgery{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	unlock := locked(t, s.record())
	for range 2 {
		if a := deliver(); a.Status != http.StatusServiceUnavailable || len(a.Body) > 0 {
			t.Errorf("answered %d %q, want 503 so that it comes again", a.Status, a.Body)
		}
	}
	if status := s.ready(t); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d", status)
	}
	if lines := s.log.with("message not claimed"); len(lines) != 2 {
		t.Errorf("the log has %q, want a line for each", lines)
	}
	unlock()
	for range 2 { // the platform comes again while it is refused: a busy record may need a moment
		until(t, "it is accepted", func() bool { return deliver().Status == http.StatusOK })
	}
	s.ran(t)
	until(t, "the service is ready again", func() bool { return s.ready(t) == http.StatusOK })
	s.discreet(t, "预演 hr-to-wecom")
}

func feishuConnectionLocked(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	s.settled(t)
	e := s.says(t, "预演 hr-to-wecom")
	unlock := locked(t, s.record())
	for range 2 {
		if _, err := s.stage.Feishu.Deliver(t.Context(), e); !errors.Is(err, feishusim.ErrRefused) {
			t.Errorf("delivered: %v, want a refusal so that it comes again", err)
		}
	}
	unlock()
	for range 2 {
		until(t, "it is accepted", func() bool { _, err := s.stage.Feishu.Deliver(t.Context(), e); return err == nil })
	}
	s.ran(t)
	s.discreet(t, "预演 hr-to-wecom")
}

func dingTalkLocked(t *testing.T, o stage.Options) {
	t.Parallel()
	s := openService(t, o)
	s.settled(t)
	unlock := locked(t, s.record())
	s.ask(t, stage.DingRoom, "李敏", "@点名 plan hr-to-wecom", "没有收下，请重发 / not accepted, send again")
	unlock()
	s.settled(t)
	if all := s.runs(t); len(all) > 0 {
		t.Errorf("what was not accepted has run: %+v", all)
	}
	s.ask(t, stage.DingRoom, "李敏", "@点名 plan hr-to-wecom", "hr-to-wecom")
	s.ran(t)
	if wrong := s.stage.DingTalk.Complaints(); len(wrong) > 0 {
		t.Errorf("the platform complains: %q", wrong)
	}
	s.discreet(t, "plan hr-to-wecom")
}

// TestRecordLockedApplying holds the record in the middle of the changes, for
// shorter than the lease: the worker waits, and every change is made once.
func TestRecordLockedApplying(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{Timing: "{lease: 20s, sweep: 300ms, call: 2s, settle: 500ms}"})
	reached, held := make(chan struct{}), make(chan struct{})
	var writes atomic.Int32
	s.stage.WeCom.OnEffect(func(wecomsim.Effect) {
		if writes.Add(1) == 4 {
			close(reached)
			<-held
		}
	})
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	r := s.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(r.Code)+" 删除=3", "已批准")
	select {
	case <-reached:
	case <-time.After(patience):
		t.Fatal("the fourth change is not reached")
	}
	unlock := locked(t, s.record())
	close(held) // the change is made, and cannot be written down
	if status := s.ready(t); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d", status)
	}
	unlock()
	done := s.awaitRun(t, "the run ends", func(r run.Run) bool { return r.State.Ended() })
	if done.State != run.Succeeded || done.Outcome.Done+done.Outcome.Already != 12 {
		t.Errorf("the run ends as %+v", done)
	}
	s.once(t, 12)
}

// TestAwayAtStart starts the service without what it needs: it ends at once,
// with a sentence in the operator's language and the exit code for "come again
// later".
func TestAwayAtStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		redis  func(*testing.T) string
		spoil  func(*testing.T, string) // the data folder
		en, zh string
	}{
		{name: "redis", redis: func(t *testing.T) string { t.Helper(); return "redis://127.0.0.1:" + freePort(t) }, en: "Redis", zh: "Redis"},
		{name: "folder_is_a_file", spoil: func(t *testing.T, data string) {
			t.Helper()
			if err := os.WriteFile(data, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, en: "the data folder cannot be used", zh: "数据目录无法使用"},
		{name: "record_held", spoil: held, en: "the record cannot be read or written now: another process holds /", zh: "被另一个进程占用；请结束那个进程"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := stage.Options{Dir: t.TempDir(), Now: time.Now}
			if c.redis != nil {
				o.Redis = c.redis(t)
			}
			s, err := stage.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			config, err := s.WriteConfig()
			if err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(t, filepath.Join(o.Dir, "data"))
			}
			for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
				exit, last := serveOnce(t, config, lang)
				t.Logf("exit %d: %s", exit, last)
				if exit != 7 || !strings.HasPrefix(last, "rollcall: ") || !strings.Contains(last, want) {
					t.Errorf("%s: exit %d, %q; want 7 and %q", lang, exit, last, want)
				}
				for _, secret := range s.Secrets() {
					if strings.Contains(last, secret) {
						t.Errorf("a secret is shown: %s", last)
					}
				}
			}
		})
	}
}

// serveOnce runs rollcall serve and gives the exit code and the last line that
// the operator sees.
func serveOnce(t *testing.T, config, lang string) (exit int, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	log := &logbook{}
	p := &process{
		args: []string{"serve", "--config", config}, stdin: strings.NewReader(""), stdout: discard{}, stderr: log, now: time.Now, executable: swift(t),
		getenv: func(name string) (string, bool) { return lang, name == "ROLLCALL_LANG" },
	}
	exit = p.run(ctx)
	if ctx.Err() != nil {
		t.Errorf("serve did not end by itself:\n%s", log)
	}
	for line := range strings.Lines(log.String()) {
		last = strings.TrimSpace(line)
	}
	return exit, last
}

// held makes a record and holds it so that nobody else can even read it.
func held(t *testing.T, data string) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: data, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, "rollcall.db")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), `UPDATE counters SET value = value`); err != nil {
		t.Fatal(err)
	}
}
