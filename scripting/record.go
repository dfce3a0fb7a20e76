package scripting

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Bounds of what a rule may write for one object.
const (
	maxWrites = 256
	maxBytes  = 4 << 20 // of all the values together
)

// record is an object of attributes as a rule sees it. It reads lazily, since a
// rule looks at few of them, and remembers what was written.
type record struct {
	e        *engine
	c        *call
	fields   fields
	declared map[string]directory.Type
	where    string // for people: "context.data"
	fixed    bool   // cannot be changed

	// reads are the values that were given out. The arrays and Dates among them
	// the rule may change in place.
	reads []reading
	// writes are what the rule assigned or deleted, the last of each name.
	writes []write
}

var _ goja.DynamicObject = (*record)(nil)

// reading is one attribute as the rule got it.
type reading struct {
	name string
	js   goja.Value
	at   int64 // of a Date: its milliseconds
}

// write is one assignment. An array or a Date is converted at the end, since the
// rule may go on changing it.
type write struct {
	name  string
	js    goja.Value      // as the rule reads it back; nil when it was deleted
	value directory.Value // unless late is set
	late  *goja.Object
	at    goja.StackFrame // of the assignment of late
}

// written gives the write of a name, or nil.
func (r *record) written(name string) *write {
	for i := range r.writes {
		if r.writes[i].name == name {
			return &r.writes[i]
		}
	}
	return nil
}

// current gives an attribute before the rule: in its declared type when that is
// a date and the source gave text, empty when it is declared and missing.
func (r *record) current(name string) directory.Value {
	v := r.fields.value(name)
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
	if w := r.written(key); w != nil {
		return w.js
	}
	for i := range r.reads {
		if r.reads[i].name == key {
			return r.reads[i].js
		}
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
	got := reading{name: key, js: js}
	if v.Type() == directory.Date {
		got.at, _ = milliseconds(js)
	}
	r.reads = append(r.reads, got)
	return js
}

// milliseconds gives the time of a Date, if it is a valid one.
func milliseconds(js goja.Value) (int64, bool) {
	o, ok := js.(*goja.Object)
	if !ok || o.ClassName() != "Date" {
		return 0, false
	}
	t, ok := o.Export().(time.Time)
	if !ok {
		return 0, false
	}
	return t.UnixMilli(), true
}

// touched tells whether the rule may have changed a value that it got.
func (g *reading) touched() bool {
	if _, ok := g.js.(*goja.Object); !ok {
		return false
	}
	now, ok := milliseconds(g.js)
	return !ok || now != g.at
}

// Set writes an attribute.
func (r *record) Set(key string, val goja.Value) bool {
	if r.fixed {
		r.e.fail(textReadOnly.sayf(clean(r.where+"."+key, 80)))
		return true
	}
	if goja.IsUndefined(val) || goja.IsNull(val) {
		r.put(write{name: key, js: val, value: r.emptied(key)})
		return true
	}
	w := write{name: key, js: val}
	if o, ok := val.(*goja.Object); ok {
		switch o.ClassName() {
		case "Array", "Date":
			w.late, w.at = o, r.e.here()
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
	r.put(w)
	return true
}

// Has tells whether the attribute is there or declared.
func (r *record) Has(key string) bool {
	if w := r.written(key); w != nil {
		return w.js != nil
	}
	return r.fields.value(key).Type() != directory.Absent || r.declared[key] != directory.Absent
}

// Delete makes the attribute empty.
func (r *record) Delete(key string) bool {
	if r.fixed {
		r.e.fail(textReadOnly.sayf(clean(r.where+"."+key, 80)))
		return true
	}
	if r.Has(key) {
		r.put(write{name: key, value: r.emptied(key)})
	}
	return true
}

// Keys lists the attributes in the order of their names.
func (r *record) Keys() []string {
	names := slices.Concat(r.fields.names(), slices.Collect(maps.Keys(r.declared)))
	for i := range r.writes {
		names = append(names, r.writes[i].name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !r.Has(name) })
}

func (r *record) put(w write) {
	r.c.decided(r.e, ranksWrite)
	if old := r.written(w.name); old != nil {
		*old = w
		return
	}
	if len(r.writes) >= maxWrites {
		r.e.outrun(textManyWrites.sayf(maxWrites))
		return
	}
	r.writes = append(r.writes, w)
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
	case r.fields.value(key).Type() == directory.Unknown:
		return directory.Empty(directory.Text)
	default:
		return directory.Value{}
	}
}

// collect puts what the rule changed into the verdict.
func (c *call) collect() {
	r := c.data
	for i := range r.reads {
		if got := &r.reads[i]; got.touched() && r.written(got.name) == nil {
			r.settle(&write{name: got.name, late: got.js.ToObject(r.e.vm)})
		}
	}
	slices.SortFunc(r.writes, func(a, b write) int { return strings.Compare(a.name, b.name) })
	for i := range r.writes {
		r.settle(&r.writes[i])
	}
}

// settle converts one write and keeps it when it says something new. The rule's
// code may run once more, if it put it into an array.
func (r *record) settle(w *write) {
	if r.c.failed {
		return
	}
	before, value := r.current(w.name), w.value
	if w.late != nil {
		var want *texts
		if ex := r.e.behind(func() { value, want = r.e.toValue(w.name, w.late, r.wanted(w.name)) }); ex != nil {
			want = &wantPlain
		}
		switch {
		case r.c.failed:
			return
		case want != nil:
			r.c.void(lineOf(w.at), textWrite.and(*want).sayf(clean(w.name, 60)))
			return
		}
	}
	if value.Equal(before) {
		return
	}
	if r.c.bytes += len(w.name) + sizeOf(value); r.c.bytes > maxBytes {
		r.c.void(lineOf(r.c.at), textManyBytes.sayf(maxBytes>>20))
		r.c.out.Failed.Limit = true
		return
	}
	if r.c.out.Data == nil {
		r.c.out.Data = directory.Attributes{}
	}
	r.c.out.Data[w.name] = value
}

// sizeOf gives about how many bytes a value takes.
func sizeOf(v directory.Value) int {
	if v.Type() != directory.List && v.Type() != directory.Refs {
		return len(v.String()) + 1
	}
	n := 1
	for _, s := range v.List() {
		n += len(s) + 1
	}
	for _, ref := range v.Refs() {
		n += len(ref.ID) + 1
	}
	return n
}
