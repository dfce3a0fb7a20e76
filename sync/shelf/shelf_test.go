package shelf

import (
	"testing"
	"time"
)

func TestSettled(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for _, tt := range []struct {
		name   string
		writes []int
		now    int
		want   bool
	}{
		{"nothing was pushed", nil, 6000, false},
		{"the first write", []int{0}, 0, false},
		{"just below an hour", []int{0}, 59, false},
		{"an hour of silence", []int{0}, 60, true},
		{"every 40 minutes", []int{0, 40, 80, 120, 160}, 200, false},
		{"a pause once, then busy", []int{0, 10, 70, 71, 72}, 73, true},
		{"a pause of 59 minutes, then busy", []int{0, 10, 69, 71}, 73, false},
		{"a clock that goes back", []int{60, 0}, 10, false},
	} {
		var s State
		for _, w := range tt.writes {
			s = s.Wrote(at(w))
		}
		if got := s.SettledBy(at(tt.now)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if len(tt.writes) > 0 && (!s.First.Equal(at(tt.writes[0])) || !s.Last.Equal(at(tt.writes[len(tt.writes)-1]))) {
			t.Errorf("%s: %+v", tt.name, s)
		}
	}
}
