package scripting

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// kinds are the kinds of object that a rule may judge.
var kinds = [...]directory.Kind{directory.User, directory.Department}

// setup is what a child needs before it can judge.
type setup struct {
	zone       string
	turns      []turn
	objectTime time.Duration
	batchTime  time.Duration
	callDepth  int
	memory     int64 // bytes beyond what the child takes at its start
	cover      bool  // see Options.Cover
	rules      []ruleText
	declared   map[directory.Kind]map[string]directory.Type
}

// ruleText is one rule file.
type ruleText struct {
	kind   directory.Kind
	source string
}

func (s *setup) encode() []byte {
	b := appendText(nil, s.zone)
	b = binary.AppendUvarint(b, uint64(len(s.turns)))
	for _, t := range s.turns {
		b = binary.AppendVarint(b, t.at)
		b = binary.AppendVarint(b, int64(t.offset))
		b = appendText(b, t.name)
	}
	b = binary.AppendUvarint(b, uint64(s.objectTime))
	b = binary.AppendUvarint(b, uint64(s.batchTime))
	b = binary.AppendUvarint(b, uint64(s.callDepth))
	b = binary.AppendUvarint(b, uint64(s.memory))
	b = appendFlag(b, s.cover)
	b = binary.AppendUvarint(b, uint64(len(s.rules)))
	for _, r := range s.rules {
		b = appendText(b, string(r.kind))
		b = appendText(b, r.source)
	}
	b = binary.AppendUvarint(b, uint64(len(s.declared)))
	for kind, names := range s.declared {
		b = appendText(b, string(kind))
		b = binary.AppendUvarint(b, uint64(len(names)))
		for name, typ := range names {
			b = appendText(b, name)
			b = append(b, byte(typ))
		}
	}
	return b
}

func decodeSetup(body []byte) (*setup, error) {
	p := scanner{rest: body}
	s := &setup{zone: p.text(), declared: map[directory.Kind]map[string]directory.Type{}}
	for range p.count() {
		s.turns = append(s.turns, turn{at: p.varint(), offset: int32(p.varint()), name: p.text()})
	}
	s.objectTime = time.Duration(p.uvarint())
	s.batchTime = time.Duration(p.uvarint())
	s.callDepth = p.number()
	s.memory = int64(p.number())
	s.cover = p.flag()
	for range p.count() {
		s.rules = append(s.rules, ruleText{kind: directory.Kind(p.text()), source: p.text()})
	}
	for range p.count() {
		kind := directory.Kind(p.text())
		n := p.count()
		names := make(map[string]directory.Type, n)
		for range n {
			name := p.text()
			names[name] = directory.Type(p.byte())
		}
		s.declared[kind] = names
	}
	if s.objectTime <= 0 || s.batchTime <= 0 {
		p.fail()
	}
	return s, p.done()
}

// place is a spot in a rule file, from 1.
type place struct{ line, column int }

// problem is what is wrong with a rule's text.
type problem struct {
	place
	say     string
	written string // the attribute, when it is about one that is written undeclared
}

// summary is what the child found in one rule's text.
type summary struct {
	lines    []int // of the statements, with setup.cover
	kind     directory.Kind
	problems []problem // when there is one, the rule cannot run
	calls    plan.Calls
	doubts   []problem // what somebody should look at
}

func encodeReady(sums []summary) []byte {
	b := binary.AppendUvarint(nil, uint64(len(sums)))
	for _, s := range sums {
		b = appendText(b, string(s.kind))
		b = append(b, callBits(s.calls))
		for _, list := range [][]problem{s.problems, s.doubts} {
			b = binary.AppendUvarint(b, uint64(len(list)))
			for _, p := range list {
				b = appendPlace(b, p.place)
				b = appendText(b, p.say)
				b = appendText(b, p.written)
			}
		}
		b = appendNumbers(b, s.lines)
	}
	return b
}

func decodeReady(body []byte) ([]summary, error) {
	p := scanner{rest: body}
	var sums []summary
	for range p.count() {
		s := summary{kind: directory.Kind(p.text()), calls: bitCalls(p.byte())}
		for _, list := range []*[]problem{&s.problems, &s.doubts} {
			for range p.count() {
				*list = append(*list, problem{place: p.place(), say: p.text(), written: p.text()})
			}
		}
		s.lines = p.numbers()
		sums = append(sums, s)
	}
	return sums, p.done()
}

func appendPlace(b []byte, at place) []byte {
	b = binary.AppendUvarint(b, uint64(at.line))
	return binary.AppendUvarint(b, uint64(at.column))
}

func (p *scanner) place() place { return place{line: p.number(), column: p.number()} }

