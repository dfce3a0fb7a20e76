package configs

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Hash gives the SHA-256 of the flow's effective configuration as 64 hex
// digits: every default filled in, keys in a fixed order, so that comments,
// spacing and the order of keys do not matter, and with the bytes of its rule
// files. A rule that the flow does not have is nil. Neither secrets nor
// anything outside the flow's section go into it.
func (f *Flow) Hash(usersRule, departmentsRule []byte) string {
	section, err := json.Marshal(effective(reflect.ValueOf(*f)))
	if err != nil {
		// The value is made of maps, lists, texts, numbers and booleans only.
		section = []byte(err.Error())
	}
	sum := sha256.New()
	for _, part := range [][]byte{[]byte("rollcall flow 1"), section, usersRule, departmentsRule} {
		// The length in front keeps one part from passing for another.
		_, _ = fmt.Fprintf(sum, "%d:", len(part))
		_, _ = sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Effective gives the configuration with every default filled in as JSON,
// which is YAML too, with secrets as ***. For showing to an admin. The error
// is a fault of kind Internal.
func (c *Config) Effective() ([]byte, error) {
	out, err := json.MarshalIndent(effective(reflect.ValueOf(*c)), "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, fmt.Errorf("write the configuration: %w", err), "the configuration cannot be shown / 显示不了配置")
	}
	return append(out, '\n'), nil
}

// effective turns a value of the configuration into maps, lists and scalars
// under the keys of the file. What is empty is left out.
func effective(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return effective(v.Elem())
	}
	if out, ok := effectiveOwn(v); ok {
		return out
	}
	switch v.Kind() {
	case reflect.Struct:
		return effectiveStruct(v)
	case reflect.Slice:
		if _, isTable := reflect.TypeAssert[tabular](v); isTable {
			out := map[string]any{}
			for i := range v.Len() {
				out[v.Index(i).FieldByName("Name").String()] = effective(v.Index(i))
			}
			return out
		}
		out := make([]any, 0, v.Len())
		for i := range v.Len() {
			out = append(out, effective(v.Index(i)))
		}
		return out
	default:
		return v.Interface()
	}
}

// effectiveStruct gives the fields of a struct by their keys.
func effectiveStruct(v reflect.Value) any {
	out := map[string]any{}
	for i := range v.NumField() {
		tag, ok := tagOf(v.Type().Field(i))
		if !ok {
			continue
		}
		field := v.Field(i)
		blank := field.Kind() == reflect.Slice && field.Len() == 0 || field.Kind() != reflect.Int && field.Kind() != reflect.Int64 && field.Kind() != reflect.Float64 && field.Kind() != reflect.Bool && field.IsZero()
		if !blank {
			out[tag.name] = effective(field)
		}
	}
	return out
}

func effectiveProtect(p Protect) any {
	out := map[string]any{}
	for _, one := range p.Attributes {
		out[one.Name] = one.Values
	}
	if len(p.Departments) > 0 {
		out["departments"] = []string(p.Departments)
	}
	return out
}

// effectiveOwn gives the values of the types that read their own nodes.
func effectiveOwn(v reflect.Value) (any, bool) {
	switch x := v.Interface().(type) {
	case Record:
		if x.URL.IsSet() {
			return stars, true
		}
		return x.Driver, true
	case Redis:
		if x.URL.IsSet() {
			return stars, true
		}
		return x.Mode, true
	case System:
		if body := x.body(); body != nil {
			return effective(reflect.ValueOf(body)), true
		}
		return nil, true
	case Mapping:
		return effectiveStruct(reflect.ValueOf(mappingBody{From: x.From, Default: x.Default, Value: x.Value})), true
	case Condition:
		return x.Values, true
	case Protect:
		return effectiveProtect(x), true
	case Days:
		return effectiveDays(x), true
	case FeishuID:
		return x.String(), true
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		return string(text), err == nil
	default:
		return nil, false
	}
}

func effectiveDays(d Days) any {
	if text := d.String(); text == "daily" || text == "weekdays" {
		return text
	}
	names := make([]string, 0, len(d))
	for _, day := range d {
		names = append(names, dayNames[(int(day)+6)%7])
	}
	return names
}
