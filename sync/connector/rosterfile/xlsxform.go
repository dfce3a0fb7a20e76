package rosterfile

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxWrite bounds the sheet of a workbook that is written, in bytes unpacked: it
// is held in memory.
const maxWrite = 256 << 20

// xlsxForm is how a workbook is written: the rows of one sheet change, and every
// other part of the archive is copied as it is.
type xlsxForm struct {
	c       *Connector
	t       *table
	book    *book
	archive *zip.Reader
	part    *zip.File // the sheet
	head    []byte    // of the sheet, up to its rows
	tail    []byte    // after them
	prefix  string    // of the sheet's elements: "x:"
	text    int       // the plain style for texts; -1: none
}

var _ form = (*xlsxForm)(nil)

// splitSheet takes the sheet of a workbook apart into its rows.
func (d *document) splitSheet(data []byte) error {
	b, err := openBook(data, limits{maxWrite, maxTextsPart, maxSmallPart})
	if err != nil {
		return d.c.bookFault(err)
	}
	info, err := d.c.pick(b.sheets)
	if err != nil {
		return err
	}
	f := &xlsxForm{c: d.c, t: d.b.t, book: b, part: b.parts[partKey(info.part)], text: b.textStyle}
	if f.archive, err = zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
		return d.c.bookFault(errDamaged)
	}
	part, err := b.open(info.part, b.limits.sheet)
	if err != nil {
		return d.c.bookFault(err)
	}
	defer part.close()
	sheet, err := io.ReadAll(part)
	if err != nil {
		return d.c.bookFault(part.why(err))
	}
	d.form = f
	s := splitter{f: f, data: sheet, dec: xml.NewDecoder(bytes.NewReader(sheet))}
	if d.lines, err = s.split(); err != nil {
		return d.c.bookFault(errDamaged)
	}
	return nil
}

// splitter finds the rows in the text of a sheet.
type splitter struct {
	f    *xlsxForm
	data []byte
	dec  *xml.Decoder
}

func (s *splitter) split() ([]line, error) {
	var lines []line
	inData, from, number := false, int64(0), 0
	for {
		at := s.dec.InputOffset()
		token, err := s.dec.RawToken()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "sheetData":
				inData = true
				from = s.begin(t, at)
			case t.Name.Local == "row" && inData:
				number++
				if r := attr(t, "r"); r != "" {
					if number, err = strconv.Atoi(r); err != nil {
						return nil, err
					}
				}
				if err := s.skip("row"); err != nil {
					return nil, err
				}
				lines = append(lines, line{number, s.data[from:s.dec.InputOffset():s.dec.InputOffset()]})
				from = s.dec.InputOffset()
			}
		case xml.EndElement:
			if t.Name.Local == "sheetData" {
				if s.f.tail == nil {
					s.f.tail = s.data[from:]
				}
				return lines, nil
			}
		}
	}
}

// begin notes what stands before the rows. A sheet without any is opened for
// some.
func (s *splitter) begin(t xml.StartElement, at int64) int64 {
	if t.Name.Space != "" {
		s.f.prefix = t.Name.Space + ":"
	}
	to := s.dec.InputOffset()
	s.f.head = s.data[:to:to]
	if bytes.HasSuffix(s.f.head, []byte("/>")) {
		s.f.head = slices.Concat(s.data[:at], []byte("<"+s.f.prefix+"sheetData>"))
		s.f.tail = slices.Concat([]byte("</"+s.f.prefix+"sheetData>"), s.data[to:])
	}
	return to
}

// skip reads to the end of an element.
func (s *splitter) skip(name string) error {
	for {
		token, err := s.dec.RawToken()
		if err != nil {
			return err
		}
		if t, ok := token.(xml.EndElement); ok && t.Name.Local == name {
			return nil
		}
	}
}

func (f *xlsxForm) cells(l line, r *row) error {
	reader := &sheetReader{book: f.book, dec: xml.NewDecoder(bytes.NewReader(l.raw)), t: f.t, poll: func() error { return nil }}
	r.number, r.flaw, r.cells = l.number, flawNone, r.cells[:0]
	reader.last = l.number - 1
	reader.each = func() error {
		r.flaw = reader.row.flaw
		r.cells = append(r.cells, reader.row.cells...)
		return nil
	}
	if err := reader.only(); err != nil {
		return f.c.bookFault(errDamaged)
	}
	f.t.fit(r, f.t.width())
	return nil
}

// only reads the one row that there is.
func (s *sheetReader) only() error {
	for {
		token, err := s.dec.RawToken()
		if err != nil {
			return err
		}
		if t, ok := token.(xml.StartElement); ok {
			return s.readRow(t)
		}
	}
}

func (f *xlsxForm) add(below line) line {
	number := below.number + 1
	return line{number, fmt.Appendf(nil, `<%srow r="%d"></%srow>`, f.prefix, number, f.prefix)}
}

