package rosterfile

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader reads records and knows the row that a spreadsheet would show them
// in: it counts empty lines, and a record of several lines once.
type csvReader struct {
	r     *csv.Reader
	extra int // lines that belong to the record that began above them
}

func newCSVReader(text []byte, delimiter rune) *csvReader {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = delimiter, -1, true
	return &csvReader{r: r}
}

// next gives the next record that is not an empty line. A record whose quotes
// do not pair comes as far as it could be read, with flawQuote.
func (c *csvReader) next() (record []string, number int, bad flaw, err error) {
	record, err = c.r.Read()
	if broken, ok := errors.AsType[*csv.ParseError](err); ok {
		number = broken.StartLine - c.extra
		c.extra += broken.Line - broken.StartLine
		return record, number, flawQuote, nil
	}
	if err != nil {
		return nil, 0, flawNone, err
	}
	line, _ := c.r.FieldPos(0)
	number = line - c.extra
	for _, field := range record {
		c.extra += strings.Count(field, "\n")
	}
	return record, number, flawNone, nil
}

// header gives the record in the header row, or nil when that row is empty.
func (c *csvReader) header(row int) []string {
	for {
		record, number, bad, err := c.next()
		if err != nil || number > row {
			return nil
		}
		if number == row {
			if bad != flawNone {
				return nil
			}
			return append([]string(nil), record...)
		}
	}
}

// csvTable reads a CSV. Faults: Invalid about the file as a whole, Unavailable
// when ctx ends.
func (c *Connector) csvTable(ctx context.Context, data []byte) (*table, error) {
	text, err := c.decodeText(data)
	if err != nil {
		return nil, err
	}
	reader := newCSVReader(text, c.delimiter(text))
	t := &table{header: reader.header(c.o.HeaderRow)}
	if err := c.checkWidth(t); err != nil {
		return nil, err
	}
	width := t.width()
	var r row
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, c.explain(ctx.Err())
		}
		record, number, bad, err := reader.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, c.explain(err)
		}
		r.number, r.flaw = number, bad
		if t.fill(&r, record, width) && !t.add(&r) {
			return nil, c.tooLarge(fmt.Sprintf("%d rows or %d MiB of text", maxRows, maxText>>20))
		}
	}
	t.seal()
	return t, nil
}

// fill makes a row of a record, and gives false for one without content.
func (t *table) fill(r *row, record []string, width int) bool {
	r.cells = r.cells[:0]
	blank := true
	for i, field := range record {
		one := csvCell(field)
		if one.kind != cellEmpty {
			switch {
			case i >= len(t.header):
				r.flaw = max(r.flaw, flawLong)
			case !t.named(i):
				t.noteUnnamed(i, r.number)
			default:
				blank = false
			}
		}
		if len(one.text) > maxCell && utf8.RuneCountInString(one.text) > maxCell {
			r.flaw, one = flawHuge, cell{}
			blank = false
		}
		if i < width {
			r.cells = append(r.cells, one)
		}
	}
	if len(record) < width {
		r.flaw = max(r.flaw, flawShort)
	}
	return !blank || r.flaw == flawQuote || r.flaw == flawLong
}

// csvCell makes a cell of a field. It undoes what spreadsheets and exports do to
// keep a number a text: ="007", and an apostrophe before a formula's sign.
func csvCell(field string) cell {
	s := clean(field)
	if len(s) > 3 && strings.HasPrefix(s, `="`) && strings.HasSuffix(s, `"`) {
		s = clean(s[2 : len(s)-1])
	}
	if len(s) > 1 && s[0] == '\'' && strings.IndexByte("=+-@", s[1]) >= 0 {
		s = s[1:]
	}
	switch {
	case s == "":
		return cell{}
	case scientific(s):
		return cell{cellScientific, s}
	default:
		return cell{cellText, s}
	}
}

// scientific tells whether a text is a number as Excel exports it when the
// column was too narrow: "1.38E+10".
func scientific(s string) bool {
	mantissa, exponent, ok := strings.Cut(s, "E+")
	if !ok || len(exponent) < 2 || len(mantissa) == 0 {
		return false
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return len(whole) == 1 && digits(whole) && (fraction == "" || digits(fraction)) && digits(exponent)
}

// digits tells whether a text is nothing but plain digits.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// delimiter gives the configured one, or the one by which the header has the id
// column, or else the one that splits the header most.
func (c *Connector) delimiter(text []byte) rune {
	if d := c.o.Delimiter; d != "" && d != Auto {
		return rune(d[0])
	}
	best, most, id := ',', 0, headingKey(c.o.ID)
	for _, d := range []rune{',', ';', '\t'} {
		header := newCSVReader(text, d).header(c.o.HeaderRow)
		if d == ',' {
			most = len(header)
		}
		for _, name := range header {
			if headingKey(name) == id {
				return d
			}
		}
		if len(header) > most {
			best, most = d, len(header)
		}
	}
	return best
}

// checkWidth refuses a header that is missing or too wide.
func (c *Connector) checkWidth(t *table) error {
	for i, name := range t.header {
		t.header[i] = heading(name)
	}
	if n := t.width(); n > maxColumns {
		return c.invalid(fmt.Sprintf("the header has %d columns, at most %d can be read", n, maxColumns),
			fmt.Sprintf("表头有 %d 列，最多能读 %d 列", n, maxColumns))
	}
	if t.width() > 0 {
		return nil
	}
	return c.invalid(fmt.Sprintf("row %d%s has no headings: header_row must name the row of the column names", c.o.HeaderRow, of(t.sheet)),
		fmt.Sprintf("第 %d 行没有列名：header_row 要写列名所在的行", c.o.HeaderRow))
}

// of names a sheet after a place.
func of(sheet string) string {
	if sheet == "" {
		return ""
	}
	return " of sheet " + sheet
}
