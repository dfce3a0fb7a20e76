package outage

import (
	"testing"
	"time"
)

// TestSpell has a failure every second for two and a half minutes, twice.
func TestSpell(t *testing.T) {
	t.Parallel()
	var s Spell
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if tell, _ := s.Good(now); tell {
		t.Error("what was never away is over")
	}
	for range 2 {
		var told []int
		for range 150 {
			if tell, times := s.Bad(now); tell {
				told = append(told, times)
			}
			now = now.Add(time.Second)
		}
		if len(told) != 3 || told[0] != 1 || told[1] != 60 || told[2] != 60 {
			t.Errorf("lines for %v failures, want 1, 60, 60", told)
		}
		if tell, lasted := s.Good(now); !tell || lasted != 150*time.Second {
			t.Errorf("over: %v after %v", tell, lasted)
		}
		if tell, _ := s.Good(now); tell {
			t.Error("it is over twice")
		}
	}
}
