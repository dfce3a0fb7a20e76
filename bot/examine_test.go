package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// doctor gives what it is told to.
type doctor struct {
	checks []Check
	err    error
	of     []string
	deep   bool
	left   time.Duration // until it must have ended
}

func (d *doctor) Examine(ctx context.Context, of string, deep bool) ([]Check, error) {
	d.of, d.deep = append(d.of, of), deep
	if at, bounded := ctx.Deadline(); bounded {
		d.left = time.Until(at)
	}
	return d.checks, d.err
}

func someChecks() []Check {
	return []Check{
		{About: "wecom", Level: Fine, Say: Text{"凭证可用", "credentials work"}},
		{About: "hr", Level: Advice, Say: Text{"名单三天没有更新", "the roster is three days old"}, Fix: Text{"请人事重新导出", "let HR export it again"}},
		{About: "feishu", Level: Broken, Say: Text{"没有订阅卡片回调", "the card callback is not subscribed"}, Fix: Text{"飞书开放平台 → 事件与回调 → 回调配置 → 添加“卡片回传交互”", "open.feishu.cn → Events & callbacks → Callback configuration → add “card.action.trigger”"}},
		{About: "wecom", Level: Fine, Say: Text{"出口 IP 在白名单里", "the address is on the list"}},
		{About: "wecom", Level: Fine, Part: Text{"列出部门编号", "list department ids"}},
		{About: "wecom", Level: Fine, Part: Text{"列出成员编号", "list member ids"}},
		{About: "wecom", Level: Fine, Part: Text{"写入", "write"}, Say: Text{"第一次执行前无法验证", "unverified until the first apply"}},
		{About: "wecom", Level: Broken, Part: Text{"读取部门名称", "read department names"}, Say: Text{"此 IP 不能读取 [48009]", "refused from this address [48009]"}, Fix: Text{"创建自建应用", "create an app"}},
		{About: "secret-flow", Level: Broken, Say: Text{"ldap 连不上", "ldap does not answer"}},
		{About: "ldap", Level: Broken, Say: Text{"ldap 连不上", "ldap does not answer"}},
		{About: "hr-to-wecom", Level: Advice, Say: Text{"审批人只有一位：13912345678", "only one approver: 13912345678"}},
	}
}

func TestExamine(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"ops", "team"} {
		w := newWorld(t)
		w.command("Li Min", room, Command{Verb: Examine})
		d := &doctor{checks: someChecks()}
		w.b.o.Doctor = d
		w.command("Li Min", room, Command{Verb: Examine})
		w.command("Li Min", room, Command{Verb: Examine, Flow: "HR", Deep: true})
		if !d.deep || d.of[0] != "" || d.of[1] != "hr" || d.left <= 0 || d.left > 20*time.Second {
			t.Errorf("%+v", d)
		}
		w.command("Wu Di", room, Command{Verb: Examine})
		w.command("Wu Di", room, Command{Verb: Examine, Flow: "hr-to-wecom"})
		w.command("Li Min", room, Command{Verb: Examine, Flow: "ldap"})
		w.command("Li Min", room, Command{Verb: Examine, Flow: "secret-flow"})
		if len(d.of) != 2 {
			t.Errorf("refused commands asked the doctor: %q", d.of)
		}
		d.checks, d.err = d.checks[:1], context.DeadlineExceeded
		w.command("Li Min", room, Command{Verb: Examine})
		d.err = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
		w.command("Li Min", room, Command{Verb: Examine})
		d.checks, d.err = nil, nil
		w.command("Li Min", room, Command{Verb: Examine})
		d.checks = someChecks()[:1]
		w.command("Li Min", room, Command{Verb: Examine, Flow: "wecom"})
		golden(t, "testdata/transcripts/examine."+room+".txt", w.log.String())
		inOneLanguage(t, room, w.log.String())
		if log := w.log.String(); strings.Contains(log, "13912345678") || strings.Contains(log, "ldap 连不上") || strings.Contains(log, "ldap does not") {
			t.Error("the room hears of what it must not")
		}
	}
}

// G10: an admin of everything sees every flow's findings, in a room of all.
func TestG10_DoctorTellsOfVisibleFlowsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Doctor = &doctor{checks: someChecks()}
	if got := texts(w.command("Boss", "board", Command{Verb: Examine})); !strings.Contains(got, "*ldap*") || !strings.Contains(got, "*secret-flow*") {
		t.Errorf("%s", got)
	}
	if got := texts(w.command("Boss", "team", Command{Verb: Examine})); strings.Contains(got, "ldap") || strings.Contains(got, "secret") {
		t.Errorf("%s", got)
	}
}

// The worst stands first, and the last of a long list is counted.
func TestFindingsWorstFirst(t *testing.T) {
	t.Parallel()
	var checks []Check
	for _, level := range []Level{Fine, Advice, Broken} {
		for range 50 {
			checks = append(checks, Check{About: string(level), Level: level, Say: Text{"说明", "say"}, Fix: Text{"修复", "fix"}})
		}
	}
	got := cardText(EN.checkCard("", false, checks, nil))
	broken, advice, fine := strings.Index(got, "*fail*"), strings.Index(got, "*warn*"), strings.Index(got, "*ok*")
	if broken < 0 || broken > advice || advice > fine || strings.Count(got, "and 26 more") != 2 {
		t.Errorf("%s", got)
	}
	if card := EN.checkCard("", true, nil, errors.New("secret token abc")); card.Tone != Warn || strings.Contains(cardText(card), "abc") || card.Foot != "" {
		t.Errorf("%s", cardText(card))
	}
}
