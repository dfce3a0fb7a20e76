package scripting

import (
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// compare checks two values that are compared, subtracted or added.
func (l *linter) compare(op token.Token, left, right ast.Expression) {
	a, b := l.value(left), l.value(right)
	is, strict := equality(op)
	switch {
	case is:
		l.word(left, b)
		l.word(right, a)
		l.same(left.Idx0(), strict, a, b)
		l.same(left.Idx0(), strict, b, a)
	case relational(op):
		l.order(left.Idx0(), a, b)
		l.order(left.Idx0(), b, a)
	case op == token.MINUS:
		l.minus(left.Idx0(), a, b)
		l.minus(left.Idx0(), b, a)
	case op == token.PLUS && (a.date() && (b.typ == directory.Int || b.date()) || b.date() && a.typ == directory.Int):
		l.doubt(left.Idx0(), textDatePlus.String())
	}
}

// order checks two values of which one must be greater. It is called for either
// order, like minus and same.
func (l *linter) order(at file.Idx, a, b value) {
	s, fixed := b.constant()
	switch {
	case fixed && numeric(s):
	case a.date() && b.typ == directory.Text:
		l.doubt(at, textDateOrder.String())
	case fixed && a.attribute() && a.typ == directory.Int:
		l.doubt(at, textNumberOrder.sayf(clean(a.name, 60), clean(s, 40)))
	}
}

// minus checks two values that are subtracted.
func (l *linter) minus(at file.Idx, a, b value) {
	if s, fixed := b.constant(); fixed && numeric(s) {
		return
	}
	if a.date() && b.typ == directory.Text {
		l.doubt(at, textDateMinus.String())
	}
}

// same checks two values that must be equal. It is called for either order.
func (l *linter) same(at file.Idx, strict bool, a, b value) {
	if a.date() && (b.date() || b.typ == directory.Text) {
		l.sameDate(at, a, b)
		return
	}
	s, fixed := b.constant()
	switch {
	case !a.attribute():
	case b.role == roleNothing:
		l.nothing(at, a)
	case fixed:
		l.sameText(at, strict, a, s)
	case a.typ == directory.Text && b.num && strict:
		l.doubt(at, textTextNumber.sayf(clean(a.name, 60)))
	}
}

// sameDate checks a date that must be equal to a date or a text.
func (l *linter) sameDate(at file.Idx, a, b value) {
	s, fixed := b.constant()
	switch {
	case b.date() && a.ident != nil && a.ident == b.ident:
	case b.date():
		l.doubt(at, textDateSame.String())
	case fixed && s == "" && a.attribute():
		l.nothing(at, a)
	default:
		l.doubt(at, textDateText.String())
	}
}

// sameText checks an attribute that must be equal to a constant text.
func (l *linter) sameText(at file.Idx, strict bool, a value, s string) {
	switch a.typ {
	case directory.Int, directory.Bool:
		l.plain(at, strict, a, s)
	case directory.List:
		l.doubt(at, textListText.sayf(clean(a.name, 60), clean(s, 40)))
	default:
	}
}

// nothing checks an attribute that is compared with null or undefined.
func (l *linter) nothing(at file.Idx, a value) {
	name := clean(a.name, 60)
	switch a.typ {
	case directory.Date:
		l.doubt(at, textEmptyDate.sayf(name))
	case directory.Text:
		l.doubt(at, textEmptyText.sayf(name))
	case directory.List:
		l.doubt(at, textEmptyList.sayf(name))
	default:
	}
}

// plain checks a number or truth value that is compared with a text.
func (l *linter) plain(at file.Idx, strict bool, a value, s string) {
	name := clean(a.name, 60)
	digits := strings.Trim(s, " 0123456789") == "" && len(s) > 15 // numbers that long are texts
	switch {
	case strings.TrimSpace(s) == "":
		l.doubt(at, textEmptyPlain.sayf(name))
	case numeric(s) && (!strict || digits):
	case a.typ == directory.Bool:
		l.doubt(at, textBoolText.sayf(name, clean(s, 40)))
	default:
		l.doubt(at, textNumberText.sayf(name, clean(s, 40)))
	}
}

// word checks a constant that is compared with an operation or a kind of object.
func (l *linter) word(e ast.Expression, with value) {
	if e == nil {
		return
	}
	s, ok := l.value(e).constant()
	if !ok {
		return
	}
	var words []string
	name := "context.operationType"
	switch with.role {
	case roleOperation:
		words = []string{string(plan.Create), string(plan.Update), string(plan.Disable), string(plan.Delete), string(plan.None)}
	case roleObjectType:
		words, name = []string{string(directory.User), string(directory.Department)}, "context.objectType"
	default:
		return
	}
	if slices.Contains(words, s) {
		return
	}
	if near, ok := closest(s, words); ok {
		l.doubt(e.Idx0(), textWordNear.sayf(name, clean(s, 40), near))
		return
	}
	l.doubt(e.Idx0(), textWord.sayf(name, clean(s, 40), strings.Join(words, ", ")))
}

// truth checks an expression that is asked whether it is true.
func (l *linter) truth(e ast.Expression) {
	e = bare(e)
	if e == nil || l.tested[e] {
		return
	}
	l.tested[e] = true
	switch n := e.(type) {
	case *ast.AssignExpression:
		if n.Operator == token.ASSIGN && !l.intended(n) {
			l.doubt(n.Idx0(), textAssigned.String())
		}
		return
	case *ast.BinaryExpression:
		if n.Operator == token.LOGICAL_AND || n.Operator == token.LOGICAL_OR {
			l.truth(n.Left)
			l.truth(n.Right)
		}
		return
	}
	v := l.value(e)
	switch {
	case v.attribute() && v.date():
		l.doubt(e.Idx0(), textTrueDate.sayf(clean(v.name, 60)))
	case v.attribute() && v.typ == directory.List:
		l.doubt(e.Idx0(), textTrueList.sayf(clean(v.name, 60)))
	}
}

// intended tells whether an assignment in a condition looks as if it was meant: it
// stands in parentheses of its own, or takes what a call gives.
func (l *linter) intended(n *ast.AssignExpression) bool {
	switch bare(n.Right).(type) {
	case *ast.CallExpression, *ast.NewExpression:
		return true
	}
	before := strings.TrimRight(l.text[:min(max(int(n.Idx0())-1, 0), len(l.text))], " \t\r\n")
	if !strings.HasSuffix(before, "(") {
		return false
	}
	before = strings.TrimRight(strings.TrimSuffix(before, "("), " \t\r\n")
	return strings.HasSuffix(before, "(")
}

// negate notes a ! in front of a comparison with a declared date: it is true for
// somebody who has none.
func (l *linter) negate(n *ast.UnaryExpression) {
	c, ok := n.Operand.(*ast.BinaryExpression)
	if !ok || !relational(c.Operator) {
		return
	}
	for _, side := range []ast.Expression{c.Left, c.Right} {
		if name, ok := l.dateIn(side); ok {
			l.negated = append(l.negated, negation{n.Idx, name})
			return
		}
	}
}

// lookNegated reports what negate noted, unless the rule asks somewhere whether the
// date is there.
func (l *linter) lookNegated() {
	for _, n := range l.negated {
		if !l.guarded[n.name] {
			l.doubt(n.at, textNegated.sayf(clean(n.name, 60)))
		}
	}
}

// dateIn gives the declared date that an expression is worked out from.
func (l *linter) dateIn(e ast.Expression) (string, bool) {
	e = bare(e)
	if e == nil {
		return "", false
	}
	if v := l.value(e); v.attribute() && v.date() {
		return v.name, true
	}
	switch n := e.(type) {
	case *ast.BinaryExpression:
		if name, ok := l.dateIn(n.Left); ok {
			return name, true
		}
		return l.dateIn(n.Right)
	case *ast.UnaryExpression:
		return l.dateIn(n.Operand)
	case *ast.CallExpression:
		if dot, ok := bare(n.Callee).(*ast.DotExpression); ok {
			if name, ok := l.dateIn(dot.Left); ok {
				return name, true
			}
		}
		if len(n.ArgumentList) == 1 {
			return l.dateIn(n.ArgumentList[0])
		}
	case *ast.NewExpression:
		if len(n.ArgumentList) == 1 {
			return l.dateIn(n.ArgumentList[0])
		}
	}
	return "", false
}
