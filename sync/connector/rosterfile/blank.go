package rosterfile

import (
	"archive/zip"
	"bytes"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// blank gives the content of a new file: the headings that are known beforehand.
// Others come when they are written. A CSV is UTF-8 with a byte order mark, which
// spreadsheet programs need, unless GB18030 is configured.
func (c *Connector) blank() ([]byte, error) {
	names := c.headings()
	if c.o.format() == formatXLSX {
		return c.blankBook(names)
	}
	f := &csvForm{c: c, delimiter: ',', end: "\r\n"}
	if d := c.o.Delimiter; d != "" && d != Auto {
		f.delimiter = d[0]
	}
	cells := make([]string, len(names))
	for i, name := range names {
		b, err := f.field(entry{kind: entryText, text: name}, false)
		if err != nil {
			return nil, err
		}
		cells[i] = string(b)
	}
	text := strings.Repeat("\r\n", max(c.o.HeaderRow, 1)-1) + strings.Join(cells, string(f.delimiter)) + "\r\n"
	if c.o.Encoding == GB18030 {
		out, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
		if err != nil {
			return nil, c.invalid("a heading cannot be written in GB18030", "有列名不能用 GB18030 写")
		}
		return out, nil
	}
	return []byte("\ufeff" + text), nil
}

// headings are the columns of a new file: the id, what is declared, and the mark
// of the disabled.
func (c *Connector) headings() []string {
	m, _ := parseMark(c.o.Disabled)
	list := []string{c.o.ID}
	for _, a := range c.o.Attributes {
		list = append(list, a.Column)
	}
	var names []string
	seen := map[string]bool{}
	for _, name := range append(list, m.column) {
		if key := headingKey(name); key != "" && !seen[key] {
			seen[key] = true
			names = append(names, name)
		}
	}
	return names
}

// Parts of a new workbook (ECMA-376 part 1, 12.3). Style 1 is for texts.
const (
	partTypes = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`
	relsOpen = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	officeNS = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	partRels = relsOpen + `<Relationship Id="rId1" Type="` + officeNS + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRels = relsOpen + `<Relationship Id="rId1" Type="` + officeNS + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + officeNS + `/styles" Target="styles.xml"/></Relationships>`
	mainSpace  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	partStyles = `<styleSheet ` + mainSpace + `><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`
)

// blankBook makes a workbook with one sheet.
func (c *Connector) blankBook(names []string) ([]byte, error) {
	f := &xlsxForm{c: c, t: &table{}, book: &book{}, text: 1}
	at := max(c.o.HeaderRow, 1)
	cells := make([]entry, len(names))
	for i, name := range names {
		cells[i] = entry{column: i, kind: entryText, text: name}
	}
	head, err := f.put(f.add(line{number: at - 1}), line{}, cells)
	if err != nil {
		return nil, err
	}
	sheet := c.o.Sheet
	if sheet == "" {
		sheet = "Sheet1"
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	const decl = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	for _, p := range []struct{ name, text string }{
		{"[Content_Types].xml", partTypes},
		{"_rels/.rels", partRels},
		{"xl/workbook.xml", `<workbook ` + mainSpace + ` xmlns:r="` + officeNS + `"><sheets><sheet name="` + strings.ReplaceAll(escape(sheet), `"`, "&quot;") + `" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", bookRels},
		{"xl/styles.xml", partStyles},
		{"xl/worksheets/sheet1.xml", `<worksheet ` + mainSpace + `><sheetData>` + string(head.raw) + `</sheetData></worksheet>`},
	} {
		part, err := w.Create(p.name)
		if err == nil {
			_, err = part.Write([]byte(decl + p.text))
		}
		if err != nil {
			return nil, c.bookFault(err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, c.bookFault(err)
	}
	return out.Bytes(), nil
}
