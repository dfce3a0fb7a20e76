package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
)

// onDisk serves one process whose data folder is of the caller, as replicas of one.
func onDisk(t *testing.T, data, timing string) *replicas {
	t.Helper()
	s := openService(t, stage.Options{FeishuCallback: true, Data: data, Timing: timing})
	return &replicas{all: []*service{s}, stage: s.stage, chat: s.chat, record: openBeside(t, data, "")}
}

// openBeside opens the record as another process would.
func openBeside(t *testing.T, data, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(data, "rollcall.db")}).EscapedPath()+"?_pragma=busy_timeout(2000)"+more)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(0) // a folder that is in use cannot be unmounted
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestP09_SQLiteLocked lets another process hold the record four times in the life of a
// run, longer than the lease lasts; with -faults for 30 s each time.
func TestP09_SQLiteLocked(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	held := 3 * time.Second
	if *allFaults {
		held = 30 * time.Second
	}
	var unlock func()
	var since time.Time
	l := &recordLoss{
		replicas: onDisk(t, data, "{lease: 3s, sweep: 300ms, call: 2s, settle: 500ms}"),
		harm:     func() { unlock, since = locked(t, filepath.Join(data, "rollcall.db")), time.Now() },
		mend:     func() { pause(t.Context(), held-time.Since(since)); unlock() },
	}
	l.live(t)
}

// TestP09_SQLiteDiskFull fills the disk under the record four times in the life of a
// run, and frees it.
func TestP09_SQLiteDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	l := &recordLoss{replicas: onDisk(t, disk, "")}
	ballast := filepath.Join(disk, "ballast")
	l.harm = func() { fillDisk(t, disk, ballast) }
	l.mend = func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
	l.live(t)
	if lines := l.all[0].log.with("full"); len(lines) == 0 {
		t.Error("the log does not say that the disk is full")
	}
}

// smallDisk mounts a small disk.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m,mode=700"); err != nil {
		t.Skipf("NOT RUN: no small disk can be mounted here, so a full one is not tried: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fillDisk writes until nothing more can be written, neither beside the record nor into
// it: the log that SQLite writes ahead may have room of its own.
func fillDisk(t *testing.T, disk, ballast string) {
	t.Helper()
	db := openBeside(t, disk, "")
	if _, err := db.ExecContext(t.Context(), `INSERT INTO counters (name, value) VALUES ('pings', 1) ON CONFLICT DO NOTHING`); err != nil {
		t.Fatal(err)
	}
	until(t, "the record's log is empty", func() bool {
		var busy, pages, moved int
		err := db.QueryRowContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
		return err == nil && busy == 0
	})
	until(t, "the disk is full", func() bool {
		f, err := os.OpenFile(ballast, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for size := 1 << 20; size >= 1; size /= 2 {
			for err == nil || !errors.Is(err, syscall.ENOSPC) {
				if _, err = f.Write(make([]byte, size)); err != nil && !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
			}
			err = nil
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), `UPDATE counters SET value = value + 1 WHERE name = 'pings'`)
		return err != nil && strings.Contains(err.Error(), "full")
	})
}

// TestP09_SQLiteReadOnly lets the disk fail in the middle of a change, as a Linux that
// finds a fault in it does: it can only be read from then on. Nothing is acknowledged any
// more. A disk that failed must be repaired before it is mounted anew, so the service is
// stopped for that, and goes on where it was.
func TestP09_SQLiteReadOnly(t *testing.T) {
	t.Parallel()
	disk := failingDisk(t)
	l := &recordLoss{replicas: onDisk(t, disk.dir, "")}
	l.harm = func() { disk.fail(t) }
	l.mend = func() {
		l.all[0].end()
		disk.repair(t)
		l.all[0].start(t)
	}
	e := l.said(t, "李敏", "同步 hr-to-wecom")
	l.all[0].post(t, e)
	l.asked = append(l.asked, e)
	l.code = l.all[0].awaitRun(t, "the run awaits approval", func(one run.Run) bool { return one.State == run.Awaiting }).Code
	l.reached, l.open = gatedAt(t, l.stage.WeCom, 5)
	vote := l.said(t, "周凯", "批准 "+string(l.code)+" 删除=3")
	l.all[0].post(t, vote)
	l.asked = append(l.asked, vote)
	l.applying(t)
	l.ending(t)
	l.holds(t)
}

// weakDisk is a disk that fails.
type weakDisk struct{ dir, image string }

// failingDisk mounts one.
func failingDisk(t *testing.T) *weakDisk {
	t.Helper()
	d := &weakDisk{dir: t.TempDir(), image: filepath.Join(t.TempDir(), "disk")}
	f, err := os.Create(d.image)
	if err == nil {
		err = errors.Join(f.Truncate(48<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"mkfs.ext4", "-q", "-F", d.image}, {"mount", "-o", "loop", d.image, d.dir}} {
		if out, err := shellOut(line...).CombinedOutput(); err != nil {
			t.Skipf("NOT RUN: no disk of our own can be mounted here, so a failing one is not tried: %v: %s", err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := shellOut("umount", "-l", d.dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return d
}

func shellOut(line ...string) *exec.Cmd {
	return exec.CommandContext(context.Background(), line[0], line[1:]...)
}

func (d *weakDisk) must(t *testing.T, line ...string) {
	t.Helper()
	if out, err := shellOut(line...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", line, err, out)
	}
}

// fail makes it as ext4 leaves a disk in which it found a fault.
func (d *weakDisk) fail(t *testing.T) {
	t.Helper()
	d.must(t, "mount", "-o", "remount,abort", d.dir)
}

// repair unmounts it, puts it in order and mounts it again.
func (d *weakDisk) repair(t *testing.T) {
	t.Helper()
	until(t, "the disk is free", func() bool { return shellOut("umount", d.dir).Run() == nil })
	if err := shellOut("e2fsck", "-fy", d.image).Run(); err != nil {
		if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() > 1 { // 1: mended
			t.Fatal(err)
		}
	}
	d.must(t, "mount", "-o", "loop", d.image, d.dir)
}

// TestP09_SQLiteReadOnlyAtStart starts the service on a folder that can only be read: it
// says so and ends, and starts when the folder can be written.
func TestP09_SQLiteReadOnlyAtStart(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	s, err := stage.Open(stage.Options{Dir: t.TempDir(), Now: time.Now, Data: disk})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	config := linkedStage(t.Context(), t, s)
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"en": "the data folder cannot be used", "zh": "数据目录无法使用"} {
		if exit, last := serveOnce(t, config, lang); exit != 7 || !strings.Contains(last, want) {
			t.Errorf("exit %d, %q; want 7 and %q", exit, last, want)
		}
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	one := &service{stage: s, log: &logbook{}, clock: &clock{}, config: config}
	one.start(t)
	one.end()
}
