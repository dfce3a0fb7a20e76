package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/bot/feishubot"
	"github.com/rollcallhq/rollcall/bot/feishubot/longconn"
	"github.com/rollcallhq/rollcall/bot/webhook"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

var (
	_ bot.Service = (*engine.Engine)(nil)
	_ bot.Mailbox = (*store.Store)(nil)
)

// feishuPath is where Feishu's events arrive by HTTP callback.
const feishuPath = "/callback/feishu"

// chat is the conversation with its platforms.
type chat struct {
	bot      *bot.Bot
	handlers map[string]http.Handler
	doctor   *doctor
}

// openChat builds the conversation of a configuration.
func (a *app) openChat() (*chat, error) {
	c := &chat{handlers: map[string]http.Handler{}, doctor: &doctor{app: a, bots: map[run.Platform]func(context.Context) error{}}}
	var platforms []bot.Platform
	var callbacks []func()
	if cfg := a.cfg.Bots.Feishu; cfg != nil {
		b, err := a.feishuBot(c, cfg)
		if err != nil {
			return nil, fmt.Errorf("bots.feishu: %w", err)
		}
		platforms = append(platforms, a.fail.platform(b))
		a.observer.door(run.Feishu, b.Refused)
		c.doctor.bots[run.Feishu] = func(ctx context.Context) error { _, err := b.Probe(ctx); return err }
		if cfg.Receive == "callback" {
			callbacks = append(callbacks, func() { c.handlers[feishuPath] = b.Handler(c.bot.Receive) })
		}
	}
	if cfg := a.cfg.Bots.DingTalk; cfg != nil {
		b, err := a.dingBot(cfg)
		if err != nil {
			return nil, fmt.Errorf("bots.dingtalk: %w", err)
		}
		platforms = append(platforms, a.fail.platform(b))
		a.observer.door(run.DingTalk, b.Refused)
		c.doctor.bots[run.DingTalk] = b.Probe
		if cfg.Receive == dingtalkbot.Callback {
			callbacks = append(callbacks, func() { c.handlers[cfg.CallbackPath.Reveal()] = b.Handler(c.bot.Receive) })
		}
	}
	hooks, err := a.wecomHandlers()
	if err != nil {
		return nil, err
	}
	maps.Copy(c.handlers, hooks)
	robots, err := a.robots()
	if err != nil {
		return nil, err
	}
	c.doctor.robots = robots
	c.bot, err = bot.New(bot.Options{
		Service: a.engine, Mailbox: a.fail.mailbox(a.store, a.store.Run), Platforms: platforms, Robots: robots, People: people(a.cfg), Rooms: a.rooms(),
		Flows: a.botFlows(), Digests: a.digests(), Lang: bot.Lang(a.cfg.Locale), Zone: a.cfg.Location(), Now: a.p.now, Logger: a.log,
		Doctor: c.doctor, AdminRoom: a.cfg.AdminRoom, AuditHead: a.auditHead, Limiter: a.limiter(), Quota: a.quota(),
		Flood: bot.Flood{Person: a.cfg.Limits.Person, Room: a.cfg.Limits.Room},
		Quiet: func(at time.Time) bool { return a.cfg.Quiet.Include(at.In(a.cfg.Location())) },
	})
	if err != nil {
		return nil, err
	}
	for _, add := range callbacks {
		add()
	}
	return c, a.addSCIM(c.handlers)
}

func (a *app) feishuBot(c *chat, cfg *configs.FeishuBot) (*feishubot.Bot, error) {
	sys, ok := a.cfg.System(cfg.System)
	if !ok || sys.Feishu == nil {
		return nil, fault.New(fault.Invalid, "system %[1]s is not a Feishu tenant / 系统 %[1]s 不是飞书", cfg.System)
	}
	f := sys.Feishu
	o := feishubot.Options{
		AppID: f.AppID, BaseURL: f.BaseURL, EncryptKey: cfg.EncryptKey.Reveal(), VerificationToken: cfg.VerificationToken.Reveal(),
		Tokens: a.feishuTokens(f), HTTPClient: a.client("bot.feishu", f.BaseURL), Now: a.p.now, Logger: a.log,
		BotMoved: func(ctx context.Context, chat string, added bool) { c.bot.Moved(ctx, run.Feishu, chat, added) },
		Contacts: a.told(cfg.System), UserIDType: f.UserIDType,
	}
	if cfg.Receive == "connection" {
		a.observer.meter.Connections.Set(0, string(run.Feishu))
		ways := a.dialer(f.BaseURL)
		o.Connect = func(ctx context.Context, handle feishubot.Handle) error {
			return longconn.Listen(ctx, longconn.Options{
				AppID: f.AppID, AppSecret: f.AppSecret.Reveal(), BaseURL: f.BaseURL, Handle: longconn.Handle(handle),
				HTTPClient: a.httpClient(f.BaseURL), Dial: ways.DialContext, Proxy: ways.Proxied, Now: a.p.now, Logger: a.log,
				Changed: func(connected bool) { a.observer.meter.Connections.Set(truth(connected), string(run.Feishu)) },
			})
		}
	}
	return feishubot.New(o)
}