// drop leaves an empty row, so that nothing moves to which formulas, notes and
// other sheets point.
func (f *xlsxForm) drop(l line) (line, bool) {
	return line{l.number, fmt.Appendf(nil, `<%srow r="%d"/>`, f.prefix, l.number)}, true
}

func (f *xlsxForm) vacant(l line) bool {
	reader := &sheetReader{book: f.book, dec: xml.NewDecoder(bytes.NewReader(l.raw)), t: f.t, poll: func() error { return nil }}
	reader.last = l.number - 1
	empty := true
	reader.each = func() error {
		empty = !slices.ContainsFunc(reader.row.cells, func(one cell) bool { return one.kind != cellEmpty })
		return nil
	}
	return reader.only() == nil && empty
}

func (f *xlsxForm) widen(l line, _ int) line { return l }

func (f *xlsxForm) put(l, pattern line, cells []entry) (line, error) {
	if len(cells) == 0 {
		return l, nil
	}
	r, err := f.dissect(l.raw)
	if err != nil {
		return l, err
	}
	styles, err := f.styles(pattern)
	if err != nil {
		return l, err
	}
	var edits []edit
	for _, one := range cells {
		e, err := f.edit(r, l.number, one, styles)
		if err != nil {
			return l, err
		}
		edits = append(edits, e)
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	out.Write(l.raw[:r.open])
	tag := string(l.raw[r.open:r.body])
	if r.closed {
		tag = strings.TrimRight(strings.TrimSuffix(tag, "/>"), " ") + ">"
	}
	out.WriteString(withoutSpans(tag))
	at := r.body
	for _, e := range edits {
		out.Write(l.raw[at:e.from])
		out.Write(e.text)
		at = e.to
	}
	if r.closed {
		out.WriteString("</" + f.prefix + "row>")
	}
	out.Write(l.raw[at:])
	f.reach(l.number, cells[len(cells)-1].column)
	return line{l.number, out.Bytes()}, nil
}

// edit is a piece of a row's text and what takes its place.
type edit struct {
	from, to int
	text     []byte
}

// edit replaces the cell that is there, or puts a new one before the first that
// stands further right.
func (f *xlsxForm) edit(r xlsxRow, row int, one entry, styles map[int]string) (edit, error) {
	style, known := styles[one.column]
	e := edit{from: r.end, to: r.end}
	if r.closed {
		e = edit{from: r.body, to: r.body}
	}
	where := letters(one.column) + strconv.Itoa(row)
	if i := slices.IndexFunc(r.cells, func(c xlsxCell) bool { return c.column > one.column }); i >= 0 {
		e = edit{from: r.cells[i].from, to: r.cells[i].from}
	}
	found := 0
	for _, c := range r.cells {
		if c.column != one.column {
			continue
		}
		if found++; c.formula {
			return e, f.c.invalid("cell "+where+" holds a formula, which is not overwritten", "单元格 "+where+" 是公式，不会覆盖")
		}
		style, known, e.from, e.to = c.style, true, c.from, c.to
	}
	if found > 1 {
		return e, f.c.invalid("cell "+where+" is there twice: open the workbook, save it again, and try again", "单元格 "+where+" 重复：请打开后重新保存再试")
	}
	if !known && f.text >= 0 {
		style = strconv.Itoa(f.text)
	}
	var out bytes.Buffer
	f.cell(&out, one, row, style)
	e.text = out.Bytes()
	return e, nil
}

func (f *xlsxForm) bytes(lines []line) ([]byte, error) {
	size := len(f.head) + len(f.tail)
	for i := range lines {
		size += len(lines[i].raw)
	}
	if size > maxWrite {
		return nil, f.c.tooLarge(fmt.Sprintf("%d MiB for a workbook that is written", maxWrite>>20))
	}
	sheet := make([]byte, 0, size)
	sheet = append(sheet, f.head...)
	for i := range lines {
		sheet = append(sheet, lines[i].raw...)
	}
	sheet = append(sheet, f.tail...)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, part := range f.archive.File {
		if err := f.copyPart(w, part, sheet); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "%s cannot be written: open it, save it again, and try again / %s 无法写入：请打开后重新保存再试", f.c.name, f.c.name)
		}
	}
	if err := errors.Join(w.SetComment(f.archive.Comment), w.Close()); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s cannot be written / %s 无法写入", f.c.name, f.c.name)
	}
	return out.Bytes(), nil
}

// copyPart copies a part as it is packed, or packs the sheet.
func (f *xlsxForm) copyPart(w *zip.Writer, part *zip.File, sheet []byte) error {
	if part.Name != f.part.Name {
		return w.Copy(part)
	}
	to, err := w.CreateHeader(&zip.FileHeader{Name: part.Name, Method: zip.Deflate, Modified: part.Modified, ExternalAttrs: part.ExternalAttrs, CreatorVersion: part.CreatorVersion, NonUTF8: part.NonUTF8})
	if err != nil {
		return err
	}
	_, err = to.Write(sheet)
	return err
}
