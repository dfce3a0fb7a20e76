package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func testRules(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"kept once": testKeepRules, "kept by several at once": testKeepTogether,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func testKeepRules(t *testing.T, b *bench) {
	users := plan.RuleText{Kind: directory.User, Name: "rules/人员.js", Text: "// it's “quoted”\r\nreturn context\x00\u2028"}
	long := plan.RuleText{Kind: directory.Department, Name: "d.js", Text: strings.Repeat("x", 16<<10)}
	want := func(what, config string, want []plan.RuleText, kept bool) {
		t.Helper()
		got, ok, err := b.another(t).RuleTexts(t.Context(), config)
		if err != nil || ok != kept || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, %v", what, got, ok, err)
		}
	}
	keep := func(what, config string, kind fault.Kind, texts ...plan.RuleText) {
		t.Helper()
		wantKind(t, what, b.KeepRules(t.Context(), config, texts), kind)
	}
	want("nothing yet", "c1", nil, false)
	keep("two rules", "c1", "", users, long)
	want("both, by kind", "c1", []plan.RuleText{long, users}, true)
	keep("again", "c1", "", users, long)
	keep("the same hash with another text", "c1", "", plan.RuleText{Kind: directory.User, Name: "other.js", Text: "return context"})
	want("what was there stays", "c1", []plan.RuleText{long, users}, true)
	keep("no rules at all", "c2", "")
	want("an empty set is kept", "c2", nil, true)
	keep("a rule for a set that has none", "c2", "", users)
	want("it stays empty", "c2", nil, true)
	keep("an empty text", "c3", "", plan.RuleText{Kind: directory.User, Name: "empty.js"})
	want("is one", "c3", []plan.RuleText{{Kind: directory.User, Name: "empty.js"}}, true)
	keep("without a kind", "c4", fault.Invalid, plan.RuleText{Name: "x.js"})
	keep("without a hash", "", fault.Invalid, users)
	want("neither is kept", "c4", nil, false)
	want("another hash", "c5", nil, false)
}

func testKeepTogether(t *testing.T, b *bench) {
	other := b.another(t)
	texts := []plan.RuleText{{Kind: directory.Department, Name: "d.js", Text: "d"}, {Kind: directory.User, Name: "u.js", Text: "u"}}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			to := b.Store
			if i%2 == 1 {
				to = other
			}
			if err := to.KeepRules(t.Context(), "c1", texts); err != nil {
				t.Errorf("keep: %v", err)
			}
		})
	}
	group.Wait()
	if got, ok, err := b.RuleTexts(t.Context(), "c1"); err != nil || !ok || !slices.Equal(got, texts) {
		t.Errorf("%v, %v, %v", got, ok, err)
	}
}
