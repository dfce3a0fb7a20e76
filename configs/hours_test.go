package configs

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte("locale: en\n"), Options{Path: "config.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) } // the 23rd is a Monday
	for _, tt := range []struct {
		at   time.Time
		want bool
	}{
		{at(23, 9, 0), true},
		{at(23, 8, 59), false},
		{at(27, 18, 59), true},
		{at(27, 19, 0), false},
		{at(28, 12, 0), false},
	} {
		if got := c.Hours.Include(tt.at); got != tt.want {
			t.Errorf("at work by default at %v: %t", tt.at, got)
		}
		if c.Quiet.Include(tt.at) {
			t.Errorf("quiet by default at %v", tt.at)
		}
	}
	for _, tt := range []struct {
		q    Quiet
		at   time.Time
		want bool
	}{
		{Quiet{Clock{22, 0}, Clock{8, 0}}, at(23, 22, 0), true},
		{Quiet{Clock{22, 0}, Clock{8, 0}}, at(23, 7, 59), true},
		{Quiet{Clock{22, 0}, Clock{8, 0}}, at(23, 8, 0), false},
		{Quiet{Clock{12, 0}, Clock{13, 30}}, at(23, 13, 29), true},
		{Quiet{Clock{12, 0}, Clock{13, 30}}, at(23, 13, 30), false},
		{Quiet{}, at(23, 0, 0), false},
	} {
		if got := tt.q.Include(tt.at); got != tt.want {
			t.Errorf("%v is quiet at %v: %t", tt.q, tt.at, got)
		}
	}
}

func TestHoursRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hours: {from: \"19:00\", to: \"09:00\"}\n": "from (19:00) must be before to (09:00)",
		"hours: {from: \"25:00\"}\n":                "25:00",
		"hours: {days: someday}\n":                  "someday",
		"admin_room: nowhere\n":                     "there is no room",
		"quiet: {from: soon}\n":                     "soon",
	} {
		_, err := Parse([]byte(text), Options{Path: "config.yaml"})
		m, wrong := errors.AsType[*Mistakes](err)
		if !wrong || !strings.Contains(m.Render("en"), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
