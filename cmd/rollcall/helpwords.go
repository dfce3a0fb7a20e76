package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// translated gives the command line the words of the terminal: the library's own are
// English. It is called when the writers are set, since some commands keep theirs.
func (p *process) translated(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if said := c.Flags().Args(); c.HasSubCommands() && len(said) > 0 { // whose flag it is nobody knows
			return p.noCommand(c, said[0])
		}
		return fault.Wrap(fault.Invalid, err, "%s", p.flagMistake(c, err))
	})
	root.SetUsageFunc(func(c *cobra.Command) error {
		_, err := io.WriteString(c.OutOrStderr(), p.usage(c))
		return err
	})
	for _, c := range allCommands(root) {
		c.SuggestionsMinimumDistance = nearDistance
		c.InitDefaultHelpFlag()
		if p.lang() != "en" {
			c.Flags().Lookup("help").Usage = "显示帮助"
		}
		if c.HasSubCommands() && !c.Runnable() {
			p.group(c)
		}
	}
	p.ownHelp(root)
	p.ownCompletion(root)
}

// nearDistance is how many letters a command may be off to be suggested.
const nearDistance = 2

// allCommands gives a command and everything below it.
func allCommands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}

// group makes a command that only holds others refuse what it does not hold: its
// help, and the exit code of success, would hide a slip from a script.
func (p *process) group(c *cobra.Command) {
	c.Args, c.ValidArgsFunction = cobra.ArbitraryArgs, cobra.NoFileCompletions
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return p.noCommand(c, args[0])
		}
		return c.Help()
	}
}

// noCommand says that a command holds none of a name. It is no fault of a kind: the
// exit code is 1, as docs/cli.md says.
func (p *process) noCommand(c *cobra.Command, name string) error {
	near := c.SuggestionsFor(name)
	if len(near) == 0 {
		return errors.New(p.say("unknown command %q for %q; see %[2]s --help", "%[2]s 没有命令 %[1]q；可用的命令见 %[2]s --help", name, c.CommandPath()))
	}
	return errors.New(p.say("unknown command %q for %q; did you mean %s?", "%[2]s 没有命令 %[1]q；是不是 %[3]s？",
		name, c.CommandPath(), strings.Join(near, p.say(" or ", " 或 "))))
}

// flagMistake says what is wrong with a flag.
func (p *process) flagMistake(c *cobra.Command, err error) string {
	if p.lang() == "en" {
		return err.Error()
	}
	zh := "命令行读不懂"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		zh = "没有选项 --" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			zh = "没有选项 -" + unknown.GetSpecifiedName()
		}
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		zh = "选项 --" + bare.GetFlag().Name + " 后面要写一个值"
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		zh = fmt.Sprintf("选项 --%s 的值 %q 不行，应为%s", wrong.GetFlag().Name, wrong.GetValue(), valueOf(wrong.GetFlag()))
	}
	if odd, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		zh = "选项写法不对：" + odd.GetSpecifiedFlag()
	}
	return zh + "；用法见 " + c.CommandPath() + " --help"
}

// valueOf says in Chinese what a flag takes.
func valueOf(f *pflag.Flag) string {
	switch kind := f.Value.Type(); kind {
	case "bool":
		return " true 或 false"
	case "int", "int64", "uint":
		return "整数"
	case "float64":
		return "数字"
	case "duration":
		return "时长，例如 90s、30m、2h"
	case "strings", "stringSlice", "stringArray":
		return "文本，可以写多次"
	}
	return "文本"
}

// usage says how a command is written, what it holds and which flags it has.
func (p *process) usage(c *cobra.Command) string {
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " [command]"
	}
	if p.lang() != "en" {
		line = strings.NewReplacer("[flags]", "[选项]", "[command]", "[命令]").Replace(line)
	}
	var b strings.Builder
	b.WriteString(p.say("Usage:", "用法：") + "\n  " + line + "\n")
	if c.HasAvailableSubCommands() {
		b.WriteString("\n" + p.say("Available Commands:", "命令：") + "\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				_, _ = fmt.Fprintf(&b, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\n" + p.say("Flags:", "选项：") + "\n" + p.flags(c.LocalFlags()))
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n" + p.say("Use \"%s [command] --help\" for more information about a command.", "某个命令的用法：%s [命令] --help", c.CommandPath()) + "\n")
	}
	return b.String()
}

// flags lists flags, one a line.
func (p *process) flags(flags *pflag.FlagSet) string {
	if p.lang() == "en" {
		return flags.FlagUsages()
	}
	return chineseFlags(flags)
}

// chineseFlags lists flags, one a line, with what they take and their defaults.
func chineseFlags(flags *pflag.FlagSet) string {
	type row struct{ left, right string }
	var rows []row
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		left := "      --" + f.Name
		if f.Shorthand != "" {
			left = "  -" + f.Shorthand + ", --" + f.Name
		}
		rows = append(rows, row{left + placeholder(f), f.Usage + byDefault(f)})
	})
	widest := 0
	for _, r := range rows {
		widest = max(widest, columns(r.left))
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.left + strings.Repeat(" ", widest-columns(r.left)+3) + r.right + "\n")
	}
	return b.String()
}

// placeholder stands in a listing for what a flag takes.
func placeholder(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return ""
	case "int", "int64", "uint", "float64":
		return " 数字"
	case "duration":
		return " 时长"
	default:
		return " 文本"
	}
}

// byDefault says what stands for a flag that is not given, when that is something.
func byDefault(f *pflag.Flag) string {
	if slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
		return ""
	}
	if f.Value.Type() == "string" {
		return "（默认 " + strconv.Quote(f.DefValue) + "）"
	}
	return "（默认 " + f.DefValue + "）"
}
