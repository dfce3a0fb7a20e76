package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// doctor examines what the process stands on. It changes nothing; a deep look
// reads every source and target whole and lets every signed robot say a line.
type doctor struct {
	*app
	bots   map[run.Platform]func(context.Context) error
	robots map[string]bot.Robot
}

var _ bot.Doctor = (*doctor)(nil)

// examineTime bounds one check: a system that hangs is a finding, too.
const examineTime = 15 * time.Second

// examiners is how many checks run side by side.
const examiners = 4

// check is one look: what it is about, and how it looks.
type check struct {
	about string
	look  func(ctx context.Context) []bot.Check
}

// Examine looks at a flow or a system by name, or at everything. Faults:
// NotFound for a name that the configuration does not have.
func (d *doctor) Examine(ctx context.Context, of string, deep bool) ([]bot.Check, error) {
	checks, err := d.checks(of, deep)
	if err != nil {
		return nil, err
	}
	found := make([][]bot.Check, len(checks))
	var g errgroup.Group
	g.SetLimit(examiners)
	for i, c := range checks {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, examineTime)
			defer cancel()
			found[i] = c.look(ctx)
			for j := range found[i] {
				if found[i][j].About == "" {
					found[i][j].About = c.about
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	order := []bot.Level{bot.Broken, bot.Advice, bot.Fine}
	slices.SortStableFunc(all, func(x, y bot.Check) int { return slices.Index(order, x.Level) - slices.Index(order, y.Level) })
	return all, nil
}

// checks lists what to look at.
func (d *doctor) checks(of string, deep bool) ([]check, error) {
	var checks []check
	systems, flows := map[string]bool{}, d.cfg.Flows
	switch of {
	case "":
		checks = append(checks, d.base()...)
		for _, s := range d.cfg.Systems {
			systems[s.Name] = true
		}
	default:
		if f, ok := d.cfg.Flow(of); ok {
			flows, systems[f.From], systems[f.To] = configs.Table[configs.Flow]{*f}, true, true
		} else if s, ok := d.cfg.System(of); ok {
			flows, systems[s.Name] = nil, true
		} else {
			return nil, fault.New(fault.NotFound, "there is no flow or system %[1]q / 没有流程或系统“%[1]s”", of)
		}
	}
	for i := range d.cfg.Systems {
		if s := &d.cfg.Systems[i]; systems[s.Name] {
			checks = append(checks, check{s.Name, func(ctx context.Context) []bot.Check { return d.system(ctx, s, deep) }})
		}
	}
	for i := range flows {
		f := &flows[i]
		checks = append(checks, check{f.Name, func(ctx context.Context) []bot.Check { return d.flow(ctx, f) }})
	}
	if of == "" && deep {
		for _, name := range slices.Sorted(maps.Keys(d.robots)) {
			checks = append(checks, check{"webhooks." + name, func(ctx context.Context) []bot.Check { return d.robot(ctx, name) }})
		}
	}
	return checks, nil
}

// base are the checks that belong to no system or flow.
func (d *doctor) base() []check {
	checks := []check{
		{"record", d.record},
		{"redis", d.redis},
		{"people", func(context.Context) []bot.Check { return d.people() }},
	}
	if d.cfg.Server.PublicURL != "" {
		checks = append(checks, check{"server.public_url", d.publicURL})
	}
	for _, name := range []run.Platform{run.Feishu, run.DingTalk} {
		if probe := d.bots[name]; probe != nil {
			checks = append(checks, check{"bots." + string(name), func(ctx context.Context) []bot.Check {
				return append(d.judged(string(name), probe(ctx), bot.Text{EN: "the bot's credentials work", ZH: "机器人凭据有效"}), d.hearing(ctx, name)...)
			}})
		}
	}
	return checks
}

func fine(en, zh string) bot.Check { return bot.Check{Level: bot.Fine, Say: bot.Text{EN: en, ZH: zh}} }

// judged makes a finding of an error.
func (d *doctor) judged(kind string, err error, well bot.Text) []bot.Check {
	if err == nil {
		return []bot.Check{{Level: bot.Fine, Say: well}}
	}
	say := fault.Say(err)
	return []bot.Check{{Level: bot.Broken, Say: bot.Text{EN: fault.In(say, "en"), ZH: fault.In(say, "zh-CN")}, Fix: remedy(kind, fault.KindOf(err))}}
}

func (d *doctor) record(ctx context.Context) []bot.Check {
	if err := d.store.Ping(ctx); err != nil {
		return d.judged("record", err, bot.Text{})
	}
	checks := append([]bot.Check{fine("can be written", "可以写入")}, d.recordClock(ctx)...)
	if lost, err := d.store.FailedLetters(ctx); err == nil && lost > 0 {
		checks = append(checks, bot.Check{
			Level: bot.Advice,
			Say:   bot.Text{EN: several(lost, "message") + " could not be delivered lately", ZH: fmt.Sprintf("最近有 %d 条消息没有送达", lost)},
			Fix:   bot.Text{EN: "Look for “letter is given up” in the log; is the bot still in every room, and may it speak there?", ZH: "在日志里找 letter is given up；机器人还在每个群里吗，有发言权限吗？"},
		})
	}
	return append(checks, d.auditChecks(ctx)...)
}

func (d *doctor) redis(ctx context.Context) []bot.Check {
	r, ok := d.bell.(*queue.Redis)
	if !ok {
		return []bot.Check{fine("not used: one process wakes itself", "没有使用：单进程自行唤醒")}
	}
	if err := r.Ready(ctx); err != nil {
		return d.judged("redis", err, bot.Text{})
	}
	checks := []bot.Check{fine("answers", "有应答")}
	warnings, err := r.Warnings(ctx)
	if err != nil {
		return append(checks, d.judged("redis", err, bot.Text{})...)
	}
	for _, w := range warnings {
		checks = append(checks, bot.Check{Level: bot.Advice, Say: bot.Text{EN: fault.In(w, "en"), ZH: fault.In(w, "zh-CN")}, Fix: remedy("redis", "")})
	}
	return checks
}

// publicURL asks the server's own address, as the platforms will. Without HTTP
// callbacks nobody depends on it.
func (d *doctor) publicURL(ctx context.Context) []bot.Check {
	checks := d.judged("public_url", d.reach(ctx), bot.Text{EN: "can be reached", ZH: "可以访问"})
	f, t := d.cfg.Bots.Feishu, d.cfg.Bots.DingTalk
	if calledBack := f != nil && f.Receive == callback || t != nil && t.Receive == callback; !calledBack && checks[0].Level == bot.Broken {
		checks[0].Level = bot.Advice
	}
	return checks
}

// callback is how a bot receives by HTTP.
const callback = "callback"

func (d *doctor) reach(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(d.cfg.Server.PublicURL, "/")+"/healthz", http.NoBody)
	if err != nil {
		return fault.New(fault.Invalid, "is no address / 不是网址")
	}
	res, err := d.httpClient(d.cfg.Server.PublicURL).Do(req)
	if err != nil {
		return fault.New(fault.Unavailable, "cannot be reached from here; is the service running? / 从这里访问不到；服务在运行吗？")
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, "answers %[1]d instead of 200 / 返回 %[1]d，而不是 200", res.StatusCode)
	}
	return nil
}

