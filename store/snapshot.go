package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// SaveSnapshot replaces the flow's snapshot: a reader sees the old one or the
// new one, also after a power failure. What was taken later stays: a worker that
// stood still puts nothing old over it, and has no error. One that was taken in the
// future, by our clock, proves nothing and is replaced. Faults: Invalid for an
// incomplete snapshot, Unavailable when the disk refuses.
func (s *Store) SaveSnapshot(ctx context.Context, flow string, snap *directory.Snapshot) error {
	if !snap.Complete() {
		return fault.New(fault.Invalid, "an incomplete snapshot is not kept / 不完整的快照不予保存")
	}
	s.snapshots.Lock()
	defer s.snapshots.Unlock()
	save := s.replaceSnapshot
	if s.postgres {
		save = s.saveParts
	}
	if err := save(ctx, flow, snap); err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("save snapshot: %w", err),
			"the snapshot of flow %s cannot be saved / 流程 %s 的快照无法保存", flow, flow)
	}
	return nil
}

func (s *Store) replaceSnapshot(ctx context.Context, flow string, snap *directory.Snapshot) error {
	dir := filepath.Join(s.dir, "snapshots")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := snapshotName(flow)
	if err := dropLeftovers(dir, name); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, name+tempMark) // for its owner only
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(f, chunkLen)
	err = writeSnapshot(ctx, buffered, s.key, flow, snap)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	moved := false
	err = s.write(ctx, "save snapshot", func(*sql.Tx) error { // the one writer: no other process looks or renames meanwhile
		if moved { // the transaction is begun again
			return nil
		}
		newer, err := s.fileIsNewer(filepath.Join(dir, name), snap.TakenAt)
		if newer || err != nil {
			return err
		}
		err = os.Rename(f.Name(), filepath.Join(dir, name))
		moved = err == nil
		return err
	})
	if !moved {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(err, syncDir(dir))
}

// fileIsNewer tells whether a file holds a snapshot that was taken later. One that is
// not there, or cannot be made out, does not.
func (s *Store) fileIsNewer(path string, taken time.Time) (bool, error) {
	f, err := os.Open(path) //nolint:gosec // in the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return s.takenLater(f, taken), nil
}

// takenLater tells whether a kept snapshot, of which what is needed is read, was taken
// later than another, and not in the future.
func (s *Store) takenLater(kept io.Reader, than time.Time) bool {
	at, err := snapshotTaken(kept, s.key)
	return err == nil && at.After(than) && !at.After(s.now())
}

// tempMark is in the name of a file that is being written.
const tempMark = ".tmp-*"

// dropLeftovers removes what a process left that died while writing: it holds
// persons' data.
func dropLeftovers(dir, name string) error {
	old, err := filepath.Glob(filepath.Join(dir, name+tempMark))
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

const readableName = 40

// snapshotName gives the name of a flow's file: what is plain in the flow's
// name, for people, and a hash, since names may hold anything.
func snapshotName(flow string) string {
	sum := sha256.Sum256([]byte(flow))
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, flow)
	return plain[:min(len(plain), readableName)] + "-" + hex.EncodeToString(sum[:8]) + ".snap"
}

// LastSnapshot gives the flow's snapshot, or false when there is none yet: all
// of it, proven by its digest. Faults: Invalid for a file that is damaged or
// needs another key, Unavailable when it cannot be read.
func (s *Store) LastSnapshot(ctx context.Context, flow string) (*directory.Snapshot, bool, error) {
	if s.postgres {
		return s.lastParts(ctx, flow)
	}
	name := snapshotName(flow)
	f, err := os.Open(filepath.Join(s.dir, "snapshots", name)) //nolint:gosec // snapshotName leaves no separator in
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fault.Wrap(fault.Unavailable, err, "the snapshot file %s cannot be read / 快照文件 %s 无法读取", name, name)
	}
	defer func() { _ = f.Close() }() // it was only read
	snap, err := readSnapshot(ctx, f, s.key, flow)
	var disk *fs.PathError
	switch {
	case err == nil:
		return snap, true, nil
	case ctx.Err() != nil || errors.As(err, &disk):
		return nil, false, fault.Wrap(fault.Unavailable, err, "the snapshot file %s cannot be read / 快照文件 %s 无法读取", name, name)
	default:
		return nil, false, fault.Wrap(fault.Invalid, fmt.Errorf("read snapshot: %w", err),
			"the snapshot file %s is damaged or needs another key; put the key right or remove the file / 快照文件 %s 已损坏或密钥不符，请更正密钥或删除该文件", name, name)
	}
}
