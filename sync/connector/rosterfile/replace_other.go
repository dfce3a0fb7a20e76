//go:build !unix

package rosterfile

import (
	"errors"
	"io/fs"
	"os"
)

// lockFile takes the lock that a file stands for. One that a dead process left is
// to be deleted by hand: nothing here ends with the process.
func lockFile(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // beside the roster that the configuration names
	if errors.Is(err, fs.ErrExist) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close(); _ = os.Remove(path) }, nil
}

func keepOwner(*os.File, fs.FileInfo) {}

// forceFolder does nothing here: a rename is forced by the system.
func forceFolder(*os.File) error { return nil }

func readOnly(error) bool { return false }

func full(error) bool { return false }
