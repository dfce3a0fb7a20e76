package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// checkRules compiles the rules and mappings of every flow, and compares each flow
// with what its systems can do, without opening the record or calling anybody.
func (p *process) checkRules(ctx context.Context, cfg *configs.Config) error {
	a := p.bare(cfg)
	a.checking = true
	var errs []error
	refused := 0
	for i := range cfg.Flows {
		f := &cfg.Flows[i]
		_, err := a.engineFlow(ctx, f)
		errs = append(errs, err)
		refused += a.printRefused(f.Name)
		a.printDoubts(f.Name)
	}
	a.printSilent(ctx)
	if refused > 0 {
		errs = append(errs, fault.New(fault.Invalid, "%[1]d mistake(s) in rules / 规则脚本里有 %[1]d 处错误", refused))
	}
	return errors.Join(errors.Join(errs...), a.checkFits(ctx), a.close())
}

// printSilent prints which systems do not tell what they have, once each: the flows are
// not compared with those, and do not run until they do.
func (a *app) printSilent(ctx context.Context) {
	asked := map[string]bool{}
	for i := range a.cfg.Flows {
		for _, name := range []string{a.cfg.Flows[i].From, a.cfg.Flows[i].To} {
			if asked[name] {
				continue
			}
			asked[name] = true
			if err := a.tells(ctx, name); err != nil {
				_, _ = fmt.Fprintf(a.p.stderr, "! systems.%s: %s\n", name, fault.In(fault.Say(err), a.p.lang()))
			}
		}
	}
}

// tells asks a roster or a database for its columns; others are not asked, and one that
// cannot be made is left to whoever says so.
func (a *app) tells(ctx context.Context, system string) error {
	source, err := a.source(system)
	if err != nil {
		return nil //nolint:nilerr // it is said elsewhere
	}
	switch s := source.(type) {
	case *rosterfile.Connector:
		_, err = s.Declared(ctx)
	case *sqltable.Connector:
		err = a.probe(ctx, s)
	}
	return err
}

// probe asks a database for its columns; while a configuration is checked once only,
// since one that is away takes its time for each flow.
func (a *app) probe(ctx context.Context, db *sqltable.Connector) error {
	a.making.Lock()
	err, asked := a.probed[db]
	a.making.Unlock()
	if asked {
		return err
	}
	if err = db.Probe(ctx); a.checking {
		a.making.Lock()
		defer a.making.Unlock()
		if a.probed == nil {
			a.probed = map[*sqltable.Connector]error{}
		}
		a.probed[db] = err
	}
	return err
}

// ruleDoubt is a doubtful place in a rule of a flow.
type ruleDoubt struct {
	flow string
	scripting.Warning
}

// ruleWrite is an attribute that a flow's rule writes and its source does not have.
type ruleWrite struct {
	flow string
	kind directory.Kind
	name string
}

// noteDoubts keeps what is doubtful in the rules of a flow. That a rule writes what the
// source does not have is no doubt when the flow's mapping reads it. It may be called
// from several goroutines.
func (a *app) noteDoubts(flow string, found []scripting.Warning) {
	a.making.Lock()
	defer a.making.Unlock()
	for _, w := range found {
		if w.Written != "" {
			a.written = append(a.written, ruleWrite{flow, w.Kind, w.Written})
		}
		if w.Written == "" || !a.mapped(flow, w.Kind, w.Written) {
			a.doubts = append(a.doubts, ruleDoubt{flow, w})
		}
	}
}

// mapped tells whether a flow's mapping reads an attribute.
func (a *app) mapped(flow string, kind directory.Kind, name string) bool {
	f, ok := a.cfg.Flow(flow)
	if !ok {
		return false
	}
	s := spec(f.Users.Match, f.Users.Map)
	if kind == directory.Department {
		if f.Departments == nil {
			return false
		}
		s = spec(f.Departments.Match, f.Departments.Map)
	}
	m, err := mapping.Compile(s)
	return err == nil && m.Reads(name)
}

// logDoubts tells a service's log what is doubtful in its rules.
func (a *app) logDoubts(ctx context.Context) {
	for _, d := range a.doubts {
		a.log.WarnContext(ctx, "rule has a doubtful place", "flow", d.flow,
			"warning", fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, fault.In(d.Say, a.p.lang())))
	}
}

// printRefused prints why the rules of a flow cannot be used, and gives how much is
// wrong with them.
func (a *app) printRefused(flow string) int {
	bad, ok := a.brokenIn(flow)
	if !ok {
		return 0
	}
	refusal, ok := errors.AsType[*scripting.Refusal](bad.err)
	if !ok {
		_, _ = fmt.Fprintf(a.p.stderr, "✗ flows.%s: %s\n", flow, fault.In(fault.Say(bad.err), a.p.lang()))
		return 1
	}
	for _, w := range refusal.Mistakes {
		a.printRule("✗", flow, w)
	}
	return len(refusal.Mistakes)
}

func (a *app) printDoubts(flow string) {
	for _, d := range a.doubts {
		if d.flow == flow {
			a.printRule("!", flow, d.Warning)
		}
	}
}

// printRule prints one finding in a rule, behind the place in the configuration that
// names the rule.
func (a *app) printRule(mark, flow string, w scripting.Warning) {
	_, _ = fmt.Fprintf(a.p.stderr, "%s flows.%s.%ss.rule: %s:%d:%d: %s\n",
		mark, flow, w.Kind, w.File, w.Line, w.Column, fault.In(w.Say, a.p.lang()))
}

// checkFits prints what flows want that their systems do not have. Faults: Invalid,
// when a flow cannot do what it is for.
func (a *app) checkFits(ctx context.Context) error {
	broken := 0
	for i := range a.cfg.Flows {
		for _, m := range a.misfits(ctx, &a.cfg.Flows[i]) {
			mark := "!"
			if m.broken {
				mark = "✗"
				broken++
			}
			_, _ = fmt.Fprintf(a.p.stderr, "%s %s: %s\n  → %s\n", mark, m.path, a.p.text(m.say), a.p.text(m.fix))
		}
	}
	if broken == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%[1]d thing(s) that flows need are missing / 流程需要的东西缺少 %[1]d 项", broken)
}

// bare gives an app with nothing opened.
func (p *process) bare(cfg *configs.Config) *app {
	book := newFlowBook()
	a := &app{
		p: p, cfg: cfg, name: owner(), log: slog.New(runLog{Handler: p.logger().Handler(), book: book}),
		sources: map[string]connector.Source{}, tokens: map[string]*feishutoken.Source{},
		types: map[string]map[directory.Kind]map[string]directory.Type{}, slots: scripting.NewSlots(0),
	}
	a.observer = a.observe(book)
	return a
}
