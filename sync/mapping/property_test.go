package mapping_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

var keys = []string{"no", "email", "mobile"}

// keyed draws a little system whose objects hold few keys, so that they collide.
func keyed(t *rapid.T, label string) map[directory.ID]attrs {
	out := map[directory.ID]attrs{}
	for i := range rapid.IntRange(0, 6).Draw(t, label) {
		a := attrs{}
		for _, key := range keys {
			v := rapid.SampledFrom([]string{"", "1", "2", "Ａ", "a", "?", "-"}).Draw(t, key)
			switch v {
			case "-":
			case "?":
				a[key] = hidden()
			default:
				a[key] = text(v)
			}
		}
		out[directory.ID(fmt.Sprintf("%s%d", label, i))] = a
	}
	return out
}

// holders gives who holds a key, as a person would look it up.
func holders(objects map[directory.ID]attrs, key, want string) []directory.ID {
	var ids []directory.ID
	for id, a := range objects {
		if v := a[key]; v.Type() != directory.Unknown && mapping.Normal(key, v.String()) == want {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestFinderAgainstLookingItUp compares the index with going through everybody.
func TestFinderAgainstLookingItUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		theirs, ours := keyed(rt, "s"), keyed(rt, "t")
		m, err := mapping.Compile(mapping.Spec{Match: keys})
		if err != nil {
			rt.Fatal(err)
		}
		source := mapping.Side{Snap: snapshot(directory.User, theirs)}
		f := mapping.NewFinder(m, directory.User, source, mapping.Side{Snap: snapshot(directory.User, ours)})
		for id, a := range theirs {
			var wantIDs, wantSources []directory.ID
			wantKey := ""
			for _, key := range keys {
				k := mapping.Normal(key, a[key].String())
				if a[key].Type() == directory.Unknown || k == "" {
					continue
				}
				found := holders(ours, key, k)
				if wantKey == "" || len(found) > 0 {
					wantIDs, wantSources, wantKey = found, holders(theirs, key, k), key
				}
				if len(found) > 0 {
					break
				}
			}
			o, _ := source.Snap.Get(directory.Key{Kind: directory.User, ID: id})
			ids, sources, key := f.Find(o, source)
			if !slices.Equal(ids, wantIDs) || !slices.Equal(sources, wantSources) || key != wantKey {
				rt.Fatalf("%s: %v, %v by %q; want %v, %v by %q", id, ids, sources, key, wantIDs, wantSources, wantKey)
			}
		}
	})
}

// anything draws a value of any type.
func anything(t *rapid.T, label string) directory.Value {
	words := rapid.SampledFrom([]string{"", "a", "A", "+86 13800138000", "13800138000", "?"})
	return rapid.Custom(func(t *rapid.T) directory.Value {
		switch rapid.IntRange(0, 6).Draw(t, "type") {
		case 0:
			return directory.Value{}
		case 1:
			return directory.IntOf(int64(rapid.IntRange(-1, 1).Draw(t, "n")))
		case 2:
			return directory.BoolOf(rapid.Bool().Draw(t, "b"))
		case 3:
			return directory.ListOf(rapid.SliceOfN(words, 0, 2).Draw(t, "list")...)
		case 4:
			return hidden()
		case 5:
			return directory.RefsToKind(directory.Department, directory.ID(words.Draw(t, "ref")))
		default:
			return text(words.Draw(t, "text"))
		}
	}).Draw(t, label)
}

// TestWhatWasWrittenDiffersNoMore maps, writes what differs, and compares again:
// nothing is left, and nothing hidden was touched.
func TestWhatWasWrittenDiffersNoMore(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Rules: []mapping.Rule{
		{To: "a", From: "x"}, {To: "email", From: "y"}, {To: "mobile", From: "z", Default: "0"}, {To: "made", Template: "{{ .x }}-{{ .y }}"},
	}})
	rapid.Check(t, func(rt *rapid.T) {
		src := attrs{"x": anything(rt, "x"), "y": anything(rt, "y"), "z": anything(rt, "z")}
		have := attrs{}
		for _, name := range append(m.Targets(), "other") {
			have[name] = anything(rt, name)
		}
		want, _, err := m.Map(src, func(r directory.Ref) (directory.Ref, bool) { return r, r.ID != "a" })
		if err != nil {
			rt.Fatal(err)
		}
		after := maps.Clone(have)
		for _, name := range m.Diff(want, have) {
			if have[name].Type() == directory.Unknown || want[name].Type() == directory.Unknown {
				rt.Errorf("%s is hidden and would be written", name)
			}
			if name == "other" {
				rt.Errorf("%s is not mapped and would be written", name)
			}
			after[name] = want[name]
		}
		if left := m.Diff(want, after); len(left) > 0 {
			rt.Errorf("still different after writing: %v, want %v, have %v", left, want, after)
		}
		for name, v := range want {
			if src["x"].Type() == directory.Unknown && (name == "a" || name == "made") && v.Type() != directory.Unknown {
				rt.Errorf("%s was made of a hidden value: %q", name, v)
			}
		}
	})
}

// TestSameIsAnEquivalence sees that sameness is mutual and, what is hidden apart,
// that everything is the same as itself.
func TestSameIsAnEquivalence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"email", "mobile", "title", "groups"}).Draw(rt, "name")
		a, b, c := anything(rt, "a"), anything(rt, "b"), anything(rt, "c")
		if mapping.Same(name, a, b) != mapping.Same(name, b, a) {
			rt.Errorf("%q and %q", a, b)
		}
		if mapping.Same(name, a, a) != (a.Type() != directory.Unknown) {
			rt.Errorf("%s %q and itself", a.Type(), a)
		}
		if a.Type() == b.Type() && b.Type() == c.Type() && mapping.Same(name, a, b) && mapping.Same(name, b, c) && !mapping.Same(name, a, c) {
			rt.Errorf("%q, %q and %q", a, b, c)
		}
	})
}

// TestScopeOnlyNarrows sees that one more condition never lets somebody in, and
// that hiding something never turns in into out or out into in.
func TestScopeOnlyNarrows(t *testing.T) {
	t.Parallel()
	values := rapid.SampledFrom([]string{"", "a", "b"})
	rapid.Check(t, func(rt *rapid.T) {
		user := attrs{"x": text(values.Draw(rt, "x")), "y": text(values.Draw(rt, "y"))}
		scope := mapping.Scope{Only: map[string][]string{"x": {"a"}}, Not: map[string][]string{"y": {"b"}}}
		wide := mapping.Scope{Only: scope.Only}
		in, known := scope.Includes(user, nil)
		if !known {
			rt.Errorf("nothing is hidden of %v", user)
		}
		if inWide, _ := wide.Includes(user, nil); in && !inWide {
			rt.Errorf("one condition more lets %v in", user)
		}
		name := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "hide")
		user[name] = hidden()
		if veiled, sure := scope.Includes(user, nil); sure && veiled != in {
			rt.Errorf("hiding %s turns %t into %t", name, in, veiled)
		}
	})
}
