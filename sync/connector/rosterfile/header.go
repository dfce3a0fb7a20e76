package rosterfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// clean drops blanks at both ends and the invisible marks that come along when
// a number is pasted from a chat or a phone. What joins emoji stays.
func clean(s string) string {
	if ascii(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b', r == '\u2060', r == '\ufeff', r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e':
			return -1
		default:
			return r
		}
	}, s)
	return strings.TrimSpace(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// plain gives the form of ids, numbers and dates: NFKC turns full-width digits
// into plain ones.
func plain(s string) string {
	s = clean(s)
	if ascii(s) {
		return s
	}
	return strings.TrimSpace(norm.NFKC.String(s))
}

// heading gives a column's name: NFKC, one line, single blanks.
func heading(s string) string {
	s = plain(s)
	var b strings.Builder
	last := rune(0)
	broken, blank := false, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			blank = true
			broken = broken || r == '\n' || r == '\r'
			continue
		}
		if blank && (!broken || !unicode.Is(unicode.Han, last) || !unicode.Is(unicode.Han, r)) {
			b.WriteByte(' ')
		}
		broken, blank, last = false, false, r
		b.WriteRune(r)
	}
	return b.String()
}

// headingKey gives what makes two headings the same: without case, blanks and
// the mark of a required column.
func headingKey(s string) string {
	s = strings.ToLower(heading(s))
	s = strings.Trim(strings.TrimSuffix(s, "(必填)"), "*")
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// aliasKey gives the form in which usual headings are known.
func aliasKey(s string) string { return strings.ReplaceAll(headingKey(s), "_", "") }

// field is one attribute that comes from one column.
type field struct {
	name   string
	typ    directory.Type
	format string
	column int
	plain  bool // NFKC: ids, numbers and addresses
	usual  bool // found by a usual heading, not declared
}

// layout says which column feeds what.
type layout struct {
	id      int
	enabled int // -1: no such column
	words   statusWords
	number  int // the employee numbers, by which a manager may be named; -1: none
	fields  []field
	hidden  map[string]string // standard attributes that cannot be told, with the reason
	detect  map[int]bool      // columns whose dates are to be found: undeclared and not the id
}

// detected tells whether the field exists only when its column holds dates.
func (f *field) detected() bool { return f.usual && f.typ == directory.Date }

// index gives the positions of headings.
type index struct {
	keys    map[string]int   // by headingKey
	aliases map[string][]int // by aliasKey
	header  []string
	row     int // of the headings
}

// layout settles what the headings mean. Faults: Invalid, when a heading is
// there twice, or one that the configuration names is not there.
func (c *Connector) layout(t *table) (*layout, error) {
	ix := index{keys: map[string]int{}, aliases: map[string][]int{}, header: t.header, row: t.headerRow}
	for i, name := range t.header {
		key := headingKey(name)
		if key == "" {
			continue
		}
		if first, there := ix.keys[key]; there {
			return nil, c.invalid(
				fmt.Sprintf("the heading %s stands in columns %s and %s: rename one of them", name, letters(first), letters(i)),
				fmt.Sprintf("列名 %s 在 %s 列和 %s 列重复：请改掉其中一个", name, letters(first), letters(i)))
		}
		ix.keys[key] = i
		alias := aliasKey(name)
		ix.aliases[alias] = append(ix.aliases[alias], i)
	}
	l := &layout{enabled: -1, number: -1, hidden: map[string]string{}, detect: map[int]bool{}}
	var err error
	if l.id, err = c.idColumn(ix); err != nil {
		return nil, err
	}
	types := map[int]directory.Type{}
	for _, a := range c.o.Attributes {
		if _, there := ix.keys[headingKey(a.Column)]; !there && c.o.Target {
			continue // it is made when it is first written
		}
		f, err := c.declared(ix, a)
		if err != nil {
			return nil, err
		}
		l.fields = append(l.fields, f)
		if f.typ != directory.Refs {
			types[f.column] = f.typ
		}
	}
	l.addStandards(ix)
	if err := c.addStatus(l, ix); err != nil {
		return nil, err
	}
	l.addOwn(ix, types)
	for i := range l.fields {
		f := &l.fields[i]
		f.plain = f.column == l.id || slices.Contains([]string{directory.AttrEmployeeNo, directory.AttrMobile, directory.AttrEmail}, f.name)
		if f.name == directory.AttrEmployeeNo {
			l.number = f.column
		}
	}
	return l, nil
}

// column finds a heading that the configuration names.
func (c *Connector) column(ix index, what, name string) (int, error) {
	if i, ok := ix.keys[headingKey(name)]; ok {
		return i, nil
	}
	var found []string
	for _, h := range ix.header {
		if h != "" {
			found = append(found, h)
		}
	}
	const most = 30
	if len(found) > most {
		found = append(found[:most], "…")
	}
	list := strings.Join(found, ", ")
	return 0, c.invalid(
		fmt.Sprintf("there is no column %s (%s) in row %d, which has: %s", name, what, ix.row, list),
		fmt.Sprintf("第 %d 行没有 %s 列（%s），只有：%s", ix.row, name, what, list))
}

// declared makes the field of a configured attribute.
func (c *Connector) declared(ix index, a Attribute) (field, error) {
	i, err := c.column(ix, "attributes."+a.Name, a.Column)
	if err != nil {
		return field{}, err
	}
	typ, _ := typeOf(a.Type)
	if a.Name == directory.AttrDepartments || a.Name == directory.AttrManager {
		typ = directory.Refs
	}
	return field{name: a.Name, typ: typ, format: a.Format, column: i}, nil
}

func (l *layout) has(name string) bool {
	return slices.ContainsFunc(l.fields, func(f field) bool { return f.name == name })
}

// addStandards finds the standard attributes by their usual headings. Two
// columns that mean the same are not guessed between.
func (l *layout) addStandards(ix index) {
	for _, s := range standards() {
		if l.has(s.name) {
			continue
		}
		found := ix.of(s.aliases)
		if len(found) == 0 {
			found = ix.of(s.weaker)
		}
		switch {
		case len(found) == 0:
		case len(found) == 1:
			l.fields = append(l.fields, field{name: s.name, typ: s.typ, column: found[0], usual: true})
		case slices.Contains(found, l.id):
			l.fields = append(l.fields, field{name: s.name, typ: s.typ, column: l.id, usual: true})
		default:
			a, b := ix.header[found[0]], ix.header[found[1]]
			l.hidden[s.name] = fmt.Sprintf(
				"columns %s and %s both mean %s: say which in attributes / %s 列和 %s 列都像 %s：请在 attributes 里写明用哪一列",
				a, b, s.name, a, b, s.name)
		}
	}
}

// of gives the columns that bear one of the headings, in the order of columns.
func (ix index) of(aliases []string) []int {
	var found []int
	for _, alias := range aliases {
		found = append(found, ix.aliases[alias]...)
	}
	slices.Sort(found)
	return found
}

// addOwn gives each column as an attribute under its own heading.
func (l *layout) addOwn(ix index, types map[int]directory.Type) {
	l.fields = slices.DeleteFunc(l.fields, func(f field) bool { return f.name == directory.AttrActive })
	formats := map[int]string{}
	standing := map[int]bool{}
	for _, f := range l.fields {
		formats[f.column] = f.format
		standing[f.column] = standing[f.column] || !f.detected()
	}
	for i, name := range ix.header {
		_, hidden := l.hidden[name]
		if name == "" || name == directory.AttrActive || hidden || l.has(name) {
			continue
		}
		typ, declared := types[i]
		if !declared {
			typ = directory.Text
			l.detect[i] = i != l.id && !standing[i]
		}
		f := field{name: name, typ: typ, column: i}
		if declared {
			f.format = formats[i]
		}
		l.fields = append(l.fields, f)
	}
}

// namesDate tells whether a heading says that its column holds dates.
func namesDate(name string) bool {
	name = strings.ToLower(name)
	if strings.Contains(name, "日期") || strings.Contains(name, "时间") {
		return true
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"date", "hiredate", "startdate", "enddate", "joindate", "birthdate", "leavedate", "entrydate", "exitdate"}, w)
	})
}
