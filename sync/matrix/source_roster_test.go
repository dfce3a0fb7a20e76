package matrix

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// withoutColumn gives a table of CSV without a column.
func withoutColumn(text []byte, column string) []byte {
	var out strings.Builder
	at := -1
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), ",")
		for i, c := range cells {
			if c == column {
				at = i
			}
		}
		out.WriteString(strings.Join(append(append([]string{}, cells[:at]...), cells[at+1:]...), ",") + "\n")
	}
	return []byte(out.String())
}

// put writes the file as it is given.
func (s *roster) put(data []byte) {
	s.t.Helper()
	check(s.t, os.WriteFile(s.path, data, 0o600))
}

func (s *roster) raw() []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.path)
	check(s.t, err)
	return data
}

// TestS12_BrokenFiles lets a roster be cut off at any place, lose a column, be of
// something else, or be mixed up with another. No such file is used at all, or nothing is
// concluded from it; nobody's values are emptied because a column is missing.
func TestS12_BrokenFiles(t *testing.T) {
	t.Parallel()
	t.Run("csv", func(t *testing.T) {
		t.Parallel()
		src := openRoster(t, nil)
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		good := src.file.raw()
		rowEnd := bytes.LastIndexByte(good[:len(good)*2/3], '\n') + 1
		name := bytes.Index(good[rowEnd:], []byte("张")) + rowEnd
		quoted := bytes.Replace(good, []byte("\nE0015,张15"), []byte("\nE0015,\"张15"), 1)
		for what, text := range map[string][]byte{
			"half of a row":           good[:rowEnd+12],
			"half of a character":     good[:name+1],
			"half of the heading":     good[:9],
			"nothing":                 {},
			"blanks":                  []byte("\n\n   \n"),
			"a quote that is open":    quoted,
			"an archive":              []byte("PK\x03\x04" + strings.Repeat("\x00\x01", 200)),
			"a web page":              []byte("<html><body>Sign in</body></html>\n"),
			"no column of numbers":    withoutColumn(good, columns[0]),
			"a row without a cell":    bytes.Replace(good, []byte("张15,"), []byte(""), 1),
			"NUL in the middle":       append(append(append([]byte{}, good[:rowEnd]...), 0, 0, 0, 0), good[rowEnd:]...),
			"somebody comes twice":    append(append([]byte{}, good...), good[rowEnd:]...),
			"the heading comes twice": append(append([]byte{}, good...), good...),
		} {
			src.file.put(text)
			w.harmless(what, run.NothingToDo, run.Failed, run.Blocked)
		}
		for _, column := range columns[1:] {
			src.file.put(withoutColumn(good, column))
			w.harmless("without "+column, run.Failed)
		}
		src.file.put(good)
		w.control()
	})
	t.Run("xlsx", func(t *testing.T) {
		t.Parallel()
		s, _ := newXLSX(t, nil).(*roster)
		src := &tampered{system: s, name: "xlsx", source: s.connect(), file: s, clock: s.clock}
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		good := s.raw()
		const part = "xl/worksheets/sheet1.xml"
		sheet := bytes.Index(good, []byte(part)) + len(part) + 40
		for what, data := range map[string][]byte{
			"half of it": good[:len(good)/2], "without its end": good[:len(good)-10], "nothing": {}, "a text": []byte("工号,姓名\nE0001,张1\n"),
			"a byte is another": append(append(append([]byte{}, good[:sheet]...), good[sheet]^0xff), good[sheet+1:]...),
		} {
			s.put(data)
			w.harmless(what, run.NothingToDo, run.Failed, run.Blocked)
		}
		s.put(good)
		w.control()
	})
}

// TestS12_ForeignForms writes a roster as spreadsheets of every kind do: it is read as
// ever, and the control of the other tests goes through.
func TestS12_ForeignForms(t *testing.T) {
	t.Parallel()
	src := openRoster(t, nil)
	w := newFaultWorld(t, src, faultOptions{})
	good := src.file.raw()
	gbk, err := simplifiedchinese.GB18030.NewEncoder().Bytes(good)
	check(t, err)
	for what, text := range map[string][]byte{
		"BOM": append([]byte("\ufeff"), good...), "CRLF": bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), "GBK": gbk,
		"GBK with CRLF": bytes.ReplaceAll(gbk, []byte("\n"), []byte("\r\n")), "no end of line": bytes.TrimSuffix(good, []byte("\n")),
		"semicolons": bytes.ReplaceAll(good, []byte(","), []byte(";")), "blank lines": append(append([]byte{}, good...), "\n\n"...),
	} {
		src.file.put(text)
		if r := w.run(); r.State != run.NothingToDo {
			t.Errorf("%s: the run is %s, %+v: %s\n%s", what, r.State, r.Counts, r.Reason, w.trouble(r))
		}
		w.whole(what)
	}
	w.someGo()
	gbk, err = simplifiedchinese.GB18030.NewEncoder().Bytes(src.file.raw())
	check(t, err)
	src.file.put(gbk)
	w.control()
}

// TestS12_CutBetweenRows cuts a roster off between two rows, which makes it a good file
// of fewer people. Only the guards can see that, as they are when nobody changes them:
// nothing is written before people have voted.
func TestS12_CutBetweenRows(t *testing.T) {
	t.Parallel()
	for what, keep := range map[string]int{"most": smallStaff - 2, "half": smallStaff / 2, "one": 1} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			src := openRoster(t, nil)
			w := newFaultWorld(t, src, faultOptions{flow: func(f *plan.Flow) {
				f.Guard = plan.Guard{MaxDelete: 20, MaxDeletePercent: 5, MaxDeletePercentPerDepartment: 50, MaxShrinkPercent: 10, MaxChangePercent: 30}
				f.Approve.DisableOver = 0
			}})
			lines := bytes.SplitAfter(src.file.raw(), []byte("\n"))
			src.file.put(bytes.Join(lines[:keep+1], nil))
			before := w.target.writes.Load()
			r := w.run()
			if n := w.target.writes.Load() - before; n != 0 || r.State != run.Awaiting && r.State != run.Blocked || r.State == run.Awaiting && keep < smallStaff*3/4 {
				t.Errorf("the run is %s, %+v, after %d writes\n%s", r.State, r.Counts, n, w.trouble(r))
			}
		})
	}
}

// slowRoster is a roster on a share that hangs when it is told to.
func slowRoster(t *testing.T) *tampered {
	t.Helper()
	s, _ := newCSV(t, nil).(*roster)
	hang := &shim{} // of it only what counts and says how it fails
	open := func(ctx context.Context, path string) (fs.File, error) {
		hang.mu.Lock()
		slow := hang.way == waySlow && hang.left != 0
		if slow {
			hang.met++
		}
		hang.mu.Unlock()
		if slow {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return os.Open(filepath.Clean(path))
	}
	return &tampered{system: s, name: "csv", source: s.opened(open), breaker: hang, file: s, clock: s.clock}
}
