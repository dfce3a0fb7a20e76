package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestP10_ATimeComesOnceWhereTheClockChanges: nightly runs come each night and once,
// hourly ones each hour.
func TestP10_ATimeComesOnceWhereTheClockChanges(t *testing.T) {
	t.Parallel()
	const minute = "2006-01-02 15:04 -0700"
	for name, c := range map[string]struct {
		spec, zone, from string
		want             []string
	}{
		"no summer time":           {"30 2 * * *", "Asia/Shanghai", "2026-03-28 12:00 +0800", []string{"2026-03-29 02:30 +0800", "2026-03-30 02:30 +0800"}},
		"it begins in that hour":   {"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00 +0100", []string{"2026-03-29 03:30 +0200", "2026-03-30 02:30 +0200"}},
		"it ends in that hour":     {"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00 +0200", []string{"2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"}},
		"between the two":          {"30 2 * * *", "Europe/Berlin", "2026-10-25 02:45 +0200", []string{"2026-10-26 02:30 +0100"}},
		"in the second":            {"30 2 * * *", "Europe/Berlin", "2026-10-25 02:15 +0100", []string{"2026-10-26 02:30 +0100"}},
		"another hour":             {"0 9 * * 1-5", "America/New_York", "2026-03-06 08:00 -0500", []string{"2026-03-06 09:00 -0500", "2026-03-09 09:00 -0400"}},
		"a change of half an hour": {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00 +1030", []string{"2026-10-04 02:45 +1100", "2026-10-05 02:15 +1100"}},
		"every hour, it begins":    {"0 * * * *", "Europe/Berlin", "2026-03-29 00:30 +0100", []string{"2026-03-29 01:00 +0100", "2026-03-29 03:00 +0200", "2026-03-29 04:00 +0200"}},
		"every hour, it ends":      {"0 * * * *", "Europe/Berlin", "2026-10-25 01:30 +0200", []string{"2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100", "2026-10-25 03:00 +0100"}},
		"minutes of one hour":      {"*/20 2 * * *", "Europe/Berlin", "2026-10-25 02:30 +0200", []string{"2026-10-25 02:40 +0200", "2026-10-26 02:00 +0100"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseSchedule(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(minute, c.from)
			if err != nil {
				t.Fatal(err)
			}
			at = at.In(zone)
			for _, want := range c.want {
				if at = s.Next(at); at.Format(minute) != want {
					t.Fatalf("%s, want %s", at.Format(minute), want)
				}
			}
		})
	}
	if s, err := parseSchedule("0 0 31 2 *"); err != nil || !s.Next(time.Now()).IsZero() {
		t.Errorf("a time that never comes: %v", err)
	}
	if _, err := parseSchedule("soon"); err == nil {
		t.Error("no schedule is one")
	}
}

// TestP10_ANightlyTimeComesEveryDay: whatever the zone, the hour and the day.
func TestP10_ANightlyTimeComesEveryDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "America/Sao_Paulo", "UTC"}).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		hour, minute := rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.IntRange(0, 59).Draw(rt, "minute")
		s, err := parseSchedule(time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("4 15 * * *"))
		if err != nil {
			rt.Fatal(err)
		}
		at := time.Date(2018, 1, rapid.IntRange(1, 365).Draw(rt, "day"), 0, 0, 0, 0, zone)
		for range 60 {
			next := s.Next(at)
			if d := next.Sub(at); !next.After(at) || d > 25*time.Hour {
				rt.Fatalf("%s after %s", next, at)
			}
			if next.YearDay() == at.YearDay() && (at.Hour() != 0 || at.Minute() != 0) {
				rt.Fatalf("twice a day: %s and %s", at, next)
			}
			at = next
		}
	})
}
