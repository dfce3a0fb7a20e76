package matrix

import (
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// moving is a roster that somebody else writes anew while it is read: two files take
// turns in its place.
type moving struct {
	t     *testing.T
	path  string
	files [2][]byte // the one with everybody, and one with half of them
	each  bool      // at each piece of 64 bytes
	at    float64   // else once in each reading: when so much of it was read
	quiet bool      // its time stays what it was
	left  int       // how often it is still written
	swaps int
}

// open opens the file for a reading.
func (m *moving) open(context.Context, string) (fs.File, error) {
	f, err := os.Open(filepath.Clean(m.path))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &replaced{File: f, by: m, when: int64(m.at * float64(info.Size())), time: info.ModTime()}, nil
}

// swap writes the other file in the place of the one, as a careless export does.
func (m *moving) swap(was time.Time) {
	if m.left == 0 {
		return
	}
	m.left--
	m.swaps++
	check(m.t, os.WriteFile(m.path, m.files[m.swaps%2], 0o600))
	if m.quiet {
		check(m.t, os.Chtimes(m.path, was, was))
	}
}

// replaced is a file of which another takes the place while it is read.
type replaced struct {
	fs.File
	by   *moving
	when int64
	read int64
	time time.Time
}

func (f *replaced) Read(b []byte) (int, error) {
	n, err := f.File.Read(b[:min(len(b), 64)])
	before := f.read
	f.read += int64(n)
	if f.by.each || before < f.when && f.read >= f.when {
		f.by.swap(f.time)
	}
	return n, err
}

// evened makes two rosters of one size: blank lines, or a remark at an archive's end.
func evened(t *testing.T, name string, files [2][]byte) [2][]byte {
	t.Helper()
	size := max(len(files[0]), len(files[1])) + 2
	for i, data := range files {
		data, more := bytes.Clone(data), size-len(data)
		if filepath.Ext(name) == ".xlsx" {
			binary.LittleEndian.PutUint16(data[len(data)-2:], uint16(more))
		}
		files[i] = append(data, bytes.Repeat([]byte("\n"), more)...)
	}
	return files
}

// TestS12_ChangedWhileRead lets a roster be written anew in the middle of each reading,
// and of the first alone: a mixture of two files is never used. Nor is either of two good
// files that take turns: what is read must be what is there still when it was read, and
// neither the size nor the time of a file tells.
func TestS12_ChangedWhileRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"roster.csv", "roster.xlsx"} {
		for what, m := range map[string]moving{
			"at each piece":              {each: true},
			"in the middle":              {at: 0.5},
			"when it was read":           {at: 1},
			"in the middle, unseen":      {at: 0.5, quiet: true},
			"when it was read, unseen":   {at: 1, quiet: true},
			"at its beginning, unseen":   {at: 0.01, quiet: true},
			"shortly before, and unseen": {at: 0.9, quiet: true},
		} {
			t.Run(filepath.Ext(name)[1:]+" "+what, func(t *testing.T) {
				t.Parallel()
				m.t = t
				m.changesUnderUs(name)
			})
		}
	}
}

// changesUnderUs lets a flow read such a roster.
func (m *moving) changesUnderUs(name string) {
	s, _ := newRoster(m.t, name).(*roster)
	m.path = s.path
	src := &tampered{system: s, name: name, source: s.opened(m.open), file: s, clock: s.clock}
	w := newFaultWorld(m.t, src, faultOptions{})
	w.someGo()
	m.files = [2][]byte{s.raw(), m.halved(s)}
	if m.quiet {
		m.files = evened(m.t, name, m.files)
	}
	s.put(m.files[0])
	m.left = 1 << 30
	w.harmless("again and again", run.Failed)
	if m.swaps < 3 {
		m.t.Errorf("it was changed %d times", m.swaps)
	}
	m.left = 2 - m.swaps%2 // once or twice, and whole again
	w.control()
	if m.left > 0 || !bytes.Equal(s.raw(), m.files[0]) {
		m.t.Errorf("the control was read in a file that stood still")
	}
}

// halved gives the roster as it would be with half of the people, a good file by itself.
func (m *moving) halved(s *roster) []byte {
	table := s.read()
	var out bytes.Buffer
	if filepath.Ext(s.path) == ".xlsx" {
		check(m.t, workbook(&out, table[:len(table)/2]))
		return out.Bytes()
	}
	lines := bytes.SplitAfter(s.raw(), []byte("\n"))
	return bytes.Join(lines[:len(lines)/2], nil)
}
