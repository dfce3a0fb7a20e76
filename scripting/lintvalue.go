package scripting

import (
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// role is what a value is to Rollcall.
type role uint8

const (
	roleNone role = iota
	roleContext
	roleData
	roleTarget
	roleFound // of repo.getObjectByID
	roleAttribute
	roleOperation
	roleObjectType
	roleNothing // null or undefined
)

// value is what is known of an expression without running it.
type value struct {
	role  role
	typ   directory.Type // Absent: not known; a number is an Int
	kind  directory.Kind // of a found object or its attribute; empty: either
	owner role           // of an attribute
	name  string         // of an attribute
	text  *string        // a constant text
	num   bool           // a constant number
	ident any            // equal for what is the same object; nil: not known
}

// typed gives a value of which only the type is known.
func typed(t directory.Type) value { return value{typ: t} }

// constant tells whether the value is a constant text, and which.
func (v value) constant() (string, bool) {
	if v.text == nil {
		return "", false
	}
	return *v.text, true
}

// date and attribute ask for what the checks ask most.
func (v value) date() bool { return v.typ == directory.Date }

func (v value) attribute() bool { return v.role == roleAttribute }

// value finds out what an expression is.
func (l *linter) value(e ast.Expression) value {
	e = bare(e)
	if e == nil {
		return value{}
	}
	if v, ok := l.values[e]; ok {
		return v
	}
	l.values[e] = value{} // for a variable that comes from itself
	v := l.literal(e)
	if v == nil {
		v = l.computed(e)
	}
	if v == nil {
		v = &value{}
	}
	if v.ident == nil && v.typ != directory.Absent {
		v.ident = e
	}
	l.values[e] = *v
	return *v
}

// literal handles what stands in the text as it is.
func (l *linter) literal(e ast.Expression) *value {
	v := value{}
	switch n := e.(type) {
	case *ast.StringLiteral:
		s := n.Value.String()
		v = value{typ: directory.Text, text: &s}
	case *ast.TemplateLiteral:
		if n.Tag != nil {
			return &v
		}
		v.typ = directory.Text
		if len(n.Expressions) == 0 && len(n.Elements) == 1 {
			s := n.Elements[0].Parsed.String()
			v.text = &s
		}
	case *ast.NumberLiteral:
		v = value{typ: directory.Int, num: true}
	case *ast.BooleanLiteral:
		v.typ = directory.Bool
	case *ast.NullLiteral:
		v.role = roleNothing
	case *ast.ArrayLiteral:
		v.typ = directory.List
	case *ast.Identifier:
		v = l.variable(n)
	case *ast.DotExpression:
		v = l.member(l.value(n.Left), n.Identifier.Name.String())
	case *ast.BracketExpression:
		if key, ok := l.key(n); ok {
			v = l.member(l.value(n.Left), key)
		}
	default:
		return nil
	}
	return &v
}

// computed handles what is worked out.
func (l *linter) computed(e ast.Expression) *value {
	v := value{}
	switch n := e.(type) {
	case *ast.CallExpression:
		v = l.called(n)
	case *ast.NewExpression:
		if l.global(n.Callee, "Date") {
			v.typ = directory.Date
		}
	case *ast.BinaryExpression:
		v = l.binary(n)
	case *ast.UnaryExpression:
		v = unary(n)
	case *ast.ConditionalExpression:
		v = common(l.value(n.Consequent), l.value(n.Alternate))
	case *ast.AssignExpression:
		if n.Operator == token.ASSIGN {
			v = l.value(n.Right)
		}
	case *ast.SequenceExpression:
		if len(n.Sequence) > 0 {
			v = l.value(n.Sequence[len(n.Sequence)-1])
		}
	default:
		return nil
	}
	return &v
}

// common gives what two values have in common.
func common(a, b value) value {
	v := value{}
	if a.typ == b.typ {
		v.typ = a.typ
	}
	if a.role == b.role && (a.role == roleContext || a.role == roleData || a.role == roleFound && a.kind == b.kind) {
		v.role, v.kind = a.role, a.kind
	}
	return v
}

// variable gives the value of a name.
func (l *linter) variable(id *ast.Identifier) value {
	v, used := l.refs[id]
	switch name := id.Name.String(); {
	case !used:
		return value{}
	case v == nil && name == "context" && !l.replaced:
		return value{role: roleContext}
	case v == nil && name == "undefined":
		return value{role: roleNothing}
	case v == nil || v.writes != 1 || v.from.expr == nil:
		return value{}
	}
	out := l.value(v.from.expr)
	for _, key := range v.from.keys {
		out = l.member(out, key)
	}
	if v.from.loose {
		return common(out, out).untyped()
	}
	return out
}

// untyped gives what stays known of a value that may be undefined, or something else
// instead: what it is for, not its type.
func (v value) untyped() value { return value{role: v.role, kind: v.kind} }

// member gives a property of a value.
func (l *linter) member(of value, key string) value {
	switch of.role {
	case roleContext:
		switch key {
		case "data":
			return value{role: roleData}
		case "target":
			return value{role: roleTarget}
		case "operationType":
			return value{role: roleOperation, typ: directory.Text}
		case "objectType":
			return value{role: roleObjectType, typ: directory.Text}
		case "id":
			return typed(directory.Text)
		}
	case roleData, roleFound:
		v := value{role: roleAttribute, owner: of.role, kind: of.kind, name: key}
		if of.role == roleData {
			v.kind = l.kind
			v.ident = "context.data." + key
		}
		v.typ = l.typeOf(v)
		return v
	default:
		if key == "length" && (of.typ == directory.Text || of.typ == directory.List) {
			return typed(directory.Int)
		}
	}
	return value{}
}

// typeOf gives the type that an attribute has as a rule sees it: Refs that hold one
// id at most are Text, other Refs are a List.
func (l *linter) typeOf(v value) directory.Type {
	t := directory.Absent
	for _, kind := range kinds {
		declared := l.declared[kind][v.name]
		switch {
		case v.kind != "" && v.kind != kind || declared == directory.Absent:
			continue
		case t != directory.Absent && t != declared:
			return directory.Absent
		}
		t = declared
	}
	switch {
	case t == directory.Refs && single(v.name):
		t = directory.Text
	case t == directory.Refs:
		t = directory.List
	case t == directory.Unknown:
		t = directory.Absent
	}
	if v.owner == roleData && !l.keeps(v.name, t) {
		return directory.Absent
	}
	return t
}

// keeps tells whether what the rule itself writes to attributes of a name leaves
// their type as it is.
func (l *linter) keeps(name string, t directory.Type) bool {
	if l.dynamic {
		return false
	}
	for _, s := range l.written[name] {
		if s.from.expr == nil || len(s.from.keys) > 0 || l.value(s.from.expr).typ != t {
			return false
		}
	}
	return true
}

// key gives the property that an expression names, if that is certain.
func (l *linter) key(e ast.Expression) (string, bool) {
	switch n := e.(type) {
	case *ast.DotExpression:
		return n.Identifier.Name.String(), true
	case *ast.BracketExpression:
		if s, ok := l.value(n.Member).constant(); ok {
			return s, true
		}
		if n, ok := n.Member.(*ast.NumberLiteral); ok {
			return n.Literal, true
		}
	}
	return "", false
}

// global tells whether an expression is a name that the rule does not declare.
func (l *linter) global(e ast.Expression, name string) bool {
	id, ok := bare(e).(*ast.Identifier)
	if !ok || id.Name.String() != name {
		return false
	}
	v, used := l.refs[id]
	return used && v == nil
}
