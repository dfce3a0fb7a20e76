package plan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// broken is a host that cannot judge, or answers for another number of objects.
type broken struct {
	err   error
	extra int
}

func (b broken) Mentions(directory.Kind) (plan.Calls, bool) { return plan.Calls{}, true }

func (b broken) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	if b.err != nil {
		return nil, b.err
	}
	return make([]plan.Verdict, len(subjects)+b.extra), nil
}

func TestMakeFails(t *testing.T) {
	t.Parallel()
	host := fault.New(fault.Unavailable, "the rule host is gone / 规则进程已退出")
	tests := []struct {
		name   string
		change func(in *plan.Input)
		kind   fault.Kind
	}{
		{"the rules cannot be asked", func(in *plan.Input) { in.Rules = broken{err: host} }, fault.Unavailable},
		{"a verdict too few", func(in *plan.Input) { in.Rules = broken{extra: -1} }, fault.Internal},
		{"a verdict too many", func(in *plan.Input) { in.Rules = broken{extra: 1} }, fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := firm(t, 3, 0).input()
			tt.change(&in)
			p, err := plan.Make(t.Context(), in)
			if p != nil || fault.KindOf(err) != tt.kind {
				t.Errorf("%v, %v; want %s", p, err, tt.kind)
			}
		})
	}
}

func TestMakeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := firm(t, 3, 0)
	w.readRule("*: return")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := plan.Make(ctx, w.input()); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
}

// TestWhoIsJudged sees for whom the rule is asked, with which proposal: leavers
// too, but nobody who is left alone before that, and each once.
func TestWhoIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.readFlow("leavers when 状态: 离职\nscope not type: 外包\nunsure: 8")
	w.source.read(w, "user 1 新\nuser 2 变 title=x\nuser 3 同\nuser 4 离 状态=离职\nuser 5 外 type=外包\nuser 6 离职无号 状态=离职", false)
	w.target.read(w, "user 2 变\nuser 3 同\nuser 4 离\nuser 7 走\nuser 8 查无\nuser 9 宽限 off", true)
	w.readLinks("2 -> 2\n3 -> 3\n4 -> 4\n7 -> 7\n8 -> 8\n9 -> 9 disabled=2026-02-20")
	w.readRule("*: return")
	make1(t, w.input())
	want := "1 CREATE, 2 UPDATE, 3 NONE, 4 DISABLE, 7 DISABLE, 9 NONE"
	if got := strings.Join(w.rule.asked, ", "); got != want {
		t.Errorf("asked: %s\nwant:  %s", got, want)
	}
}

// TestRuleSeesWhatItMay looks at the subjects as a rule gets them.
func TestRuleSeesWhatItMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.read(w, "user 1 新\nuser 2 变 title=x", false)
	w.target.read(w, "user 2 老 title=y\nuser 3 走", true)
	w.readLinks("2 -> 2\n3 -> 3 seen:title=经理")
	spy := &spy{}
	in := w.input()
	in.Rules = spy
	make1(t, in)
	if len(spy.seen) != 3 {
		t.Fatalf("%d subjects", len(spy.seen))
	}
	created, updated, left := spy.seen[0], spy.seen[1], spy.seen[2]
	if created.Target != nil || created.Object.Name() != "新" {
		t.Errorf("created: %+v", created)
	}
	if updated.Target["title"].Text() != "y" || updated.Object.Attributes["title"].Text() != "x" {
		t.Errorf("updated: %+v", updated)
	}
	if left.Object.Attributes["title"].Text() != "经理" || left.Object.Name() != "走" || left.Target == nil {
		t.Errorf("left: %+v", left)
	}
}

type spy struct{ seen []plan.Subject }

func (s *spy) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return plan.Calls{}, kind == directory.User
}

func (s *spy) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	s.seen = append(s.seen, subjects...)
	return make([]plan.Verdict, len(subjects)), nil
}

// TestManyChunks plans more people than are judged at once: references reach
// from one chunk into another.
func TestManyChunks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 2500 {
		id := fmt.Sprintf("%04d", i)
		w.source.add(w, directory.User, false, []string{id, "人", fmt.Sprintf("boss=%04d", 2499-i)})
	}
	w.readRule("0003: abort; return\n*: return")
	in := w.input()
	p := make1(t, in)
	checkNumbers(t, p)
	// 0003 is not created, and 2496 has no manager for that.
	if c := p.Counts(); c.Create != 2499 || c.Update != 2498 {
		t.Errorf("%+v", c)
	}
	if len(w.rule.asked) != 2500 {
		t.Errorf("%d were judged", len(w.rule.asked))
	}
}

// TestDepartmentsAlone plans a flow that maps departments but no users.
func TestDepartmentsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.read(w, "department d 部\nuser 1 张三 in=d", false)
	in := w.input()
	in.Flow.Users = nil
	p := make1(t, in)
	if c := p.Counts(); c.Create != 1 || c.Total() != 1 || p.Changes[0].Key.Kind != directory.Department {
		t.Errorf("%s", planText(p))
	}
}
