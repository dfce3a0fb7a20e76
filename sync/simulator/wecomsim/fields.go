package wecomsim

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parse reads the body's JSON object. With strict set it refuses \uXXXX
// escapes, as the contacts API does (40033); the robots' webhook takes them.
func (c *call) parse(strict bool) *Refusal {
	if strict && hasEscapes(c.raw) {
		return refuse(codeEscapes, "invalid Request Character")
	}
	if !utf8.Valid(c.raw) {
		return badParameter("body is not utf-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(c.raw))
	if err := decoder.Decode(&c.fields); err != nil || c.fields == nil {
		return badParameter("Warning: wrong json format")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return badParameter("Warning: wrong json format")
	}
	return nil
}

// hasEscapes tells whether JSON text holds a \uXXXX escape. An escaped
// backslash before a u is none.
func hasEscapes(raw []byte) bool {
	for i := 0; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] == 'u' {
			return true
		}
		i++
	}
	return false
}

// into decodes the body's fields into a request struct by its json tags.
// Unlike encoding/json it does not fold the case of names: the vendor does
// not. Fields without a tag are ignored, as the vendor does, and noted for
// UnknownFields. The caller holds mu.
func (s *Sim) into(c *call, request any) *Refusal {
	known := map[string]bool{}
	kind := reflect.TypeOf(request).Elem()
	for field := range kind.Fields() {
		known[field.Tag.Get("json")] = true
	}
	body := make(map[string]json.RawMessage, len(c.fields))
	for name, value := range c.fields {
		if known[name] {
			body[name] = value
		} else {
			s.log.unknown[c.path+" "+name] = true
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return badParameter("Warning: wrong json format")
	}
	if err := json.Unmarshal(text, request); err != nil {
		return badParameter("wrong type of a field")
	}
	return nil
}

// detail gives the body as JSON with sorted names, for an Effect.
func (c *call) detail() string {
	return strings.TrimSuffix(string(encode(c.fields)), "\n")
}

// object gives the id that the request names: a user id, a department id, or
// the ids of a batch joined by commas. It is empty if there is none. It reads
// the body itself, since faults are matched before the body is parsed.
func (c *call) object() string {
	var body struct {
		UserID any   `json:"userid"`
		ID     any   `json:"id"`
		List   []any `json:"useridlist"`
	}
	if c.method == "POST" {
		decoder := json.NewDecoder(bytes.NewReader(c.raw))
		decoder.UseNumber()
		// A body that cannot be read names no object; parse refuses it later.
		_ = decoder.Decode(&body)
	}
	var list []string
	for _, item := range body.List {
		list = append(list, textOf(item))
	}
	for _, id := range []string{
		c.query.Get("userid"), c.query.Get("id"),
		textOf(body.UserID), textOf(body.ID), strings.Join(list, ","),
	} {
		if id != "" {
			return id
		}
	}
	return ""
}

func textOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// number reads an integer parameter of the query. Absent gives 0.
func (c *call) number(name string) (int64, *Refusal) {
	text := c.query.Get(name)
	if text == "" {
		return 0, nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badParameter(name)
	}
	return value, nil
}

// loose is a text that may come as a JSON number.
type loose string

// UnmarshalJSON takes a string or an integer.
func (l *loose) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		*l = loose(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return err
	}
	*l = loose(number)
	return nil
}

var _ json.Unmarshaler = (*loose)(nil)
