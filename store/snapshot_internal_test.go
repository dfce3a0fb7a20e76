package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func at() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }

// noisy gives a snapshot that does not compress, so that it fills some chunks.
func noisy(t testing.TB, users int) *directory.Snapshot {
	t.Helper()
	b := directory.NewBuilder("hr", at())
	for i := range users {
		noise := make([]byte, 512)
		if _, err := rand.Read(noise); err != nil {
			t.Fatal(err)
		}
		b.Add(directory.Object{
			Key:        directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("u%04d", i))},
			Attributes: directory.Attributes{"name": directory.TextOf("王伟"), "noise": directory.TextOf(string(noise))},
		})
	}
	snap, _ := b.Finish()
	return snap
}

func packed(t testing.TB, key []byte, snap *directory.Snapshot) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := writeSnapshot(t.Context(), &buf, key, "f", snap); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var testKey = bytes.Repeat([]byte{7}, keyLen)

func TestSealedSnapshotShowsNothing(t *testing.T) {
	t.Parallel()
	snap := noisy(t, 600)
	file := packed(t, testKey, snap)
	if len(file) < 3*chunkLen {
		t.Fatalf("%d bytes are too few chunks for this test", len(file))
	}
	if bytes.Contains(file, []byte("王伟")) || bytes.Contains(file, []byte("taken_at")) {
		t.Error("the sealed file is readable")
	}
	got, err := readSnapshot(t.Context(), bytes.NewReader(file), testKey, "f")
	if err != nil || got.Digest() != snap.Digest() {
		t.Fatalf("read back: %v", err)
	}
	if bytes.Equal(file, packed(t, testKey, snap)) {
		t.Error("two sealings of a snapshot are equal: the salt is not random")
	}
}

// TestDamagedSnapshotIsRefused damages a file in many ways; every one must give
// an error and no snapshot.
func TestDamagedSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	snap := noisy(t, 600)
	sealed, plain := packed(t, testKey, snap), packed(t, nil, snap)
	const chunk = chunkLen + 16
	body := len(sealedMark) + saltLen
	swapped := bytes.Clone(sealed)
	copy(swapped[body:], sealed[body+chunk:body+2*chunk])
	copy(swapped[body+chunk:], sealed[body:body+chunk])
	cases := map[string]struct{ file, key []byte }{
		"wrong key":        {sealed, bytes.Repeat([]byte{8}, keyLen)},
		"no key":           {sealed, nil},
		"swapped chunks":   {swapped, testKey},
		"a chunk dropped":  {append(bytes.Clone(sealed[:body]), sealed[body+chunk:]...), testKey},
		"cut at a chunk":   {sealed[:body+chunk], testKey},
		"cut in a chunk":   {sealed[:len(sealed)-1], testKey},
		"more at the end":  {append(bytes.Clone(sealed), 0), testKey},
		"only a mark":      {[]byte(sealedMark), testKey},
		"plain, cut":       {plain[:len(plain)-1], nil},
		"plain, more":      {append(bytes.Clone(plain), "more"...), nil},
		"plain, cut early": {plain[:len(plainMark)+3], nil},
		"another file":     {[]byte("id,name\n1,王伟\n"), nil},
		"empty":            {nil, nil},
	}
	for i := range 40 {
		flipped := bytes.Clone(sealed)
		flipped[i*len(flipped)/40] ^= 1
		cases[fmt.Sprint("sealed, flip ", i)] = struct{ file, key []byte }{flipped, testKey}
		flipped = bytes.Clone(plain)
		flipped[i*len(flipped)/40] ^= 1
		cases[fmt.Sprint("plain, flip ", i)] = struct{ file, key []byte }{flipped, nil}
	}
	for name, c := range cases {
		if got, err := readSnapshot(t.Context(), bytes.NewReader(c.file), c.key, "f"); err == nil || got != nil {
			t.Errorf("%s: read as %d users, %v", name, got.Len(directory.User), err)
		}
	}
	if _, err := readSnapshot(t.Context(), bytes.NewReader(sealed), testKey, "other"); err == nil {
		t.Error("the file of one flow passes for another's")
	}
}

// The end of a sealed stream is proven by the stream itself, whatever is in it.
func TestSealedStream(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, chunkLen - 1, chunkLen, chunkLen + 1, 3 * chunkLen} {
		plain := make([]byte, size)
		if _, err := rand.Read(plain); err != nil {
			t.Fatal(err)
		}
		var sealed bytes.Buffer
		w, err := newSealer(&sealed, testKey)
		if err != nil {
			t.Fatal(err)
		}
		for rest := plain; len(rest) > 0; { // in odd pieces
			n := min(len(rest), 1000)
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		read := func(b []byte) ([]byte, error) {
			r, err := newOpener(bytes.NewReader(b), testKey)
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		}
		if got, err := read(sealed.Bytes()); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes read back as %d, %v", size, len(got), err)
		}
		const chunk = chunkLen + 16
		for cut := saltLen; cut < sealed.Len(); cut += chunk {
			if got, err := read(sealed.Bytes()[:cut]); err == nil {
				t.Errorf("%d bytes cut at %d read as %d", size, cut, len(got))
			}
		}
	}
}

func TestLastSnapshotNamesTheFile(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{Key: testKey})
	if err := s.SaveSnapshot(t.Context(), "hr-to-wecom", noisy(t, 3)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "snapshots", snapshotName("hr-to-wecom"))
	leftover := path + ".tmp-1"
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)/2] ^= 1
	if err := errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(leftover, file, 0o600)); err != nil {
		t.Fatal(err)
	}
	got, ok, err := s.LastSnapshot(t.Context(), "hr-to-wecom")
	if got != nil || ok || fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), filepath.Base(path)) {
		t.Errorf("a flipped bit gives %v, %v", ok, err)
	}
	if err := s.SaveSnapshot(t.Context(), "hr-to-wecom", noisy(t, 4)); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.LastSnapshot(t.Context(), "hr-to-wecom"); err != nil || !ok || got.Len(directory.User) != 4 {
		t.Errorf("the next snapshot does not replace the damaged one: %v, %v", ok, err)
	}
	if _, err := os.Stat(leftover); err == nil {
		t.Error("a dead process's leftover stays")
	}
}

func FuzzReadSnapshot(f *testing.F) {
	small := noisy(f, 2)
	f.Add(packed(f, nil, small), false)
	f.Add(packed(f, testKey, small), true)
	f.Add([]byte(plainMark), false)
	f.Fuzz(func(t *testing.T, file []byte, sealed bool) {
		var key []byte
		if sealed {
			key = testKey
		}
		snap, err := readSnapshot(t.Context(), bytes.NewReader(file), key, "f")
		if (snap == nil) == (err == nil) {
			t.Fatalf("snapshot %v with error %v", snap, err)
		}
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeSnapshot(t.Context(), &again, key, "f", snap); err != nil {
			t.Fatal(err)
		}
		if back, err := readSnapshot(t.Context(), &again, key, "f"); err != nil || back.Digest() != snap.Digest() {
			t.Fatalf("does not read back: %v", err)
		}
	})
}
