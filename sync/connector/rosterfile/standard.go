package rosterfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Attributes that roster files have beyond the standard ones of all systems.
const (
	attrBizMail  = "biz_mail"
	attrGender   = "gender"
	attrHireDate = "hiredate"
)

// standard is an attribute that rosters usually have, with the headings that
// mean it.
type standard struct {
	name    string
	typ     directory.Type
	aliases []string // as aliasKey gives them
	weaker  []string // that count when none of the aliases is there
	heading string   // that a new column gets in a Chinese file; else the name
}

// standards lists them, in the order of new columns. A heading that is the
// attribute's own name means it too. A hire date is one only when the column
// holds dates.
func standards() []standard {
	return []standard{
		{directory.AttrEmployeeNo, directory.Text, []string{"工号", "员工编号", "员工工号", "employeeno", "employeeid", "employeenumber"}, nil, "工号"},
		{directory.AttrName, directory.Text, []string{"姓名", "name", "fullname"}, []string{"名称"}, "姓名"},
		{directory.AttrMobile, directory.Text, []string{"手机", "手机号", "手机号码", "mobile", "phone"}, nil, "手机"},
		{directory.AttrEmail, directory.Text, []string{"邮箱", "邮件", "电子邮箱", "电子邮件", "email", "e-mail"}, []string{"个人邮箱"}, "邮箱"},
		{attrBizMail, directory.Text, []string{"企业邮箱", "bizmail"}, nil, "企业邮箱"},
		{directory.AttrTitle, directory.Text, []string{"职位", "职务", "岗位", "title"}, nil, "职务"},
		{directory.AttrDepartments, directory.Refs, []string{"部门", "所在部门", "department", "departments"}, nil, "部门"},
		{directory.AttrManager, directory.Refs, []string{"上级", "直属上级", "manager"}, []string{"直属主管"}, "直属上级"},
		{attrGender, directory.Text, []string{"性别", "gender"}, nil, "性别"},
		{attrHireDate, directory.Date, []string{"入职日期", "入职时间", "hiredate"}, nil, "入职日期"},
	}
}

// all gives every heading that means the attribute.
func (s standard) all() []string { return append(s.aliases, s.weaker...) }

// accountAliases are the headings of an account's id, beside the employee
// number.
func accountAliases() []string {
	return []string{"账号", "帐号", "成员账号", "成员帐号", "userid", "用户id", "员工userid", "id"}
}

// idColumn finds the column that identifies a person: the configured one, or
// the only one that can be meant.
func (c *Connector) idColumn(ix index) (int, error) {
	if c.o.ID != "" {
		return c.column(ix, "id", c.o.ID)
	}
	found := ix.of(append(accountAliases(), standards()[0].aliases...))
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, c.invalid("no heading says which column identifies a person: name it with id",
			"看不出哪一列唯一标识一个人：请用 id 写明列名")
	default:
		a, b := ix.header[found[0]], ix.header[found[1]]
		return 0, c.invalid(fmt.Sprintf("columns %s and %s can both identify a person: name one with id", a, b),
			fmt.Sprintf("%s 列和 %s 列都可能是唯一标识：请用 id 写明用哪一列", a, b))
	}
}

// idAttribute gives the attribute that the id column feeds, "" when the
// configuration does not name the column.
func (o *Options) idAttribute() string {
	if o.ID == "" {
		return ""
	}
	taken := false
	for _, a := range o.Attributes {
		if headingKey(a.Column) == headingKey(o.ID) && a.Name != directory.AttrActive {
			return a.Name
		}
		taken = taken || a.Name == directory.AttrEmployeeNo
	}
	for _, s := range standards() {
		if s.typ == directory.Text && slices.Contains(s.aliases, aliasKey(o.ID)) && (!taken || s.name != directory.AttrEmployeeNo) {
			return s.name
		}
	}
	return heading(o.ID)
}

// statusColumns are the headings of the column that says whether an account may
// be used, by what they ask. The first sort that a file has decides.
func statusColumns() []struct {
	aliases []string
	words   statusWords
} {
	return []struct {
		aliases []string
		words   statusWords
	}{
		{[]string{"启用", "是否启用", "enabled", "active"}, statusWords{strict: true}},
		{[]string{"禁用", "是否禁用", "停用", "是否停用", "disabled"}, statusWords{inverse: true}},
		{[]string{"状态", "账号状态", "帐号状态", "员工状态", "在职状态", "status"}, statusWords{}},
		{[]string{"激活", "激活状态", "是否激活"}, statusWords{joined: true}},
	}
}

