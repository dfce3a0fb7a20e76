package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func TestParseFailpoint(t *testing.T) {
	t.Parallel()
	for text, wrong := range map[string]bool{
		"send:after:3": false, "send:before": false, "report:after:1": false,
		"": true, "send": true, "send:during:1": true, "send:after:0": true, "send:after:x": true, "sned:after:1": true, "send:after:1:2": true,
		"watch": false, "send:after:3:stop": false, "send:after:stop": false, "watch:stop": true,
	} {
		_, err := parseFailpoint(text, ways{})
		if (err != nil) != wrong || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

func TestFailpointDiesOnce(t *testing.T) {
	t.Parallel()
	deaths := 0
	f, err := parseFailpoint("send:after:2", ways{die: func() { deaths++ }, stop: func() { t.Error("it stood still") }})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		pass func()
		want int
	}{
		{func() { f.before("send") }, 0},
		{func() { f.passed("send") }, 0},
		{func() { f.done("send", context.Canceled) }, 0},
		{func() { f.passed("claim") }, 0},
		{func() { f.passed("send") }, 1},
		{func() { f.passed("send") }, 1},
	}
	for i, s := range steps {
		if s.pass(); deaths != s.want {
			t.Errorf("step %d: died %d times, want %d", i, deaths, s.want)
		}
	}
}

// TestNoFailpointChangesNothing sees that a process without one has nothing in
// its way.
func TestNoFailpointChangesNothing(t *testing.T) {
	t.Parallel()
	var f *failpoint
	f.before("send")
	f.done("send", nil)
	if next := f.transport(http.DefaultTransport); next != http.DefaultTransport {
		t.Errorf("the transport became %T", next)
	}
	if s := f.store(nil); s != nil {
		t.Errorf("the record became %T", s)
	}
}

// TestFailpointStops sees that a process can stand still instead.
func TestFailpointStops(t *testing.T) {
	t.Parallel()
	stops := 0
	f, err := parseFailpoint("intent:after:1:stop", ways{die: func() { t.Error("it died") }, stop: func() { stops++ }})
	if err != nil {
		t.Fatal(err)
	}
	f.passed("intent")
	if f.passed("intent"); stops != 1 {
		t.Errorf("it stood still %d times", stops)
	}
}

// TestFailpointTellsFences sees that a call is logged with the fence under which it
// was noted, and nothing else is.
func TestFailpointTellsFences(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	f := &failpoint{name: failWatch, log: (&process{stderr: log, getenv: debugging}).logger()}
	f.noted(t.Context(), run.Lease{Flow: "f", Fence: 7}, []run.Entry{{Run: "ABC123", Seq: 3, Step: run.StepSending}, {Run: "ABC123", Seq: 2, Step: run.StepDone}})
	if calls := callsIn(log.String()); len(calls) != 1 || calls[0].run != "ABC123" || calls[0].seq != 3 || calls[0].fence != 7 || calls[0].at.IsZero() {
		t.Errorf("%+v of %s", calls, log)
	}
	(&failpoint{name: failWatch}).noted(t.Context(), run.Lease{}, []run.Entry{{Step: run.StepSending}}) // nobody listens
}

// TestWrongClock sees that a clock is wrong only when it is told to be.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_760_000_000_000)
	for text, want := range map[string]time.Duration{"": 0, "3m": 3 * time.Minute, "-90s": -90 * time.Second, "soon": 0} {
		now := wrongClock(func() time.Time { return at }, func(name string) (string, bool) { return text, name == clockVariable })
		if got := now().Sub(at); got != want {
			t.Errorf("%q is wrong by %v, want %v", text, got, want)
		}
	}
}

// TestFailpointIsRefused sees that an operator's process does not heed the
// variable, and says so.
func TestFailpointIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		breakable   bool
		value, want string
		set, wrong  bool
	}{
		{value: "send:after:1", want: `"level":"ERROR","msg":"failpoint refused`},
		{value: "", want: ""},
		{value: "watch", want: "failpoint refused"},
		{breakable: true, value: "watch", set: true},
		{breakable: true, value: "send:after:1", want: "this process will kill itself", set: true},
		{breakable: true, value: "nonsense", wrong: true},
	} {
		log := &logbook{}
		p := &process{breakable: c.breakable, stderr: log, getenv: func(name string) (string, bool) { return c.value, name == failVariable }}
		a := &app{p: p, log: p.logger()}
		err := a.setFailpoint()
		if (err != nil) != c.wrong || (a.fail != nil) != c.set {
			t.Errorf("%+v: %v, failpoint %v", c, err, a.fail)
		}
		if got := log.String(); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%+v: the log is %q", c, got)
		}
	}
}
