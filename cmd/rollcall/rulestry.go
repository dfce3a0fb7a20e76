package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func (p *process) rulesTryCommand() *cobra.Command {
	return &cobra.Command{
		Use: "try FLOW WHO", Short: p.say("let a rule judge one real person; nothing is changed", "用一个真实人员试跑规则，不改动任何账号"),
		RunE: func(*cobra.Command, []string) error {
			return fault.New(fault.Unsupported, "not built yet / 尚未实现")
		},
	}
}
