package scripting

import (
	"cmp"
	"encoding/binary"
	"reflect"
	"slices"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
)

// markName is the name of the array in which a rule marks what it runs. No text
// can spell it: a space ends a name, written as it is or escaped.
const markName = "statement marks"

// maxMarks bounds the statements that are counted in one rule; a text of MaxSource
// bytes has fewer.
const maxMarks = MaxSource

// compileCovered compiles a rule that compiles without it, so that it marks each
// statement before running it. lines gives the line of each statement; the rule
// marks them by their place in it.
//
// A mark is an assignment to an element of a hidden array, put before the statement
// in the parsed text. It is no call, so that depth and stack are those of the rule,
// and it has no place in the text, so that errors keep their lines.
func compileCovered(source string) (program *goja.Program, lines []int, err error) {
	tree, err := parse(ruleBefore + source + ruleAfter)
	if err != nil {
		return nil, nil, err
	}
	outer := onlyFunction(tree.Body)
	m := marker{file: tree.File, seen: map[any]bool{}}
	m.walk(reflect.ValueOf(ruleFunction(outer)))
	outer.ParameterList.List = append(outer.ParameterList.List, &ast.Binding{Target: &ast.Identifier{Name: markName}})
	program, err = goja.CompileAST(tree, true)
	return program, m.lines, err
}

// ruleFunction gives the function that is the rule, of a text that compiles.
func ruleFunction(outer *ast.FunctionLiteral) *ast.FunctionLiteral {
	ret, _ := outer.Body.List[0].(*ast.ReturnStatement)
	inner, _ := ret.Argument.(*ast.FunctionLiteral)
	return inner
}

// marker puts marks into a tree.
type marker struct {
	file  *file.File
	seen  map[any]bool
	lines []int
}

// walk visits a node and all below it.
func (m *marker) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			m.walk(v.Elem())
		}
	case reflect.Pointer:
		if v.IsNil() || m.seen[v.Interface()] {
			return
		}
		m.seen[v.Interface()] = true
		if m.visit(v.Interface()) {
			m.walk(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			m.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				m.walk(v.Field(i))
			}
		}
	default:
	}
}

// visit marks what is directly below a node, and tells whether to look further.
func (m *marker) visit(node any) bool {
	switch n := node.(type) {
	case *file.File:
		return false
	case *ast.BlockStatement:
		m.list(&n.List)
		return false
	case *ast.CaseStatement:
		m.walk(reflect.ValueOf(n.Test))
		m.list(&n.Consequent)
		return false
	case *ast.IfStatement:
		m.walk(reflect.ValueOf(n.Test))
		m.single(&n.Consequent)
		m.single(&n.Alternate)
		return false
	case *ast.ForStatement:
		for _, part := range []any{n.Initializer, n.Test, n.Update} {
			m.walk(reflect.ValueOf(part))
		}
		m.single(&n.Body)
		return false
	case *ast.ForInStatement:
		m.single(&n.Body)
	case *ast.ForOfStatement:
		m.single(&n.Body)
	case *ast.WhileStatement:
		m.single(&n.Body)
	case *ast.DoWhileStatement:
		m.single(&n.Body)
	case *ast.ArrowFunctionLiteral:
		if body, ok := n.Body.(*ast.ExpressionBody); ok {
			body.Expression = &ast.SequenceExpression{Sequence: []ast.Expression{m.mark(body.Expression), body.Expression}}
		}
	}
	return true
}

// list puts a mark before each statement of a list. Texts at the beginning stay
// there: they may be directives.
func (m *marker) list(list *[]ast.Statement) {
	out := make([]ast.Statement, 0, 2*len(*list))
	head := true
	for _, s := range *list {
		head = head && isText(s)
		if !head && runs(s) {
			out = append(out, &ast.ExpressionStatement{Expression: m.mark(s)})
		}
		m.walk(reflect.ValueOf(s))
		out = append(out, s)
	}
	*list = out
}

// single turns the one statement of a branch or loop into a block with its mark.
func (m *marker) single(s *ast.Statement) {
	switch {
	case *s == nil:
	case runs(*s):
		block := &ast.BlockStatement{LeftBrace: begin(*s), List: []ast.Statement{*s}, RightBrace: begin(*s)}
		*s = block
		m.walk(reflect.ValueOf(block))
	default:
		m.walk(reflect.ValueOf(*s))
	}
}

