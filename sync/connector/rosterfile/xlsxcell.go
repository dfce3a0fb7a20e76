package rosterfile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// styles gives the styles of a row by column.
func (f *xlsxForm) styles(pattern line) (map[int]string, error) {
	styles := map[int]string{}
	if pattern.raw == nil {
		return styles, nil
	}
	r, err := f.dissect(pattern.raw)
	if err != nil {
		return nil, err
	}
	for _, c := range r.cells {
		styles[c.column] = c.style
	}
	return styles, nil
}

// withoutSpans drops the attribute that says which columns a row uses: it is only
// a hint, and may be wrong now.
func withoutSpans(tag string) string {
	head, rest, ok := strings.Cut(tag, ` spans="`)
	_, tail, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return tag
	}
	return head + tail
}

// cell writes a cell. Texts are texts whatever they look like, so that no number
// loses its zeros and nothing becomes a formula; a date is one where the style
// shows dates, and else a text.
func (f *xlsxForm) cell(out *bytes.Buffer, one entry, row int, style string) {
	p := f.prefix
	fmt.Fprintf(out, `<%sc r="%s%d"`, p, letters(one.column), row)
	if style != "" {
		fmt.Fprintf(out, ` s="%s"`, style)
	}
	dates := f.showsDates(style)
	serial, isDate := serialOf(one.day, f.t.date1904)
	switch {
	case one.kind == entryEmpty:
		out.WriteString("/>")
	case one.kind == entryNumber && !dates && len(one.text) <= 15:
		fmt.Fprintf(out, `><%sv>%s</%sv></%sc>`, p, one.text, p, p)
	case one.kind == entryDate && dates && isDate:
		fmt.Fprintf(out, `><%sv>%s</%sv></%sc>`, p, serial, p, p)
	default:
		fmt.Fprintf(out, ` t="inlineStr"><%sis><%st xml:space="preserve">%s</%st></%sis></%sc>`, p, p, escape(one.text), p, p, p)
	}
}

func (f *xlsxForm) showsDates(style string) bool {
	n, err := strconv.Atoi(style)
	return err == nil && n < len(f.book.formats) && f.book.formats[n].time
}

// serialOf gives a day as a sheet counts it.
func serialOf(day time.Time, date1904 bool) (string, bool) {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if date1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	const secondsOfDay = 86400
	seconds := day.Unix() - epoch.Unix()
	if seconds < 61*secondsOfDay {
		return "", false // before 1900-03-01 sheets count one day too many
	}
	if seconds%secondsOfDay == 0 {
		return strconv.FormatInt(seconds/secondsOfDay, 10), true
	}
	return strconv.FormatFloat(float64(seconds)/secondsOfDay, 'f', 10, 64), true
}

// escape writes a text as workbooks do: what reads like their own escapes, and
// what XML cannot hold, as _xHHHH_.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch r {
		case '\r':
			b.WriteString("_x000D_")
		case '_':
			if _, mark := escaped(s[i:]); mark {
				b.WriteString("_x005F_")
				continue
			}
			b.WriteByte('_')
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// reach lets the sheet's stated area cover a cell.
func (f *xlsxForm) reach(row, column int) {
	const mark = `dimension ref="`
	i := bytes.Index(f.head, []byte(mark))
	if i < 0 {
		return
	}
	i += len(mark)
	end := bytes.IndexByte(f.head[i:], '"')
	if end < 0 {
		return
	}
	from, to, several := strings.Cut(string(f.head[i:i+end]), ":")
	if !several {
		to = from
	}
	right, bottom, ok := coordinates(to)
	if !ok || right >= column && bottom >= row {
		return
	}
	area := from + ":" + letters(max(right, column)) + strconv.Itoa(max(bottom, row))
	f.head = slices.Concat(f.head[:i], []byte(area), f.head[i+end:])
}
