package scripting

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// controlRule is a rule for departments that shares the engine with the fuzzed rule
// for users. It says whether the engine still is what it was.
const controlRule = `
context.reason = [
  [3, 1, 2].sort().map(function (x) { return x * 2 }).join(""), "a-b".replace(/-/g, "+"), JSON.stringify({ a: [1] }), new Date(2026, 0, 31).getMonth(),
  today().getTime(), now().getTime(), Date.now(), Math.max(1, 2), Math.random() < 1, Object.keys({ x: 1 }), [..."ab"].length, new Map([[1, 2]]).get(1),
  "xy".contain("y"), pinyin("张"), parseInt("7"), typeof leak, typeof {}.leak, repo.getObjectByID("d1").name, context.data.name, isNaN(context.data.opened),
].join("|")
return context`

const controlReason = "246|a+b|{\"a\":[1]}|0|1784649600000|1784694600000|1784694600000|2|true|x|2|2|true|zhang|7|undefined|undefined|研发部|对照|true"

// fragments are what FuzzJudge puts into a rule: bytes mutated at random are hardly
// ever JavaScript.
var fragments = []string{
	`d.name = d.name + d.email`, `d.name = d.tags`, `d.tags = d.name`, `d.hiredate = d.name`, `d.hiredate = today()`, `d.hiredate.setDate(31)`,
	`d.level = d.level + 1`, `d.level = d.name`, `d.remote = !d.remote`, `d.tags.push(d.name)`, `d.tags.length = 2`, `d.departments.shift()`, `d.manager = d.departments[0]`,
	`delete d.name`, `delete d.hiredate`, `d.nobody = d`, `d.nobody = [d.name]`, `d[d.name] = d.email`, `d.name = null`, `d.tags = [undefined]`, `Object.keys(d).forEach(function (k) { d[k] = d[k] })`,
	`context.reason = d.name`, `context.reason = JSON.stringify(d)`, `context.reason = String(context.target)`, `context.target.name = "x"`, `context.id = "x"`, `context.nobody`,
	`repo.executeCreate()`, `repo.executeUpdate()`, `repo.executeDisable()`, `repo.executeDelete()`, `repo.abort()`, `repo.abort(d.name)`, `repo.abort("UPDATE")`,
	`d.name = repo.getObjectByID("d1").name`, `repo.getObjectByID(d.name)`, `repo.getObjectByID("both")`, `repo.getObjectByID(d.level, "user")`, `repo.getObjectByID(d)`,
	`throw d.name`, `throw d`, `throw context`, `return d`, `return`, `return context`, `null.x`, `x = 1`, `Object.prototype.leak = 1`, `globalThis.leak = 1`, `Array.prototype.push = 1`,
	`Object.freeze(d)`, `Object.setPrototypeOf(d, null)`, `Object.setPrototypeOf(context, d)`, `Object.defineProperty(d, "name", {get() { return 1 }})`, `Object.assign(d, {name: 1, level: "2"})`,
	`(function f() { f() })()`, `Promise.reject(d)`, `Promise.resolve().then(function () { repo.executeDelete() })`, `(async function () { await null; d.name = "late" })()`,
	`for (var k in d) d[k] = k`, `for (var c of d.name) d[c] = c`, `d.name.replace(/./g, function (c) { d.email = c; return c })`, `d.tags.sort(function () { return d.level })`,
	`log(d.name, d, context)`, `d.name = pinyin(d.name)`, `d.name = "\ud83d" + d.name`, `d.name = d.name.repeat(1000)`, `d.tags = new Proxy([], {})`, `d.hiredate = new Date(d.level)`,
	`new Function("leak = 1")()`, `[].constructor.constructor("leak = 1")()`, `d.tags = Object.defineProperty(["x"], "0", {get() { d.name = "got"; return "y" }})`,
}

