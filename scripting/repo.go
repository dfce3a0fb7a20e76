package scripting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/mozillazg/go-pinyin"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// maxLooks bounds the look-ups for one object.
const maxLooks = 1000

// newRepo makes repo. None of its functions does anything but write down that it
// was called, except the look-up.
func (e *engine) newRepo() *goja.Object {
	repo := e.vm.NewObject()
	for name, called := range map[string]func(*plan.Calls){
		callCreate:  func(c *plan.Calls) { c.Create = true },
		callUpdate:  func(c *plan.Calls) { c.Update = true },
		callDisable: func(c *plan.Calls) { c.Disable = true },
		callDelete:  func(c *plan.Calls) { c.Delete = true },
	} {
		e.method(repo, name, func(goja.FunctionCall) goja.Value {
			e.c.decided(e, ranksExecute)
			called(&e.c.out.Calls)
			return goja.Undefined()
		})
	}
	e.method(repo, callAbort, e.abort)
	e.method(repo, callGet, e.getObject)
	return repo
}

// method adds a function. An engine outside a rule does nothing.
func (e *engine) method(o *goja.Object, name string, f func(goja.FunctionCall) goja.Value) {
	safe := func(call goja.FunctionCall) goja.Value {
		if e.c == nil || e.c.failed {
			return goja.Undefined()
		}
		return f(call)
	}
	if err := o.DefineDataProperty(name, e.vm.ToValue(safe), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
		panic(fmt.Sprintf("scripting: define %s: %v", name, err)) // a plain new object takes any property
	}
}

func (e *engine) abort(call goja.FunctionCall) goja.Value {
	e.c.decided(e, ranksAbort)
	if len(call.Arguments) == 0 || goja.IsUndefined(call.Arguments[0]) {
		e.c.out.AbortAny = true
		return goja.Undefined()
	}
	arg := call.Arguments[0]
	op := plan.None
	if s, ok := arg.(goja.String); ok {
		op = plan.Op(excerpt(s, 20))
	}
	switch op {
	case plan.Create, plan.Update, plan.Disable, plan.Delete:
		if !slices.Contains(e.c.out.Abort, op) {
			e.c.out.Abort = append(e.c.out.Abort, op)
		}
		return goja.Undefined()
	default:
		return e.fail(textAbortOp.sayf(brief(arg)))
	}
}

// brief shows an argument without running the rule's code.
func brief(v goja.Value) string {
	switch {
	case isObject(v):
		return "[object]"
	case goja.IsString(v):
		return `"` + excerpt(v.(goja.String), 40) + `"`
	}
	return clean(v.String(), 40)
}

// getObject is repo.getObjectByID.
func (e *engine) getObject(call goja.FunctionCall) goja.Value {
	want := lookup{}
	switch kind := call.Argument(1); {
	case goja.IsUndefined(kind):
	case goja.IsString(kind) && slices.Contains(kinds[:], directory.Kind(kind.String())):
		want.kind = directory.Kind(kind.String())
	default:
		return e.fail(textBadKind.String())
	}
	switch id := call.Argument(0); {
	case goja.IsUndefined(id) || goja.IsNull(id):
	case goja.IsString(id) && id.(goja.String).Length() <= maxText, goja.IsNumber(id):
		want.id = directory.ID(id.String())
	default:
		return e.fail(textBadID.String())
	}
	if want.id == "" {
		return goja.Null() // nobody has the empty id: an empty attribute leads to nothing
	}
	if e.c.looks++; e.c.looks > maxLooks {
		return e.outrun(textManyLooks.sayf(maxLooks))
	}
	found, err := e.find(want)
	switch {
	case err != nil:
		return e.fail(textEngine.quote(clean(err.Error(), sayLength)))
	case len(found) == 0:
		e.missed(want)
		return goja.Null()
	case len(found) > 1:
		return e.fail(textBothKinds.sayf(clean(string(want.id), 60)))
	}
	o := found[0]
	e.saw(o.Key)
	return e.readOnly(attrs(o.Attributes), e.declared[o.Kind], "repo.getObjectByID(…)")
}

// saw keeps what the object at hand is judged by: each object once, and one more than
// may be, so that it shows. It is of the object, whoever asked for the same one before.
func (e *engine) saw(key directory.Key) {
	if len(e.looked) <= plan.MaxLooked && !slices.Contains(e.looked, key) {
		e.looked = append(e.looked, key)
	}
}

// missed is saw for what was not there.
func (e *engine) missed(l lookup) {
	for _, kind := range kinds {
		if l.kind == "" || l.kind == kind {
			e.saw(directory.Key{Kind: kind, ID: l.id})
		}
	}
}

// rest puts what the object was judged by into a verdict that takes it away. Nothing
// else rests on that: whatever is written is compared again by the next run.
func (e *engine) rest() {
	c := e.c
	taken := c.out.Rule(plan.Situation{Proposed: c.subject.proposed, Exists: true}).Op.Destructive()
	switch {
	case !taken || len(e.looked) == 0:
	case len(e.looked) > plan.MaxLooked:
		c.void(lineOf(c.at), textManyGrounds.sayf(plan.MaxLooked))
	default:
		c.out.Looked = slices.Clone(e.looked)
	}
}

// addBuiltins adds the global functions.
func (e *engine) addBuiltins() error {
	letters := pinyin.NewArgs()
	letters.Fallback = func(r rune, _ pinyin.Args) []string { return []string{string(r)} }
	functions := map[string]func(goja.FunctionCall) goja.Value{
		"today": func(goja.FunctionCall) goja.Value { return e.date(e.read(e.today)) },
		"now":   func(goja.FunctionCall) goja.Value { return e.date(e.read(e.now)) },
		"pinyin": func(call goja.FunctionCall) goja.Value {
			s, ok := call.Argument(0).(goja.String)
			if !ok || s.Length() > maxText {
				panic(e.vm.NewTypeError("pinyin takes a text / pinyin 的参数是文本"))
			}
			return e.vm.ToValue(strings.Join(pinyin.LazyPinyin(s.String(), letters), ""))
		},
		"unique": e.unique,
		"log": func(call goja.FunctionCall) goja.Value {
			e.log(call.Arguments)
			return goja.Undefined()
		},
	}
	for _, name := range slices.Sorted(maps.Keys(functions)) { // a rule can list them
		if err := e.vm.Set(name, functions[name]); err != nil {
			return fmt.Errorf("define %s: %w", name, err)
		}
	}
	return nil
}

// log keeps a line of what the rule wants to tell its author.
func (e *engine) log(args []goja.Value) {
	if e.c == nil || len(e.c.out.logs) >= logLines {
		return
	}
	parts := make([]string, 0, len(args))
	for _, v := range args[:min(len(args), logLines)] {
		parts = append(parts, excerpt(e.textOf(v), logLength))
	}
	e.c.out.logs = append(e.c.out.logs, clean(strings.Join(parts, " "), logLength))
}
