package connectortest

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestTable(t *testing.T) {
	t.Parallel()
	info := newMemory("").Describe()
	for _, permission := range []string{"contact:name", "name of the app / 应用里的姓名"} {
		info.Attributes = append(info.Attributes, connector.Attribute{Kind: directory.User, Name: "x", Type: directory.Text, LoginID: true, Permission: permission})
	}
	for _, tt := range []struct {
		in   words
		want []string
	}{
		{english, []string{
			"| user | yes | yes | yes | yes |", "| department | yes | yes | – | yes |", "- DELETE: gone", "| user | `mobile` | text | yes | – | always |",
			"| user | `x` | text | – | yes | `contact:name` |", "| user | `x` | text | – | yes | name of the app |",
		}},
		{chinese, []string{
			"| 用户 | 是 | 是 | 是 | 是 |", "- 停用 DISABLE：停用", "| 部门 | `parent` | refs | 是 | – | 始终可见 |",
			"| 用户 | `x` | text | – | 是 | `contact:name` |", "| 用户 | `x` | text | – | 是 | 应用里的姓名 |",
		}},
	} {
		table := tt.in.table(info)
		for _, line := range tt.want {
			if !strings.Contains(table, line+"\n") {
				t.Errorf("no line %q in\n%s", line, table)
			}
		}
	}
}

func TestInsert(t *testing.T) {
	t.Parallel()
	page := "a\n" + tableBegin + "old\n" + tableEnd + "b\n"
	got, ok := insert(page, "new\n")
	if want := "a\n" + tableBegin + "new\n" + tableEnd + "b\n"; !ok || got != want {
		t.Errorf("%v %q", ok, got)
	}
	for _, bad := range []string{"", "a\n" + tableEnd, tableBegin} {
		if got, ok := insert(bad, "new\n"); ok || got != bad {
			t.Errorf("%q becomes %q", bad, got)
		}
	}
}
