package directory

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Type is the type of an attribute's value.
type Type uint8

// The closed set of value types. Two reads of the same thing give equal
// values, whatever the system they came from.
const (
	Absent  Type = iota // not declared: the object has no such attribute
	Text                // a string; "" is an empty declared text
	Int                 // a whole number, also empty
	Bool                // true, false or empty
	Date                // a civil date or date-time without a zone; empty = an invalid date
	List                // an ordered list of texts
	Refs                // references to users or departments, see Ref
	Unknown             // hidden by the platform: no evidence of anything, see Hidden
)

// String gives the type's name as the configuration writes it.
func (t Type) String() string {
	names := [...]string{"absent", "text", "int", "bool", "date", "list", "refs", "unknown"}
	if int(t) >= len(names) {
		return "type(" + strconv.Itoa(int(t)) + ")"
	}
	return names[t]
}

// Value is one attribute's value. The zero Value is Absent. Values are
// immutable: whoever keeps the slice given to ListOf or RefsTo must not change
// it.
type Value struct {
	typ  Type
	full bool     // for Int and Bool: a value is there
	num  int64    // Int, Bool (0 or 1)
	text string   // Text; Date in its canonical form; the permission of Unknown
	list []string // List; Refs in their canonical form
}

// TextOf gives a text value.
func TextOf(s string) Value { return Value{typ: Text, text: s} }

// IntOf gives a number.
func IntOf(n int64) Value { return Value{typ: Int, full: true, num: n} }

// BoolOf gives a truth value.
func BoolOf(b bool) Value {
	v := Value{typ: Bool, full: true}
	if b {
		v.num = 1
	}
	return v
}

// ListOf gives a list of texts. A nil list is an empty one.
func ListOf(items ...string) Value { return Value{typ: List, list: items} }

// Hidden gives the unknown value: the platform did not tell, because the named
// permission is missing. The name is shown to admins.
func Hidden(permission string) Value { return Value{typ: Unknown, text: permission} }

// Empty gives the empty value of a type: "" for Text, an invalid date for
// Date, nothing for the others.
func Empty(t Type) Value { return Value{typ: t} }

// DateOf gives a civil date-time; the zone of t is dropped, not converted.
func DateOf(t time.Time) Value {
	layout := dateTimeLayout
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		layout = dateLayout
	}
	return Value{typ: Date, text: t.Format(layout)}
}

const (
	dateLayout     = "2006-01-02"
	dateTimeLayout = "2006-01-02T15:04:05"
)

// Type gives the value's type.
func (v Value) Type() Type { return v.typ }

// IsEmpty tells whether there is nothing in the value. Absent is empty;
// Unknown is not: it might hold something.
func (v Value) IsEmpty() bool {
	switch v.typ {
	case Absent:
		return true
	case Text, Date:
		return v.text == ""
	case Int, Bool:
		return !v.full
	case List, Refs:
		return len(v.list) == 0
	default:
		return false
	}
}

// Text gives the text of a Text value and "" for any other.
func (v Value) Text() string {
	if v.typ != Text {
		return ""
	}
	return v.text
}

// Int gives the number of an Int value, and whether there is one.
func (v Value) Int() (int64, bool) { return v.num, v.typ == Int && v.full }

// Bool gives the truth value of a Bool value, and whether there is one.
func (v Value) Bool() (val, ok bool) { return v.num == 1, v.typ == Bool && v.full }

// List gives the items of a List value; do not change them.
func (v Value) List() []string {
	if v.typ != List {
		return nil
	}
	return v.list
}

// Permission gives the permission whose lack hides an Unknown value.
func (v Value) Permission() string {
	if v.typ != Unknown {
		return ""
	}
	return v.text
}

// Time gives the date of a Date value in the given zone, and whether there is
// one.
func (v Value) Time(zone *time.Location) (time.Time, bool) {
	if v.typ != Date || v.text == "" {
		return time.Time{}, false
	}
	layout := dateLayout
	if len(v.text) > len(dateLayout) {
		layout = dateTimeLayout
	}
	t, err := time.ParseInLocation(layout, v.text, zone)
	return t, err == nil
}

// String gives the value as people read it: lists joined by ", ", an unknown
// value as "?". It is also how a text template and a match key see it.
func (v Value) String() string {
	switch v.typ {
	case Text, Date:
		return v.text
	case Int:
		if v.full {
			return strconv.FormatInt(v.num, 10)
		}
	case Bool:
		if v.full {
			return strconv.FormatBool(v.num == 1)
		}
	case List:
		return strings.Join(v.list, ", ")
	case Refs:
		names := make([]string, 0, len(v.list))
		for _, r := range v.Refs() {
			names = append(names, r.String())
		}
		return strings.Join(names, ", ")
	case Unknown:
		return "?"
	case Absent:
	}
	return ""
}

// Equal tells whether two values say the same. An empty value equals any other
// empty one whatever the types; Unknown equals nothing, not even itself, since
// it is no evidence.
func (v Value) Equal(w Value) bool {
	if v.typ == Unknown || w.typ == Unknown {
		return false
	}
	if v.IsEmpty() || w.IsEmpty() {
		return v.IsEmpty() && w.IsEmpty()
	}
	if v.typ != w.typ {
		return scalar(v.typ) && scalar(w.typ) && v.String() == w.String()
	}
	return v.num == w.num && v.text == w.text && slices.Equal(v.list, w.list)
}

// scalar tells whether values of the type may be compared by their text with
// values of another such type: one system's number is another's text.
func scalar(t Type) bool { return t == Text || t == Int || t == Bool || t == Date }
