package store

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// A snapshot file is one line that names the form, "rollcall snapshot 1 plain"
// or "… sealed", then a zstd stream, inside a sealed stream for the latter:
// a header in JSON and the canonical records, each with its length before it.
const (
	plainMark  = "rollcall snapshot 1 plain\n"
	sealedMark = "rollcall snapshot 1 sealed\n"
)

// Longer parts than these are damage, not data.
const (
	maxHeader = 16 << 20
	maxRecord = 16 << 20
	maxWindow = 8 << 20 // of the compression: what the writer uses
)

// errDamaged is what a file gives that is not whole.
var errDamaged = errors.New("the file is damaged")

// snapHeader is the header of a snapshot file.
type snapHeader struct {
	Flow        string           `json:"flow"`
	Version     string           `json:"version"` // Digest of the content
	System      string           `json:"system"`
	TakenAt     time.Time        `json:"taken_at"`
	Health      directory.Health `json:"health"`
	Departments int              `json:"departments"`
	Users       int              `json:"users"`
}

// everyRecords is how often long loops look whether they should stop.
const everyRecords = 4096

// writeSnapshot writes the file's bytes.
func writeSnapshot(ctx context.Context, to io.Writer, key []byte, flow string, snap *directory.Snapshot) error {
	mark := plainMark
	if key != nil {
		mark = sealedMark
	}
	if _, err := io.WriteString(to, mark); err != nil {
		return err
	}
	if key == nil {
		return packSnapshot(ctx, to, flow, snap)
	}
	sealed, err := newSealer(to, key)
	if err != nil {
		return err
	}
	if err := packSnapshot(ctx, sealed, flow, snap); err != nil {
		return err
	}
	return sealed.Close()
}

func packSnapshot(ctx context.Context, to io.Writer, flow string, snap *directory.Snapshot) error {
	pack, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if err := writeRecords(ctx, pack, flow, snap); err != nil {
		return errors.Join(err, pack.Close())
	}
	return pack.Close()
}

func writeRecords(ctx context.Context, to io.Writer, flow string, snap *directory.Snapshot) error {
	header, err := json.Marshal(snapHeader{
		Flow: flow, Version: snap.Digest().String(), System: snap.System, TakenAt: snap.TakenAt, Health: snap.Health,
		Departments: snap.Len(directory.Department), Users: snap.Len(directory.User),
	})
	if err != nil {
		return err
	}
	if err := writePart(to, header); err != nil {
		return err
	}
	count := 0
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		for record := range snap.Records(kind) {
			if count++; count%everyRecords == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := writePart(to, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func writePart(to io.Writer, part []byte) error {
	if _, err := to.Write(binary.AppendUvarint(nil, uint64(len(part)))); err != nil {
		return err
	}
	_, err := to.Write(part)
	return err
}

// readSnapshot reads what writeSnapshot wrote for the flow. It gives all of it,
// proven by its digest, or an error.
func readSnapshot(ctx context.Context, from io.Reader, key []byte, flow string) (*directory.Snapshot, error) {
	unpack, err := openSnapshot(from, key)
	if err != nil {
		return nil, err
	}
	defer unpack.Close()
	return readRecords(ctx, bufio.NewReader(unpack), flow)
}

// snapshotTaken gives when a snapshot was taken, by its header alone.
func snapshotTaken(from io.Reader, key []byte) (time.Time, error) {
	unpack, err := openSnapshot(from, key)
	if err != nil {
		return time.Time{}, err
	}
	defer unpack.Close()
	h, err := readHeader(bufio.NewReader(unpack))
	return h.TakenAt, err
}

// openSnapshot gives what is in the file, which the caller closes.
func openSnapshot(from io.Reader, key []byte) (*zstd.Decoder, error) {
	buffered := bufio.NewReaderSize(from, chunkLen)
	mark, err := buffered.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var body io.Reader = buffered
	switch mark {
	case plainMark: // written before a key was configured; the next one is sealed
	case sealedMark:
		if key == nil {
			return nil, errors.New("the file is encrypted and no key is configured")
		}
		if body, err = newOpener(buffered, key); err != nil {
			return nil, err
		}
	default:
		return nil, errDamaged
	}
	return zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

func readHeader(from *bufio.Reader) (h snapHeader, err error) {
	part, err := readPart(from, nil, maxHeader)
	if err != nil {
		return snapHeader{}, err
	}
	if err := json.Unmarshal(part, &h); err != nil {
		return snapHeader{}, errDamaged
	}
	return h, nil
}

func readRecords(ctx context.Context, from *bufio.Reader, flow string) (*directory.Snapshot, error) {
	h, err := readHeader(from)
	if err != nil {
		return nil, err
	}
	var part []byte
	if h.Flow != flow {
		return nil, fmt.Errorf("the file is of flow %s", h.Flow)
	}
	b := directory.NewBuilder(h.System, h.TakenAt)
	for count := range h.Departments + h.Users {
		if count%everyRecords == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if part, err = readPart(from, part, maxRecord); err != nil {
			return nil, err
		}
		o, err := directory.DecodeObject(part)
		if err != nil {
			return nil, errDamaged
		}
		b.Add(o)
	}
	if _, err := from.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.Join(errDamaged, err)
	}
	*b.Health() = h.Health
	snap, twice := b.Finish()
	if len(twice) > 0 || snap.Len(directory.Department) != h.Departments || snap.Digest().String() != h.Version {
		return nil, errDamaged
	}
	return snap, nil
}

// readPart reads one part into b, which may be reused.
func readPart(from *bufio.Reader, b []byte, limit uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(from)
	if err != nil {
		return nil, errors.Join(errDamaged, err)
	}
	if n > limit {
		return nil, errDamaged
	}
	if uint64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	if _, err := io.ReadFull(from, b); err != nil {
		return nil, errors.Join(errDamaged, err)
	}
	return b, nil
}
