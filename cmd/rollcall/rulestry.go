package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (p *process) rulesTryCommand() *cobra.Command {
	const usage = "rollcall rules try FLOW WHO --person NAME"
	c := &cobra.Command{
		Use: "try FLOW WHO", Args: exactly(2, usage),
		Short: p.say("let a rule judge one real person; nothing is changed", "用一个真实人员试跑规则，不改动任何账号"),
	}
	path, person := configFlag(c, p), personFlag(c, p)
	op := c.Flags().String("op", "", p.say("what is proposed to the rule: create, update, disable, delete or none; by default what a plan would", "提给规则的操作：create、update、disable、delete 或 none；默认与预演相同"))
	file := c.Flags().String("rule", "", p.say("try this file instead of the flow's rule for users", "试这个文件，代替流程现在的人员规则"))
	asJSON := c.Flags().Bool("json", false, p.say("for machines", "输出 JSON"))
	c.RunE = func(c *cobra.Command, args []string) error {
		texts, err := givenTexts(map[directory.Kind]string{directory.User: *file})
		if err != nil {
			return err
		}
		a, by, err := p.asked(c, *path, *person)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		got, err := a.engine.Try(c.Context(), run.Trial{
			Flow: args[0], Who: run.Query{Text: args[1]}, Op: plan.Op(strings.ToUpper(*op)), By: by, Texts: texts,
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return p.printJSON(trialOf(args[0], &got))
		}
		p.printTrial(args[0], &got)
		return nil
	}
	return c
}

// givenTexts reads rule files that a command names; "" names none. Faults: Invalid.
func givenTexts(files map[directory.Kind]string) ([]plan.RuleText, error) {
	var texts []plan.RuleText
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		name := files[kind]
		if name == "" {
			continue
		}
		text, err := os.ReadFile(name) //nolint:gosec // the caller names it
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "rule %[1]s cannot be read / 规则文件 %[1]s 读不了", name)
		}
		texts = append(texts, plan.RuleText{Kind: kind, Name: name, Text: string(text)})
	}
	return texts, nil
}

// printJSON prints a value for machines.
func (p *process) printJSON(v any) error {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the result cannot be written / 结果无法输出")
	}
	p.printf("%s\n", out)
	return nil
}

// trial is a run.Tried for machines.
type trial struct {
	Flow     string               `json:"flow"`
	ID       directory.ID         `json:"id"`
	Name     string               `json:"name"`
	Proposed plan.Op              `json:"proposed"`
	Final    plan.Op              `json:"final"`
	Note     plan.NoteKind        `json:"note,omitempty"`
	Ruled    bool                 `json:"ruled"`
	Rule     string               `json:"rule,omitempty"` // file:line of the decision
	Calls    []string             `json:"calls"`
	Returned bool                 `json:"returned"`
	Reason   string               `json:"reason,omitempty"`
	Error    *trialError          `json:"error,omitempty"`
	Changed  map[string]alter     `json:"changed,omitempty"`
	Logs     []string             `json:"logs,omitempty"`
	TookMS   float64              `json:"took_ms"`
	Data     directory.Attributes `json:"data"`
	Target   directory.Attributes `json:"target"`
}

type trialError struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Say  string `json:"say"`
}

// alter is an attribute before and after a rule.
type alter struct {
	Before directory.Value `json:"before"`
	After  directory.Value `json:"after"`
}

func trialOf(flow string, t *run.Tried) trial {
	out := trial{
		Flow: flow, ID: t.Object.ID, Name: t.Object.Name(), Proposed: t.Proposed, Final: t.Final, Note: t.Note, Ruled: t.Ruled,
		Calls: []string{}, TookMS: float64(t.Took.Microseconds()) / 1000, Logs: t.Logs, Data: t.Object.Attributes, Target: t.Target,
	}
	v := t.Verdict
	if e := v.Failed; e != nil { // what the rule did before is void
		out.Error = &trialError{File: e.File, Line: e.Line, Say: e.Say}
		return out
	}
	out.Rule, out.Calls, out.Returned, out.Reason = v.At.String(), calls(v), v.Returned, v.Reason
	for _, name := range changedNames(t) {
		if out.Changed == nil {
			out.Changed = map[string]alter{}
		}
		out.Changed[name] = alter{t.Object.Attributes[name], v.Data[name]}
	}
	return out
}

