package feishu

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// body is the JSON of a write: only what is to be written. A map and not the
// SDK's structs, which drop the empty values that clear a field.
type body map[string]any

// encoded is a write on its way to the wire.
type encoded struct {
	body
	custom  map[string]directory.Value // custom fields by attribute: their list is written as a whole
	numbers []int64                    // department_order; nil when the write does not give it
}

// encode turns a write's attributes into a body. Every error is Invalid.
func (c *Connector) encode(w *connector.Write) (encoded, error) {
	out := encoded{body: body{}, custom: map[string]directory.Value{}}
	for _, name := range w.After.Names() {
		if name == directory.AttrActive {
			continue
		}
		f, ok := c.fields.find(w.Key.Kind, name)
		if !ok || !f.writable || f.atCreation && w.Op != plan.Create {
			return out, invalid(name, "飞书没有这个可写的属性", "Feishu has no such attribute that can be written")
		}
		v, err := f.encode(w.After[name], c.o.Zone)
		switch {
		case err != nil:
			return out, err
		case f.form == custom, f.form == customUser:
			out.custom[name] = w.After[name]
			continue
		case f.form == memberOrder:
			out.numbers, _ = v.([]int64)
			continue
		}
		if old, twice := out.body[f.wire]; twice && !reflect.DeepEqual(old, v) {
			return out, invalid(name, "同一字段映射了两个不同的值", "the same field is mapped to two different values")
		}
		out.body[f.wire] = v
	}
	return out, out.checkHead()
}

func invalid(name, zh, en string) error {
	return fault.New(fault.Invalid, "%s（%s） / %s (%s)", zh, name, en, name)
}

// encode gives the wire form of a value; an empty value clears the field.
func (f *field) encode(v directory.Value, zone *time.Location) (any, error) {
	if v.Type() == directory.Unknown {
		return nil, invalid(f.name, "值未知，不能写入", "the value is unknown and cannot be written")
	}
	switch f.form {
	case number:
		return f.encodeNumber(v)
	case unixDay:
		return f.encodeDay(v, zone)
	case flag:
		return f.encodeFlag(v)
	case memberOrder:
		return f.encodeOrder(v)
	case userRef, userRefs, parentRef, departments, leaderList, customUser:
		return f.encodeRefs(v)
	default:
		s := v.String()
		if strings.ContainsFunc(s, unprintable) {
			return nil, invalid(f.name, "值里有控制字符或换行", "the value holds a control character or a line break")
		}
		return s, nil
	}
}

// unprintable tells what no name and no number holds; it breaks the listings
// that others make of them.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

func (f *field) encodeNumber(v directory.Value) (any, error) {
	if v.IsEmpty() {
		if f.wire == "gender" {
			return 0, nil
		}
		return nil, invalid(f.name, "不能清空", "cannot be cleared")
	}
	n, err := strconv.Atoi(strings.TrimSpace(v.String()))
	if err != nil {
		return nil, invalid(f.name, "不是整数", "is no whole number")
	}
	return n, nil
}

func (f *field) encodeFlag(v directory.Value) (any, error) {
	if v.IsEmpty() {
		return nil, invalid(f.name, "不能清空", "cannot be cleared")
	}
	b, err := strconv.ParseBool(strings.TrimSpace(v.String()))
	if err != nil {
		return nil, invalid(f.name, "不是 true 或 false", "is neither true nor false")
	}
	return b, nil
}

func (f *field) encodeDay(v directory.Value, zone *time.Location) (any, error) {
	if v.IsEmpty() {
		return 0, nil
	}
	if t, ok := v.Time(zone); ok {
		return t.Unix(), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, v.Text(), zone)
	if err != nil {
		return nil, invalid(f.name, "不是日期", "is no date")
	}
	return t.Unix(), nil
}

func (f *field) encodeRefs(v directory.Value) (any, error) {
	ids, err := f.refs(v)
	if err != nil {
		return nil, err
	}
	switch {
	case f.form == leaderList:
		return encodeLeaders(ids), nil
	case f.form == departments && len(ids) == 0:
		return []string{rootID}, nil
	case f.form == departments, f.form == userRefs:
		return ids, nil
	case len(ids) > 1:
		return nil, invalid(f.name, "只能有一个", "takes only one")
	case len(ids) == 1:
		return ids[0], nil
	case f.form == parentRef:
		return rootID, nil
	default:
		return "", nil
	}
}

// refs gives the ids that a value refers to, each once.
func (f *field) refs(v directory.Value) ([]string, error) {
	kind := directory.User
	if f.form == departments || f.form == parentRef {
		kind = directory.Department
	}
	if !v.IsEmpty() && v.Type() != directory.Refs {
		return nil, invalid(f.name, "不是引用", "is no reference")
	}
	ids := []string{}
	for _, ref := range v.Refs() {
		if ref.Pending || ref.Kind != kind || ref.ID == "" {
			return nil, invalid(f.name, "引用的对象还不存在或类别不对", "refers to what does not exist yet, or to another kind of object")
		}
		if id := string(ref.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
