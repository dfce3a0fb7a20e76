package wecom

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// clean makes a text fit for WeCom: the vendor refuses a body with \uXXXX
// escapes (40033), which is how JSON has to write control characters and how Go
// writes the line separators. They become blanks; broken UTF-8 is dropped.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// encode gives a body without \uXXXX escapes. Every text in it has to be clean.
func encode(body map[string]any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
