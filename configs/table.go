package configs

import "github.com/goccy/go-yaml/ast"

// Table is a mapping whose keys are names, in the order of the file. Each
// element has the fields Name (its key) and Place (where the key stands).
type Table[T any] []T

// tabular is implemented by every Table.
type tabular interface{ tabular() }

func (Table[T]) tabular() {}

// Strings is a list of texts; a single text may stand for a list of one.
type Strings []string

// decode reads a list or a single text.
func (s *Strings) decode(d *decoder, n ast.Node, at spot) {
	*s = nil
	env := at.tag.env
	d.each(n, at, func(n ast.Node, at spot) {
		text, ok := d.text(n, at)
		if ok && env {
			text, ok = d.expand(text, at)
		}
		if ok {
			*s = append(*s, text)
		}
	})
}

// each calls f for the elements of a list, or once for a single value.
func (d *decoder) each(n ast.Node, at spot, f func(ast.Node, spot)) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		f(n, at)
		return
	}
	for i, value := range seq.Values {
		here := spot{path: item(at.path, i), place: placeOf(value)}
		d.mark(here, here.place)
		if empty(value) {
			d.bad(here, say("是空的；请填上，或者删掉", "is empty; fill it in or remove it"))
			continue
		}
		f(value, here)
	}
}

// Condition is an attribute and the values that it may have.
type Condition struct {
	// Name is the attribute.
	Name string `yaml:"-"`
	// Values are compared as text after trimming; one of them must be equal.
	Values []string
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
}

// Conditions are attributes with values, in the order of the file.
type Conditions = Table[Condition]

// decode reads the values: a list, or a single one. Numbers, true and false
// are taken as written.
func (c *Condition) decode(d *decoder, n ast.Node, at spot) {
	before := len(d.found)
	d.each(n, at, func(n ast.Node, at spot) {
		text, ok := plainScalar(n)
		if !ok {
			d.bad(at, say("这里应该是一个值，而不是%s", "expected a value, not %s", kindOf(n)))
			return
		}
		c.Values = append(c.Values, text)
	})
	if len(c.Values) == 0 && len(d.found) == before {
		d.bad(at, say("没有值；请写成 属性: [值, 值]", "has no value; write attribute: [value, value]"))
	}
}

var (
	_ decodable = (*Strings)(nil)
	_ decodable = (*Condition)(nil)
)
