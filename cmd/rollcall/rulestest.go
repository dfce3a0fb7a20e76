package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/scripting/ruletest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The endings of a rule and of the test beside it.
const (
	ruleEnding = ".js"
	testEnding = ".test.yaml"
)

// rulesTest are the flags of rollcall rules test.
type rulesTest struct {
	config string
	cover  float64 // percent of the lines
	only   string  // part of the names of cases
	quiet  bool
}

func (p *process) rulesTestCommand() *cobra.Command {
	var o rulesTest
	c := &cobra.Command{
		Use: "test [FILE|FOLDER…]", Short: p.say("run the tests beside the rules", "运行规则脚本旁边的测试"),
		Long: p.say(`Runs the tests that stand beside rules: users.test.yaml beside users.js.

FILE is a rule or its test; a FOLDER is searched for tests. Without arguments, the
rules of all flows of the configuration are tested. A flow's time zone and the
attributes of its source hold in the tests of its rule, where the test says nothing.`,
			`运行规则脚本旁边的测试：users.js 旁边的 users.test.yaml。

FILE 是规则脚本或它的测试；FOLDER 里的测试都会运行。不带参数时，测试配置里所有流程的规则。
测试里没有写时区和属性类型时，用配置里该流程的时区和来源属性。`),
	}
	c.Flags().StringVarP(&o.config, "config", "c", "rollcall.yaml", p.say("the configuration that the rules belong to; '' for none", "规则所属的配置文件；写 '' 表示不用"))
	c.Flags().Float64Var(&o.cover, "cover", 0, p.say("fail when less than this percentage of a rule's lines ran", "覆盖的行低于这个百分比就算失败"))
	c.Flags().StringVar(&o.only, "run", "", p.say("only cases whose names contain this", "只运行名字里含有这段文字的用例"))
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, p.say("show only what failed, and the numbers", "只显示失败的用例和数字"))
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case math.IsNaN(o.cover) || o.cover < 0 || o.cover > 100:
			return fault.New(fault.Invalid, "--cover is a percentage from 0 to 100 / --cover 是 0 到 100 的百分比")
		case o.cover > 0 && o.only != "":
			return fault.New(fault.Invalid, "--cover counts all cases, --run runs some: use one of them / --cover 要运行所有用例，--run 只运行一部分：请只用一个")
		}
		return p.testRules(c.Context(), o, c.Flags().Changed("config"), args)
	}
	return c
}

// testRules runs tests and tells what came of them. Faults: Invalid when something
// failed or nothing ran.
func (p *process) testRules(ctx context.Context, o rulesTest, chosen bool, args []string) error {
	t := &ruleTester{p: p, o: o}
	if err := t.open(chosen, len(args) == 0); err != nil {
		return err
	}
	err := t.all(ctx, args)
	if t.app != nil {
		err = errors.Join(err, t.app.close())
	}
	return err
}

// ruleTester runs the tests of some rules.
type ruleTester struct {
	p   *process
	o   rulesTest
	app *app // of the configuration; nil: there is none

	known map[string]ruletest.Defaults // by source system

	files, passed, failed, broken, thin int
}

