package sqltable

import (
	"errors"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The name of the object's id in statements.
const paramID = "id"

// table is a Table that was understood.
type table struct {
	kind     directory.Kind
	idColumn string
	idAttr   string
	fields   []field // declared ones, and standard ones that statements name

	read                                    *statement
	one                                     *statement // nil: Read with a condition
	create, update, disable, enable, delete *statement // nil: cannot
}

// field is one attribute of a table.
type field struct {
	name   string
	column string
	typ    directory.Type
	ref    directory.Kind // of Refs
	single bool           // of Refs: at most one
	auto   bool           // the type goes by the database
}

// writes lists the writing statements that there are.
func (t *table) writes() []*statement {
	return slices.DeleteFunc([]*statement{t.create, t.update, t.disable, t.enable, t.delete}, func(s *statement) bool { return s == nil })
}

// field gives an attribute.
func (t *table) field(name string) (field, bool) {
	i := slices.IndexFunc(t.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return t.fields[i], true
}

// compile checks the options. All mistakes are told at once.
func (c *Connector) compile() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "%s is missing or wrong / %s 缺失或有误", name, name))
		}
	}
	need(c.o.System != "", "system")
	need(c.o.Contents == Full || c.o.Contents == Partial, "contents")
	need(c.o.Now != nil, "clock")
	need(c.o.Zone != nil, "zone")
	need(c.o.CallTimeout > 0, "call timeout")
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	var err error
	if c.engine, err = c.dial(); err != nil {
		errs = append(errs, err)
		if c.engine.name == "" {
			return errors.Join(errs...)
		}
	}
	c.tables = map[directory.Kind]*table{}
	kinds := map[directory.Kind]*Table{directory.User: &c.o.Users, directory.Department: c.o.Departments}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		if kinds[kind] == nil {
			continue
		}
		b := compiler{g: c.engine.grammar, in: kinds[kind], departments: c.o.Departments != nil}
		c.tables[kind] = b.table(kind)
		errs = append(errs, b.errs...)
	}
	return errors.Join(errs...)
}

// compiler understands one Table.
type compiler struct {
	g           grammar
	in          *Table
	departments bool // there is a table of them
	prefix      string
	out         *table
	errs        []error
}

func (b *compiler) bad(where, en, zh string) {
	where = b.prefix + where
	b.errs = append(b.errs, fault.New(fault.Invalid, "%s: %s / %s：%s", where, en, where, zh))
}

func (b *compiler) table(kind directory.Kind) *table {
	b.prefix = string(kind) + "s."
	b.out = &table{kind: kind, idColumn: b.in.ID, idAttr: b.in.ID}
	if b.in.ID == "" {
		b.bad("id", "name the column that identifies an object", "请写明唯一标识对象的列")
	}
	b.declared()
	b.out.read = b.statement("read", b.in.Read, "SELECT", "WITH", "VALUES", "TABLE")
	if strings.TrimSpace(b.in.Read) == "" {
		b.bad("read", "write the query of all objects", "请写出读取全部对象的查询")
	}
	if b.out.read != nil && len(b.out.read.params) > 0 {
		p := b.out.read.params[0]
		b.errs = append(b.errs, misplaced(b.out.read.name, p, "the query of all objects takes no parameter, :"+p.name+" stands here", "读取全部对象的查询不能有参数，这里有 :"+p.name))
	}
	b.out.one = b.statement("one", b.in.One, "SELECT", "WITH")
	b.out.create = b.statement("create", b.in.Create, "INSERT", "WITH", "MERGE")
	b.out.update = b.statement("update", b.in.Update, "UPDATE", "WITH", "MERGE")
	b.out.disable = b.statement("disable", b.in.Disable, "UPDATE", "INSERT", "DELETE", "WITH", "MERGE")
	b.out.enable = b.statement("enable", b.in.Enable, "UPDATE", "INSERT", "DELETE", "WITH", "MERGE")
	b.out.delete = b.statement("delete", b.in.Delete, "DELETE", "UPDATE", "WITH")
	if kind == directory.Department && (b.out.disable != nil || b.out.enable != nil) {
		b.bad("disable", "departments are neither disabled nor enabled: remove the statement", "部门没有停用和启用：请删掉这条语句")
	}
	for _, s := range append(b.out.writes(), b.out.one) {
		b.params(s)
	}
	return b.out
}

// statement reads one statement, nil when there is none or it is wrong.
func (b *compiler) statement(name, source string, verbs ...string) *statement {
	if strings.TrimSpace(source) == "" {
		return nil
	}
	s, err := parse(b.g, b.prefix+name, source)
	if err != nil {
		b.errs = append(b.errs, err)
		return nil
	}
	if !slices.Contains(verbs, s.verb) {
		list := strings.Join(verbs, ", ")
		b.bad(name, "the statement begins with "+clip(s.verb)+", it must begin with one of "+list, "语句以 "+clip(s.verb)+" 开头，只能是 "+list+" 之一")
	}
	if s.replaces {
		b.bad(name, "OR REPLACE deletes other rows that are in the way: leave it out", "OR REPLACE 会删除妨碍它的其他行：请去掉")
	}
	return s
}