// compose makes a rule of a text and of fragments, each picked by a byte; the highest
// bit puts it into a try.
func compose(text string, picks []byte) string {
	var b strings.Builder
	b.WriteString("var d = context.data\n")
	for _, p := range picks {
		f := fragments[int(p&0x7f)%len(fragments)]
		if p&0x80 != 0 {
			f = "try { " + f + " } catch (e) {}"
		}
		b.WriteString(f + "\n")
	}
	return b.String() + text
}

// FuzzJudge judges an object made of some bytes by any text: the verdict or the fault
// is within bounds, the host lives, and the engine does the same for the next object
// as before. The engine runs in children, which the fuzzer cannot look into.
func FuzzJudge(f *testing.F) {
	for _, text := range fuzzSeeds(f) {
		f.Add(text, []byte{}, []byte("\x01\x02张三"), uint8(0))
	}
	for i := range len(fragments) {
		picks := []byte{byte(i), 0x80 | byte(i*7), byte(i * 13)}
		if i%3 == 0 && (!raceEnabled || i%12 == 0) {
			f.Add("return context", picks, []byte(strings.Repeat(string(rune('a'+i)), i)+"\x00\x0c\x18张\xff"), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, text string, picks, bytes []byte, op uint8) {
		if len(text) > 1<<10 || len(picks) > 8 || len(bytes) > 4<<10 {
			return
		}
		o := hostileOptions(compose(text, picks))
		o.Workers, o.ObjectTime, o.BatchTime = 1, 300*time.Millisecond, 2*time.Second
		o.Departments = File{Name: "departments.js", Source: []byte(controlRule)}
		h, err := New(o)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid {
				t.Fatalf("%v: %v", k, err)
			}
			bounded(t, "fault", fault.Say(err), 20*2*2*sayLength)
			return
		}
		defer h.Close()
		control(t, h, "before")
		s := fuzzSubject(bytes, op)
		before := s.Object.Digest()
		got, err := h.Judge(t.Context(), []plan.Subject{s}, company)
		if err != nil {
			t.Fatal(err)
		}
		if s.Object.Digest() != before {
			t.Error("the subject itself was changed")
		}
		checkVerdict(t, h, s, got[0])
		control(t, h, "afterwards")
	})
}

// control judges the control object.
func control(t *testing.T, h *Host, when string) {
	t.Helper()
	s := plan.Subject{Proposed: plan.Create, Object: directory.Object{
		Key: directory.Key{Kind: directory.Department, ID: "control"}, Attributes: directory.Attributes{"name": directory.TextOf("对照")},
	}}
	if v := judgeAll(t, h, s)[0]; v.Failed != nil || v.Reason != controlReason || !v.Returned || v.Data != nil || v.Calls != (plan.Calls{}) || v.AbortAny || v.Abort != nil {
		t.Fatalf("the control object %s: %+v %s", when, v, failure(v))
	}
}

// checkVerdict looks whether a verdict is one that a plan can be made of.
func checkVerdict(t *testing.T, h *Host, s plan.Subject, v plan.Verdict) {
	t.Helper()
	bounded(t, "reason", v.Reason, 4*(reasonLength+1))
	if v.Failed != nil {
		bounded(t, "sentence", v.Failed.Say, 2*2*4*sayLength)
		if v.Failed.Say == "" || v.Failed.File != "users.js" || v.Failed.Line < 0 || v.Failed.Line > 1<<10+16 {
			t.Errorf("failed as %+v", v.Failed)
		}
		if v.Calls != (plan.Calls{}) || v.Abort != nil || v.AbortAny || v.Returned || v.Data != nil {
			t.Errorf("a failed verdict says more: %+v", v)
		}
	}
	for name, value := range s.Object.Attributes {
		if now, ok := v.Data[name]; v.Data != nil && (!ok || value.Type() == directory.Unknown && now.Type() == directory.Absent) {
			t.Errorf("%q is lost", name)
		}
	}
	for name, value := range v.Data {
		if !utf8.ValidString(value.Text()) {
			t.Errorf("%q is no UTF-8", name)
		}
		// What goes on must survive the record.
		o := directory.Object{Key: s.Object.Key, Attributes: directory.Attributes{name: value}}
		again, err := directory.DecodeObject(directory.AppendObject(nil, o))
		if err != nil || again.Digest() != o.Digest() {
			t.Errorf("%q does not survive being written down: %v", name, err)
		}
	}
	mentions, ruled := h.Mentions(directory.User)
	if !ruled {
		t.Error("there is no rule")
	}
	if c, m := v.Calls, mentions; c.Create && !m.Create || c.Update && !m.Update || c.Disable && !m.Disable || c.Delete && !m.Delete {
		t.Errorf("it calls %+v and names only %+v", c, m)
	}
	if r := v.Rule(plan.Situation{Proposed: s.Proposed, Exists: s.Target != nil, Mentions: mentions}); v.Failed != nil && r.Op != plan.None {
		t.Errorf("a failed rule leads to %s", r.Op)
	}
}

