package rosterfile

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xlsxTable reads the sheet of a workbook. Faults: Invalid about the file as a
// whole, Unavailable when ctx ends.
func (c *Connector) xlsxTable(ctx context.Context, data []byte) (*table, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return nil, c.invalid("this is an old .xls or has a password: save it as .xlsx without one", "这是旧的 .xls 或加了密码的文件：请另存为不带密码的 .xlsx")
	case !bytes.HasPrefix(data, []byte("PK")):
		return nil, c.invalid("this is not a workbook: export it again as .xlsx, or name it .csv if it is text", "这不是工作簿：请重新导出 .xlsx；如果是文本，请把扩展名改成 .csv")
	}
	b, err := openBook(data, limits{maxSheetPart, maxTextsPart, maxSmallPart})
	if err != nil {
		return nil, c.bookFault(err)
	}
	s, err := c.pick(b.sheets)
	if err != nil {
		return nil, err
	}
	part, err := b.open(s.part, b.limits.sheet)
	if err != nil {
		return nil, c.bookFault(err)
	}
	defer part.close()
	r := &sheetReader{
		book: b, dec: xml.NewDecoder(part), headerRow: c.o.HeaderRow, poll: ctx.Err,
		t: &table{sheet: s.name, date1904: b.date1904},
	}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			return nil, c.explain(ctx.Err())
		}
		return nil, c.bookFault(part.why(err))
	}
	if err := part.drain(); err != nil {
		return nil, c.bookFault(err)
	}
	if err := c.checkWidth(r.t); err != nil {
		return nil, err
	}
	if err := c.checkHeaderMerges(r.t); err != nil {
		return nil, err
	}
	r.t.seal()
	return r.t, nil
}

func (c *Connector) bookFault(err error) error {
	if errors.Is(err, errOversize) {
		return c.tooLarge(fmt.Sprintf("%d rows, %d MiB of text or the limits of a workbook", maxRows, maxText>>20))
	}
	f := invalid(c.name, "the workbook is damaged or incomplete: open it, save it again, and try again", "工作簿已损坏或不完整：请打开后重新保存再试")
	f.Err = err
	return f
}

// pick chooses the configured sheet, or the first that is not hidden.
func (c *Connector) pick(sheets []sheetInfo) (sheetInfo, error) {
	var list []string
	for _, s := range sheets {
		if c.o.Sheet == "" && !s.hidden || c.o.Sheet != "" && strings.EqualFold(plain(s.name), plain(c.o.Sheet)) {
			return s, nil
		}
		if s.hidden {
			list = append(list, s.name+" (hidden/隐藏)")
			continue
		}
		list = append(list, s.name)
	}
	names := strings.Join(list, ", ")
	if c.o.Sheet == "" {
		return sheetInfo{}, c.invalid("there is no visible sheet: name one with sheet. There are: "+names, "没有可见的工作表：请用 sheet 指定。现有："+names)
	}
	return sheetInfo{}, c.invalid(fmt.Sprintf("there is no sheet %s. There are: %s", c.o.Sheet, names),
		fmt.Sprintf("没有工作表 %s，只有：%s", c.o.Sheet, names))
}

// checkHeaderMerges refuses merged headings: which column they name is a guess.
func (c *Connector) checkHeaderMerges(t *table) error {
	for _, m := range t.merges {
		if m.top <= c.o.HeaderRow && m.bottom >= c.o.HeaderRow {
			return c.invalid(
				fmt.Sprintf("cells %s of sheet %s are merged in the header: give every column a heading of its own", m, t.sheet),
				fmt.Sprintf("工作表 %s 的表头里 %s 是合并单元格：请取消合并，每列写自己的列名", t.sheet, m))
		}
	}
	return nil
}

// String gives the area as a spreadsheet names it: "B2:B5".
func (a area) String() string {
	return letters(a.left) + strconv.Itoa(a.top) + ":" + letters(a.right) + strconv.Itoa(a.bottom)
}

// sheetReader reads the cells of one sheet as a stream. Whatever does not end as
// it should is an error: a sheet that breaks off has fewer people in it.
type sheetReader struct {
	book      *book
	dec       *xml.Decoder
	t         *table
	headerRow int
	poll      func() error // an error ends the reading

	row   row
	width int
	last  int // number of the row before
}

