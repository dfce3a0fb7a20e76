package scripting

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestChildIsConfined looks at a child from outside.
func TestChildIsConfined(t *testing.T) {
	t.Setenv("ROLLCALL_SECRET", "s3cret")
	h := open(t, options("return context"))
	judgeAll(t, h, person("a", nil))
	h.mu.Lock()
	pid := h.idle[0].cmd.Process.Pid
	h.mu.Unlock()
	proc := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if env := strings.Trim(proc("environ"), "\x00"); env != "" && (!raceEnabled || env != raceSetting) {
		t.Errorf("the child has an environment: %q", env)
	}
	limits := proc("limits")
	for name, want := range map[string]string{"Max core file size": "0", "Max file size": "0", "Max open files": strconv.Itoa(confineFiles)} {
		_, rest, _ := strings.Cut(limits, name)
		if fields := strings.Fields(rest); len(fields) < 2 || fields[0] != want || fields[1] != want {
			t.Errorf("%s: %.40q, want %s", name, rest, want)
		}
	}
	if _, rest, _ := strings.Cut(limits, "Max data size"); strings.HasPrefix(strings.TrimSpace(rest), "unlimited") {
		t.Error("memory is not limited")
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != "/" {
		t.Errorf("the child stands in %s, %v", cwd, err)
	}
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the child is in the group %d, %v", group, err)
	}
}

// stuckParent is the body of another process in TestChildDiesWithParent: it has a
// child that can neither be interrupted nor hears of its parent's end.
func stuckParent() error {
	return parent(`repo.getObjectByID("pid"); var a = []; a.length = 4294967295; a.indexOf(5); return context`, func(pid int) {
		fmt.Println(pid)
	})
}

// idleParent has a child that waits for more.
func idleParent() error {
	var child int
	err := parent(`repo.getObjectByID("pid"); return context`, func(pid int) { child = pid })
	if err != nil {
		return err
	}
	fmt.Println(child)
	<-time.After(time.Hour) // it is killed before
	return nil
}

// parent judges one object; look hears of the child that does it.
func parent(source string, look func(pid int)) error {
	o := options(source)
	o.ObjectTime, o.BatchTime = time.Hour, time.Hour
	var last *exec.Cmd
	o.Command = func(ctx context.Context) *exec.Cmd {
		last = childCommand(ctx)
		return last
	}
	h, err := New(o)
	if err != nil {
		return err
	}
	_, err = h.Judge(context.Background(), []plan.Subject{person("a", nil)}, func(key directory.Key) (directory.Object, bool) {
		if key.Kind == directory.User {
			look(last.Process.Pid)
		}
		return directory.Object{}, false
	})
	return err
}

func TestChildDiesWithParent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"stuck-parent", "idle-parent"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			childDiesWith(t, body)
		})
	}
}

func childDiesWith(t *testing.T, body string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self, body)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil {
		t.Fatalf("the parent said %q: %v", line, err)
	}
	if !alive(pid) {
		t.Fatal("the child is not alive")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); alive(pid); {
		select {
		case <-tick.C:
		case <-deadline:
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the child outlives its parent")
		}
	}
}

// alive tells whether a process runs; a dead one that nobody has reaped does not.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// cpuTime is the processor time of the own process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuTimeOf is that of another process, in steps of 10 ms.
func cpuTimeOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	const user, system = 11, 12
	sum := 0
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * 10 * time.Millisecond
}
