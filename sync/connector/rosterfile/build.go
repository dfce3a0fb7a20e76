package rosterfile

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// roster is a file that was read and understood.
type roster struct {
	sum      directory.Digest
	absent   bool // there is no file yet
	snapshot *directory.Snapshot
	broken   map[directory.ID]*trouble // ids of rows that were left out
	columns  []Column
	declared map[string]directory.Type
	seen     Recognised
	hidden   []string // attributes that two columns mean, with the reason
	vague    string   // why it is unknown who may be used; "" when it is known
	// changed holds whom Apply changed since: absent ones are nil.
	changed map[directory.ID]*directory.Object
	retries int
	took    time.Duration
}

// build makes objects of rows.
type build struct {
	c      *Connector
	t      *table
	l      *layout
	s      *survey
	out    *directory.Builder
	broken map[directory.ID]*trouble
	probs  problems
	read   reader
	attrs  directory.Attributes // of the row at hand; used again for the next

	template Template
	paths    pathStyle

	departments map[directory.ID]bool
	unresolved  problems // managers that name nobody
	resolved    int
	bad         []int // columns of the row at hand that were reported
}

// build makes the snapshot of a table. Faults: Invalid about the file as a
// whole, Unavailable when ctx ends.
func (c *Connector) build(ctx context.Context, t *table) (*roster, error) {
	b, err := c.understand(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := b.people(ctx); err != nil {
		return nil, err
	}
	b.reportMerges()
	b.reportUnnamed()
	b.reportManagers()
	b.addDepartments()
	return b.finish(), nil
}

// understand settles what the columns of a table mean, and who is in it. It makes
// no object yet. Faults: Invalid about the file as a whole, Unavailable when ctx
// ends.
func (c *Connector) understand(ctx context.Context, t *table) (*build, error) {
	l, err := c.layout(t)
	if err != nil {
		return nil, err
	}
	s, err := c.survey(ctx, t, l)
	if err != nil {
		return nil, err
	}
	isDate := func(f *field) bool { return l.detect[f.column] && s.tallies[f.column].isDate(t.header[f.column]) }
	l.fields = slices.DeleteFunc(l.fields, func(f field) bool { return f.detected() && !isDate(&f) })
	for i := range l.fields {
		if f := &l.fields[i]; f.typ == directory.Text && isDate(f) {
			f.typ = directory.Date
		}
	}
	b := &build{
		c: c, t: t, l: l, s: s, out: directory.NewBuilder(c.o.System, c.o.Now()), template: templateOf(t.header),
		paths:  pathStyle{template: templateOf(t.header), root: plain(c.o.Root)},
		broken: map[directory.ID]*trouble{}, probs: problems{file: c.name}, unresolved: problems{file: c.name},
		read: reader{c.o.Zone, t.date1904}, attrs: directory.Attributes{}, departments: map[directory.ID]bool{},
	}
	if l.enabled >= 0 {
		name := t.header[l.enabled]
		if why := l.doubtStatus(name, &s.tallies[l.enabled]); why != nil {
			l.hidden[directory.AttrActive] = why.en + " / " + why.zh
			b.probs.add(b.probs.place(t.headerRow, name), why, false)
		}
	}
	return b, nil
}

// people makes an object of every good row.
func (b *build) people(ctx context.Context) error {
	merged := newMerges(b.t.merges)
	n := 0
	for r := range b.t.drain() {
		if n++; n%pollRows == 0 && ctx.Err() != nil {
			return b.c.explain(ctx.Err())
		}
		covered := merged.cover(r, b.l.id)
		// The snapshot keeps ids as they are: one that is part of the table's text
		// would keep all of that text.
		id := directory.ID(strings.Clone(idOf(r.cell(b.l.id))))
		column, why := b.judge(r, covered, string(id))
		if why != nil {
			b.leaveOut(r.number, column, id, why)
			continue
		}
		active, why := b.active(r)
		if why != nil {
			b.leaveOut(r.number, b.t.header[b.l.enabled], id, why)
			continue
		}
		b.attributes(r)
		b.out.Add(directory.Object{Key: directory.Key{Kind: directory.User, ID: id}, Active: active, Attributes: b.attrs})
	}
	return nil
}

// judge says what makes a row broken, and in which column.
func (b *build) judge(r *row, covered bool, id string) (string, *trouble) {
	column := b.t.header[b.l.id]
	one := r.cell(b.l.id)
	switch {
	case r.flaw != flawNone:
		return "", rowTrouble(r.flaw)
	case covered:
		return column, &trouble{"the cell is merged with others: take the merge apart and fill every cell", "这个单元格与其他单元格合并了：请取消合并并逐格填写"}
	case one.kind.unreadable():
		return column, unreadable(one)
	case id == "":
		return column, &trouble{"the row has no id: fill it in or remove the row", "这一行没有编号：请填写，或删除这一行"}
	}
	rows, clash := b.s.clashes[strings.ToLower(id)]
	if !clash {
		return "", nil
	}
	list := numbers(rows)
	return column, &trouble{
		fmt.Sprintf("“%s” stands in rows %s: all of them are left out until each has an id of its own", short(id), list),
		fmt.Sprintf("“%s”在第 %s 行重复：改成各自的编号之前，这些行都不算", short(id), list),
	}
}

// numbers lists row numbers.
func numbers(rows []int) string {
	const most = 10
	var parts []string
	for i, n := range rows {
		if i == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ", ")
}

// leaveOut reports a broken row.
func (b *build) leaveOut(row int, column string, id directory.ID, why *trouble) {
	place := b.probs.place(row, column)
	b.probs.add(place, why, true)
	if id != "" {
		b.broken[id] = &trouble{en: place + ": " + why.en, zh: place + "：" + why.zh}
	}
}

// active tells whether the account may be used. A row that says neither yes nor
// no cannot be judged.
func (b *build) active(r *row) (bool, *trouble) {
	if b.l.enabled < 0 {
		return true, nil
	}
	one := r.cell(b.l.enabled)
	if one.kind == cellEmpty {
		return true, nil
	}
	if one.kind.unreadable() {
		return false, unreadable(one)
	}
	active, ok := b.l.words.active(one.text)
	if !ok {
		return false, quoted("not yes or no (是, 否, true, false, 1, 0)", "不是“是”或“否”（是、否、true、false、1、0）", one.text)
	}
	return active, nil
}

// attributes fills in what the row says.
func (b *build) attributes(r *row) {
	clear(b.attrs)
	b.bad = b.bad[:0]
	for i := range b.l.fields {
		f := &b.l.fields[i]
		one := r.cell(f.column)
		var v directory.Value
		var why *trouble
		switch {
		case f.typ != directory.Refs || one.kind.unreadable():
			v, why = b.read.value(f, one)
		case f.name == directory.AttrDepartments:
			v, why = b.memberOf(f, one)
		default:
			v = b.manager(r.number, f, one)
		}
		if why != nil {
			v = b.probs.hidden(r.number, b.t.header[f.column], why)
			b.reportCell(r.number, f, one, why)
		}
		b.attrs[f.name] = v
	}
	for name, reason := range b.l.hidden {
		b.attrs[name] = directory.Hidden(reason)
	}
}

// reportCell reports a cell once, whatever the number of attributes it feeds. A
// cell that is only a text under its own heading says nothing about who is
// here. Merged cells are reported by their area.
func (b *build) reportCell(row int, f *field, one cell, why *trouble) {
	if slices.Contains(b.bad, f.column) {
		return
	}
	b.bad = append(b.bad, f.column)
	if one.kind != cellMerged {
		b.probs.add(b.probs.place(row, b.t.header[f.column]), why, b.serious(f.column))
	}
}

// serious tells whether a column is more than a text under its own heading.
func (b *build) serious(column int) bool {
	for i := range b.l.fields {
		f := &b.l.fields[i]
		if f.column == column && (f.typ != directory.Text || f.name != b.t.header[column] || f.plain || !b.l.detect[column]) {
			return true
		}
	}
	return column == b.l.id || column == b.l.enabled
}

// memberOf gives the departments of a row and remembers them with all above.
func (b *build) memberOf(f *field, one cell) (directory.Value, *trouble) {
	paths, why := b.paths.read(one.text, f.format)
	if why != nil {
		return directory.Value{}, why
	}
	for _, id := range paths {
		for ; id != "" && !b.departments[id]; id = parentOf(id) {
			b.departments[id] = true
		}
	}
	return directory.RefsToKind(directory.Department, paths...), nil
}

// manager finds the person whom a cell names by id or employee number. A name
// is not enough to go by.
func (b *build) manager(row int, f *field, one cell) directory.Value {
	text := plain(one.text)
	if text == "" || nothing(text) {
		return directory.Empty(directory.Refs)
	}
	id := text
	p, found := b.s.find(id)
	if !found {
		id = b.s.numbers[text]
		p, found = b.s.find(id)
	}
	if found && !p.bad {
		b.resolved++
		return directory.RefsToKind(directory.User, directory.ID(id))
	}
	why := quoted("not the id or employee number of another row", "不是其他行的编号或工号", one.text)
	if found {
		why = quoted("the id of a row that cannot be read", "所在的行读不懂", one.text)
	}
	b.unresolved.add(b.probs.place(row, b.t.header[f.column]), why, false)
	return b.probs.hidden(row, b.t.header[f.column], why)
}

// finish puts the parts together.
func (b *build) finish() *roster {
	h := b.out.Health()
	h.Departments, h.Pages = len(b.departments), 1
	h.Problems = b.probs.listed()
	h.PartialFor = b.probs.partial(b.c.o.Contents)
	h.Scope = strings.TrimSpace("id=" + b.t.header[b.l.id] + " sheet=" + b.t.sheet)
	for _, s := range standards() {
		if reason := b.l.hidden[s.name]; reason != "" {
			h.Hidden = append(h.Hidden, reason)
		}
	}
	unsettled := slices.Clone(h.Hidden)
	vague := b.l.hidden[directory.AttrActive]
	if vague != "" {
		h.Hidden = append(h.Hidden, vague)
	}
	snapshot, _ := b.out.Finish()
	r := &roster{snapshot: snapshot, broken: b.broken, declared: map[string]directory.Type{}}
	for i := range b.l.fields {
		f := &b.l.fields[i]
		r.declared[f.name] = f.typ
	}
	for _, s := range standards() {
		if _, hidden := b.l.hidden[s.name]; hidden {
			r.declared[s.name] = s.typ
		}
	}
	r.columns = b.columnList()
	r.seen = b.recognised()
	r.hidden, r.vague = unsettled, vague
	return r
}
