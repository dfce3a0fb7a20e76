package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (p *process) planCommand() *cobra.Command {
	return p.runCommand("plan", false, p.say("make a plan and change nothing", "只算出计划，不改任何账号"))
}

func (p *process) applyCommand() *cobra.Command {
	return p.runCommand("apply", true, p.say("plan, apply what needs no vote, and wait for votes on the rest", "先出计划，执行不需要审批的部分，其余等待审批"))
}

// runCommand starts a run from the terminal: the same engine and the same
// policy as in the chat.
func (p *process) runCommand(name string, apply bool, short string) *cobra.Command {
	c := &cobra.Command{Use: name + " FLOW", Short: short, Args: exactly(1, "rollcall "+name+" FLOW --person NAME")}
	path := configFlag(c, p)
	person := personFlag(c, p)
	c.RunE = func(c *cobra.Command, args []string) error {
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		r, err := a.engine.Start(c.Context(), run.Request{
			ID: "cli:" + rand.Text(), Flow: args[0], Apply: apply, Trigger: run.ByCLI,
			By: by, Thread: run.Thread{Platform: run.CLI},
		})
		if err != nil {
			return err
		}
		return a.follow(c.Context(), r.Code)
	}
	return c
}

// follow works in this process until the run comes to rest, and prints it. A
// service that runs beside it may do the work; the lease sees to that.
func (a *app) follow(ctx context.Context, code run.Code) error {
	serve, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- a.engine.Serve(serve) }()
	r, err := a.rest(ctx, code)
	stop()
	if serveErr := <-served; err == nil {
		err = serveErr
	}
	if err != nil {
		return err
	}
	if err := a.printRun(ctx, r); err != nil {
		return err
	}
	return verdict(r)
}

// rest waits until nobody works on the run.
func (a *app) rest(ctx context.Context, code run.Code) (run.Run, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := a.store.Run(ctx, code)
		if err != nil || !r.State.Working() {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, fault.Wrap(fault.Aborted, ctx.Err(), "stopped; %[1]s goes on when rollcall runs again / 已停止；rollcall 再次运行时 %[1]s 会继续", code)
		case <-tick.C:
		}
	}
}

// verdict gives the fault that the exit code tells of.
func verdict(r run.Run) error {
	switch r.State {
	case run.Failed:
		kind := r.Fault
		if kind == "" || kind == fault.Internal {
			kind = fault.Unavailable
		}
		return &fault.Error{Kind: kind, Say: r.Reason}
	case run.Blocked:
		return fault.New(fault.Denied, "%[1]s is blocked / %[1]s 已被拦下", r.Code)
	case run.Partial:
		return fault.New(fault.Stale, "%[1]s was applied in part / %[1]s 只完成了一部分", r.Code)
	default:
		return nil
	}
}
