package rosterfile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// line is one row of a file as it is written, with what divides it from the next.
type line struct {
	number int // as the sheet counts; 0 in a CSV, where the place tells
	raw    []byte
}

// form is how a kind of file is written. Errors are faults, Invalid unless said
// otherwise.
type form interface {
	// cells reads a line as the reader of the whole file does.
	cells(l line, r *row) error
	// put gives a line with some cells replaced. New cells look like those of
	// pattern.
	put(l, pattern line, cells []entry) (line, error)
	// add gives a new empty line for the place below another.
	add(below line) line
	// vacant tells whether a line that is there may be filled.
	vacant(l line) bool
	// drop gives what is left of a line that was removed; false: nothing.
	drop(l line) (line, bool)
	// widen gives the line with room for a column at its end.
	widen(l line, columns int) line
	// bytes gives the whole file.
	bytes(lines []line) ([]byte, error)
}

// document is a file that is changed line by line.
type document struct {
	c      *Connector
	sum    directory.Digest
	size   int64
	mod    time.Time
	absent bool // there is no file yet
	dirty  bool // the lines are not what is on the disk
	wider  bool // and there is a column more, so that everybody has an attribute more

	b     *build // what the columns mean, and who is there
	form  form
	lines []line
	head  int            // place of the headings
	last  int            // place of the last line that holds something, at least head
	index map[string]int // place by id in lower case
	bad   map[int]badRow
	row   row // that is used again and again
}

// badRow is a row that is not touched.
type badRow struct {
	why   *trouble
	blind bool // it cannot be told whose it is
}

// load makes a document of a file's content. Faults: Invalid about the file as a
// whole, Unavailable when ctx ends.
func (c *Connector) load(ctx context.Context, data []byte) (*document, error) {
	t, err := c.table(ctx, data)
	if err != nil {
		return nil, err
	}
	b, err := c.understand(ctx, t)
	if err != nil {
		return nil, err
	}
	d := &document{c: c, b: b, index: make(map[string]int, t.rows), bad: map[int]badRow{}}
	if c.o.format() == formatXLSX {
		err = d.splitSheet(data)
	} else {
		err = d.splitText(data)
	}
	if err != nil {
		return nil, err
	}
	return d, d.survey(ctx)
}

// survey notes who stands where.
func (d *document) survey(ctx context.Context) error {
	at := make(map[int]int, len(d.lines))
	for i := range d.lines {
		at[d.number(i)] = i
	}
	place, ok := at[d.b.t.headerRow]
	if !ok {
		return d.c.bookFault(errDamaged)
	}
	d.head, d.last = place, place
	merged, n := newMerges(d.b.t.merges), 0
	for r := range d.b.t.drain() {
		if n++; n%pollRows == 0 && ctx.Err() != nil {
			return d.c.explain(ctx.Err())
		}
		i, ok := at[r.number]
		if !ok {
			return d.c.bookFault(errDamaged)
		}
		d.last = max(d.last, i)
		covered := merged.cover(r, d.b.l.id)
		id := strings.Clone(idOf(r.cell(d.b.l.id)))
		if r.flaw == flawQuote {
			return d.c.invalid(fmt.Sprintf("the quotes in row %d do not pair, so that nothing can be written: correct the row first", r.number),
				fmt.Sprintf("第 %d 行引号不成对，不能写入：请先改正这一行", r.number))
		}
		if column, why := d.b.judge(r, covered, id); why != nil {
			place := d.b.probs.place(r.number, column)
			d.bad[i] = badRow{&trouble{en: place + ": " + why.en, zh: place + "：" + why.zh}, id == "" || r.flaw != flawNone}
		}
		if id != "" {
			d.index[strings.ToLower(id)] = i
		}
	}
	return nil
}

// number gives the number of a line as a spreadsheet counts.
func (d *document) number(at int) int {
	if n := d.lines[at].number; n > 0 {
		return n
	}
	return at + 1
}

// find gives the place of somebody. Faults: NotFound, Conflict when the id
// differs only by case, Invalid when the row cannot be read.
func (d *document) find(id directory.ID) (int, error) {
	at, ok := d.index[strings.ToLower(string(id))]
	if !ok {
		return 0, fault.New(fault.NotFound, "nobody in %s has the id %s / %s 里没有编号 %s", d.c.name, id, d.c.name, id)
	}
	if bad, ok := d.bad[at]; ok {
		return 0, fault.New(fault.Invalid, "%s / %s", bad.why.en, bad.why.zh)
	}
	if err := d.form.cells(d.lines[at], &d.row); err != nil {
		return 0, err
	}
	if written := idOf(d.row.cell(d.b.l.id)); written != string(id) {
		return 0, fault.New(fault.NotFound, "row %d of %s has the id %s, which is not %s / %s 第 %d 行的编号是 %s，不是 %s",
			d.number(at), d.c.name, written, id, d.c.name, d.number(at), written, id)
	}
	return at, nil
}

