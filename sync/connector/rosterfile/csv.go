package rosterfile

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
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

// heads gives the records of the first rows, for the headings among them.
func (c *csvReader) heads(upTo int) []headings {
	var rows []headings
	for {
		record, number, bad, err := c.next()
		if err != nil || number > upTo {
			return rows
		}
		if bad == flawNone {
			rows = append(rows, headings{number, append([]string(nil), record...)})
		}
	}
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
	delimiter, headerRow, err := c.arrangement(text)
	if err != nil {
		return nil, err
	}
	reader := newCSVReader(text, delimiter)
	t := &table{headerRow: headerRow, delimiter: delimiter, header: reader.header(headerRow)}
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
// keep a number a text: ="007", and what neutral does to keep a text a text.
func csvCell(field string) cell {
	s := clean(field)
	if len(s) > 3 && strings.HasPrefix(s, `="`) && strings.HasSuffix(s, `"`) {
		s = clean(s[2 : len(s)-1])
	}
	if s != "" && s[0] == '\'' && dangerous(s) {
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

// dangerous tells whether a spreadsheet could take a text for a formula, once
// apostrophes before it are taken away.
func dangerous(s string) bool {
	return directory.IsFormula(strings.TrimLeft(s, "'"))
}

// neutral puts an apostrophe before what a spreadsheet could take for a formula.
// csvCell takes it away again.
func neutral(s string) string {
	if dangerous(s) {
		return "'" + s
	}
	return s
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

// arrangement gives the delimiter and the row of the headings: as configured, or
// the delimiter by which a row has the id column, or else the one that splits the
// headings most. Faults: Invalid, when two rows can be the headings.
func (c *Connector) arrangement(text []byte) (delimiter rune, row int, err error) {
	upTo := max(c.o.HeaderRow, maxSearch)
	if d := c.o.Delimiter; d != "" && d != Auto {
		row, err = c.findHeader(newCSVReader(text, rune(d[0])).heads(upTo))
		return rune(d[0]), row, err
	}
	known := c.knownHeadings()
	best, bestRow, most := ',', 0, -1
	for _, d := range []rune{',', ';', '\t'} {
		rows := newCSVReader(text, d).heads(upTo)
		if row, err = c.findHeader(rows); err != nil {
			return 0, 0, err
		}
		i := slices.IndexFunc(rows, func(r headings) bool { return r.number == row })
		width := 0
		if i >= 0 {
			width = len(rows[i].names)
			if c.score(rows[i].names, known) > 0 {
				return d, row, nil
			}
		}
		if width > most {
			best, bestRow, most = d, row, width
		}
	}
	return best, bestRow, nil
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
	return c.invalid(fmt.Sprintf("row %d%s has no headings: header_row must name the row of the column names", t.headerRow, of(t.sheet)),
		fmt.Sprintf("第 %d 行没有列名：header_row 要写列名所在的行", t.headerRow))
}

// of names a sheet after a place.
func of(sheet string) string {
	if sheet == "" {
		return ""
	}
	return " of sheet " + sheet
}
