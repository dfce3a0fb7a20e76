package rosterfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// csvForm is how a CSV is written: as it was found.
type csvForm struct {
	c         *Connector
	t         *table
	lead      []byte // the byte order mark
	gb        bool   // GB18030
	delimiter byte
	end       string // of a line: "\n", "\r\n" or "\r"
	quoted    bool   // every heading is in quotes, so every cell is
}

var _ form = (*csvForm)(nil)

// splitText takes a CSV apart into its rows as a spreadsheet counts them, each
// with its line end.
func (d *document) splitText(data []byte) error {
	text, err := d.c.decodeText(data)
	if err != nil {
		return err
	}
	bom := []byte("\xef\xbb\xbf")
	f := &csvForm{c: d.c, t: d.b.t, delimiter: byte(d.b.t.delimiter), end: "\n"} //nolint:gosec // one of , ; and tab
	raw, marked := bytes.CutPrefix(data, bom)
	if marked {
		f.lead = bom
	}
	f.gb = !marked && (d.c.o.Encoding == GB18030 || brokenAt(raw) >= 0)
	feed := byte('\n')
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') >= 0 {
		feed, f.end = '\r', "\r"
	}
	d.form = f
	if err := d.textLines(text, raw, feed); err != nil {
		return err
	}
	if d.b.t.headerRow > len(d.lines) {
		return d.c.bookFault(errDamaged)
	}
	head := d.lines[d.b.t.headerRow-1].raw
	if feed == '\n' && bytes.HasSuffix(head, []byte("\r\n")) {
		f.end = "\r\n"
	}
	places, _ := f.fields(head)
	f.quoted = !slices.ContainsFunc(places, func(p place) bool { return p.from == p.to || head[p.from] != '"' })
	return nil
}

// textLines finds the rows: where they end is seen in the decoded text, and taken
// from the raw bytes.
func (d *document) textLines(text, raw []byte, feed byte) error {
	reader := newCSVReader(text, d.b.t.delimiter)
	from := int64(0)
	for ended := false; !ended; {
		_, number, _, err := reader.next()
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			return d.c.explain(err)
		}
		to := reader.r.InputOffset()
		if ended {
			to, number = int64(len(text)), len(d.lines)+1+bytes.Count(text[from:], []byte{'\n'})
		}
		// A line feed is one byte of no other character in both encodings.
		piece := cut(&raw, feed, bytes.Count(text[from:to], []byte{'\n'}), to == int64(len(text)))
		for len(d.lines)+1 < number {
			d.lines = append(d.lines, line{raw: cut(&piece, feed, 1, false)})
		}
		if len(piece) > 0 {
			d.lines = append(d.lines, line{raw: piece})
		}
		from = to
	}
	return nil
}

// cut takes so many lines off the beginning, or everything.
func cut(raw *[]byte, feed byte, lines int, all bool) []byte {
	to := 0
	for range lines {
		i := bytes.IndexByte((*raw)[to:], feed)
		if i < 0 {
			break
		}
		to += i + 1
	}
	if all {
		to = len(*raw)
	}
	piece := (*raw)[:to:to]
	*raw = (*raw)[to:]
	return piece
}

// place is where a field stands in a row.
type place struct{ from, to int }

// fields finds the fields of a row, and the length of what ends it. It is used
// for rows whose quotes pair.
func (f *csvForm) fields(raw []byte) (list []place, end int) {
	body := len(raw)
	for body > 0 && (raw[body-1] == '\n' || raw[body-1] == '\r') {
		body--
	}
	if tail := raw[body:]; len(tail) > 1 { // more returns than one belong to the last field
		if body = len(raw) - 1; bytes.HasSuffix(tail, []byte("\r\n")) {
			body--
		}
	}
	from, inside := 0, false
	for i := range body {
		switch {
		case raw[i] == '"' && (inside || i == from):
			inside = !inside
		case raw[i] == f.delimiter && !inside:
			list = append(list, place{from, i})
			from = i + 1
		}
	}
	return append(list, place{from, body}), len(raw) - body
}

// decode gives a row as UTF-8.
func (f *csvForm) decode(raw []byte) ([]byte, error) {
	if f.gb {
		return f.c.fromGB18030(raw)
	}
	return raw, nil
}

