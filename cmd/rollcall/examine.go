package main

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// doctorCommand prints what the chat's doctor answers.
func (p *process) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor [FLOW|SYSTEM]", Args: atMost(1, "rollcall doctor [FLOW|SYSTEM]"),
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

// printChecks prints findings, the worst first, what is well in one line for each
// thing, and gives a fault when something is broken.
func (p *process) printChecks(found []bot.Check) error {
	wide := 0
	for i := range found {
		wide = max(wide, columns(found[i].About))
	}
	pad := func(s string) string { return s + strings.Repeat(" ", wide-columns(s)) }
	lang := p.botLang()
	broken := 0
	for i := range found {
		f := &found[i]
		if f.Level == bot.Fine {
			continue
		}
		mark, fix := "!", p.text(f.Fix)
		if f.Level == bot.Broken {
			mark = "✗"
			broken++
		}
		p.printf("%s %s  %s\n", mark, pad(f.About), f.Told(lang))
		if fix != "" {
			p.printf("  %s  → %s\n", pad(""), fix)
		}
	}
	for _, group := range fineGroups(found) {
		p.printf("✓ %s  %s\n", pad(group[0].About), bot.Summary(group, lang))
	}
	if broken > 0 {
		return fault.Wrap(fault.Credential, errors.New("examined"), "%[1]d finding(s) need somebody / 有 %[1]d 项需要处理", broken)
	}
	return nil
}

func (p *process) botLang() bot.Lang {
	if p.lang() == "en" {
		return bot.EN
	}
	return bot.ZH
}

// text gives a sentence in the language of the process.
func (p *process) text(t bot.Text) string {
	if p.botLang() == bot.EN {
		return t.EN
	}
	return t.ZH
}

// fineGroups gives what is well, by what it is about.
func fineGroups(found []bot.Check) [][]bot.Check {
	var groups [][]bot.Check
	for _, f := range found {
		if f.Level != bot.Fine {
			continue
		}
		i := slices.IndexFunc(groups, func(g []bot.Check) bool { return g[0].About == f.About })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

// columns is how wide a text is in a terminal, where a Chinese character takes two
// columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		if n++; unicode.Is(unicode.Han, r) || r >= 0xff01 && r <= 0xff60 || r >= 0x3000 && r <= 0x303f {
			n++
		}
	}
	return n
}
