package feishusim

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The methods of a frame.
const (
	MethodControl int32 = 0
	MethodData    int32 = 1
)

// Header is one header of a frame.
type Header struct{ Key, Value string }

// Frame is one binary message of the long connection (protobuf 2, package
// pbbp2). The codec is written by hand so that a client library's reading of
// the format is checked against a second one.
type Frame struct {
	SeqID, LogID    uint64
	Service, Method int32
	Headers         []Header
	PayloadEncoding string
	PayloadType     string
	Payload         []byte // nil is left out on the wire
	LogIDNew        string
}

// Get gives the value of the first header with a key, or "".
func (f *Frame) Get(key string) string {
	for _, h := range f.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return ""
}

// errFrame is every reason why bytes are no frame.
var errFrame = errors.New("feishusim: the bytes are not a frame")

// The wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Marshal gives the frame's bytes, fields in the order of their numbers.
func (f *Frame) Marshal() []byte {
	b := make([]byte, 0, 64+len(f.Payload))
	b = appendVarint(b, 1, f.SeqID)
	b = appendVarint(b, 2, f.LogID)
	b = appendVarint(b, 3, uint64(int64(f.Service))) //nolint:gosec // int32 travels sign-extended
	b = appendVarint(b, 4, uint64(int64(f.Method)))  //nolint:gosec // int32 travels sign-extended
	for _, h := range f.Headers {
		b = appendBytes(b, 5, appendBytes(appendBytes(nil, 1, []byte(h.Key)), 2, []byte(h.Value)))
	}
	b = appendBytes(b, 6, []byte(f.PayloadEncoding))
	b = appendBytes(b, 7, []byte(f.PayloadType))
	if f.Payload != nil {
		b = appendBytes(b, 8, f.Payload)
	}
	return appendBytes(b, 9, []byte(f.LogIDNew))
}

func appendVarint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3|wireVarint), v) //nolint:gosec // small positive numbers
}

func appendBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|wireBytes) //nolint:gosec // small positive numbers
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// ParseFrame reads a frame. Unknown fields are skipped; a missing required
// field (1 to 4, and the parts of a header) is an error.
func ParseFrame(b []byte) (Frame, error) {
	var f Frame
	seen := 0
	err := fields(b, func(field, wire int, number uint64, raw []byte) error {
		if field <= 4 && wire != wireVarint || field >= 5 && field <= 9 && wire != wireBytes {
			return fmt.Errorf("%w: field %d has wire type %d", errFrame, field, wire)
		}
		if field <= 4 {
			seen |= 1 << field
		}
		return f.set(field, number, raw)
	})
	if err == nil && seen != 0b11110 {
		err = fmt.Errorf("%w: a required field is missing", errFrame)
	}
	return f, err
}

// set takes one field.
func (f *Frame) set(field int, number uint64, raw []byte) error {
	switch field {
	case 1:
		f.SeqID = number
	case 2:
		f.LogID = number
	case 3:
		f.Service = int32(number) //nolint:gosec // truncation is how protobuf reads an int32
	case 4:
		f.Method = int32(number) //nolint:gosec // truncation is how protobuf reads an int32
	case 5:
		h, err := parseHeader(raw)
		f.Headers = append(f.Headers, h)
		return err
	case 6:
		f.PayloadEncoding = string(raw)
	case 7:
		f.PayloadType = string(raw)
	case 8:
		f.Payload = append([]byte{}, raw...)
	case 9:
		f.LogIDNew = string(raw)
	}
	return nil
}

func parseHeader(b []byte) (Header, error) {
	var h Header
	seen := 0
	err := fields(b, func(field, wire int, _ uint64, raw []byte) error {
		if field != 1 && field != 2 {
			return nil
		}
		if wire != wireBytes {
			return fmt.Errorf("%w: a header part has wire type %d", errFrame, wire)
		}
		seen |= field
		if field == 1 {
			h.Key = string(raw)
		} else {
			h.Value = string(raw)
		}
		return nil
	})
	if err == nil && seen != 3 {
		err = fmt.Errorf("%w: a header part is missing", errFrame)
	}
	return h, err
}

// fields calls see for each field of a protobuf message.
func fields(b []byte, see func(field, wire int, number uint64, raw []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return fmt.Errorf("%w: bad tag", errFrame)
		}
		b = b[n:]
		field, wire := int(tag>>3), int(tag&7)
		var number uint64
		var raw []byte
		size := 0
		switch wire {
		case wireVarint:
			if number, size = binary.Uvarint(b); size <= 0 {
				return fmt.Errorf("%w: bad number", errFrame)
			}
		case wireBytes:
			length, n := binary.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) { //nolint:gosec // not negative
				return fmt.Errorf("%w: bad length", errFrame)
			}
			size = n + int(length) //nolint:gosec // not above len(b)
			raw = b[n:size]
		case wireFixed64:
			size = 8
		case wireFixed32:
			size = 4
		default:
			return fmt.Errorf("%w: wire type %d", errFrame, wire)
		}
		if size > len(b) {
			return fmt.Errorf("%w: cut short", errFrame)
		}
		if err := see(field, wire, number, raw); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