// calls lists what a rule called of repo.
func calls(v plan.Verdict) []string {
	all := []string{}
	for _, one := range []struct {
		called bool
		name   string
	}{
		{v.Calls.Create, "repo.executeCreate()"},
		{v.Calls.Update, "repo.executeUpdate()"},
		{v.Calls.Disable, "repo.executeDisable()"},
		{v.Calls.Delete, "repo.executeDelete()"},
		{v.AbortAny, "repo.abort()"},
	} {
		if one.called {
			all = append(all, one.name)
		}
	}
	for _, op := range v.Abort {
		all = append(all, fmt.Sprintf("repo.abort(%q)", string(op)))
	}
	return all
}

// changedNames gives the attributes that a rule changed.
func changedNames(t *run.Tried) []string {
	if t.Verdict.Data == nil {
		return nil
	}
	both := t.Object.Attributes.Clone()
	if both == nil {
		both = directory.Attributes{}
	}
	maps.Copy(both, t.Verdict.Data)
	var names []string
	for _, name := range both.Names() {
		x, y := t.Object.Attributes[name], t.Verdict.Data[name]
		hidden := x.Type() == directory.Unknown && y.Type() == directory.Unknown // which a rule cannot write
		if !hidden && !x.Equal(y) {
			names = append(names, name)
		}
	}
	return names
}

// printTrial prints what a rule did with one person. It is for the author alone:
// nothing in it is masked.
func (p *process) printTrial(flow string, t *run.Tried) {
	line := func(en, zh, text string) {
		p.line("  %s%s", p.say(en, zh), text)
	}
	p.line("%s", p.say("Test of %s · %s%s: %s", "试跑 %s · %s%s：%s", flow, t.Object.Name(), brackets(string(t.Object.ID)), p.botLang().Doing(t.Final)))
	line("proposed:      ", "拟进行：  ", p.botLang().Doing(t.Proposed))
	line("would happen:  ", "结果：    ", p.botLang().Doing(t.Final))
	v := t.Verdict
	if t.Final == plan.None {
		line("why nothing:   ", "为什么：  ", p.botLang().WhyNothing(t))
	}
	switch e := v.Failed; {
	case e != nil:
		line("error:         ", "错误：    ", e.Place().String()+"  "+fault.In(e.Say, p.lang()))
	case v.At.File != "":
		line("decided at:    ", "决定于：  ", v.At.String())
	}
	if v.Reason != "" && v.Failed == nil {
		line("reason:        ", "原因：    ", fault.In(v.Reason, p.lang()))
	}
	there := p.say("has no such account yet", "还没有这个账号")
	if t.Target != nil {
		there = p.say("has the account", "有这个账号")
	}
	line("target:        ", "目标：    ", there)
	line("took:          ", "用时：    ", t.Took.Round(10*time.Microsecond).String())
	p.printActs(t)
	if len(t.Logs) > 0 {
		p.printf("%s\n", p.say("log", "日志"))
		for _, l := range t.Logs {
			p.line("  %s", l)
		}
	}
	p.printf("%s\n", p.say("Only a test: no account was changed.", "只是试跑，没有改动任何账号。"))
}

// printActs prints what the rule called and changed.
func (p *process) printActs(t *run.Tried) {
	v := t.Verdict
	switch {
	case !t.Ruled:
		p.printf("%s\n", p.say("The flow has no rule for users (users.rule).", "这个流程没有针对人的规则脚本（users.rule）。"))
		return
	case v.Failed != nil:
		p.printf("%s\n", p.say("It ended with an error: nothing of what it did before counts.", "它以错误结束，在此之前做的都不算数。"))
		return
	}
	p.printf("%s\n", p.say("what the rule did", "规则做了什么"))
	all := calls(v)
	if len(all) == 0 {
		all = []string{p.say("it called nothing of repo", "没有调用 repo 的函数")}
	}
	if v.Returned {
		all = append(all, p.say("ended with return context", "以 return context 结束"))
	} else {
		all = append(all, p.say("ended without return context", "没有以 return context 结束"))
	}
	for _, one := range all {
		p.printf("  %s\n", one)
	}
	names := changedNames(t)
	if len(names) == 0 {
		return
	}
	p.printf("%s\n", p.say("what it changed (before → after)", "规则改了什么（之前 → 之后）"))
	for _, name := range names {
		p.line("  %s: %s → %s", name, bareValue(t.Object.Attributes[name]), bareValue(v.Data[name]))
	}
}

// bareValue writes a value as it is.
func bareValue(v directory.Value) string {
	if text := v.String(); text != "" {
		return text
	}
	return "∅"
}
