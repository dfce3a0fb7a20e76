package scripting

import (
	"testing"
	"time"
)

// TestZones compares the zone that a child builds with the real one.
func TestZones(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, shanghai, time.FixedZone("", -3*3600-1800)}
	for _, name := range []string{"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Europe/Dublin"} {
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
