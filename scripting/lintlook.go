package scripting

import (
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// look checks a node and all below it.
func (l *linter) look(node any) {
	if l.lookName(node) || l.lookWrite(node) {
		return
	}
	switch n := node.(type) {
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
		l.inside = append(l.inside, n)
		parts(n, l.look)
		l.inside = l.inside[:len(l.inside)-1]
		return
	case *ast.BinaryExpression:
		l.compare(n.Operator, n.Left, n.Right)
		if n.Operator == token.LOGICAL_AND || n.Operator == token.LOGICAL_OR {
			l.truth(n.Left)
		}
	case *ast.CallExpression:
		l.call(n)
	case *ast.NewExpression:
		if l.global(n.Callee, "Function") {
			l.wrong(n.New, textCodeFromText.sayf("new Function"))
		}
	case *ast.SwitchStatement:
		for _, c := range n.Body {
			if c.Test != nil {
				l.compare(token.STRICT_EQUAL, c.Test, n.Discriminant)
			}
		}
	default:
		l.lookTest(node)
	}
	parts(node, l.look)
}

// lookTest checks what decides on a branch.
func (l *linter) lookTest(node any) {
	switch n := node.(type) {
	case *ast.IfStatement:
		l.truth(n.Test)
	case *ast.ConditionalExpression:
		l.truth(n.Test)
	case *ast.WhileStatement:
		l.truth(n.Test)
	case *ast.DoWhileStatement:
		l.truth(n.Test)
	case *ast.ForStatement:
		l.truth(n.Test)
	case *ast.UnaryExpression:
		if n.Operator == token.NOT {
			l.truth(n.Operand)
			l.negate(n)
		}
	}
}

// lookName checks the use of a name or property, and tells whether the node is one.
func (l *linter) lookName(node any) bool {
	switch n := node.(type) {
	case *ast.Identifier:
		l.name(n)
	case *ast.DotExpression:
		l.read(l.value(n.Left), n.Identifier.Name.String(), n.Identifier.Idx)
		l.look(n.Left)
	case *ast.BracketExpression:
		if key, ok := l.key(n); ok {
			l.read(l.value(n.Left), key, n.Member.Idx0())
		}
		l.look(n.Left)
		l.look(n.Member)
	case *ast.UnaryExpression:
		if n.Operator != token.TYPEOF {
			return false
		}
		switch of := bare(n.Operand).(type) { // asking for the type of what is not there is no mistake
		case *ast.Identifier:
		case *ast.DotExpression:
			if l.value(of.Left).role == roleContext {
				l.look(of)
			} else {
				l.look(of.Left)
			}
		default:
			l.look(of)
		}
	default:
		return false
	}
	return true
}

// name checks a name that the rule does not declare.
func (l *linter) name(id *ast.Identifier) {
	v, used := l.refs[id]
	name := id.Name.String()
	if !used || v != nil || l.enough() {
		return
	}
	if name == "context" && l.set[id] {
		l.doubt(id.Idx, textReplaced.String())
	}
	if slices.Contains(l.globals, name) {
		return
	}
	short := clean(name, 40)
	kind := l.declared[l.kind]
	switch advice, known := l.strangers[name]; {
	case known:
		l.doubt(id.Idx, textNoName.and(advice).sayf(short))
	case l.set[id]:
		l.doubt(id.Idx, textNoVariable.sayf(short))
	case slices.Contains(contextNames[:], name):
		l.doubt(id.Idx, textNoName.and(adviceMeant).sayf(short, "context."+short))
	case kind[name] != directory.Absent:
		l.doubt(id.Idx, textNoName.and(adviceMeant).sayf(short, "context.data."+short))
	default:
		if near, ok := closest(name, l.globals); ok {
			l.doubt(id.Idx, textNoName.and(adviceMeant).sayf(short, near))
			return
		}
		l.doubt(id.Idx, textNoName.and(adviceDeclare).sayf(short))
	}
}

// read checks the reading of a property.
func (l *linter) read(of value, key string, at file.Idx) {
	if l.enough() {
		return
	}
	switch of.role {
	case roleContext:
		if !slices.Contains(contextNames[:], key) && !objectName(key) {
			l.wrong(at, l.noContextName(key))
		}
	case roleData, roleFound:
		kind := of.kind
		if of.role == roleData {
			kind = l.kind
			if l.dynamic || len(l.written[key]) > 0 {
				return
			}
		}
		names := l.names(kind)
		if len(names) == 0 || slices.Contains(names, key) || objectName(key) {
			return
		}
		l.doubt(at, missing(kind, key, names))
	default: // nobody knows what it has
	}
}

// noContextName says that context has no such property.
func (l *linter) noContextName(key string) string {
	short := clean(key, 40)
	if l.declared[l.kind][key] != directory.Absent {
		return textContextNear.sayf(short, "data."+short)
	}
	if near, ok := closest(key, contextNames[:]); ok {
		return textContextNear.sayf(short, near)
	}
	return textContextName.sayf(short)
}

// missing says that objects of a kind have no such attribute.
func missing(kind directory.Kind, key string, names []string) string {
	who := kindWord(kind)
	short := clean(key, 60)
	if near, ok := closest(key, names); ok {
		return textUndeclaredNear.of(who).sayf(short, clean(near, 60))
	}
	return textUndeclared.of(who).sayf(short)
}

// objectName tells whether every object answers to the name.
func objectName(name string) bool {
	switch name {
	case "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toString", "toLocaleString", "valueOf", "constructor",
		"__proto__", "toJSON", "then":
		return true
	}
	return false
}

// lookWrite checks what gives a value to something, and tells whether the node does.
func (l *linter) lookWrite(node any) bool {
	switch n := node.(type) {
	case *ast.AssignExpression:
		o := value{}
		if n.Operator == token.ASSIGN {
			o = l.value(n.Right)
		}
		l.assign(n.Left, o, n)
		l.look(n.Right)
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.DELETE:
			l.assign(bare(n.Operand), value{}, n)
		default:
			return false
		}
	case *ast.Binding:
		if n.Initializer != nil {
			l.assign(n.Target, l.value(n.Initializer), n)
			l.look(n.Initializer)
			return true
		}
		l.assign(n.Target, value{}, n)
	case *ast.ForIntoExpression:
		l.assign(n.Expression, value{}, n)
	default:
		return false
	}
	return true
}

