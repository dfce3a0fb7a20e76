package scripting

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// ops are the proposals that a batch names by their number, from 1.
var ops = [...]plan.Op{plan.None, plan.Create, plan.Update, plan.Disable, plan.Delete}

// batch is what the subjects of one batch share.
type batch struct {
	generation uint64 // what was looked up in another generation may have changed
	logs       bool   // send the log lines too
	now        time.Time
	kind       directory.Kind
}

// subject is one object to judge, as a child has it.
type subject struct {
	id       directory.ID
	proposed plan.Op
	data     fields
	target   fields // nil: there is none
}

// batchBytes is about how long a batch may be. A single object may be longer.
const batchBytes = 1 << 20

// encode appends the batch with as many subjects from the front as fit, and gives
// their number: 0 when not even the first does. All of them are of the batch's kind.
func (b *batch) encode(body []byte, subjects []plan.Subject) (_ []byte, n int) {
	body = binary.AppendUvarint(body, b.generation)
	body = appendFlag(body, b.logs)
	body = binary.AppendVarint(body, b.now.UnixMilli())
	body = appendText(body, string(b.kind))
	number := len(body)
	body = append(body, 0, 0, 0, 0)
	var w rowWriter
	for i := range subjects {
		size := len(body)
		body = w.subject(body, &subjects[i])
		if most := len(body) - number; most > maxFrame/2 || n > 0 && most > batchBytes {
			body = body[:size]
			break
		}
		n++
	}
	binary.LittleEndian.PutUint32(body[number:], uint32(n)) // each takes a byte of a frame
	return body, n
}

func (w *rowWriter) subject(b []byte, s *plan.Subject) []byte {
	op := slices.Index(ops[:], s.Proposed) + 1
	b = append(b, byte(op)) //nolint:gosec // there are few operations
	if op == 0 {
		b = appendText(b, string(s.Proposed))
	}
	b = appendText(b, string(s.Object.ID))
	b = w.append(b, s.Object.Attributes)
	b = appendFlag(b, s.Target != nil)
	if s.Target != nil {
		b = w.append(b, s.Target)
	}
	return b
}

// decodeBatch keeps body: the subjects read from it.
func decodeBatch(body []byte) (*batch, []subject, error) {
	p := newRowReader(body)
	b := &batch{generation: p.uvarint(), logs: p.flag(), now: time.UnixMilli(p.varint()), kind: directory.Kind(p.text())}
	n := p.fixed()
	subjects, rows := make([]subject, n), make([]row, 0, n)
	next := func() *row {
		if len(rows) == cap(rows) {
			rows = make([]row, 0, n)
		}
		rows = rows[:len(rows)+1]
		r := &rows[len(rows)-1]
		p.row(r)
		return r
	}
	for i := range subjects {
		s := &subjects[i]
		s.proposed = p.op()
		s.id = directory.ID(p.text())
		s.data = next()
		if p.flag() {
			s.target = next()
		}
		if p.bad {
			break
		}
	}
	return b, subjects, p.done()
}

// fixed reads the number of subjects, each of which takes at least one byte.
func (p *scanner) fixed() int {
	const size = 4
	if len(p.rest) < size {
		p.fail()
		return 0
	}
	n := binary.LittleEndian.Uint32(p.rest)
	p.rest = p.rest[size:]
	if uint64(n) > uint64(len(p.rest)) {
		p.fail()
		return 0
	}
	return int(n)
}

func (p *scanner) op() plan.Op {
	n := int(p.byte())
	switch {
	case n == 0:
		return plan.Op(p.text())
	case n > len(ops):
		p.fail()
		return ""
	}
	return ops[n-1]
}
