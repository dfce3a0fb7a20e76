package main

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// watchAgain is how long after a system that cannot be watched it is tried again:
// an admin may have mended it.
const watchAgain = 10 * time.Minute

// told gives what is told of changes in a system; nil when no flow has it as its
// source, so that nobody need subscribe to anything.
func (a *app) told(system string) func(ctx context.Context, hints []directory.Hint) {
	for i := range a.cfg.Flows {
		if f := &a.cfg.Flows[i]; f.From == system {
			return func(ctx context.Context, hints []directory.Hint) { a.engine.Hint(ctx, system, hints) }
		}
	}
	return nil
}

// listens tells whether a flow wants to hear of changes in a system.
func (a *app) listens(system string) bool {
	for i := range a.cfg.Flows {
		if f := &a.cfg.Flows[i]; f.From == system && f.OnChange > 0 && !f.Paused {
			return true
		}
	}
	return false
}

// wecomHandlers are the callbacks of WeCom systems that receive events.
func (a *app) wecomHandlers() (map[string]http.Handler, error) {
	handlers := map[string]http.Handler{}
	var errs []error
	for i := range a.cfg.Systems {
		sys := &a.cfg.Systems[i]
		if sys.WeCom == nil || sys.WeCom.Events == nil {
			continue
		}
		tell := a.told(sys.Name)
		if tell == nil {
			tell = func(context.Context, []directory.Hint) {}
		}
		l, err := wecom.NewListener(wecom.ListenerOptions{
			CorpID: sys.WeCom.CorpID, Token: sys.WeCom.Events.Token.Reveal(), AESKey: sys.WeCom.Events.AESKey.Reveal(),
			Now: a.p.now, Logger: a.log.With("system", sys.Name), Tell: tell,
		})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		handlers[configs.WeComEventsPath(sys.Name)] = a.refusals("wecom", l)
	}
	return handlers, errors.Join(errs...)
}

// watch lets the systems that notice changes by themselves tell the engine, until
// ctx ends.
func (a *app) watch(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range a.cfg.Systems {
		name := a.cfg.Systems[i].Name
		if !a.listens(name) {
			continue
		}
		source, err := a.source(name)
		if err != nil {
			return err
		}
		w, ok := source.(connector.Watcher)
		if !ok {
			continue
		}
		tell := func(hints []directory.Hint) { a.engine.Hint(ctx, name, hints) }
		if a.cfg.Systems[i].SCIMServer == nil { // a push is noticed by the process that took it alone
			r := &relay{system: name, owner: a.name, record: a.store, now: a.p.now, log: a.log, tell: tell}
			g.Go(func() error { r.serve(ctx); return nil })
			tell = r.hear
		}
		g.Go(func() error { return a.watchOne(ctx, name, w, tell) })
	}
	return g.Wait()
}

func (a *app) watchOne(ctx context.Context, system string, w connector.Watcher, tell func([]directory.Hint)) error {
	for {
		err := a.watchSafely(ctx, system, w, tell)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // ctx ended, which is how a watch ends
		}
		a.log.WarnContext(ctx, "changes are not noticed, the schedule goes on", "system", system, "kind", fault.KindOf(err), "err", err)
		timer := time.NewTimer(watchAgain)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// watchSafely watches until it ends or fails. What a server says must not take the
// process down, however it is read.
func (a *app) watchSafely(ctx context.Context, system string, w connector.Watcher, tell func([]directory.Hint)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "panic", "system", system, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "internal error, see the log / 内部错误，请看日志")
		}
	}()
	return w.Watch(ctx, tell)
}
