package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func (p *process) rulesNewCommand() *cobra.Command {
	const usage = "rollcall rules new FILE.js"
	c := &cobra.Command{
		Use: "new FILE.js", Args: exactly(1, usage),
		Short: p.say("write a commented rule, its tests and types for editors", "生成带注释的规则、它的测试和编辑器用的类型声明"),
	}
	path := configFlag(c, p)
	kind, flow := kindFlag(c, p), flowFlag(c, p)
	c.RunE = func(c *cobra.Command, args []string) error {
		k, err := ruleKind(*kind)
		if err != nil {
			return err
		}
		rule := args[0]
		if filepath.Ext(rule) != ".js" {
			return fault.New(fault.Invalid, "%[1]s: a rule's name ends in .js: %[2]s / %[1]s：规则文件名以 .js 结尾：%[2]s", rule, usage)
		}
		declared, err := p.declaredFor(c, *path, *flow)
		if err != nil {
			return err
		}
		start := scripting.StarterOf(k, p.lang())
		types := filepath.Join(filepath.Dir(rule), scripting.DeclarationsName(k))
		err = p.writeNew([]newFile{
			{rule, start.Rule, false},
			{strings.TrimSuffix(rule, ".js") + ".test.yaml", start.Test, false},
			{types, []byte(scripting.Declarations(k, declared)), true},
		})
		if err != nil {
			return err
		}
		p.printf("%s\n", p.say("try it: rollcall rules test %s; then name it in the configuration: %ss.rule", "试一试：rollcall rules test %s；然后写进配置：%ss.rule", rule, string(k)))
		return nil
	}
	return c
}

func (p *process) rulesTypesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "types", Args: exactly(0, "rollcall rules types"),
		Short: p.say("print the types of what a rule may use, for editors", "打印规则可用对象的类型声明，供编辑器使用"),
	}
	path := configFlag(c, p)
	kind, flow := kindFlag(c, p), flowFlag(c, p)
	c.RunE = func(c *cobra.Command, _ []string) error {
		k, err := ruleKind(*kind)
		if err != nil {
			return err
		}
		declared, err := p.declaredFor(c, *path, *flow)
		if err != nil {
			return err
		}
		p.printf("%s", scripting.Declarations(k, declared))
		return nil
	}
	return c
}

func kindFlag(c *cobra.Command, p *process) *string {
	return c.Flags().String("kind", string(directory.User), p.say("what the rule judges: user or department", "规则判定的对象：user 或 department"))
}

func flowFlag(c *cobra.Command, p *process) *string {
	return c.Flags().String("flow", "", p.say("the flow whose source declares the attributes; the only one when left out", "以哪个流程的来源属性为准；只有一个流程时可以不写"))
}

func ruleKind(word string) (directory.Kind, error) {
	switch k := directory.Kind(word); k {
	case directory.User, directory.Department:
		return k, nil
	default:
		return "", fault.New(fault.Invalid, "--kind is user or department, not %[1]q / --kind 只能是 user 或 department，不能是 %[1]q", word)
	}
}

// declaredFor gives the attributes of a flow's source, as far as they are known
// without calling anybody. Without a configuration nothing is declared.
func (p *process) declaredFor(c *cobra.Command, path, flow string) (map[directory.Kind]map[string]directory.Type, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("config") {
		if flow != "" {
			return nil, fault.New(fault.NotFound, "there is no %[1]s here: name the configuration with -c / 这里没有 %[1]s：请用 -c 指定配置文件", path)
		}
		return map[directory.Kind]map[string]directory.Type{}, nil
	}
	cfg, err := p.loadOffline(path)
	if err != nil {
		return nil, err
	}
	f, err := flowNamed(cfg, flow)
	if err != nil {
		return nil, err
	}
	return p.declaredOf(c.Context(), cfg, f)
}

func (p *process) declaredOf(ctx context.Context, cfg *configs.Config, f *configs.Flow) (map[directory.Kind]map[string]directory.Type, error) {
	a := p.bare(cfg)
	source, err := a.source(f.From)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a.declared(ctx, source), a.close()
}

// flowNamed gives a flow of the configuration; "" is the only one.
func flowNamed(cfg *configs.Config, name string) (*configs.Flow, error) {
	i := slices.IndexFunc(cfg.Flows, func(f configs.Flow) bool { return f.Name == name })
	if name == "" && len(cfg.Flows) == 1 {
		i = 0
	}
	if i >= 0 {
		return &cfg.Flows[i], nil
	}
	var names []string
	for _, f := range cfg.Flows {
		names = append(names, f.Name)
	}
	all := strings.Join(names, ", ")
	if name == "" {
		return nil, fault.New(fault.Invalid, "say which flow: --flow %[1]s / 请写明流程：--flow %[1]s", strings.Join(names, "|"))
	}
	return nil, fault.New(fault.NotFound, "there is no flow %[1]s; there are %[2]s / 没有流程 %[1]s，只有 %[2]s", name, all)
}

// newFile is a file to be written.
type newFile struct {
	path string
	text []byte
	made bool // by a machine: an older one may be replaced
}

// writeNew writes files, all of them or, when one is there that may not be
// replaced, none.
func (p *process) writeNew(files []newFile) error {
	for _, f := range files {
		if _, err := os.Lstat(f.path); err == nil && !f.made {
			return fault.New(fault.Conflict, "%[1]s is there already: nothing was written; choose another name / %[1]s 已经存在，什么都没有写；请换一个名字", f.path)
		}
	}
	for _, f := range files {
		flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		if f.made {
			flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		}
		file, err := os.OpenFile(f.path, flags, 0o644) //nolint:gosec // where the author wants it; there is no secret in it
		if err == nil {
			_, err = file.Write(f.text)
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "%[1]s cannot be written / %[1]s 写不了", f.path)
		}
		p.printf("%s\n", p.say("wrote %s", "已写入 %s", f.path))
	}
	return nil
}
