package main

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/connector"
)

// matrix tells what a system's credentials may do. What fails for the same reason
// is one finding.
func matrix(found []connector.Finding, use connector.Use) []bot.Check {
	var checks []bot.Check
	for _, f := range merged(found) {
		c := bot.Check{Part: bot.Text(f.Capability), Say: bot.Text(f.Say), Fix: bot.Text(f.Do)}
		c.Level = bot.Fine
		switch f.Level {
		case connector.Refused:
			c.Level = bot.Broken
		case connector.Hidden:
			c.Level = bot.Advice
			if keys := matched(f.Of, use); len(keys) > 0 {
				c.Level = bot.Broken
				c.Say.EN += "; flows match by " + strings.Join(keys, ", ") + ": nobody is found by it"
				c.Say.ZH += "；有流程用 " + strings.Join(keys, "、") + " 匹配，按它一个也找不到"
			}
		case connector.Unverified:
			c.Say = orText(c.Say, bot.Text{EN: "not verified", ZH: "未验证"})
		case connector.Works:
			c.Fix = bot.Text{}
		}
		checks = append(checks, c)
	}
	return checks
}

func orText(t, otherwise bot.Text) bot.Text {
	if t == (bot.Text{}) {
		return otherwise
	}
	return t
}

// merged puts findings together that say the same of several capabilities.
func merged(found []connector.Finding) []connector.Finding {
	var out []connector.Finding
	for _, f := range found {
		i := slices.IndexFunc(out, func(o connector.Finding) bool {
			return o.Level == f.Level && o.Level != connector.Works && o.Say == f.Say && o.Do == f.Do
		})
		if i < 0 {
			f.Of = slices.Clip(f.Of)
			out = append(out, f)
			continue
		}
		if !strings.Contains(out[i].Capability.EN, f.Capability.EN) {
			out[i].Capability.EN += ", " + f.Capability.EN
			out[i].Capability.ZH += "、" + f.Capability.ZH
		}
		out[i].Of = append(out[i].Of, f.Of...)
	}
	return out
}

// matched gives those attributes by which flows find people or departments.
func matched(of []connector.Named, use connector.Use) []string {
	var names []string
	for _, n := range of {
		if slices.Contains(use.Match, n) && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return names
}