// robot lets a signed robot say a line: whether its signature and its keyword are
// right shows in no other way.
func (d *doctor) robot(ctx context.Context, name string) []bot.Check {
	lang := bot.Lang(d.cfg.Locale)
	title := "体检：这个群机器人可以发消息"
	if lang == bot.EN {
		title = "Check-up: this group robot can speak"
	}
	w, _ := d.cfg.Webhook(name)
	err := d.robots[name].Send(ctx, bot.Outgoing{Robot: name, Lang: lang, Card: bot.Card{Title: title, Tone: bot.Info, Plain: true}})
	return d.judged("webhook "+w.Type, err, bot.Text{EN: "said a line in its room", ZH: "已在群里发出一行测试消息"})
}

// system looks at one system: its clock, its credentials and, deep, all of it.
func (d *doctor) system(ctx context.Context, s *configs.System, deep bool) []bot.Check {
	var checks []bot.Check
	if base := baseURL(s); base != "" {
		checks = append(checks, d.clock(ctx, s.Type, base)...)
	}
	source, err := d.source(s.Name)
	if fault.KindOf(err) == fault.Unsupported {
		return checks // a system for a bot alone; the bot is looked at
	}
	if err != nil {
		return append(checks, d.judged(s.Type, err, bot.Text{})...)
	}
	switch p := source.(type) {
	case connector.Examiner:
		use := systemUse(d.cfg, s.Name)
		checks = append(checks, matrix(p.Examine(ctx, use), use)...)
	case connector.Prober:
		checks = append(checks, d.judged(s.Type, p.Probe(ctx), bot.Text{EN: "credentials and permissions work", ZH: "凭据和权限有效"})...)
	}
	if deep {
		checks = append(checks, d.reading(ctx, s, source)...)
	}
	return checks
}

