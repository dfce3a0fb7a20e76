package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// makers is how many flows are made at once: most of the time goes into compiling
// rules, and one that takes long must not keep the others waiting.
const makers = 8

// engineFlows turns the configured flows into the engine's, rules compiled. A rule
// that is of no use keeps its flow from doing anything, and no other.
func (a *app) engineFlows(ctx context.Context) ([]engine.Flow, error) {
	flows, errs := make([]engine.Flow, len(a.cfg.Flows)), make([]error, len(a.cfg.Flows))
	var g errgroup.Group
	g.SetLimit(makers)
	for i := range a.cfg.Flows {
		g.Go(func() error {
			flows[i], errs[i] = a.engineFlow(ctx, &a.cfg.Flows[i])
			return nil
		})
	}
	if err := errors.Join(append(errs, g.Wait())...); err != nil {
		return nil, err
	}
	return flows, nil
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
		From: f.From, To: f.To, Source: a.fail.source(&observedSource{source, f.From, a.observer}),
		Target: a.fail.target(&observedTarget{observedSource{target, f.To, a.observer}, target}), Zone: a.cfg.Location(), Paused: f.Paused, Spec: f.Schedule,
		OnChange: f.OnChange.Std(),
	}
	if out.Plan, err = planFlow(f); err != nil {
		return engine.Flow{}, err
	}
	if err := a.giveRules(ctx, f, &out); err != nil {
		return engine.Flow{}, fmt.Errorf("flow %s: %w", f.Name, err)
	}
	if f.Schedule != "" {
		if out.Schedule, err = parseSchedule(f.Schedule); err != nil {
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
			MaxRuleErrorPercent: float64(f.Guard.MaxRuleErrorPercent),
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
