package main

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// ballot is what the approve command was told.
type ballot struct {
	person, code, reason string
	typed                run.Restated
	reject               bool
}

func (p *process) approveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "approve CODE", Args: exactly(1, "rollcall approve CODE --person NAME --delete N --disable N"),
		Short: p.say("vote on a plan, with a one-time password", "对计划投票（需要动态口令）"),
	}
	path := configFlag(c, p)
	b := ballot{}
	c.Flags().StringVarP(&b.person, "person", "p", "", p.say("who votes: a name under people", "投票人：people 里的名字"))
	c.Flags().StringVar(&b.code, "totp", "", p.say("the six digits of the authenticator; asked for when missing", "验证器上的六位数字；不写会询问"))
	c.Flags().IntVar(&b.typed.Delete, "delete", -1, p.say("how many accounts the plan deletes", "计划删除的人数"))
	c.Flags().IntVar(&b.typed.Disable, "disable", -1, p.say("how many accounts the plan disables", "计划停用的人数"))
	c.Flags().IntVar(&b.typed.Total, "total", -1, p.say("how many changes a plan without deletions has", "没有删除的计划共有多少项变更"))
	c.Flags().BoolVar(&b.reject, "reject", false, p.say("reject instead", "改为驳回"))
	c.Flags().StringVar(&b.reason, "reason", "", p.say("why", "原因"))
	c.RunE = func(c *cobra.Command, args []string) error {
		code, err := run.ParseCode(args[0])
		if err != nil {
			return err
		}
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		a, err := p.open(c.Context(), cfg)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		return a.castBallot(c, code, b)
	}
	return c
}

func (a *app) castBallot(c *cobra.Command, code run.Code, b ballot) error {
	if err := a.proveIdentity(c, b); err != nil {
		return err
	}
	v := run.Vote{
		Run: code, Decision: run.Approve, Typed: b.typed, Reason: b.reason,
		By:     run.Actor{Person: b.person, Platform: run.CLI, Channel: run.FromCLI},
		Thread: run.Thread{Platform: run.CLI},
	}
	if b.reject {
		v.Decision = run.Reject
	}
	r, err := a.engine.Decide(c.Context(), v)
	if err != nil {
		return err
	}
	if r.State == run.Awaiting {
		a.p.printf("%s\n", a.p.say("%s: your vote counts, more are needed", "%s：已计入你的一票，还需要其他人", code))
		return nil
	}
	return a.follow(c.Context(), code)
}

// proveIdentity asks for the person's one-time password. Each password counts
// once, so that one who looks over the shoulder gains nothing.
func (a *app) proveIdentity(c *cobra.Command, b ballot) error {
	person, ok := a.cfg.Person(b.person)
	if !ok {
		return fault.New(fault.Invalid, "say who votes: --person NAME, a name under people / 请用 --person 写明投票人（people 里的名字）")
	}
	if !person.TOTP.IsSet() {
		return fault.New(fault.Denied, "%[1]s has no totp in the configuration; make one: rollcall person totp %[1]s / %[1]s 在配置里没有 totp；请先运行 rollcall person totp %[1]s", b.person)
	}
	code := b.code
	if code == "" {
		_, _ = fmt.Fprint(a.p.stderr, a.p.say("One-time password: ", "动态口令："))
		line, err := bufio.NewReader(a.p.stdin).ReadString('\n')
		if err != nil && line == "" {
			return fault.New(fault.Invalid, "a one-time password is needed: --totp 123456 / 需要动态口令：--totp 123456")
		}
		code = strings.TrimSpace(line)
	}
	step, ok := a.totpStep(person, code)
	if !ok {
		return fault.New(fault.Denied, "the one-time password is wrong or too old / 动态口令不对或已过期")
	}
	first, err := a.store.Claim(c.Context(), fmt.Sprintf("totp:%s:%d", b.person, step), nil)
	if err != nil {
		return err
	}
	if !first {
		return fault.New(fault.Denied, "this one-time password was used already; wait for the next / 这个动态口令已经用过，请等下一个")
	}
	return a.store.Handled(c.Context(), fmt.Sprintf("totp:%s:%d", b.person, step), nil)
}

// totpPeriod is the life of a one-time password (RFC 6238's default); one before
// and one after the present are good too, for clocks that differ.
const totpPeriod = 30 * time.Second

// totpStep gives the time step that a password belongs to.
func (a *app) totpStep(person *configs.Person, code string) (int64, bool) {
	for _, off := range []time.Duration{0, -totpPeriod, totpPeriod} {
		at := a.p.now().Add(off)
		ok, err := totp.ValidateCustom(code, person.TOTP.Reveal(), at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return at.Unix() / int64(totpPeriod/time.Second), true
		}
	}
	return 0, false
}