// assign checks a target; by is the node that gives it the value.
func (l *linter) assign(target any, v value, by any) {
	switch t := target.(type) {
	case *ast.DotExpression:
		l.write(t, t.Left, t.Identifier.Idx, by)
		l.look(t.Left)
	case *ast.BracketExpression:
		l.write(t, t.Left, t.Member.Idx0(), by)
		l.look(t.Left)
		l.look(t.Member)
	case *ast.AssignExpression: // a default
		l.assign(t.Left, v, by)
		l.look(t.Right)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			l.assignProperty(p, v, by)
		}
		if t.Rest != nil {
			l.assign(t.Rest, value{}, by)
		}
	case *ast.ArrayPattern:
		for _, e := range append(slices.Clone(t.Elements), t.Rest) {
			if e != nil {
				l.assign(e, value{}, by)
			}
		}
	default:
		l.look(t)
	}
}

func (l *linter) assignProperty(p ast.Property, v value, by any) {
	switch p := p.(type) {
	case *ast.PropertyShort:
		l.read(v, p.Name.Name.String(), p.Name.Idx)
		if p.Initializer != nil {
			l.look(p.Initializer)
		}
		l.assign(&p.Name, value{}, by)
	case *ast.PropertyKeyed:
		l.look(p.Key)
		if key, ok := p.Key.(*ast.StringLiteral); ok {
			l.read(v, key.Value.String(), p.Key.Idx0())
			l.assign(p.Value, l.member(v, key.Value.String()), by)
			return
		}
		l.assign(p.Value, value{}, by)
	}
}

// write checks the setting of a property.
func (l *linter) write(target, of ast.Expression, at file.Idx, by any) {
	key, certain := l.key(target)
	switch base := l.value(of); base.role {
	case roleContext:
		switch {
		case !certain || key == "reason":
		case slices.Contains(contextNames[:], key):
			l.wrong(at, textReadOnly.sayf("context."+key))
		default:
			l.wrong(at, l.noContextName(key))
		}
	case roleTarget:
		l.wrong(at, textReadOnly.sayf("context.target"))
	case roleFound:
		l.wrong(at, textReadOnly.sayf("repo.getObjectByID(…)"))
	case roleData:
		l.mark(by, of.Idx0())
		names := l.names(l.kind)
		if !certain || len(names) == 0 || slices.Contains(names, key) {
			return
		}
		short := clean(key, 60)
		say := textUnseenWrite.sayf(short)
		if near, ok := closest(key, names); ok {
			say = textUnseenWriteNear.sayf(short, clean(near, 60))
		}
		l.doubts = append(l.doubts, problem{place: l.at(at), say: say, written: key})
	default: // it is the rule's own
	}
}

// mark notes that a node changes context.data.
func (l *linter) mark(node any, at file.Idx) {
	l.changes[node] = true
	for _, f := range l.inside {
		l.changes[f] = true
	}
	if l.first == 0 || at < l.first {
		l.first = at
	}
}
