package configs

import (
	"slices"
	"time"
)

// Hours are a span of the day on some days of the week, in the zone of the
// configuration.
type Hours struct {
	// From and To are times of the day; From is before To. Default 09:00 and 19:00.
	From Clock `yaml:"from" jsonschema:"default=09:00"`
	To   Clock `yaml:"to" jsonschema:"default=19:00"`
	// Days are daily, weekdays (default), or a list such as [mon, wed].
	Days Days `yaml:"days"`
}

func (h *Hours) setDefaults() { h.Days = slices.Clone(weekdays) }

// Include tells whether a time is in the span.
func (h Hours) Include(at time.Time) bool {
	now := Clock{at.Hour(), at.Minute()}
	return slices.Contains(h.Days, at.Weekday()) && !now.before(h.From) && now.before(h.To)
}

// Quiet is a span of every day, which may go over midnight. The zero Quiet holds
// no time.
type Quiet struct {
	// From and To are times of the day.
	From Clock `yaml:"from"`
	To   Clock `yaml:"to"`
}

// Include tells whether a time is in the span.
func (q Quiet) Include(at time.Time) bool {
	now := Clock{at.Hour(), at.Minute()}
	if q.To.before(q.From) {
		return !now.before(q.From) || now.before(q.To)
	}
	return !now.before(q.From) && now.before(q.To)
}

func (c Clock) before(o Clock) bool { return c.Hour*60+c.Minute < o.Hour*60+o.Minute }

// hours checks the spans of the day.
func (c *checker) hours() {
	h := c.cfg.Hours
	if !h.From.before(h.To) && !c.reportedIn("hours") {
		c.err("hours", say("from（%s）要早于 to（%s）", "from (%s) must be before to (%s)", h.From, h.To))
	}
	if name := c.cfg.AdminRoom; name != "" {
		if _, ok := c.cfg.Room(name); !ok {
			c.err("admin_room", say("rooms 里没有 %s%s", "there is no room %s%s", short(name), didYouMean(name, namesOf(c.cfg.Rooms, func(r Room) string { return r.Name }))))
		}
	}
}

var _ defaulter = (*Hours)(nil)
