package main

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (p *process) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: p.say("check and show the configuration", "检查和显示配置")}
	check := &cobra.Command{
		Use: "check FILE", Short: p.say("report every mistake with its line and column", "列出所有错误及其行列"), Args: exactly(1, "rollcall config check FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := p.loadStrictly(args[0])
			if err != nil {
				return err
			}
			if err := p.checkRules(c.Context(), cfg); err != nil {
				return err
			}
			p.printf("%s\n", p.say("%s: %d flow(s), %d room(s), no mistakes", "%s：%d 个流程，%d 个群，没有错误", args[0], len(cfg.Flows), len(cfg.Rooms)))
			if !cfg.AuditKey.IsSet() {
				p.printf("%s\n", p.text(plainText()))
			}
			return nil
		},
	}
	show := &cobra.Command{
		Use: "show FILE", Short: p.say("print the configuration with its defaults, secrets as ***", "打印带默认值的配置，密钥显示为 ***"), Args: exactly(1, "rollcall config show FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := p.loadStrictly(args[0])
			if err != nil {
				return err
			}
			text, err := cfg.Effective()
			p.printf("%s\n", text)
			return err
		},
	}
	schema := &cobra.Command{
		Use: "schema", Short: p.say("print the JSON Schema for editors", "打印供编辑器使用的 JSON Schema"), Args: exactly(0, "rollcall config schema"),
		RunE: func(*cobra.Command, []string) error {
			text, err := configs.Schema()
			p.printf("%s", text)
			return err
		},
	}
	c.AddCommand(check, show, schema)
	return c
}

func (p *process) migrateCommand() *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: p.say("bring the record to this binary's version", "把数据库升级到本程序的版本"), Args: exactly(0, "rollcall migrate")}
	path := configFlag(c, p)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		st, err := store.Open(c.Context(), store.Options{Dir: cfg.Resolve(cfg.Data), URL: cfg.Record.URL.Reveal(), Now: p.now, ServerTime: true, Logger: p.logger(), AuditKeys: cfg.AuditKeys()})
		if err != nil {
			return recordAt(cfg, err)
		}
		defer func() { _ = st.Close() }()
		if err := st.Migrate(c.Context()); err != nil {
			return err
		}
		have, _, err := st.Version(c.Context())
		p.printf("%s\n", p.say("the record is of version %d", "数据库版本是 %d", have))
		return err
	}
	return c
}

func (p *process) runsCommand() *cobra.Command {
	c := &cobra.Command{Use: "runs [CODE]", Short: p.say("list runs, or show one", "列出运行，或查看其中一个"), Args: atMost(1, "rollcall runs [CODE]")}
	path := configFlag(c, p)
	flow := c.Flags().String("flow", "", p.say("only of this flow", "只看这个流程"))
	limit := c.Flags().Int("limit", 20, p.say("at most so many", "最多几条"))
	c.RunE = func(c *cobra.Command, args []string) error {
		a, err := p.opened(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		if len(args) == 1 {
			code, err := run.ParseCode(args[0])
			if err != nil {
				return err
			}
			r, _, err := a.engine.Get(c.Context(), code)
			if err != nil {
				return err
			}
			return a.printRun(c.Context(), r)
		}
		runs, err := a.engine.List(c.Context(), run.Filter{Flow: *flow, Limit: *limit})
		if err != nil {
			return err
		}
		for _, r := range runs {
			p.printf("%s  %s  %-20s %-18s %-8s +%d ~%d ⊘%d -%d  %s\n", r.Code, r.Created.In(a.cfg.Location()).Format("2006-01-02 15:04"), r.Flow, r.State,
				r.Trigger, r.Counts.Create, r.Counts.Update, r.Counts.Disable, r.Counts.Delete, r.By.Person)
		}
		return nil
	}
	return c
}

func (p *process) personCommand() *cobra.Command {
	c := &cobra.Command{Use: "person", Short: p.say("credentials of persons", "人员的凭据")}
	c.AddCommand(&cobra.Command{
		Use: "totp NAME", Short: p.say("make a secret for one-time passwords", "生成动态口令密钥"), Args: exactly(1, "rollcall person totp NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			secret := make([]byte, totpSecretBytes)
			if _, err := rand.Read(secret); err != nil {
				return fault.Wrap(fault.Internal, err, "no random bytes / 没有随机数")
			}
			text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
			uri := fmt.Sprintf("otpauth://totp/Rollcall:%s?secret=%s&issuer=Rollcall", url.PathEscape(args[0]), text)
			p.printf("%s\n\n  %s\n\n%s\n\n  %s\n", p.say(
				"Put this into a file that only Rollcall can read, and name it in the configuration (totp: file:/path):",
				"把这一行放进只有点名能读的文件，并在配置里写 totp: file:/路径："), text,
				p.say("Give this to the person's authenticator app; it is shown only now:", "把这个地址交给本人的验证器应用；只显示这一次："), uri)
			return nil
		},
	})
	return c
}

// totpSecretBytes is the length of a secret: what RFC 4226 recommends.
const totpSecretBytes = 20
