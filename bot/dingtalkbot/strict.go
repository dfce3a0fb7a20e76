package dingtalkbot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// The shape of a message that we are ready to decode. Real ones have depths
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
	if !utf8.Valid(raw) || len(bytes.TrimSpace(raw)) == 0 || bytes.TrimSpace(raw)[0] != '{' {
		return errShape
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	left := maxTokens
	if err := value(d, maxDepth, &left); err != nil {
		return errShape
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errShape
	}
	return nil
}

// value reads one value and all below it.
func value(d *json.Decoder, depth int, left *int) error {
	token, err := next(d, left)
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == 0 {
		return errShape
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := next(d, left)
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if name = strings.ToLower(strings.ToUpper(name)); seen[name] {
				return errShape
			}
			seen[name] = true
		}
		if err := value(d, depth-1, left); err != nil {
			return err
		}
	}
	_, err = next(d, left)
	return err
}

func next(d *json.Decoder, left *int) (json.Token, error) {
	if *left--; *left < 0 {
		return nil, errShape
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if n, ok := token.(json.Number); ok && len(n) > maxNumber {
		return nil, errShape
	}
	return token, nil
}
