package rosterfile

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// canonical gives a date as values hold it.
func canonical(t time.Time) string { return directory.DateOf(t).String() }

// reader makes values of cells.
type reader struct {
	zone     *time.Location
	date1904 bool
}

// value gives a cell's value as its field wants it. A nil trouble means that it
// could be read.
func (r reader) value(f *field, one cell) (directory.Value, *trouble) {
	if one.kind.unreadable() {
		return directory.Value{}, unreadable(one)
	}
	if one.kind == cellEmpty {
		return directory.Empty(f.typ), nil
	}
	switch f.typ {
	case directory.Date:
		return r.date(f, one)
	case directory.Int:
		return integer(one)
	case directory.Bool:
		if b, ok := truth(one.text); ok {
			return directory.BoolOf(b), nil
		}
		return directory.Value{}, quoted("not yes or no (是, 否, true, false, 1, 0)", "不是“是”或“否”（是、否、true、false、1、0）", one.text)
	case directory.List:
		return directory.ListOf(splitList(one.text, f.format)...), nil
	default:
		if f.plain {
			return directory.TextOf(plain(one.text)), nil
		}
		return directory.TextOf(one.text), nil
	}
}

func (r reader) date(f *field, one cell) (directory.Value, *trouble) {
	if nothing(one.text) {
		return directory.Empty(directory.Date), nil
	}
	if t, ok := r.day(f.format, one); ok {
		return directory.DateOf(t), nil
	}
	return directory.Value{}, quoted("not a date", "不是日期", one.text)
}

// day reads a date in the given layout, or in any of the usual forms.
func (r reader) day(layout string, one cell) (time.Time, bool) {
	switch {
	case one.kind == cellDate:
		return parseDate(one.text, r.zone)
	case one.kind != cellText && one.kind != cellNumber:
		return time.Time{}, false
	case layout != "":
		t, err := time.ParseInLocation(layout, plain(one.text), r.zone)
		return t, err == nil && t.Year() >= minYear
	}
	if t, ok := parseDate(one.text, r.zone); ok {
		return t, true
	}
	return serialText(plain(one.text), r.date1904)
}

// nothing tells whether a cell holds only a mark that people write for "none".
func nothing(s string) bool { return strings.Trim(s, "-—–/") == "" }

func integer(one cell) (directory.Value, *trouble) {
	s := plain(one.text)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return directory.IntOf(n), nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err == nil && n == math.Trunc(n) && math.Abs(n) < exact {
		return directory.IntOf(int64(n)), nil
	}
	return directory.Value{}, quoted("not a whole number", "不是整数", one.text)
}

// truth reads a yes or a no.
func truth(s string) (val, ok bool) {
	s = strings.ToLower(plain(s))
	switch {
	case slices.Contains([]string{"是", "true", "yes", "y", "1", "√", "✓", "启用"}, s):
		return true, true
	case slices.Contains([]string{"否", "false", "no", "n", "0", "×", "✗", "停用", "禁用"}, s):
		return false, true
	default:
		return false, false
	}
}

// splitList splits at the separator, or at the usual ones.
func splitList(s, separator string) []string {
	var parts []string
	if separator != "" {
		parts = strings.Split(s, separator)
	} else {
		parts = strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(";；,，、\n", r) })
	}
	var items []string
	for _, part := range parts {
		if part = clean(part); part != "" {
			items = append(items, part)
		}
	}
	return items
}
