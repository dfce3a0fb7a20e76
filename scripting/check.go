package scripting

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// A rule is compiled as the body of the inner function. Its two names belong to
// the outer one, so that neither "arguments" nor the global object leads to
// them. The rule's text begins on line 2.
const (
	bodyBefore = "(function(){\n"
	bodyAfter  = "\n})"
	ruleBefore = "(function(context,repo){return function(){\n"
	ruleAfter  = "\n}})"
	linesAbove = 1
)

// ruleName is the name of every rule's text inside the engine.
const ruleName = "rule"

// maxProblems bounds what one text is told about.
const maxProblems = 20

// The functions of repo.
const (
	callCreate  = "executeCreate"
	callUpdate  = "executeUpdate"
	callDisable = "executeDisable"
	callDelete  = "executeDelete"
	callAbort   = "abort"
	callGet     = "getObjectByID"
)

// repoNames are the functions of repo.
var repoNames = [...]string{callCreate, callUpdate, callDisable, callDelete, callAbort, callGet}

// compile checks a rule's text and compiles it. The program is nil when there
// is a problem.
func compile(kind directory.Kind, source string) (*goja.Program, summary) {
	return compileFor(kind, source, nil)
}

// compileFor is compile for a source system with these attributes: the summary then
// holds what is doubtful about them too.
func compileFor(kind directory.Kind, source string, declared map[directory.Kind]map[string]directory.Type) (program *goja.Program, sum summary) {
	sum = summary{kind: kind}
	defer func() {
		if x := recover(); x != nil { // the parser gives up on some texts that are valid, such as "\u{10ffff}"
			program, sum.problems = nil, []problem{{place: place{1, 1}, say: textEngine.quote(clean(fmt.Sprint(x), sayLength))}}
		}
	}()
	if p := parseBody(source); p != nil {
		sum.problems = p
		return nil, sum
	}
	at := newSpots(source, len(ruleBefore))
	tree, err := parse(ruleBefore + source + ruleAfter)
	if err != nil {
		sum.problems = at.problemsOf(err)
		return nil, sum
	}
	body := ruleBody(tree)
	if body == nil {
		sum.problems = []problem{{place: place{1, 1}, say: textNotBody.String()}}
		return nil, sum
	}
	w := walker{at: at, seen: map[any]bool{}, sum: &sum}
	w.walk(reflect.ValueOf(body.Body.List))
	errs, doubts := lint(body, &linter{kind: kind, declared: declared, text: ruleBefore + source, at: at.idx})
	if sum.problems = sorted(append(sum.problems, errs...)); len(sum.problems) > 0 {
		return nil, sum
	}
	program, err = goja.CompileAST(tree, true)
	if err != nil {
		sum.problems = at.problemsOf(err)
		return nil, sum
	}
	sum.doubts = doubts
	return program, sum
}

// parse reads a text without ever looking for a source map, which would open
// files.
func parse(text string) (*ast.Program, error) {
	return parser.ParseFile(nil, ruleName, text, 0, parser.WithDisableSourceMaps)
}

// parseBody makes sure that the text is one function body and no more: it must
// not close the function around it and go on behind.
func parseBody(source string) []problem {
	tree, err := parse(bodyBefore + source + bodyAfter)
	if err != nil {
		return newSpots(source, len(bodyBefore)).problemsOf(err)
	}
	if onlyFunction(tree.Body) == nil {
		return []problem{{place: place{1, 1}, say: textNotBody.String()}}
	}
	return nil
}

// ruleBody gives the rule: the inner function.
func ruleBody(tree *ast.Program) *ast.FunctionLiteral {
	outer := onlyFunction(tree.Body)
	if outer == nil || len(outer.Body.List) != 1 {
		return nil
	}
	ret, ok := outer.Body.List[0].(*ast.ReturnStatement)
	if !ok {
		return nil
	}
	inner, ok := ret.Argument.(*ast.FunctionLiteral)
	if !ok {
		return nil
	}
	return inner
}

func onlyFunction(body []ast.Statement) *ast.FunctionLiteral {
	if len(body) != 1 {
		return nil
	}
	statement, ok := body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil
	}
	f, ok := statement.Expression.(*ast.FunctionLiteral)
	if !ok || f.Async || f.Generator {
		return nil
	}
	return f
}

// inRule turns a position in the wrapped text into one of the rule file.
func inRule(p file.Position) place {
	return place{line: max(p.Line-linesAbove, 1), column: max(p.Column, 1)}
}

// walker looks at every node of a rule: repo may stand only in repo.name(…).
type walker struct {
	at   spots
	seen map[any]bool
	sum  *summary
}

func (w *walker) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem())
		}
	case reflect.Pointer:
		if v.IsNil() || w.seen[v.Interface()] {
			return
		}
		w.seen[v.Interface()] = true
		if !w.visit(v.Interface()) {
			w.walk(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
	case reflect.Struct:
		if id, ok := reflect.TypeAssert[ast.Identifier](v); ok {
			w.identifier(&id)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				w.walk(v.Field(i))
			}
		}
	default:
	}
}

// visit handles the nodes that need more than a look at their parts, and tells
// whether it did.
func (w *walker) visit(node any) bool {
	switch n := node.(type) {
	case *file.File:
		return true
	case *ast.Identifier:
		w.identifier(n)
		return true
	case *ast.MetaProperty, *ast.PrivateIdentifier:
		return true
	case *ast.PrivateDotExpression:
		w.walk(reflect.ValueOf(n.Left))
		return true
	case *ast.DotExpression:
		w.walk(reflect.ValueOf(n.Left)) // the name behind the dot is no variable
		return true
	case *ast.CallExpression:
		if dot, ok := n.Callee.(*ast.DotExpression); ok && isName(dot.Left, "repo") {
			w.call(dot)
			w.walk(reflect.ValueOf(n.ArgumentList))
			return true
		}
	}
	return false
}

func isName(e ast.Expression, name string) bool {
	id, ok := e.(*ast.Identifier)
	return ok && id.Name.String() == name
}

func (w *walker) identifier(id *ast.Identifier) {
	if id.Name.String() == "repo" {
		w.problem(id.Idx, textRepoAlias.String())
	}
}

func (w *walker) call(dot *ast.DotExpression) {
	name := dot.Identifier.Name.String()
	switch name {
	case callCreate:
		w.sum.calls.Create = true
	case callUpdate:
		w.sum.calls.Update = true
	case callDisable:
		w.sum.calls.Disable = true
	case callDelete:
		w.sum.calls.Delete = true
	case callAbort, callGet:
	default:
		w.problem(dot.Identifier.Idx, textRepoName.sayf(clean(name, 40), nearest(name)))
	}
}

func (w *walker) problem(idx file.Idx, say string) {
	if len(w.sum.problems) < maxProblems {
		w.sum.problems = append(w.sum.problems, problem{place: w.at.idx(idx), say: say})
	}
}

// nearest gives the function of repo that was probably meant: the one with the
// longest common beginning and end.
func nearest(name string) string {
	likeness := func(s string) int {
		a, b := strings.ToLower(s), strings.ToLower(name)
		n := min(len(a), len(b))
		front, back := 0, 0
		for front < n && a[front] == b[front] {
			front++
		}
		for back < n-front && a[len(a)-1-back] == b[len(b)-1-back] {
			back++
		}
		return 2*(front+back) - max(len(a), len(b))
	}
	return slices.MaxFunc(repoNames[:], func(a, b string) int { return likeness(a) - likeness(b) })
}