func bounded(t *testing.T, what, text string, most int) {
	t.Helper()
	if len(text) > most {
		t.Errorf("%s of %d bytes: %.200q", what, len(text), text)
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s is no UTF-8: %.200q", what, text)
	}
}

// fuzzSubject makes an object of bytes: each takes one byte for its name and type, and
// some for its value.
func fuzzSubject(b []byte, op uint8) plan.Subject {
	names := []string{"name", "email", "hiredate", "level", "remote", "tags", "departments", "manager", "nobody", "__proto__", "constructor", ""}
	take := func(n int) []byte {
		n = min(n, len(b))
		out := b[:n]
		b = b[n:]
		return out
	}
	attrs := directory.Attributes{}
	for len(b) > 0 && len(attrs) < 20 {
		head := int(take(1)[0])
		size := 3
		if len(b) > 0 {
			size = int(b[0]) % 40
		}
		attrs[names[head%len(names)]] = fuzzValue(head/len(names), take(size))
	}
	ops := []plan.Op{plan.Create, plan.Update, plan.None, plan.Disable, plan.Delete}
	s := person("fuzz", attrs)
	s.Proposed = ops[int(op)%len(ops)]
	if s.Proposed != plan.Create {
		s.Target = attrs
	}
	return s
}

func fuzzValue(typ int, b []byte) directory.Value {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	var eight [8]byte
	copy(eight[:], b)
	number := int64(binary.LittleEndian.Uint64(eight[:]))
	switch typ % 9 {
	case 0:
		return directory.IntOf(number)
	case 1:
		return directory.BoolOf(number%2 == 0)
	case 2:
		return directory.DateOf(time.Unix(number%(250*365*86400), 0).UTC())
	case 3:
		return directory.ListOf(strings.Split(text, "a")...)
	case 4:
		return directory.RefsToKind(directory.Department, directory.ID(text))
	case 5:
		return directory.Hidden(text)
	case 6:
		return directory.Empty(directory.Type(number & 7))
	default:
		return directory.TextOf(text)
	}
}

// fuzzSeeds are the small rules of testdata that end soon.
func fuzzSeeds(f *testing.F) []string {
	f.Helper()
	all, err := attacks(1)
	if err != nil {
		f.Fatal(err)
	}
	var seeds []string
	for i, a := range all {
		slow := strings.HasPrefix(a.name, "memory") || strings.HasPrefix(a.name, "long") || strings.HasPrefix(a.name, "loop") || strings.HasPrefix(a.name, "re")
		if !slow && i%6 == 0 && len(a.text) < 1<<10 {
			seeds = append(seeds, a.text+"\nreturn context")
		}
	}
	files, err := filepath.Glob("testdata/seed-*.txtar")
	if err != nil || len(files) == 0 || len(seeds) < 20 {
		f.Fatalf("%d files, %d seeds: %v", len(files), len(seeds), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		_, rule, _ := strings.Cut(string(text), "-- users.js --\n")
		rule, _, _ = strings.Cut(rule, "-- given.json --")
		seeds = append(seeds, rule)
	}
	if raceEnabled { // seeds run as ordinary tests, and children are slow there
		seeds = seeds[:8]
	}
	return seeds
}
