package plan_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// big gives a flow between two systems with n users of twelve attributes each,
// fifty to a department. The target is empty, or equal and linked.
func big(b *testing.B, n int, equal bool) plan.Input {
	b.Helper()
	w := newWorld(b)
	spec := w.spec[directory.User]
	for i := range 6 {
		name := fmt.Sprintf("extra%d", i)
		spec.Rules = append(spec.Rules, mapping.Rule{To: name, From: name})
	}
	in := w.input()
	source, target := directory.NewBuilder("hr", now), directory.NewBuilder("corp", now)
	add := func(o directory.Object) {
		source.Add(o)
		if !equal {
			return
		}
		if o.Kind == directory.User {
			o.Attributes = o.Attributes.Clone()
			o.Attributes["userid"] = o.Attributes["employee_no"]
			delete(o.Attributes, "employee_no")
		}
		target.Add(o)
		in.Links = append(in.Links, mapping.Link{Flow: "hr-to-corp", Source: o.Key, Target: o.Key, Origin: mapping.Created})
	}
	for i := range max(1, n/50) {
		add(directory.Object{Key: directory.Key{Kind: directory.Department, ID: directory.ID(fmt.Sprintf("d%06d", i))}, Active: true, Attributes: directory.Attributes{
			"name": directory.TextOf(fmt.Sprintf("第%d部", i)),
		}})
	}
	for i := range n {
		add(bigUser(i))
	}
	in.Source, _ = source.Finish()
	in.Target, _ = target.Finish()
	return in
}

func bigUser(i int) directory.Object {
	id := directory.ID(fmt.Sprintf("%08d", i))
	a := directory.Attributes{
		"employee_no": directory.TextOf(string(id)), "name": directory.TextOf(fmt.Sprintf("员工%d", i)),
		"email": directory.TextOf(fmt.Sprintf("user%d@example.cn", i)), "title": directory.TextOf("高级工程师"),
		"departments": directory.RefsToKind(directory.Department, directory.ID(fmt.Sprintf("d%06d", i/50))),
		"manager":     directory.RefsToKind(directory.User, directory.ID(fmt.Sprintf("%08d", i/50*50))),
	}
	for j := range 6 {
		a[fmt.Sprintf("extra%d", j)] = directory.TextOf(fmt.Sprintf("value %d of %d", j, i))
	}
	return directory.Object{Key: directory.Key{Kind: directory.User, ID: id}, Active: true, Attributes: a}
}

// BenchmarkMake plans for companies of two sizes: time and memory must grow with
// the size and not faster. peak-MB is the highest live heap beyond what the two
// snapshots and the links need, user-ns the time for one user.
func BenchmarkMake(b *testing.B) {
	for _, equal := range []bool{false, true} {
		for _, n := range []int{10_000, 100_000} {
			name := fmt.Sprintf("empty-target/%d", n)
			if equal {
				name = fmt.Sprintf("equal-target/%d", n)
			}
			b.Run(name, func(b *testing.B) { benchMake(b, big(b, n, equal), n, equal) })
		}
	}
}

// quiet is a rule that lets everything through, in the same process and at no cost.
type quiet struct{}

func (quiet) Mentions(directory.Kind) (plan.Calls, bool) { return plan.Calls{Update: true}, true }

func (quiet) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i := range out {
		out[i].Returned, out[i].Calls.Update = true, subjects[i].Proposed == plan.Update
	}
	return out, nil
}

// BenchmarkRuled plans what BenchmarkMake does with a rule that changes nothing, and
// with the same one as the former rule.
func BenchmarkRuled(b *testing.B) {
	const n = 10_000
	for _, equal := range []bool{false, true} {
		for _, former := range []bool{false, true} {
			b.Run(fmt.Sprintf("equal=%t/former=%t", equal, former), func(b *testing.B) {
				in := big(b, n, equal)
				in.Rules = quiet{}
				if former {
					in.Former = &plan.Former{Run: "2BEF0R", Rules: quiet{}}
				}
				benchMake(b, in, n, equal)
			})
		}
	}
}

func benchMake(b *testing.B, in plan.Input, n int, equal bool) {
	b.ReportAllocs()
	runtime.GC()
	before := heap()
	peak := watchHeap(b)
	b.ResetTimer()
	for b.Loop() {
		p, err := plan.Make(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		if got := len(p.Changes); equal && got != 0 || !equal && got < n {
			b.Fatalf("%d changes", got)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "user-ns")
	b.ReportMetric(float64(peak()-before)/(1<<20), "peak-MB")
}

// watchHeap gives a function that ends the watch and tells the highest heap.
func watchHeap(b *testing.B) func() uint64 {
	b.Helper()
	var highest atomic.Uint64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if h := heap(); h > highest.Load() {
				highest.Store(h)
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-ended
		return highest.Load()
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// BenchmarkHard plans what needs a second look: nobody is linked and everybody is
// found by number, written with more zeros; or half of the departments vanish and
// the plan moves everybody out of them.
func BenchmarkHard(b *testing.B) {
	for _, n := range []int{10_000, 20_000, 40_000} {
		b.Run(fmt.Sprintf("by-number/%d", n), func(b *testing.B) {
			in := big(b, n, true)
			in.Links = nil
			source := directory.NewBuilder("hr", now)
			for _, kind := range []directory.Kind{directory.Department, directory.User} {
				for o := range in.Source.All(kind) {
					if kind == directory.User {
						o.Attributes["employee_no"] = directory.TextOf("00" + string(o.ID))
					}
					source.Add(o)
				}
			}
			in.Source, _ = source.Finish()
			benchMake(b, in, n, false)
		})
		b.Run(fmt.Sprintf("departments-emptied/%d", n), func(b *testing.B) {
			in := vanishing(big(b, n, true))
			benchMake(b, in, n/2, false)
		})
	}
}

// vanishing takes the second half of the departments out of the source, and puts
// their people into the first one.
func vanishing(in plan.Input) plan.Input {
	half := directory.ID(fmt.Sprintf("d%06d", in.Source.Len(directory.Department)/2))
	source := directory.NewBuilder("hr", now)
	for o := range in.Source.All(directory.Department) {
		if o.ID < half {
			source.Add(o)
		} else {
			in.Gone[o.Key] = plan.GoneConfirmed
		}
	}
	for o := range in.Source.All(directory.User) {
		if o.Attributes["departments"].Refs()[0].ID >= half {
			o.Attributes["departments"] = directory.RefsToKind(directory.Department, "d000000")
		}
		source.Add(o)
	}
	in.Source, _ = source.Finish()
	in.Flow.DeleteGoneDepartments = true
	return in
}
