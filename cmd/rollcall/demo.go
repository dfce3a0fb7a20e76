package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// demo is what the demo command was told.
type demo struct {
	script       string
	feishu, ding string
	redis, dir   string
	english      bool
	logs         bool
	skip         *skipping
}

func (p *process) demoCommand() *cobra.Command {
	d := demo{}
	c := &cobra.Command{
		Use: "demo", Args: exactly(0, "rollcall demo"),
		Short: p.say("try it: pretend tenants on loopback and a chat window, no credentials", "试用：本机模拟租户和聊天窗口，不需要任何凭据"),
	}
	c.Flags().StringVar(&d.script, "script", "", p.say("play the lines of a file instead of the keyboard", "播放文件里的台词，不用键盘"))
	c.Flags().StringVar(&d.feishu, "feishu", "connection", p.say("how Feishu's events come: connection or callback", "飞书事件的接收方式：connection 或 callback"))
	c.Flags().StringVar(&d.ding, "dingtalk", "stream", p.say("how DingTalk's messages come: stream or callback", "钉钉消息的接收方式：stream 或 callback"))
	c.Flags().StringVar(&d.redis, "redis", "", p.say("wake workers by this Redis", "用这个 Redis 唤醒工作进程"))
	c.Flags().StringVar(&d.dir, "dir", "", p.say("folder for the pretend company; a temporary one by default", "模拟公司的文件夹；默认用临时文件夹"))
	c.Flags().BoolVar(&d.english, "english", p.lang() == "en", p.say("the Feishu group speaks English, the DingTalk group Chinese; by default as the terminal does", "飞书群用英文，钉钉群用中文；默认随终端的语言"))
	c.Flags().BoolVar(&d.logs, "logs", false, p.say("show the service's log on standard error", "在标准错误上显示服务日志"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := d.wrong(); err != nil {
			return err
		}
		return p.demo(c.Context(), d)
	}
	return c
}

// wrong refuses a way in which events do not come: another one would be taken instead.
func (d *demo) wrong() error {
	for _, way := range []struct{ flag, given, usual string }{{"feishu", d.feishu, "connection"}, {"dingtalk", d.ding, "stream"}} {
		if way.given != way.usual && way.given != "callback" {
			return fault.New(fault.Invalid, "--%[1]s must be %[2]s or callback / --%[1]s 只能是 %[2]s 或 callback", way.flag, way.usual)
		}
	}
	return nil
}

// demo sets the stage, runs the service on it, and gives the person a chat
// window.
func (p *process) demo(ctx context.Context, d demo) error {
	skip := &skipping{now: p.now}
	pretending := *p
	pretending.now, pretending.breakable = skip.Now, true
	p = &pretending
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "rollcall-demo-")
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "no temporary folder / 无法建立临时文件夹")
		}
		defer func() { _ = os.RemoveAll(dir) }()
		d.dir = dir
	}
	s, err := stage.Open(stage.Options{ //nolint:contextcheck // the tenants outlive the opening; Close ends them
		Dir: d.dir, Now: p.now, Redis: d.redis, FeishuCallback: d.feishu == "callback", DingCallback: d.ding == "callback", English: d.english,
	})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	a, err := p.openStage(ctx, s, d)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }()
	d.skip = skip
	return a.perform(ctx, s, d)
}

// skipping is a clock that the demo's audience may put forward, to see what
// happens in ten minutes or tomorrow.
type skipping struct {
	now   func() time.Time
	ahead atomic.Int64
}

// Now gives the pretend time.
func (s *skipping) Now() time.Time { return s.now().Add(time.Duration(s.ahead.Load())) }

// openStage opens Rollcall on the stage, with last month's accounts linked as
// if it had made them itself.
func (p *process) openStage(ctx context.Context, s *stage.Stage, d demo) (*app, error) {
	path, err := s.WriteConfig()
	if err != nil {
		return nil, err
	}
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: p.getenv, ReadFile: os.ReadFile})
	if err != nil {
		return nil, err
	}
	quiet := *p
	if !d.logs {
		quiet.stderr = io.Discard
	}
	a, err := quiet.open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.linkAll(ctx, &cfg.Flows[0]), s.Today()); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.p = p
	return a, nil
}

