package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		marked, have string
		want         []int
	}{
		{"zhangsan{#}", "zhangsan", []int{1}},
		{"zhangsan{#}", "zhangsan2", []int{2}},
		{"zhangsan{#}", "ZhangSan17", []int{17}},
		{"zhangsan{#}", "zhangsan1", nil}, // we never write 1
		{"zhangsan{#}", "zhangsan02", nil},
		{"zhangsan{#}", "zhangsan0", nil},
		{"zhangsan{#}", "zhangsan99999", nil},
		{"zhangsan{#}", "lisi2", nil},
		{"zhangsan{#}", "", nil},
		{"zhangsan{#}", "zhangsan2x", nil},
		{"{#}", "7", []int{7}},
		{"zhangsan{#}@example.com", "zhangsan3@example.com", []int{3}},
		{"zhangsan{#}@example.com", "zhangsan@example.com", []int{1}},
		{"zhangsan{#}@example.com", "zhangsan@example.org", nil},
		{"a{#}2024", "a2024", []int{1}},
		{"a{#}2024", "a32024", []int{3}},
		{"a{#}-b{#}", "a4-b4", []int{4}},
		{"a{#}-b{#}", "a4-b5", nil},
		{"a{#}", "a99999999999999999999999999", nil},
		{"张三{#}", "张三2", []int{2}},
	} {
		if got := appendNumber(nil, tt.marked, tt.have); !slices.Equal(got, tt.want) {
			t.Errorf("%s as %s: %v, want %v", tt.marked, tt.have, got, tt.want)
		}
	}
	if got := appendNumber([]int{2}, "a{#}", "a2"); len(got) != 1 {
		t.Errorf("twice in the list: %v", got)
	}
}

// FuzzNumber: what a number makes of a text, the text tells again.
func FuzzNumber(f *testing.F) {
	f.Add("zhangsan{#}@example.com", 2)
	f.Add("a{#}2024", 1)
	f.Add("{#}{#}0", 10)
	f.Fuzz(func(t *testing.T, marked string, n int) {
		if !strings.Contains(marked, Mark) || n < 1 || n > mostNumbers {
			return
		}
		have := numbered(marked, n)
		got := appendNumber(nil, marked, have)
		for _, g := range got {
			if !strings.EqualFold(numbered(marked, g), have) {
				t.Errorf("%q as %q gives %d", marked, have, g)
			}
		}
		if before, after, _ := strings.Cut(marked, Mark); !strings.Contains(after, Mark) && !strings.Contains(before, Mark) && len(got) == 0 {
			t.Errorf("%q as %q gives no number", marked, have)
		}
	})
}
