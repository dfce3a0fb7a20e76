//go:build unix

package rosterfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lockFile takes the lock that a file stands for; it ends with the process. The
// file stays: taking it away would let two hold it.
func lockFile(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // beside the roster that the configuration names
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// keepOwner gives the new file the old one's owner where we may.
func keepOwner(f *os.File, old fs.FileInfo) {
	if old == nil {
		return
	}
	if was, ok := old.Sys().(*syscall.Stat_t); ok && (int(was.Uid) != os.Getuid() || int(was.Gid) != os.Getgid()) {
		_ = f.Chown(int(was.Uid), int(was.Gid))
	}
}

func forceFolder(f *os.File) error { return f.Sync() }

func readOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
