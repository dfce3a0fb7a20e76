package scimserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// The limits of a request's body.
const (
	maxBody  = 1 << 20
	maxDepth = 16
	maxNodes = 200_000
)

// parseJSON reads one JSON object strictly: nothing behind it, no member twice
// (upper and lower case are the same to SCIM), no NUL, valid UTF-8, bounded depth.
// Numbers stay as they were written.
func parseJSON(raw []byte) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, bad(invalidSyntax, "the body is not UTF-8 / 请求体不是 UTF-8")
	}
	r := &jsonReader{dec: json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))}
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		if p, ok := errors.AsType[*problem](err); ok {
			return nil, p
		}
		return nil, bad(invalidSyntax, "the body is no JSON / 请求体不是 JSON")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, bad(invalidSyntax, "the body is no JSON object / 请求体不是 JSON 对象")
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, bad(invalidSyntax, "something stands behind the JSON object / JSON 对象后面还有内容")
	}
	return object, nil
}

type jsonReader struct {
	dec   *json.Decoder
	nodes int
}

func (r *jsonReader) value(depth int) (any, error) {
	if r.nodes++; depth > maxDepth || r.nodes > maxNodes {
		return nil, bad(invalidSyntax, "the body is nested too deep or has too many parts / 请求体嵌套过深或内容过多")
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return r.object(depth)
		}
		return r.array(depth)
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, bad(invalidValue, "a text holds the character NUL / 文本里有 NUL 字符")
		}
		return t, nil
	default:
		return token, nil
	}
}

func (r *jsonReader) object(depth int) (any, error) {
	m, seen := map[string]any{}, map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder gives nothing else here
		if seen[fold(name)] {
			return nil, bad(invalidSyntax, "%[1]s stands twice in one object / 同一对象里 %[1]s 出现两次", clip(name))
		}
		seen[fold(name)] = true
		if m[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.Token() // the closing brace
	return m, err
}

func (r *jsonReader) array(depth int) (any, error) {
	list := []any{}
	for r.dec.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.dec.Token() // the closing bracket
	return list, err
}

// encodeJSON gives the canonical bytes of a document: names in order.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// decodeJSON reads a document that encodeJSON wrote.
func decodeJSON(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	m := map[string]any{}
	err := dec.Decode(&m)
	return m, err
}

// fold makes upper and lower case the same.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
