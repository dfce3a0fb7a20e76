package plan_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestAnIDThatTwoLinksHoldIsFreeWhenBothAreOver: where the target tells ids apart by case,
// two accounts may differ in nothing else. All whose they were count, in every plan.
func TestAnIDThatTwoLinksHoldIsFreeWhenBothAreOver(t *testing.T) {
	t.Parallel()
	link := func(source, target directory.ID) mapping.Link {
		return mapping.Link{
			Flow: "hr-to-corp", Source: directory.Key{Kind: directory.User, ID: source}, Target: directory.Key{Kind: directory.User, ID: target},
			Origin: mapping.Created, Since: now.Add(-day),
		}
	}
	for name, c := range map[string]struct {
		source string
		op     plan.Op
	}{
		"one is still there": {"user stays 某人 no=s1\nuser x 新人 no=ab", plan.None},
		"both are gone":      {"user x 新人 no=ab", plan.Create},
	} {
		w := newWorld(t)
		w.source.read(w, c.source, false)
		w.in.Links = []mapping.Link{link("left", "AB"), link("stays", "ab")}
		for range 30 { // maps are walked in another order each time
			p, err := plan.Make(t.Context(), w.input())
			if err != nil {
				t.Fatal(err)
			}
			op := plan.None
			for i := range p.Changes {
				if p.Changes[i].Source.ID == "x" {
					op = p.Changes[i].Op
				}
			}
			if op != c.op {
				t.Fatalf("%s: %s, want %s; notes %+v", name, op, c.op, p.Notes)
			}
		}
	}
}
