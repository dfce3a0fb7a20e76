package main

import (
	"context"
	"errors"
	"time"

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
		a, err := p.opened(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		return a.serve(c.Context(), func(address string) {
			a.log.InfoContext(c.Context(), "serving", "listen", address, "version", version())
		})
	}
	return c
}

// serve runs everything until ctx ends; ready is called with the address when
// the HTTP side listens.
func (a *app) serve(ctx context.Context, ready func(address string)) error {
	c, err := a.openChat()
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{Listen: a.cfg.Server.Listen, Handlers: c.handlers, Ready: a.ready, Logger: a.log})
	if err != nil {
		return err
	}
	numbers, err := a.metricsServer()
	if err != nil {
		return err
	}
	if err := srv.Open(ctx); err != nil {
		return err
	}
	if numbers != nil {
		if err := numbers.Open(ctx); err != nil {
			return err
		}
	}
	a.observer.serving(a.cfg, a.log)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return srv.Serve(ctx) })
	if numbers != nil {
		a.log.InfoContext(ctx, "metrics", "listen", numbers.Addr())
		g.Go(func() error { return numbers.Serve(ctx) })
	}
	g.Go(func() error { return a.engine.Serve(ctx) })
	g.Go(func() error { return c.bot.Serve(ctx) })
	g.Go(func() error { return a.keepHouse(ctx) })
	g.Go(func() error { return a.watch(ctx) })
	g.Go(func() error { return a.anchor(ctx) })
	g.Go(func() error { return a.keepClock(ctx) })
	ready(srv.Addr())
	return g.Wait()
}

// housekeeping is how often the record forgets what is finished.
const housekeeping = time.Hour

// keepHouse lets the record forget handled messages and finished letters, and
// tells the log about letters that nobody got.
func (a *app) keepHouse(ctx context.Context) error {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		gone, err := a.store.Prune(ctx)
		if err == nil && gone > 0 {
			a.log.InfoContext(ctx, "record pruned", "rows", gone)
		}
		lost, failedErr := a.store.FailedLetters(ctx)
		if failedErr == nil && lost > 0 {
			a.log.WarnContext(ctx, "messages could not be delivered", "letters", lost)
		}
		if ctx.Err() == nil && (err != nil || failedErr != nil) {
			a.log.ErrorContext(ctx, "housekeeping fails", "err", errors.Join(err, failedErr))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