// open reads the configuration. One that nobody asked for and that is not there is
// none.
func (t *ruleTester) open(chosen, needed bool) error {
	if t.o.config == "" {
		if needed {
			return fault.New(fault.Invalid, "name a rule, a test or a folder, or give a configuration / 请写上规则、测试或文件夹，或指定配置文件")
		}
		return nil
	}
	cfg, err := t.p.loadOffline(t.o.config)
	switch {
	case err == nil:
		t.app = t.p.bare(cfg)
		t.app.log = slog.New(slog.NewJSONHandler(t.p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	case fault.KindOf(err) == fault.NotFound && !chosen && !needed:
	case fault.KindOf(err) == fault.NotFound && !chosen:
		return fault.Wrap(fault.NotFound, err, "there is no rollcall.yaml here: name a rule, a test or a folder, or give a configuration with -c / 这里没有 rollcall.yaml：请写上规则、测试或文件夹，或用 -c 指定配置文件")
	default:
		return err
	}
	return nil
}

// all tests what the arguments name and gives the outcome.
func (t *ruleTester) all(ctx context.Context, args []string) error {
	tests, err := t.find(args)
	if err != nil {
		return err
	}
	for _, rule := range tests {
		t.files++
		if err := t.one(ctx, rule); err != nil {
			return err
		}
	}
	if t.files > 1 {
		t.p.printf("%s\n", t.p.say("%d files: %d passed, %d failed, %d could not be run", "%d 个文件：通过 %d，失败 %d，无法运行 %d",
			t.files, t.passed, t.failed, t.broken))
	}
	return t.outcome()
}

func (t *ruleTester) outcome() error {
	switch {
	case t.broken > 0:
		return fault.New(fault.Invalid, "%[1]d file(s) could not be tested, %[2]d case(s) failed / %[1]d 个文件无法测试，%[2]d 个用例失败", t.broken, t.failed)
	case t.failed > 0:
		return fault.New(fault.Invalid, "%[1]d case(s) failed / %[1]d 个用例失败", t.failed)
	case t.passed == 0:
		return fault.New(fault.Invalid, "no test ran / 没有运行任何测试")
	case t.thin > 0:
		return fault.New(fault.Invalid, "%[1]d rule(s) are covered less than %[2]v %% / %[1]d 个规则的覆盖率低于 %[2]v %%", t.thin, t.o.cover)
	}
	return nil
}

// one runs the test of a rule. What is wrong with the two files is told and counted;
// an error ends the whole.
func (t *ruleTester) one(ctx context.Context, path string) error {
	suite, rule, err := t.read(ctx, path)
	if err != nil {
		return t.tell(path, err)
	}
	if t.o.only != "" {
		if suite = suite.Only(t.o.only); suite.Len() == 0 {
			return nil
		}
	}
	options := suite.Options(rule)
	if options.Command, err = t.p.ruleWorker(); err != nil {
		return err
	}
	host, err := scripting.New(options) //nolint:contextcheck // it is closed here
	if err != nil {
		return t.tell(path, err)
	}
	defer host.Close()
	report, err := suite.Run(ctx, host)
	if err != nil {
		return err
	}
	t.passed += report.Passed
	t.failed += report.Failed
	if err := report.Write(t.p.stdout, ruletest.Style{Lang: t.p.lang(), Rule: rule, Quiet: t.o.quiet}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the report cannot be written / 测试结果写不出来")
	}
	if c := report.Coverage; 100*float64(c.Covered) < t.o.cover*float64(c.Total) {
		t.thin++
		t.p.printf("  ✗ %s\n", t.p.say("lines covered: %s, at least %v %% wanted", "行覆盖率 %s，要求至少 %v %%", c.Percent(), t.o.cover))
	}
	return nil
}

// tell tells why a rule could not be tested; a fault that is not about the files ends
// the whole.
func (t *ruleTester) tell(path string, err error) error {
	if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.NotFound {
		return err
	}
	t.broken++
	t.p.printf("%s\n", testBeside(path))
	for line := range strings.SplitSeq(fault.In(fault.Say(err), t.p.lang()), "\n") {
		t.p.printf("  ✗ %s\n", line)
	}
	return nil
}

// read reads a rule and its test, over what the configuration knows of the rule.
func (t *ruleTester) read(ctx context.Context, path string) (*ruletest.Suite, scripting.File, error) {
	test := testBeside(path)
	source, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, scripting.File{}, fault.Wrap(fault.NotFound, err, "there is no rule %[1]s to test / 找不到要测试的规则 %[1]s", path)
	}
	rule := scripting.File{Path: path, Name: path, Source: source}
	text, err := os.ReadFile(test) //nolint:gosec // it stands beside the rule that the operator named
	if err != nil {
		return nil, rule, fault.Wrap(fault.NotFound, err, "%[1]s has no test: create %[2]s, or let `rollcall rules new` make one / %[1]s 没有测试：请创建 %[2]s，可以用 rollcall rules new 生成", path, test)
	}
	suite, err := ruletest.Load(test, text)
	if err != nil || t.app == nil {
		return suite, rule, err
	}
	f, ok, err := t.flowOf(path, suite.Kind())
	if err != nil || !ok {
		return suite, rule, err
	}
	under, err := t.defaults(ctx, f.From)
	if err != nil {
		return nil, rule, err
	}
	suite, err = suite.Under(under)
	return suite, rule, err
}

// defaults gives what the configuration knows of rules that judge a system's objects.
func (t *ruleTester) defaults(ctx context.Context, system string) (ruletest.Defaults, error) {
	if known, ok := t.known[system]; ok {
		return known, nil
	}
	from, err := t.app.source(system)
	if err != nil {
		return ruletest.Defaults{}, err
	}
	if t.known == nil {
		t.known = map[string]ruletest.Defaults{}
	}
	t.known[system] = ruletest.Defaults{Zone: t.app.cfg.Location(), Declared: t.app.declared(ctx, from)}
	return t.known[system], nil
}
