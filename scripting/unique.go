package scripting

import (
	"strings"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// unique is unique(text): it marks a text to be made the only one in the target. The
// number is the plan's to give, since a rule sees one object only.
func (e *engine) unique(call goja.FunctionCall) goja.Value {
	s, ok := call.Argument(0).(goja.String)
	if !ok || s.Length() > maxText {
		panic(e.vm.NewTypeError("unique takes a text / unique 的参数是文本"))
	}
	text := s.String()
	if text == "" || strings.Contains(text, plan.Mark) {
		return s // nothing to tell apart, or marked already
	}
	before, after := text, ""
	if i := strings.LastIndex(text, "@"); i >= 0 { // of a mail address, the person's part
		before, after = text[:i], text[i:]
	}
	return e.vm.ToValue(before + plan.Mark + after)
}
