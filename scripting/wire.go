package scripting

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// The pipe between parent and child carries frames: one letter, the length as a
// uvarint, the body. Both ends are the same binary, so there is no version.
const (
	frameSetup   = 'S' // to the child, first: a setup
	frameBatch   = 'B' // to the child: objects to judge
	frameAnswer  = 'A' // to the child: the objects that it looked up
	frameReady   = 'R' // from the child: the rules are compiled, or what is wrong with them
	frameVerdict = 'V' // from the child: verdicts in the order of the objects, each behind its length
	frameLookup  = 'L' // from the child: a wanted object
	frameEnd     = 'E' // from the child: the batch is done
)

// maxFrame bounds a frame's body in bytes.
const maxFrame = 32 << 20

// errFrame is what a damaged or oversized frame gives.
var errFrame = errors.New("damaged frame")

// frame is one message.
type frame struct {
	kind byte
	body []byte
}

// readFrame reads one frame. It gives io.EOF between two frames only. The body
// is read piece by piece, so that a damaged length takes no more memory than the
// bytes that really come.
func readFrame(r *bufio.Reader) (frame, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return frame{}, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil || size > maxFrame {
		return frame{}, errFrame
	}
	body := make([]byte, 0, min(size, 64<<10))
	for uint64(len(body)) < size {
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(size, 4*uint64(cap(body))))
			copy(grown, body)
			body = grown
		}
		n, err := io.ReadFull(r, body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil {
			return frame{}, errFrame
		}
	}
	return frame{kind: kind, body: body}, nil
}

// writeFrame writes one frame; the caller flushes.
func writeFrame(w *bufio.Writer, kind byte, body []byte) error {
	if len(body) > maxFrame {
		return fmt.Errorf("write a frame of %d bytes: %w", len(body), errFrame)
	}
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = kind
	n := binary.PutUvarint(head[1:], uint64(len(body)))
	if _, err := w.Write(head[:1+n]); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendSized appends what add appends, behind its length.
func appendSized(b []byte, add func([]byte) []byte) []byte {
	// The length comes first and is not known yet: the record is written behind
	// room for the longest length and moved up.
	start := len(b)
	b = append(b, make([]byte, binary.MaxVarintLen32)...)
	record := len(b)
	b = add(b)
	size := len(b) - record
	n := binary.PutUvarint(b[start:record], uint64(size))
	copy(b[start+n:], b[record:])
	return b[:start+n+size]
}

// appendObject appends an object's canonical bytes behind their length.
func appendObject(b []byte, o directory.Object) []byte {
	return appendSized(b, func(b []byte) []byte { return directory.AppendObject(b, o) })
}

// appendAttributes appends names and values.
func appendAttributes(b []byte, a directory.Attributes) []byte {
	b = binary.AppendUvarint(b, uint64(len(a)))
	for _, name := range a.Names() {
		b = appendText(b, name)
		b = directory.AppendValue(b, a[name])
	}
	return b
}

// scanner reads a frame's body. After the first mistake every read gives zero.
type scanner struct {
	rest []byte
	bad  bool
}

// done gives an error unless the body was read to its end without mistake.
func (p *scanner) done() error {
	if p.bad || len(p.rest) > 0 {
		return errFrame
	}
	return nil
}

func (p *scanner) fail() { p.bad, p.rest = true, nil }

func (p *scanner) uvarint() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *scanner) varint() int64 {
	n, size := binary.Varint(p.rest)
	if size <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

// number reads a small non-negative number.
func (p *scanner) number() int {
	n := p.uvarint()
	if n > 1<<40 {
		p.fail()
		return 0
	}
	return int(n)
}

// count reads a number of items, each of which takes at least one byte.
func (p *scanner) count() int {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail()
		return 0
	}
	return int(n)
}

func (p *scanner) flag() bool { return p.byte() == 1 }

func (p *scanner) byte() byte {
	if len(p.rest) == 0 {
		p.fail()
		return 0
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	return c
}

func (p *scanner) bytes() []byte {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail()
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *scanner) text() string { return string(p.bytes()) }

func (p *scanner) object() directory.Object {
	o, err := directory.DecodeObject(p.bytes())
	if err != nil {
		p.fail()
	}
	return o
}

func (p *scanner) value() directory.Value {
	v, rest, err := directory.DecodeValue(p.rest)
	if err != nil {
		p.fail()
		return directory.Value{}
	}
	p.rest = rest
	return v
}

// skipValue passes over a value that is read later, if at all. It takes exactly
// what value takes.
func (p *scanner) skipValue() {
	switch directory.Type(p.byte()) {
	case directory.Text, directory.Date, directory.Unknown:
		p.bytes()
	case directory.Int, directory.Bool:
		p.byte()
		p.varint()
	case directory.List, directory.Refs:
		for range p.count() {
			p.bytes()
		}
	case directory.Absent:
	default:
		p.fail()
	}
}

// attributes reads attributes into a copy of those before.
func (p *scanner) attributes(before directory.Attributes) directory.Attributes {
	n := p.count()
	a := make(directory.Attributes, max(n, len(before)))
	maps.Copy(a, before)
	for range n {
		name := p.text()
		a[name] = p.value()
	}
	return a
}
