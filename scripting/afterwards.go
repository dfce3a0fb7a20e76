package scripting

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
)

// rejection is when and where a promise failed.
type rejection struct{ order, line int }

// behind reads what the rule left when it was over; that may run code of its own once
// more, such as a toString.
func (e *engine) behind(read func()) *goja.Exception {
	e.after = true
	return e.vm.Try(read)
}

// discard forgets what such code put off with a promise: the engine would do it while
// it judges the next object. An engine that is interrupted drops it.
func (e *engine) discard() {
	e.after = false
	e.vm.Interrupt(errStopped)
	_, _ = e.idle(goja.Undefined())
	e.vm.ClearInterrupt()
}

// rejection keeps account of failed promises. One that nobody handles is an error
// like any other: what should have followed, an abort perhaps, never ran.
func (e *engine) rejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	switch c := e.c; {
	case c == nil:
	case op == goja.PromiseRejectionHandle:
		delete(c.rejected, p)
	default:
		if c.rejected == nil {
			c.rejected = map[*goja.Promise]rejection{}
		}
		c.rejections++
		c.rejected[p] = rejection{order: c.rejections, line: e.line()}
	}
}

// unhandled voids the verdict for the first of the failed promises.
func (e *engine) unhandled() {
	var first *goja.Promise
	for p, r := range e.c.rejected {
		if first == nil || r.order < e.c.rejected[first].order {
			first = p
		}
	}
	what := "?"
	if ex := e.behind(func() { what = excerpt(e.textOf(first.Result()), sayLength) }); ex != nil {
		what = "?"
	}
	line := e.madeAt(first.Result())
	if line == 0 { // what is no error remembers nothing
		line = e.c.rejected[first].line
	}
	e.c.void(line, textThrew.quote(what))
}

// madeAt gives the rule's line that an error tells in its stack, or 0.
func (e *engine) madeAt(v goja.Value) (line int) {
	o, ok := v.(*goja.Object)
	if !ok {
		return 0
	}
	_ = e.behind(func() {
		stack, ok := o.Get("stack").(goja.String)
		if !ok {
			return
		}
		line = lineOfStack(stack.Substring(0, min(stack.Length(), 1000)).String())
	})
	return line
}

// lineOfStack gives the rule's line in the first of an error's frames that has one: "at
// name (rule:2:3(4))", or "at rule:2:3(4)" in a function without a name. It gives 0
// when there is none.
func lineOfStack(stack string) int {
	for frame := range strings.SplitSeq(stack, "\n") {
		frame, ok := strings.CutPrefix(frame, "\tat ")
		if !ok {
			continue
		}
		if i := strings.LastIndex(frame, " ("); i >= 0 {
			frame = frame[i+len(" ("):]
		}
		at, ok := strings.CutPrefix(frame, ruleName+":")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(at, ":")
		if n, err := strconv.Atoi(number); err == nil {
			return inRule(file.Position{Line: n}).line
		}
	}
	return 0
}
