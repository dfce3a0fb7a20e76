package scripting

import (
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

//go:embed prelude.js
var prelude string

// errStopped is what a rule is interrupted with when the host ends it.
var errStopped = errors.New("stopped by the host")

// finder gives the objects of an id in the source system; no kind stands for
// both.
type finder func(lookup) ([]directory.Object, error)

// engine runs the rules of one child, one object after another. Everything that
// a rule can reach is frozen, so nothing passes from one object to the next.
type engine struct {
	vm       *goja.Runtime
	zone     *time.Location
	depth    int
	rules    map[directory.Kind]goja.Callable
	declared map[directory.Kind]map[string]directory.Type
	find     finder
	dates    *goja.Object // the constructor of Date
	repo     *goja.Object
	random   *rand.PCG
	marks    *goja.Object // third argument of a covered rule

	now   time.Time // of the batch
	today time.Time // its local midnight

	c      *call // the object that is being judged
	frames []goja.StackFrame
	looked []directory.Key // that the object at hand was judged by; the array is used again
	idle   goja.Callable   // does nothing
	after  bool            // code of the rule may have run behind its end
}

// call is the judging of one object.
type call struct {
	kind    directory.Kind
	subject *subject
	out     judgement
	data    *record
	looks   int // objects looked up
	bytes   int // that it wrote
	// rejected are the promises that failed and that nobody handled.
	rejected   map[*goja.Promise]rejection
	rejections int  // so far, handled or not
	failed     bool // the rule is over, whatever it does now
	rank       rank // of what decided so far
	at         goja.StackFrame
}

// rank tells which of a rule's acts is shown as the one that decided: the first of
// the highest rank, of writes the last.
type rank uint8

const (
	ranksNothing rank = iota
	ranksWrite
	ranksAbort
	ranksExecute
)

// decided keeps the place of an act. Only its frame is kept: to look a line up is
// dearer, and one of them is shown.
func (c *call) decided(e *engine, r rank) {
	if r > c.rank || r == ranksWrite && c.rank == ranksWrite {
		c.rank, c.at = r, e.here()
	}
}

// newEngine builds an engine for compiled rules.
func newEngine(s *setup, zone *time.Location, programs map[directory.Kind]*goja.Program, find finder) (*engine, error) {
	e := &engine{
		vm:       goja.New(),
		zone:     zone,
		depth:    s.callDepth,
		rules:    map[directory.Kind]goja.Callable{},
		declared: s.declared,
		find:     find,
		random:   rand.NewPCG(0, 0),
	}
	e.vm.SetParserOptions(parser.WithDisableSourceMaps)
	e.vm.SetPromiseRejectionTracker(e.rejection)
	e.vm.SetTimeSource(func() time.Time { return e.read(e.now) })
	e.vm.SetRandSource(rand.New(e.random).Float64) //nolint:gosec // Math.random of a rule: the same in every run, on purpose.
	e.frames = make([]goja.StackFrame, 0, s.callDepth+1)
	e.dates = e.vm.Get("Date").ToObject(e.vm)
	e.repo = e.newRepo()
	e.marks = e.vm.NewDynamicArray(marks{e})
	if err := e.addBuiltins(); err != nil {
		return nil, err
	}
	if _, err := e.vm.RunScript("prelude", prelude); err != nil {
		return nil, fmt.Errorf("run prelude: %w", err)
	}
	idle, err := e.vm.RunString("(function(){})")
	if err != nil {
		return nil, fmt.Errorf("make idle: %w", err)
	}
	e.idle, _ = goja.AssertFunction(idle)
	if e.depth > 0 {
		e.vm.SetMaxCallStackSize(e.depth)
	}
	for kind, program := range programs {
		v, err := e.vm.RunProgram(program)
		if err != nil {
			return nil, fmt.Errorf("load rule: %w", err)
		}
		rule, ok := goja.AssertFunction(v)
		if !ok {
			return nil, errors.New("load rule: not a function")
		}
		e.rules[kind] = rule
	}
	return e, nil
}

// begin sets the time of the following objects.
func (e *engine) begin(now time.Time) {
	e.now = now.In(e.zone)
	e.today = midnight(e.now)
}

// decide runs the rule of a kind for one subject. usable is false when the engine
// must be thrown away. Another goroutine may interrupt the rule through vm.
func (e *engine) decide(kind directory.Kind, s *subject) (out *judgement, usable bool) {
	c := &call{kind: kind, subject: s}
	e.c, e.looked = c, e.looked[:0]
	e.random.Seed(1, 2)
	usable = true
	defer func() {
		e.c = nil
		if e.after {
			e.discard()
		}
		if c.failed { // the rule may have been ended by an interrupt
			e.vm.ClearInterrupt()
		}
		if x := recover(); x != nil { // a bug of the engine ends with this object
			c.void(0, textEngine.quote(clean(fmt.Sprint(x), sayLength)))
			out, usable = &c.out, false
		}
	}()
	context := e.newContext(c)
	result, err := e.run(context)
	switch {
	case c.failed: // the rest does not count, not even a caught error
	case err != nil:
		usable = e.explain(err)
	case len(c.rejected) > 0:
		e.unhandled()
	case result == goja.Value(context):
		c.out.Returned = true
	case !goja.IsUndefined(result):
		c.void(0, textReturned.String())
	}
	if !c.failed {
		c.collect()
	}
	if !c.failed {
		e.rest()
	}
	if !c.failed && c.rank > ranksNothing {
		c.out.At.Line = lineOf(c.at)
	}
	return &c.out, usable
}

// run calls the rule. The outer function holds the two names, the inner one is
// the rule.
func (e *engine) run(context *goja.Object) (goja.Value, error) {
	inner, err := e.rules[e.c.kind](goja.Undefined(), context, e.repo, e.marks)
	if err != nil {
		return nil, err
	}
	rule, ok := goja.AssertFunction(inner)
	if !ok {
		return nil, errors.New("not a function")
	}
	return rule(goja.Undefined())
}

// explain turns an error of the rule into its verdict, and tells whether the
// engine may be used again.
func (e *engine) explain(err error) bool {
	if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
		// The watch interrupted it; the worker says so.
		e.c.void(e.lineOf(err), "")
		e.c.out.overstayed = true
		return false
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		e.c.void(e.lineOf(err), textDepth.sayf(e.depth))
		e.c.out.Failed.Limit = true
		return true
	}
	thrown, ok := errors.AsType[*goja.Exception](err)
	if !ok {
		e.c.void(0, textEngine.quote(clean(err.Error(), sayLength)))
		return false
	}
	line := e.lineOf(err)
	what := "?"
	if ex := e.behind(func() { what = excerpt(e.textOf(thrown.Value()), sayLength) }); ex != nil {
		what = "?"
	}
	e.c.void(line, textThrew.quote(what))
	return true
}

