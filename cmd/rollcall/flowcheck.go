package main

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// misfit is something that a flow wants and its systems do not have. Whether it
// is so shows without any network.
type misfit struct {
	path   string // in the configuration
	reads  bool   // it is about what the source has
	broken bool   // the flow cannot do what it is for; otherwise somebody should look
	say    bot.Text
	fix    bot.Text
}

// fitting compares a flow with what its two systems say of themselves.
type fitting struct {
	f        *configs.Flow
	from, to *configs.System
	source   attributeNames
	target   connector.Info
	unread   map[directory.Kind]bool // whose columns the target has not told
	found    []misfit
}

// attributeNames are the attributes that a source has, by kind; nil when they are not
// known.
type attributeNames map[directory.Kind][]string

// add adds what a rule writes, where anything is known.
func (n attributeNames) add(written []ruleWrite) {
	for _, w := range written {
		if len(n[w.kind]) > 0 {
			n[w.kind] = append(n[w.kind], w.name)
		}
	}
}

// writtenIn gives what the rules of a flow write.
func (a *app) writtenIn(flow string) []ruleWrite {
	a.making.Lock()
	defer a.making.Unlock()
	return slices.DeleteFunc(slices.Clone(a.written), func(w ruleWrite) bool { return w.flow != flow })
}

// misfits compares a flow with its systems. A system that cannot be made is left
// to whoever says so.
func (a *app) misfits(ctx context.Context, f *configs.Flow) []misfit {
	from, ok := a.cfg.System(f.From)
	to, there := a.cfg.System(f.To)
	if !ok || !there {
		return nil
	}
	fit := fitting{f: f, from: from, to: to}
	if source, err := a.source(f.From); err == nil {
		fit.source = sourceAttributes(ctx, source)
		fit.source.add(a.writtenIn(f.Name))
		fit.checkSource()
	}
	if target, err := a.source(f.To); err == nil {
		fit.target, fit.unread = target.Describe(), unread(target)
		fit.checkTarget()
		fit.checkOps()
	}
	fit.checkAcceptor()
	return fit.found
}

// unread gives the kinds of which a database has not told its columns: nobody can say
// that it lacks one.
func unread(source connector.Source) map[directory.Kind]bool {
	db, ok := source.(*sqltable.Connector)
	if !ok {
		return nil
	}
	return map[directory.Kind]bool{directory.User: !db.Known(directory.User), directory.Department: !db.Known(directory.Department)}
}

// sourceAttributes gives what a source has. The columns of a roster and of a database are
// known only when they can be read; nothing is given of what is not known.
func sourceAttributes(ctx context.Context, source connector.Source) attributeNames {
	out := attributeNames{}
	info := source.Describe()
	for _, at := range info.Attributes {
		out[at.Kind] = append(out[at.Kind], at.Name)
	}
	for kind, id := range map[directory.Kind]string{directory.User: info.IDAttribute, directory.Department: info.DepartmentIDAttribute} {
		if id != "" && !slices.Contains(out[kind], id) {
			out[kind] = append(out[kind], id)
		}
	}
	for kind, hidden := range unread(source) {
		if hidden {
			out[kind] = nil
		}
	}
	roster, ok := source.(*rosterfile.Connector)
	if !ok {
		return out
	}
	types, err := roster.Declared(ctx)
	if err != nil {
		out[directory.User] = nil
		return out
	}
	out[directory.User] = nil
	for name := range types {
		out[directory.User] = append(out[directory.User], name)
	}
	slices.Sort(out[directory.User])
	return out
}

func (x *fitting) add(broken bool, path string, say, fix bot.Text) {
	x.append(misfit{path: "flows." + x.f.Name + "." + path, broken: broken, say: say, fix: fix})
}

func (x *fitting) addRead(broken bool, path string, say, fix bot.Text) {
	x.append(misfit{path: "flows." + x.f.Name + "." + path, reads: true, broken: broken, say: say, fix: fix})
}

func (x *fitting) append(m misfit) {
	if !slices.Contains(x.found, m) {
		x.found = append(x.found, m)
	}
}

// lone tells whether there is one key only to find objects by: without it nobody is
// found.
func (x *fitting) lone(kind directory.Kind) bool {
	if kind == directory.Department {
		return len(x.f.Departments.Match) == 1
	}
	return len(x.f.Users.Match) == 1
}

