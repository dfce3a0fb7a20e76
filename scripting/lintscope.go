package scripting

import (
	"github.com/dop251/goja/ast"
)

// variable is a name that the rule declares.
type variable struct {
	writes int    // how often the text gives it a value
	from   origin // the last of them
	fn     any    // the function that was declared with this name
}

// origin says where a value comes from.
type origin struct {
	expr  ast.Expression // nil: not known
	keys  []string       // the properties that lead to it from expr
	loose bool           // perhaps undefined, or a default, instead
}

// under gives a property of an origin.
func (o origin) under(key string) origin {
	if o.expr == nil {
		return o
	}
	keys := make([]string, 0, len(o.keys)+1)
	return origin{expr: o.expr, keys: append(append(keys, o.keys...), key), loose: o.loose}
}

// orDefault gives an origin beside which there is a default.
func (o origin) orDefault() origin {
	o.loose = true
	return o
}

// scope is a region of names.
type scope struct {
	up   *scope
	vars map[string]*variable
}

// store is a place where a property is set or deleted.
type store struct {
	target ast.Expression // a DotExpression or BracketExpression
	from   origin
}

// resolver finds out what each name in a rule stands for.
type resolver struct {
	scope *scope
	// refs has every identifier that is used as a variable; those that the rule does
	// not declare have none.
	refs   map[*ast.Identifier]*variable
	set    map[*ast.Identifier]bool // given a value here
	stores []store
}

func newResolver() *resolver {
	return &resolver{refs: map[*ast.Identifier]*variable{}, set: map[*ast.Identifier]bool{}}
}

func (r *resolver) push() { r.scope = &scope{up: r.scope, vars: map[string]*variable{}} }

func (r *resolver) pop() { r.scope = r.scope.up }

func (r *resolver) find(name string) *variable {
	for s := r.scope; s != nil; s = s.up {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

// declare adds the names of a target to the innermost scope.
func (r *resolver) declare(target any) {
	switch t := target.(type) {
	case *ast.Identifier:
		if t != nil && r.scope.vars[t.Name.String()] == nil {
			r.scope.vars[t.Name.String()] = &variable{}
		}
	case *ast.Binding:
		r.declare(t.Target)
	case *ast.AssignExpression: // a default
		r.declare(t.Left)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				r.declare(&p.Name)
			case *ast.PropertyKeyed:
				r.declare(p.Value)
			}
		}
		r.declare(t.Rest)
	case *ast.ArrayPattern:
		for _, e := range t.Elements {
			r.declare(e)
		}
		r.declare(t.Rest)
	}
}

// hoist declares what a list of statements declares.
func (r *resolver) hoist(list []ast.Statement) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.LexicalDeclaration:
			for _, b := range s.List {
				r.declare(b)
			}
		case *ast.FunctionDeclaration:
			r.named(s.Function.Name, s.Function)
		case *ast.ClassDeclaration:
			r.named(s.Class.Name, s.Class)
		}
	}
}

// named declares a function or class.
func (r *resolver) named(name *ast.Identifier, fn any) {
	if name == nil {
		return
	}
	r.declare(name)
	v := r.scope.vars[name.Name.String()]
	v.fn = fn
	expr, _ := fn.(ast.Expression)
	v.write(origin{expr: expr})
}

func (v *variable) write(o origin) {
	v.writes++
	v.from = o
}

// visit looks at a node and all below it.
func (r *resolver) visit(node any) {
	switch n := node.(type) {
	case *ast.Identifier:
		r.refs[n] = r.find(n.Name.String())
	case *ast.DotExpression:
		r.visit(n.Left) // the name behind the dot is no variable
	case *ast.PrivateDotExpression:
		r.visit(n.Left)
	case *ast.MetaProperty, *ast.PrivateIdentifier, *ast.BranchStatement:
	case *ast.LabelledStatement:
		r.visit(n.Statement)
	default:
		if !r.visitBody(n) && !r.visitBlock(n) && !r.visitWrite(n) {
			parts(n, r.visit)
		}
	}
}

// visitBody handles what has names and a body of its own.
func (r *resolver) visitBody(node any) bool {
	switch n := node.(type) {
	case *ast.FunctionLiteral:
		r.push()
		r.named(n.Name, n)
		r.function(n.ParameterList, n.DeclarationList, n.Body)
		r.pop()
	case *ast.ArrowFunctionLiteral:
		r.function(n.ParameterList, n.DeclarationList, n.Body)
	case *ast.ClassLiteral:
		r.push()
		r.named(n.Name, n)
		r.visit(n.SuperClass)
		for _, e := range n.Body {
			r.visit(e)
		}
		r.pop()
	case *ast.ClassStaticBlock:
		r.function(nil, n.DeclarationList, n.Block)
	case *ast.MethodDefinition:
		r.key(n.Key, n.Computed)
		r.visit(n.Body)
	case *ast.FieldDefinition:
		r.key(n.Key, n.Computed)
		r.visit(n.Initializer)
	case *ast.PropertyKeyed:
		r.key(n.Key, n.Computed)
		r.visit(n.Value)
	default:
		return false
	}
	return true
}

func (r *resolver) key(key ast.Expression, computed bool) {
	if _, name := key.(*ast.Identifier); computed || !name {
		r.visit(key)
	}
}

func (r *resolver) function(params *ast.ParameterList, vars []*ast.VariableDeclaration, body any) {
	r.push()
	defer r.pop()
	if params != nil {
		for _, b := range params.List {
			r.declare(b)
		}
		r.declare(params.Rest)
		for _, b := range params.List {
			r.bind(b.Target, origin{})
			r.visit(b.Initializer)
		}
		if params.Rest != nil {
			r.bind(params.Rest, origin{})
		}
	}
	for _, d := range vars {
		for _, b := range d.List {
			r.declare(b)
		}
	}
	if block, ok := body.(*ast.BlockStatement); ok {
		r.hoist(block.List)
		parts(block, r.visit)
		return
	}
	r.visit(body)
}

// visitBlock handles what only has names of its own.
func (r *resolver) visitBlock(node any) bool {
	var into ast.ForInto
	switch n := node.(type) {
	case *ast.BlockStatement:
		r.push()
		r.hoist(n.List)
	case *ast.SwitchStatement:
		r.push()
		for _, c := range n.Body {
			r.hoist(c.Consequent)
		}
	case *ast.CatchStatement:
		r.push()
		if n.Parameter != nil {
			r.declare(n.Parameter)
			r.bind(n.Parameter, origin{})
		}
		r.visit(n.Body)
		r.pop()
		return true
	case *ast.ForStatement:
		r.push()
		if d, ok := n.Initializer.(*ast.ForLoopInitializerLexicalDecl); ok {
			r.hoist([]ast.Statement{&d.LexicalDeclaration})
		}
	case *ast.ForInStatement:
		r.push()
		into = n.Into
	case *ast.ForOfStatement:
		r.push()
		into = n.Into
	default:
		return false
	}
	if into != nil {
		r.into(into)
	}
	parts(node, r.visit)
	r.pop()
	return true
}

// into handles the variable of for…in and for…of.
func (r *resolver) into(into ast.ForInto) {
	switch n := into.(type) {
	case *ast.ForIntoVar:
		r.bind(n.Binding.Target, origin{})
	case *ast.ForDeclaration:
		r.declare(n.Target)
		r.bind(n.Target, origin{})
	case *ast.ForIntoExpression:
		r.bind(n.Expression, origin{})
	}
}
