package configs

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder fills structs from YAML nodes by the tags of their fields, and
// gathers every mistake instead of stopping at the first.
type decoder struct {
	opts   Options
	found  []Mistake
	places map[string]Place // key path → where its value is
	unset  map[string]bool  // key paths of what Options.Offline does without
}

// spot is the value that is being decoded.
type spot struct {
	path  string
	place Place
	tag   fieldTag
}

// decodable is a type that reads its own node.
type decodable interface {
	decode(d *decoder, n ast.Node, at spot)
}

// defaulter is a type with defaults that its tags cannot say.
type defaulter interface{ setDefaults() }

// entry is one key and value of a mapping. A nil value was left empty.
type entry struct {
	key      string
	keyPlace Place
	value    ast.Node
}

// fieldTag is what the tags of a field say. The jsonschema tag is read here
// too, so that the schema and the reader cannot disagree.
type fieldTag struct {
	name     string
	required bool
	env      bool // ${ENV} may stand in the value
	enum     []string
	standard string // the default, as text
	low      *float64
	high     *float64
}

// tagOf reads the tags of a field; false when the field is not of the file.
func tagOf(f reflect.StructField) (fieldTag, bool) {
	name := f.Tag.Get("yaml")
	if name == "" || name == "-" || !f.IsExported() {
		return fieldTag{}, false
	}
	t := fieldTag{name: name, env: f.Tag.Get("ref") == "env"}
	for part := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "required":
			t.required = true
		case "enum":
			t.enum = append(t.enum, value)
		case "default":
			t.standard = value
		case "minimum":
			t.low = number(value)
		case "maximum":
			t.high = number(value)
		}
	}
	return t, true
}

func number(text string) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &n
}

// keysOf gives the keys that a struct knows, in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if tag, ok := tagOf(f); ok {
			keys = append(keys, tag.name)
		}
	}
	return keys
}

// root decodes the whole document into c.
func (d *decoder) root(n ast.Node, c *Config) {
	v := reflect.ValueOf(c).Elem()
	d.fill(v)
	d.decode(n, v, spot{place: Place{Line: 1, Column: 1}})
}

// add notes a mistake.
func (d *decoder) add(severity Severity, path string, at Place, what Text) {
	d.found = append(d.found, Mistake{Line: at.Line, Column: at.Column, Path: path, Say: what, Severity: severity})
}

func (d *decoder) bad(at spot, what Text)  { d.add(Error, at.path, at.place, what) }
func (d *decoder) odd(at spot, what Text)  { d.add(Warning, at.path, at.place, what) }
func (d *decoder) has(path string) bool    { _, ok := d.places[path]; return ok }
func (d *decoder) mark(at spot, typ Place) { d.places[at.path] = typ }

// fill sets the defaults of v and of the structs inside it.
func (d *decoder) fill(v reflect.Value) {
	if s, ok := reflect.TypeAssert[defaulter](v.Addr()); ok {
		s.setDefaults()
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		tag, ok := tagOf(v.Type().Field(i))
		if !ok {
			continue
		}
		if tag.standard != "" {
			d.decode(&ast.StringNode{Value: tag.standard}, v.Field(i), spot{})
		}
		d.fill(v.Field(i))
	}
}

// decode reads n into v. An empty value leaves v as it is.
func (d *decoder) decode(n ast.Node, v reflect.Value, at spot) {
	if empty(n) {
		return
	}
	if own, ok := reflect.TypeAssert[decodable](v.Addr()); ok {
		own.decode(d, n, at)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(v.Elem())
		d.decode(n, v.Elem(), at)
	case reflect.Struct:
		d.structure(n, v, at)
	case reflect.Slice:
		if _, isTable := reflect.TypeAssert[tabular](v); isTable {
			d.table(n, v, at)
			return
		}
		d.list(n, v, at)
	case reflect.String:
		d.string(n, v, at)
	case reflect.Bool:
		d.boolean(n, v, at)
	case reflect.Int:
		d.integer(n, v, at)
	default:
	}
}

// empty tells whether a value was left out: `key:` or `key: null`.
func empty(n ast.Node) bool {
	return n == nil || n.Type() == ast.NullType
}

