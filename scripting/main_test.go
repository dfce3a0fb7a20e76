package scripting

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"go.uber.org/goleak"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestMain lets the test binary be its own child.
func TestMain(m *testing.M) {
	bodies := map[string]func() error{
		"evil-parent":  hostileParent,
		"rule-worker":  func() error { return Work(context.Background(), os.Stdin, os.Stdout) },
		"stuck-parent": stuckParent,
		"idle-parent":  idleParent,

		"unreliable-child": unreliableChild,
	}
	if body := bodies[os.Args[len(os.Args)-1]]; body != nil {
		if err := body(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// noon is the time of every test: 22 July 2026, 12:30 in Shanghai.
func noon() time.Time { return time.Date(2026, 7, 22, 4, 30, 0, 0, time.UTC) }

// raceSetting is all that the environment of a child may hold.
const raceSetting = "GORACE=atexit_sleep_ms=0"

func childCommand(ctx context.Context) *exec.Cmd { return childOf(ctx, "rule-worker") }

// childOf is a process of this binary with arguments, the last of which says what it is.
func childOf(ctx context.Context, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if raceEnabled { // the race detector would sleep for a second at each end
		return exec.CommandContext(ctx, "env", append([]string{raceSetting, self}, args...)...)
	}
	return exec.CommandContext(ctx, self, args...)
}

// options are those of a host that judges users by source; its limits are
// generous, since the machine may be busy and the race detector is slow.
func options(source string) Options {
	memory := 0
	if raceEnabled {
		memory = 1024 // the race detector keeps four bytes for each
	}
	return Options{
		MemoryMB:    memory,
		Users:       File{Path: "/etc/rules/users.js", Name: "users.js", Source: []byte(source)},
		Zone:        shanghai,
		Now:         noon,
		Command:     childCommand,
		Workers:     2,
		ObjectTime:  3 * time.Second,
		BatchTime:   20 * time.Second,
		CompileTime: time.Minute,
		Declared: map[directory.Kind]map[string]directory.Type{
			directory.User: {
				"name": directory.Text, "email": directory.Text, "hiredate": directory.Date, "DeptID": directory.Text,
				"level": directory.Int, "remote": directory.Bool, "tags": directory.List,
				"departments": directory.Refs, "manager": directory.Refs,
			},
			directory.Department: {"name": directory.Text, "parent": directory.Refs, "opened": directory.Date},
		},
	}
}

func open(t testing.TB, o Options) *Host {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// person is a user as the tests need it.
func person(id string, attrs directory.Attributes) plan.Subject {
	return plan.Subject{
		Object: directory.Object{
			Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Active: true, Attributes: attrs,
		},
		Proposed: plan.Create,
	}
}

// date gives a civil date.
func date(s string) directory.Value {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return directory.DateOf(t)
}

// company is a source system to look things up in.
func company(key directory.Key) (directory.Object, bool) {
	objects := map[directory.Key]directory.Attributes{
		{Kind: directory.Department, ID: "d1"}: {
			"name": directory.TextOf("研发部"), "opened": date("2020-06-01"), "parent": directory.RefsToKind(directory.Department, "d0"),
		},
		{Kind: directory.Department, ID: "d0"}:   {"name": directory.TextOf("总部"), "phone": directory.Hidden("contact:phone")},
		{Kind: directory.User, ID: "u1"}:         {"name": directory.TextOf("李敏")},
		{Kind: directory.User, ID: "both"}:       {"name": directory.TextOf("人")},
		{Kind: directory.Department, ID: "both"}: {"name": directory.TextOf("部门")},
	}
	attrs, ok := objects[key]
	return directory.Object{Key: key, Active: true, Attributes: attrs}, ok
}

func judgeAll(t testing.TB, h *Host, subjects ...plan.Subject) []plan.Verdict {
	t.Helper()
	got, err := h.Judge(t.Context(), subjects, company)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(subjects) {
		t.Fatalf("%d verdicts for %d subjects", len(got), len(subjects))
	}
	return got
}

// failure gives "line: what", or "" when the rule did not fail.
func failure(v plan.Verdict) string {
	if v.Failed == nil {
		return ""
	}
	return fmt.Sprintf("%d: %s", v.Failed.Line, v.Failed.Say)
}

func wantFailure(t testing.TB, v plan.Verdict, line int, part string) {
	t.Helper()
	if v.Failed == nil {
		t.Fatalf("the rule did not fail: %+v", v)
	}
	if v.Failed.File != "users.js" || v.Failed.Line != line || !strings.Contains(v.Failed.Say, part) {
		t.Errorf("failed at %s:%d: %s; want users.js:%d with %q", v.Failed.File, v.Failed.Line, v.Failed.Say, line, part)
	}
	if v.Returned || v.Data != nil || v.Calls != (plan.Calls{}) || v.AbortAny || v.Abort != nil {
		t.Errorf("a failed verdict says more than its failure: %+v", v)
	}
}

// inProcess is an engine without a child, for what needs no limits.
func inProcess(t testing.TB, source string) *engine {
	t.Helper()
	program, sum := compile(directory.User, source)
	if program == nil {
		t.Fatalf("compile: %v", sum.problems)
	}
	o := options(source)
	set := &setup{callDepth: 512, declared: o.Declared}
	e, err := newEngine(set, shanghai, programsOf(program), func(l lookup) ([]directory.Object, error) {
		return l.answer(company), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e.begin(noon())
	return e
}

// judge is decide for a subject that does not come over a pipe.
func (e *engine) judge(kind directory.Kind, s *plan.Subject) (*judgement, bool) {
	one := subject{id: s.Object.ID, proposed: s.Proposed, data: attrs(s.Object.Attributes)}
	if s.Target != nil {
		one.target = attrs(s.Target)
	}
	return e.decide(kind, &one)
}

func programsOf(p *goja.Program) map[directory.Kind]*goja.Program {
	return map[directory.Kind]*goja.Program{directory.User: p}
}
