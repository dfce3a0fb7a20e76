package feishubot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// The shape of a body that we are ready to decode. Real events have depths
// below 10 and some dozens of keys.
const (
	maxDepth  = 64
	maxTokens = 20_000
	maxNumber = 64
)

var errShape = errors.New("is not acceptable JSON")

// strict tells whether raw is one JSON object whose meaning is the same for
// every reader: valid UTF-8, no key twice (in any case: encoding/json matches
// names without regard to it), and not built to exhaust us.
func strict(raw []byte) error {
	if !utf8.Valid(raw) {
		return errShape
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var open []level
	for range maxTokens {
		token, err := d.Token()
		if err != nil {
			return errShape
		}
		if open, err = step(open, token); err != nil {
			return err
		}
		if len(open) == 0 {
			if _, err := d.Token(); !errors.Is(err, io.EOF) {
				return errShape
			}
			return nil
		}
	}
	return errShape
}

// level is one open object or list.
type level struct {
	keys    map[string]bool // nil for a list
	wantKey bool
}

// step takes one token into account.
func step(open []level, token json.Token) ([]level, error) {
	if n, ok := token.(json.Number); ok && len(n) > maxNumber {
		return nil, errShape
	}
	delim, isDelim := token.(json.Delim)
	if len(open) == 0 && delim != '{' {
		return nil, errShape
	}
	if isDelim && (delim == '}' || delim == ']') {
		return open[:len(open)-1], nil
	}
	if len(open) > 0 {
		top := &open[len(open)-1]
		if top.wantKey {
			return open, top.name(token)
		}
		top.wantKey = top.keys != nil
	}
	if !isDelim {
		return open, nil
	}
	if len(open) == maxDepth {
		return nil, errShape
	}
	next := level{}
	if delim == '{' {
		next = level{keys: map[string]bool{}, wantKey: true}
	}
	return append(open, next), nil
}

// name notes the key of an object.
func (l *level) name(token json.Token) error {
	key, ok := token.(string)
	folded := strings.ToLower(strings.ToUpper(key))
	if !ok || l.keys[folded] {
		return errShape
	}
	l.keys[folded] = true
	l.wantKey = false
	return nil
}
