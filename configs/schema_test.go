package configs

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// node is what the tests need of a JSON Schema.
type node struct {
	Type                 string
	Properties           map[string]*node
	AdditionalProperties json.RawMessage
	Items                *node
	OneOf                []*node
	Enum                 []any
	Required             []string
	Description          string
}

func readSchema(t *testing.T) (*node, []byte) {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return &root, text
}

func TestSchemaFileIsFresh(t *testing.T) {
	t.Parallel()
	_, text := readSchema(t)
	if *update {
		if err := os.WriteFile("schema.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("schema.json")
	if err != nil || !bytes.Equal(kept, text) {
		t.Errorf("schema.json is stale (%v): run go test ./configs -run TestSchema -update", err)
	}
}

// schemaKeys gives the key paths of a schema; * stands for a free name, [] for
// the elements of a list.
func schemaKeys(n *node, path string, keys map[string]*node) {
	for name, one := range n.Properties {
		keys[child(path, name)] = one
		schemaKeys(one, child(path, name), keys)
	}
	if n.Items != nil {
		schemaKeys(n.Items, path+"[]", keys)
	}
	for _, one := range n.OneOf {
		schemaKeys(one, path, keys)
	}
	var more node
	if json.Unmarshal(n.AdditionalProperties, &more) == nil {
		schemaKeys(&more, path+".*", keys)
	}
}

// readerKeys gives the key paths that the reader knows.
func readerKeys(typ reflect.Type, path string, keys map[string]bool) {
	switch typ {
	case reflect.TypeFor[System]():
		for _, name := range systemTypes() {
			readerKeys(reflect.TypeOf((&System{Type: name}).body()).Elem(), path, keys)
		}
		return
	case reflect.TypeFor[Mapping]():
		readerKeys(reflect.TypeFor[mappingBody](), path, keys)
		return
	case reflect.TypeFor[Protect]():
		keys[path+".departments"] = true
		return
	}
	switch typ.Kind() {
	case reflect.Pointer:
		readerKeys(typ.Elem(), path, keys)
	case reflect.Slice:
		if typ.Implements(reflect.TypeFor[tabular]()) {
			readerKeys(typ.Elem(), path+".*", keys)
			return
		}
		readerKeys(typ.Elem(), path+"[]", keys)
	case reflect.Struct:
		for f := range typ.Fields() {
			if tag, ok := tagOf(f); ok {
				keys[child(path, tag.name)] = true
				readerKeys(f.Type, child(path, tag.name), keys)
			}
		}
	}
}

func TestSchemaKnowsEveryKey(t *testing.T) {
	t.Parallel()
	root, _ := readSchema(t)
	inSchema, inReader := map[string]*node{}, map[string]bool{}
	schemaKeys(root, "", inSchema)
	readerKeys(reflect.TypeFor[Config](), "", inReader)
	for key, n := range inSchema {
		if !inReader[key] {
			t.Errorf("%s is in the schema only", key)
		}
		if zh, en, both := strings.Cut(n.Description, " / "); !both || zh == "" || en == "" {
			t.Errorf("%s is not described in both languages: %q", key, n.Description)
		}
	}
	for key := range inReader {
		if inSchema[key] == nil {
			t.Errorf("%s is in the reader only", key)
		}
	}
	if len(inSchema) < 100 {
		t.Errorf("got %d keys only", len(inSchema))
	}
}

// TestNoDescriptionIsLeftOver finds words about keys that are no more.
func TestNoDescriptionIsLeftOver(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"Protect.departments": true}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for f := range typ.Fields() {
			if tag, ok := tagOf(f); ok {
				known[typ.Name()+"."+tag.name] = true
				walk(f.Type)
			}
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[mappingBody](), reflect.TypeFor[FileSystem](),
		reflect.TypeFor[FeishuSystem](), reflect.TypeFor[WeComSystem](), reflect.TypeFor[DingTalkSystem](),
		reflect.TypeFor[LDAPSystem](), reflect.TypeFor[SCIMSystem](), reflect.TypeFor[SCIMServerSystem](), reflect.TypeFor[SQLSystem](),
	} {
		walk(typ)
	}
	for _, words := range []map[string]Text{topWords(), systemWords(), chatWords(), flowWords()} {
		for key := range words {
			if !known[key] {
				t.Errorf("%s is described and does not exist", key)
			}
		}
	}
}

// fits checks a value against a schema, for the parts that ours use.
func fits(n *node, value any) bool {
	if len(n.OneOf) > 0 && len(n.Properties) == 0 {
		matching := 0
		for _, one := range n.OneOf {
			if fits(one, value) {
				matching++
			}
		}
		return matching == 1
	}
	if len(n.Enum) > 0 && !slices.Contains(n.Enum, value) {
		return false
	}
	switch x := value.(type) {
	case map[string]any:
		return n.Type == "object" && fitsObject(n, x)
	case []any:
		return n.Type == "array" && !slices.ContainsFunc(x, func(one any) bool { return !fits(n.Items, one) })
	case string:
		return n.Type == "string"
	case bool:
		return n.Type == "boolean"
	default:
		return n.Type == "integer" || n.Type == "number"
	}
}

func fitsObject(n *node, value map[string]any) bool {
	for _, name := range n.Required {
		if _, ok := value[name]; !ok {
			return false
		}
	}
	var more node
	open := json.Unmarshal(n.AdditionalProperties, &more) == nil
	for name, one := range value {
		property, known := n.Properties[name]
		switch {
		case known && !fits(property, one), !known && (!open || !fits(&more, one)):
			return false
		}
	}
	return true
}

func TestSchemaTakesTheExamples(t *testing.T) {
	t.Parallel()
	root, _ := readSchema(t)
	for _, path := range []string{"example.yaml", "production.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := yaml.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		for key, one := range value {
			if root.Properties[key] == nil || !fits(root.Properties[key], one) {
				t.Errorf("%s: %s does not fit the schema", path, key)
			}
		}
		wrong := strings.Replace(string(text), "schedule:", "schedul:", 1)
		if err := yaml.Unmarshal([]byte(wrong), &value); err != nil {
			t.Fatal(err)
		}
		if fits(root, value) {
			t.Errorf("%s: the schema takes an unknown key", path)
		}
	}
}
