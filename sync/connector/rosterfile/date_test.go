package rosterfile

import (
	"math"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CST", 8*3600)
	for in, want := range map[string]string{
		"2006-01-02": "2006-01-02", "2006-1-2": "2006-01-02", "2006/1/2": "2006-01-02", "2006.1.2": "2006-01-02",
		"20060102": "2006-01-02", "20060102150405": "2006-01-02T15:04:05", "2006年1月2日": "2006-01-02", "2006年01月02号": "2006-01-02",
		"2006年1月2": "2006-01-02", "２００６／１／２": "2006-01-02", " 2006-01-02 ": "2006-01-02", "2024-02-29": "2024-02-29",
		"2006-01-02 15:04": "2006-01-02T15:04:00", "2006/1/2  9:04:05": "2006-01-02T09:04:05", "2006-01-02T15:04:05.123": "2006-01-02T15:04:05",
		"2006年1月2日 15时04分": "2006-01-02T15:04:00", "2006-01-02T20:00:00Z": "2006-01-03T04:00:00",
		"2006-01-02T08:00:00+08:00": "2006-01-02T08:00:00", "2006-01-02T00:00:00+0000": "2006-01-02T08:00:00", "2006-01-02T00:00:00": "2006-01-02",
		"9999-12-31": "9999-12-31",
		"2006-13-01": "", "2006-02-30": "", "2023-02-29": "", "06-01-02": "", "2006-01": "", "2006-01/02": "", "2006年1-2": "", "1/2/2006": "",
		"2006-01-02x": "", "2006-01-02 25:00": "", "2006-01-02 15": "", "2006-01-0215:04": "", "200601021": "", "0000-00-00": "", "1500-01-01": "",
		"2006-01-02 15:04 PM": "", "2006-01-02T15:04+99:00": "", "13800000000": "", "": "", "明天": "", "2006 1 2": "", "2006-001-02": "",
		"2006-01-02 15:04:05.": "", "2006-01-02T15:04:05+08:00x": "",
	} {
		got, ok := parseDate(in, zone)
		if text := ""; ok {
			text = canonical(got)
			if text != want {
				t.Errorf("%q is %s, want %q", in, text, want)
			}
		} else if want != "" {
			t.Errorf("%q is no date, want %s", in, want)
		}
	}
}

// TestSerialDate compares with a second implementation, and with what Excel
// itself shows around its day that never was.
func TestSerialDate(t *testing.T) {
	t.Parallel()
	for serial, want := range map[float64]string{
		1: "1900-01-01", 59: "1900-02-28", 61: "1900-03-01", 46082: "2026-03-01", 46082.5: "2026-03-01T12:00:00",
		46082.999999999: "2026-03-02", 2958465: "9999-12-31", 45292.375: "2024-01-01T09:00:00",
		60: "", 0: "", -1: "", 2958466: "", 0.5: "", math.NaN(): "", math.Inf(1): "",
	} {
		got, ok := serialDate(serial, false)
		if ok != (want != "") || ok && canonical(got) != want {
			t.Errorf("%v is %v %v, want %q", serial, got, ok, want)
		}
	}
	if got, ok := serialDate(0, true); !ok || canonical(got) != "1904-01-01" {
		t.Errorf("day 0 of 1904 is %v %v", got, ok)
	}
	for serial := 61.0; serial < 60000; serial += 97.25 {
		for _, date1904 := range []bool{false, true} {
			want, err := excelize.ExcelDateToTime(serial, date1904)
			got, ok := serialDate(serial, date1904)
			if err != nil || !ok || !got.Equal(want.Round(time.Second)) {
				t.Fatalf("%v (1904: %v) is %v, elsewhere %v", serial, date1904, got, want)
			}
		}
	}
}

func TestSerialText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"46082": "2026-03-01", "46082.5": "2026-03-01T12:00:00", "4608": "", "460820": "", "04608": "", "46082.": "2026-03-01", "46082.x": "", "x": "",
	} {
		got, ok := serialText(in, false)
		if ok != (want != "") || ok && canonical(got) != want {
			t.Errorf("%q is %v %v, want %q", in, got, ok, want)
		}
	}
}

func TestNamesDate(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"入职日期": true, "离职时间": true, "Date": true, "hire_date": true, "Hire Date": true, "hiredate": true, "start-date": true,
		"candidate": false, "update": false, "姓名": false, "mandate": false,
	} {
		if namesDate(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2006-01-02", "2006年1月2日 15:04", "20060102150405", "2006-01-02T15:04:05.5+08:00", "２００６／１／２"} {
		f.Add(s)
	}
	zone := time.FixedZone("CST", 8*3600)
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseDate(s, zone)
		if !ok {
			return
		}
		text := directory.DateOf(got).String()
		again, ok := parseDate(text, zone)
		if !ok || directory.DateOf(again).String() != text {
			t.Errorf("%q is %s, which reads as %v %v", s, text, again, ok)
		}
	})
}
