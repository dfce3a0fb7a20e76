package rosterfile

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// shelf is a file on the real disk, with knobs that break it.
type shelf struct {
	t    testing.TB
	path string

	mu      sync.Mutex
	now     time.Time
	opens   int
	effects int
	err     error // of every open
	readErr int   // that many reads fail in the middle; below 0: all
	cut     bool
	hang    chan struct{}
	fails   map[step]error // once
	onStep  func(step)
}

// newShelf makes a connector on a file in a folder of its own. The file is not
// there yet.
func newShelf(t testing.TB, name string, change func(*Options)) (*shelf, *Connector) {
	t.Helper()
	s := &shelf{t: t, path: filepath.Join(t.TempDir(), name), now: epoch, fails: map[step]error{}}
	c, err := New(s.options(change))
	if err != nil {
		t.Fatal(err)
	}
	c.step = s.step
	return s, c
}

func (s *shelf) options(change func(*Options)) Options {
	o := Options{
		System: "hr", Path: s.path, ID: "工号", Contents: Full, Disabled: "状态=停用", Open: s.open, Zone: time.FixedZone("CST", 8*3600),
		Now:   func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if change != nil {
		change(&o)
	}
	return o
}

func (s *shelf) step(at step) error {
	s.mu.Lock()
	if at == stepFolder {
		s.effects++
	}
	err := s.fails[at]
	delete(s.fails, at)
	hook := s.onStep
	s.mu.Unlock()
	if hook != nil {
		hook(at)
	}
	return err
}

func (s *shelf) put(data string) {
	s.t.Helper()
	must(s.t, os.WriteFile(s.path, []byte(data), 0o640))
}

func (s *shelf) data() string {
	s.t.Helper()
	data, err := os.ReadFile(s.path)
	must(s.t, err)
	return string(data)
}

func (s *shelf) set(change func()) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		change()
	}
}

func (s *shelf) open(ctx context.Context, path string) (fs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opens++
	if s.err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: s.err}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &shelved{File: f, s: s, ctx: ctx}, nil
}

// shelved is an open file of a shelf.
type shelved struct {
	*os.File
	s   *shelf
	ctx context.Context //nolint:containedctx // the stand-in for a share that hangs
	at  int
}

func (f *shelved) Read(p []byte) (int, error) {
	f.s.mu.Lock()
	hang, cut, broken := f.s.hang, f.s.cut, f.at > 0 && f.s.readErr != 0
	f.s.hang = nil
	if broken {
		f.s.readErr--
	}
	f.s.mu.Unlock()
	switch {
	case hang != nil:
		close(hang)
		<-f.ctx.Done()
		return 0, f.ctx.Err()
	case broken:
		return 0, io.ErrUnexpectedEOF
	case cut && f.at > 0:
		return 0, io.EOF
	}
	n, err := f.File.Read(p[:min(len(p), 64)])
	f.at += n
	return n, err
}

// sheetRows gives what another program sees in the file.
func (s *shelf) sheetRows() [][]string {
	s.t.Helper()
	if strings.HasSuffix(s.path, ".xlsx") {
		f, err := excelize.OpenFile(s.path)
		must(s.t, err)
		defer func() { _ = f.Close() }()
		all, err := f.GetRows(f.GetSheetName(0), excelize.Options{RawCellValue: true})
		must(s.t, err)
		return all
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.data(), "\ufeff")))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	must(s.t, err)
	for _, record := range all {
		for i, field := range record {
			if len(field) > 1 && field[0] == '\'' && strings.ContainsAny(field[1:2], "=+-@\t\r'") {
				record[i] = field[1:]
			}
		}
	}
	return all
}

// find gives somebody's cells by heading.
func (s *shelf) find(id string) (map[string]string, bool) {
	s.t.Helper()
	all := s.sheetRows()
	for _, record := range all[1:] {
		if len(record) == 0 || record[0] != id {
			continue
		}
		out := map[string]string{}
		for i, name := range all[0] {
			if i < len(record) {
				out[name] = record[i]
			}
		}
		return out, true
	}
	return nil, false
}

