package rosterfile

import (
	"math"
	"strconv"
	"strings"
)

// numberFormat is what a cell's number format means for its value.
type numberFormat struct {
	time    bool   // a date or a time of day
	percent bool   //
	prefix  string // literal text before the digits: "E" in "E"0000
	suffix  string
	zeros   int // the least number of digits, for ids such as 0007
}

// builtinFormat gives the formats that workbooks name by number only (ECMA-376
// part 1, 18.8.30, with the numbers of the Chinese and Japanese editions).
func builtinFormat(id int) numberFormat {
	switch {
	case id >= 14 && id <= 22, id >= 27 && id <= 36, id >= 45 && id <= 47, id >= 50 && id <= 58:
		return numberFormat{time: true}
	case id == 9 || id == 10:
		return numberFormat{percent: true}
	default:
		return numberFormat{}
	}
}

// parseFormat reads the first section of a format code. Anything but dates,
// percent and padded digits with literal text shows the number as it is.
func parseFormat(code string) numberFormat {
	var f numberFormat
	if len(code) > maxCode {
		return f
	}
	var literal strings.Builder
	state := &formatScan{f: &f, literal: &literal, simple: true}
	state.scan(code)
	if f.time || f.percent {
		f.prefix, f.suffix, f.zeros = "", "", 0
		return f
	}
	if !state.simple || state.places == 0 {
		return numberFormat{}
	}
	f.suffix = literal.String()
	return f
}

// formatScan is a format code under reading.
type formatScan struct {
	f       *numberFormat
	literal *strings.Builder
	places  int  // placeholders seen
	closed  bool // text came after placeholders
	simple  bool // nothing but literals and 0, # in one block
	elapsed bool // hours that go on after 24
}

func (s *formatScan) scan(code string) {
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			return
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				end = len(code) - i - 1
			}
			s.text(code[i+1 : i+1+end])
			i += end + 1
		case '\\':
			size := 1
			for i+1+size < len(code) && code[i+1+size]&0xc0 == 0x80 {
				size++
			}
			s.text(code[min(i+1, len(code)):min(i+1+size, len(code))])
			i += size
		case '_', '*':
			i++ // room as wide as a sign, or a fill
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return
			}
			s.bracket(code[i+1 : i+end])
			i += end
		default:
			s.sign(c)
		}
	}
}

func (s *formatScan) text(t string) {
	if t == "" {
		return
	}
	s.closed = s.closed || s.places > 0
	s.literal.WriteString(t)
}

// bracket is a colour, a condition, a locale, or an elapsed time, which is no
// time of day.
func (s *formatScan) bracket(in string) {
	if in != "" && strings.Trim(strings.ToLower(in), "hms") == "" {
		s.simple, s.elapsed = false, true
	}
}

func (s *formatScan) sign(c byte) {
	switch c {
	case '0', '#':
		if s.places == 0 {
			s.f.prefix = s.literal.String()
			s.literal.Reset()
		}
		s.simple = s.simple && !s.closed
		s.places++
		if c == '0' {
			s.f.zeros++
		}
	case 'y', 'Y', 'd', 'D', 'h', 'H', 's', 'S', 'm', 'M':
		s.f.time, s.simple = !s.elapsed, false
	case '%':
		s.f.percent = true
	case '-', ' ', '/', ':', '(', ')', '+':
		s.text(string(c))
	default:
		s.simple = s.simple && c >= 0x80
		if c >= 0x80 {
			s.text(string([]byte{c}))
		}
	}
}

// exact is the first whole number that a cell can no longer hold exactly: Excel
// keeps 15 digits.
const exact = 1e15

// numberCell makes a cell of a raw number and its format.
func numberCell(raw string, f numberFormat, date1904 bool) cell {
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return cell{cellError, raw}
	}
	if f.time {
		if one, ok := timeCell(n, date1904); ok {
			return one
		}
	}
	if f.percent {
		return cell{cellText, decimal(n*100) + "%"}
	}
	if n == math.Trunc(n) && math.Abs(n) >= exact {
		return cell{cellLost, ""}
	}
	s := decimal(n)
	if n < 0 || n != math.Trunc(n) {
		return cell{cellNumber, s}
	}
	if pad := f.zeros - len(s); pad > 0 {
		s = strings.Repeat("0", min(pad, maxPad)) + s
	}
	if f.prefix+f.suffix != "" {
		return cell{cellText, clean(f.prefix + s + f.suffix)}
	}
	return cell{cellNumber, s}
}

// maxCode bounds a format code in bytes; a spreadsheet takes 255 characters.
const maxCode = 1024

// maxPad bounds the zeros that a format adds.
const maxPad = 64

// timeCell makes a cell of a serial number.
func timeCell(serial float64, date1904 bool) (cell, bool) {
	const secondsOfDay = 86400
	if serial >= 0 && serial < 1 {
		s := int(math.Round(serial*secondsOfDay)) % secondsOfDay
		text := two(s/3600) + ":" + two(s/60%60)
		if s%60 != 0 {
			text += ":" + two(s%60)
		}
		return cell{cellClock, text}, true
	}
	t, ok := serialDate(serial, date1904)
	if !ok {
		return cell{}, false
	}
	return cell{cellDate, canonical(t)}, true
}

func two(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }

// decimal gives a number without exponent, in the 15 digits that Excel keeps.
func decimal(n float64) string {
	const digitsKept = 15
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', digitsKept, 64), 64)
	if err != nil {
		rounded = n
	}
	if rounded == 0 {
		return "0"
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
