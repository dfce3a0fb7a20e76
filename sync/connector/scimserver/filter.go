package scimserver

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	filter "github.com/scim2/filter-parser/v2"
)

// The limits of a filter or a path.
const (
	maxFilter  = 2 << 10
	maxNesting = 32
)

// parseFilter reads a filter in the grammar of RFC 7644 §3.4.2.2, and what
// providers make of it: blanks around it, a comparison behind brackets, values
// without quotes. Faults: invalidFilter, tooMany.
func parseFilter(text string) (filter.Expression, error) {
	if len(text) > maxFilter {
		return nil, bad(tooMany, "the filter is longer than %[1]d bytes / filter 超过 %[1]d 字节", maxFilter)
	}
	words, ok := filterWords(text)
	if ok {
		if e, err := parseWords(quoteValues(intoBrackets(words))); err == nil {
			return e, nil
		}
	}
	return nil, bad(invalidFilter, "the filter cannot be read: %[1]s / 看不懂 filter：%[1]s", clip(text))
}

// guarded runs a parser of somebody else's on somebody else's text: whatever it
// does, the text is wrong and not the process.
func guarded[T any](parse func() (T, error)) (v T, err error) {
	defer func() {
		if recover() != nil {
			err = bad(invalidFilter, "cannot be read / 无法解析")
		}
	}()
	return parse()
}

// matcher evaluates filters over documents of a resource.
type matcher struct {
	list []attribute
	r    *resource // nil within a complex attribute
}

func (r *resource) matcher() matcher {
	return matcher{list: append(common(), r.core.attributes...), r: r}
}

// match tells whether an object fulfils a filter. What is not known has no value.
func (m matcher) match(e filter.Expression, object map[string]any) bool {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator == filter.AND {
			return m.match(e.Left, object) && m.match(e.Right, object)
		}
		return m.match(e.Left, object) || m.match(e.Right, object)
	case *filter.NotExpression:
		return !m.match(e.Expression, object)
	case *filter.ValuePath:
		a, v := m.at(&e.AttributePath, object)
		if a == nil {
			return false
		}
		inner := matcher{list: a.subs}
		for _, item := range asList(v) {
			if element, ok := item.(map[string]any); ok && inner.match(e.ValueFilter, element) {
				return true
			}
		}
		return false
	case *filter.AttributeExpression:
		return m.compare(e, object)
	default:
		return false
	}
}

// at gives the attribute that a path begins with, and its value. a is nil when it
// is not known.
func (m matcher) at(p *filter.AttributePath, object map[string]any) (*attribute, any) {
	list := m.list
	if m.r != nil && p.URIPrefix != nil {
		urn := strings.TrimSuffix(*p.URIPrefix, ":")
		if s, ok := m.r.extension(urn); ok {
			list = s.attributes
			object, _ = object[s.id].(map[string]any)
		} else if !strings.EqualFold(urn, m.r.core.id) {
			return nil, nil
		}
	}
	a, ok := find(list, p.AttributeName)
	if !ok || a.writeOnly {
		return nil, nil
	}
	return a, object[a.name]
}

func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// compare evaluates one comparison: true when any of the values fulfils it, and
// for ne when none is equal.
func (m matcher) compare(e *filter.AttributeExpression, object map[string]any) bool {
	a, v := m.at(&e.AttributePath, object)
	var values []any
	if a != nil {
		if a, values = leaves(a, v, e.AttributePath.SubAttributeName()); a == nil {
			values = nil
		}
	}
	op := filter.CompareOperator(strings.ToLower(string(e.Operator)))
	switch op {
	case filter.PR:
		return len(values) > 0
	case filter.NE:
		return !anyEqual(a, values, e.CompareValue)
	case filter.EQ:
		return anyEqual(a, values, e.CompareValue)
	default:
		return slices.ContainsFunc(values, func(v any) bool { return related(a, op, v, e.CompareValue) })
	}
}

// leaves gives the simple values of an attribute, and the attribute that they
// are of: of a multi-valued complex one its value part, when no part is named.
func leaves(a *attribute, v any, sub string) (*attribute, []any) {
	if a.typ != tComplex {
		if sub != "" {
			return nil, nil
		}
		return a, present(asList(v))
	}
	if sub == "" {
		sub = nameValue
	}
	s, ok := a.sub(sub)
	if !ok {
		// pr of a complex attribute without a value part, such as name
		if m, isObject := v.(map[string]any); isObject && len(m) > 0 && strings.EqualFold(sub, nameValue) {
			return a, []any{m}
		}
		return nil, nil
	}
	var values []any
	for _, item := range asList(v) {
		if element, isObject := item.(map[string]any); isObject && element[s.name] != nil {
			values = append(values, element[s.name])
		}
	}
	return s, present(values)
}

