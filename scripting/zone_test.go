package scripting

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// TestZones compares the zone that a child builds with the real one.
func TestZones(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, shanghai, time.FixedZone("", -3*3600-1800)}
	for _, name := range []string{
		"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Europe/Dublin",
		"Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut", "America/Havana", "Asia/Pyongyang", "Africa/Monrovia",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		zones = append(zones, zone)
	}
	for _, zone := range zones {
		t.Run(zone.String(), func(t *testing.T) {
			t.Parallel()
			got, err := location(zone.String(), turnsOf(zone))
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != zone.String() {
				t.Errorf("called %q", got)
			}
			end := time.Date(zoneTo-1, 12, 1, 0, 0, 0, 0, time.UTC)
			for at := time.Date(zoneFrom+1, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(1000 * time.Hour) {
				checkZone(t, at, zone, got)
			}
			for _, turn := range turnsOf(zone)[1:] {
				for _, around := range []int64{-1, 0, 1} {
					checkZone(t, time.Unix(turn.at+around, 0), zone, got)
				}
			}
		})
	}
	if _, err := location("x", nil); err == nil {
		t.Error("a zone without offsets passes")
	}
}

func checkZone(t *testing.T, at time.Time, want, got *time.Location) {
	t.Helper()
	wantName, wantOffset := at.In(want).Zone()
	gotName, gotOffset := at.In(got).Zone()
	if wantName != gotName || wantOffset != gotOffset {
		t.Fatalf("at %v: %s %d, want %s %d", at.UTC(), gotName, gotOffset, wantName, wantOffset)
	}
}

// TestMoment: a civil time is the instant at which the clocks show it, and the first
// one behind the gap when they never do. No day's midnight falls on another day.
func TestMoment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, civil, want string }{
		{"UTC", "2026-07-22T12:30:00", "2026-07-22T12:30:00Z"},
		{"Asia/Shanghai", "2026-07-22T00:00:00", "2026-07-21T16:00:00Z"},
		{"Asia/Shanghai", "1949-05-01T00:00:00", "1949-04-30T16:00:00Z"},     // skipped: it was 1:00
		{"America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"},  // skipped
		{"America/New_York", "2026-03-08T02:59:59", "2026-03-08T07:00:00Z"},  // skipped
		{"America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"},  //
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},  // twice: the first
		{"America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"}, // skipped
		{"America/Sao_Paulo", "2018-11-04T01:00:00", "2018-11-04T03:00:00Z"}, //
		{"America/Sao_Paulo", "2018-02-17T23:30:00", "2018-02-18T01:30:00Z"}, // twice
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"},
		{"Pacific/Apia", "2011-12-30T00:00:00", "2011-12-30T10:00:00Z"}, // the day was skipped
		{"Pacific/Apia", "2011-12-30T23:59:59", "2011-12-30T10:00:00Z"},
	} {
		want := instant(t, tt.want)
		wall, err := time.Parse("2006-01-02T15:04:05", tt.civil)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := moment(directory.DateOf(wall), zoneOf(t, tt.zone))
		if !ok || !got.Equal(want) {
			t.Errorf("%s in %s: %v %v, want %v", tt.civil, tt.zone, got.UTC(), ok, want)
		}
	}
	if _, ok := moment(directory.Empty(directory.Date), time.UTC); ok {
		t.Error("no date is a moment")
	}
	for _, name := range []string{"America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Asia/Shanghai", "Africa/Cairo", "Asia/Tehran", "Australia/Lord_Howe"} {
		zone := zoneOf(t, name)
		for at := time.Date(1930, 1, 1, 12, 0, 0, 0, zone); at.Year() < 2060; at = at.AddDate(0, 0, 1) {
			got := midnight(at)
			if got.Day() != at.Day() || got.Add(-time.Second).Day() == at.Day() {
				t.Fatalf("%s: the midnight of %v is %v", name, at, got)
			}
		}
	}
}
