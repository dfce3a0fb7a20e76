package rosterfile

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// xlsxTable reads the sheet of a workbook. Faults: Invalid about the file as a
// whole, Unavailable when ctx ends.
func (c *Connector) xlsxTable(ctx context.Context, data []byte) (*table, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return nil, c.invalid("this is an old .xls or has a password: save it as .xlsx without one", "这是旧的 .xls 或加了密码的文件：请另存为不带密码的 .xlsx")
	case !bytes.HasPrefix(data, []byte("PK")):
		return nil, c.invalid("this is not a workbook: export it again as .xlsx, or name it .csv if it is text", "这不是工作簿：请重新导出 .xlsx；如果是文本，请把扩展名改成 .csv")
	}
	b, err := openBook(data, limits{maxSheetPart, maxTextsPart, maxSmallPart})
	if err != nil {
		return nil, c.bookFault(err)
	}
	s, err := c.pick(b.sheets)
	if err != nil {
		return nil, err
	}
	row, err := c.sheetHeader(b, s)
	if err != nil {
		return nil, err
	}
	part, err := b.open(s.part, b.limits.sheet)
	if err != nil {
		return nil, c.bookFault(err)
	}
	defer part.close()
	r := &sheetReader{
		book: b, dec: xml.NewDecoder(part), poll: ctx.Err,
		t: &table{sheet: s.name, headerRow: row, date1904: b.date1904},
	}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			return nil, c.explain(ctx.Err())
		}
		return nil, c.bookFault(part.why(err))
	}
	if err := part.drain(); err != nil {
		return nil, c.bookFault(err)
	}
	if err := c.checkWidth(r.t); err != nil {
		return nil, err
	}
	if err := c.checkHeaderMerges(r.t); err != nil {
		return nil, err
	}
	r.t.seal()
	return r.t, nil
}

// errEnough ends a reading that has seen what it wanted.
var errEnough = errors.New("seen enough")

// sheetHeader gives the row of the headings. Faults: Invalid.
func (c *Connector) sheetHeader(b *book, s sheetInfo) (int, error) {
	if c.o.HeaderRow > 0 {
		return c.o.HeaderRow, nil
	}
	part, err := b.open(s.part, b.limits.sheet)
	if err != nil {
		return 0, c.bookFault(err)
	}
	defer part.close()
	var rows []headings
	r := &sheetReader{book: b, dec: xml.NewDecoder(part), poll: func() error { return nil }, t: &table{}}
	r.each = func() error {
		if r.row.number > maxSearch {
			return errEnough
		}
		one := headings{number: r.row.number}
		for _, cell := range r.row.cells {
			one.names = append(one.names, cell.text)
		}
		rows = append(rows, one)
		return nil
	}
	if err := r.read(); err != nil && !errors.Is(err, errEnough) {
		return 0, c.bookFault(part.why(err))
	}
	return c.findHeader(rows)
}

func (c *Connector) bookFault(err error) error {
	if errors.Is(err, errOversize) {
		return c.tooLarge(fmt.Sprintf("%d rows, %d MiB of text or the limits of a workbook", maxRows, maxText>>20))
	}
	f := invalid(c.name, "the workbook is damaged or incomplete: open it, save it again, and try again", "工作簿已损坏或不完整：请打开后重新保存再试")
	f.Err = err
	return f
}

// pick chooses the configured sheet, or the first that is not hidden.
func (c *Connector) pick(sheets []sheetInfo) (sheetInfo, error) {
	var list []string
	for _, s := range sheets {
		if c.o.Sheet == "" && !s.hidden || c.o.Sheet != "" && strings.EqualFold(plain(s.name), plain(c.o.Sheet)) {
			return s, nil
		}
		if s.hidden {
			list = append(list, s.name+" (hidden/隐藏)")
			continue
		}
		list = append(list, s.name)
	}
	names := strings.Join(list, ", ")
	if c.o.Sheet == "" {
		return sheetInfo{}, c.invalid("there is no visible sheet: name one with sheet. There are: "+names, "没有可见的工作表：请用 sheet 指定。现有："+names)
	}
	return sheetInfo{}, c.invalid(fmt.Sprintf("there is no sheet %s. There are: %s", c.o.Sheet, names),
		fmt.Sprintf("没有工作表 %s，只有：%s", c.o.Sheet, names))
}

// checkHeaderMerges refuses merged headings: which column they name is a guess.
func (c *Connector) checkHeaderMerges(t *table) error {
	for _, m := range t.merges {
		if m.top <= t.headerRow && m.bottom >= t.headerRow {
			return c.invalid(
				fmt.Sprintf("cells %s of sheet %s are merged in the header: give every column a heading of its own", m, t.sheet),
				fmt.Sprintf("工作表 %s 的表头里 %s 是合并单元格：请取消合并，每列写自己的列名", t.sheet, m))
		}
	}
	return nil
}

// String gives the area as a spreadsheet names it: "B2:B5".
func (a area) String() string {
	return letters(a.left) + strconv.Itoa(a.top) + ":" + letters(a.right) + strconv.Itoa(a.bottom)
}
