//go:build unix

package rosterfile

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

const lockedRoster = "工号,姓名,状态\n1,张三,\n"

// TestKilled kills a process at each step of a replacement. What is left is the
// old file or the new one, whole, and the next process goes on. It goes alone: a
// process that is being started holds the locks of other tests for a moment.
func TestKilled(t *testing.T) {
	for _, at := range []step{stepTemp, stepWrite, stepSync, stepCompare, stepRename, stepFolder} {
		t.Run(string(at), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "roster.csv")
			must(t, os.WriteFile(path, []byte(lockedRoster), 0o600))
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
			cmd.Env = append(os.Environ(), "ROSTERFILE_KILL_AT="+string(at), "ROSTERFILE_PATH="+path)
			out, err := cmd.CombinedOutput()
			if _, ok := errors.AsType[*exec.ExitError](err); !ok || strings.Contains(string(out), "survived") {
				t.Fatalf("the child was not killed: %v %s", err, out)
			}
			data, err := os.ReadFile(path)
			must(t, err)
			want := lockedRoster
			if at == stepFolder {
				want += "2,李四,\n"
			}
			if string(data) != want {
				t.Errorf("left is %q, want %q", data, want)
			}
			s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Path = path })
			s.path = path
			// The engine settles by the id: it is there or it is not.
			if seen := lookUp(t, conn, directory.User, "2"); (seen.Presence == 1) != (at == stepFolder) {
				t.Errorf("%+v", seen)
			}
			apply(t, conn, create("2", text("name", "李四")))
			if got := s.data(); got != lockedRoster+"2,李四,\n" {
				t.Errorf("%q", got)
			}
			if _, err := os.Stat(beside(path, tempSuffix)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the other file is still there: %v", err)
			}
		})
	}
}

// TestKilledChild is the process that TestKilled kills.
func TestKilledChild(t *testing.T) {
	at, path := os.Getenv("ROSTERFILE_KILL_AT"), os.Getenv("ROSTERFILE_PATH")
	if at == "" {
		t.Skip("NOT APPLICABLE: only a part of TestKilled")
	}
	_, conn := newShelf(t, "roster.csv", func(o *Options) { o.Path = path })
	conn.step = func(now step) error {
		if string(now) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	apply(t, conn, create("2", text("name", "李四")))
	t.Log("survived")
}

// TestChangedMeanwhile changes the file at every step: nothing of it is lost.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	const other = "工号,姓名,状态\n1,王五,\n9,新人,\n"
	for _, at := range []step{stepTemp, stepWrite, stepSync, stepCompare} {
		s, conn := newShelf(t, "roster.csv", nil)
		s.put(lockedRoster)
		mustRead(t, conn)
		s.onStep = func(now step) {
			if now == at {
				s.put(other)
			}
		}
		_, err := conn.Apply(t.Context(), update("1", text("name", "李四")))
		wantFault(t, err, fault.Unavailable, "changed by somebody else")
		if s.data() != other {
			t.Errorf("%s: the file is now %q", at, s.data())
		}
		s.onStep = nil
		apply(t, conn, update("1", text("name", "李四")))
		if want := strings.Replace(other, "王五", "李四", 1); s.data() != want {
			t.Errorf("%s: the file is now %q", at, s.data())
		}
	}
	s, conn := newShelf(t, "roster.csv", nil)
	s.put(lockedRoster)
	s.onStep = func(now step) {
		if now == stepCompare {
			must(t, os.Remove(s.path))
		}
	}
	_, err := conn.Apply(t.Context(), update("1", text("name", "李四")))
	wantFault(t, err, fault.Unavailable, "changed by somebody else")
	if _, err := os.Stat(s.path); err == nil {
		t.Error("a file that was taken away is back")
	}
}

func TestOpenInSpreadsheet(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"~$roster.csv", ".~lock.roster.csv#", ".~roster.csv"} {
		s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Target = true })
		s.put(lockedRoster)
		mark = filepath.Join(filepath.Dir(s.path), mark)
		must(t, os.WriteFile(mark, nil, 0o600))
		_, err := conn.Apply(t.Context(), update("1", text("name", "李四")))
		wantFault(t, err, fault.Unavailable, "close it")
		if fault.After(err) <= 0 || s.data() != lockedRoster {
			t.Errorf("after %v: %q", fault.After(err), s.data())
		}
		wantFault(t, conn.Probe(t.Context()), fault.Unavailable, "close it")
		must(t, os.Remove(mark))
		apply(t, conn, update("1", text("name", "李四")))
		must(t, conn.Probe(t.Context()))
	}
}

