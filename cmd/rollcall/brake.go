package main

import (
	"crypto/rand"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// asked opens the configuration for somebody under people.
func (p *process) asked(c *cobra.Command, path, person string) (*app, run.Actor, error) {
	cfg, err := p.load(path)
	if err != nil {
		return nil, run.Actor{}, err
	}
	if _, ok := cfg.Person(person); !ok {
		return nil, run.Actor{}, nobody(person, bot.Text{EN: "asks", ZH: "发起人"})
	}
	a, err := p.open(c.Context(), cfg)
	return a, run.Actor{Person: person, Platform: run.CLI, Channel: run.FromCLI}, err
}

// nobody refuses a --person who is not under people, or none, as who does something.
func nobody(person string, does bot.Text) error {
	if person == "" {
		return fault.New(fault.Invalid, "say who %s: --person NAME, a name under people / 请用 --person 写明%s（people 里的名字）", does.EN, does.ZH)
	}
	return fault.New(fault.Invalid, "say who %[1]s: nobody under people is called %[3]s / 请写明%[2]s：people 里没有叫“%[3]s”的人", does.EN, does.ZH, person)
}

func personFlag(c *cobra.Command, p *process) *string {
	return c.Flags().StringP("person", "p", "", p.say("who asks: a name under people", "发起人：people 里的名字"))
}

func (p *process) pauseCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "pause FLOW|all", Args: exactly(1, "rollcall pause FLOW|all --person NAME"),
		Short: p.say("stop changing accounts at once; plans can still be made", "立即停止改动账号；仍可以预演"),
	}
	path, person := configFlag(c, p), personFlag(c, p)
	lasts := c.Flags().Duration("for", 0, p.say("for how long, such as 2h; until it is resumed without it", "暂停多久，例如 2h；不写则直到恢复"))
	reason := c.Flags().String("reason", "", p.say("why", "原因"))
	c.RunE = func(c *cobra.Command, args []string) error {
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		pause := run.Pause{Flow: allFlows(args[0]), Why: *reason, By: by}
		if *lasts > 0 {
			pause.Until = p.now().Add(*lasts).Truncate(time.Second)
		}
		if err := a.engine.Pause(c.Context(), pause); err != nil {
			return err
		}
		p.printf("%s\n", p.say("%s is paused", "%s 已暂停", args[0]))
		return nil
	}
	return c
}

func (p *process) resumeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "resume FLOW|all", Args: exactly(1, "rollcall resume FLOW|all --person NAME"), Short: p.say("end a pause", "结束暂停"),
	}
	path, person := configFlag(c, p), personFlag(c, p)
	c.RunE = func(c *cobra.Command, args []string) error {
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		if err := a.engine.Resume(c.Context(), allFlows(args[0]), by); err != nil {
			return err
		}
		p.printf("%s\n", p.say("%s goes on", "%s 已恢复", args[0]))
		return nil
	}
	return c
}

// allFlows gives the name of all flows for the word that people type.
func allFlows(word string) string {
	if word == "all" || word == "全部" {
		return "*"
	}
	return word
}

func (p *process) undoCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "undo CODE", Args: exactly(1, "rollcall undo CODE --person NAME"),
		Short: p.say("plan the inverse of a run, under the same approvals", "生成一次运行的反向计划，同样需要审批"),
	}
	path, person := configFlag(c, p), personFlag(c, p)
	item := c.Flags().Int("item", 0, p.say("only this change, by its number", "只撤销这一项（编号）"))
	c.RunE = func(c *cobra.Command, args []string) error {
		code, err := run.ParseCode(args[0])
		if err != nil {
			return err
		}
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		old, err := a.store.Run(c.Context(), code)
		if err != nil {
			return err
		}
		r, err := a.engine.Start(c.Context(), run.Request{
			ID: "cli:" + rand.Text(), Flow: old.Flow, Apply: true, Trigger: run.ByCLI, By: by, Thread: run.Thread{Platform: run.CLI}, Undoes: code, Item: *item,
		})
		if err != nil {
			return err
		}
		return a.follow(c.Context(), r.Code)
	}
	return c
}
