package configs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Schema gives the JSON Schema of the file, for editors, with every key
// described in both languages. It is made from the same tags as the reader
// and ends with a line break. The error is a fault of kind Internal.
func Schema() ([]byte, error) {
	s := reflector().Reflect(Config{})
	s.Title = "Rollcall 点名"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, fmt.Errorf("write the schema: %w", err), "the schema cannot be made / 生成不了 schema")
	}
	return append(out, '\n'), nil
}

// reflector gives the one way in which types become schemas.
func reflector() *jsonschema.Reflector {
	return &jsonschema.Reflector{
		Anonymous:                  true,
		DoNotReference:             true,
		RequiredFromJSONSchemaTags: true,
		FieldNameTag:               "yaml",
		Mapper:                     special,
		LookupComment:              comment,
	}
}

// comment gives the description of a key.
func comment(t reflect.Type, field string) string {
	if t.Kind() != reflect.Struct {
		return ""
	}
	f, ok := t.FieldByName(field)
	if !ok {
		return ""
	}
	key := f.Tag.Get("yaml")
	if t == reflect.TypeFor[Protect]() {
		key = strings.ToLower(field)
	}
	text := describe(t, key)
	if text.EN == "" {
		return ""
	}
	return text.ZH + " / " + text.EN
}

// special gives the schemas of the types that read their own nodes; nil for
// the others.
func special(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Secret](), reflect.TypeFor[Record](), reflect.TypeFor[Redis]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(d|h|m|s))+$`}
	case reflect.TypeFor[Percent]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "number"}, {Type: "string", Pattern: `^[0-9.]+%$`}}}
	case reflect.TypeFor[Clock]():
		return &jsonschema.Schema{Type: "string", Pattern: clock.String()}
	case reflect.TypeFor[Days]():
		return oneOrMany(&jsonschema.Schema{Type: "string"})
	case reflect.TypeFor[Strings]():
		return oneOrMany(textOrNumber())
	case reflect.TypeFor[FeishuIDs]():
		return oneOrMany(&jsonschema.Schema{Type: "string", Pattern: `^(ou_|on_|open_id:|union_id:|user_id:|\$\{)`})
	case reflect.TypeFor[Conditions]():
		return named(oneOrMany(scalar()))
	case reflect.TypeFor[Protect]():
		s := named(oneOrMany(scalar()))
		s.Properties = jsonschema.NewProperties()
		departments := oneOrMany(textOrNumber())
		departments.Description = comment(t, "Departments")
		s.Properties.Set("departments", departments)
		return s
	case reflect.TypeFor[Table[Mapping]]():
		return named(&jsonschema.Schema{OneOf: []*jsonschema.Schema{textOrNumber(), bare(reflect.TypeFor[mappingBody]())}})
	}
	if t.Kind() == reflect.Slice && t.Implements(reflect.TypeFor[tabular]()) {
		return named(bare(t.Elem()))
	}
	if t == reflect.TypeFor[System]() {
		return systemSchema()
	}
	return nil
}

// systemSchema gives one form per type of system.
func systemSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, typ := range systemTypes() {
		body := (&System{Type: typ}).body()
		s.OneOf = append(s.OneOf, bare(reflect.TypeOf(body).Elem()))
	}
	return s
}

// bare gives the schema of a type as a part of another.
func bare(t reflect.Type) *jsonschema.Schema {
	s := reflector().ReflectFromType(t)
	s.Version, s.Definitions = "", nil
	return s
}

// named gives the schema of a mapping from free names to one.
func named(one *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: one}
}

// oneOrMany gives the schema of a value that may stand for a list of one.
func oneOrMany(one *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{one, {Type: "array", Items: one}}}
}

func textOrNumber() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}}}
}

func scalar() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}
