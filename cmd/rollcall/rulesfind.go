package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// find gives the rules that the arguments name, each once: those of the flows when
// there is no argument.
func (t *ruleTester) find(args []string) ([]string, error) {
	var rules []string
	if len(args) == 0 {
		for i := range t.app.cfg.Flows {
			for _, f := range rulesOf(&t.app.cfg.Flows[i]) {
				rules = append(rules, t.app.cfg.Resolve(f.path))
			}
		}
	}
	for _, arg := range args {
		found, err := t.named(arg)
		if err != nil {
			return nil, err
		}
		rules = append(rules, found...)
	}
	var once []string
	for _, rule := range rules {
		if !slices.Contains(once, rule) {
			once = append(once, rule)
		}
	}
	return once, nil
}

// named gives the rules that an argument names.
func (t *ruleTester) named(arg string) ([]string, error) {
	arg = filepath.Clean(arg)
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return t.folder(arg)
	case strings.HasSuffix(arg, testEnding):
		return []string{strings.TrimSuffix(arg, testEnding) + ruleEnding}, nil
	case strings.HasSuffix(arg, ruleEnding):
		return []string{arg}, nil
	case err != nil:
		return nil, fault.New(fault.NotFound, "there is no %[1]s / 找不到 %[1]s", arg)
	}
	return nil, fault.New(fault.Invalid, "%[1]s is neither a rule (.js), nor a test (.test.yaml), nor a folder / %[1]s 不是规则（.js）、测试（.test.yaml）或文件夹", arg)
}

// folder gives the rules of the tests below a folder, and names the rules without a
// test.
func (t *ruleTester) folder(root string) ([]string, error) {
	var rules, lacking []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
		case strings.HasSuffix(path, testEnding):
			rules = append(rules, strings.TrimSuffix(path, testEnding)+ruleEnding)
		case strings.HasSuffix(path, ruleEnding) && !exists(testBeside(path)):
			lacking = append(lacking, path)
		}
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "folder %[1]s cannot be read / 文件夹 %[1]s 读不了", root)
	}
	for _, path := range lacking {
		t.p.printf("! %s\n", t.p.say("%s has no test beside it", "%s 旁边没有测试", path))
	}
	return rules, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// testBeside gives the test of a rule.
func testBeside(rule string) string { return strings.TrimSuffix(rule, ruleEnding) + testEnding }

// flowRule is a rule of a flow.
type flowRule struct {
	kind directory.Kind
	path string // as written
}

// rulesOf gives the rules of a flow.
func rulesOf(f *configs.Flow) []flowRule {
	var out []flowRule
	if f.Users.Rule != "" {
		out = append(out, flowRule{directory.User, f.Users.Rule})
	}
	if f.Departments != nil && f.Departments.Rule != "" {
		out = append(out, flowRule{directory.Department, f.Departments.Rule})
	}
	return out
}

// flowOf gives the first flow that judges objects of a kind by a rule; none when no
// flow has the rule. A rule that flows have for the other kind only is tested wrongly.
func (t *ruleTester) flowOf(path string, kind directory.Kind) (flow *configs.Flow, ok bool, err error) {
	rule, err := os.Stat(path)
	if err != nil {
		return nil, false, fault.Wrap(fault.NotFound, err, "there is no rule %[1]s to test / 找不到要测试的规则 %[1]s", path)
	}
	var other *flowRule
	of := ""
	for i := range t.app.cfg.Flows {
		f := &t.app.cfg.Flows[i]
		for _, r := range rulesOf(f) {
			info, err := os.Stat(t.app.cfg.Resolve(r.path))
			switch {
			case err != nil || !os.SameFile(rule, info):
			case r.kind == kind:
				return f, true, nil
			case other == nil:
				other, of = &r, f.Name
			}
		}
	}
	if other != nil {
		return nil, false, fault.New(fault.Invalid, "flow %[1]s judges %[2]ss by %[3]s: write kind: %[2]s at the top of its test / 流程 %[1]s 用 %[3]s 判定 %[2]s：请在测试开头写 kind: %[2]s", of, other.kind, path)
	}
	return nil, false, nil
}
