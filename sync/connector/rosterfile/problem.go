package rosterfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// maxProblems bounds the problems that a snapshot lists.
const maxProblems = 200

// trouble is what is wrong with a cell, and what to do, in both languages.
type trouble struct{ en, zh string }

// quoted makes a trouble that shows what stands in the cell.
func quoted(en, zh, text string) *trouble {
	text = short(text)
	return &trouble{en: fmt.Sprintf("“%s” is %s", text, en), zh: fmt.Sprintf("“%s”%s", text, zh)}
}

// short bounds what is shown of a cell. The divider of the two languages must
// not come in with it.
func short(s string) string {
	const most = 40
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), " / ", "/")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// unreadable says why a cell's value is unknown.
func unreadable(one cell) *trouble {
	switch one.kind {
	case cellUncomputed:
		return &trouble{"the formula's result is not in the file: open it in a spreadsheet and save it", "公式没有计算结果：请用表格软件打开并保存"}
	case cellError:
		return quoted("an error of a formula: correct it", "是公式错误：请改正", one.text)
	case cellScientific:
		return quoted("a number that lost its digits: store the column as text and export again", "丢失了位数：请把这一列设为文本后重新导出", one.text)
	case cellMerged:
		return &trouble{"covered by merged cells: take the merge apart and fill every cell", "被合并单元格盖住：请取消合并并逐格填写"}
	default:
		return &trouble{"a number of more than 15 digits is not exact: store it as text", "超过 15 位的数字不准确：请存为文本"}
	}
}

// rowTrouble says what is wrong with a row as a whole.
func rowTrouble(f flaw) *trouble {
	switch f {
	case flawShort:
		return &trouble{"the row has fewer cells than the header: it is cut off or a delimiter is missing", "这一行比表头少列：内容不完整或缺少分隔符"}
	case flawLong:
		return &trouble{"the row has more cells than the header: a cell with a delimiter needs quotes", "这一行比表头多列：含分隔符的内容要加引号"}
	case flawQuote:
		return &trouble{"the quotes do not pair: this row, and maybe those after it, cannot be read", "引号不成对：这一行（可能还有后面几行）无法读取"}
	default:
		return &trouble{"a cell is longer than any cell can be: a quote is missing before it", "单元格内容过长：前面可能少了一个引号"}
	}
}

// problems collects what is wrong, the first ones in full.
type problems struct {
	file    string
	list    []directory.Problem
	total   int
	serious int    // of these, how many mean that an absence proves nothing
	first   string // place of the first serious one
}

// place names a row and column; column "" names the row.
func (p *problems) place(row int, column string) string {
	s := p.file + " row " + strconv.Itoa(row)
	if column != "" {
		s += " column " + column
	}
	return s
}

// add notes a problem.
func (p *problems) add(place string, t *trouble, serious bool) {
	p.total++
	if serious {
		p.serious++
		if p.first == "" {
			p.first = place
		}
	}
	if len(p.list) < maxProblems {
		p.list = append(p.list, directory.Problem{Place: place, Say: t.en + " / " + t.zh})
	}
}

// listed gives the problems, with the number of those that are not listed.
func (p *problems) listed() []directory.Problem {
	rest := p.total - len(p.list)
	if rest == 0 {
		return p.list
	}
	return append(p.list, directory.Problem{
		Place: p.file, Say: fmt.Sprintf("%d more problems are not listed / 另有 %d 处问题没有列出", rest, rest),
	})
}

// partial says why an absence proves nothing, "" when it does.
func (p *problems) partial(contents string) string {
	switch {
	case contents == Partial:
		return p.file + " is declared partial: it never proves that somebody left / " + p.file + " 声明为 partial（部分人员）：不能证明有人离职"
	case p.serious > 0:
		return fmt.Sprintf(
			"%d places in %s cannot be read, the first is %s: who is missing may stand there / %s 有 %d 处读不懂，第一处是 %s：缺少的人可能就在那里",
			p.serious, p.file, p.first, p.file, p.serious, p.first)
	default:
		return ""
	}
}

// hidden gives the unknown value of a cell, with where and why.
func (p *problems) hidden(row int, column string, t *trouble) directory.Value {
	return directory.Hidden(fmt.Sprintf("%s: %s / %s 第 %d 行 %s 列：%s", p.place(row, column), t.en, p.file, row, column, t.zh))
}
