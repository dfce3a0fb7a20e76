package rosterfile

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// pollRows is how many rows are worked on between two looks at the context.
const pollRows = 4096

// person is what is known of an id before anybody is built: little, since there
// may be a million of them.
type person struct {
	row  int32
	bad  bool // the row is left out
	many bool // several rows have the id
}

// survey is what has to be known of all rows before one can be judged. Ids that
// differ by case only clash, so that people are found by the id in lower case.
type survey struct {
	people  map[string]person
	exact   map[string]string // the id as it is written, where that is not lower case
	clashes map[string][]int  // the rows of an id that several have
	numbers map[string]string // id by employee number; "" when several have it
	tallies []tally
}

// find gives the person with exactly this id.
func (s *survey) find(id string) (person, bool) {
	key := strings.ToLower(id)
	p, ok := s.people[key]
	if written, other := s.exact[key]; other {
		key = written
	}
	return p, ok && key == id
}

// tally counts what a column holds.
type tally struct {
	filled  int  // readable and not empty
	dates   int  // written as a date
	loose   int  // also what is a date only when the heading says so
	worded  bool // something stands there that is more than digits
	samples []string
}

const maxSamples = 3

// survey passes over all rows once.
func (c *Connector) survey(ctx context.Context, t *table, l *layout) (*survey, error) {
	s := &survey{
		people: make(map[string]person, t.rows), exact: map[string]string{}, clashes: map[string][]int{},
		numbers: map[string]string{}, tallies: make([]tally, len(t.header)),
	}
	read := reader{c.o.Zone, t.date1904}
	merged := newMerges(t.merges)
	n := 0
	for r := range t.all() {
		if n++; n%pollRows == 0 && ctx.Err() != nil {
			return nil, c.explain(ctx.Err())
		}
		covered := merged.cover(r, l.id)
		s.meet(r, l, covered)
		for i := range r.cells {
			if t.named(i) {
				s.tallies[i].count(r.cells[i], read, l.detect[i])
			}
		}
	}
	return s, nil
}

// meet takes a row's id and employee number.
func (s *survey) meet(r *row, l *layout, covered bool) {
	id := idOf(r.cell(l.id))
	if id == "" {
		return
	}
	key := strings.ToLower(id)
	p, there := s.people[key]
	if !there {
		p.row = int32(r.number) //nolint:gosec // a sheet has fewer rows
		if key != id {
			s.exact[key] = id
		}
	} else {
		if !p.many {
			s.clashes[key] = []int{int(p.row)}
		}
		s.clashes[key] = append(s.clashes[key], r.number)
	}
	p.many = there
	p.bad = p.bad || there || r.flaw != flawNone || covered
	s.people[key] = p
	if l.number < 0 || l.number == l.id {
		return
	}
	if number := idOf(r.cell(l.number)); number != "" {
		if _, taken := s.numbers[number]; taken {
			id = ""
		}
		s.numbers[number] = id
	}
}

// idOf gives an id as it stands in a cell, "" when there is none to be read.
func idOf(one cell) string {
	if one.kind.unreadable() {
		return ""
	}
	return plain(one.text)
}

func (t *tally) count(one cell, read reader, detect bool) {
	if one.kind == cellEmpty || one.kind.unreadable() {
		return
	}
	if len(t.samples) < maxSamples && !slices.Contains(t.samples, one.text) {
		t.samples = append(t.samples, strings.Clone(one.text))
	}
	if detect && nothing(one.text) {
		return
	}
	t.worded = t.worded || !digits(plain(one.text))
	t.filled++
	if !detect {
		return
	}
	if _, ok := read.day("", one); ok {
		t.loose++
		if one.kind == cellDate || one.kind == cellText && !digits(strings.ReplaceAll(one.text, ".", "")) || strings.Count(one.text, ".") == 2 {
			t.dates++
		}
	}
}

// isDate tells whether a column that nobody declared holds dates: its heading
// says so and the cells do not contradict, or nearly all its cells are written
// as dates. What a typo makes of one cell must not turn the others into text.
func (t *tally) isDate(heading string) bool {
	if namesDate(heading) {
		return 2*t.loose >= t.filled
	}
	const nearly = 9 // in ten
	return t.dates > 0 && 10*t.dates >= nearly*t.filled
}

// merges finds the merged areas that touch a row; rows are asked for in order.
type merges struct {
	next   []area // by their tops
	active []area
}

func newMerges(all []area) *merges {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b area) int { return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.left, b.left)) })
	return &merges{next: sorted}
}

// cover marks the cells of a row that lie under a merged area and are not its
// first, and tells whether an area touches the id.
func (m *merges) cover(r *row, id int) (touchesID bool) {
	if len(m.next) == 0 && len(m.active) == 0 {
		return false
	}
	m.active = slices.DeleteFunc(m.active, func(a area) bool { return a.bottom < r.number })
	for len(m.next) > 0 && m.next[0].top <= r.number {
		if m.next[0].bottom >= r.number {
			m.active = append(m.active, m.next[0])
		}
		m.next = m.next[1:]
	}
	for _, a := range m.active {
		touchesID = touchesID || a.left <= id && id <= a.right
		for i := a.left; i <= min(a.right, maxColumns); i++ {
			if i == a.left && r.number == a.top {
				continue
			}
			for len(r.cells) <= i {
				r.cells = append(r.cells, cell{})
			}
			r.cells[i] = cell{kind: cellMerged}
		}
	}
	return touchesID
}

// remember notes somebody whom Apply made.
func (s *survey) remember(id directory.ID, row int) {
	key := strings.ToLower(string(id))
	s.people[key] = person{row: int32(row)} //nolint:gosec // a sheet has fewer rows
	if key != string(id) {
		s.exact[key] = string(id)
	}
}

// forget drops somebody whom Apply removed.
func (s *survey) forget(id directory.ID) {
	key := strings.ToLower(string(id))
	delete(s.people, key)
	delete(s.exact, key)
	for number, of := range s.numbers {
		if of == string(id) {
			delete(s.numbers, number)
		}
	}
}

// renumber notes the employee number of a row that Apply wrote. One that another
// row has belongs to nobody.
func (s *survey) renumber(id directory.ID, l *layout, r *row) {
	if l.number < 0 || l.number == l.id {
		return
	}
	number := idOf(r.cell(l.number))
	if s.numbers[number] == string(id) {
		return
	}
	for old, of := range s.numbers {
		if of == string(id) {
			delete(s.numbers, old)
		}
	}
	if number == "" {
		return
	}
	if _, taken := s.numbers[number]; taken {
		s.numbers[number] = ""
		return
	}
	s.numbers[number] = string(id)
}
