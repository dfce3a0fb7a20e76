package scripting

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// people are n ordinary persons.
func people(n int) []plan.Subject {
	out := make([]plan.Subject, n)
	for i := range out {
		out[i] = person(fmt.Sprint(i), directory.Attributes{"name": directory.TextOf(fmt.Sprint("n", i))})
	}
	return out
}

// TestSecondChance: an object that took too long once, as on a machine that stood
// still for a moment, is judged again and passes.
func TestSecondChance(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]string{
		"interrupted": ``, // the answer alone takes longer than a rule may wait
		"killed":      `var a = []; a.length = 4294967295; a.indexOf(5)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := hostileOptions(`if (context.id === "7" && repo.getObjectByID("slow")) { ` + slow + ` }
				context.reason = context.id; repo.executeCreate(); return context`)
			o.Workers = 1
			h := open(t, o)
			asked := 0 // a child remembers the answer, its successor asks again
			look := func(key directory.Key) (directory.Object, bool) {
				if key != (directory.Key{Kind: directory.User, ID: "slow"}) {
					return directory.Object{}, false
				}
				if asked++; asked == 1 && slow == "" {
					<-time.After(2 * waitShare * o.ObjectTime)
				}
				return directory.Object{Key: key}, asked == 1
			}
			got, err := h.Judge(t.Context(), people(250), look)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				if v.Failed != nil || !v.Calls.Create || v.Reason != fmt.Sprint(i) {
					t.Errorf("%d: %+v %s", i, v, failure(v))
				}
			}
			if slow == "" && asked != 1 || slow != "" && asked != 2 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// TestManyDeaths: a rule that ends its process for everybody is stopped as a whole.
func TestManyDeaths(t *testing.T) {
	t.Parallel()
	o := options("new ArrayBuffer(64e9)") // ends its process at once
	o.Workers = 1
	h := open(t, o)
	_ = wantBroken(t, h, people(30), "8 objects", "ended its process", "8 个对象", "进程终止")
}

// TestFlood: what a rule writes into a whole run is bounded.
func TestFlood(t *testing.T) {
	t.Parallel()
	o := options(`for (var i = 0; i < 60; i++) context.data["x" + i] = "y".repeat(32768); return context`)
	o.MemoryMB = 1024
	_ = wantBroken(t, open(t, o), people(60), "64 MiB", "nothing is changed", "不作任何改动")

	o = options(`for (var i = 0; i < 129; i++) context.data["x" + i] = "y".repeat(32768)
return context`)
	o.MemoryMB = 1024
	v := judgeAll(t, open(t, o), person("a", nil))[0]
	wantFailure(t, v, 1, "more than 4 MiB")
	if !v.Failed.Limit {
		t.Errorf("%+v", v.Failed)
	}
}

// TestLimits: what outruns a limit says so, and what does not, does not.
func TestLimits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`function f() { f() } f()`:                                                true,
		`for (var i = 0; i < 2000; i++) repo.getObjectByID("x" + i)`:              true,
		`for (var i = 0; i < 300; i++) context.data["x" + i] = 1`:                 true,
		`throw new Error("x")`:                                                    false,
		`(() => context)().target = 1`:                                            false,
		`context.data.level = "x"`:                                                false,
		`return [5][0]`:                                                           false,
		`try { for (;;) repo.getObjectByID(String(Math.random())) } catch (e) {}`: true,
	} {
		s := person("a", nil)
		j, _ := inProcess(t, text).judge(directory.User, &s)
		if j.Failed == nil || j.Failed.Limit != want || j.Failed.Line != 1 && text != "return [5][0]" {
			t.Errorf("%s: %+v", text, j.Failed)
		}
	}
}

// TestAt: the place that decided.
func TestAt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"return context": 0,
		"\nif (context.data.name) { }\nreturn context":                       0,
		"\nrepo.executeCreate()\nrepo.executeCreate()\nreturn context":       2,
		"repo.abort('CREATE')\nrepo.abort()\nreturn context":                 1,
		"repo.abort()\ncontext.data.name = 'x'\nrepo.executeDelete()":        3,
		"context.data.name = 'x'\n\ncontext.data.name = 'y'\nreturn context": 3,
		"context.data.name = 'x'\nrepo.abort()\ncontext.data.name = 'y'":     2,
		"\ndelete context.data.name\nreturn context":                         2,
		"function f() {\n repo.executeUpdate()\n}\nf()":                      2,
		"[1].forEach(function () {\n\n repo.abort()\n})":                     3,
		"\nObject.assign(context.data, {name: 'x'})\nreturn context":         2,
		"\nReflect.set(context.data, 'name', 'x')\nreturn context":           2,
		"(async function () {\n repo.executeUpdate()\n})()\nreturn context":  2,
		"Promise.resolve().then(function () {\n repo.abort()\n})\n":          2,
		"context.data.tags.push('x')\nreturn context":                        0,
		"repo.executeCreate()\nthrow 5":                                      0,
	} {
		s := person("a", directory.Attributes{"name": directory.TextOf("n"), "tags": directory.ListOf("a")})
		j, _ := inProcess(t, text).judge(directory.User, &s)
		if j.At.Line != want {
			t.Errorf("%q: line %d, want %d (%s)", text, j.At.Line, want, failure(j.Verdict))
		}
	}
	o := options("\n\nrepo.executeCreate(); return context")
	if v := judgeAll(t, open(t, o), person("a", nil))[0]; v.At != (plan.Place{File: "users.js", Line: 3}) {
		t.Errorf("%+v", v.At)
	}
}

// TestLinesBehindTheEnd: what fails in a promise has its line as well.
func TestLinesBehindTheEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"Promise.resolve().then(function () {\n  null.x\n})\nreturn context":                         2,
		"Promise.resolve().then(function f() {\n  null.x\n})\nreturn context":                        2,
		"Promise.resolve().then(function () {\n  throw new Error('x')\n})\nreturn context":           2,
		"(async function () {\n  await 1\n  nothing()\n})()\nreturn context":                         3,
		"(async function () {\n  await 1\n  context.data.name.no.x\n})()\nreturn context":            3,
		"(async () => {\n  null.x\n})()\n\nreturn context":                                           2,
		"\nPromise.reject(5)\nreturn context":                                                        2,
		"\nPromise.reject(new Error('(rule:9:1(1))\\n at rule:9:1(1)'))\nreturn context":             2,
		"(async () => { await 1; throw {stack: '\\tat rule:6:1(2)'} })()":                            5,
		"(async () => { await 1; throw {get stack() { throw 1 }} })()\nreturn context":               0,
		"(async () => { await 1; throw {stack: '\\tat a (rule:\\n\\tat (rule:x:\\n\\tat rule'} })()": 0,
	} {
		s := person("a", directory.Attributes{"name": directory.TextOf("n")})
		j, _ := inProcess(t, text).judge(directory.User, &s)
		if j.Failed == nil || j.Failed.Line != want {
			t.Errorf("%q: want line %d, got %s", text, want, failure(j.Verdict))
		}
		coveredEngines(t, text).same(t, s)
	}
}

// TestP14_ChildKilledInBatch kills a child again and again while it has two batches: no
// verdict is lost, doubled or taken for another's.
func TestP14_ChildKilledInBatch(t *testing.T) {
	t.Parallel()
	o := options(`context.reason = context.id + repo.getObjectByID("o" + context.id).name; return context`)
	o.Workers = 1
	var last atomic.Pointer[exec.Cmd]
	o.Command = func(ctx context.Context) *exec.Cmd {
		cmd := childCommand(ctx)
		last.Store(cmd)
		return cmd
	}
	h := open(t, o)
	asked, kills := 0, 0
	look := func(key directory.Key) (directory.Object, bool) {
		if key.Kind == directory.User {
			if asked++; asked%150 == 0 && kills < 4 {
				kills++
				if err := last.Load().Process.Kill(); err != nil {
					t.Errorf("kill: %v", err)
				}
			}
		}
		attrs := directory.Attributes{"name": directory.TextOf("'s " + string(key.ID))}
		return directory.Object{Key: key, Attributes: attrs}, key.Kind == directory.User
	}
	got, err := h.Judge(t.Context(), people(700), look)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v.Failed != nil || v.Reason != fmt.Sprintf("%d's o%d", i, i) {
			t.Errorf("%d: %+v %s", i, v, failure(v))
		}
	}
	if kills != 4 {
		t.Errorf("%d kills", kills)
	}
}

// TestNoStart: processes that end before they have compiled the rule make it useless;
// a command that cannot be run does not speak against the rule.
func TestNoStart(t *testing.T) {
	t.Parallel()
	o := options("return context")
	var fail atomic.Pointer[string]
	o.Command = func(ctx context.Context) *exec.Cmd {
		if path := fail.Load(); path != nil {
			return exec.CommandContext(ctx, *path)
		}
		return childCommand(ctx)
	}
	h := open(t, o)
	no, err := exec.LookPath("false")
	if err != nil {
		t.Skip("no program that fails")
	}
	never := "/nowhere/at all"
	fail.Store(&no)
	broken := wantBroken(t, h, people(1), "ended twice", "两次")
	if broken.Line != 0 {
		t.Errorf("%+v", broken)
	}
	fail.Store(&never)
	if _, err := h.Judge(t.Context(), people(1), nil); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
	fail.Store(nil)
	judgeAll(t, h, people(1)...)
}

// TestSharedSlots: hosts that share one place take turns, and a long run lets a short
// one in between.
func TestSharedSlots(t *testing.T) {
	t.Parallel()
	t.Run("many objects", func(t *testing.T) {
		t.Parallel()
		shareSlots(t, (2*turnSpans+5)*batchSize, noon)
	})
	t.Run("a slow rule", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		shareSlots(t, 9*batchSize, func() time.Time { return noon().Add(time.Duration(asked.Add(1)) * turnTime) })
	})
}

func shareSlots(t *testing.T, long int, now func() time.Time) {
	t.Helper()
	slots := NewSlots(1)
	var judging, most atomic.Int32
	host := func(name string) *Host {
		o := options("context.reason = repo.getObjectByID('" + name + "' + context.id).name; return context")
		o.Slots, o.Now = slots, now
		return open(t, o)
	}
	slow, short := host("long"), host("short")
	ended := make(chan string, 2)
	begin := make(chan struct{})
	var began atomic.Bool
	look := func(key directory.Key) (directory.Object, bool) {
		if n := judging.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer judging.Add(-1)
		if began.CompareAndSwap(false, true) {
			close(begin)
			for !slots.wanted() { // the other one stands in the queue
				select {
				case <-t.Context().Done():
					return directory.Object{}, false
				case <-time.After(time.Millisecond):
				}
			}
		}
		return directory.Object{Key: key, Attributes: directory.Attributes{"name": directory.TextOf(string(key.ID))}}, key.Kind == directory.User
	}
	run := func(name string, h *Host, n int) {
		got, err := h.Judge(t.Context(), people(n), look)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, v := range got {
			if v.Reason != fmt.Sprint(name, i) {
				t.Errorf("%s: %d saw %q", name, i, v.Reason)
				break
			}
		}
		ended <- name
	}
	go run("long", slow, long)
	<-begin
	go run("short", short, 3)
	if first := <-ended; first != "short" {
		t.Errorf("the %s run ended first", first)
	}
	<-ended
	if most.Load() != 1 || len(slots.places) != 0 {
		t.Errorf("%d children judged at once, %d places are left taken", most.Load(), len(slots.places))
	}
}

// TestClock: whoever ends a judging first has ended it.
func TestClock(t *testing.T) {
	t.Parallel()
	var c clock
	e := inProcess(t, "return context")
	c.vm.Store(e.vm)
	c.begin()
	if c.end() {
		t.Error("nobody stopped it")
	}
	c.begin()
	s := c.state.Load()
	c.stop(s)
	if !c.end() {
		t.Error("the watch stopped it")
	}
	c.stop(s) // too late
	c.begin()
	c.stop(s) // and not the next one either
	if c.end() {
		t.Error("the next was stopped")
	}
	c.most = time.Minute // a process that stood still, its watch with it
	for name, tt := range map[string]struct {
		took, waited time.Duration
		want         bool
	}{
		"at once": {}, "still": {took: time.Hour, want: true}, "asking": {took: time.Hour, waited: time.Hour},
	} {
		c.begin()
		c.began, c.waited = c.began.Add(-tt.took), tt.waited
		if c.end() != tt.want {
			t.Errorf("%s: stopped is %v", name, !tt.want)
		}
		if c.state.Load()%2 != 0 {
			t.Errorf("%s: goes on", name)
		}
	}
}

// TestShapes: objects of many forms in one batch.
func TestShapes(t *testing.T) {
	t.Parallel()
	h := open(t, options(`context.reason = Object.keys(context.data).filter(function (k) { return k[0] === "z" }).map(function (k) { return k + context.data[k] }).join()
		return context`))
	var subjects []plan.Subject
	var want []string
	for i := range 300 {
		a := directory.Attributes{}
		var parts []string
		for bit := range 5 {
			if i>>bit&1 == 1 {
				name := fmt.Sprint("z", bit)
				a[name] = directory.IntOf(int64(i))
				parts = append(parts, fmt.Sprint(name, i))
			}
		}
		subjects = append(subjects, person(fmt.Sprint(i), a))
		want = append(want, strings.Join(parts, ","))
	}
	for i, v := range judgeAll(t, h, subjects...) {
		if v.Reason != want[i] || v.Failed != nil {
			t.Fatalf("%d: %q, want %q %s", i, v.Reason, want[i], failure(v))
		}
	}
}
