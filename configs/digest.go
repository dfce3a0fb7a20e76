package configs

import (
	"slices"
)

// Digest is a scheduled summary that is posted to rooms.
type Digest struct {
	// Place is where the digest stands in the file.
	Place Place `yaml:"-"`
	// Rooms are names of rooms.
	Rooms Strings `yaml:"rooms" jsonschema:"required"`
	// At is the time of the day in the zone of the configuration.
	At *Clock `yaml:"at" jsonschema:"required"`
	// Days are daily (default), weekdays, or a list such as [mon, wed].
	Days Days `yaml:"days"`
	// Locale is zh-CN or en. Default: that of each room.
	Locale string `yaml:"locale" jsonschema:"enum=zh-CN,enum=en"`
}

func (d *Digest) setDefaults() { d.Days = slices.Clone(daily) }

// digests checks the rooms of the summaries.
func (c *checker) digests() {
	for i := range c.cfg.Digests {
		c.roomRefs(child(item("digests", i), "rooms"), c.cfg.Digests[i].Rooms)
	}
}

var _ defaulter = (*Digest)(nil)
