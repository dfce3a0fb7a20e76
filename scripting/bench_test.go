package scripting

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// benchRules: nothing, what a company writes, and much of it.
var benchRules = []struct{ name, source string }{
	{"trivial", "return context"},
	{"typical", `if (context.data.hiredate - today() <= 0) { repo.executeCreate(); }
if (context.data.email.contain("tencent")) { repo.abort("UPDATE"); }
var dept = repo.getObjectByID(context.data.DeptID).name
context.data.title = dept + "-" + context.data.name
return context`},
	{"heavy", `var words = []
for (var i = 0; i < 200; i++) { words.push((context.data.name + i).toUpperCase().replace(/[0-9]+/, "-")) }
words.sort()
context.data.title = words.slice(0, 3).join() + pinyin(context.data.name)
return context`},
}

// benchPeople have twelve attributes.
func benchPeople(n int) []plan.Subject {
	out := make([]plan.Subject, n)
	for i := range out {
		a := directory.Attributes{
			"name": directory.TextOf(fmt.Sprint("张三", i)), "email": directory.TextOf("san@example.com"), "DeptID": directory.TextOf("d1"),
			"hiredate": date("2026-07-01"), "birthday": date("1990-02-03"), "level": directory.IntOf(7), "remote": directory.BoolOf(true),
			"departments": directory.RefsToKind(directory.Department, "d1"), "mobile": directory.TextOf("13800000000"),
			"employee_no": directory.TextOf("A001"), "city": directory.TextOf("上海"), "title": directory.TextOf(""),
		}
		out[i] = person(fmt.Sprint(i), a)
	}
	return out
}

// BenchmarkChild is one object through children, in batches. Beside the time by
// the clock it tells the processor time of both sides for each object.
func BenchmarkChild(b *testing.B) {
	for _, r := range benchRules {
		for _, workers := range slices.Compact([]int{1, 2, runtime.NumCPU()}) {
			b.Run(fmt.Sprintf("%s/workers=%d", r.name, workers), func(b *testing.B) {
				o := options(r.source)
				o.Workers = workers
				h := open(b, o)
				people := benchPeople(5000)
				judgeAll(b, h, people[:1000]...)
				b.ReportAllocs()
				parent, children := cpuTime(), h.childrenTime()
				b.ResetTimer()
				for n := 0; n < b.N; n += len(people) {
					for _, v := range judgeAll(b, h, people[:min(len(people), b.N-n)]...) {
						if v.Failed != nil {
							b.Fatal(failure(v))
						}
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(cpuTime()-parent)/float64(b.N), "parent-cpu-ns/op")
				b.ReportMetric(float64(h.childrenTime()-children)/float64(b.N), "child-cpu-ns/op")
			})
		}
	}
}

// childrenTime is the processor time of the idle children.
func (h *Host) childrenTime() (sum time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.idle {
		sum += cpuTimeOf(c.cmd.Process.Pid)
	}
	return sum
}

// BenchmarkWorker is what a child does, without pipe and process.
func BenchmarkWorker(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			w := newWorker(nil, io.Discard, false)
			s, err := decodeSetup(workerSetup(r.source))
			if err != nil {
				b.Fatal(err)
			}
			s.declared = options("").Declared
			program, _ := compile(directory.User, r.source)
			w.set, w.zone, w.programs = s, shanghai, programsOf(program)
			if err := w.renew(); err != nil {
				b.Fatal(err)
			}
			w.engine.find = foundOnce()
			head := batch{now: noon(), kind: directory.User}
			body, n := head.encode(nil, benchPeople(batchSize))
			b.ReportAllocs()
			for i := 0; i < b.N; i += n {
				got, subjects, err := decodeBatch(body)
				if err == nil {
					err = w.judge(b.Context(), got, subjects)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// foundOnce asks the company once for each object, as a child does.
func foundOnce() finder {
	known := map[lookup][]directory.Object{}
	return func(l lookup) ([]directory.Object, error) {
		found, ok := known[l]
		if !ok {
			found = l.answer(company)
			known[l] = found
		}
		return found, nil
	}
}

// BenchmarkEngine is the same without pipe and process.
func BenchmarkEngine(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			e := inProcess(b, r.source)
			e.find = foundOnce()
			people := benchPeople(1000)
			b.ReportAllocs()
			for i := range b.N {
				if j, _ := e.judge(directory.User, &people[i%len(people)]); j.Failed != nil {
					b.Fatal(failure(j.Verdict))
				}
			}
		})
	}
}

// bareGoja is the engine as it comes, without freezing, with what the rules need.
func bareGoja(b *testing.B, source string) (vm *goja.Runtime, rule goja.Value, run goja.Callable) {
	b.Helper()
	program, _ := compile(directory.User, source)
	vm = goja.New()
	if _, err := vm.RunString(`function today() { return new Date(2026, 6, 22) } function pinyin(s) { return s }
		String.prototype.contain = function (s) { return this.includes(s) }
		var repo = {executeCreate() {}, abort() {}, getObjectByID() { return {name: "研发部"} }}
		function judge(rule, d) { rule({data: d}, repo)() }
		function run(rule, i) {
			var d = {name: "张三" + i, email: "san@example.com", DeptID: "d1", hiredate: new Date(2026, 6, 1), birthday: new Date(1990, 1, 3),
				level: 7, remote: true, departments: ["d1"], mobile: "13800000000", employee_no: "A001", city: "上海", title: ""}
			rule({data: d}, repo)()
		}`); err != nil {
		b.Fatal(err)
	}
	rule, err := vm.RunProgram(program)
	if err != nil {
		b.Fatal(err)
	}
	run, _ = goja.AssertFunction(vm.Get("run"))
	return vm, rule, run
}

// BenchmarkBareGoja is the engine as it comes, with plain objects that JavaScript
// itself makes: nothing goes over the border between the two languages.
func BenchmarkBareGoja(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			vm, rule, run := bareGoja(b, r.source)
			b.ReportAllocs()
			began := cpuTime()
			b.ResetTimer()
			for i := range b.N {
				if _, err := run(goja.Undefined(), rule, vm.ToValue(i)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime()-began)/float64(b.N), "parent-cpu-ns/op")
		})
	}
}