// limiter shares rates by Redis, or keeps them in this process.
func (a *app) limiter() bot.Limiter {
	if r, ok := a.bell.(*queue.Redis); ok {
		return r
	}
	return queue.NewBuckets(a.p.now)
}

// quota gives DingTalk's monthly calls; 0: not watched.
func (a *app) quota() int {
	if a.cfg.Bots.DingTalk == nil {
		return 0
	}
	return a.cfg.Bots.DingTalk.MonthlyCalls
}

func (a *app) dingBot(cfg *configs.DingTalkBot) (*dingtalkbot.Bot, error) {
	sys, ok := a.cfg.System(cfg.System)
	if !ok || sys.DingTalk == nil {
		return nil, fault.New(fault.Invalid, "system %[1]s is not a DingTalk corp / 系统 %[1]s 不是钉钉", cfg.System)
	}
	d := sys.DingTalk
	o := dingtalkbot.Options{
		ClientID: d.ClientID, ClientSecret: d.ClientSecret.Reveal(), RobotCode: cfg.RobotCode, CorpID: cfg.CorpID,
		APIURL: d.APIURL, OAPIURL: d.OAPIURL, Receive: cfg.Receive, CardTemplate: cfg.CardTemplateID, BotName: cfg.Name,
		HTTPClient: a.client("bot.dingtalk", d.APIURL, d.OAPIURL), Now: a.p.now, Logger: a.log, Contacts: a.told(cfg.System),
		Changed: func(up int) { a.observer.meter.Connections.Set(float64(up), string(run.DingTalk)) },
	}
	if cfg.Receive == dingtalkbot.Stream {
		a.observer.meter.Connections.Set(0, string(run.DingTalk))
	}
	for i := range a.cfg.Rooms {
		if r := &a.cfg.Rooms[i]; r.Platform == string(run.DingTalk) && r.ChatID != "" {
			o.Conversations = append(o.Conversations, r.ChatID)
		}
	}
	return dingtalkbot.New(o)
}

// robots makes the signed group webhooks. An address on this machine is a
// pretend one; it is allowed as it stands.
func (a *app) robots() (map[string]bot.Robot, error) {
	out := map[string]bot.Robot{}
	var errs []error
	for i := range a.cfg.Webhooks {
		w := &a.cfg.Webhooks[i]
		o := webhook.Options{
			Name: w.Name, Type: run.Platform(w.Type), URL: w.URL.Reveal(), Secret: w.Secret.Reveal(), Keyword: w.Keyword,
			HTTPClient: a.client("webhook."+w.Name, w.URL.Reveal()), Now: a.p.now, Logger: a.log,
		}
		if host := loopbackHost(o.URL); host != "" {
			o.AllowHosts = []string{host}
		}
		r, err := webhook.New(o)
		if err != nil {
			errs = append(errs, fmt.Errorf("webhooks.%s: %w", w.Name, err))
			continue
		}
		out[w.Name] = r
	}
	return out, errors.Join(errs...)
}

// loopbackHost gives the host and port of an address on this machine, else "".
func loopbackHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return u.Host
	}
	return ""
}

func (a *app) rooms() []bot.Room {
	var rooms []bot.Room
	for _, r := range a.cfg.Rooms {
		rooms = append(rooms, bot.Room{
			Name: r.Name, Platform: run.Platform(r.Platform), Chat: r.ChatID, Lang: bot.Lang(r.Locale), Flows: r.Flows, Webhook: r.Webhook,
		})
	}
	return rooms
}

func (a *app) botFlows() []bot.Flow {
	var flows []bot.Flow
	for i := range a.cfg.Flows {
		f := &a.cfg.Flows[i]
		out := bot.Flow{
			Name: f.Name, From: f.From, To: f.To, Rooms: f.Rooms, Schedule: f.Schedule, Paused: f.Paused, Expires: f.Approve.Expires.Std(),
		}
		if target, ok := a.sources[f.To].(connector.Target); ok {
			info := target.Describe()
			out.DeleteMeans, out.DisableMeans = bot.Text(info.DeleteMeans), bot.Text(info.DisableMeans)
		}
		if schedule, err := parseSchedule(f.Schedule); err == nil && f.Schedule != "" {
			out.Next = schedule.Next
		}
		flows = append(flows, out)
	}
	return flows
}

func (a *app) digests() []bot.DigestPlan {
	var plans []bot.DigestPlan
	for _, d := range a.cfg.Digests {
		plans = append(plans, bot.DigestPlan{
			Rooms: d.Rooms, Hour: d.At.Hour, Minute: d.At.Minute, Days: d.Days, Lang: bot.Lang(d.Locale), Zone: a.cfg.Location(),
		})
	}
	return plans
}
