package directory

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// errShort is what a truncated or damaged record gives.
var errShort = errors.New("damaged object record")

// AppendObject appends the canonical bytes of an object: the same object gives
// the same bytes. They serve as record format and as digest input.
func AppendObject(b []byte, o Object) []byte {
	b = appendString(b, string(o.Kind))
	b = appendString(b, string(o.ID))
	b = append(b, boolByte(o.Active))
	return appendAttributes(b, o.Attributes)
}

// DecodeObject reads what AppendObject wrote.
func DecodeObject(b []byte) (Object, error) {
	d := decoder{rest: b}
	var o Object
	o.Kind = Kind(d.string())
	o.ID = ID(d.string())
	o.Active = d.byte() == 1
	o.Attributes = d.attributes()
	if d.bad || len(d.rest) > 0 {
		return Object{}, errShort
	}
	return o, nil
}

func appendAttributes(b []byte, a Attributes) []byte {
	b = binary.AppendUvarint(b, uint64(len(a)))
	for _, name := range a.Names() {
		b = appendString(b, name)
		b = AppendValue(b, a[name])
	}
	return b
}

// AppendValue appends the canonical bytes of one value.
func AppendValue(b []byte, v Value) []byte {
	b = append(b, byte(v.typ))
	switch v.typ {
	case Text, Date, Unknown:
		b = appendString(b, v.text)
	case Int, Bool:
		b = append(b, boolByte(v.full))
		b = binary.AppendVarint(b, v.num)
	case List, Refs:
		b = binary.AppendUvarint(b, uint64(len(v.list)))
		for _, s := range v.list {
			b = appendString(b, s)
		}
	case Absent:
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// DecodeValue reads one value from the front of b, as AppendValue wrote it, and
// gives what stands behind it.
func DecodeValue(b []byte) (v Value, rest []byte, err error) {
	d := decoder{rest: b}
	v = d.value()
	if d.bad {
		return Value{}, nil, errShort
	}
	return v, d.rest, nil
}

type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) varint() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) fail() { d.bad, d.rest = true, nil }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) attributes() Attributes {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	a := make(Attributes, n)
	for range n {
		name := d.string()
		a[name] = d.value()
	}
	return a
}

func (d *decoder) value() Value {
	v := Value{typ: Type(d.byte())}
	switch v.typ {
	case Text, Date, Unknown:
		v.text = d.string()
	case Int, Bool:
		v.full = d.byte() == 1
		v.num = d.varint()
	case List, Refs:
		n := d.uvarint()
		if n > uint64(len(d.rest)) {
			d.fail()
			return Value{}
		}
		for range n {
			v.list = append(v.list, d.string())
		}
	case Absent:
	default:
		d.fail()
	}
	return v
}

// jsonValue is the form of a value in JSON: texts, numbers, truth values and
// lists as JSON has them, the rest as an object with one telling key.
type jsonValue struct {
	Date    *string   `json:"date,omitempty"`
	Refs    *[]string `json:"refs,omitempty"`
	Unknown *string   `json:"unknown,omitempty"`
	Empty   string    `json:"empty,omitempty"`
}

// MarshalJSON gives the value's JSON form, which UnmarshalJSON reads back to
// an equal value of the same type.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.typ {
	case Text:
		return marshalPlain(v.text)
	case Int:
		if v.full {
			return json.Marshal(v.num)
		}
	case Bool:
		if v.full {
			return json.Marshal(v.num == 1)
		}
	case List:
		return marshalPlain(append([]string{}, v.list...))
	case Date:
		return json.Marshal(jsonValue{Date: &v.text})
	case Refs:
		refs := append([]string{}, v.list...)
		return marshalPlain(jsonValue{Refs: &refs})
	case Unknown:
		return json.Marshal(jsonValue{Unknown: &v.text})
	case Absent:
		return []byte("null"), nil
	}
	return json.Marshal(jsonValue{Empty: v.typ.String()})
}

// marshalPlain leaves <, > and & as they are, so that names stay readable in
// the record.
func marshalPlain(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	if len(data) == 0 {
		return errShort
	}
	switch c := data[0]; c {
	case 'n':
		*v = Value{}
		return nil
	case '"':
		*v = Value{typ: Text}
		return json.Unmarshal(data, &v.text)
	case '[':
		*v = Value{typ: List}
		return json.Unmarshal(data, &v.list)
	case 't', 'f':
		var b bool
		err := json.Unmarshal(data, &b)
		*v = BoolOf(b)
		return err
	case '{':
		return v.unmarshalObject(data)
	default:
		*v = Value{typ: Int, full: true}
		return json.Unmarshal(data, &v.num)
	}
}

func (v *Value) unmarshalObject(data []byte) error {
	var j jsonValue
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	switch {
	case j.Date != nil:
		*v = Value{typ: Date, text: *j.Date}
		if _, ok := v.Time(time.UTC); !ok && v.text != "" {
			return fmt.Errorf("bad date %q", v.text)
		}
	case j.Refs != nil:
		*v = Value{typ: Refs, list: *j.Refs}
	case j.Unknown != nil:
		*v = Hidden(*j.Unknown)
	case j.Empty == Int.String():
		*v = Empty(Int)
	case j.Empty == Bool.String():
		*v = Empty(Bool)
	default:
		return errShort
	}
	return nil
}
