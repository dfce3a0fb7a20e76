package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestPeerFailure12 compares 20,000 people with 20,000, a thousand of whom changed
// and a thousand of whom are new, and counts what that takes against half of them.
// topiam built a set of all remote people for each local one, on the order of 10⁹
// insertions at this size, and GLPI's LDAP import was quadratic too. It is not
// parallel: what it counts is the whole process's.
func TestPeerFailure12_ComparingIsLinearAndBounded(t *testing.T) { //nolint:paralleltest // it counts allocations
	const n = 20_000
	half, whole := measure(t, n/2), measure(t, n)
	t.Logf("%d people: %d allocations, %d MiB, never more than %d MiB at once; twice as many: %d, %d MiB, %d MiB",
		n/2, half.count, half.total>>20, half.bound>>20, whole.count, whole.total>>20, whole.bound>>20)
	// A sort adds log n: a factor of 1.08 here. Quadratic is 4.
	if ratio := float64(whole.count) / float64(half.count); ratio > 2.3 {
		t.Errorf("twice the people take %.2f times the allocations", ratio)
	}
	if ratio := float64(whole.total) / float64(half.total); ratio > 2.4 {
		t.Errorf("twice the people take %.2f times the memory", ratio)
	}
	if whole.count > 200*n {
		t.Errorf("%d allocations for each person", whole.count/n)
	}
	const ceiling = 200 << 20
	if whole.bound > ceiling {
		t.Errorf("up to %d MiB at once, want at most %d", whole.bound>>20, ceiling>>20)
	}
}

// used is what planning took: allocations, their bytes, and what the heap could hold
// at most, with both systems and the links in it, had none of them been freed.
type used struct{ count, total, bound uint64 }

// measure plans for n people.
func measure(t *testing.T, n int) used {
	t.Helper()
	in := twins(t, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, err := plan.Make(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if c := p.Counts(); c.Update != n/20 || c.Create != n/20 || c.Total() != n/10 {
		t.Fatalf("it plans %+v for %d people", c, n)
	}
	u := used{count: after.Mallocs - before.Mallocs, total: after.TotalAlloc - before.TotalAlloc}
	u.bound = before.HeapAlloc + u.total
	runtime.KeepAlive(in)
	runtime.KeepAlive(p)
	return u
}

// twins gives two systems of n people each in departments of fifty: one of twenty
// has another title in the source, and one of twenty is only there, in place of one
// whom the flow does not manage in the target.
func twins(t *testing.T, n int) plan.Input {
	t.Helper()
	users := compiled(t, mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
		{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "email", From: "email"}, {To: "position", From: "title"}, {To: "department", From: "departments"},
	}})
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	every := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	in := plan.Input{
		Flow: plan.Flow{
			Name: flowName, Users: users, Departments: sameTree(t), Leavers: plan.Leavers{First: plan.Disable},
			Guard:   plan.Guard{MaxDelete: 20, MaxDeletePercent: 5, MaxDeletePercentPerDepartment: 50, MaxShrinkPercent: 10, MaxChangePercent: 30},
			Approve: plan.Approve{DisableOver: 5, Expires: 8 * time.Hour},
		},
		Config: "config", Now: now,
		Abilities: plan.Abilities{
			Ops:         map[directory.Kind][]plan.Op{directory.User: every, directory.Department: every},
			IDAttribute: map[directory.Kind]string{directory.User: "userid"},
		},
	}
	source, target := directory.NewBuilder("hr", now), directory.NewBuilder("corp", now)
	linked := func(key directory.Key) {
		in.Links = append(in.Links, mapping.Link{Flow: flowName, Source: key, Target: key, Origin: mapping.Created})
	}
	for i := range n / 50 {
		o := directory.Object{
			Key:    directory.Key{Kind: directory.Department, ID: directory.ID(fmt.Sprintf("d%05d", i))},
			Active: true, Attributes: directory.Attributes{"name": directory.TextOf(fmt.Sprintf("第%d部", i))},
		}
		source.Add(o)
		target.Add(o)
		linked(o.Key)
	}
	for i := range n {
		title := "工程师"
		if i%20 == 7 {
			title = "架构师"
		}
		source.Add(twin(i, "employee_no", "departments", "title", title))
		if i%20 != 9 {
			target.Add(twin(i, "userid", "department", "position", "工程师"))
			linked(directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("%06d", i))})
		} else {
			target.Add(twin(n+i, "userid", "department", "position", "外部"))
		}
	}
	in.Source, _ = source.Finish()
	in.Target, _ = target.Finish()
	return in
}

func twin(i int, number, departments, titled, title string) directory.Object {
	id := fmt.Sprintf("%06d", i)
	return directory.Object{
		Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Active: true,
		Attributes: directory.Attributes{
			number: directory.TextOf(id), "name": directory.TextOf("员工" + id), "email": directory.TextOf("u" + id + "@x.example"),
			titled: directory.TextOf(title), departments: directory.RefsToKind(directory.Department, directory.ID(fmt.Sprintf("d%05d", i/50%400))),
		},
	}
}