func (s *sheetReader) read() error {
	inData := false
	for {
		token, err := s.dec.RawToken()
		if err != nil {
			return err // also at the end: the sheet was not closed
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "sheetData":
				inData = true
			case t.Name.Local == "row" && inData:
				err = s.readRow(t)
			case t.Name.Local == "mergeCell" && !inData:
				err = s.merge(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "sheetData":
				inData = false
			case "worksheet":
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

func attr(t xml.StartElement, name string) string {
	for i := range t.Attr {
		if t.Attr[i].Name.Local == name && t.Attr[i].Name.Space == "" {
			return t.Attr[i].Value
		}
	}
	return ""
}

func (s *sheetReader) merge(t xml.StartElement) error {
	from, to, ok := strings.Cut(attr(t, "ref"), ":")
	if !ok {
		return nil // one cell
	}
	left, top, okFrom := coordinates(from)
	right, bottom, okTo := coordinates(to)
	if !okFrom || !okTo || top > bottom || left > right || len(s.t.merges) > maxRows {
		return errDamaged
	}
	s.t.merges = append(s.t.merges, area{top, left, bottom, right})
	return nil
}

// readRow reads a row and keeps it when something is in it.
func (s *sheetReader) readRow(t xml.StartElement) error {
	number := s.last + 1
	if r := attr(t, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil {
			return errDamaged
		}
		number = n
	}
	if number <= s.last {
		return errDamaged
	}
	if number%1024 == 0 {
		if err := s.poll(); err != nil {
			return err
		}
	}
	s.last, s.row.number, s.row.flaw, s.row.cells = number, number, flawNone, s.row.cells[:0]
	at := -1
	for {
		token, err := s.dec.RawToken()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				return errDamaged
			}
			if at, err = s.readCell(t, at+1); err != nil {
				return err
			}
		case xml.EndElement:
			if t.Name.Local != "row" {
				return errDamaged
			}
			return s.keep()
		}
	}
}

// keep puts the row where it belongs.
func (s *sheetReader) keep() error {
	switch {
	case s.row.number < s.headerRow:
		return nil
	case s.row.number == s.headerRow:
		for _, one := range s.row.cells {
			s.t.header = append(s.t.header, heading(one.text))
		}
		s.width = s.t.width()
		if s.width > maxColumns {
			s.t.header = s.t.header[:s.width] // refused by checkWidth
		}
		return nil
	}
	blank := true
	for i, one := range s.row.cells {
		if one.kind == cellEmpty {
			continue
		}
		if !s.t.named(i) {
			s.t.noteUnnamed(i, s.row.number)
			s.row.cells[i] = cell{}
			continue
		}
		blank = false
	}
	s.row.cells = s.row.cells[:min(len(s.row.cells), s.width)]
	if !blank && !s.t.add(&s.row) {
		return errOversize
	}
	return nil
}

// readCell reads a cell into the row and gives its column. next is where it
// stands when it does not say.
func (s *sheetReader) readCell(t xml.StartElement, next int) (int, error) {
	var raw rawCell
	column, err := s.place(t, &raw, next)
	if err != nil {
		return 0, err
	}
	if err := s.contents(&raw); err != nil {
		return 0, err
	}
	one, err := s.book.cell(&raw)
	if err != nil {
		return 0, err
	}
	if len(one.text) > maxCell && utf8.RuneCountInString(one.text) > maxCell {
		one, s.row.flaw = cell{}, flawHuge
	}
	if one.kind == cellEmpty {
		return column, nil
	}
	for len(s.row.cells) <= column {
		s.row.cells = append(s.row.cells, cell{})
	}
	s.row.cells[column] = one
	return column, nil
}

// place reads the attributes of a cell and gives its column.
func (s *sheetReader) place(t xml.StartElement, raw *rawCell, next int) (int, error) {
	column := next
	for i := range t.Attr {
		a := &t.Attr[i]
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "r":
			at, row, ok := coordinates(a.Value)
			if !ok || row != s.row.number {
				return 0, errDamaged
			}
			column = at
		case "s":
			n, err := strconv.Atoi(a.Value)
			if err != nil || n < 0 {
				return 0, errDamaged
			}
			raw.style = n
		case "t":
			raw.typ = a.Value
		}
	}
	return column, nil
}

// contents reads up to the end of the cell.
func (s *sheetReader) contents(raw *rawCell) error {
	inValue := false
	for {
		token, err := s.dec.RawToken()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				inValue, raw.valued = true, true
			case "f":
				raw.formula = true
			case "is":
				if raw.inline, err = richText(s.dec, "is"); err != nil {
					return err
				}
			case "c", "row":
				return errDamaged
			}
		case xml.CharData:
			if inValue {
				raw.value += string(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v":
				inValue = false
			case "c":
				return nil
			case "row", "sheetData":
				return errDamaged
			}
		}
	}
}
