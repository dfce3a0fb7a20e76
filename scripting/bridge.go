package scripting

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Bounds of what a rule may write.
const (
	maxText  = 32 << 10 // UTF-16 units
	maxItems = 1000
	maxExact = 1 << 53 // beyond it a JavaScript number loses digits
)

// toScript makes a JavaScript value; v is neither Absent nor Unknown.
func (e *engine) toScript(name string, v directory.Value) goja.Value {
	switch v.Type() {
	case directory.Int:
		n, ok := v.Int()
		switch {
		case !ok:
			return goja.Undefined()
		case n > maxExact || n < -maxExact:
			return e.vm.ToValue(strconv.FormatInt(n, 10))
		}
		return e.vm.ToValue(n)
	case directory.Bool:
		if b, ok := v.Bool(); ok {
			return e.vm.ToValue(b)
		}
		return goja.Undefined()
	case directory.Date:
		if t, ok := moment(v, e.zone); ok {
			return e.date(t)
		}
		return e.noDate()
	case directory.List:
		return e.array(v.List())
	case directory.Refs:
		return e.refsToScript(name, v.Refs())
	default:
		return e.vm.ToValue(v.Text())
	}
}

func (e *engine) refsToScript(name string, refs []directory.Ref) goja.Value {
	if single(name) {
		if len(refs) == 0 {
			return e.vm.ToValue("")
		}
		return e.vm.ToValue(string(refs[0].ID))
	}
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = string(r.ID)
	}
	return e.array(ids)
}

func (e *engine) array(items []string) goja.Value {
	values := make([]any, len(items))
	for i, s := range items {
		values[i] = e.vm.ToValue(s)
	}
	return e.vm.NewArray(values...)
}

// single tells whether an attribute of references holds at most one.
func single(name string) bool { return name == directory.AttrManager || name == directory.AttrParent }

// toValue converts what a rule wrote. like is the value before, or an empty one
// of the declared type; it decides the type. When the value does not fit, it
// gives what was wanted.
func (e *engine) toValue(name string, js goja.Value, like directory.Value) (directory.Value, *texts) {
	if goja.IsUndefined(js) || goja.IsNull(js) {
		return directory.Empty(like.Type()), nil
	}
	switch like.Type() {
	case directory.Text:
		return e.toText(js)
	case directory.Int:
		return e.toInt(js)
	case directory.Bool:
		if b, ok := js.Export().(bool); ok && !isObject(js) {
			return directory.BoolOf(b), nil
		}
		return directory.Value{}, &wantBool
	case directory.Date:
		v, want := e.toDate(js)
		if want == nil && sameMoment(v, like, e.zone) {
			return like, nil // a time that the clocks skip comes back as it was
		}
		return v, want
	case directory.List:
		items, want := e.toItems(js)
		return directory.ListOf(items...), want
	case directory.Refs:
		return e.toRefs(name, js, like.Refs())
	default:
		return e.toAny(name, js)
	}
}

func isObject(js goja.Value) bool { _, ok := js.(*goja.Object); return ok }

// toAny converts a value for an attribute without a type.
func (e *engine) toAny(name string, js goja.Value) (directory.Value, *texts) {
	if o, ok := js.(*goja.Object); ok {
		switch {
		case o.ClassName() == "Date":
			return e.toDate(js)
		case o.ClassName() != "Array":
			return directory.Value{}, &wantPlain
		case name == directory.AttrDepartments:
			return e.toRefs(name, js, nil)
		}
		items, want := e.toItems(js)
		return directory.ListOf(items...), want
	}
	switch {
	case single(name):
		return e.toRefs(name, js, nil)
	case goja.IsNumber(js):
		return e.toInt(js)
	case goja.IsString(js):
		return e.toText(js)
	}
	if b, ok := js.Export().(bool); ok {
		return directory.BoolOf(b), nil
	}
	return directory.Value{}, &wantPlain
}

