package connectortest

import (
	"fmt"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Marks of the generated part of a system's page in docs.
const (
	tableBegin = "<!-- capabilities: generated, do not edit -->\n"
	tableEnd   = "<!-- capabilities: end -->\n"
)

// words are a capability table's fixed texts in one language.
type words struct {
	can, means, head, yes, no, always, login string
	kinds                                    map[directory.Kind]string
}

var (
	english = words{
		"Operations", "What they mean",
		"| object | attribute | type | written | identifies at sign-in | shown by |", "yes", "", "always", "yes",
		map[directory.Kind]string{directory.User: "user", directory.Department: "department"},
	}
	chinese = words{
		"操作", "含义",
		"| 对象 | 属性 | 类型 | 可写 | 登录标识 | 所需权限 |", "是", "", "始终可见", "是",
		map[directory.Kind]string{directory.User: "用户", directory.Department: "部门"},
	}
)

// Table gives a system's capability table as Markdown, in Chinese or English.
func Table(info connector.Info, zh bool) string {
	w, text := english, func(t connector.Text) string { return t.EN }
	if zh {
		w, text = chinese, func(t connector.Text) string { return t.ZH }
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s**\n\n| | CREATE | UPDATE | DISABLE | DELETE |\n|---|---|---|---|---|\n", w.can)
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		fmt.Fprintf(&b, "| %s |", w.kinds[kind])
		for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete} {
			fmt.Fprintf(&b, " %s |", pick(info.Can(kind, op), w.yes, w.no))
		}
		b.WriteByte('\n')
	}
	if info.Can(directory.User, plan.Disable) || info.Can(directory.User, plan.Delete) {
		fmt.Fprintf(&b, "\n**%s**\n\n", w.means)
		for _, m := range []struct {
			op plan.Op
			t  connector.Text
		}{{plan.Disable, info.DisableMeans}, {plan.Delete, info.DeleteMeans}} {
			if info.Can(directory.User, m.op) {
				fmt.Fprintf(&b, "- `%s`: %s\n", m.op, text(m.t))
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n|---|---|---|---|---|---|\n", w.head)
	for _, a := range info.Attributes {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s |\n", w.kinds[a.Kind], a.Name, a.Type,
			pick(a.Writable, w.yes, w.no), pick(a.LoginID, w.login, w.no), or(a.Permission, w.always))
	}
	b.WriteByte('\n')
	return b.String()
}

func pick(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// Insert puts a capability table between the marks of a page. ok is false for a
// page without the marks.
func Insert(page, table string) (updated string, ok bool) {
	head, rest, found := strings.Cut(page, tableBegin)
	_, tail, foundEnd := strings.Cut(rest, tableEnd)
	if !found || !foundEnd {
		return page, false
	}
	return head + tableBegin + table + tableEnd + tail, true
}
