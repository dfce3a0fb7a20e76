package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// failVariable names the environment variable that sets a failpoint:
// NAME:before|after:N, such as send:after:3, at which the process kills itself;
// with :stop behind it, it stands still there (SIGSTOP) until somebody lets it go
// on. The word watch kills nobody. All of them log under which fence each call is
// noted, so that a test can tell who sent what. It is heeded by the tests' binary
// and by rollcall demo alone; anybody else logs an error and goes on without it.
const failVariable = "ROLLCALL_FAILPOINT"

// failWatch is the failpoint that is met by nobody.
const failWatch = "watch"

// clockVariable names the environment variable that puts the clock of a process
// wrong by a duration, such as 3m or -3m. The tests' binary alone heeds it.
const clockVariable = "ROLLCALL_CLOCK"

// failNames are the points at which a process can be told to die, in the order
// in which a run meets them.
func failNames() []string {
	return []string{
		"accept",   // a message comes from a platform; after = it is acknowledged
		"claim",    // its id is claimed in the record
		"run",      // the run is created
		"handled",  // the message is marked as handled, its answer stored
		"ring",     // a worker is woken
		"lease",    // the flow's lease is taken
		"page",     // the Nth call while a system is read
		"snapshot", // the source's snapshot is kept
		"plan",     // the plan is stored
		"card",     // the request for votes is put into the outbox
		"vote",     // a vote is stored
		"apply",    // the run begins to apply
		"verify",   // the target's object is read, before a change or after a lost answer
		"intent",   // sending is noted, before the Nth call
		"send",     // the Nth change is sent to the target
		"outcome",  // the outcome of the Nth change is noted
		"report",   // the report is put into the outbox
		"letter",   // the Nth letter is sent
		"mark",     // the Nth letter is marked as sent
	}
}

// failpoint is a place at which the process kills itself. A nil failpoint, as
// in every process of an operator, does nothing.
type failpoint struct {
	name  string
	after bool
	left  atomic.Int64 // how often it is still passed
	die   func()
	log   *slog.Logger // nil: nothing is told
}

// ways are what a process can do to itself at a failpoint.
type ways struct{ die, stop func() }

// parseFailpoint reads NAME:before|after:N or NAME:before|after:N:stop; N is from
// 1 and may be left out for 1 where nothing stands behind it.
func parseFailpoint(text string, do ways) (*failpoint, error) {
	if text == failWatch {
		return &failpoint{name: failWatch}, nil
	}
	text, stops := strings.CutSuffix(text, ":stop")
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		parts = append(parts, "1")
	}
	wrong := fault.New(fault.Invalid, "%[1]s: %[2]q is no failpoint; write NAME:before|after:N / %[1]s：%[2]q 不是故障点；写法是 NAME:before|after:N", failVariable, text)
	if len(parts) != 3 || !slices.Contains(failNames(), parts[0]) || parts[1] != "before" && parts[1] != "after" {
		return nil, wrong
	}
	n, err := strconv.ParseInt(parts[2], 10, 32)
	if err != nil || n < 1 {
		return nil, wrong
	}
	f := &failpoint{name: parts[0], after: parts[1] == "after", die: do.die}
	if stops {
		f.die = do.stop
	}
	f.left.Store(n)
	return f, nil
}

// before is called when something is about to happen, after when it happened.
func (f *failpoint) before(name string) { f.pass(name, false) }
func (f *failpoint) passed(name string) { f.pass(name, true) }

// done calls passed when there is no error: what failed did not happen.
func (f *failpoint) done(name string, err error) {
	if err == nil {
		f.passed(name)
	}
}

func (f *failpoint) pass(name string, after bool) {
	if f != nil && f.name == name && f.after == after && f.left.Add(-1) == 0 {
		f.die()
	}
}

// setFailpoint sets the failpoint that the environment asks for.
func (a *app) setFailpoint() error {
	text, ok := a.p.getenv(failVariable)
	if !ok || text == "" {
		return nil
	}
	if !a.p.breakable {
		a.log.Error("failpoint refused: this is neither a test nor the demo", "variable", failVariable)
		return nil
	}
	f, err := parseFailpoint(text, ways{die: killSelf, stop: stopSelf})
	if err != nil {
		return err
	}
	f.log = a.log
	if text != failWatch {
		a.log.Warn("this process will kill itself", "failpoint", text)
	}
	a.fail = f
	return nil
}

// killSelf is kill -9 of the own process; nothing happens behind it.
func killSelf() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// noted logs the calls that a worker has noted, before it makes them, with the
// fence of its lease: the journal does not keep it, since the writing itself
// proves the lease.
func (f *failpoint) noted(ctx context.Context, lease run.Lease, entries []run.Entry) {
	for i := range entries {
		if e := &entries[i]; f.log != nil && e.Step == run.StepSending {
			f.log.InfoContext(ctx, msgNoted, "run", e.Run, "seq", e.Seq, "flow", lease.Flow, "fence", lease.Fence)
		}
	}
}

const msgNoted = "call noted"

// wrongClock gives a clock that is wrong as the environment says, or the one that
// it was given.
func wrongClock(now func() time.Time, getenv func(string) (string, bool)) func() time.Time {
	text, _ := getenv(clockVariable)
	by, err := time.ParseDuration(text)
	if err != nil || by == 0 {
		return now
	}
	return func() time.Time { return now().Add(by) }
}
