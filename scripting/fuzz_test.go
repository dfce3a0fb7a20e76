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

// FuzzJudge judges an object made of some bytes by any text: the verdict or the fault
// is within bounds, the host lives, and the engine does the same for the next object
// as before.
func FuzzJudge(f *testing.F) {
	for _, text := range fuzzSeeds(f) {
		f.Add(text, []byte("\x01\x02张三"), uint8(0))
	}
	f.Add("context.data.name = context.data.tags[0]; return context", []byte("\x05\xff\xfe\x00abc"), uint8(2))
	f.Add("for (var k in context.data) context.data[k] = context.data[k]\nreturn context", []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"), uint8(3))
	f.Fuzz(func(t *testing.T, text string, bytes []byte, op uint8) {
		if len(text) > 1<<10 || len(bytes) > 4<<10 {
			return
		}
		o := hostileOptions(text)
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
		if v.Failed.Say == "" || v.Failed.File != "users.js" || v.Failed.Line < 0 || v.Failed.Line > 1<<10+1 {
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
	all, err := attacks()
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
	return seeds
}