// object reads somebody as Read would give them.
func (d *document) object(id directory.ID, at int) (*directory.Object, error) {
	if err := d.form.cells(d.lines[at], &d.row); err != nil {
		return nil, err
	}
	active, why := d.b.active(&d.row)
	if why != nil {
		return nil, fault.New(fault.Invalid, "%s / %s", why.en, why.zh)
	}
	d.row.number = d.number(at)
	d.b.attributes(&d.row)
	d.b.probs, d.b.unresolved = problems{file: d.c.name}, problems{file: d.c.name}
	return &directory.Object{Key: directory.Key{Kind: directory.User, ID: id}, Active: active, Attributes: d.b.attrs.Clone()}, nil
}

// append puts a new line below the last that holds something. It fills a line
// that is there and empty.
func (d *document) append(cells []entry) (int, error) {
	pattern, at := d.lines[d.last], d.last+1
	fresh, there := d.form.add(pattern), false
	for ; at < len(d.lines) && d.lines[at].number > 0 && d.lines[at].number == fresh.number; at++ {
		if there = d.form.vacant(d.lines[at]); there {
			fresh = d.lines[at]
			break
		}
		fresh = d.form.add(d.lines[at])
	}
	if d.last == d.head {
		pattern = line{}
	}
	l, err := d.form.put(fresh, pattern, cells)
	if err != nil {
		return 0, err
	}
	d.dirty = true
	if there {
		d.lines[at] = l
	} else {
		d.lines = slices.Insert(d.lines, at, l)
	}
	d.last = at
	return at, nil
}

// remove takes a line away.
func (d *document) remove(at int) {
	d.dirty = true
	if l, left := d.form.drop(d.lines[at]); left {
		d.lines[at] = l
	} else {
		d.lines = slices.Delete(d.lines, at, at+1)
		d.moveUp(at)
		d.last--
	}
	for d.last > d.head && !d.holds(d.last) {
		d.last--
	}
}

// moveUp tells that the lines below a place stand one higher now.
func (d *document) moveUp(at int) {
	for id, i := range d.index {
		if i > at {
			d.index[id] = i - 1
		}
	}
	moved := make(map[int]badRow, len(d.bad))
	for i, bad := range d.bad {
		if i > at {
			i--
		}
		moved[i] = bad
	}
	d.bad = moved
}

// holds tells whether a line has anything in a named column.
func (d *document) holds(at int) bool {
	return d.form.cells(d.lines[at], &d.row) == nil && slices.ContainsFunc(d.row.cells, func(one cell) bool { return one.kind != cellEmpty })
}

// addColumn makes a column with a heading, and settles anew what columns mean.
func (d *document) addColumn(name string) error {
	t := d.b.t
	column := len(t.header)
	for i := range t.unnamed {
		column = max(column, i+1)
	}
	if column >= maxColumns {
		return d.c.invalid(fmt.Sprintf("there is no room for the column %s", name), fmt.Sprintf("放不下新的列 %s", name))
	}
	d.dirty, d.wider = true, true
	for i := range d.lines {
		if i == d.head || i > d.head && d.holds(i) && d.row.flaw == flawNone {
			d.lines[i] = d.form.widen(d.lines[i], column+1)
		}
	}
	l, err := d.form.put(d.lines[d.head], d.lines[d.head], []entry{{column: column, kind: entryText, text: name}})
	if err != nil {
		return err
	}
	d.lines[d.head] = l
	for len(t.header) <= column {
		t.header = append(t.header, "")
	}
	t.header[column] = heading(name)
	return d.relabel(column)
}

// relabel settles anew what the columns mean when there is one more. Which of the
// others hold dates stays as it was found.
func (d *document) relabel(added int) error {
	old := d.b.l
	l, err := d.c.layout(d.b.t)
	if err != nil {
		return err
	}
	l.fields = slices.DeleteFunc(l.fields, func(f field) bool { return f.detected() && f.column != added && !old.has(f.name) })
	for i := range l.fields {
		f := &l.fields[i]
		for _, was := range old.fields {
			if was.name == f.name {
				f.typ = was.typ
			}
		}
	}
	if why, vague := old.hidden[directory.AttrActive]; vague {
		l.enabled, l.hidden[directory.AttrActive] = -1, why
	}
	d.b.l = l
	return nil
}
