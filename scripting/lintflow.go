package scripting

import (
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// path is what may be the case at a place of the rule's own statements.
type path struct {
	open    bool // the rule may come here
	changed bool // and may have changed context.data by then
}

func (p path) join(q path) path {
	return path{open: p.open || q.open, changed: p.open && p.changed || q.open && q.changed}
}

// target is a statement that break or continue leads to.
type target struct {
	label  string
	loop   bool
	breaks bool // break without a label ends it
	ever   bool // a loop that only break ends
	out    path // of the breaks and continues
}

// flow follows the rule's own statements to its ends.
type flow struct {
	l       *linter
	targets []*target
	label   string // of the statement that comes
	empty   []*ast.ReturnStatement
	whole   bool         // some return gives, or may give, context
	behind  bool         // code that is never reached was reported
	known   map[any]bool // what changes found out
}

// lookReturns checks how the rule ends.
func (l *linter) lookReturns(list []ast.Statement) {
	f := &flow{l: l, known: map[any]bool{}}
	end := f.list(list, path{open: true})
	for _, r := range f.empty {
		l.doubt(r.Return, textReturnEmpty.String())
	}
	switch {
	case !end.open || !end.changed:
	case !f.whole:
		l.doubt(l.first, textNoReturn.String())
	default:
		l.doubt(list[len(list)-1].Idx0(), textSomeEnd.String())
	}
}

func (f *flow) list(list []ast.Statement, p path) path {
	for _, s := range list {
		if !p.open && !f.behind && acts(s) {
			f.behind = true
			f.l.doubt(s.Idx0(), textUnreachable.String())
		}
		p = f.statement(s, p)
	}
	return p
}

// acts tells whether a statement does something when it is reached.
func acts(s ast.Statement) bool {
	switch n := s.(type) {
	case *ast.FunctionDeclaration, *ast.EmptyStatement, *ast.BranchStatement:
		return false
	case *ast.ReturnStatement:
		return false // a second one harms nobody
	case *ast.VariableStatement:
		for _, b := range n.List {
			if b.Initializer != nil {
				return true
			}
		}
		return false
	}
	return true
}

// after gives the path behind something that is worked out.
func (f *flow) after(node any, p path) path {
	p.changed = p.changed || f.changes(node)
	return p
}

// changes tells whether working something out may change context.data.
func (f *flow) changes(node any) bool {
	found, ok := f.known[node]
	if ok || function(node) { // a function runs where it is called
		return found
	}
	if call, ok := node.(*ast.CallExpression); ok {
		found = f.callChanges(call)
	}
	found = found || f.l.changes[node]
	parts(node, func(n any) { found = found || f.changes(n) })
	f.known[node] = found
	return found
}

// callChanges tells whether a call runs a function that changes context.data: one
// of the rule's, or one that is written where it is called or passed.
func (f *flow) callChanges(n *ast.CallExpression) bool {
	if f.l.global(n.Callee, "log") {
		return false
	}
	for _, e := range append([]ast.Expression{n.Callee}, n.ArgumentList...) {
		e = bare(e)
		if f.l.changes[e] && function(e) {
			return true
		}
		id, ok := e.(*ast.Identifier)
		if !ok || f.l.refs[id] == nil {
			continue
		}
		v := f.l.refs[id]
		if v.fn != nil && f.l.changes[v.fn] || v.from.expr != nil && function(v.from.expr) && f.l.changes[v.from.expr] {
			return true
		}
	}
	return false
}

func (f *flow) statement(s ast.Statement, p path) path {
	label := f.label
	f.label = ""
	switch n := s.(type) {
	case *ast.BlockStatement:
		return f.labelled(label, n, p)
	case *ast.LabelledStatement:
		f.label = n.Label.Name.String()
		return f.statement(n.Statement, p)
	case *ast.IfStatement:
		p = f.after(n.Test, p)
		yes, no := f.statement(n.Consequent, p), p
		if n.Alternate != nil {
			no = f.statement(n.Alternate, p)
		}
		return yes.join(no)
	case *ast.SwitchStatement:
		return f.cases(label, n, p)
	case *ast.TryStatement:
		return f.try(n, p)
	case *ast.ReturnStatement:
		f.ends(n, f.after(n.Argument, p))
		return path{}
	case *ast.ThrowStatement:
		return path{}
	case *ast.BranchStatement:
		f.branch(n, p)
		return path{}
	case *ast.FunctionDeclaration, *ast.ClassDeclaration:
		return p
	}
	if body := loopBody(s); body != nil {
		return f.loop(label, s, body, p)
	}
	return f.after(s, p)
}

func (f *flow) push(t *target) { f.targets = append(f.targets, t) }

func (f *flow) pop(p path) path {
	t := f.targets[len(f.targets)-1]
	f.targets = f.targets[:len(f.targets)-1]
	return p.join(t.out)
}

func (f *flow) labelled(label string, n *ast.BlockStatement, p path) path {
	if label == "" {
		return f.list(n.List, p)
	}
	f.push(&target{label: label})
	return f.pop(f.list(n.List, p))
}

func loopBody(s ast.Statement) ast.Statement {
	switch n := s.(type) {
	case *ast.ForStatement:
		return n.Body
	case *ast.ForInStatement:
		return n.Body
	case *ast.ForOfStatement:
		return n.Body
	case *ast.WhileStatement:
		return n.Body
	case *ast.DoWhileStatement:
		return n.Body
	}
	return nil
}

// endless tells whether a loop has no condition, or one that is always true.
func endless(s ast.Statement) bool {
	var test ast.Expression
	switch n := s.(type) {
	case *ast.ForStatement:
		test = n.Test
		if test == nil {
			return true
		}
	case *ast.WhileStatement:
		test = n.Test
	case *ast.DoWhileStatement:
		test = n.Test
	}
	switch n := test.(type) {
	case *ast.BooleanLiteral:
		return n.Value
	case *ast.NumberLiteral:
		return n.Literal == "1"
	}
	return false
}

// loop takes it that a loop with a condition may run or not, whatever that is.
func (f *flow) loop(label string, s, body ast.Statement, p path) path {
	inside := f.after(s, p) // another round comes behind the first
	parts(s, func(n any) {
		if n != any(body) {
			p = f.after(n, p)
		}
	})
	ever := endless(s)
	f.push(&target{label: label, loop: true, breaks: true, ever: ever})
	p = p.join(f.statement(body, inside))
	if ever {
		p = path{}
	}
	return f.pop(p)
}

func (f *flow) cases(label string, n *ast.SwitchStatement, p path) path {
	p = f.after(n.Discriminant, p)
	f.push(&target{label: label, breaks: true})
	through, all := path{}, false
	for _, c := range n.Body {
		if c.Test == nil {
			all = true
		} else {
			p = f.after(c.Test, p)
		}
		through = f.list(c.Consequent, p.join(through))
	}
	if !all {
		through = through.join(p)
	}
	return f.pop(through)
}

func (f *flow) try(n *ast.TryStatement, p path) path {
	out := f.list(n.Body.List, p)
	thrown := f.after(n.Body, p)
	if n.Catch != nil {
		out = out.join(f.list(n.Catch.Body.List, thrown))
		thrown = f.after(n.Catch, thrown)
	}
	if n.Finally == nil {
		return out
	}
	last := f.list(n.Finally.List, thrown)
	out.open = out.open && last.open
	out.changed = out.changed || f.changes(n.Finally)
	return out
}

// branch handles break and continue.
func (f *flow) branch(n *ast.BranchStatement, p path) {
	for _, t := range slices.Backward(f.targets) {
		switch {
		case n.Label != nil && n.Label.Name.String() != t.label:
		case n.Label == nil && n.Token == token.BREAK && !t.breaks:
		case n.Label == nil && n.Token == token.CONTINUE && !t.loop:
		case n.Token == token.CONTINUE && t.ever:
			return
		default:
			t.out = t.out.join(p)
			return
		}
	}
}

// answer is what a return gives.
type answer uint8

const (
	answerPerhaps answer = iota // it may be context
	answerContext
	answerNothing
	answerOther // never context
)

// ends checks one return of the rule's own.
func (f *flow) ends(n *ast.ReturnStatement, p path) {
	switch f.l.answer(n.Argument) {
	case answerNothing:
		if p.open && p.changed {
			f.empty = append(f.empty, n)
		}
	case answerOther:
		f.whole = true // said here; not again of the rule as a whole
		if p.open {    // a rule that never comes here is right
			f.l.wrong(n.Return, textReturnOther.String())
		}
	default:
		f.whole = true
	}
}

// answer tells what a return gives.
func (l *linter) answer(e ast.Expression) answer {
	e = bare(e)
	if e == nil {
		return answerNothing
	}
	switch n := e.(type) {
	case *ast.NullLiteral, *ast.ObjectLiteral, *ast.RegExpLiteral, *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
		return answerOther
	case *ast.ConditionalExpression:
		if a, b := l.answer(n.Consequent), l.answer(n.Alternate); a == b {
			return a
		}
		return answerPerhaps
	case *ast.BinaryExpression:
		if n.Operator == token.LOGICAL_AND || n.Operator == token.LOGICAL_OR || n.Operator == token.COALESCE {
			return answerPerhaps
		}
	case *ast.CallExpression:
		if l.silent(n) {
			return answerNothing
		}
	}
	switch v := l.value(e); {
	case v.role == roleContext:
		return answerContext
	case v.role == roleNothing:
		return answerNothing
	case v.role != roleNone || v.typ != directory.Absent:
		return answerOther
	}
	return answerPerhaps
}

// silent tells whether a call of Rollcall's own gives nothing back.
func (l *linter) silent(n *ast.CallExpression) bool {
	if dot, ok := bare(n.Callee).(*ast.DotExpression); ok {
		return l.global(dot.Left, "repo") && dot.Identifier.Name.String() != callGet
	}
	return l.global(n.Callee, "log")
}
