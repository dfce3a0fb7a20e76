package rosterfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// step is a moment of a replacement.
type step string

// The steps, in their order. Until stepRename, or stepLink, is over, the file is
// as it was.
const (
	stepTemp    step = "temp"
	stepWrite   step = "write"
	stepSync    step = "sync"
	stepCompare step = "compare"
	stepRename  step = "rename"
	stepLink    step = "link" // of a new file, after stepRename
	stepMark    step = "mark"
	stepFolder  step = "folder"
)

// Names of files beside the roster.
const (
	tempSuffix = ".rollcall-tmp"
	lockSuffix = ".rollcall-lock"
	markSuffix = ".rollcall" // of the marker that a target was written once
)

// lockWaits and lockPause are how long another process is waited for.
const (
	lockWaits = 30
	lockPause = 100 * time.Millisecond
)

// openedRetry is when to look again whether a spreadsheet program is done.
const openedRetry = 30 * time.Second

// real gives the file itself where the path is a link to it, also one that is not
// there yet.
func (c *Connector) real() string {
	if path, err := filepath.EvalSymlinks(c.o.Path); err == nil {
		return path
	}
	behind, err := os.Readlink(c.o.Path)
	if err != nil {
		return c.o.Path
	}
	if !filepath.IsAbs(behind) {
		behind = filepath.Join(filepath.Dir(c.o.Path), behind)
	}
	return behind
}

// beside gives a hidden file of ours in the folder of the roster.
func beside(path, suffix string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix)
}

// lock keeps other processes of ours from writing, and refuses while a
// spreadsheet program has the file open. Faults: Unavailable, Credential.
func (c *Connector) lock(ctx context.Context) (release func(), err error) {
	path := c.real()
	for try := range lockWaits {
		if try > 0 {
			if err := c.o.Sleep(ctx, lockPause); err != nil {
				return nil, c.explain(err)
			}
		}
		release, err = lockFile(beside(path, lockSuffix))
		if !errors.Is(err, errLocked) {
			break
		}
	}
	switch {
	case errors.Is(err, errLocked):
		return nil, fault.Wrap(fault.Unavailable, err, "%s is being written by another process: try again later / %s 正被另一个进程写入：请稍后再试", c.name, c.name)
	case err != nil:
		return nil, c.diskFault(err)
	}
	if err := c.opened(path); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// opened looks for the marks that spreadsheet programs leave beside a file that
// they have open: Excel and WPS, LibreOffice, and an older WPS.
func (c *Connector) opened(path string) error {
	dir, name := filepath.Split(path)
	for _, mark := range []string{"~$" + name, ".~lock." + name + "#", ".~" + name} {
		if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
			f := fault.New(fault.Unavailable,
				"%s is open in a spreadsheet program: close it; if nobody has it open, delete %s / %s 正在表格软件里打开：请关闭；如果没有人打开，请删除 %s",
				c.name, mark, c.name, mark)
			f.After = openedRetry
			return f
		}
	}
	return nil
}

// replace puts new content in the place of the file in one step: it is written
// beside it, forced to the disk, and renamed, unless the file is not any more what
// the document was made of. A file that is not there yet is never put over one
// that has come meanwhile. Faults: Unavailable, Credential; InDoubt only when the
// folder cannot be forced to the disk afterwards.
func (c *Connector) replace(ctx context.Context, d *document, data []byte) error {
	path := c.real()
	temp := beside(path, tempSuffix)
	err := c.writeTemp(path, temp, d, data)
	if err == nil {
		err = c.swap(ctx, path, temp, d)
	}
	if err != nil {
		_ = os.Remove(temp)
		return c.diskFault(err)
	}
	c.mark(ctx)
	if err := errors.Join(c.step(stepFolder), syncFolder(filepath.Dir(path))); err != nil {
		return fault.Wrap(fault.InDoubt, err, "%s was replaced, but the disk does not confirm it / %s 已替换，但磁盘没有确认", c.name, c.name)
	}
	return nil
}

// writeTemp writes the new content beside the file, with the file's rights.
func (c *Connector) writeTemp(path, temp string, d *document, data []byte) (err error) {
	if err := c.step(stepTemp); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	old, err := os.Stat(path)
	switch {
	case err == nil && old.Mode().Perm()&0o200 == 0:
		return fault.New(fault.Credential, "%s is read-only: give it back the right to be written / %s 是只读文件：请取消只读", c.name, c.name)
	case err == nil:
		mode = old.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	_ = os.Remove(temp)                                                   // of a process that died; the lock says that nobody writes it
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // beside the roster that the configuration names
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := errors.Join(f.Chmod(mode), c.step(stepWrite)); err != nil {
		return err
	}
	keepOwner(f, old)
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := errors.Join(c.step(stepSync), f.Sync()); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d.size, d.mod = info.Size(), info.ModTime()
	return nil
}

// swap puts the new file in the old one's place.
func (c *Connector) swap(ctx context.Context, path, temp string, d *document) error {
	if err := c.step(stepCompare); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fault.Wrap(fault.Unavailable, ctx.Err(), "%s: writing was interrupted, nothing was written / %s：写入被中断，没有写入", c.name, c.name)
	}
	if err := c.unchanged(ctx, d); err != nil {
		return err
	}
	if err := c.step(stepRename); err != nil {
		return err
	}
	if !d.absent {
		return os.Rename(temp, path)
	}
	err := c.step(stepLink)
	if err == nil {
		err = os.Link(temp, path)
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported): // FAT and some shares have no links
		return renameNew(temp, path)
	case err != nil:
		return err
	}
	return os.Remove(temp)
}

// renameNew gives a new file its name where there is no call that refuses a name
// that is taken: it looks first. Other processes of ours are kept away by the
// lock.
func renameNew(temp, path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return os.Rename(temp, path)
}

// tryFolder tells whether the folder takes a new file. Faults: those of lock.
func (c *Connector) tryFolder(ctx context.Context) error {
	release, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	temp := beside(c.real(), tempSuffix)
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // beside the roster that the configuration names
	if err != nil {
		return c.diskFault(err)
	}
	if err := errors.Join(f.Close(), os.Remove(temp)); err != nil {
		return c.diskFault(err)
	}
	return nil
}

// diskFault makes a fault of what kept the file from being written.
func (c *Connector) diskFault(err error) error {
	switch {
	case fault.KindOf(err) != fault.Internal:
		return err
	case errors.Is(err, fs.ErrPermission), readOnly(err):
		return fault.Wrap(fault.Credential, err,
			"%s may not be written: give the account that runs Rollcall the right to write in its folder / 没有权限写入 %s：请让运行点名的账号可以写它所在的文件夹", c.name, c.name)
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(fault.Invalid, err, "the folder of %s is not there: make it, or correct the system's path / %s 所在的文件夹不存在：请建好，或改正这个系统的 path", c.name, c.name)
	case errors.Is(err, fs.ErrExist):
		return fault.Wrap(fault.Unavailable, err, "%s appeared just now: it is read again / %s 刚刚出现：会重新读取", c.name, c.name)
	case full(err):
		return fault.Wrap(fault.Unavailable, err, "the disk of %s is full: nothing was written / %s 所在的磁盘已满：没有写入", c.name, c.name)
	default:
		return fault.Wrap(fault.Unavailable, err, "%s cannot be written: check the disk or the share, nothing was written / %s 写不进去：请检查磁盘或共享文件夹，没有写入", c.name, c.name)
	}
}

// errLocked is a lock that another process holds.
var errLocked = errors.New("another process holds the lock")

// syncFolder forces a rename to the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // the folder of the roster
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := errors.Join(forceFolder(f), f.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
