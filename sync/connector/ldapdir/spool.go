package ldapdir

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// spool keeps people until the whole listing is known: their references are DNs,
// and whoever they name may come later. They are held in their canonical bytes,
// so that a million of them stay small.
type spool struct {
	records [][]byte
	arena   []byte
	byName  map[[16]byte]directory.ID // of everybody, by the hash of the DN
	twice   map[[16]byte]bool         // names that fold to the same
}

// Marks of what a spooled object carries beside its attributes; no attribute's
// name begins so.
const (
	markRefs   = "\x00refs "
	markAbsent = "\x00absent"
)

const spoolChunk = 1 << 20

func newSpool() *spool {
	return &spool{byName: map[[16]byte]directory.ID{}, twice: map[[16]byte]bool{}}
}

func (s *spool) add(p *person, n name) {
	h := n.hash()
	if have, ok := s.byName[h]; ok && have != p.object.ID {
		s.twice[h] = true
	}
	s.byName[h] = p.object.ID
	o := p.object
	for field, dns := range p.refs {
		o.Attributes[markRefs+field] = directory.ListOf(dns...)
	}
	o.Attributes[markAbsent] = directory.ListOf(p.absent...)
	if cap(s.arena)-len(s.arena) < spoolChunk/64 {
		s.arena = make([]byte, 0, spoolChunk)
	}
	start := len(s.arena)
	s.arena = directory.AppendObject(s.arena, o)
	s.records = append(s.records, s.arena[start:len(s.arena):len(s.arena)])
}

// drain gives everybody back, each once, and forgets them on the way.
func (s *spool) drain(each func(*person)) error {
	for i, record := range s.records {
		s.records[i] = nil
		o, err := directory.DecodeObject(record)
		if err != nil {
			return err
		}
		p := person{object: o, refs: map[string][]string{}, absent: o.Attributes[markAbsent].List()}
		delete(o.Attributes, markAbsent)
		for name, v := range o.Attributes {
			if field, ok := strings.CutPrefix(name, markRefs); ok {
				p.refs[field] = v.List()
				delete(o.Attributes, name)
			}
		}
		each(&p)
	}
	return nil
}

// taken tells whether somebody has a DN.
func (s *spool) taken(dn string) bool {
	n, err := parseName(dn)
	if err != nil {
		return false
	}
	_, ok := s.byName[n.hash()]
	return ok
}

// user gives the id of the person with a DN.
func (s *spool) user(dn string) (directory.ID, bool) {
	n, err := parseName(dn)
	if err != nil {
		return "", false
	}
	h := n.hash()
	id, ok := s.byName[h]
	return id, ok && !s.twice[h]
}
