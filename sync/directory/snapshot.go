package directory

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Health is a snapshot's proof of a healthy read: how much was asked and how
// it went. It is shown with every plan.
type Health struct {
	Departments int           `json:"departments"`        // departments that were listed
	Pages       int           `json:"pages"`              // pages, calls or sheets read
	Retries     int           `json:"retries"`            // calls that had to be repeated
	Problems    []Problem     `json:"problems,omitempty"` // what is wrong with single rows or pages
	Restarts    int           `json:"restarts,omitempty"` // listings begun again from the first page
	Took        time.Duration `json:"took,omitempty"`     // of the whole read
	Scope       string        `json:"scope,omitempty"`    // fingerprint of what the credentials may see; "" = not known
	Hidden      []string      `json:"hidden,omitempty"`   // permissions that are missing, each hides attributes
	PartialFor  string        `json:"partial,omitempty"`  // why an absence proves nothing; "" when the snapshot is complete
}

// Problem is one thing that a source got wrong.
type Problem struct {
	Place string `json:"place"` // "roster.csv row 12 column 入职日期"
	Say   string `json:"say"`   // what is wrong and what to do, in both languages
}

// Snapshot is everything that one system showed at one time. It is immutable
// and safe for concurrent use. Objects are held in their canonical bytes,
// sorted by id, and decoded when they are asked for, so that a million of them
// stay small.
//
// Only a complete snapshot proves that something is missing.
type Snapshot struct {
	System  string
	TakenAt time.Time
	Health  Health

	kinds [2]table
}

// table holds the objects of one kind.
type table struct {
	ids     []ID
	records [][]byte
}

// Complete tells whether the snapshot proves absences.
func (s *Snapshot) Complete() bool { return s.Health.PartialFor == "" }

func (s *Snapshot) table(kind Kind) *table {
	if kind == Department {
		return &s.kinds[1]
	}
	return &s.kinds[0]
}

// Len gives the number of objects of a kind.
func (s *Snapshot) Len(kind Kind) int { return len(s.table(kind).ids) }

// Get gives one object.
func (s *Snapshot) Get(key Key) (Object, bool) {
	t := s.table(key.Kind)
	i, found := slices.BinarySearch(t.ids, key.ID)
	if !found {
		return Object{}, false
	}
	return mustDecode(t.records[i]), true
}

// Has tells whether an object is there, without decoding it.
func (s *Snapshot) Has(key Key) bool {
	_, found := slices.BinarySearch(s.table(key.Kind).ids, key.ID)
	return found
}

// All gives every object of a kind in the order of ids.
func (s *Snapshot) All(kind Kind) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, record := range s.table(kind).records {
			if !yield(mustDecode(record)) {
				return
			}
		}
	}
}

// Records gives the canonical bytes of every object of a kind, in the order of
// ids; they must not be changed.
func (s *Snapshot) Records(kind Kind) iter.Seq[[]byte] { return slices.Values(s.table(kind).records) }

// Digest identifies the content: every object, but neither the time of reading
// nor its health.
func (s *Snapshot) Digest() Digest {
	h := sha256.New()
	for i := range s.kinds {
		for _, record := range s.kinds[i].records {
			h.Write(record)
		}
	}
	var d Digest
	h.Sum(d[:0])
	return d
}

// mustDecode reads a record that a Builder wrote; damage there is our bug.
func mustDecode(record []byte) Object {
	o, err := DecodeObject(record)
	if err != nil {
		panic(fmt.Sprintf("directory: %v", err))
	}
	return o
}

// Builder collects objects into a Snapshot. It is not safe for concurrent use.
type Builder struct {
	snap  Snapshot
	arena []byte
}

// Records share allocations of arenaSize bytes; a new one begins when less than
// recordRoom is left, since growing the slice would copy all of it. The first ones
// are smaller: a process keeps snapshots of many small systems.
const (
	arenaSize  = 1 << 20
	firstArena = 64 << 10
	recordRoom = 16 << 10
)

// NewBuilder begins a snapshot of a system.
func NewBuilder(system string, at time.Time) *Builder {
	return &Builder{snap: Snapshot{System: system, TakenAt: at}}
}

// Add takes an object. Objects may come in any order.
func (b *Builder) Add(o Object) {
	if cap(b.arena)-len(b.arena) < recordRoom {
		b.arena = make([]byte, 0, min(arenaSize, max(firstArena, 2*cap(b.arena))))
	}
	start := len(b.arena)
	b.arena = AppendObject(b.arena, o)
	b.addRecord(o.Key, b.arena[start:len(b.arena):len(b.arena)])
}

func (b *Builder) addRecord(key Key, record []byte) {
	t := b.snap.table(key.Kind)
	t.ids = append(t.ids, key.ID)
	t.records = append(t.records, record)
}

// Health gives the health record to fill in.
func (b *Builder) Health() *Health { return &b.snap.Health }

// Incomplete marks the snapshot as proving no absence; the first reason stays.
func (b *Builder) Incomplete(format string, args ...any) {
	if b.snap.Health.PartialFor == "" {
		b.snap.Health.PartialFor = fmt.Sprintf(format, args...)
	}
}

// Len gives the number of objects of a kind so far.
func (b *Builder) Len(kind Kind) int { return b.snap.Len(kind) }

// AddAll takes every object of a snapshot that skip does not name, without decoding
// any.
func (b *Builder) AddAll(s *Snapshot, skip map[Key]bool) {
	for _, kind := range []Kind{User, Department} {
		t := s.table(kind)
		for i, id := range t.ids {
			if key := (Key{kind, id}); !skip[key] {
				b.addRecord(key, t.records[i])
			}
		}
	}
}

// Finish gives the snapshot and the keys that came more than once. Of a
// repeated key the first object counts, and the snapshot is marked incomplete:
// a listing that repeats itself may have lost something too. The builder must
// not be used afterwards.
func (b *Builder) Finish() (*Snapshot, []Key) {
	var twice []Key
	for i, kind := range []Kind{User, Department} {
		t := &b.snap.kinds[i]
		order := make([]int, len(t.ids))
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(t.ids[x], t.ids[y]) })
		sorted := table{ids: make([]ID, 0, len(order)), records: make([][]byte, 0, len(order))}
		for _, j := range order {
			if n := len(sorted.ids); n > 0 && sorted.ids[n-1] == t.ids[j] {
				twice = append(twice, Key{kind, t.ids[j]})
				continue
			}
			sorted.ids = append(sorted.ids, t.ids[j])
			sorted.records = append(sorted.records, t.records[j])
		}
		*t = sorted
	}
	if len(twice) > 0 {
		b.Incomplete("repeated id %s / 编号重复 %s", twice[0].ID, twice[0].ID)
	}
	return &b.snap, twice
}
