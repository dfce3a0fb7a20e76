package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// giveRules gives a flow its rules and what identifies them. A rule that cannot be
// read or does not compile is written down, and the flow gets rules that judge
// nobody: its runs are blocked and say so. Faults: Unavailable and Internal, when
// rules cannot be run at all.
func (a *app) giveRules(ctx context.Context, f *configs.Flow, out *engine.Flow) error {
	users, departments, err := a.ruleFiles(f)
	out.Config = f.Hash(users.Source, departments.Source)
	out.Texts = ruleTexts(users, departments)
	if err == nil && len(out.Texts) > 0 {
		out.Rules, err = a.ownRules(ctx, f, out)
	}
	if fault.KindOf(err) != fault.Invalid {
		return err
	}
	bad := brokenRule{flow: f.Name, err: err, place: placeOf(err, users, departments)}
	a.making.Lock()
	a.broken = append(a.broken, bad)
	a.making.Unlock()
	out.Rules = brokenRules{bad.place}
	return nil
}

// ruleFiles reads the flow's rule files; a rule that it does not have has no
// source. Faults: Invalid.
func (a *app) ruleFiles(f *configs.Flow) (users, departments scripting.File, err error) {
	users, err = a.ruleFile(f.Users.Rule)
	if f.Departments == nil {
		return users, departments, err
	}
	departments, other := a.ruleFile(f.Departments.Rule)
	return users, departments, errors.Join(err, other)
}

func (a *app) ruleFile(path string) (scripting.File, error) {
	if path == "" {
		return scripting.File{}, nil
	}
	file := scripting.File{Path: a.cfg.Resolve(path), Name: path}
	text, err := os.ReadFile(file.Path)
	switch {
	case err != nil:
		return file, fault.Wrap(fault.Invalid, err, "rule %[1]s cannot be read / 规则文件 %[1]s 读不了", path)
	case strings.TrimSpace(string(text)) == "":
		return file, fault.New(fault.Invalid, "rule %[1]s is empty; it ends with return context; / 规则文件 %[1]s 是空的；最后一行要写 return context;", path)
	}
	file.Source = text
	return file, nil
}

func ruleTexts(users, departments scripting.File) []plan.RuleText {
	var texts []plan.RuleText
	if users.Source != nil {
		texts = append(texts, plan.RuleText{Kind: directory.User, Name: users.Name, Text: string(users.Source)})
	}
	if departments.Source != nil {
		texts = append(texts, plan.RuleText{Kind: directory.Department, Name: departments.Name, Text: string(departments.Source)})
	}
	return texts
}

// ownRules makes the host of a flow's own rules, which lives as long as the app.
func (a *app) ownRules(ctx context.Context, f *configs.Flow, out *engine.Flow) (plan.Rules, error) {
	source, err := a.source(f.From) // not the flow's own: who watches it hides what a roster tells
	if err != nil {
		return nil, err
	}
	h, err := a.host(ctx, f.Name, source, out.Texts)
	if err != nil {
		return nil, err
	}
	a.making.Lock()
	a.closers = append(a.closers, func() error { h.Close(); return nil })
	a.making.Unlock()
	a.noteDoubts(f.Name, h.Warnings())
	return &observedRules{h, f.Name, a.observer}, nil
}

// otherRules makes rules of texts that a flow had before, or may get, with all that
// its own are made with.
func (a *app) otherRules(ctx context.Context, flow string, texts []plan.RuleText) (plan.Rules, func(), error) {
	f, ok := a.cfg.Flow(flow)
	if !ok {
		return nil, nil, fault.New(fault.NotFound, "there is no flow %[1]q / 没有流程“%[1]s”", flow)
	}
	source, err := a.source(f.From)
	if err != nil {
		return nil, nil, err
	}
	h, err := a.host(ctx, flow, source, texts)
	if err != nil {
		return nil, nil, err
	}
	return h, h.Close, nil
}

// host makes a host of rule texts. Faults: those of scripting.New.
func (a *app) host(ctx context.Context, flow string, source connector.Source, texts []plan.RuleText) (ruleHost, error) {
	command, err := a.p.ruleWorker()
	if err != nil {
		return ruleHost{}, err
	}
	o := scripting.Options{
		Zone: a.cfg.Location(), Now: a.p.now, Declared: a.declaredOnce(ctx, flow, source), Command: command, Logger: a.log,
		Slots: a.slots,
	}
	for _, t := range texts {
		file := scripting.File{Path: a.cfg.Resolve(t.Name), Name: t.Name, Source: []byte(t.Text)}
		if t.Kind == directory.Department {
			o.Departments = file
		} else {
			o.Users = file
		}
	}
	h, err := scripting.New(o) //nolint:contextcheck // the host outlives the question; Close ends it
	if err != nil {
		return ruleHost{}, err
	}
	return ruleHost{h}, nil
}

