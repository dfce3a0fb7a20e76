package main

import (
	"time"

	"github.com/robfig/cron/v3"

	"github.com/rollcallhq/rollcall/sync/engine"
)

// parseSchedule reads five cron fields.
func parseSchedule(spec string) (engine.Schedule, error) {
	s, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, err
	}
	if fields, ok := s.(*cron.SpecSchedule); ok && fields.Hour&anyHour == 0 {
		return byTheWall{fields}, nil
	}
	return s, nil
}

// anyHour is the bit by which the cron package marks a field that is a star.
const anyHour = 1 << 63

// byTheWall is a schedule of fixed hours, which are those of the clock on the wall:
// where summer time begins an hour is left out, and where it ends one comes twice. The
// cron package leaves a time out with its hour, and gives it twice; a nightly run must
// come each night, once. A schedule of every hour needs none of this: it counts hours.
type byTheWall struct{ fields *cron.SpecSchedule }

// Next gives the next time in the zone of after. A time that the wall never shows is
// taken as much after the change of the clock as it was meant after that moment.
func (s byTheWall) Next(after time.Time) time.Time {
	zone := after.Location()
	wall := time.Date(after.Year(), after.Month(), after.Day(), after.Hour(), after.Minute(), after.Second(), after.Nanosecond(), time.UTC)
	for {
		wall = s.fields.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := firstShown(wall, zone); at.After(after) {
			return at
		}
	}
}

// firstShown gives the moment at which the clocks of a zone show a time first.
func firstShown(wall time.Time, zone *time.Location) time.Time {
	// The offsets of the days around are those before and after a change, if there is
	// one. The greater one gives the earlier moment.
	_, before := wall.Add(-26 * time.Hour).In(zone).Zone()
	_, later := wall.Add(26 * time.Hour).In(zone).Zone()
	for _, offset := range []int{max(before, later), min(before, later)} {
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, have := at.Zone(); have == offset {
			return at
		}
	}
	return wall.Add(-time.Duration(before) * time.Second).In(zone) // never shown
}
