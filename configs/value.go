package configs

import (
	"encoding"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Duration is a span of time, written with d for 24 hours beside Go's units:
// 30d, 12h, 1d12h, 90m.
type Duration time.Duration

// Std gives the span as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String gives the span as it would be written in the file.
func (d Duration) String() string {
	const day = 24 * time.Hour
	span := time.Duration(d)
	if span < day {
		return trimUnits(span)
	}
	days := fmt.Sprintf("%dd", span/day)
	if rest := span % day; rest > 0 {
		return days + trimUnits(rest)
	}
	return days
}

// trimUnits drops the zeros that Go writes behind hours and minutes.
func trimUnits(span time.Duration) string {
	text := span.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText gives String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

var leadingDays = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// parseDuration reads a span of time; negative ones are refused.
func parseDuration(text string) (Duration, bool) {
	var span time.Duration
	if m := leadingDays.FindStringSubmatch(text); m != nil {
		days, err := strconv.Atoi(m[1])
		if err != nil || days > 36500 {
			return 0, false
		}
		span = time.Duration(days) * 24 * time.Hour
		if text = m[2]; text == "" {
			return Duration(span), true
		}
	}
	rest, err := time.ParseDuration(text)
	if err != nil || rest < 0 || rest > 36500*24*time.Hour {
		return 0, false
	}
	return Duration(span + rest), true
}

func (d *Duration) decode(dec *decoder, n ast.Node, at spot) {
	text, ok := dec.text(n, at)
	if !ok {
		return
	}
	span, ok := parseDuration(text)
	if !ok {
		dec.bad(at, say("%s 不是时长；请写成 30d、12h 或 90m", "%s is not a span of time; write 30d, 12h or 90m", short(text)))
		return
	}
	*d = span
}

// Percent is a share of a hundred, from 0 to 100; written 5 or 5%.
type Percent float64

func (p *Percent) decode(d *decoder, n ast.Node, at spot) {
	text, ok := plainScalar(n)
	if !ok {
		d.bad(at, say("这里应该是百分数，而不是%s", "expected a percentage, not %s", kindOf(n)))
		return
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		d.bad(at, say("%s 不是百分数；请写成 5 或 5%%", "%s is not a percentage; write 5 or 5%%", short(text)))
		return
	}
	if d.within(number, at) {
		*p = Percent(number)
	}
}

// Clock is a time of the day, in the zone of the configuration.
type Clock struct{ Hour, Minute int }

// String gives HH:MM.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

// MarshalText gives String.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

var clock = regexp.MustCompile(`^([01]?[0-9]|2[0-3]):([0-5][0-9])$`)

func (c *Clock) decode(d *decoder, n ast.Node, at spot) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	m := clock.FindStringSubmatch(text)
	if m == nil {
		d.bad(at, say("%s 不是时刻；请写成 \"09:07\"", "%s is not a time of the day; write \"09:07\"", short(text)))
		return
	}
	c.Hour, _ = strconv.Atoi(m[1])   // the pattern allows digits only
	c.Minute, _ = strconv.Atoi(m[2]) // the pattern allows digits only
}

// Days are days of the week, from Monday, each once.
type Days []time.Weekday

var (
	weekdays = Days{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	daily    = append(slices.Clone(weekdays), time.Saturday, time.Sunday)
	dayNames = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	hanNames = []string{"周一", "周二", "周三", "周四", "周五", "周六", "周日"}
)

// String gives daily, weekdays, or the days with commas between.
func (d Days) String() string {
	switch {
	case slices.Equal(d, daily):
		return "daily"
	case slices.Equal(d, weekdays):
		return "weekdays"
	}
	names := make([]string, 0, len(d))
	for i, day := range daily {
		if slices.Contains(d, day) {
			names = append(names, dayNames[i])
		}
	}
	return strings.Join(names, ",")
}

// decode reads daily, weekdays, or a list of mon … sun or 周一 … 周日.
func (d *Days) decode(dec *decoder, n ast.Node, at spot) {
	if text, ok := plainScalar(n); ok && (text == "daily" || text == "weekdays") {
		*d = slices.Clone(map[string]Days{"daily": daily, "weekdays": weekdays}[text])
		return
	}
	var given Days
	dec.each(n, at, func(n ast.Node, at spot) {
		text, ok := dec.text(n, at)
		if !ok {
			return
		}
		i := slices.Index(dayNames, strings.ToLower(text))
		if i < 0 {
			i = slices.Index(hanNames, text)
		}
		if i < 0 {
			dec.bad(at, say("%s 不是星期几；请写 daily、weekdays，或 [mon, wed]、[周一, 周三]", "%s is not a day; write daily, weekdays, or a list such as [mon, wed]", short(text)))
			return
		}
		given = append(given, daily[i])
	})
	var once Days
	for _, day := range daily {
		if slices.Contains(given, day) {
			once = append(once, day)
		}
	}
	if len(once) > 0 {
		*d = once
	}
}

var (
	_ decodable              = (*Duration)(nil)
	_ decodable              = (*Percent)(nil)
	_ decodable              = (*Clock)(nil)
	_ decodable              = (*Days)(nil)
	_ encoding.TextMarshaler = Duration(0)
	_ encoding.TextMarshaler = Clock{}
	_ fmt.Stringer           = Days{}
)
