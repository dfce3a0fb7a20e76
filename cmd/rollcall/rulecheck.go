package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

// checkRules compiles the rules and mappings of every flow, and compares each flow
// with what its systems can do, without opening the record or calling anybody.
func (p *process) checkRules(ctx context.Context, cfg *configs.Config) error {
	a := p.bare(cfg)
	_, err := a.engineFlows(ctx)
	return errors.Join(err, a.checkFits(ctx), a.close())
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
		p: p, cfg: cfg, log: slog.New(runLog{Handler: p.logger().Handler(), book: book}),
		sources: map[string]connector.Source{}, tokens: map[string]*feishutoken.Source{},
	}
	a.observer = a.observe(book)
	return a
}
