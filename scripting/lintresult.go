package scripting

import (
	"strconv"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// called gives the value of a call.
func (l *linter) called(n *ast.CallExpression) value {
	callee := bare(n.Callee)
	if id, ok := callee.(*ast.Identifier); ok {
		if v, used := l.refs[id]; used && v == nil {
			return typed(globalCalls(id.Name.String()))
		}
		return value{}
	}
	dot, ok := callee.(*ast.DotExpression)
	if !ok {
		return value{}
	}
	name := dot.Identifier.Name.String()
	switch {
	case l.global(dot.Left, "repo") && name == callGet:
		v := value{role: roleFound}
		if len(n.ArgumentList) > 1 {
			if s, ok := l.value(n.ArgumentList[1]).constant(); ok {
				v.kind = directory.Kind(s)
			}
		}
		return v
	case l.global(dot.Left, "Date"), l.global(dot.Left, "Math"):
		return typed(directory.Int)
	case l.global(dot.Left, "Number"):
		return typed(globalCalls(name))
	case l.global(dot.Left, "Array"), l.global(dot.Left, "Object"):
		return value{}
	}
	return typed(methodOf(l.value(dot.Left).typ, name))
}

// globalCalls gives the type that a global function gives.
func globalCalls(name string) directory.Type {
	switch name {
	case "today", "now":
		return directory.Date
	case "pinyin", "unique", "String", "Date", "encodeURIComponent", "decodeURIComponent":
		return directory.Text
	case "Number", "parseInt", "parseFloat":
		return directory.Int
	case "Boolean", "isNaN", "isFinite", "isInteger", "isSafeInteger":
		return directory.Bool
	}
	return directory.Absent
}

// methodOf gives the type that a method of a typed value gives.
func methodOf(of directory.Type, name string) directory.Type {
	switch {
	case of == directory.Date && (strings.HasPrefix(name, "get") || strings.HasPrefix(name, "set") || name == "valueOf"):
		return directory.Int
	case of == directory.Date && strings.HasPrefix(name, "to"):
		return directory.Text
	case of != directory.Text && of != directory.List:
		return directory.Absent
	}
	switch name {
	case "includes", "contain", "contains", "startsWith", "endsWith", "some", "every":
		return directory.Bool
	case "indexOf", "lastIndexOf", "search", "charCodeAt", "localeCompare", "push", "unshift":
		return directory.Int
	case "toLowerCase", "toUpperCase", "toString", "trim", "trimStart", "trimEnd", "substring", "substr", "padStart", "padEnd",
		"replace", "replaceAll", "charAt", "normalize", "repeat", "join":
		return directory.Text
	case "slice", "concat":
		return of
	case "split", "map", "filter":
		return directory.List
	}
	return directory.Absent
}

func (l *linter) binary(n *ast.BinaryExpression) value {
	is, _ := equality(n.Operator)
	switch {
	case is, relational(n.Operator), n.Operator == token.IN, n.Operator == token.INSTANCEOF:
		return typed(directory.Bool)
	case n.Operator == token.PLUS:
		a, b := l.value(n.Left), l.value(n.Right)
		if a.typ == directory.Text || b.typ == directory.Text || a.date() || b.date() {
			return typed(directory.Text)
		}
		if a.typ == directory.Int && b.typ == directory.Int {
			return typed(directory.Int)
		}
		return value{}
	case n.Operator == token.LOGICAL_OR, n.Operator == token.COALESCE, n.Operator == token.LOGICAL_AND:
		return common(l.value(n.Left), l.value(n.Right))
	}
	return typed(directory.Int)
}

func unary(n *ast.UnaryExpression) value {
	switch n.Operator {
	case token.NOT, token.DELETE:
		return typed(directory.Bool)
	case token.TYPEOF:
		return typed(directory.Text)
	case token.VOID:
		return value{role: roleNothing}
	case token.MINUS, token.PLUS:
		_, num := n.Operand.(*ast.NumberLiteral)
		return value{typ: directory.Int, num: num}
	default:
		return typed(directory.Int)
	}
}

// numeric tells whether JavaScript makes a number of a text.
func numeric(s string) bool {
	s = strings.TrimSpace(s)
	if _, err := strconv.ParseFloat(s, 64); err == nil || s == "" {
		return true
	}
	_, err := strconv.ParseUint(s, 0, 64)
	return err == nil
}
