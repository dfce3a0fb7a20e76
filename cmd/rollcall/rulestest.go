package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func (p *process) rulesTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test [FILE|FOLDER…]", Short: p.say("run the tests beside the rules", "运行规则脚本旁边的测试"),
		RunE: func(*cobra.Command, []string) error {
			return fault.New(fault.Unsupported, "not built yet / 尚未实现")
		},
	}
}
