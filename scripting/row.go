package scripting

import (
	"encoding/binary"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Attributes travel to the child as rows: the number of a list of names, and the
// values in the order of these names. Most objects of a batch have the same names,
// so that they are sent once. The child leaves the values as they came and decodes
// only those that the rule reads.

// fields are an object's attributes for reading.
type fields interface {
	value(name string) directory.Value // Absent when there is no such attribute
	names() []string                   // in order; not to be changed
}

// attrs are attributes that are decoded already.
type attrs directory.Attributes

func (a attrs) value(name string) directory.Value { return a[name] }

func (a attrs) names() []string { return directory.Attributes(a).Names() }

// rowWriter writes the rows of one batch.
type rowWriter struct {
	shapes [][]string // lists of names that were sent
	last   int        // the one that was used last: the next object is probably like it
}

// append appends a row.
func (w *rowWriter) append(b []byte, a directory.Attributes) []byte {
	if len(w.shapes) > 0 {
		if row, ok := w.appendAs(b, w.last, a); ok {
			return row
		}
	}
	for i := range w.shapes {
		if row, ok := w.appendAs(b, i, a); ok {
			w.last = i
			return row
		}
	}
	names := a.Names()
	w.last = len(w.shapes)
	w.shapes = append(w.shapes, names)
	b = binary.AppendUvarint(b, uint64(w.last)) //nolint:gosec // a place in a list: the first number without a list: one follows
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendText(b, name)
	}
	for _, name := range names {
		b = directory.AppendValue(b, a[name])
	}
	return b
}

// appendAs appends a row with the names of a list, unless these are not the
// object's.
func (w *rowWriter) appendAs(b []byte, shape int, a directory.Attributes) ([]byte, bool) {
	names := w.shapes[shape]
	if len(names) != len(a) {
		return b, false
	}
	row := binary.AppendUvarint(b, uint64(shape)) //nolint:gosec // a place in a list
	for _, name := range names {
		v, ok := a[name]
		if !ok {
			return b, false
		}
		row = directory.AppendValue(row, v)
	}
	return row, true
}

// row is a row as it came, whole and sound.
type row struct {
	shape []string // names, ascending
	at    []uint32 // where each value begins in body
	body  []byte
}

func (r *row) names() []string { return r.shape }

func (r *row) value(name string) directory.Value {
	i, ok := slices.BinarySearch(r.shape, name)
	if !ok {
		return directory.Value{}
	}
	v, _, err := directory.DecodeValue(r.body[r.at[i]:])
	if err != nil {
		return directory.Value{} // not possible: the row was looked at when it came
	}
	return v
}

// rowReader reads the rows of one batch.
type rowReader struct {
	scanner
	body   []byte
	shapes [][]string
	slab   []uint32 // room for the places of values
}

func newRowReader(body []byte) *rowReader {
	return &rowReader{scanner: scanner{rest: body}, body: body}
}

// row makes sure that the next row is sound, and keeps where its values are.
func (p *rowReader) row(r *row) {
	shape := p.uvarint()
	switch n := uint64(len(p.shapes)); {
	case shape > n:
		p.fail()
		return
	case shape == n:
		p.shapes = append(p.shapes, p.shape())
	}
	r.shape, r.body = p.shapes[shape], p.body
	r.at = p.room(len(r.shape))
	for i := range r.at {
		r.at[i] = uint32(len(p.body) - len(p.rest)) //nolint:gosec // a frame is shorter than maxFrame
		p.skipValue()
	}
}

// shape reads a list of names; it ascends, so that no name comes twice.
func (p *rowReader) shape() []string {
	n := p.count()
	names := make([]string, 0, n)
	for i := range n {
		name := p.text()
		if i > 0 && name <= names[i-1] {
			p.fail()
		}
		names = append(names, name)
	}
	return names
}

// room gives n places.
func (p *rowReader) room(n int) []uint32 {
	if len(p.slab) < n {
		p.slab = make([]uint32, max(n, 1024))
	}
	at := p.slab[:n:n]
	p.slab = p.slab[n:]
	return at
}
