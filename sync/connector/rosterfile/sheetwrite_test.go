package rosterfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestSheetRefusals lists what a change would break in a workbook.
func TestSheetRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write connector.Write
		part  string
	}{
		"formula in the cell":  {update("1", text("name", "x")), "cell B2 holds a formula"},
		"formula in the row":   {remove("1"), "row 2 holds a formula"},
		"merged cells":         {update("2", text("mobile", "1")), "cells C3:C4 are merged"},
		"row of merged cells":  {remove("3"), "row 4 is merged"},
		"character of no XML":  {update("2", text("name", "a\ufffe")), "cannot"},
		"text that ends blank": {update("2", text("name", "a\n")), "read as"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, "roster.xlsx", nil)
			s.put(workbook(t, func(f *excelize.File) {
				rows(t, f, "Sheet1", []any{"工号", "姓名", "手机", "状态"}, []any{"1", "", "138"}, []any{"2", "b", "139"}, []any{"3", "c", ""})
				must(t, f.SetCellFormula("Sheet1", "B2", `"甲"&"乙"`))
				must(t, f.MergeCell("Sheet1", "C3", "C4"))
			}))
			before := s.data()
			_, err := conn.Apply(t.Context(), c.write)
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), c.part) && name != "character of no XML" {
				t.Errorf("%v, want %q", err, c.part)
			}
			if s.data() != before {
				t.Error("the file changed")
			}
			apply(t, conn, update("2", text("name", "y"))) // other cells of it can be written
			if cells, _ := s.find("2"); cells["姓名"] != "y" {
				t.Errorf("%v", cells)
			}
		})
	}
}

