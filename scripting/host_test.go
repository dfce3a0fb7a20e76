package scripting

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Workers: -1})
	if fault.KindOf(err) != fault.Internal {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"Zone", "Now", "Command", "negative"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
	o := options("")
	o.Workers, o.ObjectTime, o.BatchTime, o.MemoryMB = 0, 0, 0, 0
	if err := o.withDefaults(); err != nil {
		t.Fatal(err)
	}
	if o.Workers != runtime.NumCPU() || cap(o.Slots.places) != o.Workers || o.ObjectTime != 500*time.Millisecond || o.BatchTime != 2*time.Second || o.CallDepth != 512 || o.MemoryMB != 256 {
		t.Errorf("defaults: %+v", o)
	}
}

// TestManySubjects: several children, verdicts in order, each with the data of its
// own object.
func TestManySubjects(t *testing.T) {
	t.Parallel()
	h := open(t, options(`context.reason = context.id + " " + repo.getObjectByID("d1").name
		if (+context.id % 2) context.data.name = context.data.name + "!"
		return context`))
	subjects := make([]plan.Subject, 1050)
	for i := range subjects {
		subjects[i] = person(fmt.Sprint(i), directory.Attributes{"name": directory.TextOf(fmt.Sprint("n", i)), "x": directory.Hidden("p")})
	}
	for i, v := range judgeAll(t, h, subjects...) {
		if v.Failed != nil || v.Reason != fmt.Sprintf("%d 研发部", i) {
			t.Fatalf("subject %d: %+v %s", i, v, failure(v))
		}
		if want := fmt.Sprint("n", i, "!"); i%2 == 1 && (v.Data["name"].Text() != want || v.Data["x"].Permission() != "p") || i%2 == 0 && v.Data != nil {
			t.Fatalf("subject %d: data %v", i, v.Data)
		}
		if subjects[i].Object.Attributes["name"].Text() != fmt.Sprint("n", i) {
			t.Fatalf("subject %d itself was changed", i)
		}
	}
}

// TestConcurrentCallers share the children of one host.
func TestConcurrentCallers(t *testing.T) {
	t.Parallel()
	o := options(`context.reason = repo.getObjectByID("who").name; return context`)
	var running, most atomic.Int32
	o.Command = func(ctx context.Context) *exec.Cmd {
		cmd := childCommand(ctx)
		cmd.Cancel = func() error { running.Add(-1); return cmd.Process.Kill() }
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		return cmd
	}
	h := open(t, o)
	var wg sync.WaitGroup
	for caller := range 6 {
		wg.Go(func() {
			name := fmt.Sprint("caller ", caller)
			look := func(key directory.Key) (directory.Object, bool) {
				return directory.Object{Key: key, Attributes: directory.Attributes{"name": directory.TextOf(name)}}, key.Kind == directory.User
			}
			got, err := h.Judge(t.Context(), make100(), look)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for i, v := range got {
				if v.Reason != name {
					t.Errorf("%s: subject %d saw %q %s", name, i, v.Reason, failure(v))
					return
				}
			}
		})
	}
	wg.Wait()
	h.mu.Lock()
	idle := len(h.idle)
	h.mu.Unlock()
	if idle > o.Workers {
		t.Errorf("%d children for %d workers", idle, o.Workers)
	}
}

func make100() []plan.Subject {
	out := make([]plan.Subject, 150)
	for i := range out {
		out[i] = person(fmt.Sprint(i), nil)
	}
	return out
}

// TestLookupIsFresh: what one Judge looked up is not remembered by the next.
func TestLookupIsFresh(t *testing.T) {
	t.Parallel()
	h := open(t, options(`context.reason = repo.getObjectByID("u").name + repo.getObjectByID("u").name; return context`))
	for _, name := range []string{"a", "b"} {
		asked := 0
		look := func(key directory.Key) (directory.Object, bool) {
			asked++
			return directory.Object{Key: key, Attributes: directory.Attributes{"name": directory.TextOf(name)}}, key.Kind == directory.User
		}
		got, err := h.Judge(t.Context(), []plan.Subject{person("1", nil), person("2", nil)}, look)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Reason != name+name || got[1].Reason != name+name || asked != 2 { // once, for each kind
			t.Errorf("%+v %+v after %d questions", got[0], got[1], asked)
		}
	}
}