// addStatus finds the column that says who may be used: the configured one, the
// declared one, or one with a usual heading. Two of one sort are not guessed
// between.
func (c *Connector) addStatus(l *layout, ix index) error {
	if d := c.o.Disabled; d != "" {
		m, _ := parseMark(d)
		l.words = statusWords{mark: m}
		i, there := ix.keys[headingKey(m.column)]
		switch {
		case there:
			l.enabled = i
		case !c.o.Target:
			_, err := c.column(ix, "disabled", m.column)
			return err
		}
		return nil
	}
	for _, f := range l.fields {
		if f.name == directory.AttrActive {
			l.enabled, l.words = f.column, statusWords{strict: true}
			return nil
		}
	}
	for _, sort := range statusColumns() {
		found := ix.of(sort.aliases)
		if len(found) > 1 {
			a, b := ix.header[found[0]], ix.header[found[1]]
			return c.invalid(fmt.Sprintf("columns %s and %s both say whether an account may be used: say which with attributes.active.column", a, b),
				fmt.Sprintf("%s 列和 %s 列都像账号是否可用：请用 attributes.active.column 写明用哪一列", a, b))
		}
		if len(found) == 1 {
			l.enabled, l.words = found[0], sort.words
			return nil
		}
	}
	return nil
}

// doubtStatus makes the activity unknown when an ordinary status column holds
// nothing but numbers: 0 is normal in one export and disabled in the next. It gives
// the reason, or nil.
func (l *layout) doubtStatus(name string, t *tally) *trouble {
	if l.words != (statusWords{}) || t.filled == 0 || t.worded {
		return nil
	}
	l.enabled = -1
	return &trouble{
		"column " + name + " holds numbers only, which do not say who is disabled: set disabled: " + name + "=… with the number of the disabled (such as disabled: " + name + "=1/0)",
		name + " 列只有数字，看不出谁已停用：请写明停用的值 disabled: " + name + "=…（例如 disabled: " + name + "=1/0）",
	}
}

// mark is how a file marks the disabled.
type mark struct {
	column, disabled, enabled string
}

// parseMark reads "状态=停用" or "状态=停用/在职": the column, what stands in it for
// a disabled person, and what for others; nothing stands for anybody else when
// that is left out.
func parseMark(s string) (mark, bool) {
	column, values, ok := strings.Cut(s, "=")
	off, on, _ := strings.Cut(values, "/")
	m := mark{heading(column), clean(off), clean(on)}
	return m, ok && m.column != "" && m.disabled != "" && !m.means(m.enabled)
}

// means tells whether a cell says that the person is disabled: by the mark
// itself, or by a word for the same.
func (m mark) means(text string) bool {
	text = clean(text)
	if text == "" {
		return false
	}
	if strings.EqualFold(plain(text), plain(m.disabled)) {
		return true
	}
	if m.enabled != "" && strings.EqualFold(plain(text), plain(m.enabled)) {
		return false
	}
	return off(m.disabled) && off(text) || on(m.disabled) && on(text)
}

// statusWords is how the cells of a status column are read. An empty cell means
// that the account may be used.
type statusWords struct {
	mark    mark // configured; then nothing else counts
	strict  bool // anything but yes and no is an error
	inverse bool // yes means disabled
	joined  bool // tells who has joined, which says nothing unless it says disabled
}

// active tells whether a cell says that the account may be used. A word that is
// not known says nothing, so that it may, unless the column is strict.
func (w statusWords) active(text string) (val, ok bool) {
	if w.mark.column != "" {
		return !w.mark.means(text), true
	}
	yes, known := truth(text)
	switch {
	case w.strict:
		return yes, known
	case state(text): // what the heading asks does not matter
		return yes, true
	case w.inverse:
		return !yes && (known || !off(text)), true
	case w.joined:
		return known || !off(text), true
	default:
		return !off(text), true
	}
}

// off tells whether a word says that somebody may not use the account.
func off(text string) bool {
	if yes, ok := truth(text); ok {
		return !yes
	}
	return slices.Contains([]string{
		"离职", "已离职", "已停用", "已禁用", "冻结", "已冻结", "暂停", "注销", "已注销", "退出企业", "未启用", "disabled", "inactive", "suspended",
	}, strings.ToLower(plain(text)))
}

// on tells whether a word says yes.
func on(text string) bool {
	yes, ok := truth(text)
	return ok && yes && !state(text)
}

// state tells whether a word, unlike a mere yes or no, says by itself whether an
// account may be used.
func state(text string) bool {
	return slices.Contains([]string{"启用", "停用", "禁用"}, plain(text))
}
