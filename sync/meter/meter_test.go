package meter_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/meter"
)

// TestFamilies sees that names follow Prometheus' conventions, that each family says
// what it counts in both languages, and that no label can be a person's.
func TestFamilies(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^rollcall_[a-z]+(_[a-z]+)*$`)
	labels := []string{
		"against", "code", "decision", "flow", "go", "kind", "op", "outcome", "phase", "platform", "reason", "state", "system", "version", "way",
	}
	seen := map[string]bool{}
	for _, f := range meter.Families() {
		if !name.MatchString(f.Name) || seen[f.Name] {
			t.Errorf("%s: the name is wrong, or stands twice", f.Name)
		}
		seen[f.Name] = true
		if (f.Kind == meter.IsCounter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s is a %s", f.Name, f.Kind)
		}
		if (f.Kind == meter.IsHistogram) != (len(f.Buckets) > 0) || !slices.IsSorted(f.Buckets) {
			t.Errorf("%s: a %s with buckets %v", f.Name, f.Kind, f.Buckets)
		}
		if f.EN == "" || !strings.ContainsFunc(f.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s does not say what it counts: %q %q", f.Name, f.EN, f.ZH)
		}
		for _, l := range f.Labels {
			if !slices.Contains(labels, l) {
				t.Errorf("%s: is the label %s bounded, and never a person's?", f.Name, l)
			}
		}
	}
}

// TestNew binds every instrument to its own family, with as many labels.
func TestNew(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	m := meter.New(func(f meter.Family) meter.Record {
		return func(_ float64, labels ...string) {
			if len(labels) != len(f.Labels) {
				t.Errorf("%s: %d labels", f.Name, len(labels))
			}
			got[f.Name]++
		}
	})
	m.Moves.Add(1, "f", "s")
	m.Phases.Observe(1, "f", "p")
	m.Changes.Add(1, "f", "op", "o")
	m.Votes.Add(1, "f", "d")
	m.Operations.Add(1, "s", "op", "k")
	m.OperationTime.Observe(1, "s", "op")
	m.Calls.Add(1, "s", "c")
	m.CallTime.Observe(1, "s")
	m.Waits.Add(1, "s")
	m.WaitTime.Add(1, "s")
	m.Judged.Add(1, "f")
	m.RuleErrors.Add(1, "f")
	m.JudgeTime.Add(1, "f")
	m.LeasesLost.Add(1, "f")
	m.Lateness.Observe(1, "f")
	m.Connections.Set(1, "p")
	m.Refused.Add(1, "p", "r")
	m.ClockOffset.Set(1, "a")
	for _, f := range meter.Families() {
		want := 1
		if f.Asked {
			want = 0
		}
		if got[f.Name] != want {
			t.Errorf("%s was counted %d times, want %d", f.Name, got[f.Name], want)
		}
	}
}

// TestZero counts nothing, and does no harm.
func TestZero(t *testing.T) {
	t.Parallel()
	var m meter.Meter
	m.Moves.Add(1, "f", "s")
	m.Phases.Observe(1, "f", "p")
	m.Connections.Set(1, "p")
}
