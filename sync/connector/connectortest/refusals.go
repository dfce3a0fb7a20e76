package connectortest

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// refusalCases feeds the vendor's answers to a connector, each to a fresh one.
func refusalCases(refusals []Refusal) []testCase {
	var cases []testCase
	for _, r := range refusals {
		if r.Write {
			cases = append(cases, testCase{r.Name + " at a write", []string{"NewUser", "Effects"}, refusedWrite(r)})
		} else {
			cases = append(cases, testCase{r.Name + " at a read", []string{"SeedUser"}, refusedRead(r)})
		}
	}
	return cases
}

// arm finds the same refusal in another harness, and lets it come. Its name has
// to be the only one of its sort.
func (h *Harness) arm(t *testing.T, name string, write bool) []fault.Kind {
	t.Helper()
	var found []Refusal
	for _, r := range h.Refusals {
		if r.Name == name && r.Write == write {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d refusals are called %s", len(found), name)
	}
	found[0].Arm()
	return found[0].Kinds
}

func refusedWrite(r Refusal) func(*testing.T, *Harness) {
	return func(t *testing.T, h *Harness) {
		w := h.create(person(1))
		before := h.Effects()
		kinds := h.arm(t, r.Name, true)
		_, err := h.target(t).Apply(within(t), w)
		h.checkFault(t, err, kinds...)
		if n := h.Effects() - before; n != 0 {
			t.Errorf("%d effects of a refused write", n)
		}
	}
}

func refusedRead(r Refusal) func(*testing.T, *Harness) {
	return func(t *testing.T, h *Harness) {
		h.seedUsers(1)
		kinds := h.arm(t, r.Name, false)
		s, err := h.Connector.Read(within(t))
		if err != nil {
			h.checkFault(t, err, kinds...)
			return
		}
		if s.Complete() {
			t.Fatal("a refused listing passes for complete")
		}
		h.checkText(t, s.Health.PartialFor)
	}
}
