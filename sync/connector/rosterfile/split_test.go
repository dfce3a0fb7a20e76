package rosterfile

import (
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// sameRows checks that a file that was taken apart for writing has the very rows
// that its reader sees, and that putting it together changes nothing: a row that
// is mistaken for another would be written into somebody else.
func sameRows(t *testing.T, path string, data []byte) {
	t.Helper()
	c := connect(t, path, newDisk(string(data)), nil)
	d, err := c.load(t.Context(), data)
	if err != nil {
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("%v", err)
		}
		bilingual(t, fault.Say(err))
		return
	}
	tab, err := c.table(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	at := map[int]int{}
	for i := range d.lines {
		at[d.number(i)] = i
	}
	var got row
	for r := range tab.all() {
		i, ok := at[r.number]
		if !ok {
			t.Fatalf("row %d is in no line", r.number)
		}
		if err := d.form.cells(d.lines[i], &got); err != nil {
			t.Fatalf("row %d: %v", r.number, err)
		}
		for len(got.cells) > 0 && got.cells[len(got.cells)-1].kind == cellEmpty {
			got.cells = got.cells[:len(got.cells)-1]
		}
		if !slices.Equal(got.cells, r.cells) || got.flaw != r.flaw {
			t.Fatalf("row %d is read as %v %v and taken apart as %v %v", r.number, r.cells, r.flaw, got.cells, got.flaw)
		}
	}
	if f, ok := d.form.(*csvForm); ok {
		if whole := string(f.lead) + joined(d.lines); whole != string(data) {
			t.Fatalf("put together it is %q", whole)
		}
	}
	if id := firstID(d); id != "" {
		rewrite(t, d, id)
	}
}

// firstID gives somebody whose row can be changed.
func firstID(d *document) string {
	for i := d.head + 1; i < len(d.lines); i++ {
		if d.form.cells(d.lines[i], &d.row) != nil {
			continue
		}
		if id := idOf(d.row.cell(d.b.l.id)); id != "" && d.index[id] == i {
			if _, bad := d.bad[i]; !bad {
				return id
			}
		}
	}
	return ""
}

// rewrite changes one cell and compares all rows with what they were.
func rewrite(t *testing.T, d *document, id string) {
	t.Helper()
	before := readRows(t, d)
	at := d.index[id]
	if _, err := d.apply(update(id, text("name", "新名"))); err != nil {
		if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.NotFound {
			t.Fatalf("%v", err)
		}
		return
	}
	after := readRows(t, d)
	f := d.known("name")
	for i := range after {
		if i == d.head {
			continue
		}
		for column := range d.b.t.header {
			if !d.b.t.named(column) || i == at && f != nil && column == f.column {
				continue
			}
			var was, is cell
			if column < len(before[i]) {
				was = before[i][column]
			}
			if column < len(after[i]) {
				is = after[i][column]
			}
			if was != is {
				t.Fatalf("line %d column %d changed from %v to %v", i, column, was, is)
			}
		}
	}
}

func readRows(t *testing.T, d *document) [][]cell {
	t.Helper()
	out := make([][]cell, len(d.lines))
	for i := range d.lines {
		if err := d.form.cells(d.lines[i], &d.row); err != nil {
			t.Fatal(err)
		}
		out[i] = slices.Clone(d.row.cells)
	}
	return out
}

func FuzzSplitCSV(f *testing.F) {
	for _, s := range []string{
		plainRoster, "\ufeff" + plainRoster, "\n\n工号;姓名;部门\r\n\r\n1;a;/a/b；c>d\n", "工号\t姓名\n1\t\"a\nb\"\n2\tc\r\n", "工号,姓名\r1,a\r2,b\r", "工号,姓名\n1,a\r\r\n2,b\r",
		"\xb9\xa4\xba\xc5,\xd0\xd5\xc3\xfb\n1,\xd5\xc5\n", "工号,姓名\n\"1\",\"a\"\"b\"\n,,\n", "工号,手机\n1,'+86\n", "工号,姓名\n1,\"a\r\nb\"\r\n2,\"\"\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameRows(t, "roster.csv", data) })
}

func FuzzSplitSheet(f *testing.F) {
	for _, s := range []string{
		`<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2" t="str"><x:v>a</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
		`<x:row><x:c t="inlineStr"><x:is><x:t>1</x:t></x:is></x:c></x:row><!-- <x:row> --> <x:row/></x:sheetData><x:mergeCell ref="A2:B3"/></x:worksheet>`,
		`<x:row r="3" spans="1:2"><x:c r="B3" s="1" t="b"><x:v>1</x:v></x:c><x:c r="A3"><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
		`<x:row r="2"><x:c r="B2"><x:v>1</x:v></x:c><x:c r="A2"><x:v>2</x:v></x:c><x:c r="B2"><x:v>3</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
		`<x:row r='4' a="/>"><x:c r="A4"><x:v>1</x:v></x:c ></x:row ></x:sheetData></x:worksheet>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sheet string) {
		sameRows(t, "roster.xlsx", []byte(handmade(t, sheetHead+sheet, nil)))
	})
}