// perhaps suggests a name in both languages.
func perhaps(name string, candidates []string) (zh, en string) {
	near, ok := nearest(name, candidates)
	if !ok {
		return "", ""
	}
	return "，可能是 " + near, "; perhaps " + near
}

// checkSource sees that the source has what the flow reads.
func (x *fitting) checkSource() {
	for _, a := range sourceNames(x.f) {
		have := x.source[a.Kind]
		if len(have) == 0 || everywhere(a.Named) || slices.Contains(have, a.Name) {
			continue
		}
		zh, en := perhaps(a.Name, have)
		x.addRead(!a.match || x.lone(a.Kind), a.where, bot.Text{
			ZH: a.where + " 用到 " + a.Name + "，" + x.f.From + " 没有这个属性" + zh,
			EN: a.where + " reads " + a.Name + ", which " + x.f.From + " has not" + en,
		}, declaring(x.from, a.Name))
	}
}

// declaring says how a system comes to have an attribute.
func declaring(s *configs.System, name string) bot.Text {
	at := "systems." + s.Name
	prefix, _, custom := strings.Cut(name, ".")
	switch {
	case custom && slices.Contains([]string{"custom", "extattr", "extension"}, prefix):
		at += ".custom_attributes"
	case s.File != nil, s.LDAP != nil, s.SCIM != nil, s.SCIMServer != nil, s.SQL != nil:
		at += ".attributes"
	default:
		return bot.Text{ZH: "改成 docs/systems 里 " + s.Type + " 一页列出的属性", EN: "use an attribute that docs/systems lists for " + s.Type}
	}
	return bot.Text{ZH: "改正名字，或在 " + at + " 里声明", EN: "correct the name, or declare it under " + at}
}

// checkTarget sees that the target has what the flow writes and finds by.
func (x *fitting) checkTarget() {
	written, finds := targetNames(x.f)
	for _, a := range written {
		if x.target.Can(a.Kind, plan.Create) || x.target.Can(a.Kind, plan.Update) {
			x.checkWritten(a)
		}
	}
	for _, a := range finds {
		have := x.attributes(a.Kind, false)
		if len(have) == 0 || x.unread[a.Kind] || everywhere(a.Named) || slices.Contains(have, a.Name) {
			continue
		}
		if slices.Contains(written, asked{a.Named, strings.TrimSuffix(a.where, ".match") + ".map", false}) {
			continue // said of the mapping
		}
		zh, en := perhaps(a.Name, have)
		x.add(x.lone(a.Kind), a.where, bot.Text{
			ZH: a.where + " 要在 " + x.f.To + " 里按 " + a.Name + " 查找，那里没有这个属性" + zh,
			EN: a.where + " looks for " + a.Name + " in " + x.f.To + ", which has it not" + en,
		}, bot.Text{ZH: "在映射里给它一个目标属性，或换一个匹配键", EN: "map it to an attribute of the target, or match by another key"})
	}
}

func (x *fitting) checkWritten(a asked) {
	at, ok := x.target.Attribute(a.Kind, a.Name)
	if ok && at.Writable || everywhere(a.Named) || a.Name == x.idAttribute(a.Kind) || len(x.attributes(a.Kind, false)) == 0 {
		return
	}
	zh, en := perhaps(a.Name, x.attributes(a.Kind, true))
	say := bot.Text{
		ZH: a.where + " 要写入 " + a.Name + "，" + x.f.To + " 没有这个属性" + zh,
		EN: a.where + " writes " + a.Name + ", which " + x.f.To + " has not" + en,
	}
	fix := declaring(x.to, a.Name)
	if ok {
		say = bot.Text{
			ZH: a.where + " 要写入 " + a.Name + "，" + x.f.To + " 只能读取它" + zh,
			EN: a.where + " writes " + a.Name + ", which can only be read in " + x.f.To + en,
		}
		fix = bot.Text{ZH: "改成可写的属性，或从映射中去掉", EN: "use an attribute that can be written, or take it out of the mapping"}
	}
	x.add(true, a.where, say, fix)
}

func (x *fitting) idAttribute(kind directory.Kind) string {
	if kind == directory.Department {
		return x.target.DepartmentIDAttribute
	}
	return x.target.IDAttribute
}

// attributes gives the target's attributes of a kind.
func (x *fitting) attributes(kind directory.Kind, writable bool) []string {
	var list []string
	for _, a := range x.target.Attributes {
		if a.Kind == kind && (a.Writable || !writable) {
			list = append(list, a.Name)
		}
	}
	return list
}
