package rosterfile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	relsHead = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	office   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

// handmade makes a workbook out of the XML of its sheet data and what follows,
// up to the end of the sheet.
func handmade(t testing.TB, sheet string, change map[string]string) string {
	t.Helper()
	parts := map[string]string{
		"_rels/.rels":     relsHead + `<Relationship Id="r1" Type="` + office + `officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook xmlns:r="x"><workbookPr date1904="false"/><sheets><sheet name="图" sheetId="1" r:id="c1"/><sheet name="表" sheetId="2" r:id="s1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": relsHead + `<Relationship Id="c1" Type="` + office + `chartsheet" Target="chartsheets/a.xml"/>` +
			`<Relationship Id="s1" Type="` + office + `worksheet" Target="worksheets/Sheet9.xml"/>` +
			`<Relationship Id="s2" Type="` + office + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/sharedStrings.xml":       `<sst><si><t>工号</t></si><si><r><t>姓</t></r><r><t xml:space="preserve">名</t></r><rPh sb="0" eb="1"><t>xingming</t></rPh></si></sst>`,
		"xl\\worksheets\\sheet9.xml": `<x:worksheet xmlns:x="y">` + sheet,
		"[Content_Types].xml":        `<Types/>`,
	}
	for name, text := range change {
		if parts[name] = text; text == "" {
			delete(parts, name)
		}
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range parts {
		p, err := w.Create(name)
		must(t, err)
		_, err = p.Write([]byte(text))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

const sheetHead = `<x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c><x:c r="B1" t="s"><x:v>1</x:v></x:c></x:row>`

// TestHandmade reads what other programs write: prefixes, cells and rows without
// a place, texts in the cell, reading aids above characters.
func TestHandmade(t *testing.T) {
	t.Parallel()
	book := handmade(t, sheetHead+
		`<x:row><x:c t="inlineStr"><x:is><x:t>a_x0031_</x:t></x:is></x:c><x:c t="str"><x:f>B1</x:f><x:v>乙</x:v></x:c></x:row>`+
		`<x:row r="5" xmlns:q="q"><x:c r="B5" t="b" q:r="Z9"><x:v>1</x:v></x:c><x:c r="A5" t="d"><x:v>2026-03-01</x:v></x:c></x:row><x:row/>`+
		`<x:row><x:c r="A7" s="4"/><x:c t="e"><x:v>#N/A</x:v></x:c><x:c r="D7"><x:v>1</x:v></x:c></x:row>`+
		`</x:sheetData><x:mergeCells><x:mergeCell ref="F1"/></x:mergeCells><x:row/></x:worksheet>`, nil)
	s := mustRead(t, connect(t, "roster.xlsx", newDisk(book), nil))
	wantAttrs(t, s, "a1", map[string]string{"姓名": "text:乙"})
	wantAttrs(t, s, "2026-03-01", map[string]string{"姓名": "text:TRUE"})
	wantProblem(t, s, "roster.xlsx row 7 column 工号", "no id")
	wantProblem(t, s, "roster.xlsx row 7 column D", "no heading")
	if s.Len(directory.User) != 2 {
		t.Errorf("%d users", s.Len(directory.User))
	}
}

// TestDamagedBooks lists what refuses a workbook. A sheet that breaks off must
// never pass for a shorter one.
func TestDamagedBooks(t *testing.T) {
	t.Parallel()
	const row = `<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c></x:row>`
	whole := handmade(t, sheetHead+row+`</x:sheetData></x:worksheet>`, nil)
	for name, c := range map[string]struct{ book, part string }{
		"cut in a row":      {handmade(t, sheetHead+row+`<x:row r="3"><x:c r="A3">`, nil), "damaged"},
		"cut between rows":  {handmade(t, sheetHead+row, nil), "damaged"},
		"not closed":        {handmade(t, sheetHead+row+`</x:sheetData>`, nil), "damaged"},
		"broken XML":        {handmade(t, sheetHead+row+`<x:row r=3></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"broken text":       {handmade(t, sheetHead+"<x:row><x:c><x:v>\xff</x:v></x:c></x:row></x:sheetData></x:worksheet>", nil), "damaged"},
		"row in row":        {handmade(t, sheetHead+`<x:row r="2"><x:row r="3"></x:row></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"cell in cell":      {handmade(t, sheetHead+`<x:row><x:c><x:c></x:c></x:c></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"rows go back":      {handmade(t, sheetHead+row+row+`</x:sheetData></x:worksheet>`, nil), "damaged"},
		"cell of other row": {handmade(t, sheetHead+`<x:row r="2"><x:c r="A3"/></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"bad reference":     {handmade(t, sheetHead+`<x:row r="2"><x:c r="2A"/></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"no such text":      {handmade(t, sheetHead+`<x:row r="2"><x:c t="s"><x:v>9</x:v></x:c></x:row></x:sheetData></x:worksheet>`, nil), "damaged"},
		"bad merge":         {handmade(t, sheetHead+`</x:sheetData><x:mergeCell ref="B2:A1"/></x:worksheet>`, nil), "damaged"},
		"texts not closed":  {handmade(t, sheetHead+row+`</x:sheetData></x:worksheet>`, map[string]string{"xl/sharedStrings.xml": "<sst><si><t>工号</t></si>"}), "damaged"},
		"no workbook":       {handmade(t, "", map[string]string{"xl/workbook.xml": ""}), "damaged"},
		"no sheet part":     {handmade(t, "", map[string]string{`xl\worksheets\sheet9.xml`: ""}), "damaged"},
		"no relations":      {handmade(t, "", map[string]string{"_rels/.rels": relsHead + "</Relationships>"}), "damaged"},
		"no sheets":         {handmade(t, "", map[string]string{"xl/workbook.xml": "<workbook/>"}), "no visible sheet"},
		"cut file":          {whole[:len(whole)-30], "damaged"},
		"old or encrypted":  {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password"},
		"text":              {plainRoster, "not a workbook"},
		"header beyond":     {handmade(t, `<x:sheetData><x:row r="2"><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>`, nil), "no column 工号 (id) in row 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, "/srv/roster.xlsx", newDisk(c.book), nil).Read(t.Context())
			wantFault(t, err, fault.Invalid, c.part)
		})
	}
	if s := mustRead(t, connect(t, "roster.xlsx", newDisk(whole), nil)); s.Len(directory.User) != 1 {
		t.Error("the sound workbook of this table is not sound")
	}
}

// TestBrokenXMLElsewhere records why sheets are read by a reader of our own: in
// the library the same damage ends the sheet early, without an error.
func TestBrokenXMLElsewhere(t *testing.T) {
	t.Parallel()
	book := workbook(t, func(f *excelize.File) { rows(t, f, "Sheet1", []any{"工号"}, []any{"1"}, []any{"2"}, []any{"3"}) })
	broken := rezip(t, book, "xl/worksheets/sheet1.xml", func(s string) string {
		return strings.Replace(s, `<row r="3">`, `<row r=3>`, 1)
	})
	f, err := excelize.OpenReader(strings.NewReader(broken))
	must(t, err)
	if all, err := f.GetRows("Sheet1"); err != nil || len(all) != 2 {
		t.Errorf("the library reads %d rows and %v: the reason for our own reader is gone", len(all), err)
	}
	_, err = connect(t, "roster.xlsx", newDisk(broken), nil).Read(t.Context())
	wantFault(t, err, fault.Invalid, "damaged")
}

// rezip changes one part of a workbook.
func rezip(t *testing.T, book, name string, change func(string) string) string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	must(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		if f.Name != name {
			must(t, w.Copy(f))
			continue
		}
		in, err := f.Open()
		must(t, err)
		var text bytes.Buffer
		_, err = text.ReadFrom(in)
		must(t, err)
		out, err := w.Create(name)
		must(t, err)
		_, err = out.Write([]byte(change(text.String())))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

// TestBomb checks that a part that unpacks to more than its limit is refused
// while it unpacks.
func TestBomb(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat(" ", 1<<20)
	sound := handmade(t, sheetHead+`</x:sheetData></x:worksheet>`, nil)
	for name, change := range map[string]map[string]string{
		"texts":    {"xl/sharedStrings.xml": "<sst>" + pad + "</sst>"},
		"after":    {"xl/sharedStrings.xml": "<sst></sst>" + pad},
		"workbook": {"xl/workbook.xml": "<workbook>" + pad + "</workbook>"},
	} {
		_, err := openBook([]byte(handmade(t, sheetHead, change)), limits{1 << 30, 1 << 16, 1 << 16})
		if !errors.Is(err, errOversize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := openBook([]byte(sound), limits{16, 1 << 16, 1 << 16})
	must(t, err)
	part, err := b.open(b.sheets[0].part, b.limits.sheet)
	must(t, err)
	defer part.close()
	if err := part.drain(); !errors.Is(err, errOversize) {
		t.Errorf("a sheet: %v", err)
	}
}

// TestFullTable checks the limits of rows and of text.
func TestFullTable(t *testing.T) {
	t.Parallel()
	full := &table{rows: maxRows}
	if full.add(&row{number: 1}) {
		t.Error("a row too many is taken")
	}
	full = &table{bytes: maxText}
	if full.add(&row{number: 1, cells: []cell{{cellText, "x"}}}) {
		t.Error("text without end is taken")
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var in table
	want := 0
	for i := range 20_000 {
		r := row{number: i*3 + 1, flaw: flaw(i % 5), cells: []cell{{cellText, fmt.Sprint("第", i, "行")}, {}, {cellNumber, strings.Repeat("9", i%300)}, {}}}
		if !in.add(&r) {
			t.Fatal("full")
		}
	}
	in.seal()
	for r := range in.all() {
		if r.number != want*3+1 || r.flaw != flaw(want%5) || r.cell(0).text != fmt.Sprint("第", want, "行") || len(r.cell(2).text) != want%300 || r.cell(7).kind != cellEmpty {
			t.Fatalf("row %d is %+v", want, r)
		}
		want++
	}
	if want != in.rows || len(in.chunks) < 2 {
		t.Errorf("%d rows in %d chunks", want, len(in.chunks))
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	for i := range 18000 {
		want, err := excelize.ColumnNumberToName(min(i+1, excelize.MaxColumns))
		must(t, err)
		if i < excelize.MaxColumns && letters(i) != want {
			t.Fatalf("column %d is %s, want %s", i, letters(i), want)
		}
		if column, row, ok := coordinates(letters(i) + "12"); !ok || column != i || row != 12 {
			t.Fatalf("%s12 is %d %d %v", letters(i), column, row, ok)
		}
	}
	for _, bad := range []string{"", "A", "12", "a1", "A0", "A-1", "A+1", "AAAA1", "A1x"} {
		if _, _, ok := coordinates(bad); ok {
			t.Errorf("%q is a cell", bad)
		}
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a_x000D_b": "a\rb", "_x005F_x000D_": "_x000D_", "_x00g0_": "_x00g0_", "_x12_": "_x12_", "_xD800_": "_xD800_", "_x": "_x", "_x000d_": "\r",
		"_x00:0_": "_x00:0_", "_x00\x100_": "_x00\x100_",
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
