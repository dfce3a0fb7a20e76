package connectortest

import (
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Marks of the generated part of a system's page in docs.
const (
	tableBegin = "<!-- capabilities: generated, do not edit -->\n"
	tableEnd   = "<!-- capabilities: end -->\n"
)

// words are a capability table's fixed texts in one language.
type words struct {
	lang                string
	can, operations     string // the heading of the operations, and their row of names
	means, colon        string
	attributes, columns string // the heading of the attributes, and their row of names
	yes, always         string
	kinds               map[directory.Kind]string
	disables, deletes   string
}

// no stands in both languages where a system cannot do something; an empty cell
// would look forgotten.
const no = "–"

var (
	english = words{
		"en",
		"Operations", "| | CREATE | UPDATE | DISABLE | DELETE |", "What they mean", ": ",
		"Attributes", "| object | attribute | type | written | identifies at sign-in | shown by |", "yes", "always",
		map[directory.Kind]string{directory.User: "user", directory.Department: "department"},
		"DISABLE", "DELETE",
	}
	chinese = words{
		"zh-CN",
		"操作", "| | 新建 CREATE | 更新 UPDATE | 停用 DISABLE | 删除 DELETE |", "含义", "：",
		"属性", "| 对象 | 属性 | 类型 | 可写 | 登录标识 | 所需权限 |", "是", "始终可见",
		map[directory.Kind]string{directory.User: "用户", directory.Department: "部门"},
		"停用 DISABLE", "删除 DELETE",
	}
)

// table gives a system's capability table as Markdown.
func (w words) table(info connector.Info) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s**\n\n%s\n|---|---|---|---|---|\n", w.can, w.operations)
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		fmt.Fprintf(&b, "| %s |", w.kinds[kind])
		for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete} {
			fmt.Fprintf(&b, " %s |", w.mark(info.Can(kind, op)))
		}
		b.WriteByte('\n')
	}
	disables, deletes := info.Can(directory.User, plan.Disable), info.Can(directory.User, plan.Delete)
	if disables || deletes {
		fmt.Fprintf(&b, "\n**%s**\n\n", w.means)
	}
	if disables {
		fmt.Fprintf(&b, "- %s%s%s\n", w.disables, w.colon, w.text(info.DisableMeans))
	}
	if deletes {
		fmt.Fprintf(&b, "- %s%s%s\n", w.deletes, w.colon, w.text(info.DeleteMeans))
	}
	fmt.Fprintf(&b, "\n**%s**\n\n%s\n|---|---|---|---|---|---|\n", w.attributes, w.columns)
	for _, a := range info.Attributes {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s |\n",
			w.kinds[a.Kind], a.Name, a.Type, w.mark(a.Writable), w.mark(a.LoginID), w.shown(a.Permission))
	}
	b.WriteByte('\n')
	return b.String()
}

func (w words) mark(ok bool) string {
	if ok {
		return w.yes
	}
	return no
}

func (w words) text(t connector.Text) string {
	if w.lang == "en" {
		return t.EN
	}
	return t.ZH
}

// shown names a permission: in the page's language when it is a phrase, as code
// when it is a vendor's identifier.
func (w words) shown(permission string) string {
	switch {
	case permission == "":
		return w.always
	case strings.Contains(permission, " "):
		return fault.In(permission, w.lang)
	}
	return "`" + permission + "`"
}

// insert puts a capability table between the marks of a page. ok is false for a
// page without the marks.
func insert(page, table string) (updated string, ok bool) {
	head, rest, found := strings.Cut(page, tableBegin)
	_, tail, foundEnd := strings.Cut(rest, tableEnd)
	if !found || !foundEnd {
		return page, false
	}
	return head + tableBegin + table + tableEnd + tail, true
}
