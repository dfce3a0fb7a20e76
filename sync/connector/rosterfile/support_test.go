package rosterfile

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// disk is one file that tests change and break.
type disk struct {
	mu    sync.Mutex
	data  []byte
	mod   time.Time
	now   time.Time
	opens int
	waits []time.Duration

	err     error                         // of every open
	readErr int                           // that many reads fail in the middle; below 0: all
	cut     bool                          // the file ends before the size that it tells
	onRead  func(d *disk)                 // once, in the middle of a read, unlocked
	onWait  func(d *disk)                 // at a wait, unlocked
	hang    chan struct{}                 // closes when a read hangs
	bad     error                         // what a failing read gives
	stat    func(fs.FileInfo) fs.FileInfo // replaces what Stat tells
}

func newDisk(data string) *disk {
	return &disk{data: []byte(data), mod: epoch.Add(-time.Hour), now: epoch, bad: io.ErrUnexpectedEOF}
}

func (d *disk) put(data string, mod time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data, d.mod = []byte(data), mod
}

func (d *disk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *disk) sleep(ctx context.Context, wait time.Duration) error {
	d.mu.Lock()
	d.waits = append(d.waits, wait)
	d.now = d.now.Add(wait)
	hook := d.onWait
	d.mu.Unlock()
	if hook != nil {
		hook(d)
	}
	return ctx.Err()
}

func (d *disk) open(ctx context.Context, _ string) (fs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opens++
	if d.err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/srv/roster", Err: d.err}
	}
	return &handle{d: d, ctx: ctx}, nil
}

// handle is an open file: like a real one, it sees writes in place.
type handle struct {
	d   *disk
	ctx context.Context //nolint:containedctx // the stand-in for a share that hangs
	at  int
}

type info struct {
	fs.FileInfo
	size int64
	mod  time.Time
	dir  bool
}

func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.mod }
func (i info) IsDir() bool        { return i.dir }

func (h *handle) Stat() (fs.FileInfo, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	var told fs.FileInfo = info{size: int64(len(h.d.data)), mod: h.d.mod}
	if h.d.stat != nil {
		told = h.d.stat(told)
	}
	return told, nil
}

func (h *handle) Read(p []byte) (int, error) {
	h.d.mu.Lock()
	if c := h.d.hang; c != nil {
		h.d.hang = nil
		h.d.mu.Unlock()
		close(c)
		<-h.ctx.Done()
		return 0, h.ctx.Err()
	}
	if hook := h.d.onRead; hook != nil && h.at > 0 {
		h.d.onRead = nil
		h.d.mu.Unlock()
		hook(h.d)
		h.d.mu.Lock()
	}
	defer h.d.mu.Unlock()
	if h.at > 0 && h.d.readErr != 0 {
		h.d.readErr--
		return 0, h.d.bad
	}
	end := len(h.d.data)
	if h.d.cut {
		end /= 2
	}
	if h.at >= end {
		return 0, io.EOF
	}
	half := max(1, len(h.d.data)/2+1)
	n := copy(p[:min(len(p), half)], h.d.data[h.at:end])
	h.at += n
	return n, nil
}

func (h *handle) Close() error { return nil }

// connect makes a connector on a disk; change may alter its options.
func connect(t testing.TB, path string, d *disk, change func(*Options)) *Connector {
	t.Helper()
	o := Options{
		System: "hr", Path: path, ID: "工号", Contents: Full,
		Open: d.open, Now: d.clock, Sleep: d.sleep, Zone: time.FixedZone("CST", 8*3600),
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readCSV reads a CSV as a file of the name roster.csv.
func readCSV(t *testing.T, text string, change func(*Options)) *directory.Snapshot {
	t.Helper()
	return mustRead(t, connect(t, "/srv/roster.csv", newDisk(text), change))
}

func mustRead(t *testing.T, c *Connector) *directory.Snapshot {
	t.Helper()
	s, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// userAttr gives an attribute of a user as "type:value".
func userAttr(t *testing.T, s *directory.Snapshot, id, name string) string {
	t.Helper()
	o, ok := s.Get(directory.Key{Kind: directory.User, ID: directory.ID(id)})
	if !ok {
		t.Errorf("no user %s", id)
		return ""
	}
	v := o.Attributes[name]
	return v.Type().String() + ":" + v.String()
}

func wantAttrs(t *testing.T, s *directory.Snapshot, id string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got := userAttr(t, s, id, name); got != text {
			t.Errorf("%s of %s is %q, want %q", name, id, got, text)
		}
	}
}

func wantComplete(t *testing.T, s *directory.Snapshot) {
	t.Helper()
	if !s.Complete() || len(s.Health.Problems) != 0 {
		t.Errorf("not clean: %q %v", s.Health.PartialFor, s.Health.Problems)
	}
}

// wantProblem looks for a problem by its place and a part of its sentence, and
// checks that the sentence is in both languages.
func wantProblem(t *testing.T, s *directory.Snapshot, place, part string) {
	t.Helper()
	for _, p := range s.Health.Problems {
		if p.Place == place && strings.Contains(p.Say, part) {
			bilingual(t, p.Say)
			return
		}
	}
	t.Errorf("no problem at %q with %q in %v", place, part, s.Health.Problems)
}

// bilingual checks that each half of a sentence is in its language.
func bilingual(t *testing.T, say string) {
	t.Helper()
	en, zh := fault.In(say, "en"), fault.In(say, "zh")
	if en == zh || !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Errorf("not in both languages: %q", say)
	}
}

// wantFault checks kind and sentence of an error.
func wantFault(t *testing.T, err error, kind fault.Kind, part string) {
	t.Helper()
	if fault.KindOf(err) != kind || !strings.Contains(fault.Say(err), part) {
		t.Errorf("error %v of kind %q, want %q with %q", err, fault.KindOf(err), kind, part)
		return
	}
	bilingual(t, fault.Say(err))
	if strings.Contains(fault.Say(err), "/srv") {
		t.Errorf("the sentence shows a path: %q", fault.Say(err))
	}
}

func lookUp(t *testing.T, c *Connector, kind directory.Kind, id string) connector.Sighting {
	t.Helper()
	seen, err := c.Lookup(t.Context(), kind, []directory.ID{directory.ID(id)})
	if err != nil {
		t.Fatal(err)
	}
	return seen[0]
}

// workbook makes an XLSX file.
func workbook(t testing.TB, fill func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rows writes rows into a sheet from A1 on.
func rows(t testing.TB, f *excelize.File, sheet string, list ...[]any) {
	t.Helper()
	for i, r := range list {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err == nil {
			err = f.SetSheetRow(sheet, at, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readXLSX(t *testing.T, change func(*Options), fill func(f *excelize.File)) *directory.Snapshot {
	t.Helper()
	return mustRead(t, connect(t, "/srv/roster.xlsx", newDisk(workbook(t, fill)), change))
}