// readWhole says how much was read.
func readWhole(users, departments int, h directory.Health) string {
	retries := several(h.Retries, "retry")
	if h.Retries != 1 {
		retries = strconv.Itoa(h.Retries) + " retries"
	}
	return "read whole: " + several(users, "user") + ", " + several(departments, "department") + ", " + several(h.Pages, "page") + ", " + retries
}

// reading reads a system whole and says what it saw.
func (d *doctor) reading(ctx context.Context, s *configs.System, source connector.Source) []bot.Check {
	snap, err := source.Read(ctx)
	if err != nil {
		return d.judged(s.Type, err, bot.Text{})
	}
	users, departments := snap.Len(directory.User), snap.Len(directory.Department)
	checks := []bot.Check{fine(
		readWhole(users, departments, snap.Health),
		fmt.Sprintf("完整读取：%d 人，%d 个部门，%d 页，重试 %d 次", users, departments, snap.Health.Pages, snap.Health.Retries))}
	if why := snap.Health.PartialFor; why != "" {
		checks[0] = bot.Check{
			Level: bot.Broken, Fix: remedy(s.Type, fault.Denied),
			Say: bot.Text{EN: "cannot be read whole, so nobody is ever taken for gone: " + fault.In(why, "en"), ZH: "读取不完整，因此不会判定任何人离职：" + fault.In(why, "zh-CN")},
		}
	}
	if len(snap.Health.Hidden) > 0 {
		hidden := strings.Join(snap.Health.Hidden, ", ")
		checks = append(checks, bot.Check{
			Level: bot.Advice, Fix: remedy(s.Type, fault.Denied),
			Say: bot.Text{EN: "attributes are hidden for want of: " + hidden, ZH: "缺少权限，部分属性看不到：" + hidden},
		})
	}
	return checks
}

// The differences of clocks that matter: signatures of callbacks are good for
// five minutes.
const (
	skewAdvice = 30 * time.Second
	skewBroken = 4 * time.Minute
)

// clock compares our clock with the system's.
func (d *doctor) clock(ctx context.Context, kind, base string) []bot.Check {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, base, http.NoBody)
	if err != nil {
		return nil // config check refuses such an address
	}
	res, err := d.httpClient(base).Do(req)
	if err != nil {
		return d.judged(kind, fault.New(fault.Unavailable, "cannot be reached / 访问不到"), bot.Text{})
	}
	_ = res.Body.Close()
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return nil // it says no time
	}
	skew := d.p.now().Sub(theirs).Round(time.Second).Abs()
	switch {
	case skew < skewAdvice:
		return []bot.Check{fine(fmt.Sprintf("clocks differ by %v", skew), fmt.Sprintf("时钟相差 %v", skew))}
	case skew < skewBroken:
		return []bot.Check{{Level: bot.Advice, Say: bot.Text{EN: fmt.Sprintf("clocks differ by %v", skew), ZH: fmt.Sprintf("时钟相差 %v", skew)}, Fix: remedy("clock", "")}}
	default:
		return []bot.Check{{Level: bot.Broken, Say: bot.Text{EN: fmt.Sprintf("clocks differ by %v: signed messages are refused", skew), ZH: fmt.Sprintf("时钟相差 %v：带签名的消息会被拒绝", skew)}, Fix: remedy("clock", "")}}
	}
}

// baseURL gives the address of a system that is reached by HTTP.
func baseURL(s *configs.System) string {
	switch {
	case s.Feishu != nil:
		return s.Feishu.BaseURL
	case s.WeCom != nil:
		return s.WeCom.BaseURL
	case s.DingTalk != nil:
		return s.DingTalk.APIURL
	default:
		return ""
	}
}
