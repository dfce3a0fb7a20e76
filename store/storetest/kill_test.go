package storetest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/storetest"
)

// TestKilledWhileClaiming kills a process with SIGKILL while it claims messages.
// Whatever it confirmed is in the record, and the record goes on.
func TestKilledWhileClaiming(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, clock := t.TempDir(), storetest.NewClock()
	var confirmed []string
	for round := range 3 {
		cmd := exec.Command(self, "-test.run=^TestClaimingProcess$")
		cmd.Env = append(os.Environ(), "STORE_CHILD_DIR="+dir, fmt.Sprint("STORE_CHILD_ROUND=", round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if id, ok := strings.CutPrefix(lines.Text(), "confirmed "); ok {
				confirmed = append(confirmed, id)
			}
			if n == 40 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the process was not killed: %v", err)
		}
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	letters, err := s.Unhandled(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, l := range letters {
		there[l.ID] = true
	}
	if len(confirmed) < 3*40 {
		t.Errorf("only %d claims were confirmed", len(confirmed))
	}
	for _, id := range confirmed {
		if !there[id] {
			t.Errorf("%s was confirmed and is lost", id)
		}
		if first, err := s.Claim(t.Context(), id, nil); first || err != nil {
			t.Errorf("%s can be claimed again: %v, %v", id, first, err)
		}
	}
}

// TestClaimingProcess is what TestKilledWhileClaiming kills; alone it does
// nothing.
func TestClaimingProcess(t *testing.T) {
	dir, round := os.Getenv("STORE_CHILD_DIR"), os.Getenv("STORE_CHILD_ROUND")
	if dir == "" {
		t.Skip("runs as a child of TestKilledWhileClaiming only")
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: storetest.NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("m-%s-%d", round, i)
		first, err := s.Claim(t.Context(), id, []byte("同步"))
		if err != nil {
			continue // the machine is slow
		}
		if !first {
			t.Fatalf("%s is there already", id)
		}
		fmt.Println("confirmed " + id)
	}
}