// perform runs the service and the window side by side until either ends.
func (a *app) perform(ctx context.Context, s *stage.Stage, d demo) error {
	c := s.OpenChat()
	defer c.Close()
	c.WatchTarget()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return a.serve(ctx, func(address string) {
			s.MovedTo(address)
			g.Go(func() error {
				defer stop()
				if err := s.Ready(ctx); err != nil {
					return err
				}
				return a.window(ctx, c, d)
			})
		})
	})
	err := g.Wait()
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// errLeft ends the demo when the person leaves.
var errLeft = errors.New("the person left")

// window plays a script, or the keyboard.
func (a *app) window(ctx context.Context, c *stage.Chat, d demo) error {
	script := &stage.Script{Chat: c, Do: (&backstage{app: a, skip: d.skip}).do}
	if d.script != "" {
		f, err := os.Open(d.script)
		if err != nil {
			return fault.Wrap(fault.NotFound, err, "there is no script %[1]s / 找不到脚本 %[1]s", d.script)
		}
		defer func() { _ = f.Close() }()
		err = script.Play(ctx, f)
		a.show(c, 0)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "%s", err.Error())
		}
		return errLeft
	}
	return a.keyboard(ctx, c, script)
}

// show prints the posts from an index on and gives the next index.
func (a *app) show(c *stage.Chat, from int) int {
	posts, _ := c.From(from)
	for _, p := range posts {
		mark := ""
		if p.Edit {
			mark = a.p.say(" (edited)", "（更新）")
		}
		a.p.printf("[%s] %s%s>\n%s\n\n", roomName(p.Room), p.Who, mark, indent(p.Text))
	}
	return from + len(posts)
}

func roomName(r stage.Room) string {
	platform, who, alone := strings.Cut(string(r), "/")
	name := map[string]string{string(stage.FeishuRoom): "飞书·运维群", string(stage.DingRoom): "钉钉·HR sync"}[platform]
	switch {
	case alone:
		return map[string]string{string(stage.FeishuRoom): "飞书·私聊 ", string(stage.DingRoom): "钉钉·私聊 "}[platform] + who
	case name == "":
		return "企业微信"
	default:
		return name
	}
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// keyboard reads lines and shows what is said, until the person leaves.
func (a *app) keyboard(ctx context.Context, c *stage.Chat, script *stage.Script) error {
	a.p.printf("%s\n", a.p.say(welcomeEN, welcomeZH))
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(a.p.stdin); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for shown := 0; ; {
		shown = a.show(c, shown)
		_, more := c.From(shown)
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		case line, ok := <-lines:
			if !ok || line == "/quit" {
				return errLeft
			}
			if err := a.typed(ctx, script, line); err != nil {
				a.p.printf("  ! %v\n", err)
			}
		}
	}
}

// typed carries out one line of the keyboard: a slash is for the stage,
// everything else is said to the bot.
func (a *app) typed(ctx context.Context, script *stage.Script, line string) error {
	line = strings.TrimSpace(line)
	switch {
	case line == "":
		return nil
	case line == "/help":
		a.p.printf("%s\n", a.p.say(welcomeEN, welcomeZH))
		return nil
	case strings.HasPrefix(line, "/"):
		return script.Play(ctx, strings.NewReader(line[1:]))
	case strings.HasPrefix(line, "@"):
		return script.Play(ctx, strings.NewReader("say "+line))
	default:
		return script.Play(ctx, strings.NewReader("say @点名 "+line))
	}
}

const welcomeZH = `点名演示：一家 400 人的公司，花名册 → 企业微信。你在飞书群「运维群」里，身份是李敏。
  试试：预演 hr-to-wecom   同步 hr-to-wecom   详情 <代码> 删除   帮助
  换人：/as 周凯   /as 陈悦     换群：/room dingtalk   /room feishu
  私聊：/room feishu/李敏       终端投票：/do approve 周凯 <代码> 删除=3     时间快进：/do later 10m
  按钮：/press 批准 删除=3      看目标：/tree          改花名册：/roster drop 0005
  退出：/quit`

const welcomeEN = `Rollcall demo: a company of 400, roster → WeCom. You are 李敏 (Li Min) in the Feishu group 运维群.
  Try: plan hr-to-wecom    sync hr-to-wecom    show <code> delete    help
  Be somebody else: /as 周凯   /as 陈悦     Another group: /room dingtalk   /room feishu
  Alone with the bot: /room feishu/李敏     Vote at the terminal: /do approve 周凯 <code> delete=3     Let time pass: /do later 10m
  Buttons: /press Approve deleted=3   See the target: /tree   Change the roster: /roster drop 0005
  Leave: /quit`