// TestHandmadeWritten writes what other programs made: prefixes, rows and cells
// without a place, rows without content, no rows at all.
func TestHandmadeWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sheet, want string }{
		"prefixes": {
			sheetHead + `<x:row><x:c t="inlineStr"><x:is><x:t>1</x:t></x:is></x:c><x:c t="str"><x:v>a</x:v></x:c></x:row></x:sheetData><x:mergeCells/></x:worksheet>`,
			sheetHead + `<x:row><x:c t="inlineStr"><x:is><x:t>1</x:t></x:is></x:c><x:c r="B2" t="inlineStr"><x:is><x:t xml:space="preserve">b</x:t></x:is></x:c></x:row>` +
				`<x:row r="3"><x:c r="A3" t="inlineStr"><x:is><x:t xml:space="preserve">2</x:t></x:is></x:c><x:c r="B3" t="inlineStr"><x:is><x:t xml:space="preserve">c</x:t></x:is></x:c></x:row></x:sheetData><x:mergeCells/></x:worksheet>`,
		},
		"empty rows are filled": {
			sheetHead + ` <x:row r="2" spans="1:1" ht="20"><x:c r="A2"><x:v>1</x:v></x:c></x:row><x:row r="3" s="1" ht="30"/><x:row r="9"><x:c r="A9" s="4"/></x:row></x:sheetData></x:worksheet>`,
			sheetHead + ` <x:row r="2" ht="20"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2" t="inlineStr"><x:is><x:t xml:space="preserve">b</x:t></x:is></x:c></x:row>` +
				`<x:row r="3" s="1" ht="30"><x:c r="A3" t="inlineStr"><x:is><x:t xml:space="preserve">2</x:t></x:is></x:c><x:c r="B3" t="inlineStr"><x:is><x:t xml:space="preserve">c</x:t></x:is></x:c></x:row><x:row r="9"><x:c r="A9" s="4"/></x:row></x:sheetData></x:worksheet>`,
		},
		"notes are not": {
			sheetHead + `<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c></x:row><x:row r="3"><x:c r="F3"><x:v>9</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
			sheetHead + `<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2" t="inlineStr"><x:is><x:t xml:space="preserve">b</x:t></x:is></x:c></x:row><x:row r="3"><x:c r="F3"><x:v>9</x:v></x:c></x:row>` +
				`<x:row r="4"><x:c r="A4" t="inlineStr"><x:is><x:t xml:space="preserve">2</x:t></x:is></x:c><x:c r="B4" t="inlineStr"><x:is><x:t xml:space="preserve">c</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, "roster.xlsx", func(o *Options) { o.Disabled = "" })
			s.put(handmade(t, c.sheet, nil))
			apply(t, conn, update("1", text("name", "b")))
			apply(t, conn, create("2", text("name", "c")))
			d, err := conn.load(t.Context(), []byte(s.data()))
			must(t, err)
			f, ok := d.form.(*xlsxForm)
			if !ok {
				t.Fatal("no workbook")
			}
			got := string(f.head) + joined(d.lines) + string(f.tail)
			if want := `<x:worksheet xmlns:x="y">` + c.want; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			sameAsRead(t, s, conn)
		})
	}
}

func joined(lines []line) string {
	var b strings.Builder
	for i := range lines {
		b.Write(lines[i].raw)
	}
	return b.String()
}

// TestDatesInSheets writes dates as the column shows them, in both calendars.
func TestDatesInSheets(t *testing.T) {
	t.Parallel()
	for _, date1904 := range []bool{false, true} {
		s, conn := newShelf(t, "roster.xlsx", func(o *Options) {
			o.Attributes, o.Disabled = []Attribute{{Name: "hiredate", Column: "入职", Type: "date"}}, ""
		})
		s.put(workbook(t, func(f *excelize.File) {
			must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &date1904}))
			rows(t, f, "Sheet1", []any{"工号", "入职"}, []any{"1", time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}, []any{"2", "2020-01-03"})
			date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
			must(t, err)
			must(t, f.SetCellStyle("Sheet1", "B2", "B2", date))
		}))
		for _, day := range []time.Time{
			time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 13, 14, 15, 0, time.UTC), time.Date(1900, 2, 28, 0, 0, 0, 0, time.UTC),
			time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(1904, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		} {
			for _, id := range []string{"1", "2"} {
				apply(t, conn, update(id, directory.Attributes{"hiredate": directory.DateOf(day)}))
				wantAttrs(t, mustRead(t, conn), id, map[string]string{"hiredate": "date:" + canonical(day)})
			}
		}
		if cells, _ := s.find("2"); cells["入职"] != "9999-12-31T23:59:59" {
			t.Errorf("%v", cells)
		}
	}
}

// TestReferences writes departments and managers as the reading side reads them.
func TestReferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, want string
		root         string
	}{
		"plain":    {"工号,部门,直属上级", "2,/总部/研发部;/总部,1", ""},
		"root":     {"工号,部门,直属上级", "2,示例公司/总部/研发部;示例公司/总部,1", "示例公司"},
		"dingtalk": {"工号,部门,直属上级,员工UserID,姓名", "2,总部-研发部;总部,1,,", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Disabled, o.Root = "", c.root })
			width := strings.Count(c.header, ",")
			s.put(c.header + "\n1" + strings.Repeat(",", width) + "\n2" + strings.Repeat(",", width) + "\n")
			apply(t, conn, update("2", directory.Attributes{
				"departments": directory.RefsToKind(directory.Department, "/总部/研发部", "/总部"), "manager": directory.RefsToKind(directory.User, "1"),
			}))
			if !strings.Contains(s.data(), "\n"+c.want+"\n") {
				t.Errorf("%q, want %q", s.data(), c.want)
			}
			sameAsRead(t, s, conn)
			if seen := lookUp(t, conn, directory.Department, "/总部/研发部"); seen.Presence != connector.Present {
				t.Errorf("%+v", seen)
			}
			_, err := conn.Apply(t.Context(), update("2", directory.Attributes{"departments": directory.RefsToKind(directory.Department, "/a;b")}))
			wantFault(t, err, fault.Invalid, "cannot hold")
			// A manager who was made just now is known.
			apply(t, conn, create("3", text()))
			apply(t, conn, update("2", directory.Attributes{"manager": directory.RefsToKind(directory.User, "3")}))
			sameAsRead(t, s, conn)
			apply(t, conn, update("2", directory.Attributes{"manager": directory.Empty(directory.Refs), "departments": directory.Empty(directory.Refs)}))
			if got := lookUp(t, conn, directory.User, "2").Object.Attributes; !got["manager"].IsEmpty() || !got["departments"].IsEmpty() {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestTypes writes every declared type and reads it back.
func TestTypes(t *testing.T) {
	t.Parallel()
	values := directory.Attributes{
		"级别": directory.IntOf(-3), "大数": directory.IntOf(1 << 62), "兼职": directory.BoolOf(false), "标签": directory.ListOf("a", "b,c"), "入职": directory.DateOf(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)),
		"organisation": directory.ListOf("/总部/研发部", "/总部"), "文字": directory.TextOf("第一行\n第二行"), "编号": directory.TextOf("000000000000000007"),
	}
	for _, name := range []string{"new.csv", "new.xlsx"} {
		s, conn := newShelf(t, name, func(o *Options) {
			o.Target = true
			o.Attributes = []Attribute{
				{Name: "级别", Type: "int"},
				{Name: "大数", Type: "int"},
				{Name: "兼职", Type: "bool"},
				{Name: "标签", Type: "list", Format: ";"},
				{Name: "入职", Type: "date", Format: "02.01.2006"},
				{Name: "organisation", Column: "部门", Type: "list", Format: ";"},
				{Name: "文字"},
				{Name: "编号"},
			}
		})
		after := values.Clone()
		apply(t, conn, create("1", after))
		o := lookUp(t, conn, directory.User, "1").Object
		for attr, want := range values {
			if got := o.Attributes[attr]; !got.Equal(want) || got.Type() != want.Type() {
				t.Errorf("%s: %s is %s %q, want %q", name, attr, got.Type(), got, want)
			}
		}
		was := s.data()
		apply(t, conn, update("1", values))
		if s.data() != was {
			t.Errorf("%s: the second run wrote again", name)
		}
		sameAsRead(t, s, conn)
	}
}

// TestManyChanges checks that the place of everybody is still known after rows
// have come and gone.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"roster.csv", "roster.xlsx"} {
		s, conn := newShelf(t, name, func(o *Options) { o.Target, o.Disabled = true, "" })
		for i := range 30 {
			apply(t, conn, create(fmt.Sprint("p", i), text("name", fmt.Sprint("n", i))))
			if i%3 == 2 {
				apply(t, conn, remove(fmt.Sprint("p", i-1)))
			}
			if i%5 == 4 {
				apply(t, conn, update(fmt.Sprint("p", i), text("name", "changed")))
			}
		}
		for i := range 30 {
			cells, ok := s.find(fmt.Sprint("p", i))
			want := fmt.Sprint("n", i)
			if i%5 == 4 {
				want = "changed"
			}
			if gone := i%3 == 1; ok == gone || ok && cells["姓名"] != want {
				t.Errorf("%s: p%d there %v, %v", name, i, ok, cells)
			}
		}
		sameAsRead(t, s, conn)
	}
}
