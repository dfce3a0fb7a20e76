package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// root gives the whole command line.
func (p *process) root() *cobra.Command {
	root := &cobra.Command{
		Use: "rollcall", Short: p.say("keeps a company's accounts in step, run from the group chat", "在群聊里管理的账号同步服务"),
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(
		p.serveCommand(), p.demoCommand(), p.planCommand(), p.applyCommand(), p.approveCommand(), p.undoCommand(), p.pauseCommand(), p.resumeCommand(), p.runsCommand(),
		p.doctorCommand(), p.personCommand(), p.configCommand(), p.migrateCommand(), p.auditCommand(), p.backupCommand(), p.restoreCommand(), p.rulesCommand(), p.versionCommand(), p.healthzCommand(), p.workerCommand(),
	)
	return root
}

// exactly asks for n arguments, with a sentence that people understand.
func exactly(n int, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return fault.New(fault.Invalid, "usage: %[1]s / 用法：%[1]s", usage)
		}
		return nil
	}
}

// atMost asks for no more than n arguments.
func atMost(n int, usage string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		return exactly(min(n, len(args)), usage)(c, args)
	}
}

// configFlag is the flag that every command with a configuration has.
func configFlag(c *cobra.Command, p *process) *string {
	return c.Flags().StringP("config", "c", "rollcall.yaml", p.say("the configuration file", "配置文件"))
}

func (p *process) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: p.say("print the version", "显示版本"), Args: exactly(0, "rollcall version"),
		RunE: func(*cobra.Command, []string) error {
			p.printf("rollcall %s\n", version())
			return nil
		},
	}
}

// version gives the module version that the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

func (p *process) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: ruleWorkerName, Hidden: true, Args: exactly(0, "rollcall "+ruleWorkerName),
		RunE: func(c *cobra.Command, _ []string) error {
			return scripting.Work(c.Context(), p.stdin, p.stdout)
		},
	}
}
