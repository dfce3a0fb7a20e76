package dingtalksim

import (
	"math"
	"strconv"
)

// integer reads a whole number under key, which may be quoted: whether the key
// is there, and whether it holds one.
func (o object) integer(key string) (value int64, there, good bool) {
	switch v := o[key].(type) {
	case nil:
		return 0, false, true
	case float64:
		whole := v == math.Trunc(v) && math.Abs(v) < 1<<53
		if !whole {
			return 0, true, false
		}
		return int64(v), true, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, true, err == nil
	default:
		return 0, true, false
	}
}

// boolean reads a boolean under key, which may be quoted.
func (o object) boolean(key string) (value, there, good bool) {
	switch v := o[key].(type) {
	case nil:
		return false, false, true
	case bool:
		return v, true, true
	case string:
		return v == "true", true, v == "true" || v == "false"
	default:
		return false, true, false
	}
}

// reader copies the fields of a request that are there into a record, and
// remembers the first that it cannot.
type reader struct {
	o       object
	empty   bool // whether an empty text empties the field; else it is ignored
	refused *Refusal
}

func (r *reader) text(key string, into *string) {
	value, there := r.o[key]
	if !there || value == nil {
		return
	}
	text, isText := value.(string)
	switch {
	case !isText:
		r.refuse(badParameter(key))
	case text != "" || r.empty:
		*into = text
	}
}

func (r *reader) integer(key string, into *int64) {
	value, there, good := r.o.integer(key)
	switch {
	case !good:
		r.refuse(badParameter(key))
	case there:
		*into = value
	}
}

func (r *reader) yes(key string, into *bool) {
	value, there, good := r.o.boolean(key)
	switch {
	case !good:
		r.refuse(badParameter(key))
	case there:
		*into = value
	}
}

func (r *reader) refuse(refused *Refusal) {
	if r.refused == nil {
		r.refused = refused
	}
}
