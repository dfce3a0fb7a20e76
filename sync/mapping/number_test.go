package mapping_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

func TestBare(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"007": "7", "7": "7", "000": "0", "0": "0", "70": "70", "00100": "100", "": "", "a7": "", "7a": "", "-7": "", "７": "", "7.0": ""} {
		if got, is := mapping.Bare(in); got != want || is != (want != "") {
			t.Errorf("Bare(%q) = %q, %t", in, got, is)
		}
	}
}

func TestAMobileNumberOutOfAChat(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"\u202d13800138000\u202c", "138\u200b0013\u200b8000", "138–0013—8000", "138−0013−8000", "138·0013·8000", "\t138\u30000013 8000\n",
		"＋８６－１３８００１３８０００", "00 86 138 0013 8000", "+86\u2011138\u20110013\u20118000",
	} {
		if got := mapping.Normal("mobile", in); got != "13800138000" {
			t.Errorf("%q is %q", in, got)
		}
	}
	if got := mapping.Normal("email", "a–b@x.cn"); got != "a–b@x.cn" {
		t.Errorf("an address lost a dash: %q", got)
	}
}

// TestNumbersAgainstLookingThemUp draws two systems whose numbers differ in their
// leading zeros, and looks at everybody.
func TestNumbersAgainstLookingThemUp(t *testing.T) {
	t.Parallel()
	numbers := []string{"7", "07", "007", "８", "08", "a7", "a07", "0", "00", "", "?"}
	draw := func(t *rapid.T, label string) map[directory.ID]attrs {
		out := map[directory.ID]attrs{}
		for i := range rapid.IntRange(0, 5).Draw(t, label) {
			n := rapid.SampledFrom(numbers).Draw(t, "number")
			a := attrs{"employee_no": text(n)}
			if n == "?" {
				a["employee_no"] = hidden()
			}
			out[directory.ID(fmt.Sprintf("%s%d", label, i))] = a
		}
		return out
	}
	loose := func(objects map[directory.ID]attrs, want string) []directory.ID {
		var ids []directory.ID
		for id, a := range objects {
			got, is := mapping.Bare(mapping.Normal("employee_no", a["employee_no"].Text()))
			if is && got == want {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return ids
	}
	rapid.Check(t, func(rt *rapid.T) {
		theirs, ours := draw(rt, "s"), draw(rt, "t")
		m, err := mapping.Compile(mapping.Spec{Match: []string{"employee_no"}})
		if err != nil {
			rt.Fatal(err)
		}
		source := mapping.Side{Snap: snapshot(directory.User, theirs)}
		f := mapping.NewFinder(m, directory.User, source, mapping.Side{Snap: snapshot(directory.User, ours)})
		for id, a := range theirs {
			no := mapping.Normal("employee_no", a["employee_no"].Text())
			var ids, sources []directory.ID
			if no != "" {
				ids, sources = holders(ours, "employee_no", no), holders(theirs, "employee_no", no)
			}
			if bare, is := mapping.Bare(no); is && len(ids) == 0 && len(loose(ours, bare)) > 0 {
				ids, sources = loose(ours, bare), loose(theirs, bare)
			}
			o, _ := source.Snap.Get(directory.Key{Kind: directory.User, ID: id})
			if gotIDs, gotSources, _ := f.Find(o, source); !slices.Equal(gotIDs, ids) || !slices.Equal(gotSources, sources) {
				rt.Fatalf("%s (%s): %v and %v, want %v and %v", id, no, gotIDs, gotSources, ids, sources)
			}
		}
	})
}

func TestReads(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Rules: []mapping.Rule{{To: "a", From: "x"}, {To: "b", Template: `{{ index . "department_path" }}`}}})
	for name, want := range map[string]bool{"x": true, "department_path": true, "z": false, "department_paths": false, "y": false} {
		if got := m.Reads(name); got != want {
			t.Errorf("reads %s: %t", name, got)
		}
	}
}

// TestAPathIsNoKeyThatAnIDDecides: without a full plan nobody knows who matches.
func TestAPathIsNoKeyThatAnIDDecides(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Spec{Match: []string{"department_path"}, Rules: []mapping.Rule{{To: "userid", From: "no"}}})
	o := directory.Object{Attributes: attrs{"departments": directory.RefsToKind(directory.Department, "1")}}
	if got := m.Open(o, directory.Object{}, "userid"); got != "department_path" {
		t.Errorf("open %q", got)
	}
	o.Attributes["departments"] = directory.RefsTo()
	if got := m.Open(o, directory.Object{}, "userid"); got != "" {
		t.Errorf("open %q of somebody without departments", got)
	}
}
