package feishu

import (
	"reflect"
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

// encode turns a write's attributes into a body. custom holds the custom texts
// by field id: their list is written as a whole. Every error is Invalid.
func (c *Connector) encode(w *connector.Write) (b body, custom map[string]string, err error) {
	b, custom = body{}, map[string]string{}
	for _, name := range w.After.Names() {
		if name == directory.AttrActive {
			continue
		}
		f, ok := c.fields.find(w.Key.Kind, name)
		if !ok || !f.writable || f.atCreation && w.Op != plan.Create {
			return nil, nil, invalid(name, "飞书没有这个可写的属性", "Feishu has no such attribute that can be written")
		}
		v, err := f.encode(w.After[name], c.o.Zone)
		if err != nil {
			return nil, nil, err
		}
		if f.form == customText {
			custom[f.wire], _ = v.(string)
			continue
		}
		if old, twice := b[f.wire]; twice && !reflect.DeepEqual(old, v) {
			return nil, nil, invalid(name, "同一字段映射了两个不同的值", "the same field is mapped to two different values")
		}
		b[f.wire] = v
	}
	return b, custom, nil
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
	case userRef, parentRef, departments:
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
	kind := directory.Department
	if f.form == userRef {
		kind = directory.User
	}
	if !v.IsEmpty() && v.Type() != directory.Refs {
		return nil, invalid(f.name, "不是引用", "is no reference")
	}
	ids := []string{}
	for _, ref := range v.Refs() {
		if ref.Pending || ref.Kind != kind || ref.ID == "" {
			return nil, invalid(f.name, "引用的对象还不存在或类别不对", "refers to what does not exist yet, or to another kind of object")
		}
		ids = append(ids, string(ref.ID))
	}
	switch {
	case f.form == departments && len(ids) == 0:
		return []string{rootID}, nil
	case f.form == departments:
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

// setOrders makes the first of several departments the main one. Feishu takes
// the one with the highest department_order for it, and takes orders only
// together with department_ids.
func (b body) setOrders() {
	ids, _ := b["department_ids"].([]string)
	if len(ids) < 2 {
		return
	}
	var orders []map[string]any
	for i, id := range ids {
		orders = append(orders, map[string]any{
			"department_id": id, "department_order": len(ids) - i, "is_primary_dept": i == 0,
		})
	}
	b["orders"] = orders
}