// change lets another program rewrite the rows.
func (s *shelf) change(edit func(all [][]string) [][]string) {
	s.t.Helper()
	all := edit(s.sheetRows())
	if !strings.HasSuffix(s.path, ".xlsx") {
		var b bytes.Buffer
		must(s.t, csv.NewWriter(&b).WriteAll(all))
		s.put(b.String())
		return
	}
	s.put(workbook(s.t, func(f *excelize.File) {
		for i, record := range all {
			cells := make([]any, len(record))
			for j, text := range record {
				cells[j] = text
			}
			at, err := excelize.CoordinatesToCellName(1, i+1)
			must(s.t, err)
			must(s.t, f.SetSheetRow("Sheet1", at, &cells))
		}
	}))
}

func (s *shelf) seed(u connectortest.User) directory.ID {
	state := "是"
	if u.Disabled {
		state = "否"
	}
	s.change(func(all [][]string) [][]string {
		return append(all, []string{u.ID, u.Name, u.Mobile, u.Email, u.Title, "", state})
	})
	return directory.ID(u.ID)
}

func TestTargetConformance(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"roster.csv", "roster.xlsx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) connectortest.Harness { return harness(t, name) })
		})
	}
}

func harness(t *testing.T, name string) connectortest.Harness {
	s, c := newShelf(t, name, func(o *Options) { o.ID, o.Disabled = "employee_no", "active=否/是" })
	header := []string{"employee_no", "name", "mobile", "email", "title", "departments", "active"}
	if strings.HasSuffix(name, ".csv") {
		s.put(strings.Join(header, ",") + "\n")
	} else {
		s.put(workbook(t, func(f *excelize.File) { must(t, f.SetSheetRow("Sheet1", "A1", &header)) }))
	}
	once := func(at step, err error) func() { return s.set(func() { s.fails[at] = err }) }
	return connectortest.Harness{
		Connector: c, Page: 2, SeedUser: s.seed,
		Stored: func(key directory.Key) (connectortest.Stored, bool) {
			cells, ok := s.find(string(key.ID))
			return connectortest.Stored{Name: cells["name"], Active: cells["active"] != "否"}, ok
		},
		NewUser: func(u connectortest.User) directory.Attributes {
			return directory.Attributes{
				"employee_no": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
				"email": directory.TextOf(u.Email), "title": directory.TextOf(u.Title),
			}
		},
		Effects: func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.effects },
		Calls:   func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.opens },
		Advance: func(by time.Duration) { s.set(func() { s.now = s.now.Add(by) })() },

		FailPage:         func(_, times int) { s.set(func() { s.readErr = times })() },
		TruncatePage:     func(int) { s.set(func() { s.cut = true })() },
		WrongCredentials: s.set(func() { s.err = fs.ErrPermission }),
		Down:             s.set(func() { s.err = errors.New("input/output error") }),
		HangRead: func() <-chan struct{} {
			arrived := make(chan struct{})
			s.set(func() { s.hang = arrived })()
			return arrived
		},
		CutAfterEffect:  once(stepFolder, errors.New("input/output error")),
		CutBeforeEffect: once(stepWrite, errors.New("no space left on device")),
		LimitWrite: func() {
			must(t, os.WriteFile(filepath.Join(filepath.Dir(s.path), "~$"+filepath.Base(s.path)), nil, 0o600))
		},
		HideObject: func(key directory.Key) {
			s.change(func(all [][]string) [][]string {
				for _, record := range all {
					if record[0] == string(key.ID) {
						record[0] = ""
					}
				}
				return all
			})
		},
		Without: map[string]string{
			"SeedDepartment": "departments exist only as paths in people's rows; tested beside this",
			"NewDepartment":  "departments exist only as paths in people's rows",
			"TokenCalls":     "there is no token", "ExpireToken": "there is no token", "RateLimit": "there is no limit",
			"HangWrite":      "calls to the disk cannot be given up; until the file is replaced an ended context changes nothing",
			"HidePermission": "a file is readable or not", "Refusals": "there is no vendor",
		},
	}
}

// userKey names somebody.
func userKey(id string) directory.Key {
	return directory.Key{Kind: directory.User, ID: directory.ID(id)}
}

func apply(t testing.TB, c *Connector, w connector.Write) {
	t.Helper()
	if _, err := c.Apply(t.Context(), w); err != nil {
		t.Fatalf("%s %s: %v", w.Op, w.Key, err)
	}
}
