package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/robfig/cron/v3"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// engineFlows turns the configured flows into the engine's, rules compiled.
func (a *app) engineFlows(ctx context.Context) ([]engine.Flow, error) {
	var flows []engine.Flow
	var errs []error
	for i := range a.cfg.Flows {
		f, err := a.engineFlow(ctx, &a.cfg.Flows[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		flows = append(flows, f)
	}
	return flows, errors.Join(errs...)
}

func (a *app) engineFlow(ctx context.Context, f *configs.Flow) (engine.Flow, error) {
	source, err := a.source(f.From)
	if err != nil {
		return engine.Flow{}, err
	}
	other, err := a.source(f.To)
	if err != nil {
		return engine.Flow{}, err
	}
	target, ok := other.(connector.Target)
	if !ok {
		return engine.Flow{}, fault.New(fault.Unsupported, "flow %[1]s: %[2]s cannot be written to / 流程 %[1]s：%[2]s 不能写入", f.Name, f.To)
	}
	out := engine.Flow{
		From: f.From, To: f.To, Source: &observedSource{source, f.From, a.observer},
		Target: &observedTarget{observedSource{target, f.To, a.observer}, target}, Zone: a.cfg.Location(), Paused: f.Paused, Spec: f.Schedule,
		OnChange: f.OnChange.Std(),
	}
	if out.Plan, err = planFlow(f); err != nil {
		return engine.Flow{}, err
	}
	users, departments, err := a.ruleFiles(f)
	if err != nil {
		return engine.Flow{}, err
	}
	out.Config = f.Hash(users.Source, departments.Source)
	if users.Source != nil || departments.Source != nil {
		if out.Rules, err = a.rules(ctx, f.Name, source, users, departments); err != nil {
			return engine.Flow{}, fmt.Errorf("flow %s: %w", f.Name, err)
		}
	}
	if f.Schedule != "" {
		if out.Schedule, err = cron.ParseStandard(f.Schedule); err != nil {
			return engine.Flow{}, fault.Wrap(fault.Invalid, err, "flow %[1]s: the schedule is broken / 流程 %[1]s：定时表达式有误", f.Name)
		}
	}
	return out, nil
}

// planFlow turns a configured flow into the planner's words.
func planFlow(f *configs.Flow) (plan.Flow, error) {
	users, err := mapping.Compile(spec(f.Users.Match, f.Users.Map))
	if err != nil {
		return plan.Flow{}, fmt.Errorf("flow %s: users: %w", f.Name, err)
	}
	out := plan.Flow{
		Name: f.Name, Users: users, AdoptAtOnce: f.Adopt == "automatic",
		Scope: mapping.Scope{Departments: f.Users.Scope.Department, Only: values(f.Users.Scope.Only), Not: values(f.Users.Scope.Not)},
		Leavers: plan.Leavers{
			When: values(f.Leavers.When), OutOfScope: f.Leavers.OutOfScope == "leave",
			First: step(f.Leavers.First), Then: step(f.Leavers.Then), After: f.Leavers.After.Std(),
		},
		Guard: plan.Guard{
			MaxDelete: f.Guard.MaxDelete, MaxDeletePercent: float64(f.Guard.MaxDeletePercent),
			MaxDeletePercentPerDepartment: float64(f.Guard.MaxDeletePercentPerDepartment),
			MaxShrinkPercent:              float64(f.Guard.MaxShrinkPercent), MaxChangePercent: float64(f.Guard.MaxChangePercent),
		},
		Protect: plan.Protect{Attributes: values(f.Protect.Attributes), Departments: f.Protect.Departments},
		Approve: plan.Approve{DisableOver: f.Approve.DisableOver, Expires: f.Approve.Expires.Std(), SafeFirst: f.Approve.ApplySafeChangesFirst},
	}
	if f.Departments != nil {
		if out.Departments, err = mapping.Compile(spec(f.Departments.Match, f.Departments.Map)); err != nil {
			return plan.Flow{}, fmt.Errorf("flow %s: departments: %w", f.Name, err)
		}
		out.DeleteGoneDepartments = f.Departments.Gone == "delete"
	}
	return out, nil
}

func spec(match configs.Strings, table configs.Table[configs.Mapping]) mapping.Spec {
	s := mapping.Spec{Match: match}
	for _, m := range table {
		r := mapping.Rule{To: m.Name, From: m.From, Template: m.Value}
		if m.Default != nil {
			r.Default = *m.Default
		}
		s.Rules = append(s.Rules, r)
	}
	return s
}

func values(table configs.Conditions) map[string][]string {
	out := make(map[string][]string, len(table))
	for _, c := range table {
		out[c.Name] = c.Values
	}
	return out
}

// step turns a leavers' word into an operation; keep is none.
func step(word string) plan.Op {
	switch word {
	case "disable":
		return plan.Disable
	case "delete":
		return plan.Delete
	default:
		return plan.None
	}
}

// ruleFiles reads the flow's rule files; a rule that it does not have has no
// source.
func (a *app) ruleFiles(f *configs.Flow) (users, departments scripting.File, err error) {
	if users, err = a.ruleFile(f.Users.Rule); err != nil || f.Departments == nil {
		return users, departments, err
	}
	departments, err = a.ruleFile(f.Departments.Rule)
	return users, departments, err
}

func (a *app) ruleFile(path string) (scripting.File, error) {
	if path == "" {
		return scripting.File{}, nil
	}
	text, err := os.ReadFile(a.cfg.Resolve(path))
	if err != nil {
		return scripting.File{}, fault.Wrap(fault.Invalid, err, "rule %[1]s cannot be read / 规则文件 %[1]s 读不了", path)
	}
	return scripting.File{Path: a.cfg.Resolve(path), Name: path, Source: text}, nil
}

// rules makes the host of a flow's rules.
func (a *app) rules(ctx context.Context, flow string, source connector.Source, users, departments scripting.File) (plan.Rules, error) {
	command, err := a.p.ruleWorker()
	if err != nil {
		return nil, err
	}
	h, err := scripting.New(scripting.Options{ //nolint:contextcheck // the host outlives the opening; Close ends it
		Users: users, Departments: departments, Zone: a.cfg.Location(), Now: a.p.now,
		Declared: a.declared(ctx, source), Command: command, Logger: a.log,
	})
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, func() error { h.Close(); return nil })
	for _, w := range h.Warnings() {
		a.log.WarnContext(ctx, "rule uses an attribute that the source does not declare",
			"warning", fmt.Sprintf("%s:%d:%d: %s", w.File, w.Line, w.Column, fault.In(w.Say, a.p.lang())))
	}
	return &observedRules{h, flow, a.observer}, nil
}

// declared gives the types of the source's attributes. A roster and a database tell
// them only when they are asked; while they cannot be, nothing is declared, and a
// rule that compares what is missing holds its object.
func (a *app) declared(ctx context.Context, source connector.Source) map[directory.Kind]map[string]directory.Type {
	out := map[directory.Kind]map[string]directory.Type{}
	if db, ok := source.(*sqltable.Connector); ok {
		if err := db.Probe(ctx); err != nil {
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
		a.log.WarnContext(ctx, "roster does not tell its columns", "err", err)
		return out
	}
	out[directory.User] = types
	return out
}
