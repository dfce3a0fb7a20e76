package sqltable

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// bind gives a value as the driver takes it for an attribute. An empty text is ”,
// an empty list too; every other empty value is NULL. Truth values are 1 and 0:
// every engine takes these for a boolean, and for a number. Faults: Invalid.
func (c *Connector) bind(f field, v directory.Value) (any, error) {
	if v.Type() == directory.Unknown {
		return nil, badValue(f, "it is not known what stands there, so nothing is written", "不知道现在的值，因此不写入")
	}
	if v.IsEmpty() {
		if f.typ == directory.Text || f.typ == directory.List {
			return "", nil
		}
		return nil, nil //nolint:nilnil // nil is the driver's word for NULL
	}
	switch f.typ {
	case directory.Refs:
		return c.bindRefs(f, v)
	case directory.List:
		if v.Type() != directory.List {
			v = directory.ListOf(v.String())
		}
		return joined(f, v.List())
	default:
		return c.bindText(f, v.String())
	}
}

// bindText is bind for all that is read from a text.
func (c *Connector) bindText(f field, text string) (any, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, badValue(f, "the value is no text that a database takes", "值不是数据库能接受的文本")
	}
	if f.typ == directory.Text {
		return text, nil
	}
	return c.bindTyped(f, text)
}

func (c *Connector) bindTyped(f field, text string) (any, error) {
	if f.typ == directory.Date {
		t, ok := parseDate(strings.TrimSpace(text), c.o.Zone, c.o.Zone)
		if !ok {
			return nil, badValue(f, noDate.en, noDate.zh)
		}
		return strings.Replace(directory.DateOf(t).String(), "T", " ", 1), nil
	}
	read, why := valueOf(f, text)
	if why != nil {
		return nil, badValue(f, why.en, why.zh)
	}
	n, ok := read.Int()
	if b, is := read.Bool(); is && b {
		n, ok = 1, true
	} else if is {
		n, ok = 0, true
	}
	switch {
	case !ok:
		return nil, badValue(f, "the value is empty", "值是空的")
	case c.engine.kind == postgres:
		return strconv.FormatInt(n, 10), nil // its type is the server's to choose
	default:
		return n, nil
	}
}

func (c *Connector) bindRefs(f field, v directory.Value) (any, error) {
	refs := v.Refs()
	if refs == nil || f.single && len(refs) > 1 {
		return nil, badValue(f, several.en, several.zh)
	}
	ids := make([]string, len(refs))
	for i, r := range refs {
		if r.Kind != f.ref || r.Pending || r.ID == "" {
			return nil, badValue(f, "it refers to something of another kind, or to nothing yet", "引用的对象类型不对，或对象还不存在")
		}
		ids[i] = string(r.ID)
	}
	if f.single {
		return ids[0], nil
	}
	return joined(f, ids)
}

func joined(f field, items []string) (any, error) {
	for _, s := range items {
		if strings.ContainsAny(s, ",\x00") || !utf8.ValidString(s) {
			return nil, badValue(f, "an entry with a comma cannot stand in a list of this database", "含逗号的条目不能写入这个数据库的列表")
		}
	}
	return strings.Join(items, ","), nil
}

func badValue(f field, en, zh string) error {
	return fault.New(fault.Invalid, "%s: %s / %s：%s", f.name, en, f.name, zh)
}

// again gives a value that was read as the driver takes it back unchanged.
func (c *Connector) again(db string, raw any) any {
	if c.engine.kind != postgres {
		return raw
	}
	switch v := raw.(type) {
	case time.Time:
		switch db {
		case "DATE":
			return v.Format("2006-01-02")
		case "TIMESTAMPTZ":
			return v.Format("2006-01-02 15:04:05.999999Z07:00")
		}
		return v.Format("2006-01-02 15:04:05.999999")
	case []byte:
		if isBinary(db) {
			return v
		}
		return string(v) // JSON
	case string:
		return v
	case bool:
		if v {
			return "1"
		}
		return "0"
	case nil:
		return nil
	default:
		r := reader{zone: c.o.Zone}
		text, _ := r.text(db, v) // numbers have no trouble
		return text
	}
}