// toText takes texts, and numbers and truth values as JavaScript prints them.
func (e *engine) toText(js goja.Value) (directory.Value, *texts) {
	if isObject(js) {
		if v, want := e.toDate(js); want == nil && !v.IsEmpty() {
			return directory.TextOf(v.String()), nil
		}
		return directory.Value{}, &wantText
	}
	_, isBool := js.Export().(bool)
	if !isBool && !goja.IsString(js) && !goja.IsNumber(js) || goja.IsNaN(js) || goja.IsInfinity(js) {
		return directory.Value{}, &wantText
	}
	s := e.textOf(js)
	if s.Length() > maxText {
		return directory.Value{}, &wantText
	}
	return directory.TextOf(strings.ToValidUTF8(s.String(), "\uFFFD")), nil
}

func (e *engine) toInt(js goja.Value) (directory.Value, *texts) {
	switch {
	case goja.IsNumber(js):
		f := js.ToFloat()
		if f != math.Trunc(f) || math.Abs(f) > maxExact { // NaN differs from itself
			return directory.Value{}, &wantInt
		}
		return directory.IntOf(int64(f)), nil
	case goja.IsString(js):
		v, want := e.toText(js)
		if want != nil {
			return directory.Value{}, &wantInt
		}
		s := strings.TrimSpace(v.Text())
		if s == "" {
			return directory.Empty(directory.Int), nil
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return directory.IntOf(n), nil
		}
	}
	return directory.Value{}, &wantInt
}

func (e *engine) toDate(js goja.Value) (directory.Value, *texts) {
	if o, ok := js.(*goja.Object); ok {
		if o.ClassName() != "Date" {
			return directory.Value{}, &wantDate
		}
		t, ok := o.Export().(time.Time)
		if !ok {
			return directory.Empty(directory.Date), nil
		}
		t = t.In(e.zone)
		if t.Year() < 1 || t.Year() > 9999 {
			return directory.Value{}, &wantDate
		}
		return directory.DateOf(t), nil
	}
	if !goja.IsString(js) {
		return directory.Value{}, &wantDate
	}
	v, want := e.toText(js)
	if want != nil {
		return directory.Value{}, &wantDate
	}
	s := strings.TrimSpace(v.Text())
	if s == "" {
		return directory.Empty(directory.Date), nil
	}
	t, ok := parseDate(s)
	if !ok {
		return directory.Value{}, &wantDate
	}
	return directory.DateOf(t), nil
}

// toItems reads an array of texts.
func (e *engine) toItems(js goja.Value) ([]string, *texts) {
	o, ok := js.(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return nil, &wantList
	}
	n := o.Get("length").ToInteger()
	if n > maxItems {
		return nil, &wantList
	}
	items := make([]string, 0, n)
	for i := range int(n) {
		item := o.Get(strconv.Itoa(i))
		if item == nil || !goja.IsString(item) {
			return nil, &wantList
		}
		v, want := e.toText(item)
		if want != nil {
			return nil, &wantList
		}
		items = append(items, v.Text())
	}
	return items, nil
}

// toRefs reads ids. An id that was there before keeps its whole reference.
func (e *engine) toRefs(name string, js goja.Value, before []directory.Ref) (directory.Value, *texts) {
	var ids []string
	if single(name) {
		v, want := e.toText(js)
		if want != nil || isObject(js) {
			return directory.Value{}, &wantRef
		}
		if v.Text() != "" {
			ids = []string{v.Text()}
		}
	} else {
		items, want := e.toItems(js)
		if want != nil {
			return directory.Value{}, want
		}
		ids = items
	}
	refs := make([]directory.Ref, 0, len(ids))
	for _, id := range ids {
		refs = append(refs, refTo(name, directory.ID(id), before))
	}
	return directory.RefsTo(refs...), nil
}

func refTo(name string, id directory.ID, before []directory.Ref) directory.Ref {
	for _, r := range before {
		if r.ID == id {
			return r
		}
	}
	kind := directory.User
	switch {
	case name == directory.AttrDepartments || name == directory.AttrParent:
		kind = directory.Department
	case name != directory.AttrManager && len(before) > 0:
		kind = before[0].Kind
	}
	return directory.Ref{Key: directory.Key{Kind: kind, ID: id}}
}

// parseDate reads a civil date or date-time as people and systems write it.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range [...]string{
		"2006-1-2", "2006/1/2", "2006年1月2日", "2006-1-2 15:04:05", "2006-1-2T15:04:05", "2006/1/2 15:04:05",
	} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			return t, true
		}
	}
	return time.Time{}, false
}
