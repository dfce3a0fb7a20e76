package rosterfile

import (
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sheetReader reads the cells of one sheet as a stream. Whatever does not end as
// it should is an error: a sheet that breaks off has fewer people in it.
type sheetReader struct {
	book *book
	dec  *xml.Decoder
	t    *table
	poll func() error // an error ends the reading
	each func() error // takes a row in the place of keep

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
			if s.each != nil {
				return s.each()
			}
			return s.keep()
		}
	}
}

// keep puts the row where it belongs.
func (s *sheetReader) keep() error {
	switch {
	case s.row.number < s.t.headerRow:
		return nil
	case s.row.number == s.t.headerRow:
		for _, one := range s.row.cells {
			s.t.header = append(s.t.header, heading(one.text))
		}
		s.width = s.t.width()
		if s.width > maxColumns {
			s.t.header = s.t.header[:s.width] // refused by checkWidth
		}
		return nil
	}
	if s.t.fit(&s.row, s.width) && !s.t.add(&s.row) {
		return errOversize
	}
	return nil
}

// fit takes away what stands in no named column, and gives false for a row
// without content.
func (t *table) fit(r *row, width int) bool {
	blank := true
	for i, one := range r.cells {
		if one.kind == cellEmpty {
			continue
		}
		if !t.named(i) {
			t.noteUnnamed(i, r.number)
			r.cells[i] = cell{}
			continue
		}
		blank = false
	}
	r.cells = r.cells[:min(len(r.cells), width)]
	return !blank
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
