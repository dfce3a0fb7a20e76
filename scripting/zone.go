package scripting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// A child has neither environment nor zone files, and JavaScript's Date follows
// the zone of the process. So the parent sends the zone itself: every change of
// its offset between these years.
const (
	zoneFrom = 1900
	zoneTo   = 2100
	maxTurns = 4096
)

// turn is one change of a zone's offset.
type turn struct {
	at     int64 // Unix seconds from which it holds
	offset int32 // seconds east of UTC
	name   string
}

// turnsOf lists the offsets of a zone in order. The first holds from the
// beginning of time.
func turnsOf(zone *time.Location) []turn {
	t := time.Date(zoneFrom, 1, 1, 0, 0, 0, 0, zone)
	limit := time.Date(zoneTo, 1, 1, 0, 0, 0, 0, zone)
	var turns []turn
	for len(turns) < maxTurns && t.Before(limit) {
		name, offset := t.Zone()
		next := turn{at: t.Unix(), offset: int32(offset), name: name}
		if n := len(turns); n == 0 || turns[n-1].offset != next.offset || turns[n-1].name != name {
			turns = append(turns, next)
		}
		_, end := t.ZoneBounds()
		switch {
		case end.IsZero():
			return turns
		case end.After(t):
			t = end
		default: // ZoneBounds stands still on the last day of a leap year
			t = t.Add(time.Hour)
		}
	}
	return turns
}

// location builds a zone from its turns, by way of the format that the time
// package reads (RFC 8536, version 2).
func location(name string, turns []turn) (*time.Location, error) {
	if len(turns) == 0 || len(turns) > maxTurns {
		return nil, errors.New("a zone without offsets")
	}
	type kind struct {
		offset int32
		name   string
	}
	var (
		kinds   []byte // ttinfo records
		names   []byte
		times   []byte
		indexes []byte
		seen    = map[kind]byte{}
	)
	for i, t := range turns {
		k := kind{t.offset, t.name}
		index, known := seen[k]
		if !known {
			if len(seen) == 255 || len(names) > 240 {
				return nil, fmt.Errorf("zone %q has too many offsets", name)
			}
			index = byte(len(seen))
			seen[k] = index
			kinds = binary.BigEndian.AppendUint32(kinds, uint32(t.offset))
			kinds = append(kinds, 0, byte(len(names)))
			names = append(append(names, t.name...), 0)
		}
		if i > 0 {
			times = binary.BigEndian.AppendUint64(times, uint64(t.at))
			indexes = append(indexes, index)
		}
	}
	b := zoneHeader(nil, 0, 0, 0)
	b = zoneHeader(b, len(indexes), len(seen), len(names))
	for _, part := range [][]byte{times, indexes, kinds, names, []byte("\n\n")} {
		b = append(b, part...)
	}
	return time.LoadLocationFromTZData(name, b)
}

// zoneHeader appends the header of one block: its magic, version and the six
// counts.
func zoneHeader(b []byte, times, kinds, names int) []byte {
	b = append(b, "TZif2"...)
	b = append(b, make([]byte, 15)...)
	for _, n := range []int{0, 0, 0, times, kinds, names} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// moment gives the instant of a civil date in a zone. One that the clocks skip, as
// the midnight of some days does, is the first instant behind the gap: the package
// time may give the evening before.
func moment(v directory.Value, zone *time.Location) (time.Time, bool) {
	wall, ok := v.Time(time.UTC)
	if !ok {
		return time.Time{}, false
	}
	return behindGap(wall, zone), true
}

// midnight gives the first instant of the day of t in its zone.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return behindGap(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), t.Location())
}

// behindGap gives the instant at which the clocks of a zone show what wall shows in
// UTC: the first of two, or the first one behind the gap that wall falls into.
func behindGap(wall time.Time, zone *time.Location) time.Time {
	y, m, d := wall.Date()
	t := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	_, offset := t.Zone()
	shown := t.Unix() + int64(offset)
	start, end := t.ZoneBounds()
	switch {
	case shown < wall.Unix() && !end.IsZero():
		return end
	case shown > wall.Unix() && !start.IsZero():
		return start
	case !start.IsZero():
		_, offset = start.Add(-time.Second).Zone()
		if first := time.Unix(wall.Unix()-int64(offset), 0).In(zone); first.Before(start) {
			return first
		}
	}
	return t
}

// sameMoment tells whether two dates are one instant in a zone: the civil times that
// the clocks skip are those behind the gap.
func sameMoment(a, b directory.Value, zone *time.Location) bool {
	t, ok := moment(a, zone)
	u, also := moment(b, zone)
	return ok && also && t.Equal(u)
}
