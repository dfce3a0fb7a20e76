package scripting

import (
	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// scriptContext is the object that a rule sees as context.
type scriptContext struct {
	e      *engine
	c      *call
	data   *goja.Object
	target goja.Value
	reason goja.Value
}

var _ goja.DynamicObject = (*scriptContext)(nil)

var contextNames = [...]string{"data", "id", "objectType", "operationType", "reason", "target"}

// newContext makes the context of one object.
func (e *engine) newContext(c *call) *goja.Object {
	c.data = &record{e: e, c: c, fields: c.subject.data, declared: e.declared[c.kind], where: "context.data"}
	return e.vm.NewDynamicObject(&scriptContext{e: e, c: c})
}

// Get gives a property. A misspelt one ends the rule: undefined would quietly
// make conditions false.
func (s *scriptContext) Get(key string) goja.Value {
	vm := s.e.vm
	switch key {
	case "data":
		if s.data == nil {
			s.data = vm.NewDynamicObject(s.c.data)
		}
		return s.data
	case "operationType":
		return vm.ToValue(string(s.c.subject.proposed))
	case "objectType":
		return vm.ToValue(string(s.c.kind))
	case "id":
		return vm.ToValue(string(s.c.subject.id))
	case "target":
		return s.targetValue()
	case "reason":
		if s.reason == nil {
			return vm.ToValue("")
		}
		return s.reason
	case "toJSON", "then":
		return nil
	}
	if s.e.vm.GlobalObject().Get("Object").ToObject(vm).Get("prototype").ToObject(vm).Get(key) == nil {
		return s.e.fail(textContextName.sayf(clean(key, 40)))
	}
	return nil
}

func (s *scriptContext) targetValue() goja.Value {
	if s.c.subject.target == nil {
		return goja.Null()
	}
	if s.target == nil {
		s.target = s.e.readOnly(s.c.subject.target, nil, "context.target")
	}
	return s.target
}

// Set takes the reason and refuses everything else.
func (s *scriptContext) Set(key string, val goja.Value) bool {
	if key != "reason" {
		s.e.fail(textReadOnly.sayf("context." + clean(key, 40)))
		return true
	}
	switch {
	case goja.IsUndefined(val) || goja.IsNull(val):
		s.c.out.Reason, s.reason = "", nil
	case goja.IsString(val) || goja.IsNumber(val):
		s.c.out.Reason, s.reason = excerpt(s.e.textOf(val), reasonLength), val
	default:
		s.e.fail(textReasonType.String())
	}
	return true
}

// Has tells whether the property is there.
func (s *scriptContext) Has(key string) bool {
	for _, name := range contextNames {
		if name == key {
			return true
		}
	}
	return false
}

// Delete refuses.
func (s *scriptContext) Delete(key string) bool {
	if s.Has(key) {
		s.e.fail(textReadOnly.sayf("context." + clean(key, 40)))
	}
	return true
}

// Keys lists the properties.
func (s *scriptContext) Keys() []string { return contextNames[:] }

// readOnly makes an object of attributes that cannot be changed.
func (e *engine) readOnly(f fields, declared map[string]directory.Type, where string) goja.Value {
	return e.vm.NewDynamicObject(&record{e: e, c: e.c, fields: f, declared: declared, where: where, fixed: true})
}