// The bits of a verdict; callBits uses the first four.
const (
	bitCreate = 1 << iota
	bitUpdate
	bitDisable
	bitDelete
	bitAbortAny
	bitReturned
	bitFailed
	bitLimit
	bitOverstayed
	bitData
)

func callBits(c plan.Calls) byte {
	var bits byte
	for i, set := range []bool{c.Create, c.Update, c.Disable, c.Delete} {
		if set {
			bits |= 1 << i
		}
	}
	return bits
}

func bitCalls(bits byte) plan.Calls {
	return plan.Calls{
		Create:  bits&bitCreate != 0,
		Update:  bits&bitUpdate != 0,
		Disable: bits&bitDisable != 0,
		Delete:  bits&bitDelete != 0,
	}
}

// judgement is a verdict on its way: of the data only what changed, of places only
// the line.
type judgement struct {
	plan.Verdict
	overstayed bool
	logs       []string
	trail      trail
}

// encode appends the judgement.
func (j *judgement) encode(b []byte) []byte {
	bits := uint64(callBits(j.Calls))
	limit := j.Failed != nil && j.Failed.Limit
	for i, set := range []bool{j.AbortAny, j.Returned, j.Failed != nil, limit, j.overstayed, j.Data != nil} {
		if set {
			bits |= bitAbortAny << i
		}
	}
	b = binary.AppendUvarint(b, bits)
	b = binary.AppendUvarint(b, uint64(j.At.Line))
	if j.Failed != nil {
		b = binary.AppendUvarint(b, uint64(j.Failed.Line))
		b = appendText(b, j.Failed.Say)
	}
	b = binary.AppendUvarint(b, uint64(len(j.Abort)))
	for _, op := range j.Abort {
		b = appendText(b, string(op))
	}
	b = appendText(b, j.Reason)
	b = binary.AppendUvarint(b, uint64(len(j.Looked)))
	for _, key := range j.Looked {
		b = appendText(appendText(b, string(key.Kind)), string(key.ID))
	}
	b = j.trail.encode(b)
	b = binary.AppendUvarint(b, uint64(len(j.logs)))
	for _, line := range j.logs {
		b = appendText(b, line)
	}
	if j.Data != nil {
		b = appendAttributes(b, j.Data)
	}
	return b
}

func decodeJudgement(body []byte) (*judgement, error) { return decodeChanges(body, nil) }

// decodeChanges decodes a judgement. When the rule changed something, its data are
// those before with the changes.
func decodeChanges(body []byte, before directory.Attributes) (*judgement, error) {
	p := scanner{rest: body}
	bits := p.uvarint()
	if bits >= bitData<<1 {
		p.fail()
	}
	j := &judgement{overstayed: bits&bitOverstayed != 0}
	j.Calls = bitCalls(byte(bits)) // only the lowest bits are looked at
	j.AbortAny = bits&bitAbortAny != 0
	j.Returned = bits&bitReturned != 0
	j.At.Line = p.number()
	if bits&bitFailed != 0 {
		j.Failed = &plan.RuleError{Line: p.number(), Say: p.text(), Limit: bits&bitLimit != 0}
	}
	if j.overstayed && j.Failed == nil {
		p.fail()
	}
	for range p.count() {
		j.Abort = append(j.Abort, plan.Op(p.text()))
	}
	j.Reason = p.text()
	for range p.count() {
		j.Looked = append(j.Looked, p.key())
	}
	j.trail = p.trail()
	for range p.count() {
		j.logs = append(j.logs, p.text())
	}
	if bits&bitData != 0 {
		j.Data = p.attributes(before)
	}
	return j, p.done()
}

// key reads the key of an object of either kind.
func (p *scanner) key() directory.Key {
	key := directory.Key{Kind: directory.Kind(p.text()), ID: directory.ID(p.text())}
	if !slices.Contains(kinds[:], key.Kind) {
		p.fail()
	}
	return key
}

// lookup asks for the objects of an id; no kind stands for both.
type lookup struct {
	kind directory.Kind
	id   directory.ID
}

func (l lookup) encode() []byte { return appendText(appendText(nil, string(l.kind)), string(l.id)) }

func decodeLookup(body []byte) (lookup, error) {
	p := scanner{rest: body}
	l := lookup{kind: directory.Kind(p.text()), id: directory.ID(p.text())}
	if l.kind != "" && !slices.Contains(kinds[:], l.kind) {
		p.fail()
	}
	return l, p.done()
}

func encodeAnswer(found []directory.Object) []byte {
	b := binary.AppendUvarint(nil, uint64(len(found)))
	for _, o := range found {
		b = appendObject(b, o)
	}
	return b
}

func decodeAnswer(body []byte) ([]directory.Object, error) {
	p := scanner{rest: body}
	var found []directory.Object
	for range p.count() {
		found = append(found, p.object())
	}
	return found, p.done()
}
