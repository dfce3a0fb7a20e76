package bot

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// off is Command.When for no time at all.
const off = "off"

// evening is the hour at which a day ends for people who name only the day.
const evening = 18

// whenOf reads when something happens by itself: "每天 02:30", "weekdays 09:00",
// "每周一 08:00", `cron "30 2 * * *"`, "off". It gives five cron fields, or off.
func whenOf(words []string) (string, bool) {
	s := fold(strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	if s == off || s == "关闭" {
		return off, true
	}
	if rest, is := strings.CutPrefix(s, "cron "); is {
		return cronOf(rest)
	}
	for _, w := range []string{"每天", "每日", "daily "} {
		if rest, is := strings.CutPrefix(s, w); is {
			return atClock(rest, "*")
		}
	}
	for _, w := range []string{"工作日", "weekdays "} {
		if rest, is := strings.CutPrefix(s, w); is {
			return atClock(rest, "1-5")
		}
	}
	for _, w := range []string{"每周", "每星期", "weekly "} {
		rest, is := strings.CutPrefix(s, w)
		if rest = strings.TrimSpace(rest); !is {
			continue
		}
		for name, d := range weekdayNames() {
			at, is := strings.CutPrefix(rest, name)
			if spec, ok := atClock(at, strconv.Itoa(int(d))); is && ok { // "monday 9:00" is no "mon" with a time
				return spec, true
			}
		}
	}
	return "", false
}

// weekdayNames gives the words behind 每周 and weekly.
func weekdayNames() map[string]time.Weekday {
	return map[string]time.Weekday{
		"一": time.Monday, "二": time.Tuesday, "三": time.Wednesday, "四": time.Thursday, "五": time.Friday, "六": time.Saturday, "日": time.Sunday, "天": time.Sunday,
		"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
		"monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday, "thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday, "sunday": time.Sunday,
	}
}

func atClock(s, days string) (string, bool) {
	hour, minute, ok := clockOf(s)
	if !ok {
		return "", false
	}
	return strconv.Itoa(minute) + " " + strconv.Itoa(hour) + " * * " + days, true
}

// cronField is what one field of a cron line may hold; a zone or a macro of its
// own has other letters, or no five fields.
var cronField = regexp.MustCompile(`^[0-9a-z*/,-]+$`)

// cronOf reads five cron fields. The engine judges what they mean.
func cronOf(s string) (string, bool) {
	fields := strings.Fields(s)
	if len(fields) != 5 || slices.ContainsFunc(fields, func(f string) bool { return !cronField.MatchString(f) }) {
		return "", false
	}
	return strings.Join(fields, " "), true
}

var (
	clockShape   = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})$`)
	chineseClock = regexp.MustCompile(`^([0-9]{1,2})[点时]([0-9]{1,2}分?|半)?$`)
)

// clockOf reads a time of the day: 02:30, 9:05, 9点, 9点半, 9点05分.
func clockOf(s string) (hour, minute int, ok bool) {
	s = strings.TrimSpace(s)
	parts := clockShape.FindStringSubmatch(s)
	if parts == nil {
		if parts = chineseClock.FindStringSubmatch(s); parts == nil {
			return 0, 0, false
		}
	}
	hour, _ = strconv.Atoi(parts[1]) // at most two digits
	switch tail := strings.TrimSuffix(parts[2], "分"); tail {
	case "":
	case "半":
		minute = 30
	default:
		minute, _ = strconv.Atoi(tail)
	}
	return hour, minute, hour < 24 && minute < 60
}

// when writes five cron fields, or off, as people write them; whenOf reads it
// back.
func (l Lang) when(spec string) string {
	if spec == off {
		return l.say("off", "关闭")
	}
	at, days, ok := plainTimes(spec)
	switch {
	case !ok:
		return `cron "` + spec + `"`
	case days == nil:
		return l.say("daily ", "每天 ") + at
	case len(days) > 1:
		return l.say("weekdays ", "工作日 ") + at
	default:
		return l.say("weekly "+strings.ToLower(days[0].String()[:3]), "每周"+string([]rune("日一二三四五六")[days[0]])) + " " + at
	}
}

// plainTimes reads those cron lines that name one time of the day, every day
// (nil), from Monday to Friday, or on one day of the week.
func plainTimes(spec string) (at string, days []time.Weekday, ok bool) {
	f := strings.Fields(spec)
	if len(f) != 5 || f[2] != "*" || f[3] != "*" {
		return "", nil, false
	}
	minute, hour := below(f[0], 60), below(f[1], 24)
	if minute < 0 || hour < 0 {
		return "", nil, false
	}
	at = time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("15:04")
	switch {
	case f[4] == "*":
		return at, nil, true
	case f[4] == "1-5":
		return at, []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, true
	case len(f[4]) == 1 && f[4] >= "0" && f[4] <= "6":
		return at, []time.Weekday{time.Weekday(f[4][0] - '0')}, true
	}
	return "", nil, false
}

// below reads a plain number that is smaller than n; -1 when it is none.
func below(s string, n int) int {
	got, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(got) != s || got < 0 || got >= n {
		return -1
	}
	return got
}

// longestSpan is the longest time for which something may be set aside in words
// like "2h".
const longestSpan = 30 * day

var spanShape = regexp.MustCompile(`^([0-9]{1,5}|[半一二两三四五六七八九十])(天|个?小时|个?钟头|分钟?|days?|d|hours?|hrs?|h|minutes?|mins?|m)`)

// spanOf reads a length of time of a minute at least: 2小时, 30分钟, 1天, 半小时,
// 2h, 1h30m.
func spanOf(s string) (time.Duration, bool) {
	s = fold(strings.ReplaceAll(s, " ", ""))
	var total time.Duration
	for s != "" {
		parts := spanShape.FindStringSubmatch(s)
		if parts == nil {
			return 0, false
		}
		total += amount(parts[1], unitOf(parts[2]))
		s = s[len(parts[0]):]
	}
	return total, total >= time.Minute && total <= longestSpan
}

func unitOf(word string) time.Duration {
	switch {
	case strings.HasPrefix(word, "d") || word == "天":
		return day
	case strings.HasPrefix(word, "m") || strings.HasPrefix(word, "分"):
		return time.Minute
	default:
		return time.Hour
	}
}

func amount(number string, unit time.Duration) time.Duration {
	if number == "半" {
		return unit / 2
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		n = map[string]int{"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}[number]
	}
	return time.Duration(n) * unit
}

// shortSpan writes a length of time in one unit, so that spanOf reads it back.
func (l Lang) shortSpan(d time.Duration) string {
	switch {
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + l.say("d", "天")
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + l.say("h", "小时")
	default:
		return strconv.Itoa(int(d/time.Minute)) + l.say("m", "分钟")
	}
}

// until gives the end that was typed, which is always to come: a time of the
// day, a day (its evening), both, or a length of time from now. The zero time
// when nothing was typed. Faults: Invalid.
func (c Command) until(now time.Time, zone *time.Location) (time.Time, error) {
	if c.Until == "" {
		return time.Time{}, nil
	}
	now = now.In(zone)
	end, ok := endOf(fold(c.Until), now)
	switch {
	case !ok:
		return time.Time{}, fault.New(fault.Invalid, "“%s” is no time that is understood; write 18:00, fri, tomorrow, 2h or 2026-12-01 / 看不懂时间“%s”；可以写 18:00、周五、明天、2小时 或 2026-12-01", c.Until, c.Until)
	case !end.After(now):
		return time.Time{}, fault.New(fault.Invalid, "%s is past / %s 已经过去了", c.Until, c.Until)
	}
	return end, nil
}

// endOf reads an end; ok is false when it cannot be read.
func endOf(s string, now time.Time) (time.Time, bool) {
	if d, ok := spanOf(s); ok {
		return now.Add(d), true
	}
	if hour, minute, ok := clockOf(s); ok {
		end := onDay(now, 0, hour, minute)
		if !end.After(now) {
			end = onDay(now, 1, hour, minute)
		}
		return end, true
	}
	hour, minute := evening, 0
	name, at, both := strings.Cut(s, " ")
	if both {
		var ok bool
		if hour, minute, ok = clockOf(at); !ok {
			return time.Time{}, false
		}
	}
	return dayOf(name, onDay(now, 0, hour, minute), now)
}

// dayOf moves a time of today to the day that a word names.
func dayOf(name string, today, now time.Time) (time.Time, bool) {
	switch name {
	case "今天", "today":
		return today, true
	case "明天", "tomorrow":
		return today.AddDate(0, 0, 1), true
	case "后天":
		return today.AddDate(0, 0, 2), true
	}
	for _, w := range []string{"周", "星期", "礼拜", "本周", "这周", ""} {
		word, is := strings.CutPrefix(name, w)
		d, known := weekdayNames()[word]
		if !is || !known || w == "" && !latin(word) {
			continue
		}
		end := today.AddDate(0, 0, (int(d)-int(today.Weekday())+weekDays)%weekDays)
		if !end.After(now) {
			end = end.AddDate(0, 0, weekDays)
		}
		return end, true
	}
	return dateOf(name, today, now)
}

func latin(s string) bool { return s != "" && s[0] < 0x80 }

// dateOf reads a date; one without a year is the next of its kind.
func dateOf(name string, today, now time.Time) (time.Time, bool) {
	on := func(year int, d time.Time) time.Time {
		return time.Date(year, d.Month(), d.Day(), today.Hour(), today.Minute(), 0, 0, today.Location())
	}
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006年1月2日"} {
		if d, err := time.Parse(layout, name); err == nil {
			return on(d.Year(), d), true
		}
	}
	for _, layout := range []string{"1-2", "1/2", "1月2日", "1月2号"} {
		// The year of a leap day makes 02-29 a date; where it is none, it is refused.
		d, err := time.Parse("2006 "+layout, "2000 "+name)
		if err != nil {
			continue
		}
		end := on(today.Year(), d)
		if !end.After(now) {
			end = on(today.Year()+1, d)
		}
		return end, end.Month() == d.Month()
	}
	return time.Time{}, false
}

// onDay gives a wall clock time some days after today.
func onDay(now time.Time, days, hour, minute int) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+days, hour, minute, 0, 0, now.Location())
}
