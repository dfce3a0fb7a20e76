package rosterfile

import (
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Column describes one column of the file.
type Column struct {
	// Name is the heading, and the attribute under its own name.
	Name string
	// Letters is the column's place in a spreadsheet: "B".
	Letters string
	// Type is the type of its attribute: declared, or Date when it was detected,
	// or Text.
	Type directory.Type
	// Attributes are all the attributes that it feeds, in order.
	Attributes []string
	// Filled is the number of cells that hold something readable.
	Filled int
	// Samples are up to three different values, as an administrator may see them;
	// they are data of persons.
	Samples []string
}

func (b *build) columnList() []Column {
	var list []Column
	for i, name := range b.t.header {
		if name == "" {
			continue
		}
		tally := &b.s.tallies[i]
		one := Column{Name: name, Letters: letters(i), Type: directory.Text, Filled: tally.filled, Samples: tally.samples}
		for j := range b.l.fields {
			f := &b.l.fields[j]
			if f.column != i {
				continue
			}
			one.Attributes = append(one.Attributes, f.name)
			if f.name == name || f.typ != directory.Refs && one.Type == directory.Text {
				one.Type = f.typ
			}
		}
		slices.Sort(one.Attributes)
		list = append(list, one)
	}
	return list
}

// reportMerges names the merged areas below the header that cover a column that
// is read.
func (b *build) reportMerges() {
	for _, m := range newMerges(b.t.merges).next {
		if m.top <= b.t.headerRow {
			continue
		}
		column, serious := -1, false
		for i := m.left; i <= m.right && i < len(b.t.header); i++ {
			if !b.t.named(i) {
				continue
			}
			if column < 0 {
				column = i
			}
			serious = serious || b.serious(i)
		}
		if column < 0 {
			continue
		}
		area := m.String()
		b.probs.add(b.probs.place(m.top, b.t.header[column]), &trouble{
			"cells " + area + " are merged: only the first has a value, take the merge apart and fill every cell",
			area + " 是合并单元格：只有第一格有值，请取消合并并逐格填写",
		}, serious)
	}
}

// reportUnnamed names the columns that hold something and have no heading.
func (b *build) reportUnnamed() {
	for _, i := range slices.Sorted(maps.Keys(b.t.unnamed)) {
		b.probs.add(b.probs.place(b.t.unnamed[i], letters(i)),
			&trouble{"the column has no heading: its cells are not read", "这一列没有列名：其中的内容不会读取"}, false)
	}
}

// reportManagers reports the cells that name nobody: each, or all at once when
// the whole column holds something else, such as names.
func (b *build) reportManagers() {
	u := &b.unresolved
	if u.total == 0 {
		return
	}
	if b.resolved > 0 {
		for _, p := range u.list {
			en, zh, _ := strings.Cut(p.Say, " / ")
			b.probs.add(p.Place, &trouble{en, zh}, false)
		}
		b.probs.total += u.total - len(u.list)
		return
	}
	b.probs.add(u.list[0].Place, &trouble{
		"the column names nobody by id or employee number: managers are unknown",
		"这一列没有一个是编号或工号：上级一律按未知处理",
	}, false)
}

// addDepartments makes an object of every department that was named, and of
// those above.
func (b *build) addDepartments() {
	for id := range b.departments {
		parent := directory.Empty(directory.Refs)
		above := parentOf(id)
		if above != "" {
			parent = directory.RefsToKind(directory.Department, above)
		}
		b.out.Add(directory.Object{
			Key: directory.Key{Kind: directory.Department, ID: id}, Active: true,
			Attributes: directory.Attributes{
				directory.AttrName:   directory.TextOf(string(id[len(above)+1:])),
				directory.AttrParent: parent,
				directory.AttrPath:   directory.TextOf(string(id)),
			},
		})
	}
}