// runs tells whether a statement does something of its own when the rule comes to
// it: blocks do what is in them, and functions are declared beforehand.
func runs(s ast.Statement) bool {
	switch n := s.(type) {
	case *ast.BlockStatement, *ast.EmptyStatement, *ast.FunctionDeclaration:
		return false
	case *ast.LabelledStatement:
		return runs(n.Statement)
	default:
		return true
	}
}

func isText(s ast.Statement) bool {
	e, ok := s.(*ast.ExpressionStatement)
	if !ok {
		return false
	}
	_, ok = e.Expression.(*ast.StringLiteral)
	return ok
}

// begin gives where a node begins. The parser does not say where some statements do;
// then it is their first part.
func begin(n ast.Node) file.Idx {
	switch s := n.(type) {
	case *ast.IfStatement:
		return cmp.Or(s.If, s.Test.Idx0())
	case *ast.WhileStatement:
		return cmp.Or(s.While, s.Test.Idx0())
	case *ast.DoWhileStatement:
		return cmp.Or(s.Do, begin(s.Body))
	}
	return n.Idx0()
}

// mark gives the assignment that says that a node runs.
func (m *marker) mark(n ast.Node) ast.Expression {
	number := len(m.lines)
	m.lines = append(m.lines, inRule(m.file.Position(int(begin(n))-m.file.Base())).line)
	set := &ast.AssignExpression{
		Operator: token.ASSIGN,
		Left: &ast.BracketExpression{
			Left: &ast.Identifier{Name: markName}, Member: &ast.NumberLiteral{Literal: "0", Value: int64(number)},
		},
		Right: &ast.BooleanLiteral{Literal: "true", Value: true},
	}
	m.seen[set] = true
	return set
}

// marks is the array that the statements of a rule mark. It forgets what is marked
// while nothing is judged.
type marks struct{ e *engine }

var _ goja.DynamicArray = marks{}

// Len gives no length: nobody asks.
func (marks) Len() int { return 0 }

// Get gives nothing.
func (marks) Get(int) goja.Value { return nil }

// Set notes that a statement runs.
func (k marks) Set(number int, _ goja.Value) bool {
	c := k.e.c
	if c == nil || number < 0 || number >= maxMarks {
		return true
	}
	c.out.trail.mark(number)
	return true
}

// SetLen does nothing.
func (marks) SetLen(int) bool { return true }

// trail is what the judging of one object tells beside its verdict.
type trail struct {
	ran   []bool // statements by number; nil without setup.cover
	clock bool   // the rule asked for the time
}

func (t *trail) mark(number int) {
	if number >= len(t.ran) {
		t.ran = append(t.ran, make([]bool, number+1-len(t.ran))...)
	}
	t.ran[number] = true
}

// numbers gives the statements that ran, ascending.
func (t *trail) numbers() []int {
	var out []int
	for n, yes := range t.ran {
		if yes {
			out = append(out, n)
		}
	}
	return out
}

func (t *trail) encode(b []byte) []byte { return appendNumbers(appendFlag(b, t.clock), t.numbers()) }

func (p *scanner) trail() trail {
	t := trail{clock: p.flag()}
	for _, n := range p.numbers() {
		if n >= maxMarks {
			p.fail()
			break
		}
		t.mark(n)
	}
	return t
}

// read notes that the rule asked for the time, and gives it.
func (e *engine) read(t time.Time) time.Time {
	if e.c != nil {
		e.c.out.trail.clock = true
	}
	return t
}

// linesOf gives the lines of some statements, ascending and each once.
func linesOf(all, numbers []int) []int {
	var out []int
	for _, n := range numbers {
		if n >= 0 && n < len(all) {
			out = append(out, all[n])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func appendNumbers(b []byte, numbers []int) []byte {
	b = binary.AppendUvarint(b, uint64(len(numbers)))
	for _, n := range numbers {
		b = binary.AppendUvarint(b, uint64(n)) //nolint:gosec // statements are counted from 0
	}
	return b
}

func (p *scanner) numbers() []int {
	var out []int
	for range p.count() {
		out = append(out, p.number())
	}
	return out
}