// present drops empty texts: an attribute with nothing in it is not there.
func present(values []any) []any {
	out := make([]any, 0, len(values))
	for _, v := range values {
		if v != nil && v != "" {
			out = append(out, v)
		}
	}
	return out
}

// anyEqual tells whether a value equals what it is compared with; null equals
// nothing being there.
func anyEqual(a *attribute, values []any, want any) bool {
	if want == nil || want == "" {
		return len(values) == 0
	}
	for _, v := range values {
		if related(a, filter.EQ, v, want) {
			return true
		}
	}
	return false
}

// related compares two values in the attribute's type.
func related(a *attribute, op filter.CompareOperator, v, want any) bool {
	switch a.typ {
	case tComplex:
		return false
	case tBool:
		b, ok := truth(leaf(want))
		return ok && op == filter.EQ && v == b
	case tInt:
		x, errX := strconv.ParseFloat(leaf(v), 64)
		y, errY := strconv.ParseFloat(leaf(want), 64)
		if errX != nil || errY != nil {
			return false
		}
		return ordered(op, sign(x, y))
	case tDate:
		x, errX := time.Parse(time.RFC3339Nano, leaf(v))
		y, errY := time.Parse(time.RFC3339Nano, leaf(want))
		if errX == nil && errY == nil {
			return ordered(op, x.Compare(y))
		}
		return relatedTexts(a, op, leaf(v), leaf(want))
	default:
		return relatedTexts(a, op, leaf(v), leaf(want))
	}
}

// relatedTexts compares two texts, in any case unless the attribute is exact.
func relatedTexts(a *attribute, op filter.CompareOperator, x, y string) bool {
	if !a.exact {
		x, y = fold(x), fold(y)
	}
	switch op {
	case filter.CO:
		return strings.Contains(x, y)
	case filter.SW:
		return strings.HasPrefix(x, y)
	case filter.EW:
		return strings.HasSuffix(x, y)
	default:
		return ordered(op, strings.Compare(x, y))
	}
}

func sign(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	default:
		return 0
	}
}

// ordered tells whether an order fulfils an operator.
func ordered(op filter.CompareOperator, c int) bool {
	switch op {
	case filter.EQ:
		return c == 0
	case filter.GT:
		return c > 0
	case filter.GE:
		return c >= 0
	case filter.LT:
		return c < 0
	case filter.LE:
		return c <= 0
	default:
		return false
	}
}

// demands gives what every match of a filter must equal: the comparisons by eq
// that stand at its top, by attribute name.
func demands(e filter.Expression) map[string]string {
	found := map[string]string{}
	var walk func(filter.Expression)
	walk = func(e filter.Expression) {
		switch e := e.(type) {
		case *filter.LogicalExpression:
			if e.Operator == filter.AND {
				walk(e.Left)
				walk(e.Right)
			}
		case *filter.AttributeExpression:
			s, isText := e.CompareValue.(string)
			bare := e.AttributePath.URIPrefix == nil && e.AttributePath.SubAttribute == nil
			if strings.EqualFold(string(e.Operator), string(filter.EQ)) && isText && s != "" && bare {
				found[fold(e.AttributePath.AttributeName)] = s
			}
		}
	}
	walk(e)
	return found
}

// terms gives the values that an element must have to match a filter made of eq
// and and alone; ok is false for any other filter.
func terms(a *attribute, e filter.Expression) (map[string]any, bool) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator != filter.AND {
			return nil, false
		}
		left, okLeft := terms(a, e.Left)
		right, okRight := terms(a, e.Right)
		for name, v := range right {
			if left != nil {
				left[name] = v
			}
		}
		return left, okLeft && okRight
	case *filter.AttributeExpression:
		sub, ok := a.sub(e.AttributePath.AttributeName)
		if !ok || e.AttributePath.SubAttribute != nil || !strings.EqualFold(string(e.Operator), string(filter.EQ)) {
			return nil, false
		}
		v := e.CompareValue
		if f, isNumber := v.(int); isNumber {
			v = json.Number(strconv.Itoa(f))
		}
		got, err := scalar(sub, v)
		if err != nil {
			return nil, false
		}
		return map[string]any{sub.name: got}, true
	default:
		return nil, false
	}
}
