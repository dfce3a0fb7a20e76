package scripting

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// evil runs its text for one person only; the others are ordinary.
func evil(text string) string {
	return "if (context.id === \"evil\") {\n" + text + "\n}\nrepo.executeCreate(); return context"
}

// hostileOptions have tight limits: what they stop never ends by itself.
func hostileOptions(source string) Options {
	o := options(source)
	o.ObjectTime = 500 * time.Millisecond
	o.BatchTime = 3 * time.Second
	o.MemoryMB = 256
	if raceEnabled {
		o.MemoryMB = 1024 // the race detector keeps four bytes for each
	}
	return o
}

// TestPatience: a rule that hangs on everybody does not keep the host for hours.
func TestPatience(t *testing.T) {
	t.Parallel()
	o := hostileOptions("while (true) {}")
	o.ObjectTime = 20 * time.Millisecond
	h := open(t, o)
	subjects := make([]plan.Subject, 1000)
	for i := range subjects {
		subjects[i] = person("p", nil)
	}
	broken := wantBroken(t, h, subjects, " objects of this run, last for p", "stopped", "ran longer than 20ms", " 个对象超出限制")
	if broken.Line != 1 {
		t.Errorf("line %d", broken.Line)
	}
}

// wantBroken: the rule as a whole is refused, with a sentence that says so and how to
// go on.
func wantBroken(t *testing.T, h *Host, subjects []plan.Subject, parts ...string) *plan.RuleError {
	t.Helper()
	got, err := h.Judge(t.Context(), subjects, company)
	broken, ok := errors.AsType[*plan.RuleError](err)
	if !ok || got != nil || fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%d verdicts, %v", len(got), err)
	}
	if !broken.Limit || broken.File != "users.js" {
		t.Errorf("%+v", broken)
	}
	for _, part := range parts {
		if !strings.Contains(broken.Say, part) {
			t.Errorf("%q does not say %q", broken.Say, part)
		}
	}
	for lang, part := range map[string]string{"en": ": the rule", "zh": "：规则"} {
		if say := fault.In(fault.Say(err), lang); !strings.HasPrefix(say, "users.js") || !strings.Contains(say, part) {
			t.Errorf("in %s: %q", lang, say)
		}
	}
	return broken
}

func TestP14_ChildKilledFromOutside(t *testing.T) {
	t.Parallel()
	o := options("if (context.id === 'wait') repo.getObjectByID('hold'); repo.executeCreate(); return context")
	o.Workers = 1
	var mu sync.Mutex
	var started []*exec.Cmd
	o.Command = func(ctx context.Context) *exec.Cmd {
		cmd := childCommand(ctx)
		mu.Lock()
		started = append(started, cmd)
		mu.Unlock()
		return cmd
	}
	h := open(t, o)
	kills := 0
	look := func(key directory.Key) (directory.Object, bool) {
		// The child waits for this answer: the right moment to lose it, once.
		if key.ID == "hold" && kills == 0 {
			kills++
			mu.Lock()
			err := started[len(started)-1].Process.Kill()
			mu.Unlock()
			if err != nil {
				t.Errorf("kill: %v", err)
			}
		}
		return directory.Object{}, false
	}
	subjects := []plan.Subject{person("a", nil), person("wait", nil), person("b", nil)}
	got, err := h.Judge(t.Context(), subjects, look)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v.Failed != nil || !v.Calls.Create {
			t.Errorf("%s: %+v %s", subjects[i].Object.ID, v, failure(v))
		}
	}
	if kills != 1 || len(started) != 3 { // one that compiled, one that was killed, one that went on
		t.Errorf("%d kills, %d children", kills, len(started))
	}
}

// TestIdleChildKilled: a child that was lost between two calls costs nothing.
func TestIdleChildKilled(t *testing.T) {
	t.Parallel()
	h := open(t, options("return context"))
	judgeAll(t, h, person("a", nil))
	h.mu.Lock()
	for _, c := range h.idle {
		if err := c.cmd.Process.Kill(); err != nil {
			t.Errorf("kill: %v", err)
		}
	}
	h.mu.Unlock()
	if v := judgeAll(t, h, person("a", nil))[0]; v.Failed != nil || !v.Returned {
		t.Errorf("%+v %s", v, failure(v))
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	o := options("while (true) {}")
	o.ObjectTime, o.BatchTime = time.Minute, time.Minute
	h := open(t, o)
	stop := errors.New("the run is cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(200*time.Millisecond, func() { cancel(stop) })
	_, err := h.Judge(ctx, []plan.Subject{person("a", nil)}, company)
	if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	cancel(nil)
	if _, err := h.Judge(ctx, []plan.Subject{person("a", nil)}, company); !errors.Is(err, stop) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	h := open(t, options("return context"))
	judgeAll(t, h, person("a", nil))
	h.Close()
	h.Close()
	if _, err := h.Judge(t.Context(), []plan.Subject{person("a", nil)}, company); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

// TestChildTalksNonsense: whatever the process that should be a child does instead,
// the host says that something is wrong, and nothing stays behind.
func TestChildTalksNonsense(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"ends":           "exit 0",
		"fails":          "echo broken >&2; exit 1",
		"echoes":         "exec cat",
		"yes":            "exec yes",
		"zeros":          "exec cat /dev/zero",
		"empty ready":    "printf 'R\\000'; exec cat >/dev/null",
		"short frame":    "printf 'R\\377'; exit 0",
		"long frame":     "printf 'R\\377\\377\\377\\377\\177'; exec cat >/dev/null",
		"verdict":        "printf 'V\\000'; exec cat >/dev/null",
		"only complains": "exec cat /dev/zero >&2",
		"kills itself":   "kill -9 $$",
		"silent":         "exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := hostileOptions("return context")
			o.CompileTime = 2 * time.Second
			var mu sync.Mutex
			var started []*exec.Cmd
			o.Command = func(ctx context.Context) *exec.Cmd {
				cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
				mu.Lock()
				started = append(started, cmd)
				mu.Unlock()
				return cmd
			}
			h, err := New(o)
			if err == nil {
				_, err = h.Judge(t.Context(), crowd(), company)
				h.Close()
			}
			if _, ok := errors.AsType[*fault.Error](err); !ok {
				t.Errorf("got %v", err)
			}
			for _, cmd := range started {
				if cmd.ProcessState == nil {
					t.Error("a process is still there")
				}
			}
		})
	}
	o := hostileOptions("return context")
	o.Command = func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "/nobody/has/this") }
	if _, err := New(o); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("without a binary: %v", err)
	}
}