func (f *csvForm) cells(l line, r *row) error {
	text, err := f.decode(l.raw)
	if err != nil {
		return err
	}
	if f.end == "\r" {
		text = bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'})
	}
	r.number, r.flaw, r.cells = 0, flawNone, r.cells[:0]
	record, _, bad, err := newCSVReader(text, rune(f.delimiter)).next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return f.c.explain(err)
	}
	r.flaw = bad
	f.t.fill(r, record, f.t.width())
	return nil
}

func (f *csvForm) put(l, _ line, cells []entry) (line, error) {
	places, _ := f.fields(l.raw)
	var out bytes.Buffer
	at := 0
	for _, one := range cells {
		if one.column >= len(places) {
			return l, f.c.bookFault(errDamaged)
		}
		p := places[one.column]
		field, err := f.field(one, f.quoted || p.from < p.to && l.raw[p.from] == '"')
		if err != nil {
			return l, err
		}
		out.Write(l.raw[at:p.from])
		out.Write(field)
		at = p.to
	}
	out.Write(l.raw[at:])
	return line{raw: out.Bytes()}, nil
}

// field writes a cell. What a spreadsheet could take for a formula gets an
// apostrophe before it.
func (f *csvForm) field(one entry, quoted bool) ([]byte, error) {
	s := neutral(one.text)
	if one.kind == entryEmpty {
		s = ""
	}
	if f.end == "\r" && strings.Contains(s, "\n") {
		return nil, fault.New(fault.Invalid, "%s: “%s” has a line break, which this file cannot hold / %s：“%s”有换行，这个文件存不下", f.c.name, short(s), f.c.name, short(s))
	}
	if quoted && s != "" || strings.ContainsAny(s, "\"\r\n"+string(f.delimiter)) || s != strings.TrimSpace(s) {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	if !f.gb {
		if !utf8.ValidString(s) {
			return nil, fault.New(fault.Invalid, "“%s” is not valid text / “%s”不是有效的文本", short(s), short(s))
		}
		return []byte(s), nil
	}
	return f.toGB18030(s)
}

// toGB18030 encodes a text, or names the character that the file cannot hold.
func (f *csvForm) toGB18030(s string) ([]byte, error) {
	var out []byte
	for _, r := range s {
		b, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(string(r)))
		back, backErr := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
		if err != nil || backErr != nil || string(back) != string(r) || r == utf8.RuneError {
			return nil, fault.New(fault.Invalid, "%s is in GB18030, which has no “%c” (%U): save it as CSV UTF-8 / %s 是 GB18030 编码，没有“%c”（%U）这个字：请另存为“CSV UTF-8”",
				f.c.name, r, r, f.c.name, r, r)
		}
		out = append(out, b...)
	}
	return out, nil
}

func (f *csvForm) add(line) line {
	return f.widen(line{raw: []byte(f.end)}, len(f.t.header))
}

func (f *csvForm) vacant(line) bool { return true }

func (f *csvForm) drop(line) (line, bool) { return line{}, false }

func (f *csvForm) widen(l line, columns int) line {
	places, end := f.fields(l.raw)
	if len(places) >= columns {
		return l
	}
	body := len(l.raw) - end
	raw := slices.Concat(l.raw[:body], bytes.Repeat([]byte{f.delimiter}, columns-len(places)), l.raw[body:])
	return line{raw: raw}
}

func (f *csvForm) bytes(lines []line) ([]byte, error) {
	size := len(f.lead)
	for i := range lines {
		size += len(lines[i].raw) + len(f.end)
	}
	out := append(make([]byte, 0, size), f.lead...)
	for i := range lines {
		raw := lines[i].raw
		out = append(out, raw...)
		if i < len(lines)-1 && !bytes.HasSuffix(raw, []byte(f.end[len(f.end)-1:])) {
			out = append(out, f.end...)
		}
	}
	if size > maxFile {
		return nil, f.c.tooLarge(fmt.Sprintf("%d MiB", maxFile>>20))
	}
	// With so few characters beyond ASCII left, the encoding may be guessed wrong.
	if f.gb && f.c.o.Encoding != GB18030 && !ascii(string(out)) && (utf8.Valid(out) || mostlyUTF8(out)) {
		return nil, f.c.invalid("after this change nobody could tell its encoding: set encoding: gb18030", "改完之后无法判断文件编码：请设置 encoding: gb18030")
	}
	return out, nil
}
