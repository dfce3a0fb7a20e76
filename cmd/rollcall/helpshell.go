package main

import (
	"slices"

	"github.com/spf13/cobra"
)

// ownHelp gives the library's help command our words, and lets it refuse what is no
// command.
func (p *process) ownHelp(root *cobra.Command) {
	c, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	if p.lang() != "en" {
		c.Short = "查看某个命令的用法"
		c.Long = "查看某个命令的用法：rollcall help 后面写命令，例如 rollcall help rules test。"
	}
	c.Run = nil
	c.RunE = func(_ *cobra.Command, args []string) error {
		asked, rest := root, args
		for len(rest) > 0 {
			i := slices.IndexFunc(asked.Commands(), func(sub *cobra.Command) bool { return sub.Name() == rest[0] || sub.HasAlias(rest[0]) })
			if i < 0 && !asked.HasSubCommands() {
				break // arguments of a command
			}
			if i < 0 {
				return p.noCommand(asked, rest[0])
			}
			asked, rest = asked.Commands()[i], rest[1:]
		}
		return asked.Help()
	}
}

// ownCompletion gives the library's completion command our words.
func (p *process) ownCompletion(root *cobra.Command) {
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	for _, sub := range c.Commands() {
		sub.Args = exactly(0, sub.CommandPath())
	}
	if p.lang() == "en" {
		return
	}
	c.Short = "生成命令行补全脚本"
	c.Long = "为指定的 shell 生成 rollcall 的补全脚本。脚本怎么用，见各子命令的帮助。"
	for _, sub := range c.Commands() {
		sub.Short = "生成 " + sub.Name() + " 的补全脚本"
		sub.Long = completionUse(sub.Name())
		if f := sub.Flags().Lookup("no-descriptions"); f != nil {
			f.Usage = "补全时不显示说明"
		}
	}
}

// completionUse says how the script of a shell is used.
func completionUse(shell string) string {
	const once = "\n\n每次打开终端都生效，执行一次：\n\n"
	switch shell {
	case "bash":
		return "生成 bash 的补全脚本。\n\n它需要 bash-completion；没有的话，先用系统的包管理器安装。\n\n只在当前终端生效：\n\n\tsource <(rollcall completion bash)" + once +
			"Linux：\n\n\trollcall completion bash > /etc/bash_completion.d/rollcall\n\n" +
			"macOS：\n\n\trollcall completion bash > $(brew --prefix)/etc/bash_completion.d/rollcall\n\n重新打开终端后生效。"
	case "zsh":
		return "生成 zsh 的补全脚本。\n\n还没有启用补全的话，先执行一次：\n\n\techo \"autoload -U compinit; compinit\" >> ~/.zshrc\n\n只在当前终端生效：\n\n\tsource <(rollcall completion zsh)" + once +
			"Linux：\n\n\trollcall completion zsh > \"${fpath[1]}/_rollcall\"\n\n" +
			"macOS：\n\n\trollcall completion zsh > $(brew --prefix)/share/zsh/site-functions/_rollcall\n\n重新打开终端后生效。"
	case "fish":
		return "生成 fish 的补全脚本。\n\n只在当前终端生效：\n\n\trollcall completion fish | source" + once +
			"\trollcall completion fish > ~/.config/fish/completions/rollcall.fish\n\n重新打开终端后生效。"
	case "powershell":
		return "生成 PowerShell 的补全脚本。\n\n只在当前终端生效：\n\n\trollcall completion powershell | Out-String | Invoke-Expression\n\n" +
			"每次打开终端都生效：把上面命令的输出加到 PowerShell 的配置文件（profile）里。"
	default:
		return "生成 " + shell + " 的补全脚本。"
	}
}
