package plan_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestWhatIsForeseenIsWhatThePlanDoes holds Foresee against Make: for everybody of
// every golden case it gives the change and the notes of the whole plan, or says
// that it is not sure.
func TestWhatIsForeseenIsWhatThePlanDoes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			for _, f := range archive.Files {
				switch text := string(f.Data); f.Name {
				case "flow":
					w.readFlow(text)
				case "source":
					w.source.read(w, text, false)
				case "target":
					w.target.read(w, text, true)
				case "links":
					w.readLinks(text)
				case "rule":
					w.readRule(text)
				}
			}
			foreseeAll(t, w.input())
		})
	}
}

func TestWhatIsForeseenHoldsForAnyCompany(t *testing.T) {
	t.Parallel()
	sure := 0
	rapid.Check(t, func(rt *rapid.T) { sure += foreseeAll(rt, company(rt, t)) })
	if sure == 0 {
		t.Error("Foresee was never sure of anything")
	}
}

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

// foreseeAll compares for every user, and gives of how many Foresee was sure.
func foreseeAll(t fataler, in plan.Input) int {
	t.Helper()
	if !in.Source.Complete() || !in.Target.Complete() || twins(in.Target) || twins(in.Source) {
		return 0
	}
	whole, err := plan.Make(context.Background(), in)
	if err != nil {
		t.Fatalf("%v", err)
	}
	keys := map[directory.Key]bool{}
	for o := range in.Source.All(directory.User) {
		keys[o.Key] = true
	}
	for _, key := range plan.GoneCandidates(in.Source, in.Links) {
		if key.Kind == directory.User && in.Gone[key] == plan.GoneConfirmed {
			keys[key] = true
		}
	}
	sure := 0
	for key := range keys {
		seen, err := plan.Foresee(context.Background(), in, oneOf(in, key))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if seen.Unsure != "" {
			if seen.Change != nil || len(seen.Notes) > 0 {
				t.Fatalf("%s: unsure and yet %+v", key, seen)
			}
			continue
		}
		if slices.ContainsFunc(seen.Notes, inZeros) && foundInZeros(whole, key) {
			continue
		}
		sure++
		judgeOne(t, in, key, seen)
		if seen.Change == nil && !slices.ContainsFunc(whole.Changes, func(c plan.Change) bool { return c.Source == key }) {
			sameWhy(t, whole, key, seen.Notes)
			continue
		}
		held := slices.ContainsFunc(whole.Notes, func(n plan.Note) bool { return n.Key == key && n.Kind == plan.Lost && n.Op == plan.Create })
		if got, want := foreseenText(seen, held), wholeText(whole, key, seen.Notes); got != want {
			t.Fatalf("%s is foreseen as\n%s\nand planned as\n%s", key, got, want)
		}
	}
	return sure
}

// judgeOne holds what a trial says would happen against what is foreseen, unless
// something beside the rule keeps the planner from it.
func judgeOne(t fataler, in plan.Input, key directory.Key, seen plan.Foreseen) {
	t.Helper()
	got, err := plan.Judge(context.Background(), in, oneOf(in, key), "")
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	for _, n := range seen.Notes {
		switch n.Kind {
		case plan.Held, plan.Aborted, plan.RuleFailed:
			if got.Final != plan.None || got.Note != n.Kind {
				t.Fatalf("%s is foreseen as %s, and judged %+v", key, n.Kind, got)
			}
			return
		default:
			return
		}
	}
	want := plan.None
	if seen.Change != nil {
		want = seen.Change.Op
	}
	if got.Final != want || got.Note != "" {
		t.Fatalf("%s is foreseen as %s, and judged %+v", key, want, got)
	}
}

// twins tells whether two departments have one path, which no vendor allows and
// Foresee cannot see.
func twins(s *directory.Snapshot) bool {
	seen := map[string]bool{}
	for _, path := range mapping.Paths(s) {
		if seen[path] {
			return true
		}
		seen[path] = true
	}
	return false
}

// sameWhy compares why somebody is left alone. What the rule did must be told; of
// several other reasons a plan of all may find another first, but one is told.
func sameWhy(t fataler, p *plan.Plan, key directory.Key, notes []plan.Note) {
	t.Helper()
	byRule := func(n plan.Note) bool {
		return n.Kind == plan.LeftActive || n.Kind == plan.RuleFailed || n.Kind == plan.Held || n.Kind == plan.Aborted
	}
	if slices.ContainsFunc(notes, onlyAPlan) {
		return // with the reference the rule may judge otherwise
	}
	for _, n := range p.Notes {
		if n.Key != key {
			continue
		}
		told := slices.ContainsFunc(notes, func(m plan.Note) bool { return m.Kind == n.Kind && m.Say == n.Say })
		if byRule(n) && !told || len(notes) == 0 {
			t.Fatalf("%s is left alone because %s: %s, and foreseen with %+v", key, n.Kind, n.Say, notes)
		}
	}
	for _, n := range notes {
		if byRule(n) && !slices.ContainsFunc(p.Notes, func(m plan.Note) bool { return m.Key == key && m.Kind == n.Kind && m.Say == n.Say }) {
			t.Fatalf("%s is foreseen with %s: %s, which the plan does not say", key, n.Kind, n.Say)
		}
	}
}

