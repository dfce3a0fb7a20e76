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
	if raceEnabled {
		o.MemoryMB = 1024 // the race detector keeps four bytes for each
	}
	return o
}

func crowd() []plan.Subject {
	var all []plan.Subject
	for _, id := range []string{"a", "b", "evil", "c", "d"} {
		all = append(all, person(id, directory.Attributes{"name": directory.TextOf(id)}))
	}
	return all
}

func TestHostileScripts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text string }{
		{"endless loop", "while (true) {}"},
		{"endless loop caught", "while (true) { try { while (true) {} } catch (e) {} finally { continue } }"},
		{"promise chain", "function f() { return Promise.resolve().then(f) } f()"},
		{"recursion", "function f() { return f() + 1 } f()"},
		{"mutual recursion through sort", "function f() { return [1, 2].sort(f) } f()"},
		{"toString loop when thrown", "throw { toString() { while (true) {} } }"},
		{"getter loop in a written array", "context.data.tags = Object.defineProperty([], '0', {get() { while (true) {} }})"},
		{"repeat", "'x'.repeat(1 << 30).length"},
		{"padStart", "'x'.padStart(1e9).length"},
		{"fill", "new Array(5e8).fill(1)"},
		{"join", "new Array(2e8).join('ab')"},
		{"long index", "var a = []; a.length = 4294967295; a.indexOf(5)"},
		{"look-ahead regex", "/^(a+)+(?!x)$/.test('a'.repeat(40) + 'b')"},
		{"back-reference regex", "/^(a+)+\\1?(?!b)$/.test('a'.repeat(40) + '!')"},
		{"JSON nesting", "JSON.parse('['.repeat(5e6))"},
		{"typed array", "new Uint8Array(2 * 1024 * 1024 * 1024).fill(1)"},
		{"doubling", "var s = 'x'; while (true) s += s"},
		{"growing array", "var a = []; while (true) a.push({})"},
		{"sort", "var a = []; for (var i = 0; i < 3e6; i++) a.push(i % 7); a.sort(function (x, y) { return Math.random() - 0.5 })"},
		{"look-ups", "for (var i = 0; ; i++) repo.getObjectByID('x' + i)"},
		{"big integer", "var n = 3n; while (true) n = n * n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			h := open(t, hostileOptions(evil(tt.text)))
			got := judgeAll(t, h, crowd()...)
			for i, s := range crowd() {
				if s.Object.ID == "evil" {
					if got[i].Failed == nil || !got[i].Failed.Limit || got[i].Calls.Create || got[i].Returned || got[i].At != (plan.Place{}) {
						t.Errorf("the hostile object passes: %+v, %+v", got[i], got[i].Failed)
					} else {
						t.Logf("%s: %s (%v)", tt.name, failure(got[i]), time.Since(began).Round(time.Millisecond))
					}
				} else if got[i].Failed != nil || !got[i].Calls.Create || !got[i].Returned {
					t.Errorf("%s suffers: %+v %s", s.Object.ID, got[i], failure(got[i]))
				}
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestHostileTexts are texts that stall or kill whoever compiles them. Each must
// be refused or run, in bounded time, with the parent alive.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text string }{
		{"plus", "return 1" + strings.Repeat("+1", MaxSource/2-5)},
		{"parentheses", strings.Repeat("(", MaxSource/2) + strings.Repeat(")", MaxSource/2)},
		{"brackets", strings.Repeat("[", MaxSource)},
		{"braces", strings.Repeat("{", MaxSource/2) + strings.Repeat("}", MaxSource/2)},
		{"templates", strings.Repeat("`${", MaxSource/3)},
		{"not", strings.Repeat("!", MaxSource-1) + "1"},
		{"arrows", strings.Repeat("a=>", MaxSource/3) + "1"},
		{"regex", "return /" + strings.Repeat("(a+", 4000) + strings.Repeat(")", 4000) + "/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if len(tt.text) > MaxSource {
				t.Fatalf("%d bytes: refused before it is tried", len(tt.text))
			}
			h, err := New(hostileOptions(tt.text))
			if err != nil {
				if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "users.js:") {
					t.Errorf("refused with %v", err)
				}
				return
			}
			defer h.Close()
			if _, err := h.Judge(t.Context(), crowd(), company); err != nil {
				t.Errorf("judge: %v", err)
			}
		})
	}
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

func TestChildKilledFromOutside(t *testing.T) {
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
