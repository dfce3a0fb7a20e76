package main

import (
	"context"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/bot/server"
)

func (p *process) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Args: exactly(0, "rollcall serve --config FILE"),
		Short: p.say("run the service: chat, schedules, workers, HTTP", "运行服务：聊天、定时、执行、HTTP"),
	}
	path := configFlag(c, p)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		a, err := p.open(c.Context(), cfg)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		return a.serve(c.Context(), func() { a.log.InfoContext(c.Context(), "serving", "listen", cfg.Server.Listen, "version", version()) })
	}
	return c
}

// serve runs everything until ctx ends; ready is called when the HTTP side
// listens.
func (a *app) serve(ctx context.Context, ready func()) error {
	c, err := a.openChat()
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{Listen: a.cfg.Server.Listen, Handlers: c.handlers, Ready: a.store.Ping, Logger: a.log})
	if err != nil {
		return err
	}
	if err := srv.Open(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Serve(ctx) })
	g.Go(func() error { return a.engine.Serve(ctx) })
	g.Go(func() error { return c.bot.Serve(ctx) })
	ready()
	return g.Wait()
}
