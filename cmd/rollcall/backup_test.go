package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestBackupInTheMiddle backs the record up while a change is under way, lets the
// run go to its end, loses the record and restores it. The run goes on from the
// journal of then: the change that was under way is settled by reading, the rest is
// found done already, and the target is told nothing twice.
func TestBackupInTheMiddle(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{Timing: unhurried})
	b := s.brake(6)
	code := s.approvedRun(t)
	<-b.reached
	dir := filepath.Dir(s.config)
	backup := filepath.Join(dir, "backup")
	if out, errOut, exit := command(t, "backup", backup, "-c", s.config); exit != 0 || !strings.Contains(out, "1 run(s)") {
		t.Fatalf("backup: %d, %s%s", exit, out, errOut)
	}
	close(b.open)
	until(t, "the run ends", func() bool { return s.run(t, code).State == run.Succeeded })
	s.once(t, 12)
	s.end()

	if err := os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "lost")); err != nil {
		t.Fatal(err)
	}
	out, errOut, exit := command(t, "restore", backup, "-c", s.config)
	if exit != 0 || !strings.Contains(out, string(code)+" (hr-to-wecom) was applying") || !strings.Contains(out, "“cancel "+string(code)+"”") {
		t.Fatalf("restore: %d, %s%s", exit, out, errOut)
	}
	s.start(t)
	until(t, "the restored run ends", func() bool { return s.run(t, code).State.Ended() })
	s.once(t, 12)
	if got := s.run(t, code); got.State != run.Succeeded {
		t.Errorf("the run ends as %s, %s", got.State, got.Reason)
	}
	entries, err := s.app.store.Entries(t.Context(), code)
	if err != nil || len(entries) != 12 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, e := range entries {
		want := run.StepDone
		if i >= 6 {
			want = run.StepAlready
		}
		if e.Step != want || e.Sends > 1 {
			t.Errorf("change %d is %s after %d sends, want %s: %s", e.Seq, e.Step, e.Sends, want, e.Say)
		}
	}
}

// command runs a command of the command line in this process.
func command(t *testing.T, args ...string) (out, errOut string, exit int) {
	t.Helper()
	var o, e bytes.Buffer
	p := &process{args: args, getenv: noEnv, stdin: strings.NewReader(""), stdout: &o, stderr: &e, now: (&clock{}).Now, executable: os.Executable}
	exit = p.run(t.Context())
	return o.String(), e.String(), exit
}
