package rosterfile

import (
	"strings"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// entryKind is what a cell is to hold.
type entryKind byte

const (
	entryEmpty entryKind = iota
	entryText
	entryNumber // a whole number; the text is its digits
	entryDate   // day holds it; the text is how it is written where cells hold no dates
)

// entry is a cell to be written.
type entry struct {
	column int
	kind   entryKind
	text   string
	day    time.Time
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// encode makes a cell of a value. Whether it gives the value back is seen when
// the row is read. Faults: Invalid.
func (d *document) encode(f *field, v directory.Value) (entry, error) {
	one := entry{column: f.column, kind: entryText}
	if v.IsEmpty() {
		one.kind = entryEmpty
		return one, nil
	}
	if f.name == directory.AttrManager {
		refs := v.Refs()
		if len(refs) != 1 || refs[0].Pending {
			return one, fault.New(fault.Invalid, "a row holds the id of one manager / 一行只能写一位上级的编号")
		}
		one.text = string(refs[0].ID)
		return one, nil
	}
	switch f.typ {
	case directory.Refs:
		one.text = d.b.paths.write(v, f.format)
	case directory.Date:
		return d.encodeDate(one, f, v)
	case directory.Bool:
		yes, _ := v.Bool()
		one.text = d.yesNo(yes)
	case directory.Int:
		one.kind, one.text = entryNumber, v.String()
	case directory.List:
		separator := f.format
		if separator == "" {
			separator = ";"
		}
		one.text = strings.Join(v.List(), separator)
	default:
		one.text = v.String()
	}
	return one, d.c.printable(f, one.text, d.b.t.header[f.column])
}

func (d *document) encodeDate(one entry, f *field, v directory.Value) (entry, error) {
	day, ok := v.Time(time.UTC)
	if !ok {
		return one, fault.New(fault.Invalid, "column %s holds dates, and “%s” is none / %s 列是日期，“%s”不是日期",
			d.b.t.header[f.column], short(v.String()), d.b.t.header[f.column], short(v.String()))
	}
	one.kind, one.day, one.text = entryDate, day, v.String()
	if f.format != "" {
		one.text = day.Format(f.format)
	}
	return one, nil
}

func (d *document) yesNo(yes bool) string {
	switch {
	case hasHan(d.c.o.ID) && yes:
		return "是"
	case hasHan(d.c.o.ID):
		return "否"
	case yes:
		return "yes"
	default:
		return "no"
	}
}

// printable refuses what a sheet cannot hold.
func (c *Connector) printable(f *field, s, column string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }) {
		return fault.New(fault.Invalid, "%s has a control character, which column %s cannot hold / %s 里有控制字符，%s 列存不下", f.name, column, f.name, column)
	}
	if len(s) > maxCell && len([]rune(s)) > maxCell {
		return fault.New(fault.Invalid, "%s is longer than a cell can be / %s 超过单元格的最大长度", f.name, f.name)
	}
	return nil
}

// status makes the cell that says whether the account may be used.
func (d *document) status(v directory.Value) (wish, error) {
	active, ok := v.Bool()
	m := d.b.l.words.mark
	if !ok || m.column == "" {
		return wish{}, fault.New(fault.Unsupported,
			"nobody can be disabled or enabled in %s: say with disabled how they are marked, such as 状态=停用 / %s 不能停用或启用人：请用 disabled 写明怎么标记，例如 状态=停用",
			d.c.name, d.c.name)
	}
	if d.b.l.enabled < 0 {
		if err := d.addColumn(m.column); err != nil {
			return wish{}, err
		}
	}
	one := wish{entry: entry{column: d.b.l.enabled, kind: entryText, text: m.disabled}, value: v}
	if active {
		one.text = m.enabled
	}
	if one.text == "" {
		one.kind = entryEmpty
	}
	return one, nil
}
