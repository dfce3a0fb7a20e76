package wecomsim

import (
	"fmt"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	t.Parallel()
	b := staff(t, func(o *Options) { o.RootName = "点名科技" })
	b.addDepartment(Department{ID: 10, Name: "后端", Parent: 2})
	b.addUser(User{ID: "zoe", Name: "佐伊", Departments: []int64{10}, Status: StatusDisabled})
	b.addUser(User{ID: "gone", Departments: []int64{1}, Status: StatusLeft})
	want := strings.TrimPrefix(`
点名科技 (1)
  - gone gone [已退出 left]
  研发 (2)
    - Amy 艾米 ★ [已激活 active]
    - ben ben [未激活 pending]
    后端 (10)
      - zoe 佐伊 [已禁用 disabled]
  市场 (3)
    - Amy 艾米 [已激活 active]
  财务 (4)
`, "\n")
	for range 3 {
		if got := b.Tree(); got != want {
			t.Fatalf("got:\n%s\nwant:\n%s", got, want)
		}
	}
	if got := Status(3).String(); got != "状态 status 3" {
		t.Errorf("unknown status: %s", got)
	}
}

// seed fills a corp with departments of ten members each.
func seed(tb testing.TB, s *Sim, departments int) {
	tb.Helper()
	for d := range departments {
		id, err := s.AddDepartment(Department{Name: fmt.Sprintf("部门%d", d)})
		if err != nil {
			tb.Fatal(err)
		}
		for u := range 10 {
			n := d*10 + u
			if err := s.AddUser(User{
				ID: fmt.Sprintf("u%05d", n), Name: "员工", Mobile: fmt.Sprintf("138%08d", n), Departments: []int64{id},
			}); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func TestSeedOfDemoSize(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	seed(t, b.Sim, 40)
	if users, departments := len(b.Users()), len(b.Departments()); users != 400 || departments != 41 {
		t.Errorf("%d members in %d departments", users, departments)
	}
	if got := len(b.pages(100)); got != 4 {
		t.Errorf("%d pages, want 4", got)
	}
	if got := strings.Count(b.Tree(), "\n"); got != 441 {
		t.Errorf("%d lines in the tree, want 441", got)
	}
}

func BenchmarkSeed40x400(b *testing.B) {
	for b.Loop() {
		seed(b, New(Options{}), 40)
	}
}
