package feishu_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

var updateDocs = flag.Bool("update", false, "write the capability tables into docs/systems")

const (
	tableBegin = "<!-- capabilities: made by go test ./sync/connector/feishu -update -->\n"
	tableEnd   = "<!-- end of capabilities -->\n"
)

// words are what the two languages call things in the table.
type words struct {
	can, attributes                           string
	yes, no, ops, kind                        string
	name, typ, write, login, permission, free string
	kinds                                     map[directory.Kind]string
	verbs                                     map[plan.Op]string
	disable, remove                           string
}

func languages() map[string]words {
	return map[string]words{
		"feishu.md": {
			can: "**Operations**", attributes: "**Attributes**", yes: "yes", no: "–", ops: "operation", kind: "kind", name: "attribute", typ: "type",
			write: "written", login: "login id", permission: "shown by", free: "always",
			kinds:   map[directory.Kind]string{directory.User: "user", directory.Department: "department"},
			verbs:   map[plan.Op]string{plan.Create: "CREATE", plan.Update: "UPDATE", plan.Disable: "DISABLE", plan.Delete: "DELETE"},
			disable: "**What DISABLE means.** ", remove: "**What DELETE means.** ",
		},
		"feishu.zh-CN.md": {
			can: "**操作**", attributes: "**属性**", yes: "是", no: "–", ops: "操作", kind: "对象", name: "属性", typ: "类型",
			write: "可写", login: "登录标识", permission: "由哪项权限展示", free: "总是可见",
			kinds:   map[directory.Kind]string{directory.User: "成员", directory.Department: "部门"},
			verbs:   map[plan.Op]string{plan.Create: "新建 CREATE", plan.Update: "修改 UPDATE", plan.Disable: "停用 DISABLE", plan.Delete: "删除 DELETE"},
			disable: "**停用意味着什么。**", remove: "**删除意味着什么。**",
		},
	}
}

// table draws what Describe says.
func (w words) table(info connector.Info, means func(connector.Text) string) string {
	var b strings.Builder
	mark := func(ok bool) string {
		if ok {
			return w.yes
		}
		return w.no
	}
	ops := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	fmt.Fprintf(&b, "%s\n\n| %s |", w.can, w.kind)
	for _, op := range ops {
		fmt.Fprintf(&b, " %s |", w.verbs[op])
	}
	b.WriteString("\n|---|---|---|---|---|\n")
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		fmt.Fprintf(&b, "| %s |", w.kinds[kind])
		for _, op := range ops {
			fmt.Fprintf(&b, " %s |", mark(info.Can(kind, op)))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%s%s\n\n%s%s\n\n%s\n\n", w.disable, means(info.DisableMeans), w.remove, means(info.DeleteMeans), w.attributes)
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n|---|---|---|---|---|---|\n", w.kind, w.name, w.typ, w.write, w.login, w.permission)
	for _, a := range info.Attributes {
		shown := w.free
		if a.Permission != "" {
			shown = "`" + a.Permission + "`"
		}
		name := strings.Replace(a.Name, "custom.C-1", "custom.<id>", 1)
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s |\n", w.kinds[a.Kind], name, a.Type, mark(a.Writable), mark(a.LoginID), shown)
	}
	return b.String()
}

// TestDocs holds the tables in the docs against Describe; -update writes them.
func TestDocs(t *testing.T) {
	t.Parallel()
	info := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = feishu.UserID }).c.Describe()
	for name, w := range languages() {
		path := filepath.Join("..", "..", "..", "docs", "systems", name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, ok := strings.Cut(string(raw), tableBegin)
		_, tail, closed := strings.Cut(rest, tableEnd)
		if !ok || !closed {
			t.Fatalf("%s lacks the marks of the table", name)
		}
		means := func(text connector.Text) string {
			if strings.Contains(name, "zh-CN") {
				return text.ZH
			}
			return text.EN
		}
		want := head + tableBegin + "\n" + w.table(info, means) + "\n" + tableEnd + tail
		if want == string(raw) {
			continue
		}
		if !*updateDocs {
			t.Errorf("%s is not what Describe says: run go test ./sync/connector/feishu -run TestDocs -update", name)
			continue
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
