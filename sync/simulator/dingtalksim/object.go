package dingtalksim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// object is a decoded JSON object. The platform is case-sensitive about keys
// ("messageUrl" is not "messageURL") and encoding/json's structs are not, so
// requests are decoded into maps.
type object map[string]any

// decodeObject reads exactly one JSON object.
func decodeObject(data []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	if o == nil {
		return nil, errors.New("decode object: null")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode object: something follows it")
	}
	return o, nil
}

// text gives the string under key, or "" when there is none.
func (o object) text(key string) string {
	v, _ := o[key].(string)
	return v
}

// child gives the object under key; a nil object when there is none, which may
// be read like an empty one.
func (o object) child(key string) object {
	v, _ := o[key].(map[string]any)
	return v
}

// yes tells whether the value under key is true.
func (o object) yes(key string) bool {
	v, _ := o[key].(bool)
	return v
}

// list gives the objects of the array under key; elements that are no objects
// come as nil objects.
func (o object) list(key string) []object {
	array, _ := o[key].([]any)
	objects := make([]object, len(array))
	for i, v := range array {
		objects[i], _ = v.(map[string]any)
	}
	return objects
}

// texts gives the strings of the array under key, and whether the key is
// absent or holds nothing but strings.
func (o object) texts(key string) ([]string, bool) {
	value, there := o[key]
	if !there || value == nil {
		return nil, true
	}
	array, isArray := value.([]any)
	if !isArray {
		return nil, false
	}
	texts := make([]string, 0, len(array))
	for _, v := range array {
		text, isText := v.(string)
		if !isText {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// textMap gives the object under key as a map of strings, and whether each of
// its values is one.
func (o object) textMap(key string) (map[string]string, bool) {
	m := map[string]string{}
	for k, v := range o.child(key) {
		text, isText := v.(string)
		if !isText {
			return nil, false
		}
		m[k] = text
	}
	return m, true
}