// textOf gives a value as JavaScript prints it. For an object that runs the
// rule's code.
func (e *engine) textOf(v goja.Value) goja.String {
	if o, ok := v.(*goja.Object); ok {
		v = o.ToString()
	}
	if s, ok := v.(goja.String); ok {
		return s
	}
	text := "undefined"
	if v != nil {
		text = v.String()
	}
	s, _ := e.vm.ToValue(text).(goja.String)
	return s
}

// lineOf gives the rule's line that an error came from, or 0.
func (e *engine) lineOf(err error) int {
	var stack []goja.StackFrame
	if x, ok := errors.AsType[*goja.InterruptedError](err); ok {
		stack = x.Stack()
	} else if x, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		stack = x.Stack()
	} else if x, ok := errors.AsType[*goja.Exception](err); ok {
		stack = x.Stack()
	}
	return lineIn(stack)
}

// lineIn gives the line of the innermost frame that is the rule's own.
func lineIn(stack []goja.StackFrame) int {
	for i := range stack {
		if stack[i].SrcName() == ruleName {
			return inRule(stack[i].Position()).line
		}
	}
	return 0
}

// line gives the line that the rule is at.
func (e *engine) line() int { return lineOf(e.here()) }

// here gives the frame of the rule that runs. Nearly always it is the top one, or
// the one that called the native function at the top.
func (e *engine) here() goja.StackFrame {
	for _, depth := range [...]int{2, 0} {
		e.frames = e.vm.CaptureCallStack(depth, e.frames[:0])
		for i := range e.frames {
			if e.frames[i].SrcName() == ruleName {
				return e.frames[i]
			}
		}
	}
	return goja.StackFrame{}
}

// lineOf gives the line of a frame of the rule, or 0.
func lineOf(f goja.StackFrame) int { return lineIn([]goja.StackFrame{f}) }

// fail ends the rule with an error that it cannot catch. It may only be called
// while the rule runs.
func (e *engine) fail(say string) goja.Value {
	if e.c != nil && !e.c.failed {
		e.c.void(e.line(), say)
		e.vm.Interrupt(errStopped)
	}
	return goja.Undefined()
}

// outrun is fail for a rule that outruns a limit.
func (e *engine) outrun(say string) goja.Value {
	if e.c == nil || e.c.failed {
		return goja.Undefined()
	}
	js := e.fail(say)
	e.c.out.Failed.Limit = true
	return js
}

// void makes the verdict a failure and nothing else.
func (c *call) void(line int, say string) {
	c.failed = true
	c.out.Verdict = plan.Verdict{Failed: &plan.RuleError{Line: line, Say: say}}
}

// date makes a Date.
func (e *engine) date(t time.Time) goja.Value { return e.dateOf(e.vm.ToValue(t.UnixMilli())) }

// noDate makes an Invalid Date.
func (e *engine) noDate() goja.Value { return e.dateOf(goja.NaN()) }

func (e *engine) dateOf(ms goja.Value) goja.Value {
	d, err := e.vm.New(e.dates, ms)
	if err != nil {
		return e.fail(textEngine.quote(clean(err.Error(), sayLength)))
	}
	return d
}
