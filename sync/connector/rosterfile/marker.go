package rosterfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// marker gives the file beside a target that says that the target was written
// once. Where the path is a link it stands beside the link, so that it is there
// also while the share behind the link is not.
func (c *Connector) marker() string { return beside(c.o.Path, markSuffix) }

// marked tells whether the marker is there. One that cannot be looked for counts
// as there: nothing is made anew on a guess.
func (c *Connector) marked() bool {
	_, err := os.Lstat(c.marker())
	return !errors.Is(err, fs.ErrNotExist)
}

// mark leaves the marker beside a target. It holds nothing but the digest of the
// file's name. That it cannot be written is no reason to fail: the roster is
// written, and the next write tries again.
func (c *Connector) mark(ctx context.Context) {
	if !c.o.Target || c.marked() {
		return
	}
	if err := c.leaveMark(); err != nil {
		c.o.Logger.WarnContext(ctx, "marker of a roster file cannot be written", "err", err)
	}
}

func (c *Connector) leaveMark() error {
	if err := c.step(stepMark); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(filepath.Base(c.o.Path)))
	f, err := os.OpenFile(c.marker(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(hex.EncodeToString(sum[:]) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
