package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// assassin kills the service at points that are met one after the other: while it
// reads the target, and before and after each of its writes there.
type assassin struct {
	mu     sync.Mutex
	armed  bool
	points map[string]bool // not met yet
	met    []string
	kill   func()
}

// at kills when the point is met for the first time, and tells whether it did.
func (a *assassin) at(point string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.armed || !a.points[point] {
		return false
	}
	delete(a.points, point)
	a.met = append(a.met, point)
	a.armed = false // whatever it still does is a dead one's
	a.kill()
	return true
}

func (a *assassin) arm(armed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = armed
}

// around kills while the target is read, and before a write arrives there.
func (a *assassin) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/")
		point := "reading"
		if path != "user/list_id" {
			point = "before " + path + " " + written(r)
		}
		if a.at(point) {
			panic(http.ErrAbortHandler) // the request is lost with its sender
		}
		h.ServeHTTP(w, r)
	})
}

// written gives the account that a request names, and leaves its body as it was.
func written(r *http.Request) string {
	var in struct {
		UserID string `json:"userid"`
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_ = json.Unmarshal(body, &in) // of a GET there is none
	return cmp.Or(in.UserID, r.URL.Query().Get("userid"))
}

// TestPeerFailure09 kills the service (SIGKILL) while it reads, and before and after
// every single write, and starts it again each time: whatever was done is done once,
// nothing is lost, and the thread gets one report. A crash in the first run left
// idp-scim-sync without its state and with everybody twice; bk-user marks everybody
// as deleted first, and so they stay when its job dies.
func TestPeerFailure09_KilledAtEveryStepItGoesOn(t *testing.T) {
	t.Parallel()
	want := []string{"user/create 1009", "user/delete 1001", "user/update 2001"}
	a := &assassin{points: map[string]bool{"reading": true}}
	for _, w := range want {
		a.points["before "+w], a.points["after "+w] = true, true
	}
	f := setFirm(t, firmOptions{
		stage: stage.Options{Timing: "{lease: 2s, sweep: 100ms, call: 1s, settle: 200ms}"}, flow: feishuFlow, rest: peerUsers + peerGuard,
		arrange: staffed(t, 2, 4), around: a.around,
	})
	child, dead := f.killable(t, a)
	script := &stage.Script{Chat: f.chat, Patience: 3 * time.Minute}
	play(t.Context(), t, script, "say @点名 同步 "+feishuFlow+"\nexpect 成功 14\n")

	writes := len(f.wecom.Effects())
	f.stage.Feishu.RemoveUser("1001")
	f.hire(t, "1009", "d0")
	if err := f.stage.Feishu.UpdateUser("2001", func(u *feishusim.User) { u.JobTitle = "架构师" }); err != nil {
		t.Fatal(err)
	}
	a.arm(true)
	done := make(chan error, 1)
	go func() {
		done <- script.Play(t.Context(), strings.NewReader(
			"say @点名 同步 "+feishuFlow+"\nexpect 待批准 {code}\nas 周凯\nsay @点名 批准 {code} 删除=1\nexpect 完成 {code} · 成功 3\n"))
	}()
	for going := true; going; {
		select {
		case <-dead:
			_ = (*child).Wait()
			a.mu.Lock()
			*child = startService(t.Context(), t, f.config, f.dir())
			a.armed = true
			a.mu.Unlock()
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			going = false
		}
	}
	did := f.did(writes)
	if slices.Sort(did); !slices.Equal(did, want) {
		t.Errorf("it did %v, want %v", did, want)
	}
	if len(a.points) > 0 {
		t.Errorf("never met: %v", a.points)
	}
	t.Logf("killed %v", a.met)
	f.await(t, 0, func(p stage.Post) bool {
		return !p.Edit && strings.Contains(p.Text, "@李敏") && strings.Contains(p.Text, "· 成功 3")
	})
	play(t.Context(), t, script, "as 李敏\nsay @点名 同步 "+feishuFlow+"\nexpect 无需变更\ncount 1 · 成功 3\n")
}

// dir is where the stage's files are.
func (f *firm) dir() string { return strings.TrimSuffix(f.config, "/rollcall.yaml") }

// killable starts the service in a process of its own, and lets the assassin kill
// whichever is the present one.
func (f *firm) killable(t *testing.T, a *assassin) (**exec.Cmd, <-chan struct{}) {
	t.Helper()
	dead := make(chan struct{}, 1)
	child := startService(t.Context(), t, f.config, f.dir())
	a.kill = func() { // under a.mu
		_ = child.Process.Kill()
		dead <- struct{}{}
	}
	f.wecom.OnEffect(func(e wecomsim.Effect) { a.at("after " + e.Op + " " + e.ID) })
	t.Cleanup(func() { // before the stage closes: it waits for whoever is connected
		_ = child.Process.Kill()
		_ = child.Wait()
		if t.Failed() {
			t.Logf("the service's log ends:\n%s", logEnd(f.dir()))
		}
	})
	if err := f.stage.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &child, dead
}