func TestJudgeEdges(t *testing.T) {
	t.Parallel()
	h := open(t, options("context.reason = String(repo.getObjectByID('d1')); return context"))
	if got, err := h.Judge(t.Context(), nil, nil); err != nil || len(got) != 0 {
		t.Errorf("nobody: %v %v", got, err)
	}
	got, err := h.Judge(t.Context(), []plan.Subject{person("a", nil)}, nil)
	if err != nil || got[0].Reason != "null" {
		t.Errorf("without a look-up: %+v %v", got, err)
	}
	dept := plan.Subject{Object: directory.Object{Key: directory.Key{Kind: directory.Department, ID: "d"}}, Proposed: plan.Delete}
	if v := judgeAll(t, h, dept)[0]; !v.Returned || v.Data != nil || v.Calls != (plan.Calls{}) || v.Failed != nil {
		t.Errorf("a kind without a rule: %+v", v)
	}
	if _, err := h.Judge(t.Context(), []plan.Subject{person("a", nil), dept}, company); fault.KindOf(err) != fault.Internal {
		t.Errorf("two kinds: %v", err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	seen := map[directory.Digest]string{}
	for name, set := range map[string]func(*Options){
		"one rule":        func(*Options) {},
		"another text":    func(o *Options) { o.Users.Source = []byte("return context ") },
		"other kind":      func(o *Options) { o.Users, o.Departments = o.Departments, o.Users },
		"both":            func(o *Options) { o.Departments = o.Users },
		"an empty second": func(o *Options) { o.Departments.Source = []byte{} },
		"none":            func(o *Options) { o.Users.Source = nil },
	} {
		o := options("return context")
		set(&o)
		hash := open(t, o).Hash()
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[hash] = name
	}
	o := options("return context")
	o.Users.Name, o.Users.Path = "elsewhere.js", "elsewhere.js"
	if open(t, o).Hash() != open(t, options("return context")).Hash() {
		t.Error("the place of a rule is part of its hash")
	}
}

func TestTryAndLogs(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	o := options(`log("入职", context.data.hiredate.getDate(), null, undefined, [1, 2], {}, 5)
		for (var i = 0; i < 100; i++) log("x".repeat(1e4), "\n")
		repo.executeUpdate(); return context`)
	o.Logger = slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := open(t, o)
	v, trace, err := h.Try(t.Context(), person("a", directory.Attributes{"hiredate": date("2026-07-09")}), company)
	if err != nil || !v.Calls.Update || !v.Returned {
		t.Fatalf("%+v %v %s", v, err, failure(v))
	}
	if len(trace.Logs) != logLines || trace.Logs[0] != "入职 9 null undefined 1,2 [object Object] 5" || len([]rune(trace.Logs[1])) != logLength+1 {
		t.Errorf("%d lines, first %q", len(trace.Logs), trace.Logs[0])
	}
	if !strings.Contains(buf.String(), "msg=\"rule logs\" kind=user id=a text=\"入职 9") {
		t.Errorf("the logger got %.300s", buf.String())
	}
	buf.Reset()
	o.Logger = slog.New(slog.NewTextHandler(&buf, nil))
	judgeAll(t, open(t, o), person("a", directory.Attributes{"hiredate": date("2026-07-09")}))
	if buf.Len() > 0 {
		t.Errorf("above debug: %s", buf.String())
	}
}

// TestIdleChildrenEnd: nothing stays when there is nothing to do.
func TestIdleChildrenEnd(t *testing.T) {
	t.Parallel()
	h := open(t, options("return context"))
	judgeAll(t, h, person("a", nil))
	h.mu.Lock()
	idle := append([]*child{}, h.idle...)
	h.mu.Unlock()
	if len(idle) != 1 {
		t.Fatalf("%d idle children", len(idle))
	}
	h.release() // what the timer does
	if idle[0].cmd.ProcessState == nil || !idle[0].cmd.ProcessState.Success() {
		t.Errorf("the child ended with %v", idle[0].cmd.ProcessState)
	}
	if v := judgeAll(t, h, person("a", nil))[0]; !v.Returned {
		t.Errorf("afterwards: %+v", v)
	}
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"  a \n\t b  ":         "a b",
		"a\u202eb\u200bc\x00":  "abc",
		"张三李四王五":               "张三李四王…",
		"abcde":                "abcde",
		"\u2028line\u2029end ": "line …",
	} {
		if got := clean(in, 5); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestNewTriesAgain: a process that something else ended does not make a rule useless.
func TestNewTriesAgain(t *testing.T) {
	t.Parallel()
	no, err := exec.LookPath("false")
	if err != nil {
		t.Skip("no program that fails")
	}
	for fails, refused := range map[int]bool{1: false, 2: true} {
		o := options("return context")
		starts := 0
		o.Command = func(ctx context.Context) *exec.Cmd {
			if starts++; starts <= fails {
				return exec.CommandContext(ctx, no)
			}
			return childCommand(ctx)
		}
		h, err := New(o)
		if (err != nil) != refused || refused && fault.KindOf(err) != fault.Invalid {
			t.Errorf("after %d failures: %v", fails, err)
		}
		if err == nil {
			judgeAll(t, h, person("a", nil))
			h.Close()
		}
	}
}