// ruleHost is a host that tells the engine what a rule logs.
type ruleHost struct{ *scripting.Host }

var (
	_ plan.Rules    = ruleHost{}
	_ engine.Teller = ruleHost{}
)

// Tell judges one subject and gives what its rule logged.
func (h ruleHost) Tell(ctx context.Context, subject plan.Subject, look plan.Lookup) (plan.Verdict, []string, error) {
	v, trace, err := h.Try(ctx, subject, look)
	return v, trace.Logs, err
}

// brokenRule is a rule that cannot be read or does not compile.
type brokenRule struct {
	flow  string
	err   error
	place *plan.RuleError // where, and what is wrong
}

// brokenRules stand for the rules of a flow of which one is of no use.
type brokenRules struct{ err *plan.RuleError }

var _ plan.Rules = brokenRules{}

// Mentions tells that there is a rule for every kind: nothing goes past it.
func (b brokenRules) Mentions(directory.Kind) (plan.Calls, bool) { return plan.Calls{}, true }

// Judge says why nobody is judged.
func (b brokenRules) Judge(context.Context, []plan.Subject, plan.Lookup) ([]plan.Verdict, error) {
	return nil, b.err
}

// brokenIn gives what is wrong with the rules of a flow.
func (a *app) brokenIn(flow string) (brokenRule, bool) {
	for _, b := range a.broken {
		if b.flow == flow {
			return b, true
		}
	}
	return brokenRule{}, false
}

// tellBroken writes the rules that are of no use into the log.
func (a *app) tellBroken(ctx context.Context) {
	for i := range a.cfg.Flows {
		if b, ok := a.brokenIn(a.cfg.Flows[i].Name); ok {
			a.log.ErrorContext(ctx, "rule is of no use: every run of its flow is blocked until it is mended",
				"flow", b.flow, "place", b.place.Place().String(), "err", fault.In(b.place.Say, a.p.lang()))
		}
	}
}

// placeOf gives the first thing that is wrong with rules, with its line, and how many
// more there are. The sentence of a fault of rules has a line "file:line:column: what"
// for each mistake.
func placeOf(err error, files ...scripting.File) *plan.RuleError {
	say := fault.Say(err)
	en, more, _ := strings.Cut(fault.In(say, "en"), "\n")
	zh, _, _ := strings.Cut(fault.In(say, "zh"), "\n")
	out := &plan.RuleError{}
	for _, f := range files {
		if f.Name == "" {
			continue
		}
		if out.File == "" && f.Source == nil {
			out.File = f.Name // the one that could not be read
		}
		rest, ok := strings.CutPrefix(en, f.Name+":")
		if !ok {
			continue
		}
		line, rest, _ := strings.Cut(rest, ":")
		column, what, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(line); err == nil {
			out.File, out.Line, en = f.Name, n, what
			zh = strings.TrimPrefix(zh, f.Name+":"+line+":"+column+": ")
		}
		break
	}
	if n := strings.Count(more, "\n") + 1; more != "" {
		en, zh = fmt.Sprintf("%s (and %d more)", en, n), fmt.Sprintf("%s（另有 %d 处）", zh, n)
	}
	out.Say = en + " / " + zh
	return out
}

// declaredOnce gives the types of the attributes of a flow's source as they were when
// its rules were first made: all its rules, of now and before, see the same.
func (a *app) declaredOnce(ctx context.Context, flow string, source connector.Source) map[directory.Kind]map[string]directory.Type {
	a.making.Lock()
	known, ok := a.types[flow]
	a.making.Unlock()
	if ok {
		return known
	}
	types := a.declared(ctx, source)
	a.making.Lock()
	defer a.making.Unlock()
	a.types[flow] = types
	return types
}

// declared gives the types of the source's attributes. A roster and a database tell
// them only when they are asked; while they cannot be, nothing is declared, and a
// rule that compares what is missing holds its object.
func (a *app) declared(ctx context.Context, source connector.Source) map[directory.Kind]map[string]directory.Type {
	out := map[directory.Kind]map[string]directory.Type{}
	if db, ok := source.(*sqltable.Connector); ok {
		err := a.probe(ctx, db)
		if err != nil && a.checking {
			return out // of what is not known nothing is doubted; that it is not is printed
		}
		if err != nil {
			a.log.WarnContext(ctx, "database does not tell its columns", "err", err)
		}
	}
	for _, attr := range source.Describe().Attributes {
		if out[attr.Kind] == nil {
			out[attr.Kind] = map[string]directory.Type{}
		}
		out[attr.Kind][attr.Name] = attr.Type
	}
	roster, ok := source.(*rosterfile.Connector)
	if !ok {
		return out
	}
	types, err := roster.Declared(ctx)
	if err != nil {
		if !a.checking {
			a.log.WarnContext(ctx, "roster does not tell its columns", "err", err)
		}
		return out
	}
	out[directory.User] = types
	return out
}
