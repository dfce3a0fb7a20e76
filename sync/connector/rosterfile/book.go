package rosterfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of a workbook's parts in bytes, unpacked. What a part says of its own
// size is not trusted.
const (
	maxSheetPart  = 1 << 30
	maxTextsPart  = 512 << 20
	maxSmallPart  = 32 << 20
	maxPartsInZip = 10_000
)

// errDamaged is a workbook that does not hold together.
var errDamaged = errors.New("damaged workbook")

// errOversize is a part that is larger than its limit.
var errOversize = errors.New("oversized workbook")

// sheetInfo is one sheet of a workbook.
type sheetInfo struct {
	name   string
	hidden bool
	part   string
}

// book is a workbook without its cells.
type book struct {
	parts    map[string]*zip.File
	sheets   []sheetInfo
	formats  []numberFormat // by the style of a cell
	date1904 bool
	texts    []string // the shared texts
	limits   limits
	// textStyle is a style for texts without any other adornment; -1: none.
	textStyle int
}

// limits are the sizes that a part may have.
type limits struct{ sheet, texts, small int64 }

// openBook reads everything but the cells.
func openBook(data []byte, lim limits) (*book, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if len(archive.File) > maxPartsInZip {
		return nil, errOversize
	}
	b := &book{parts: make(map[string]*zip.File, len(archive.File)), limits: lim, textStyle: -1}
	for _, f := range archive.File {
		b.parts[partKey(f.Name)] = f
	}
	at, err := b.workbookPart()
	if err != nil {
		return nil, err
	}
	related, err := b.relations(at)
	if err != nil {
		return nil, err
	}
	if err := b.readWorkbook(at, related); err != nil {
		return nil, err
	}
	for _, r := range related {
		switch path.Base(r.Type) {
		case "styles":
			err = b.readStyles(r.Target)
		case "sharedStrings":
			err = b.readTexts(r.Target)
		default:
			err = nil
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func partKey(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// relation points from one part to another; Target is the key of a part.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

// relations gives what a part points to.
func (b *book) relations(part string) ([]relation, error) {
	dir, name := path.Split(part)
	var list struct {
		Relations []relation `xml:"Relationship"`
	}
	if err := b.small(dir+"_rels/"+name+".rels", &list); err != nil {
		return nil, err
	}
	for i := range list.Relations {
		r := &list.Relations[i]
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = path.Join(dir, r.Target)
		}
		r.Target = partKey(r.Target)
	}
	return list.Relations, nil
}

// workbookPart finds the part that lists the sheets.
func (b *book) workbookPart() (string, error) {
	related, err := b.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range related {
		if path.Base(r.Type) == "officeDocument" {
			return r.Target, nil
		}
	}
	return "", errDamaged
}

func (b *book) readWorkbook(at string, related []relation) error {
	var w struct {
		Props struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.small(at, &w); err != nil {
		return err
	}
	b.date1904 = w.Props.Date1904 == "1" || w.Props.Date1904 == "true"
	for _, s := range w.Sheets {
		for _, r := range related {
			if r.ID == s.ID && path.Base(r.Type) == "worksheet" {
				b.sheets = append(b.sheets, sheetInfo{s.Name, s.State == "hidden" || s.State == "veryHidden", r.Target})
			}
		}
	}
	return nil
}

func (b *book) readStyles(part string) error {
	var s struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Styles []struct {
			Format int `xml:"numFmtId,attr"`
			Font   int `xml:"fontId,attr"`
			Fill   int `xml:"fillId,attr"`
			Border int `xml:"borderId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := b.small(part, &s); err != nil {
		return err
	}
	custom := make(map[int]numberFormat, len(s.Formats))
	for _, f := range s.Formats {
		custom[f.ID] = parseFormat(f.Code)
	}
	const textFormat = 49 // "@"
	for i, x := range s.Styles {
		if x.Format == textFormat && x.Font+x.Fill+x.Border == 0 && b.textStyle < 0 {
			b.textStyle = i
		}
		f, ok := custom[x.Format]
		if !ok {
			f = builtinFormat(x.Format)
		}
		b.formats = append(b.formats, f)
	}
	return nil
}

// small decodes a small part.
func (b *book) small(part string, into any) error {
	r, err := b.open(part, b.limits.small)
	if err != nil {
		return err
	}
	defer r.close()
	if err := xml.NewDecoder(r).Decode(into); err != nil {
		return r.why(err)
	}
	return r.drain()
}

// partReader reads one part, at most up to its limit.
type partReader struct {
	in   io.ReadCloser
	left int64
	over bool
}

func (b *book) open(part string, limit int64) (*partReader, error) {
	f, ok := b.parts[partKey(part)]
	if !ok {
		return nil, fmt.Errorf("%w: no part %s", errDamaged, part)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return &partReader{in: in, left: limit}, nil
}

// Read implements io.Reader.
func (r *partReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.left -= int64(n)
	if r.left < 0 {
		r.over = true
		return 0, errOversize
	}
	return n, err
}

func (r *partReader) close() { _ = r.in.Close() }

// why gives the reason of an error of whoever read.
func (r *partReader) why(err error) error {
	if r.over {
		return errOversize
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// drain reads to the end, where the archive compares its checksum.
func (r *partReader) drain() error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return r.why(err)
	}
	return nil
}

// readTexts reads the shared texts: the runs of a rich text joined, without the
// reading aids above characters.
func (b *book) readTexts(part string) error {
	r, err := b.open(part, b.limits.texts)
	if err != nil {
		return err
	}
	defer r.close()
	dec := xml.NewDecoder(r)
	closed := false
	for !closed {
		token, err := dec.RawToken()
		if err != nil {
			return r.why(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "si" {
				text, err := richText(dec, "si")
				if err != nil {
					return r.why(err)
				}
				b.texts = append(b.texts, text)
			}
		case xml.EndElement:
			closed = t.Name.Local == "sst"
		}
	}
	return r.drain()
}

// richText reads the texts up to the end of an element.
func richText(dec *xml.Decoder, element string) (string, error) {
	var text strings.Builder
	inText, aid := false, 0
	for {
		token, err := dec.RawToken()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = aid == 0
			case "rPh":
				aid++
			}
		case xml.CharData:
			if inText {
				text.WriteString(string(t))
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				inText = false
			case "rPh":
				aid--
			case element:
				return unescape(text.String()), nil
			}
		}
	}
}

// unescape reads the way in which workbooks write what XML cannot hold: _x000D_
// is a carriage return.
func unescape(s string) string {
	const size = len("_x000D_")
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if r, ok := escaped(s[i:]); ok {
			b.WriteRune(r)
			i += size
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func escaped(s string) (rune, bool) {
	if len(s) < 7 || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	var n rune
	for i := 2; i < 6; i++ {
		digit := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if digit < 0 || (s[i] < '0' || s[i] > '9') && (s[i]|0x20) < 'a' {
			return 0, false
		}
		n = n<<4 | rune(digit) //nolint:gosec // below 16
	}
	return n, n < 0xd800 || n > 0xdfff
}
