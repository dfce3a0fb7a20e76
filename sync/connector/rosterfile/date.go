package rosterfile

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The years that a date in a roster may have.
const (
	minYear = 1800
	maxYear = 9999
)

// parseDate reads a date as people in China write it: 2006-01-02, 2006/1/2,
// 2006.1.2, 20060102, 2006年1月2日, each with or without a time of day. A time
// with an offset is converted to zone.
func parseDate(s string, zone *time.Location) (time.Time, bool) {
	s = plain(s)
	if len(s) < 8 || s[0] < '0' || s[0] > '9' {
		return time.Time{}, false
	}
	if digits(s) {
		return compactDate(s)
	}
	p := scanner{s}
	year, ok := p.number(4, 4)
	if !ok {
		return time.Time{}, false
	}
	first, second, last := "年", "月", "日"
	if !p.skip(first) {
		first = p.rest[:1]
		second, last = first, ""
		if first != "-" && first != "/" && first != "." {
			return time.Time{}, false
		}
		p.rest = p.rest[1:]
	}
	month, okMonth := p.number(1, 2)
	okSecond := p.skip(second)
	day, okDay := p.number(1, 2)
	if !okMonth || !okSecond || !okDay {
		return time.Time{}, false
	}
	if last != "" && !p.skip(last) {
		p.skip("号")
	}
	return p.clock(civil{year, month, day}, zone)
}

// compactDate reads 20060102 and 20060102150405.
func compactDate(s string) (time.Time, bool) {
	if len(s) != 8 && len(s) != 14 {
		return time.Time{}, false
	}
	p := scanner{s}
	year, _ := p.number(4, 4)
	month, _ := p.number(2, 2)
	day, _ := p.number(2, 2)
	var clock [3]int
	for i := range clock {
		clock[i], _ = p.number(2, 2)
	}
	return civil{year, month, day}.at(clock, time.UTC)
}

// civil is a day.
type civil struct{ year, month, day int }

// at gives a time of the day, or false when there is no such day or time.
func (c civil) at(clock [3]int, zone *time.Location) (time.Time, bool) {
	if c.year < minYear || c.year > maxYear || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return time.Time{}, false
	}
	day := time.Date(c.year, time.Month(c.month), c.day, 0, 0, 0, 0, time.UTC)
	if day.Year() != c.year || int(day.Month()) != c.month || day.Day() != c.day {
		return time.Time{}, false
	}
	return time.Date(c.year, time.Month(c.month), c.day, clock[0], clock[1], clock[2], 0, zone), true
}

// scanner reads a text from its beginning.
type scanner struct{ rest string }

// number reads between least and most digits.
func (p *scanner) number(least, most int) (int, bool) {
	n, i := 0, 0
	for i < len(p.rest) && i < most && p.rest[i] >= '0' && p.rest[i] <= '9' {
		n = 10*n + int(p.rest[i]-'0')
		i++
	}
	if i < least {
		return 0, false
	}
	p.rest = p.rest[i:]
	return n, true
}

func (p *scanner) skip(word string) bool {
	rest, ok := strings.CutPrefix(p.rest, word)
	p.rest = rest
	return ok
}

// clock reads what follows the day: nothing, or a time of day to its end.
func (p *scanner) clock(day civil, zone *time.Location) (time.Time, bool) {
	var clock [3]int
	if p.rest == "" {
		return day.at(clock, time.UTC)
	}
	if !p.skip("T") {
		trimmed := strings.TrimLeft(p.rest, " ")
		if trimmed == p.rest {
			return time.Time{}, false
		}
		p.rest = trimmed
	}
	units := [...]string{"时", "分", "秒"}
	read := 0
	for i := range clock {
		n, ok := p.number(1, 2)
		if !ok {
			break
		}
		clock[i] = n
		read++
		if !p.skip(units[i]) && !p.skip(":") {
			break
		}
	}
	if read < 2 {
		return time.Time{}, false
	}
	if p.skip(".") {
		if _, ok := p.number(1, 9); !ok {
			return time.Time{}, false
		}
	}
	return p.offset(day, clock, zone)
}

// offset reads what follows a time of day: nothing, or its offset from UTC.
func (p *scanner) offset(day civil, clock [3]int, zone *time.Location) (time.Time, bool) {
	if p.rest == "" {
		return day.at(clock, time.UTC)
	}
	seconds := 0
	if !p.skip("Z") {
		sign := 1
		if p.skip("-") {
			sign = -1
		} else if !p.skip("+") {
			return time.Time{}, false
		}
		hours, okHours := p.number(2, 2)
		p.skip(":")
		minutes, okMinutes := p.number(2, 2)
		if !okHours || !okMinutes || hours > 14 || minutes > 59 {
			return time.Time{}, false
		}
		seconds = sign * (hours*3600 + minutes*60)
	}
	if p.rest != "" {
		return time.Time{}, false
	}
	t, ok := day.at(clock, time.FixedZone("", seconds))
	if !ok {
		return t, false
	}
	t = t.In(zone)
	return t, t.Year() >= minYear && t.Year() <= maxYear
}

// serialDate gives the day and time of an Excel serial number: days since the
// end of 1899, or since 1904-01-01 in a workbook made that way. Excel holds the
// year 1900 for a leap year, so its day 60 does not exist.
func serialDate(serial float64, date1904 bool) (time.Time, bool) {
	const last, secondsOfDay = 2958465, 86400 // 9999-12-31
	if math.IsNaN(serial) || serial < 0 || serial >= last+1 || (!date1904 && (serial < 1 || math.Floor(serial) == 60)) {
		return time.Time{}, false
	}
	seconds := int64(math.Round(serial * secondsOfDay))
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case date1904:
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case serial < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	t := epoch.AddDate(0, 0, int(seconds/secondsOfDay)).Add(time.Duration(seconds%secondsOfDay) * time.Second)
	return t, t.Year() <= maxYear
}

// serialText reads a serial number that stands in a date column without a date
// format. Only five digits can be meant: 1927 to 2173.
func serialText(s string, date1904 bool) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) != 5 || !digits(whole) || whole[0] == '0' || (fraction != "" && !digits(fraction)) {
		return time.Time{}, false
	}
	serial, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, false
	}
	return serialDate(serial, date1904)
}

// goodLayout tells whether a layout of Go names a whole day.
func goodLayout(format string) bool {
	day := time.Date(2031, 11, 23, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(format, day.Format(format))
	return err == nil && back.Equal(day)
}
