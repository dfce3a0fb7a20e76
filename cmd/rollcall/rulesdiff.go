package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func (p *process) rulesDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff FLOW --old FILE", Short: p.say("which objects another rule decides differently", "列出另一份规则会作出不同决定的对象"),
		RunE: func(*cobra.Command, []string) error {
			return fault.New(fault.Unsupported, "not built yet / 尚未实现")
		},
	}
}
