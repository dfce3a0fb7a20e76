package scripting

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// maxWrites bounds the attributes that a rule may write for one object.
const maxWrites = 256

// record is an object of attributes as a rule sees it. It reads lazily, since a
// rule looks at few of them, and remembers what was written.
type record struct {
	e        *engine
	c        *call
	kind     directory.Kind
	attrs    directory.Attributes
	declared map[string]directory.Type
	where    string // for people: "context.data"
	fixed    bool   // cannot be changed

	// held are the arrays and Dates that were given out: the rule may change
	// them in place.
	held map[string]*goja.Object
	// written is what the rule assigned or deleted.
	written map[string]write
}

var _ goja.DynamicObject = (*record)(nil)

// write is one assignment. An array or a Date is converted at the end, since the
// rule may go on changing it.
type write struct {
	js    goja.Value      // as the rule reads it back; nil when it was deleted
	value directory.Value // unless late is set
	late  *goja.Object
	line  int // of the assignment of late
}

// current gives an attribute before the rule: in its declared type when that is
// a date and the source gave text, empty when it is declared and missing.
func (r *record) current(name string) directory.Value {
	v := r.attrs[name]
	switch declared := r.declared[name]; {
	case v.Type() == directory.Absent:
		return directory.Empty(declared)
	case declared == directory.Date && v.Type() == directory.Text:
		if t, ok := parseDate(v.Text()); ok {
			return directory.DateOf(t)
		}
		return directory.Empty(directory.Date)
	}
	return v
}

// Get reads an attribute.
func (r *record) Get(key string) goja.Value {
	if w, ok := r.written[key]; ok {
		return w.js
	}
	if o, ok := r.held[key]; ok {
		return o
	}
	v := r.current(key)
	switch v.Type() {
	case directory.Absent:
		return nil
	case directory.Unknown:
		name := clean(r.where+"."+key, 80)
		en, zh := halves(clean(v.Permission(), 160))
		return r.e.fail(texts{en: fmt.Sprintf(textHidden.en, name, en), zh: fmt.Sprintf(textHidden.zh, name, zh)}.String())
	default:
	}
	js := r.e.toScript(key, v)
	if o, ok := js.(*goja.Object); ok {
		if r.held == nil {
			r.held = map[string]*goja.Object{}
		}
		r.held[key] = o
	}
	return js
}

// Set writes an attribute.
func (r *record) Set(key string, val goja.Value) bool {
	if r.fixed {
		r.e.fail(textReadOnly.sayf(clean(r.where+"."+key, 80)))
		return true
	}
	if goja.IsUndefined(val) || goja.IsNull(val) {
		r.put(key, write{js: val, value: r.emptied(key)})
		return true
	}
	w := write{js: val}
	if o, ok := val.(*goja.Object); ok {
		switch o.ClassName() {
		case "Array", "Date":
			w.late, w.line = o, r.e.line()
		default:
			r.refuse(key, wantPlain)
			return true
		}
	}
	value, want := r.e.toValue(key, val, r.wanted(key))
	if want != nil {
		r.refuse(key, *want)
		return true
	}
	w.value = value
	r.put(key, w)
	return true
}

// Has tells whether the attribute is there or declared.
func (r *record) Has(key string) bool {
	if w, ok := r.written[key]; ok {
		return w.js != nil
	}
	return r.attrs[key].Type() != directory.Absent || r.declared[key] != directory.Absent
}

// Delete makes the attribute empty.
func (r *record) Delete(key string) bool {
	if r.fixed {
		r.e.fail(textReadOnly.sayf(clean(r.where+"."+key, 80)))
		return true
	}
	if r.Has(key) {
		r.put(key, write{value: r.emptied(key)})
	}
	return true
}

// Keys lists the attributes in the order of their names.
func (r *record) Keys() []string {
	names := map[string]bool{}
	for _, set := range []map[string]bool{keysOf(r.attrs), keysOf(r.declared), keysOf(r.written)} {
		maps.Copy(names, set)
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool { return !r.Has(name) })
}

func keysOf[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for name := range m {
		out[name] = true
	}
	return out
}

func (r *record) put(key string, w write) {
	if _, known := r.written[key]; !known && len(r.written) >= maxWrites {
		r.e.fail(textManyWrites.sayf(maxWrites))
		return
	}
	if r.written == nil {
		r.written = map[string]write{}
	}
	r.written[key] = w
}

func (r *record) refuse(key string, want texts) {
	r.e.fail(textWrite.and(want).sayf(clean(key, 60)))
}

// wanted gives what a new value of an attribute should be like: the value before,
// or an empty one of the declared type. A hidden attribute tells nothing.
func (r *record) wanted(key string) directory.Value {
	v := r.current(key)
	if v.Type() == directory.Unknown {
		return directory.Empty(r.declared[key])
	}
	return v
}

// emptied gives the empty value of an attribute in its type.
func (r *record) emptied(key string) directory.Value {
	switch typ := r.wanted(key).Type(); {
	case typ != directory.Absent:
		return directory.Empty(typ)
	case r.attrs[key].Type() == directory.Unknown:
		return directory.Empty(directory.Text)
	default:
		return directory.Value{}
	}
}

// collect puts what the rule changed into the verdict.
func (c *call) collect() {
	r := c.data
	changed := directory.Attributes{}
	for key, o := range r.held {
		if _, written := r.written[key]; !written {
			r.settle(changed, key, write{late: o})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.written)) {
		r.settle(changed, key, r.written[key])
	}
	if !c.failed && len(changed) > 0 {
		c.out.Data = changed
	}
}

// settle converts one write and keeps it when it says something new.
func (r *record) settle(changed directory.Attributes, key string, w write) {
	before, value := r.current(key), w.value
	if w.late != nil {
		var want *texts
		if ex := r.e.vm.Try(func() { value, want = r.e.toValue(key, w.late, r.wanted(key)) }); ex != nil {
			want = &wantPlain
		}
		if want != nil && !r.c.failed {
			r.c.void(w.line, textWrite.and(*want).sayf(clean(key, 60)))
			return
		}
	}
	if !value.Equal(before) {
		changed[key] = value
	}
}
