package sqltable

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// maxCell bounds one value, in bytes.
const maxCell = 1 << 20

// trouble is what is wrong with a value, and what to do, in both languages.
type trouble struct{ en, zh string }

var (
	notUTF8  = &trouble{"not UTF-8 text: correct the value, or the encoding of the column", "不是 UTF-8 文本：请改正这个值或列的编码"}
	tooLarge = &trouble{"larger than 1 MiB: leave the column out of the query", "超过 1 MiB：请在查询里去掉这一列"}
	noDate   = &trouble{"not a date: write it as 2026-01-31 or 2026-01-31 09:00:00", "不是日期：请写成 2026-01-31 或 2026-01-31 09:00:00"}
	noInt    = &trouble{"not a whole number", "不是整数"}
	noBool   = &trouble{"not yes or no (1, 0, true, false, yes, no, 是, 否)", "不是“是”或“否”（1、0、true、false、yes、no、是、否）"}
	several  = &trouble{"more than one id, where one is allowed", "有多个编号，只能有一个"}
	noID     = &trouble{"no id that can be compared: make it a text or a whole number in the query", "不是可以比较的编号：请在查询里转换成文本或整数"}
)

// reader makes values of what drivers give, the same of every engine.
type reader struct {
	zone   *time.Location // where civil time is told
	server *time.Location // what a TIMESTAMP of MySQL is told in; nil elsewhere
}

// value gives one cell as an attribute.
func (r reader) value(f field, db string, raw any) (directory.Value, *trouble) {
	if raw == nil {
		return directory.Empty(f.typ), nil
	}
	if f.typ == directory.Date {
		return r.date(db, raw)
	}
	text, why := r.text(db, raw)
	if why != nil {
		return directory.Value{}, why
	}
	return valueOf(f, text)
}

// valueOf reads a text as an attribute that is no date.
func valueOf(f field, text string) (directory.Value, *trouble) {
	if f.typ == directory.Text {
		return directory.TextOf(text), nil
	}
	plain := strings.TrimSpace(text)
	if plain == "" {
		return directory.Empty(f.typ), nil
	}
	switch f.typ {
	case directory.Int:
		n, err := strconv.ParseInt(decimal(plain), 10, 64)
		if err != nil {
			return directory.Value{}, noInt
		}
		return directory.IntOf(n), nil
	case directory.Bool:
		b, ok := truth(plain)
		if !ok {
			return directory.Value{}, noBool
		}
		return directory.BoolOf(b), nil
	case directory.Refs:
		items := split(plain)
		if f.single && len(items) > 1 {
			return directory.Value{}, several
		}
		ids := make([]directory.ID, len(items))
		for i, s := range items {
			ids[i] = directory.ID(s)
		}
		return directory.RefsToKind(f.ref, ids...), nil
	default:
		return directory.ListOf(split(plain)...), nil
	}
}

// split takes a text apart at its commas. What is there twice counts once.
func split(s string) []string {
	var items []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(items, part) {
			items = append(items, part)
		}
	}
	return items
}

func truth(s string) (val, ok bool) {
	s = strings.ToLower(s)
	switch {
	case slices.Contains([]string{"1", "true", "t", "yes", "y", "on", "是", "启用", "在职"}, s):
		return true, true
	case slices.Contains([]string{"0", "false", "f", "no", "n", "off", "否", "停用", "禁用", "离职"}, s):
		return false, true
	default:
		return false, false
	}
}

// text gives one cell as a text: whole numbers as they are, others without an
// exponent and without zeros at the end, truth values as true and false, dates as
// values hold them, bytes in hex.
func (r reader) text(db string, raw any) (string, *trouble) {
	var s string
	switch v := raw.(type) {
	case string:
		s = v
	case []byte:
		switch {
		case len(v) > maxCell:
			return "", tooLarge
		case isBinary(db) || db == "": // of SQLite, where a text comes as a string
			return hex.EncodeToString(v), nil
		case db == "BIT":
			return bits(v), nil
		}
		s = string(v)
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float32:
		return number(float64(v), 32), nil
	case float64:
		if db == "FLOAT4" {
			return number(v, 32), nil
		}
		return number(v, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case time.Time:
		return r.civil(db, v), nil
	default:
		return "", &trouble{"of a type that is not known: turn it into a text in the query", "类型不认识：请在查询里转换成文本"}
	}
	return plainText(db, s)
}

// plainText checks a text.
func plainText(db, s string) (string, *trouble) {
	switch {
	case len(s) > maxCell:
		return "", tooLarge
	case !utf8.ValidString(s):
		return "", notUTF8
	case isDecimal(db):
		return decimal(s), nil
	case db == "BPCHAR":
		return strings.TrimRight(s, " "), nil // others do that by themselves
	default:
		return s, nil
	}
}

// bits reads a BIT of MySQL, up to 64 of them.
func bits(b []byte) string {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return strconv.FormatUint(n, 10)
}

func number(v float64, size int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, size)
	}
	return decimal(strconv.FormatFloat(v, 'f', -1, size))
}

// decimal drops the zeros that mean nothing.
func decimal(s string) string {
	if strings.Contains(s, ".") && !strings.ContainsAny(s, "eE") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

func (r reader) date(db string, raw any) (directory.Value, *trouble) {
	var s string
	switch v := raw.(type) {
	case time.Time:
		s = r.civil(db, v)
	case string:
		s = v
	case []byte:
		s = string(v)
	default:
		return directory.Value{}, noDate
	}
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, "0000-00-00") {
		return directory.Empty(directory.Date), nil
	}
	server := r.zone
	if db == "TIMESTAMP" && r.server != nil {
		server = r.server
	}
	t, ok := parseDate(s, server, r.zone)
	if !ok {
		return directory.Value{}, noDate
	}
	return directory.DateOf(t), nil
}

// civil gives a time of a driver without its zone.
func (r reader) civil(db string, t time.Time) string {
	if db == "TIMESTAMPTZ" {
		t = t.In(r.zone)
	}
	return directory.DateOf(t).String()
}

// parseDate reads a date, or a date and a time. A time without a zone is told in
// the server's; with one, or with the server's, it becomes the civil time of zone.
func parseDate(s string, server, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02", "2006-1-2", "2006/1/2", "2006.1.2", "20060102"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, t.Year() > 0
		}
	}
	s = strings.Replace(s, "T", " ", 1)
	s = strings.ReplaceAll(s, "/", "-")
	for _, layout := range []string{"2006-1-2 15:04:05", "2006-1-2 15:04"} {
		if t, err := time.ParseInLocation(layout, s, server); err == nil {
			return t.In(zone), t.Year() > 0
		}
	}
	for _, layout := range []string{"2006-1-2 15:04:05Z07:00", "2006-1-2 15:04:05 Z07:00", "2006-1-2 15:04:05Z0700", "2006-1-2 15:04:05Z07", "2006-1-2 15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.In(zone), t.Year() > 0
		}
	}
	return time.Time{}, false
}