// BenchmarkGoData is the same engine with data from Go, as a program would do it that
// runs rules in its own process: a map for each object, and what the rule made of it.
func BenchmarkGoData(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			vm, rule, _ := bareGoja(b, r.source)
			judge, _ := goja.AssertFunction(vm.Get("judge"))
			people := benchPeople(1000)
			b.ReportAllocs()
			began := cpuTime()
			b.ResetTimer()
			for i := range b.N {
				data := vm.NewObject()
				for name, v := range people[i%len(people)].Object.Attributes {
					if err := data.Set(name, goData(b, vm, v)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := judge(goja.Undefined(), rule, data); err != nil {
					b.Fatal(err)
				}
				if title := data.Get("title"); title == nil {
					b.Fatal("no title")
				}
			}
			b.ReportMetric(float64(cpuTime()-began)/float64(b.N), "parent-cpu-ns/op")
		})
	}
}

func goData(b *testing.B, vm *goja.Runtime, v directory.Value) any {
	switch v.Type() {
	case directory.Date:
		at, _ := v.Time(shanghai)
		d, err := vm.New(vm.Get("Date"), vm.ToValue(at.UnixMilli()))
		if err != nil {
			b.Fatal(err)
		}
		return d
	case directory.Int:
		n, _ := v.Int()
		return n
	case directory.Bool:
		is, _ := v.Bool()
		return is
	case directory.Refs:
		return vm.NewArray(string(v.Refs()[0].ID))
	default:
		return v.Text()
	}
}

// BenchmarkStart is a new child until it is ready.
func BenchmarkStart(b *testing.B) {
	h := open(b, options(benchRules[1].source))
	for range b.N {
		c, _, err := h.start(b.Context(), &h.set)
		if err != nil {
			b.Fatal(err)
		}
		c.end()
	}
}
