package scripting

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// linter looks for what is wrong or doubtful in a rule that is valid JavaScript. It
// runs nothing: what it says of a value follows from the text, as long as a variable
// is given its value in one place.
type linter struct {
	kind     directory.Kind // that the rule judges
	declared map[directory.Kind]map[string]directory.Type
	text     string // as the engine sees it
	at       func(file.Idx) place

	known     map[directory.Kind][]string // names that are declared, see names
	globals   []string
	strangers map[string]texts

	refs     map[*ast.Identifier]*variable
	set      map[*ast.Identifier]bool
	replaced bool               // the rule gives another value to context
	written  map[string][]store // by the name of the property
	dynamic  bool               // properties are set whose names only a run knows
	values   map[ast.Expression]value

	inside  []any        // the functions around the place
	changes map[any]bool // nodes that change context.data, and functions around them
	first   file.Idx     // of those nodes; 0: none
	tested  map[ast.Expression]bool
	guarded map[string]bool
	negated []negation

	errors []problem
	doubts []problem
}

// negation is a ! in front of a comparison with a date.
type negation struct {
	at   file.Idx
	name string // of the date
}

// lint gives what is wrong with a rule, and what is doubtful. A rule is not refused
// because the check itself falls over.
func lint(body *ast.FunctionLiteral, l *linter) (errors, doubts []problem) {
	defer func() {
		if x := recover(); x != nil {
			errors, doubts = nil, []problem{{place: place{1, 1}, say: textCheckFailed.quote(clean(fmt.Sprint(x), sayLength))}}
		}
	}()
	r := newResolver()
	r.visit(body)
	l.refs, l.set = r.refs, r.set
	l.globals, l.strangers, l.known = globals(), strangers(), map[directory.Kind][]string{}
	l.written, l.values = map[string][]store{}, map[ast.Expression]value{}
	l.changes, l.guarded, l.tested = map[any]bool{}, map[string]bool{}, map[ast.Expression]bool{}
	for id := range r.set {
		l.replaced = l.replaced || r.refs[id] == nil && id.Name.String() == "context"
	}
	l.collect(body, r.stores)
	for _, s := range body.Body.List {
		l.look(s)
	}
	l.lookNegated()
	l.lookReturns(body.Body.List)
	return sorted(l.errors), sorted(l.doubts)
}

// sorted gives findings by their place, each once, and not too many.
func sorted(found []problem) []problem {
	slices.SortStableFunc(found, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column), cmp.Compare(a.say, b.say))
	})
	found = slices.Compact(found)
	return found[:min(len(found), maxProblems)]
}

// enough tells whether so much is wrong that more would only take time.
func (l *linter) enough() bool { return len(l.doubts)+len(l.errors) >= 10*maxProblems }

// wrong adds what keeps the rule from being used.
func (l *linter) wrong(at file.Idx, say string) {
	l.errors = append(l.errors, problem{place: l.at(at), say: say})
}

// doubt adds what somebody should look at.
func (l *linter) doubt(at file.Idx, say string) {
	l.doubts = append(l.doubts, problem{place: l.at(at), say: say})
}

// collect finds out which properties the rule sets, on whatever object: what is read
// from context.data under such a name may be the rule's own.
func (l *linter) collect(body ast.Node, stores []store) {
	for _, s := range stores {
		var left ast.Expression
		switch t := s.target.(type) {
		case *ast.DotExpression:
			left = t.Left
		case *ast.BracketExpression:
			left = t.Left
		}
		if l.own(left) {
			continue
		}
		if key, ok := l.key(s.target); ok {
			l.written[key] = append(l.written[key], s)
			continue
		}
		l.dynamic = true
	}
	each(body, func(n any) {
		if call, ok := n.(*ast.CallExpression); ok {
			l.collectCall(call)
		}
	})
	clear(l.values) // what was found out on the way may have been too early
}

// own tells whether an expression is an object that the rule made itself.
func (l *linter) own(e ast.Expression) bool {
	id, ok := bare(e).(*ast.Identifier)
	if !ok {
		return false
	}
	v := l.refs[id]
	if v == nil || v.writes != 1 || len(v.from.keys) > 0 {
		return false
	}
	switch v.from.expr.(type) {
	case *ast.ObjectLiteral, *ast.ArrayLiteral, *ast.NewExpression:
		return true
	}
	return false
}

// collectCall finds the calls that set properties.
func (l *linter) collectCall(n *ast.CallExpression) {
	if !l.assigns(n) || len(n.ArgumentList) > 0 && l.own(n.ArgumentList[0]) {
		return
	}
	if dot, ok := bare(n.Callee).(*ast.DotExpression); !ok || dot.Identifier.Name.String() != "assign" {
		l.dynamic = true
		return
	}
	for i, arg := range n.ArgumentList {
		object, ok := arg.(*ast.ObjectLiteral)
		if !ok && i > 0 {
			l.dynamic = true
			return
		}
		if ok && i > 0 {
			for _, p := range object.Value {
				l.collectProperty(p)
			}
		}
	}
}

// collectProperty takes a property of an object that is copied into another.
func (l *linter) collectProperty(p ast.Property) {
	switch p := p.(type) {
	case *ast.PropertyShort:
		name := p.Name.Name.String()
		l.written[name] = append(l.written[name], store{from: origin{expr: &p.Name}})
	case *ast.PropertyKeyed:
		key, ok := p.Key.(*ast.StringLiteral)
		if !ok || p.Computed {
			l.dynamic = true
			return
		}
		name := key.Value.String()
		l.written[name] = append(l.written[name], store{from: origin{expr: p.Value}})
	default:
		l.dynamic = true
	}
}

// assigns tells whether a call sets properties of its first argument.
func (l *linter) assigns(n *ast.CallExpression) bool {
	dot, ok := bare(n.Callee).(*ast.DotExpression)
	if !ok || !l.global(dot.Left, "Object") && !l.global(dot.Left, "Reflect") {
		return false
	}
	switch dot.Identifier.Name.String() {
	case "assign", "defineProperty", "defineProperties", "set", "deleteProperty":
		return true
	}
	return false
}

// names gives the declared attributes of a kind, or of both, in order; none when
// those of a kind are not known.
func (l *linter) names(kind directory.Kind) []string {
	if names, ok := l.known[kind]; ok {
		return names
	}
	l.known[kind] = nil
	var out []string
	for _, k := range kinds {
		if kind != "" && k != kind {
			continue
		}
		if len(l.declared[k]) == 0 {
			return nil
		}
		for name := range l.declared[k] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	l.known[kind] = slices.Compact(out)
	return l.known[kind]
}
