package matrix

import (
	"bytes"
	"context"
	"encoding/csv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// The columns of a roster.
var columns = []string{"工号", "姓名", "手机", "邮箱", "职位", "部门", "上级", "状态"}

const (
	suspendedMark = "停用"
	activeMark    = "在职"
)

// roster is a file of people that is kept by hand.
type roster struct {
	t     *testing.T
	clock *clock
	path  string
	rows  map[string]person
	off   map[string]bool
	// broken is how many rows are written without their number.
	broken int
}

func newCSV(t *testing.T, _ *lab) system  { t.Helper(); return newRoster(t, "roster.csv") }
func newXLSX(t *testing.T, _ *lab) system { t.Helper(); return newRoster(t, "roster.xlsx") }

func newRoster(t *testing.T, name string) system {
	t.Helper()
	return &roster{t: t, clock: newClock(), path: filepath.Join(t.TempDir(), name), rows: map[string]person{}, off: map[string]bool{}}
}

func (s *roster) traits() traits {
	return traits{many: true, ordered: true, suspends: true, boss: true, disables: true, mobiles: true, leaders: true}
}

func (s *roster) words() words {
	w := standardWords()
	w.unitID = "path"
	return w
}

func (s *roster) connect() connector.Source { return s.opened(nil) }

// opened reads the file by way of open; nil: as it stands on the disk.
func (s *roster) opened(open func(context.Context, string) (fs.File, error)) connector.Source {
	c, err := rosterfile.New(rosterfile.Options{
		System: "roster", Path: s.path, ID: columns[0], Contents: rosterfile.Full, Disabled: "状态=" + suspendedMark + "/" + activeMark,
		Needs: []string{"employee_no", "name", "mobile", "email", "title", "departments", "manager"}, Open: open, Settle: -1, Now: s.clock.time, Sleep: s.clock.sleep,
		Attributes: []rosterfile.Attribute{{Name: "部门", Type: "list", Format: ";"}},
	})
	check(s.t, err)
	return c
}

func (s *roster) spec(from words) (users, departments *mapping.Spec) {
	return rules(from.no, "employee_no", from.no, "name", "name", "mobile", from.mobile, "email", from.email, "title", from.title,
		"部门", "department_paths", "manager", from.manager), nil
}

func (s *roster) setUnit(*company, unit) {}
func (s *roster) dropUnit(string)        {}

func (s *roster) set(_ *company, p person) {
	s.rows[p.no] = p
	delete(s.off, p.no)
}

func (s *roster) suspend(no string) { s.off[no] = true }
func (s *roster) leave(no string)   { delete(s.rows, no) }

func (s *roster) flush(c *company) {
	table := [][]string{columns}
	for _, no := range slices.Sorted(maps.Keys(s.rows)) {
		p := s.rows[no]
		mark := activeMark
		if s.off[no] {
			mark = suspendedMark
		}
		table = append(table, []string{p.no, p.name, p.mobile, p.email, p.title, strings.Join(c.paths(p.in), ";"), p.boss, mark})
	}
	for i := range s.broken {
		table = append(table, append([]string{""}, table[i+2][1:]...))
	}
	var out bytes.Buffer
	if filepath.Ext(s.path) == ".csv" {
		check(s.t, csv.NewWriter(&out).WriteAll(table))
	} else {
		check(s.t, workbook(&out, table))
	}
	check(s.t, os.WriteFile(s.path+".new", out.Bytes(), 0o600))
	check(s.t, os.Rename(s.path+".new", s.path))
}

func workbook(out *bytes.Buffer, table [][]string) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	for i, row := range table {
		cells := make([]any, len(row))
		for j, text := range row {
			cells[j] = text
		}
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := w.SetRow(at, cells); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Write(out)
}

// read gives the file's table.
func (s *roster) read() [][]string {
	s.t.Helper()
	if filepath.Ext(s.path) == ".csv" {
		data, err := os.ReadFile(s.path)
		check(s.t, err)
		table, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
		check(s.t, err)
		return table
	}
	f, err := excelize.OpenFile(s.path)
	check(s.t, err)
	defer func() { _ = f.Close() }()
	table, err := f.GetRows("Sheet1")
	check(s.t, err)
	return table
}

func (s *roster) look() view {
	v := view{people: map[string]held{}, units: map[string]bool{}}
	for _, row := range s.read()[1:] {
		if len(row) == 0 {
			continue // a row that was removed from a workbook stays empty
		}
		for i := range row { // in a CSV an apostrophe stands before what a spreadsheet would run
			if strings.HasPrefix(row[i], "'+") {
				row[i] = row[i][1:]
			}
		}
		row = append(row, make([]string, len(columns)-len(row))...)
		h := held{id: row[0], name: row[1], mobile: row[2], email: row[3], title: row[4], boss: row[6], active: row[7] != suspendedMark}
		if row[5] != "" {
			h.in = strings.Split(row[5], ";")
		}
		v.people[row[0]] = h
	}
	return v
}
