package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// doctorCommand prints what the chat's doctor answers.
func (p *process) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor [FLOW|SYSTEM]", Args: cobra.MaximumNArgs(1),
		Short: p.say("examine credentials, permissions, clocks, approvers, and say where to mend them", "检查凭据、权限、时钟、审批人，并说明在哪里修"),
	}
	path := configFlag(c, p)
	deep := c.Flags().Bool("deep", false, p.say("read every system whole, and let every group robot say a line", "完整读取每个系统，并让每个群机器人发一行测试消息"))
	c.RunE = func(c *cobra.Command, args []string) error {
		a, err := p.opened(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		chat, err := a.openChat()
		if err != nil {
			return err
		}
		found, err := chat.doctor.Examine(c.Context(), strings.Join(args, ""), *deep)
		if err != nil {
			return err
		}
		return p.printChecks(found)
	}
	return c
}

// printChecks prints findings, the worst first, and gives a fault when something
// is broken.
func (p *process) printChecks(found []bot.Check) error {
	broken := 0
	for _, f := range found {
		mark := map[bot.Level]string{bot.Broken: "✗", bot.Advice: "!", bot.Fine: "✓"}[f.Level]
		say, fix := f.Say.EN, f.Fix.EN
		if p.lang() != "en" {
			say, fix = f.Say.ZH, f.Fix.ZH
		}
		p.printf("%s %s: %s\n", mark, f.About, say)
		if fix != "" {
			p.printf("    → %s\n", fix)
		}
		if f.Level == bot.Broken {
			broken++
		}
	}
	if broken > 0 {
		return fault.Wrap(fault.Credential, errors.New("examined"), "%[1]d finding(s) need somebody / 有 %[1]d 项需要处理", broken)
	}
	return nil
}
