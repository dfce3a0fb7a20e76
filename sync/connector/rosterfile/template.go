package rosterfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
)

// Template is a vendor's sheet for importing people.
type Template string

// The templates, known by the headings that only they have.
const (
	NoTemplate       Template = ""
	WeComTemplate    Template = "wecom"
	FeishuTemplate   Template = "feishu"
	DingTalkTemplate Template = "dingtalk"
)

// signs are the headings by which a template is known: all of one line have to
// be there.
func signs() []struct {
	template Template
	headings []string
} {
	return []struct {
		template Template
		headings []string
	}{
		{DingTalkTemplate, []string{"员工userid", "姓名"}},
		{DingTalkTemplate, []string{"是否部门主管", "姓名"}},
		{DingTalkTemplate, []string{"是否此部门主管", "姓名"}},
		{DingTalkTemplate, []string{"是否为部门主管", "姓名"}},
		{DingTalkTemplate, []string{"直属主管", "办公地点", "姓名"}},
		{WeComTemplate, []string{"姓名", "账号", "别名"}},
		{WeComTemplate, []string{"姓名", "帐号", "别名"}},
		{WeComTemplate, []string{"姓名", "英文id", "座机"}},
		{WeComTemplate, []string{"姓名", "帐号", "座机"}},
		{WeComTemplate, []string{"姓名", "账号", "座机"}},
		{FeishuTemplate, []string{"姓名", "手机号", "人员类型"}},
		{FeishuTemplate, []string{"姓名", "手机号码", "人员类型"}},
		{FeishuTemplate, []string{"姓名", "用户id", "工作城市"}},
		{FeishuTemplate, []string{"姓名", "直属上级", "工作城市"}},
	}
}

// templateOf recognises a vendor's template by its headings.
func templateOf(header []string) Template {
	keys := make([]string, len(header))
	for i, name := range header {
		keys[i] = aliasKey(name)
	}
	for _, s := range signs() {
		if !slices.ContainsFunc(s.headings, func(h string) bool { return !slices.Contains(keys, h) }) {
			return s.template
		}
	}
	return NoTemplate
}

// Recognised says what a file was taken for.
type Recognised struct {
	Template  Template
	HeaderRow int
	ID        string   // heading of the column that identifies a person
	Status    string   // heading of the column that says who may be used; "" = none
	Columns   []string // headings that mean a standard or declared attribute, in order
	Of        int      // how many columns have a heading
}

// Say tells it in a sentence.
func (r Recognised) Say() connector.Text {
	names := map[Template]connector.Text{
		NoTemplate: {ZH: "普通花名册", EN: "a roster"}, WeComTemplate: {ZH: "企业微信的导入模板", EN: "WeCom's import template"},
		FeishuTemplate: {ZH: "飞书的导入模板", EN: "Feishu's import template"}, DingTalkTemplate: {ZH: "钉钉的导入模板", EN: "DingTalk's import template"},
	}
	row, known := strconv.Itoa(r.HeaderRow), fmt.Sprintf("%d/%d", len(r.Columns), r.Of)
	t := connector.Text{
		ZH: names[r.Template].ZH + "，列名在第 " + row + " 行，唯一标识是 " + r.ID + "，认出 " + known + " 列：" + strings.Join(r.Columns, "、"),
		EN: names[r.Template].EN + ", headings in row " + row + ", people are identified by " + r.ID + ", " + known + " columns known: " + strings.Join(r.Columns, ", "),
	}
	if r.Status != "" {
		t.ZH += "；是否可用看 " + r.Status + " 列"
		t.EN += "; column " + r.Status + " says who may be used"
	}
	return t
}

// recognised sums up a layout.
func (b *build) recognised() Recognised {
	r := Recognised{Template: b.template, HeaderRow: b.t.headerRow, ID: b.t.header[b.l.id]}
	if b.l.enabled >= 0 {
		r.Status = b.t.header[b.l.enabled]
	}
	for i, name := range b.t.header {
		if name == "" {
			continue
		}
		r.Of++
		if slices.ContainsFunc(b.l.fields, func(f field) bool { return f.column == i && (f.usual || f.name != name) }) || i == b.l.id {
			r.Columns = append(r.Columns, name)
		}
	}
	return r
}

// maxSearch is how many rows are searched for the headings.
const maxSearch = 30

// headings is a row that may hold the headings.
type headings struct {
	number int
	names  []string
}

// findHeader gives the number of the row that holds the headings: the configured
// one, or the only one that names the id column and the most other columns. It
// gives the first row that holds something when none does, for the message.
func (c *Connector) findHeader(rows []headings) (int, error) {
	if c.o.HeaderRow > 0 {
		return c.o.HeaderRow, nil
	}
	known := c.knownHeadings()
	first, best, most, rival := 0, 0, 0, 0
	for _, r := range rows {
		if first == 0 && slices.ContainsFunc(r.names, func(s string) bool { return headingKey(s) != "" }) {
			first = r.number
		}
		n := c.score(r.names, known)
		switch {
		case n > most:
			best, most, rival = r.number, n, 0
		case n == most && n > 0:
			rival = r.number
		}
	}
	switch {
	case rival > 0:
		return 0, c.invalid(fmt.Sprintf("rows %d and %d can both hold the headings: say which with header_row", best, rival),
			fmt.Sprintf("第 %d 行和第 %d 行都像列名：请用 header_row 写明是哪一行", best, rival))
	case best > 0:
		return best, nil
	default:
		return max(first, defaultHeaderRow), nil
	}
}

// knownHeadings are the forms of all headings that mean something here.
func (c *Connector) knownHeadings() []string {
	var known []string
	for _, s := range standards() {
		known = append(known, s.all()...)
	}
	for _, s := range statusColumns() {
		known = append(known, s.aliases...)
	}
	for _, a := range c.o.Attributes {
		known = append(known, aliasKey(a.Column))
	}
	return append(known, accountAliases()...)
}

// score gives how many of a row's cells are known headings, 0 when none of them
// can be the id column.
func (c *Connector) score(names, known []string) int {
	n, id := 0, false
	var ids []string
	if c.o.ID == "" {
		ids = append(accountAliases(), standards()[0].aliases...)
	}
	for _, name := range names {
		isID := c.o.ID != "" && headingKey(name) == headingKey(c.o.ID) || slices.Contains(ids, aliasKey(name))
		id = id || isID
		if isID || slices.Contains(known, aliasKey(name)) {
			n++
		}
	}
	if !id {
		return 0
	}
	return n
}
