package ruletest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// typeNames are the types that an attribute may be declared with.
var typeNames = []string{"text", "int", "bool", "date", "list", "refs"}

func typeOf(name string) (directory.Type, bool) {
	for t := directory.Text; t <= directory.Refs; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return directory.Absent, false
}

// wellKnown are attributes that are references in every system.
var wellKnown = map[string]directory.Kind{
	directory.AttrDepartments: directory.Department,
	directory.AttrGroups:      directory.Department,
	directory.AttrLeads:       directory.Department,
	directory.AttrParent:      directory.Department,
	directory.AttrManager:     directory.User,
}

func refKind(name string) directory.Kind {
	if kind, ok := wellKnown[name]; ok {
		return kind
	}
	return directory.User
}

var (
	datePattern = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$`)
	intPattern  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
)

// parseDate reads a date, or a date and a time.
func parseDate(s string) (time.Time, bool) {
	s = strings.Replace(s, "T", " ", 1)
	for _, layout := range [...]string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isQuoted tells whether a text was written as one, and not as a bare word.
func isQuoted(n ast.Node) bool {
	s, ok := n.(*ast.StringNode)
	return !ok || s.Token == nil || s.Token.Type != token.StringType
}

// attributes reads a mapping of attributes. An attribute left empty is Absent in the
// result: it is taken away, or, where values are expected, empty.
func (r *reader) attributes(e entry, types map[string]directory.Type) directory.Attributes {
	out := directory.Attributes{}
	if e.node == nil {
		return out
	}
	list, _ := r.entries(e.node, e.where())
	for _, a := range list {
		if a.key == "" {
			r.bad(a.at, say("an attribute has no name", "属性没有名字"))
			continue
		}
		if a.node == nil {
			out[a.key] = directory.Value{}
			continue
		}
		if v, ok := r.value(a, types[a.key]); ok {
			out[a.key] = v
		}
	}
	return out
}

// value reads the value of an attribute of a type; Absent stands for any.
func (r *reader) value(e entry, typ directory.Type) (directory.Value, bool) {
	if typ > directory.Refs { // nothing that a test can write
		typ = directory.Absent
	}
	if _, known := wellKnown[e.key]; known && typ == directory.Absent {
		typ = directory.Refs
	}
	switch typ {
	case directory.List, directory.Refs:
		return r.several(e, typ)
	case directory.Absent:
		return r.untyped(e)
	default:
	}
	s, ok := scalar(e.node)
	if !ok {
		r.bad(e.where(), say("%s is %s: expected one value, not %s", "%s 的类型是 %s：应该是一个值，而不是%s", e.key, typ, kindOf(e.node)))
		return directory.Value{}, false
	}
	if typ == directory.Text {
		return directory.TextOf(s), true
	}
	if s == "" {
		return directory.Empty(typ), true
	}
	return r.typed(e, s, typ)
}

// typed reads a number, a boolean or a date that is written as s.
func (r *reader) typed(e entry, s string, typ directory.Type) (directory.Value, bool) {
	switch typ {
	case directory.Int:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && intPattern.MatchString(s) {
			return directory.IntOf(n), true
		}
		r.bad(e.where(), say("%s is int: %s is not a whole number", "%s 的类型是 int：%s 不是整数", e.key, quoted(s)))
	case directory.Bool:
		if s == "true" || s == "false" {
			return directory.BoolOf(s == "true"), true
		}
		r.bad(e.where(), say("%s is bool: write true or false, not %s", "%s 的类型是 bool：请写 true 或 false，不能是 %s", e.key, quoted(s)))
	default:
		return r.date(e, s)
	}
	return directory.Value{}, false
}

func (r *reader) date(e entry, s string) (directory.Value, bool) {
	if t, ok := parseDate(s); ok && t.Year() > 0 {
		return directory.DateOf(t), true
	}
	r.bad(e.where(), say("%s: %s is not a date: write 2026-07-22 or 2026-07-22 09:30", "%s：%s 不是日期，请写成 2026-07-22 或 2026-07-22 09:30", e.key, quoted(s)))
	return directory.Value{}, false
}

// untyped lets what is written decide.
func (r *reader) untyped(e entry) (directory.Value, bool) {
	switch n := e.node.(type) {
	case *ast.SequenceNode:
		return r.several(e, directory.List)
	case *ast.BoolNode:
		return directory.BoolOf(n.Value), true
	case *ast.IntegerNode:
		s := n.GetToken().Value
		if v, err := strconv.ParseInt(s, 10, 64); err == nil && intPattern.MatchString(s) {
			return directory.IntOf(v), true
		}
		r.bad(e.where(), say("%s: %s may be read in more than one way: quote it, or give the attribute a type", "%s：%s 有多种读法，请加引号，或在 types 里声明类型", e.key, quoted(s)))
		return directory.Value{}, false
	}
	s, ok := scalar(e.node)
	switch e.node.(type) {
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		ok = false
	}
	switch {
	case !ok:
		r.bad(e.where(), say("%s: expected a text, a whole number, true or false, a date or a list, not %s", "%s：应该是文本、整数、true 或 false、日期或列表，而不是%s", e.key, kindOf(e.node)))
		return directory.Value{}, false
	case !isQuoted(e.node) && datePattern.MatchString(s):
		return r.date(e, s)
	}
	return directory.TextOf(s), true
}

// several reads a list of texts or ids; one may stand alone.
func (r *reader) several(e entry, typ directory.Type) (directory.Value, bool) {
	nodes := []ast.Node{e.node}
	if seq, ok := e.node.(*ast.SequenceNode); ok {
		nodes = seq.Values
	}
	items := make([]string, 0, len(nodes))
	for _, n := range nodes {
		s, ok := scalar(n)
		if !ok {
			r.bad(entry{at: e.at, node: n}.where(), say("%s: expected texts in the list, not %s", "%s：列表里应该是文本，而不是%s", e.key, kindOf(n)))
			return directory.Value{}, false
		}
		items = append(items, s)
	}
	if typ == directory.List {
		return directory.ListOf(items...), true
	}
	var ids []directory.ID
	for _, s := range items {
		if s != "" { // an empty text is no reference
			ids = append(ids, directory.ID(s))
		}
	}
	if single := e.key == directory.AttrManager || e.key == directory.AttrParent; single && len(ids) > 1 {
		r.bad(e.where(), say("%s is one id", "%s 只能是一个编号", e.key))
		return directory.Value{}, false
	}
	return directory.RefsToKind(refKind(e.key), ids...), true
}

// same tells whether a value is what was expected. Whether a list of ids is one of
// references cannot be seen in a test file.
func same(want, got directory.Value) bool {
	if want.Type() == directory.Unknown || got.Type() == directory.Unknown {
		return false
	}
	if want.IsEmpty() && got.IsEmpty() {
		return true
	}
	if many(want.Type()) && many(got.Type()) {
		return strings.Join(itemsOf(want), "\x00") == strings.Join(itemsOf(got), "\x00")
	}
	return want.Type() == got.Type() && want.Equal(got)
}

func many(t directory.Type) bool { return t == directory.List || t == directory.Refs }

func itemsOf(v directory.Value) []string {
	if v.Type() == directory.List {
		return v.List()
	}
	var ids []string
	for _, ref := range v.Refs() {
		ids = append(ids, string(ref.ID))
	}
	return ids
}

// shown gives a value as a test file would have it.
func shown(v directory.Value) text {
	switch {
	case v.Type() == directory.Unknown:
		return text{"hidden", "不可见"}
	case v.IsEmpty():
		return text{"empty", "空"}
	case many(v.Type()):
		items := itemsOf(v)
		for i, s := range items {
			items[i] = strconv.Quote(s)
		}
		s := plain("[" + strings.Join(items, ", ") + "]")
		return text{s, s}
	case v.Type() == directory.Text:
		s := strconv.Quote(v.Text())
		return text{s, s}
	}
	return text{v.String(), v.String()}
}

// shownApart gives two values that differ, with their types when nothing else
// tells them apart.
func shownApart(want, got directory.Value) (w, g text) {
	w, g = shown(want), shown(got)
	if want.Type() != got.Type() && want.String() == got.String() && want.Type() != directory.Unknown {
		w, g = say("%s (%s)", "%s（%s）", w, want.Type()), say("%s (%s)", "%s（%s）", g, got.Type())
	}
	return w, g
}
