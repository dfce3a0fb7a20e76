package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// ballot is what the approve command was told.
type ballot struct {
	person, code, reason string
	typed                run.Restated
	only, hold           []string
	reject, glass        bool
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
	c.Flags().StringSliceVar(&b.only, "only", nil, p.say("approve only these: departments, operations, people, #3, #3-5", "只批准这些：部门、操作、人、#3、#3-5"))
	c.Flags().StringSliceVar(&b.hold, "hold", nil, p.say("approve all but these", "这些先保留，其余批准"))
	c.Flags().BoolVar(&b.glass, "break-glass", false, p.say("an admin alone lets this one run go; told to every room of the flow; needs --reason", "紧急放行：管理员一个人放行这一次，会通知流程的所有群；必须写 --reason"))
	c.Flags().BoolVar(&b.reject, "reject", false, p.say("reject instead", "改为驳回"))
	c.Flags().StringVar(&b.reason, "reason", "", p.say("why", "原因"))
	c.RunE = func(c *cobra.Command, args []string) error {
		code, err := run.ParseCode(args[0])
		if err != nil {
			return err
		}
		a, err := p.opened(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		return a.castBallot(c, code, b)
	}
	return c
}

// castBallot votes, or confirms the vote that the person gave in the chat.
func (a *app) castBallot(c *cobra.Command, code run.Code, b ballot) error {
	ctx := c.Context()
	if err := a.proveIdentity(c, b); err != nil {
		return err
	}
	by := run.Actor{Person: b.person, Platform: run.CLI, Channel: run.FromCLI}
	confirms, err := a.confirms(ctx, code, b)
	if err != nil {
		return err
	}
	var r run.Run
	if confirms {
		r, err = a.engine.StepUp(ctx, code, by)
	} else {
		r, err = a.vote(ctx, code, b, by)
	}
	switch {
	case err != nil:
		return err
	case r.State == run.Awaiting && !r.NotBefore.IsZero():
		a.p.printf("%s\n", a.p.say("%[1]s: all votes are there; it begins at %[2]s unless somebody sends: cancel %[1]s", "%[1]s：票已齐，%[2]s 开始执行；要停下请发：取消 %[1]s",
			code, r.NotBefore.In(a.cfg.Location()).Format("15:04")))
		return nil
	case r.State == run.Awaiting:
		a.p.printf("%s\n", a.p.say("%s: your vote counts, more are needed", "%s：已计入你的一票，还需要其他人", code))
		return nil
	}
	return a.follow(ctx, code)
}

// confirms tells whether the person has approved the run in the chat, so that
// what he says here is the step-up of a large plan.
func (a *app) confirms(ctx context.Context, code run.Code, b ballot) (bool, error) {
	if b.reject || b.glass {
		return false, nil
	}
	votes, err := a.engine.Votes(ctx, code)
	i := slices.IndexFunc(votes, func(v run.Vote) bool {
		return v.By.Person == b.person && v.Decision == run.Approve && v.By.Channel != run.FromCLI
	})
	if err != nil || i < 0 {
		return false, err
	}
	return true, b.agrees(votes[i])
}

// agrees tells whether what is confirmed is what the person approved in the chat:
// nobody confirms more than he says here. Faults: Invalid.
func (b ballot) agrees(v run.Vote) error {
	if len(b.only)+len(b.hold) > 0 {
		return fault.New(fault.Invalid, "%[1]s has approved %[2]s in the chat; that is confirmed as it stands, without --only and --hold / %[1]s 已在聊天里批准 %[2]s；确认时不能再写 --only 或 --hold", b.person, v.Run)
	}
	for _, n := range []struct {
		option      string
		here, there int
	}{{"--delete", b.typed.Delete, v.Typed.Delete}, {"--disable", b.typed.Disable, v.Typed.Disable}, {"--total", b.typed.Total, v.Typed.Total}} {
		if n.here >= 0 && n.there >= 0 && n.here != n.there || n.here > 0 && n.there < 0 && n.option != "--total" {
			return fault.New(fault.Invalid, "not confirmed: %[1]s %[2]d is not what was approved in the chat; look at the plan again / 没有确认：%[1]s %[2]d 与在聊天里批准的不一致；请再看一遍计划", n.option, n.here)
		}
	}
	return nil
}

// vote prints who would lose the account, so that nobody votes on what he has
// not seen, and votes.
func (a *app) vote(ctx context.Context, code run.Code, b ballot, by run.Actor) (run.Run, error) {
	_, pl, err := a.engine.Get(ctx, code)
	if err != nil {
		return run.Run{}, err
	}
	var seen []int
	if pl != nil {
		for i := range pl.Changes {
			if ch := &pl.Changes[i]; ch.Op.Destructive() {
				a.p.printf("%4d  %-7s %s %s%s  %s\n", ch.Seq, ch.Op, ch.Name, ch.Where, brackets(ch.Tail), fault.In(ch.Reason, a.p.lang()))
				seen = append(seen, ch.Seq)
			}
		}
	}
	if len(seen) > 0 {
		if err := a.engine.See(ctx, code, b.person, seen); err != nil {
			return run.Run{}, err
		}
	}
	v := run.Vote{
		Run: code, Decision: run.Approve, Typed: b.typed, Reason: b.reason, Only: b.only, Hold: b.hold, By: by, Thread: run.Thread{Platform: run.CLI},
	}
	switch {
	case b.reject:
		v.Decision = run.Reject
	case b.glass:
		v.Decision = run.BreakGlass
	}
	return a.engine.Decide(ctx, v)
}

// proveIdentity asks for the person's one-time password. Each password counts
// once, so that one who looks over the shoulder gains nothing.
func (a *app) proveIdentity(c *cobra.Command, b ballot) error {
	person, ok := a.cfg.Person(b.person)
	if !ok {
		return nobody(b.person, bot.Text{EN: "votes", ZH: "投票人"})
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
