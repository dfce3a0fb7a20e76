package main

import "github.com/spf13/cobra"

// rulesCommand has the tools for those who write rules.
func (p *process) rulesCommand() *cobra.Command {
	c := &cobra.Command{Use: "rules", Short: p.say("write, test and compare rules", "编写、测试和比较规则脚本")}
	c.AddCommand(p.rulesTestCommand(), p.rulesTryCommand(), p.rulesDiffCommand(), p.rulesNewCommand(), p.rulesTypesCommand())
	return c
}
