package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func (p *process) rulesNewCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new FILE", Short: p.say("write a commented rule, its test and types for editors", "生成带注释的规则模板、测试和编辑器类型声明"),
		RunE: func(*cobra.Command, []string) error {
			return fault.New(fault.Unsupported, "not built yet / 尚未实现")
		},
	}
}
