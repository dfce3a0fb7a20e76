package bot

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestUntil(t *testing.T) {
	t.Parallel()
	// A Thursday, 10:05.
	for typed, want := range map[string]string{
		"18:00": "2026-10-08 18:00", "9:00": "2026-10-09 09:00", "10:05": "2026-10-09 10:05", "9点半": "2026-10-09 09:30", "20点": "2026-10-08 20:00",
		"今天": "2026-10-08 18:00", "today": "2026-10-08 18:00", "明天": "2026-10-09 18:00", "Tomorrow": "2026-10-09 18:00", "后天": "2026-10-10 18:00", "明天 09:00": "2026-10-09 09:00",
		"周五": "2026-10-09 18:00", "fri": "2026-10-09 18:00", "Friday": "2026-10-09 18:00", "周四": "2026-10-08 18:00", "周四 09:00": "2026-10-15 09:00", "星期三": "2026-10-14 18:00",
		"周日": "2026-10-11 18:00", "周天": "2026-10-11 18:00", "fri 09:30": "2026-10-09 09:30",
		"2026-12-01": "2026-12-01 18:00", "2026-12-01 08:00": "2026-12-01 08:00", "12-01": "2026-12-01 18:00", "12月1日": "2026-12-01 18:00", "10-07": "2027-10-07 18:00", "10/8": "2026-10-08 18:00",
		"2小时": "2026-10-08 12:05", "30分钟": "2026-10-08 10:35", "1d": "2026-10-09 10:05", "半小时": "2026-10-08 10:35",
	} {
		got, err := Command{Until: typed}.until(morning, shanghai)
		if err != nil || got.Format("2006-01-02 15:04") != want {
			t.Errorf("until %q is %s, %v; want %s", typed, got, err, want)
		}
	}
	for _, typed := range []string{"从前", "25:00", "18:60", "五", "一", "2026-13-01", "2026-02-30", "02-29", "2020-01-01", "今天 09:00", "fri 25:00", "fri 9 10", "*", "-1d", "0m", "99999d", "tomorrow tomorrow"} {
		if got, err := (Command{Until: typed}).until(morning, shanghai); fault.KindOf(err) != fault.Invalid {
			t.Errorf("until %q is %s, %v", typed, got, err)
		}
	}
	if got, err := (Command{}).until(morning, shanghai); err != nil || !got.IsZero() {
		t.Errorf("until nothing is %s, %v", got, err)
	}
	if got, err := (Command{Until: "今天"}).until(morning.Add(9*time.Hour), shanghai); err == nil {
		t.Errorf("this evening is past, and is %s", got)
	}
	// The wall clock of the zone counts, not that of the caller.
	if got, err := (Command{Until: "18:00"}).until(morning.UTC(), shanghai); err != nil || !got.Equal(time.Date(2026, 10, 8, 18, 0, 0, 0, shanghai)) {
		t.Errorf("in another zone it is %s, %v", got, err)
	}
}

// Whatever end is understood is to come.
func TestUntilIsToCome(t *testing.T) {
	t.Parallel()
	words := []string{"18:00", "周一", "tue", "周三", "thu", "周五", "sat", "周日", "明天", "12-01", "2-28", "10-8", "2小时", "1d"}
	rapid.Check(t, func(t *rapid.T) {
		now := morning.Add(time.Duration(rapid.IntRange(0, 3*366*24*60).Draw(t, "minutes")) * time.Minute)
		word := rapid.SampledFrom(words).Draw(t, "word")
		got, err := Command{Until: word}.until(now, shanghai)
		if err != nil || !got.After(now) || got.After(now.AddDate(1, 0, 1)) {
			t.Fatalf("at %s %q is %s, %v", now, word, got, err)
		}
	})
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]time.Duration{
		"2小时": 2 * time.Hour, "30分钟": 30 * time.Minute, "30分": 30 * time.Minute, "1天": day, "2h": 2 * time.Hour, "30m": 30 * time.Minute, "1d": day, "1小时30分钟": 90 * time.Minute,
		"1h30m": 90 * time.Minute, "2 hours": 2 * time.Hour, "45 mins": 45 * time.Minute, "半天": 12 * time.Hour, "两个小时": 2 * time.Hour, "十分钟": 10 * time.Minute, "3 days": 3 * day, "2 hrs": 2 * time.Hour,
	} {
		if got, ok := spanOf(typed); !ok || got != want {
			t.Errorf("%q is %s, %v; want %s", typed, got, ok, want)
		}
	}
	for _, typed := range []string{"", "2", "h", "小时", "2x", "-2h", "0h", "31d", "999999h", "2h x", "2.5h"} {
		if got, ok := spanOf(typed); ok {
			t.Errorf("%q is %s", typed, got)
		}
	}
}

// Plain times are written plainly, all others as they are, and all are read back.
func TestTimesAreWritten(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string][2]string{
		"30 2 * * *":     {"每天 02:30", "daily 02:30"},
		"0 9 * * 1-5":    {"工作日 09:00", "weekdays 09:00"},
		"0 8 * * 1":      {"每周一 08:00", "weekly mon 08:00"},
		"5 0 * * 0":      {"每周日 00:05", "weekly sun 00:05"},
		"05 2 * * *":     {`cron "05 2 * * *"`, `cron "05 2 * * *"`},
		"*/5 * * * *":    {`cron "*/5 * * * *"`, `cron "*/5 * * * *"`},
		"0 8 1 * 1":      {`cron "0 8 1 * 1"`, `cron "0 8 1 * 1"`},
		"0 8 * * mon":    {`cron "0 8 * * mon"`, `cron "0 8 * * mon"`},
		"0 24 * * *":     {`cron "0 24 * * *"`, `cron "0 24 * * *"`},
		"-1 2 * * *":     {`cron "-1 2 * * *"`, `cron "-1 2 * * *"`},
		"0 8 * * 7":      {`cron "0 8 * * 7"`, `cron "0 8 * * 7"`},
		"0 8 1,15 * 1-5": {`cron "0 8 1,15 * 1-5"`, `cron "0 8 1,15 * 1-5"`},
		off:              {"关闭", "off"},
	} {
		for i, l := range []Lang{ZH, EN} {
			cmd := Command{Verb: Schedule, Lang: l, Flow: "hr", When: spec}
			if got := l.when(spec); got != want[i] {
				t.Errorf("%q is written %q, want %q", spec, got, want[i])
			}
			if back, err := Parse(cmd.String()); err != nil || back.When != spec {
				t.Errorf("%q is read back as %q, %v", cmd, back.When, err)
			}
		}
	}
}
