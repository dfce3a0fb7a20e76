package scripting

import (
	"reflect"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// parts calls see with every node directly below a node. It goes by the shape of the
// node's type, so that a kind of node that nobody thought of is passed through.
func parts(node any, see func(any)) {
	v := reflect.ValueOf(node)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return
	}
	v = v.Elem()
	for i := range v.NumField() {
		// A list of declarations repeats what stands in the statements.
		if f := v.Type().Field(i); f.IsExported() && f.Name != "DeclarationList" {
			hand(v.Field(i), see)
		}
	}
}

// hand gives the nodes of one field to see.
func hand(v reflect.Value, see func(any)) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			hand(v.Elem(), see)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			see(v.Interface())
		}
	case reflect.Slice:
		for i := range v.Len() {
			hand(v.Index(i), see)
		}
	case reflect.Struct:
		if v.CanAddr() {
			see(v.Addr().Interface())
		}
	default:
	}
}

// each calls see with a node and every one below it.
func each(node any, see func(any)) {
	see(node)
	parts(node, func(n any) { each(n, see) })
}

// bare takes the wrappers of optional chains off an expression.
func bare(e ast.Expression) ast.Expression {
	for {
		switch x := e.(type) {
		case *ast.OptionalChain:
			e = x.Expression
		case *ast.Optional:
			e = x.Expression
		default:
			return e
		}
	}
}

// function tells whether a node has a body of its own that runs at another time.
func function(node any) bool {
	switch node.(type) {
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
		return true
	}
	return false
}

// relational tells whether an operator orders its two sides.
func relational(op token.Token) bool {
	return op == token.LESS || op == token.GREATER || op == token.LESS_OR_EQUAL || op == token.GREATER_OR_EQUAL
}

// equality tells whether an operator asks whether two values are the same, and
// whether without converting them.
func equality(op token.Token) (is, strict bool) {
	switch op {
	case token.EQUAL, token.NOT_EQUAL:
		return true, false
	case token.STRICT_EQUAL, token.STRICT_NOT_EQUAL:
		return true, true
	default:
		return false, false
	}
}
