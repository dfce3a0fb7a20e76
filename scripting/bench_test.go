package scripting

import (
	"fmt"
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

// BenchmarkChild is one object through a child, in batches.
func BenchmarkChild(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			o := options(r.source)
			o.Workers = 1
			h := open(b, o)
			people := benchPeople(1000)
			judgeAll(b, h, people...)
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(people) {
				for _, v := range judgeAll(b, h, people[:min(len(people), b.N-n)]...) {
					if v.Failed != nil {
						b.Fatal(failure(v))
					}
				}
			}
		})
	}
}

// BenchmarkEngine is the same without pipe and process.
func BenchmarkEngine(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			e := inProcess(b, r.source)
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

// BenchmarkBareGoja is the engine as it comes: no freezing, plain objects.
func BenchmarkBareGoja(b *testing.B) {
	for _, r := range benchRules {
		b.Run(r.name, func(b *testing.B) {
			program, _ := compile(directory.User, r.source)
			vm := goja.New()
			if _, err := vm.RunString(`function today() { return new Date(2026, 6, 22) } function pinyin(s) { return s }
				String.prototype.contain = function (s) { return this.includes(s) }
				var repo = {executeCreate() {}, abort() {}, getObjectByID() { return {name: "研发部"} }}
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
			run, _ := goja.AssertFunction(vm.Get("run"))
			b.ReportAllocs()
			for i := range b.N {
				if _, err := run(goja.Undefined(), rule, vm.ToValue(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
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

// TestCost keeps the child from becoming much dearer than the engine alone. The
// bounds are loose: a busy machine must not fail it.
func TestCost(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the race detector tells nothing about cost")
	}
	h := open(t, options(benchRules[1].source))
	people := benchPeople(5000)
	judgeAll(t, h, people[:200]...)
	best := time.Hour
	for range 3 {
		began := time.Now()
		judgeAll(t, h, people...)
		best = min(best, time.Since(began)/time.Duration(len(people)))
	}
	if best > 300*time.Microsecond {
		t.Errorf("%v for each object", best)
	}
	t.Logf("%v for each object", best)
}
