package scripting

import (
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// visitWrite handles what gives a value to something.
func (r *resolver) visitWrite(node any) bool {
	switch n := node.(type) {
	case *ast.Binding:
		_, plain := n.Target.(*ast.Identifier)
		switch {
		case n.Initializer != nil:
			r.bind(n.Target, origin{expr: n.Initializer})
			r.visit(n.Initializer)
		case plain:
			r.visit(n.Target)
		default:
			r.bind(n.Target, origin{})
		}
	case *ast.AssignExpression:
		o := origin{}
		if n.Operator == token.ASSIGN {
			o = origin{expr: n.Right, loose: true}
		}
		r.bind(n.Left, o)
		r.visit(n.Right)
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.DELETE:
			r.bind(bare(n.Operand), origin{})
		default:
			return false
		}
	case *ast.ForIntoVar, *ast.ForDeclaration, *ast.ForIntoExpression: // see into
	default:
		return false
	}
	return true
}

// bind gives a value to a target.
func (r *resolver) bind(target any, o origin) {
	switch t := target.(type) {
	case *ast.Identifier:
		v := r.find(t.Name.String())
		r.refs[t], r.set[t] = v, true
		if v != nil {
			v.write(o)
		}
	case *ast.DotExpression:
		r.stores = append(r.stores, store{t, o})
		r.visit(t)
	case *ast.BracketExpression:
		r.stores = append(r.stores, store{t, o})
		r.visit(t)
	case *ast.AssignExpression: // a default
		r.bind(t.Left, o.orDefault())
		r.visit(t.Right)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			r.bindProperty(p, o)
		}
		if t.Rest != nil {
			r.bind(t.Rest, origin{})
		}
	case *ast.ArrayPattern:
		for _, e := range t.Elements {
			if e != nil {
				r.bind(e, origin{})
			}
		}
		if t.Rest != nil {
			r.bind(t.Rest, origin{})
		}
	default:
		r.visit(t)
	}
}

func (r *resolver) bindProperty(p ast.Property, o origin) {
	switch p := p.(type) {
	case *ast.PropertyShort:
		o = o.under(p.Name.Name.String())
		if p.Initializer != nil {
			o = o.orDefault()
			r.visit(p.Initializer)
		}
		r.bind(&p.Name, o)
	case *ast.PropertyKeyed:
		r.key(p.Key, p.Computed)
		key, ok := p.Key.(*ast.StringLiteral)
		if !ok {
			r.bind(p.Value, origin{})
			return
		}
		r.bind(p.Value, o.under(key.Value.String()))
	}
}
