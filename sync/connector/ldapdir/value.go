package ldapdir

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/directory"
)

var errValue = errors.New("the value has another form")

// clean makes a text fit for a directory: control characters, which no Directory
// String needs, become blanks, and broken UTF-8 is dropped.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(s)
}

// decode gives the value of a field that is no reference. preferred is the value
// in the entry's own name, which comes first.
func decode(f *field, values []string, preferred string, zone *time.Location) (directory.Value, error) {
	if len(values) == 0 {
		return directory.Empty(f.valueType()), nil
	}
	for _, v := range values {
		if strings.ToValidUTF8(v, "") != v {
			return directory.Value{}, errValue
		}
	}
	text := values[0]
	if preferred != "" && slices.Contains(values, preferred) {
		text = preferred
	}
	switch f.form {
	case formInt:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return directory.Value{}, errValue
		}
		return directory.IntOf(n), nil
	case formBool:
		return decodeBool(text)
	case formTime, formFileTime:
		t, there, err := parseTime(text)
		if err != nil {
			return directory.Value{}, err
		}
		if !there {
			return directory.Empty(directory.Date), nil
		}
		return directory.DateOf(t.In(zone)), nil
	case formList:
		return directory.ListOf(slices.Sorted(slices.Values(values))...), nil // a set in the directory
	default:
		return directory.TextOf(text), nil
	}
}

func decodeBool(text string) (directory.Value, error) {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "TRUE", "1", "YES":
		return directory.BoolOf(true), nil
	case "FALSE", "0", "NO":
		return directory.BoolOf(false), nil
	default:
		return directory.Value{}, errValue
	}
}

// encode gives the values of a field that is no reference; none means empty.
func encode(f *field, v directory.Value, kind string, zone *time.Location) ([]string, error) {
	if v.IsEmpty() {
		return nil, nil
	}
	switch f.form {
	case formList:
		return encodeList(v)
	case formBool:
		b, ok := v.Bool()
		if !ok {
			return nil, errValue
		}
		return []string{strings.ToUpper(strconv.FormatBool(b))}, nil
	case formTime, formFileTime:
		t, ok := v.Time(zone)
		if !ok {
			return nil, errValue
		}
		return []string{encodeTime(t, f.form, kind)}, nil
	case formInt:
		if _, ok := v.Int(); !ok {
			if _, err := strconv.ParseInt(v.String(), 10, 64); err != nil {
				return nil, errValue
			}
		}
		return []string{v.String()}, nil
	default:
		return encodeText(v)
	}
}

// encodeList gives the values of a list, each of which the directory holds once.
func encodeList(v directory.Value) ([]string, error) {
	if v.Type() != directory.List {
		return nil, errValue
	}
	var out []string
	for _, s := range v.List() {
		if s = clean(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

func encodeText(v directory.Value) ([]string, error) {
	if v.Type() == directory.Refs || v.Type() == directory.List {
		return nil, errValue
	}
	if s := clean(v.String()); s != "" {
		return []string{s}, nil
	}
	return nil, nil
}

// encodeTime writes a time as a kind of server wants it.
func encodeTime(t time.Time, as form, kind string) string {
	switch {
	case as == formFileTime:
		return strconv.FormatInt(fileTime(t), 10)
	case kind == AD:
		return t.UTC().Format("20060102150405.0Z")
	default:
		return t.UTC().Format("20060102150405Z")
	}
}

const (
	// epoch is the number of seconds from 1601 to 1970.
	epoch = 11_644_473_600
	ticks = 10_000_000 // of a second
	// fileTimeDigits is how long such a number is at least, for times from 1604 on;
	// what is shorter is something else.
	fileTimeDigits = 16
)

// fileTime gives a time as Active Directory's number.
func fileTime(t time.Time) int64 { return (t.Unix() + epoch) * ticks }

// parseTime reads a generalized time (RFC 4517 section 3.3.13), a date as
// 2006-01-02, or Active Directory's number, of which 0 and the largest mean
// never. there is false for never.
func parseTime(text string) (t time.Time, there bool, err error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse("2006-01-02", text); err == nil {
		return t, true, nil
	}
	if number(text) && len(text) >= fileTimeDigits || text == "0" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, false, errValue
		}
		if n <= 0 || n == math.MaxInt64 {
			return time.Time{}, false, nil
		}
		t := time.Unix(n/ticks-epoch, 0).UTC()
		return t, t.Year() <= 9999, nil
	}
	return generalized(text)
}

func number(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// generalized reads YYYYMMDDHH[MM[SS]][.fraction](Z|±HH[MM]). The fraction is
// dropped.
func generalized(text string) (time.Time, bool, error) {
	digits := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		return time.Time{}, false, errValue // no zone
	}
	layout, ok := map[int]string{10: "2006010215", 12: "200601021504", 14: "20060102150405"}[digits]
	if !ok {
		return time.Time{}, false, errValue
	}
	stamp, rest := text[:digits], text[digits:]
	if rest[0] == '.' || rest[0] == ',' {
		end := strings.IndexAny(rest, "Z+-")
		if end < 2 || !number(rest[1:end]) {
			return time.Time{}, false, errValue
		}
		rest = rest[end:]
	}
	zone := map[int]string{1: "Z07", 3: "-07", 5: "-0700"}[len(rest)]
	if zone == "" || len(rest) == 1 && rest != "Z" {
		return time.Time{}, false, errValue
	}
	t, err := time.Parse(layout+zone, stamp+rest)
	if err != nil || t.Year() < 1 || t.UTC().Year() < 1 || t.UTC().Year() > 9998 {
		return time.Time{}, false, errValue
	}
	return t, true, nil
}
