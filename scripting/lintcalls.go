package scripting

import (
	"slices"
	"strings"

	"github.com/dop251/goja/ast"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// call checks a call.
func (l *linter) call(n *ast.CallExpression) {
	for _, name := range []string{"eval", "Function"} {
		if l.global(n.Callee, name) {
			l.wrong(n.Idx0(), textCodeFromText.sayf(name))
		}
	}
	if l.assigns(n) && len(n.ArgumentList) > 0 && l.value(n.ArgumentList[0]).role == roleData {
		l.mark(n, n.Idx0())
	}
	l.guard(n)
	dot, ok := bare(n.Callee).(*ast.DotExpression)
	if !ok {
		return
	}
	name := dot.Identifier.Name.String()
	if l.global(dot.Left, "repo") {
		l.repo(n, name)
		return
	}
	if v := l.value(dot.Left); v.owner == roleData && mutates(v.typ, name) {
		l.mark(n, n.Idx0())
	}
	if list, ok := bare(dot.Left).(*ast.ArrayLiteral); ok && len(n.ArgumentList) == 1 && (name == "includes" || name == "indexOf") {
		for _, e := range list.Value {
			l.word(e, l.value(n.ArgumentList[0]))
		}
	}
}

// repo checks the arguments of repo.name(…), as far as they are known.
func (l *linter) repo(n *ast.CallExpression, name string) {
	if slices.ContainsFunc(n.ArgumentList, spread) {
		return
	}
	switch name {
	case callAbort:
		l.abort(n)
	case callGet:
		l.get(n)
	case callCreate, callUpdate, callDisable, callDelete:
		if len(n.ArgumentList) > 0 {
			l.doubt(n.ArgumentList[0].Idx0(), textNoArguments.sayf(name))
		}
	}
}

func spread(e ast.Expression) bool {
	_, ok := e.(*ast.SpreadElement)
	return ok
}

// mutates tells whether a method changes an array or a Date in place.
func mutates(t directory.Type, name string) bool {
	switch name {
	case "push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin":
		return t == directory.List || t == directory.Absent
	}
	return t == directory.Date && strings.HasPrefix(name, "set")
}

// guard notes the attributes that the rule asks for whether they are a date at all.
func (l *linter) guard(n *ast.CallExpression) {
	asks := l.global(n.Callee, "isNaN")
	if dot, ok := bare(n.Callee).(*ast.DotExpression); ok {
		asks = dot.Identifier.Name.String() == "isNaN" && l.global(dot.Left, "Number")
	}
	if !asks {
		return
	}
	for _, arg := range n.ArgumentList {
		if name, ok := l.dateIn(arg); ok {
			l.guarded[name] = true
		}
	}
}

// abort checks repo.abort(…).
func (l *linter) abort(n *ast.CallExpression) {
	args := n.ArgumentList
	if len(args) == 0 {
		return
	}
	if len(args) > 1 {
		l.wrong(args[1].Idx0(), textAbortOnce.String())
	}
	ops := []string{string(plan.Create), string(plan.Update), string(plan.Disable), string(plan.Delete)}
	v := l.value(args[0])
	if s, ok := v.constant(); ok {
		s = clean(s, 20)
		if slices.Contains(ops, s) {
			return
		}
		if near, ok := closest(s, ops); ok {
			l.wrong(args[0].Idx0(), textAbortNear.sayf(clean(s, 40), near))
			return
		}
		l.wrong(args[0].Idx0(), textAbortOp.sayf(`"`+s+`"`))
		return
	}
	if what, ok := fixed(args[0]); ok {
		l.wrong(args[0].Idx0(), textAbortOp.sayf(what))
	}
}

// fixed names an argument that is certainly no text, as far as it can be seen
// without looking further.
func fixed(e ast.Expression) (string, bool) {
	switch n := e.(type) {
	case *ast.NumberLiteral:
		return clean(n.Literal, 40), true
	case *ast.BooleanLiteral:
		return n.Literal, true
	case *ast.NullLiteral:
		return "null", true
	case *ast.ArrayLiteral:
		return "[…]", true
	case *ast.ObjectLiteral:
		return "{…}", true
	case *ast.RegExpLiteral:
		return "/…/", true
	case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
		return "function", true
	}
	return "", false
}

// get checks repo.getObjectByID(…).
func (l *linter) get(n *ast.CallExpression) {
	args := n.ArgumentList
	if len(args) == 0 || len(args) > 2 {
		l.wrong(n.Idx0(), textGetArguments.sayf(len(args)))
		return
	}
	what, ok := fixed(args[0])
	switch v := l.value(args[0]); {
	case ok && what != "null" && v.typ != directory.Int:
		l.wrong(args[0].Idx0(), textBadID.String())
	case v.attribute() && v.typ == directory.List:
		l.doubt(args[0].Idx0(), textListID.sayf(clean(v.name, 60)))
	case v.attribute() && (v.typ == directory.Date || v.typ == directory.Bool):
		l.doubt(args[0].Idx0(), textBadID.String())
	}
	if len(args) == 2 {
		l.kindOf(args[1])
	}
}

// kindOf checks the second argument of repo.getObjectByID.
func (l *linter) kindOf(e ast.Expression) {
	names := []string{string(directory.User), string(directory.Department)}
	if s, ok := l.value(e).constant(); ok {
		if slices.Contains(names, s) {
			return
		}
		if near, ok := closest(s, names); ok {
			l.wrong(e.Idx0(), textKindNear.sayf(clean(s, 40), near))
			return
		}
		l.wrong(e.Idx0(), textBadKind.String())
		return
	}
	if _, ok := fixed(e); ok {
		l.wrong(e.Idx0(), textBadKind.String())
	}
}