// params checks the parameters of a statement.
func (b *compiler) params(s *statement) {
	if s == nil {
		return
	}
	id := s.has(paramID) || s != b.out.one && s.has(b.out.idAttr)
	if !id {
		b.errs = append(b.errs, fault.New(fault.Invalid, "%s: the statement does not name its object: write :id / %s：语句没有指明对象：请写 :id", s.name, s.name))
	}
	for _, p := range s.params {
		if p.name == paramID || s != b.out.one && b.know(p.name) {
			continue
		}
		if s == b.out.one {
			b.errs = append(b.errs, misplaced(s.name, p, "there is no :"+p.name+" here, only :id", "这里没有 :"+p.name+"，只有 :id"))
			continue
		}
		b.errs = append(b.errs, misplaced(s.name, p,
			"there is no attribute "+p.name+": correct the name, or declare it under attributes",
			"没有属性 "+p.name+"：请改正名字，或在 attributes 里声明"))
	}
}

// know tells whether a name is an attribute, and takes a standard one up.
func (b *compiler) know(name string) bool {
	if _, ok := b.out.field(name); ok {
		return true
	}
	if !slices.Contains(standardNames(b.out.kind), name) {
		return false
	}
	b.out.fields = append(b.out.fields, b.standard(name, name))
	return true
}

func standardNames(kind directory.Kind) []string {
	if kind == directory.Department {
		return []string{directory.AttrName, directory.AttrParent}
	}
	return []string{
		directory.AttrName, directory.AttrMobile, directory.AttrEmail, directory.AttrEmployeeNo, directory.AttrTitle,
		directory.AttrDepartments, directory.AttrManager, directory.AttrLeads, directory.AttrActive,
	}
}

// standard gives an attribute that is not declared, or has no type.
func (b *compiler) standard(name, column string) field {
	return standardField(b.out.kind, name, column, b.departments)
}

func standardField(kind directory.Kind, name, column string, departments bool) field {
	f := field{name: name, column: column, typ: directory.Text}
	refs := func(to directory.Kind, single bool) { f.typ, f.ref, f.single = directory.Refs, to, single }
	user := kind == directory.User
	switch {
	case !slices.Contains(standardNames(kind), name):
		f.auto = true
	case user && name == directory.AttrActive:
		f.typ = directory.Bool
	case user && name == directory.AttrManager:
		refs(directory.User, true)
	case user && departments && (name == directory.AttrDepartments || name == directory.AttrLeads):
		refs(directory.Department, false)
	case !user && name == directory.AttrParent:
		refs(directory.Department, true)
	}
	return f
}

// declared takes up the id and what is declared.
func (b *compiler) declared() {
	seen := map[string]bool{}
	for _, d := range b.in.Attributes {
		where := "attributes." + d.Name
		if d.Name == "" || seen[d.Name] {
			b.bad(where, "the attribute has no name, or is declared twice", "属性没有名字，或声明了两次")
		}
		seen[d.Name] = true
		if d.Column == "" {
			d.Column = d.Name
		}
		f := b.standard(d.Name, d.Column)
		if d.Type != "" {
			f = b.typed(f, d.Type, where)
		}
		b.strict(f, where)
		if d.Column == b.in.ID && b.out.idAttr == b.in.ID && !seen[b.in.ID] {
			b.out.idAttr = d.Name
		}
		b.out.fields = append(b.out.fields, f)
	}
	if f, ok := b.out.field(b.out.idAttr); !ok {
		b.out.fields = append([]field{{name: b.out.idAttr, column: b.in.ID, typ: directory.Text}}, b.out.fields...)
	} else if f.column != b.in.ID || f.typ != directory.Text && f.typ != directory.Int {
		b.bad("attributes."+f.name, "the id is a text or an int, of the column "+b.in.ID, "编号只能是 text 或 int，取自列 "+b.in.ID)
	}
	if _, other := b.out.field(paramID); other && b.out.idAttr != paramID {
		b.bad("attributes."+paramID, ":id always means the object's id: give the attribute another name", ":id 总是指对象的编号：请给这个属性换个名字")
	}
}

// typed gives an attribute its declared type.
func (b *compiler) typed(f field, typ, where string) field {
	f.auto, f.ref, f.single = false, "", f.single && (typ == "users" || typ == "departments")
	switch typ {
	case "text":
		f.typ = directory.Text
	case "int":
		f.typ = directory.Int
	case "bool":
		f.typ = directory.Bool
	case "date":
		f.typ = directory.Date
	case "list":
		f.typ = directory.List
	case "users":
		f.typ, f.ref = directory.Refs, directory.User
	case "departments":
		f.typ, f.ref = directory.Refs, directory.Department
		if !b.departments {
			b.bad(where, "there is no table of departments: add departments, or make it a text", "没有部门表：请加上 departments，或改为 text")
		}
	default:
		b.bad(where, "there is no type "+typ, "没有类型 "+typ)
	}
	return f
}

// strict sees that what Rollcall goes by has the type that it needs.
func (b *compiler) strict(f field, where string) {
	want := b.standard(f.name, f.column)
	switch {
	case want.typ == directory.Bool && f.typ != directory.Bool:
		b.bad(where, "active says whether the account may be used: its type is bool", "active 表示账号能否使用：类型只能是 bool")
	case f.name == directory.AttrParent && want.typ == directory.Refs && (f.typ != directory.Refs || f.ref != directory.Department):
		b.bad(where, "parent is the department above: its type is departments", "parent 是上级部门：类型只能是 departments")
	}
}

// clip shortens what is shown.
func clip(s string) string {
	const most = 40
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), " / ", "/")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
