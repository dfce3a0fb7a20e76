package directory_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// values draws values of every type.
func values() *rapid.Generator[directory.Value] {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "?", "null", "张三", "a\x00b", "<&>", "2026-03-01", "new:user:1"}))
	return rapid.Custom(func(t *rapid.T) directory.Value {
		switch directory.Type(rapid.IntRange(0, 7).Draw(t, "type")) {
		case directory.Text:
			return directory.TextOf(texts.Draw(t, "text"))
		case directory.Int:
			return rapid.OneOf(rapid.Map(rapid.Int64(), directory.IntOf), rapid.Just(directory.Empty(directory.Int))).Draw(t, "int")
		case directory.Bool:
			return rapid.OneOf(rapid.Map(rapid.Bool(), directory.BoolOf), rapid.Just(directory.Empty(directory.Bool))).Draw(t, "bool")
		case directory.Date:
			if rapid.Bool().Draw(t, "empty") {
				return directory.Empty(directory.Date)
			}
			return directory.DateOf(time.Unix(rapid.Int64Range(-2e9, 4e9).Draw(t, "at"), 0).UTC())
		case directory.List:
			return directory.ListOf(rapid.SliceOfN(texts, 0, 3).Draw(t, "list")...)
		case directory.Refs:
			var refs []directory.Ref
			for _, id := range rapid.SliceOfN(texts, 0, 3).Draw(t, "refs") {
				kind := rapid.SampledFrom([]directory.Kind{directory.User, directory.Department}).Draw(t, "kind")
				refs = append(refs, directory.Ref{Key: directory.Key{Kind: kind, ID: directory.ID(id)}, Pending: rapid.Bool().Draw(t, "pending")})
			}
			return directory.RefsTo(refs...)
		case directory.Unknown:
			return directory.Hidden(texts.Draw(t, "permission"))
		default:
			return directory.Value{}
		}
	})
}

func objects() *rapid.Generator[directory.Object] {
	return rapid.Custom(func(t *rapid.T) directory.Object {
		return directory.Object{
			Key:        directory.Key{Kind: rapid.SampledFrom([]directory.Kind{directory.User, directory.Department}).Draw(t, "kind"), ID: directory.ID(rapid.StringN(1, 8, 24).Draw(t, "id"))},
			Active:     rapid.Bool().Draw(t, "active"),
			Attributes: rapid.MapOfN(rapid.StringN(1, 5, 15), values(), 0, 6).Draw(t, "attributes"),
		}
	})
}

// same compares by canonical bytes: a hidden value equals no other.
func same(a, b directory.Value) bool {
	return bytes.Equal(directory.AppendValue(nil, a), directory.AppendValue(nil, b))
}

func TestObjectRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := objects().Draw(t, "object")
		prefix := []byte("before")
		b := directory.AppendObject(prefix, o)
		if !bytes.HasPrefix(b, prefix) {
			t.Fatal("what stood before is lost")
		}
		b = b[len(prefix):]
		back, err := directory.DecodeObject(b)
		if err != nil || back.Key != o.Key || back.Active != o.Active || len(back.Attributes) != len(o.Attributes) || back.Digest() != o.Digest() {
			t.Fatalf("%+v, %v; want %+v", back, err, o)
		}
		for name, v := range o.Attributes {
			if w, ok := back.Attributes[name]; !ok || !same(v, w) || v.Type() != w.Type() {
				t.Errorf("%s: %s %q, want %s %q", name, w.Type(), w, v.Type(), v)
			}
		}
		if !bytes.Equal(directory.AppendObject(nil, back), b) {
			t.Error("two byte forms of one object")
		}
		for cut := range b {
			if _, err := directory.DecodeObject(b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes are an object", cut, len(b))
			}
		}
		if _, err := directory.DecodeObject(append(bytes.Clone(b), 0)); err == nil {
			t.Error("one byte more is an object")
		}
	})
}

func TestValueRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		b := directory.AppendValue(nil, v)
		back, rest, err := directory.DecodeValue(append(bytes.Clone(b), "behind"...))
		if err != nil || string(rest) != "behind" || !same(v, back) || v.Type() != back.Type() {
			t.Fatalf("%s %q, %q behind it, %v; want %s %q", back.Type(), back, rest, err, v.Type(), v)
		}
		for cut := range b {
			if _, _, err := directory.DecodeValue(b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes are a value", cut, len(b))
			}
		}
	})
	if _, _, err := directory.DecodeValue([]byte{200}); err == nil {
		t.Error("a value of no type passes")
	}
}

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	check := func(t interface {
		Errorf(string, ...any)
	}, v directory.Value,
	) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s %q: %v", v.Type(), v, err)
			return
		}
		var back directory.Value
		if err := json.Unmarshal(b, &back); err != nil || !same(v, back) {
			t.Errorf("%s %q by way of %s: %s %q, %v", v.Type(), v, b, back.Type(), back, err)
		}
		var inMap directory.Attributes
		if err := json.Unmarshal([]byte(`{"a":`+string(b)+`}`), &inMap); err != nil || len(inMap) != 1 || !same(v, inMap["a"]) {
			t.Errorf("%s %q in a map: %v, %v", v.Type(), v, inMap, err)
		}
	}
	for _, v := range zoo() {
		check(t, v)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, values().Draw(t, "value")) })
}

