package rosterfile

import (
	"bytes"
	"encoding/xml"
)

// xlsxCell is where a cell stands in the text of its row.
type xlsxCell struct {
	column   int
	from, to int
	style    string
	formula  bool
}

// xlsxRow is the text of a row, taken apart.
type xlsxRow struct {
	open, body int // where the start tag begins, and where it ends
	end        int // where the end tag begins; equal to body for <row/>
	closed     bool
	cells      []xlsxCell
}

// dissect takes a row apart.
func (f *xlsxForm) dissect(raw []byte) (xlsxRow, error) {
	var r xlsxRow
	dec := xml.NewDecoder(bytes.NewReader(raw))
	inRow, column := false, -1
	for {
		at := int(dec.InputOffset())
		token, err := dec.RawToken()
		if err != nil {
			return r, f.c.bookFault(errDamaged)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "row":
				inRow, r.open, r.body = true, at, int(dec.InputOffset())
				r.closed = raw[r.body-2] == '/'
			case t.Name.Local == "c" && inRow:
				column++
				if ref := attr(t, "r"); ref != "" {
					column, _, _ = coordinates(ref)
				}
				one := xlsxCell{column: column, from: at, style: attr(t, "s")}
				if one.formula, err = endOfCell(dec); err != nil {
					return r, f.c.bookFault(errDamaged)
				}
				one.to = int(dec.InputOffset())
				r.cells = append(r.cells, one)
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				r.end = at
				return r, nil
			}
		}
	}
}

// endOfCell reads to the end of a cell and tells whether it has a formula.
func endOfCell(dec *xml.Decoder) (formula bool, err error) {
	for {
		token, err := dec.RawToken()
		if err != nil {
			return formula, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			formula = formula || t.Name.Local == "f"
		case xml.EndElement:
			if t.Name.Local == "c" {
				return formula, nil
			}
		}
	}
}

// hasFormula tells whether a row of a sheet has a formula.
func hasFormula(raw []byte) bool {
	dec := xml.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := dec.RawToken()
		if err != nil {
			return false
		}
		if t, ok := token.(xml.StartElement); ok && t.Name.Local == "f" {
			return true
		}
	}
}
