package rosterfile

import (
	"cmp"
	"errors"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// back compares a cell of the row at hand with what was wished.
func (d *document) back(one wish) (string, bool) {
	got := d.row.cell(one.column)
	if one.field == nil {
		if one.value.Type() != directory.Bool {
			return got.text, true // the id, which was compared
		}
		active, known := d.b.l.words.active(got.text)
		want, _ := one.value.Bool()
		return got.text, got.kind == cellEmpty && want || known && active == want
	}
	switch {
	case got.kind == cellEmpty:
		return "", one.value.IsEmpty()
	case one.field.name == directory.AttrManager && !got.kind.unreadable():
		return got.text, plain(got.text) == one.text
	case one.field.typ == directory.Refs && !got.kind.unreadable():
		paths, why := d.b.paths.read(got.text, one.field.format)
		return got.text, why == nil && directory.RefsToKind(directory.Department, paths...).Equal(one.value)
	}
	v, why := d.b.read.value(one.field, got)
	return got.text, why == nil && v.Equal(one.value)
}

// wish is a cell and the value that it must give back; a status has no field, and
// neither has the id.
type wish struct {
	entry
	field *field
	value directory.Value
}

func entriesOf(list []wish) []entry {
	out := make([]entry, len(list))
	for i := range list {
		out[i] = list[i].entry
	}
	return out
}

// merge puts cells in the order of columns. Two attributes may feed one column
// only when they say the same.
func merge(header []string, list []wish) ([]wish, error) {
	slices.SortStableFunc(list, func(a, b wish) int { return cmp.Compare(a.column, b.column) })
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; a.column == b.column && (a.text != b.text || a.kind != b.kind) {
			return nil, fault.New(fault.Invalid, "column %s would have to hold both “%s” and “%s” / %s 列要同时写“%s”和“%s”",
				header[a.column], short(a.text), short(b.text), header[a.column], short(a.text), short(b.text))
		}
	}
	return slices.CompactFunc(list, func(a, b wish) bool { return a.column == b.column }), nil
}

// entries makes cells of attributes, and columns for those that have none. What
// now holds the same already is left out.
func (d *document) entries(after directory.Attributes, now *directory.Object) ([]wish, error) {
	var list []wish
	for _, name := range ordered(after) {
		v := after[name]
		switch {
		case v.Type() == directory.Unknown, now != nil && now.Value(name).Equal(v), now == nil && v.IsEmpty() && name != directory.AttrActive:
			continue
		case name == directory.AttrActive:
			one, err := d.status(v)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
			continue
		}
		f, err := d.field(name)
		if err != nil {
			return nil, err
		}
		one, err := d.encode(f, v)
		if err != nil {
			return nil, err
		}
		list = append(list, wish{one, f, v})
	}
	// Columns that were made meanwhile may have moved the fields.
	for i := range list {
		if f := list[i].field; f != nil {
			list[i].field = d.known(f.name)
		}
	}
	return list, nil
}

// ordered gives the names in the order in which columns are made for them.
func ordered(after directory.Attributes) []string {
	rank := map[string]int{}
	for i, s := range standards() {
		rank[s.name] = i - len(standards())
	}
	names := after.Names()
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
	return names
}

func (d *document) known(name string) *field {
	for i := range d.b.l.fields {
		if f := &d.b.l.fields[i]; f.name == name {
			return f
		}
	}
	return nil
}

// field gives the field of an attribute, with a new column if need be.
func (d *document) field(name string) (*field, error) {
	if reason, hidden := d.b.l.hidden[name]; hidden {
		return nil, fault.New(fault.Invalid, "%s", reason)
	}
	if f := d.known(name); f != nil {
		return f, nil
	}
	title, ok := d.c.title(name)
	if !ok {
		return nil, fault.New(fault.Invalid,
			"%s has no column %s: declare it under attributes, or give the file a column of that name / %s 没有 %s 这一列：请在 attributes 里声明，或在文件里加上这一列",
			d.c.name, name, d.c.name, name)
	}
	if err := d.addColumn(title); err != nil {
		return nil, err
	}
	if f := d.known(name); f != nil {
		return f, nil
	}
	return nil, errors.New("a column that was made is not found")
}

// title gives the heading of a new column for an attribute.
func (c *Connector) title(name string) (string, bool) {
	for _, a := range c.o.Attributes {
		if a.Name == name {
			return a.Column, true
		}
	}
	for _, s := range standards() {
		switch {
		case s.name == name && hasHan(c.o.ID):
			return s.heading, true
		case s.name == name:
			return name, true
		case slices.Contains(s.all(), aliasKey(name)):
			return name, true
		}
	}
	return "", false
}
