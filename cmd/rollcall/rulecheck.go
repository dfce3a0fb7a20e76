package main

import (
	"context"
	"errors"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

// checkRules compiles the rules and mappings of every flow without opening the
// record or calling anybody.
func (p *process) checkRules(ctx context.Context, cfg *configs.Config) error {
	a := p.bare(cfg)
	_, err := a.engineFlows(ctx)
	return errors.Join(err, a.close())
}

// bare gives an app with nothing opened.
func (p *process) bare(cfg *configs.Config) *app {
	return &app{
		p: p, cfg: cfg, log: p.logger(),
		sources: map[string]connector.Source{}, tokens: map[string]*feishutoken.Source{},
	}
}