func TestLockedByProcess(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", nil)
	s.put(lockedRoster)
	release, err := lockFile(beside(s.path, lockSuffix))
	must(t, err)
	_, err = conn.Apply(t.Context(), update("1", text("name", "李四")))
	wantFault(t, err, fault.Unavailable, "another process")
	release()
	apply(t, conn, update("1", text("name", "李四")))
}

func TestDiskFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   step
		err  error
		kind fault.Kind
		part string
	}{
		{stepTemp, fs.ErrPermission, fault.Credential, "may not be written"},
		{stepTemp, syscall.EROFS, fault.Credential, "may not be written"},
		{stepSync, syscall.ENOSPC, fault.Unavailable, "full"},
		{stepWrite, syscall.EDQUOT, fault.Unavailable, "full"},
		{stepRename, syscall.EIO, fault.Unavailable, "nothing was written"},
		{stepFolder, syscall.EIO, fault.InDoubt, "does not confirm"},
	} {
		s, conn := newShelf(t, "roster.csv", nil)
		s.put(lockedRoster)
		s.fails[c.at] = c.err
		_, err := conn.Apply(t.Context(), update("1", text("name", "李四")))
		wantFault(t, err, c.kind, c.part)
		if changed := s.data() != lockedRoster; changed != (c.at == stepFolder) {
			t.Errorf("%s: the file is now %q", c.at, s.data())
		}
		apply(t, conn, update("1", text("name", "王五")))
		wantAttrs(t, mustRead(t, conn), "1", map[string]string{"name": "text:王五"})
	}
	s, conn := newShelf(t, "roster.csv", nil)
	s.put(lockedRoster)
	must(t, os.Chmod(s.path, 0o440))
	_, err := conn.Apply(t.Context(), update("1", text("name", "李四")))
	wantFault(t, err, fault.Credential, "read-only")
}

// TestLink checks that a link stays one: the file behind it is replaced.
func TestLink(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", nil)
	behind := filepath.Join(t.TempDir(), "real.csv")
	must(t, os.WriteFile(behind, []byte(lockedRoster), 0o600))
	must(t, os.Symlink(behind, s.path))
	apply(t, conn, update("1", text("name", "李四")))
	data, err := os.ReadFile(behind)
	must(t, err)
	if info, err := os.Lstat(s.path); err != nil || info.Mode()&fs.ModeSymlink == 0 || !strings.Contains(string(data), "李四") {
		t.Errorf("%v %v %q", info, err, data)
	}
}

// TestNothingToWriteOnAStaleCopy lets the file change without a trace in size and
// time: that a row holds the value already, or is not there, must not be said of
// what the file was.
func TestNothingToWriteOnAStaleCopy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write connector.Write
		now   string
	}{
		"update": {update("1", text("mobile", "138")), "工号,手机\n1,139\n2,137\n"},
		"delete": {remove("3"), "工号,手机\n1,138\n3,137\n"},
		"create": {create("2", text("mobile", "137")), "工号,手机\n1,138\n3,137\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Disabled = "" })
			s.put("工号,手机\n1,138\n2,136\n")
			apply(t, conn, update("2", text("mobile", "137")))
			info, err := os.Stat(s.path)
			must(t, err)
			s.put(c.now)
			must(t, os.Chtimes(s.path, info.ModTime(), info.ModTime()))
			_, err = conn.Apply(t.Context(), c.write)
			wantFault(t, err, fault.Unavailable, "was changed by somebody else")
			apply(t, conn, c.write)
			switch seen := lookUp(t, conn, directory.User, string(c.write.Key.ID)); {
			case c.write.Op == plan.Delete && seen.Presence != connector.Gone, c.write.Op != plan.Delete && seen.Presence != connector.Present:
				t.Errorf("afterwards %+v in %q", seen, s.data())
			}
		})
	}
}
