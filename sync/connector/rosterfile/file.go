package rosterfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxFile bounds a file in bytes: a million people in CSV stay below it.
const maxFile = 512 << 20

// chunk is how much is read between two looks at the context.
const chunk = 1 << 20

// pause is the wait before the second try of a file that changed or failed.
const pause = 300 * time.Millisecond

// errMoved is a file that changed under our eyes.
var errMoved = errors.New("the file changed while it was read")

// errNotRegular is a folder, a pipe or a device.
var errNotRegular = errors.New("not a regular file")

// openRegular opens a file of this machine. Pipes and devices are refused before
// they are opened, since that can hang.
func openRegular(_ context.Context, path string) (fs.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return os.Open(path) //nolint:gosec // the roster that the configuration names
}

// content is a file as it was found at one look.
type content struct {
	data []byte // nil when only the sum was asked for
	sum  directory.Digest
	size int64
	mod  time.Time
}

func (a *content) same(b *content) bool { return a.sum == b.sum && a.size == b.size }

// look reads the whole file once. Its errors are plain ones; see explain.
func (c *Connector) look(ctx context.Context, keep bool) (*content, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := c.o.Open(ctx, c.o.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case before.IsDir():
		return nil, errNotRegular
	case before.Size() > maxFile:
		return nil, c.tooLarge(fmt.Sprintf("%d MiB", maxFile>>20))
	}
	got := &content{size: before.Size(), mod: before.ModTime()}
	if keep {
		got.data = make([]byte, 0, before.Size())
	}
	n, err := got.fill(ctx, f)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if n != got.size || after.Size() != got.size || !after.ModTime().Equal(got.mod) {
		return nil, errMoved
	}
	return got, nil
}

// fill reads to the end, or one byte past the size that was told.
func (a *content) fill(ctx context.Context, f io.Reader) (int64, error) {
	h, buf := sha256.New(), make([]byte, min(chunk, a.size+1))
	limited := io.LimitReader(f, a.size+1)
	for n := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		k, err := limited.Read(buf)
		n += int64(k)
		a.take(h, buf[:k])
		if errors.Is(err, io.EOF) {
			h.Sum(a.sum[:0])
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func (a *content) take(h hash.Hash, b []byte) {
	_, _ = h.Write(b)
	if a.data != nil {
		a.data = append(a.data, b...)
	}
}

// stable gives the file's content once two looks agree on it, and how often it
// had to begin again. Faults: Invalid (no such file, not a file, empty, too
// large), Credential (we may not read it), Unavailable (it keeps changing, the
// disk fails, ctx ended).
func (c *Connector) stable(ctx context.Context) (*content, int, error) {
	const tries = 2
	var err error
	for try := range tries {
		if try > 0 {
			if waited := c.o.Sleep(ctx, pause); waited != nil {
				return nil, try, c.explain(waited)
			}
		}
		var got *content
		if got, err = c.twice(ctx); err == nil {
			if got.size == 0 {
				return nil, try, c.invalid("the file is empty: export the roster again", "文件是空的：请重新导出花名册")
			}
			return got, try, nil
		}
		if !passing(err) {
			break
		}
	}
	return nil, tries - 1, c.explain(err)
}

// twice looks two times. A file that somebody has just written may still be
// growing, so that the second look waits.
func (c *Connector) twice(ctx context.Context) (*content, error) {
	first, err := c.look(ctx, true)
	if err != nil {
		return nil, err
	}
	if c.o.Settle > 0 && c.o.Now().Sub(first.mod) < c.o.Settle {
		if err := c.o.Sleep(ctx, c.o.Settle); err != nil {
			return nil, err
		}
	}
	second, err := c.look(ctx, false)
	if err != nil {
		return nil, err
	}
	if !first.same(second) || !first.mod.Equal(second.mod) {
		return nil, errMoved
	}
	return first, nil
}

// passing tells whether a second try may help.
func passing(err error) bool {
	return fault.KindOf(err) == fault.Internal && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		!errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errNotRegular)
}

// explain makes a fault of what went wrong with the file as a whole.
func (c *Connector) explain(err error) error {
	switch {
	case fault.KindOf(err) != fault.Internal:
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(fault.Unavailable, err, "%s: reading was interrupted / %s：读取被中断", c.name, c.name)
	case errors.Is(err, fs.ErrNotExist) && c.o.Target && c.marked():
		mark := filepath.Base(c.marker())
		return fault.Wrap(fault.Invalid, err,
			"%[1]s is not there, and it was before: mount the share or put the file back; to begin a new one, delete %[2]s beside it and start Rollcall again"+
				" / %[1]s 原来有，现在不见了：请挂载共享文件夹，或把文件放回去；确实要从头新建，请删除它旁边的 %[2]s 并重启点名", c.name, mark)
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(fault.Invalid, err,
			"%s is not there: put the file in its place or correct the system's path / 找不到 %s：请把文件放好，或改正这个系统的 path", c.name, c.name)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Credential, err,
			"%s may not be read: give the account that runs Rollcall the right to read it / 没有权限读取 %s：请让运行点名的账号可以读这个文件", c.name, c.name)
	case errors.Is(err, errNotRegular):
		return fault.Wrap(fault.Invalid, err, "%s is not a regular file: path must name a file / %s 不是普通文件：path 要写到文件本身", c.name, c.name)
	case errors.Is(err, errMoved):
		return fault.Wrap(fault.Unavailable, err,
			"%s is being written: try again when it is complete / %s 正在被写入：写完后再试", c.name, c.name)
	default:
		return fault.Wrap(fault.Unavailable, err, "%s cannot be read: check the disk or the share / %s 读不出来：请检查磁盘或共享文件夹", c.name, c.name)
	}
}

// invalid makes a fault about the whole file.
func (c *Connector) invalid(en, zh string) error { return invalid(c.name, en, zh) }

func (c *Connector) tooLarge(what string) error {
	return c.invalid("the file is larger than "+what, "文件超过 "+what)
}

func invalid(file, en, zh string) *fault.Error {
	return fault.New(fault.Invalid, "%s: %s / %s：%s", file, en, file, zh)
}