// oneOf asks both snapshots for one user, as the engine asks the systems.
func oneOf(in plan.Input, key directory.Key) plan.One {
	one := plan.One{Key: key}
	var user directory.Object
	if o, ok := in.Source.Get(key); ok {
		one.Source, user = &o, o
	}
	links := map[directory.Key]directory.Key{}
	for _, l := range in.Links {
		if l.Live() {
			links[l.Source] = l.Target
			if l.Source == key && one.Source == nil {
				user = directory.Object{Key: key, Attributes: l.Seen}
			}
		}
	}
	if o, ok := in.Target.Get(links[key]); ok {
		one.Target = &o
	} else if attr := in.Abilities.IDAttribute[directory.User]; attr != "" {
		want, _, err := in.Flow.Users.Map(user.Attributes, func(r directory.Ref) (directory.Ref, bool) { return r, true })
		if o, ok := in.Target.Get(directory.Key{Kind: directory.User, ID: directory.ID(want[attr].String())}); ok && err == nil {
			one.Target = &o
		}
	}
	asked := map[directory.Key]bool{}
	var ask func(directory.Key)
	ask = func(k directory.Key) {
		if k.ID == "" || asked[k] {
			return
		}
		asked[k] = true
		o, ok := in.Target.Get(k)
		if !ok {
			one.Missing = append(one.Missing, k)
			return
		}
		one.Partners = append(one.Partners, o)
		for _, up := range o.Attributes[directory.AttrParent].Refs() {
			ask(up.Key)
		}
	}
	for _, k := range plan.Around(in, one) {
		ask(k)
	}
	return one
}

// onlyAPlan tells whether a note says that something is left to a plan of all.
func onlyAPlan(n plan.Note) bool { return strings.Contains(n.Say, "only a plan of all") }

// foreseenText tells what is foreseen; references that are left to a plan of all
// are left out, and so is what Foresee tells where a plan says nothing. held: the
// plan holds it because of such a reference.
func foreseenText(s plan.Foreseen, held bool) string {
	open := slices.ContainsFunc(s.Notes, onlyAPlan)
	var b strings.Builder
	if s.Change != nil && (!open || !held) {
		b.WriteString(effectText(*s.Change, open))
	}
	for _, n := range s.Notes {
		if !onlyAPlan(n) && !unspoken(n) {
			fmt.Fprintf(&b, "%s %s %s\n", n.Kind, n.Op, n.Say)
		}
	}
	return b.String()
}

// inZeros tells whether a note is about numbers that differ in leading zeros.
func inZeros(n plan.Note) bool { return strings.Contains(n.Say, "leading zeros") }

// foundInZeros tells whether a plan of all finds somebody by such a number, of which
// Foresee only says that it may.
func foundInZeros(p *plan.Plan, key directory.Key) bool {
	return slices.ContainsFunc(p.Notes, func(n plan.Note) bool { return n.Key == key && inZeros(n) }) ||
		slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Source == key && strings.Contains(c.Reason, "leading zeros") })
}

func unspoken(n plan.Note) bool {
	for _, say := range []string{"in nothing but leading zeros", "disabled by this flow; the account", "not in the source, and no account", "and has no account of this flow", "not in the scope of this flow"} {
		if strings.Contains(n.Say, say) {
			return true
		}
	}
	return false
}

// wholeText tells the same of the whole plan.
func wholeText(p *plan.Plan, key directory.Key, notes []plan.Note) string {
	open := slices.ContainsFunc(notes, onlyAPlan)
	var changes []plan.Change
	for _, c := range p.Changes {
		if c.Source == key {
			changes = append(changes, c)
		}
	}
	var b strings.Builder
	if len(changes) == 2 {
		first, second := changes[0], changes[1]
		if first.Op == plan.Adopt {
			changes = []plan.Change{second}
		} else {
			first.After = first.After.Clone()
			maps.Copy(first.After, second.After)
			changes = []plan.Change{first}
		}
	}
	for _, c := range changes {
		b.WriteString(effectText(c, open))
	}
	for _, n := range p.Notes {
		told := n.Kind == plan.Kept && slices.ContainsFunc(notes, unspoken) // in other words
		if n.Key == key && !told && (!open || n.Kind != plan.Lost) {
			fmt.Fprintf(&b, "%s %s %s\n", n.Kind, n.Op, n.Say)
		}
	}
	return b.String()
}

func effectText(c plan.Change, open bool) string {
	values := func(a directory.Attributes) string {
		var words []string
		for _, name := range a.Names() {
			if !open || name != directory.AttrManager && name != directory.AttrDepartments {
				words = append(words, name+"="+a[name].String())
			}
		}
		return strings.Join(words, " ")
	}
	if text := values(c.After); open && c.Op == plan.Update && text == "" {
		return "" // nothing but references
	}
	return fmt.Sprintf("%s %s %s [%s] [%s] %s\n", c.Op, c.Key, c.Name, values(c.Before), values(c.After), c.Cause.Kind)
}