// TestJSONForms pins the stored form: plans that wait for a vote are in it.
func TestJSONForms(t *testing.T) {
	t.Parallel()
	all := zoo()
	for name, want := range map[string]string{
		"absent": `null`, "text": `"张三"`, "empty text": `""`, "int": `7`, "zero": `0`, "empty int": `{"empty":"int"}`, "true": `true`, "false": `false`, "empty bool": `{"empty":"bool"}`,
		"date": `{"date":"2026-03-01"}`, "date-time": `{"date":"2026-03-01T08:30:00"}`, "empty date": `{"date":""}`, "list": `["a","b"]`, "empty list": `[]`,
		"refs": `{"refs":["user:1"]}`, "pending": `{"refs":["new:user:1"]}`, "empty refs": `{"refs":[]}`, "hidden": `{"unknown":"contacts:read"}`, "hidden without a name": `{"unknown":""}`,
	} {
		if got, err := json.Marshal(all[name]); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	if got, err := directory.TextOf("<张&三>").MarshalJSON(); err != nil || string(got) != `"<张&三>"` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "{}", "1.5", "1e400", `"unended`, "[1]", `["a",{}]`, "tru", "[", `{"empty":"text"}`, `{"empty":7}`, `{"date":"1 March"}`, `{"date":"2026-13-01"}`, `{"date":"2026-03-01 08:30"}`,
		`{"refs":null}`, `{"refs":[7]}`, `{"unknown":null}`, "9223372036854775808", "-", "\x00",
	} {
		var v directory.Value
		if err := v.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%q is %s %q", bad, v.Type(), v)
		}
	}
}

func FuzzDecodeObject(f *testing.F) {
	for name, v := range zoo() {
		f.Add(directory.AppendObject(nil, directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(name)}, Active: true, Attributes: directory.Attributes{name: v, "name": v}}))
	}
	f.Add([]byte{0, 0, 1, 255, 255, 255, 255, 15})
	f.Add([]byte{0, 0, 1, 1, 1, 'a', 5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := directory.DecodeObject(b)
		if err != nil {
			return
		}
		canonical := directory.AppendObject(nil, o)
		again, err := directory.DecodeObject(canonical)
		if err != nil || !bytes.Equal(directory.AppendObject(nil, again), canonical) {
			t.Fatalf("%+v does not read back: %v", o, err)
		}
		_ = o.Name()
		for _, v := range o.Attributes {
			if v.String() == "" && !v.IsEmpty() && v.Type() == directory.Int {
				t.Fatalf("%+v", v)
			}
		}
	})
}

func FuzzUnmarshalValue(f *testing.F) {
	for _, v := range zoo() {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"date":"2026-03-01","refs":["x"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v directory.Value
		if err := json.Unmarshal(b, &v); err != nil {
			return
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s %q cannot be stored: %v", v.Type(), v, err)
		}
		var again directory.Value
		if err := json.Unmarshal(out, &again); err != nil || utf8.Valid(b) && !same(v, again) {
			t.Fatalf("%s is %s and then %s %q, %v", b, out, again.Type(), again, err)
		}
	})
}

// TestDigestsDiffer changes one thing at a time.
func TestDigestsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[directory.Digest]string{}
	put := func(name string, o directory.Object) {
		if other, twice := seen[o.Digest()]; twice {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[o.Digest()] = name
	}
	base := directory.Object{Key: directory.Key{Kind: directory.User, ID: "1"}}
	put("base", base)
	active := base
	active.Active = true
	put("active", active)
	for i, key := range []directory.Key{{Kind: directory.Department, ID: "1"}, {Kind: directory.User, ID: "11"}, {Kind: "user1", ID: ""}} {
		put(fmt.Sprint("key ", i), directory.Object{Key: key})
	}
	for name, v := range zoo() {
		put(name, directory.Object{Key: base.Key, Attributes: directory.Attributes{"a": v}})
	}
	put("two names", directory.Object{Key: base.Key, Attributes: directory.Attributes{"a": {}, "b": {}}})
	put("one longer name", directory.Object{Key: base.Key, Attributes: directory.Attributes{"ab": {}}})
}
