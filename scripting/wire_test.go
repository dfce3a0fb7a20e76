package scripting

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// attributes have every type of value.
func attributes() directory.Attributes {
	return directory.Attributes{
		"text": directory.TextOf("张三"), "int": directory.IntOf(-7), "bool": directory.BoolOf(true), "date": date("2026-07-22"),
		"list": directory.ListOf("a", ""), "refs": directory.RefsToKind(directory.Department, "d1"), "hidden": directory.Hidden("p"),
		"noint": directory.Empty(directory.Int), "nodate": directory.Empty(directory.Date),
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	set := &setup{
		zone: "Asia/Shanghai", turns: turnsOf(shanghai), objectTime: 1, batchTime: 2, callDepth: 3, memory: 4,
		rules:    []ruleText{{directory.User, "return context"}, {directory.Department, ""}},
		declared: options("").Declared,
	}
	gotSet, err := decodeSetup(set.encode())
	same(t, "setup", gotSet, set, err)

	sums := []summary{
		{kind: directory.User, calls: plan.Calls{Create: true, Delete: true}, doubts: []problem{{place{1, 2}, "name", "attribute"}}},
		{kind: directory.Department, problems: []problem{{place{3, 4}, "错误", ""}}},
	}
	gotSums, err := decodeReady(encodeReady(sums))
	same(t, "ready", gotSums, sums, err)

	b := &batch{generation: 5, logs: true, now: time.UnixMilli(noon().UnixMilli()), kind: directory.User}
	subjects := []plan.Subject{
		person("a", attributes()),
		{Object: person("b", directory.Attributes{}).Object, Proposed: plan.Delete, Target: attributes()},
		{Object: person("c", directory.Attributes{}).Object, Proposed: plan.None, Target: directory.Attributes{}},
		{Object: person("d", attributes()).Object, Proposed: "MERGE"},
		person("e", directory.Attributes{"text": directory.Value{}, "other": directory.TextOf("x")}),
	}
	body, n := b.encode([]byte("before"), subjects)
	if n != len(subjects) {
		t.Fatalf("%d subjects", n)
	}
	gotBatch, got, err := decodeBatch(bytes.TrimPrefix(body, []byte("before")))
	same(t, "batch", gotBatch, b, err)
	same(t, "subjects", subjectsOf(b, got), subjects, nil)

	j := &judgement{overstayed: true, logs: []string{"x", "y"}, Verdict: plan.Verdict{
		Calls: plan.Calls{Update: true, Disable: true}, At: plan.Place{Line: 300}, Abort: []plan.Op{plan.Update, plan.Create}, AbortAny: true, Returned: true,
		Data: attributes(), Reason: "理由", Failed: &plan.RuleError{Line: 7, Say: "x / y", Limit: true},
	}}
	gotJudgement, err := decodeJudgement(j.encode(nil))
	same(t, "judgement", gotJudgement, j, err)
	gotJudgement, err = decodeJudgement((&judgement{}).encode(nil))
	same(t, "empty judgement", gotJudgement, &judgement{}, err)

	l := lookup{kind: directory.Department, id: "d1"}
	gotLookup, err := decodeLookup(l.encode())
	same(t, "lookup", gotLookup, l, err)

	found := []directory.Object{person("a", attributes()).Object, person("b", directory.Attributes{}).Object}
	gotFound, err := decodeAnswer(encodeAnswer(found))
	same(t, "answer", gotFound, found, err)
}

// subjectsOf decodes all of what a child decodes when it is asked for.
func subjectsOf(b *batch, got []subject) []plan.Subject {
	whole := func(f fields) directory.Attributes {
		a := directory.Attributes{}
		for _, name := range f.names() {
			a[name] = f.value(name)
		}
		return a
	}
	var out []plan.Subject
	for _, s := range got {
		one := plan.Subject{Proposed: s.proposed}
		one.Object = directory.Object{Key: directory.Key{Kind: b.kind, ID: s.id}, Active: true, Attributes: whole(s.data)}
		if s.target != nil {
			one.Target = whole(s.target)
		}
		out = append(out, one)
	}
	return out
}

func same(t *testing.T, what string, got, want any, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// TestShortMessages: no message passes with its end cut off or something behind
// it.
func TestShortMessages(t *testing.T) {
	t.Parallel()
	b := &batch{now: noon(), kind: directory.User}
	batchBody, _ := b.encode(nil, []plan.Subject{person("a", attributes())})
	set := &setup{zone: "UTC", turns: turnsOf(time.UTC), objectTime: 1, batchTime: 1}
	j := &judgement{Verdict: plan.Verdict{Data: attributes(), Reason: "x"}}
	for name, m := range map[string]struct {
		body   []byte
		decode func([]byte) error
	}{
		"setup":     {set.encode(), func(b []byte) error { _, err := decodeSetup(b); return err }},
		"batch":     {batchBody, func(b []byte) error { _, _, err := decodeBatch(b); return err }},
		"judgement": {j.encode(nil), func(b []byte) error { _, err := decodeJudgement(b); return err }},
		"lookup":    {lookup{id: "x"}.encode(), func(b []byte) error { _, err := decodeLookup(b); return err }},
	} {
		for n := range m.body {
			if m.decode(m.body[:n]) == nil {
				t.Errorf("%s: %d of %d bytes pass", name, n, len(m.body))
			}
		}
		if m.decode(append(bytes.Clone(m.body), 0)) == nil {
			t.Errorf("%s: passes with a byte behind it", name)
		}
	}
	if _, err := decodeLookup(lookup{kind: "robot", id: "x"}.encode()); err == nil {
		t.Error("a look-up of an unknown kind passes")
	}
	if _, err := decodeJudgement((&judgement{overstayed: true}).encode(nil)); err == nil {
		t.Error("an object that overstayed without an error passes")
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	bodies := []string{"", "x", strings.Repeat("long", 100_000)}
	for _, body := range bodies {
		if err := writeFrame(w, frameBatch, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeFrame(w, frameBatch, make([]byte, maxFrame+1)); !errors.Is(err, errFrame) {
		t.Errorf("an oversized frame: %v", err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	all := buf.Bytes()
	r := bufio.NewReader(bytes.NewReader(all))
	for _, body := range bodies {
		f, err := readFrame(r)
		if err != nil || f.kind != frameBatch || string(f.body) != body {
			t.Errorf("frame of %d bytes: %d bytes, %v", len(body), len(f.body), err)
		}
	}
	if _, err := readFrame(r); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	cut := bufio.NewReader(bytes.NewReader(all[:len(all)-1]))
	for i := range bodies {
		if _, err := readFrame(cut); (err != nil) != (i == len(bodies)-1) {
			t.Errorf("frame %d of a cut stream: %v", i, err)
		}
	}
	if _, err := readFrame(bufio.NewReader(strings.NewReader("B\xff\xff\xff\xff\x7f"))); !errors.Is(err, errFrame) {
		t.Errorf("a frame of 32 GiB: %v", err)
	}
}

// TestBigBatch: what does not fit into one frame goes into the next, and an object
// that fits into none gets a verdict of its own.
func TestBigBatch(t *testing.T) {
	t.Parallel()
	big := func(id string, size int) plan.Subject {
		return person(id, directory.Attributes{"name": directory.TextOf(strings.Repeat("x", size))})
	}
	o := options("repo.executeCreate(); return context")
	o.MemoryMB = 1024
	got := judgeAll(t, open(t, o), big("a", 9<<20), big("b", 9<<20), big("c", 20<<20), big("d", 1))
	for i, wantFailed := range []bool{false, false, true, false} {
		if failed := got[i].Failed != nil; failed != wantFailed || failed == got[i].Calls.Create {
			t.Errorf("subject %d: %s", i, failure(got[i]))
		}
	}
	wantFailure(t, got[2], 0, textTooBig.en)
}

func FuzzMessages(f *testing.F) {
	b := &batch{now: noon(), kind: directory.User}
	body, _ := b.encode(nil, []plan.Subject{person("a", attributes()), {Target: attributes(), Proposed: "x"}})
	f.Add(body)
	f.Add((&setup{zone: "UTC", turns: turnsOf(time.UTC), objectTime: 1, batchTime: 1}).encode())
	f.Add((&judgement{Verdict: plan.Verdict{Data: attributes(), Failed: &plan.RuleError{}}}).encode(nil))
	f.Add(encodeReady([]summary{{kind: directory.User, doubts: []problem{{place{1, 2}, "x", ""}}}}))
	f.Add(lookup{id: "x"}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if j, err := decodeJudgement(data); err == nil {
			again, err := decodeJudgement(j.encode(nil))
			same(t, "judgement", again, j, err)
		}
		if b, got, err := decodeBatch(data); err == nil {
			subjects := subjectsOf(b, got)
			body, n := b.encode(nil, subjects)
			gotBatch, got, err := decodeBatch(body)
			again := subjectsOf(b, got)
			if err != nil || n != len(subjects) || !reflect.DeepEqual(again, subjects) || !reflect.DeepEqual(gotBatch, b) {
				t.Errorf("batch: %v", err)
			}
		}
		if s, err := decodeSetup(data); err == nil {
			if _, err := decodeSetup(s.encode()); err != nil {
				t.Errorf("setup: %v", err)
			}
			if zone, err := location(s.zone, s.turns); err == nil && zone == nil {
				t.Error("neither zone nor error")
			}
		}
		if l, err := decodeLookup(data); err == nil {
			again, err := decodeLookup(l.encode())
			same(t, "lookup", again, l, err)
		}
		if sums, err := decodeReady(data); err == nil {
			again, err := decodeReady(encodeReady(sums))
			same(t, "ready", again, sums, err)
		}
		_, _ = decodeAnswer(data)
		r := bufio.NewReader(bytes.NewReader(data))
		for {
			if _, err := readFrame(r); err != nil {
				break
			}
		}
	})
}
