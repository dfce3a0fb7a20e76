package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestParseFailpoint(t *testing.T) {
	t.Parallel()
	for text, wrong := range map[string]bool{
		"send:after:3": false, "send:before": false, "report:after:1": false,
		"": true, "send": true, "send:during:1": true, "send:after:0": true, "send:after:x": true, "sned:after:1": true, "send:after:1:2": true,
	} {
		_, err := parseFailpoint(text, func() {})
		if (err != nil) != wrong || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q gives %v", text, err)
		}
	}
}

func TestFailpointDiesOnce(t *testing.T) {
	t.Parallel()
	deaths := 0
	f, err := parseFailpoint("send:after:2", func() { deaths++ })
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
