package connectortest

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	info := newMemory("").Describe()
	for zh, want := range map[bool][]string{
		false: {"| user | yes | yes | yes | yes |", "| department | yes | yes |  | yes |", "- `DELETE`: gone", "| user | `mobile` | text | yes |  | always |"},
		true:  {"| 用户 | 是 | 是 | 是 | 是 |", "- `DISABLE`: 停用", "| 部门 | `parent` | refs | 是 |  | 始终可见 |"},
	} {
		table := Table(info, zh)
		for _, line := range want {
			if !strings.Contains(table, line+"\n") {
				t.Errorf("no line %q in\n%s", line, table)
			}
		}
	}
}

func TestInsert(t *testing.T) {
	t.Parallel()
	page := "a\n" + tableBegin + "old\n" + tableEnd + "b\n"
	got, ok := Insert(page, "new\n")
	if want := "a\n" + tableBegin + "new\n" + tableEnd + "b\n"; !ok || got != want {
		t.Errorf("%v %q", ok, got)
	}
	for _, bad := range []string{"", "a\n" + tableEnd, tableBegin} {
		if got, ok := Insert(bad, "new\n"); ok || got != bad {
			t.Errorf("%q becomes %q", bad, got)
		}
	}
}
