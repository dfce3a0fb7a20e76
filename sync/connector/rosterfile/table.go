package rosterfile

import (
	"encoding/binary"
	"iter"
	"strings"
)

// Limits of what a file may hold. A workbook can be a thousand times larger
// than its file.
const (
	maxRows    = 2_000_000
	maxColumns = 500
	maxText    = 1 << 30 // bytes of all cells together
	maxCell    = 32767   // characters of a cell, as Excel has it
)

// cellKind tells what a cell holds, apart from the file's format.
type cellKind byte

// The kinds. From uncomputed on, a cell is unreadable: its text is what people
// are shown, if anything.
const (
	cellEmpty      cellKind = iota
	cellText                // as typed
	cellNumber              // a number; the text is exact and as the sheet shows it
	cellDate                // a date or date-time; the text is canonical
	cellClock               // a time of day without a date
	cellBool                // TRUE or FALSE
	cellUncomputed          // a formula whose result is not in the file
	cellError               // #N/A and the like
	cellLost                // a number that is too long to be exact
	cellScientific          // 1.38E+10: a number that lost its digits on export
	cellMerged              // covered by a merged area
)

// unreadable tells whether the cell's value is unknown.
func (k cellKind) unreadable() bool { return k >= cellUncomputed }

// cell is one cell.
type cell struct {
	kind cellKind
	text string
}

// flaw is what is wrong with a whole row.
type flaw byte

const (
	flawNone  flaw = iota
	flawShort      // fewer cells than headings
	flawLong       // more cells than headings
	flawQuote      // quotes that do not pair
	flawHuge       // a cell longer than any: a quote is missing
)

// row is one row that holds something. Cells past the end are empty. The slice
// is reused by all.
type row struct {
	number int // as a spreadsheet counts
	flaw   flaw
	cells  []cell
}

func (r *row) cell(i int) cell {
	if i < 0 || i >= len(r.cells) {
		return cell{}
	}
	return r.cells[i]
}

// area is a rectangle of merged cells; rows from 1, columns from 0, inclusive.
type area struct{ top, left, bottom, right int }

// table is a sheet: the headings, and the rows below them in a compact form, so
// that a million rows stay small.
type table struct {
	sheet     string   // "" for a CSV
	headerRow int      // of the headings, from 1
	delimiter rune     // of a CSV
	header    []string // as written, by position
	merges    []area
	date1904  bool
	// unnamed is the first row with something in a column without a heading.
	unnamed map[int]int

	rows   int
	bytes  int
	chunks []string
	open   []byte
}

const tableChunk = 1 << 20

// add keeps a row, without its empty cells at the end. It gives false when the
// table is full.
func (t *table) add(r *row) bool {
	cells := r.cells
	for len(cells) > 0 && cells[len(cells)-1].kind == cellEmpty {
		cells = cells[:len(cells)-1]
	}
	start := len(t.open)
	b := binary.AppendUvarint(t.open, uint64(r.number)) //nolint:gosec // rows count from 1
	b = append(b, byte(r.flaw))
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for _, c := range cells {
		b = append(b, byte(c.kind))
		b = binary.AppendUvarint(b, uint64(len(c.text)))
		b = append(b, c.text...)
	}
	t.open = b
	t.rows++
	t.bytes += len(b) - start
	if len(b) >= tableChunk {
		t.seal()
	}
	return t.rows <= maxRows && t.bytes <= maxText
}

func (t *table) seal() {
	if len(t.open) > 0 {
		t.chunks = append(t.chunks, string(t.open))
		t.open = t.open[:0]
	}
}

// all gives the rows in order, each valid until the next. The table must be
// sealed.
func (t *table) all() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		var r row
		for _, rest := range t.chunks {
			for rest != "" {
				rest = r.decode(rest)
				if !yield(&r) {
					return
				}
			}
		}
	}
}

// drain gives the rows in order as all does, and lets go of what was given.
func (t *table) drain() iter.Seq[*row] {
	return func(yield func(*row) bool) {
		var r row
		for len(t.chunks) > 0 {
			rest := t.chunks[0]
			t.chunks[0] = ""
			t.chunks = t.chunks[1:]
			for rest != "" {
				rest = r.decode(rest)
				if !yield(&r) {
					return
				}
			}
		}
	}
}

func (r *row) decode(s string) string {
	n, s := uvarint(s)
	r.number, r.flaw, s = n, flaw(s[0]), s[1:]
	count, s := uvarint(s)
	r.cells = r.cells[:0]
	for range count {
		kind := cellKind(s[0])
		var size int
		size, s = uvarint(s[1:])
		r.cells = append(r.cells, cell{kind, s[:size]})
		s = s[size:]
	}
	return s
}

func uvarint(s string) (int, string) {
	var n uint64
	for i := range len(s) {
		c := s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return int(n), s[i+1:] //nolint:gosec // written by add from an int
		}
	}
	return int(n), ""
}

// letters gives a column's letters: 0 is A.
func letters(i int) string {
	var b []byte
	for i++; i > 0; i = (i - 1) / 26 {
		b = append([]byte{byte('A' + (i-1)%26)}, b...)
	}
	return string(b)
}

// width gives the number of columns up to the last one that has a heading.
func (t *table) width() int {
	n := len(t.header)
	for n > 0 && strings.TrimSpace(t.header[n-1]) == "" {
		n--
	}
	return n
}

// named tells whether a column has a heading.
func (t *table) named(i int) bool { return i < len(t.header) && t.header[i] != "" }

// noteUnnamed remembers the first row that has something in a column without a
// heading.
func (t *table) noteUnnamed(column, number int) {
	if t.unnamed == nil {
		t.unnamed = map[int]int{}
	}
	if _, there := t.unnamed[column]; !there {
		t.unnamed[column] = number
	}
}
