package ruletest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/rollcallhq/rollcall/scripting"
)

// TestMain lets the test binary be the child that runs rules.
func TestMain(m *testing.M) {
	if os.Args[len(os.Args)-1] == "rule-worker" {
		if err := scripting.Work(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func childCommand(ctx context.Context) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	// The race detector would sleep for a second at each end.
	return exec.CommandContext(ctx, "env", "GORACE=atexit_sleep_ms=0", self, "rule-worker")
}

// hostOf makes the host of a suite.
func hostOf(t *testing.T, s *Suite, rule scripting.File) (*scripting.Host, error) {
	t.Helper()
	o := s.Options(rule)
	o.Command = childCommand
	h, err := scripting.New(o)
	if err == nil {
		t.Cleanup(h.Close)
	}
	return h, err
}

// ranSuite loads and runs a suite.
func ranSuite(t *testing.T, s *Suite, source string) Report {
	t.Helper()
	h, err := hostOf(t, s, scripting.File{Name: "users.js", Source: []byte(source)})
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Run(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