// entries gives the entries of a mapping in the order of the file. It reports
// a value that is no mapping, and a key that comes twice.
func (d *decoder) entries(n ast.Node, at spot) ([]entry, bool) {
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	default:
		d.bad(at, say("这里应该是 键: 值，而不是%s", "expected key: value pairs, not %s", kindOf(n)))
		return nil, false
	}
	seen := map[string]Place{}
	list := make([]entry, 0, len(values))
	for _, v := range values {
		if v == nil || v.Key == nil || v.Key.GetToken() == nil {
			continue
		}
		e := entry{key: v.Key.GetToken().Value, keyPlace: placeOf(v.Key), value: v.Value}
		if first, twice := seen[e.key]; twice {
			d.add(Error, child(at.path, e.key), e.keyPlace, say("这个键重复了，第 %d 行已经有；请删掉一个", "this key is there twice, first on line %d; remove one", first.Line))
			continue
		}
		seen[e.key] = e.keyPlace
		list = append(list, e)
	}
	return list, true
}

// spot gives the place of an entry's value, and remembers it.
func (d *decoder) spot(parent spot, e entry) spot {
	at := spot{path: child(parent.path, e.key), place: e.keyPlace}
	if !isBlock(e.value) {
		at.place = placeOf(e.value)
	}
	if !empty(e.value) {
		d.mark(at, at.place)
	}
	return at
}

// structure reads a mapping whose keys are the fields of v.
func (d *decoder) structure(n ast.Node, v reflect.Value, at spot) {
	if list, ok := d.entries(n, at); ok {
		d.fields(list, v, at)
	}
}

// fields reads entries into the fields of v.
func (d *decoder) fields(list []entry, v reflect.Value, at spot) {
	known, given := keysOf(v.Type()), map[string]bool{}
	for _, e := range list {
		if !slices.Contains(known, e.key) {
			d.add(Error, child(at.path, e.key), e.keyPlace, say("没有这个键%s", "there is no such key%s", didYouMean(e.key, known)))
			continue
		}
		given[e.key] = !empty(e.value)
	}
	for i := range v.NumField() {
		tag, ok := tagOf(v.Type().Field(i))
		if !ok {
			continue
		}
		if tag.required && !given[tag.name] {
			d.add(Error, child(at.path, tag.name), at.place, missing(v.Type(), tag.name))
			continue
		}
		if j := slices.IndexFunc(list, func(e entry) bool { return e.key == tag.name }); j >= 0 {
			here := d.spot(at, list[j])
			here.tag = tag
			before := len(d.found)
			d.decode(list[j].value, v.Field(i), here)
			if tag.required && len(d.found) == before && v.Field(i).IsZero() {
				d.bad(here, say("不能是空的：%s", "must not be empty: %s", describe(v.Type(), tag.name)))
			}
		}
	}
}

// missing gives the sentence about a required key.
func missing(t reflect.Type, key string) Text {
	return say("缺少这个键：%s", "is missing: %s", describe(t, key))
}

// table reads a mapping whose keys are names into a slice of structs with the
// fields Name and Place.
func (d *decoder) table(n ast.Node, v reflect.Value, at spot) {
	list, _ := d.entries(n, at)
	for _, e := range list {
		here := d.spot(at, e)
		d.mark(here, here.place)
		one := reflect.New(v.Type().Elem()).Elem()
		d.fill(one)
		one.FieldByName("Name").SetString(e.key)
		one.FieldByName("Place").Set(reflect.ValueOf(e.keyPlace))
		if empty(e.value) {
			d.bad(here, say("是空的；请填上，或者删掉", "is empty; fill it in or remove it"))
		}
		d.decode(e.value, one, here)
		v.Set(reflect.Append(v, one))
	}
}

// list reads a list. Structs inside get their Place.
func (d *decoder) list(n ast.Node, v reflect.Value, at spot) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.bad(at, say("这里应该是列表（以 - 开头），而不是%s", "expected a list (lines that begin with -), not %s", kindOf(n)))
		return
	}
	for i, value := range seq.Values {
		here := spot{path: item(at.path, i), place: placeOf(value)}
		d.mark(here, here.place)
		if empty(value) {
			d.bad(here, say("是空的；请填上，或者删掉", "is empty; fill it in or remove it"))
			continue
		}
		one := reflect.New(v.Type().Elem()).Elem()
		d.fill(one)
		if place := one.FieldByName("Place"); place.IsValid() {
			place.Set(reflect.ValueOf(here.place))
		}
		d.decode(value, one, here)
		v.Set(reflect.Append(v, one))
	}
}

// kindOf names what a node is.
func kindOf(n ast.Node) Text {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return Text{ZH: "键: 值", EN: "key: value pairs"}
	case *ast.SequenceNode:
		return Text{ZH: "列表", EN: "a list"}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return Text{ZH: "数字", EN: "a number"}
	case *ast.BoolNode:
		return Text{ZH: "布尔值（true、false）", EN: "true or false"}
	default:
		return Text{ZH: "文本", EN: "text"}
	}
}
