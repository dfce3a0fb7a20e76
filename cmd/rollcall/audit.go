package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (p *process) auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: p.say("read the audit log, and prove that nobody changed it", "查看审计日志，并核对有没有被改动")}
	c.AddCommand(p.auditVerifyCommand(), p.auditListCommand(), p.auditHeadCommand())
	return c
}

// looked opens the record of a configuration for somebody who examines it: nothing
// in it is put in order.
func (p *process) looked(ctx context.Context, path string) (*app, error) {
	cfg, err := p.load(path)
	if err != nil {
		return nil, err
	}
	a := p.bare(cfg)
	a.asFound = true
	if err := a.openStore(ctx); err != nil {
		_ = a.close() // the first error says more
		return nil, err
	}
	return a, nil
}

func (p *process) auditVerifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "verify", Args: exactly(0, "rollcall audit verify [--since SEQ] [--head SEQ:HASH]…"),
		Short: p.say("walk the chain of the audit log, and name the first row that is not as it was written", "逐行核对审计日志的哈希链，指出第一处不符"),
	}
	path := configFlag(c, p)
	since := c.Flags().Int64("since", 1, p.say("begin at this row; the one before is believed", "从这一行开始；它前面的一行视为可信"))
	heads := c.Flags().StringArray("head", nil, p.say("a head that was noted elsewhere, SEQ:HASH; may be repeated", "另处记下的链头 序号:哈希；可以写多次"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		check := store.Check{Since: *since}
		for _, text := range *heads {
			h, err := store.ParseHead(text)
			if err != nil {
				return err
			}
			check.Heads = append(check.Heads, h)
		}
		a, err := p.looked(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		proof, err := a.store.VerifyAudit(c.Context(), check)
		if err != nil {
			return err
		}
		return a.printProof(proof)
	}
	return c
}

// printProof prints what verifying found, and gives a fault for a broken chain.
func (a *app) printProof(proof store.Proof) error {
	p := a.p
	if proof.Break != nil {
		return fault.New(fault.Conflict, "row %d: %s; the %d row(s) before are as they were written / 第 %d 行：%s；它前面的 %d 行完好",
			proof.Break.Seq, flawText(proof.Break.Flaw).EN, proof.Rows, proof.Break.Seq, flawText(proof.Break.Flaw).ZH, proof.Rows)
	}
	p.printf("%s\n", p.say("%d row(s) are as they were written; head %s", "%d 行完好；链头 %s", proof.Rows, proof.Head))
	for _, at := range proof.Sealed {
		p.printf("%s\n", p.say("The rows of an older record were sealed on %s, after they were written; is that when you upgraded?",
			"旧版数据库的行是在 %s 补上哈希的，不是写入时；那是你升级的时间吗？", at.In(a.cfg.Location()).Format("2006-01-02 15:04")))
	}
	switch {
	case len(a.cfg.AuditKeys()) == 0:
		p.printf("%s\n", p.text(plainText()))
	case proof.Plain > 0:
		p.printf("%s\n", p.say("%d of them are from before there was an audit_key.", "其中 %d 行写于配置 audit_key 之前。", proof.Plain))
	}
	return nil
}

// plainText says what a chain without a key does not protect against.
func plainText() bot.Text {
	return bot.Text{
		EN: "The audit log is under no key: whoever can write the record can make the whole chain anew, and only heads noted elsewhere would tell. Set audit_key.",
		ZH: "审计日志没有密钥：能写数据库的人可以重做整条链，只有另处记下的链头能发现。请配置 audit_key。",
	}
}

// flawText says what is wrong with a row.
func flawText(f store.Flaw) bot.Text {
	switch f {
	case store.FlawMissing:
		return bot.Text{EN: "rows were taken out here", ZH: "这里有行被删除"}
	case store.FlawInserted:
		return bot.Text{EN: "this row was put in", ZH: "这一行是后来插入的"}
	case store.FlawMisplaced:
		return bot.Text{EN: "this row stood elsewhere: the order was changed", ZH: "这一行不在原来的位置：顺序被改动"}
	case store.FlawCut:
		return bot.Text{EN: "the log ends before it: its end was cut off, or an older backup was restored", ZH: "日志在它之前就结束了：末尾被截断，或恢复过更早的备份"}
	case store.FlawRemade:
		return bot.Text{EN: "from about here the chain was made anew without the key, or it is not the head that was noted", ZH: "大约从这里起，整条链被人在没有密钥的情况下重做，或与记下的链头不符"}
	case store.FlawKey:
		return bot.Text{EN: "is under no key, or one that audit_key does not hold or that was replaced before it; after a change of audit_key start the service once", ZH: "没有密钥，或用的密钥不在 audit_key 里、在它之前已被更换；更改 audit_key 之后请先启动一次服务"}
	case store.FlawUnsealed:
		return bot.Text{EN: "has no hash: it was added past Rollcall, or its hash was taken away", ZH: "没有哈希：它不是点名写入的，或哈希被抹去"}
	default:
		return bot.Text{EN: "was changed", ZH: "被改动过"}
	}
}

func (p *process) auditHeadCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "head", Args: exactly(0, "rollcall audit head"),
		Short: p.say("print the end of the chain, to note it elsewhere", "显示链头，供记在别处"),
	}
	path := configFlag(c, p)
	c.RunE = func(c *cobra.Command, _ []string) error {
		a, err := p.looked(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		h, err := a.store.AuditHead(c.Context())
		if err != nil {
			return err
		}
		if h.Seq == 0 {
			return fault.New(fault.NotFound, "the audit log is empty / 审计日志是空的")
		}
		p.printf("%s\n", h)
		return nil
	}
	return c
}

const auditLimit = 50

func (p *process) auditListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Args: exactly(0, "rollcall audit list"), Short: p.say("print rows of the audit log, the newest last", "列出审计日志，新的在后"),
	}
	path := configFlag(c, p)
	code := c.Flags().String("run", "", p.say("only of this run", "只看这次运行"))
	action := c.Flags().String("action", "", p.say("only this action, such as change.done", "只看这种动作，例如 change.done"))
	since := c.Flags().String("since", "", p.say("only since then: 2006-01-02, \"2006-01-02 15:04\", or 24h", "只看这之后的：2006-01-02、\"2006-01-02 15:04\" 或 24h"))
	limit := c.Flags().Int("limit", auditLimit, p.say("the newest so many; 0 = all", "最新的几行；0 表示全部"))
	asJSON := c.Flags().Bool("json", false, p.say("one JSON object a line, with key and hash", "每行一个 JSON，含密钥编号和哈希"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		f := store.AuditFilter{Action: *action, Limit: max(*limit, 0)}
		if *code != "" {
			var err error
			if f.Run, err = run.ParseCode(*code); err != nil {
				return err
			}
		}
		a, err := p.looked(c.Context(), *path)
		if err != nil {
			return err
		}
		defer func() { _ = a.close() }()
		if f.Since, err = a.moment(*since); err != nil {
			return err
		}
		rows, err := a.store.AuditRows(c.Context(), f)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := a.printAuditRow(&rows[i], *asJSON); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// moment reads a time of the configured zone, or how long ago it was; "" is the
// zero time.
func (a *app) moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return a.p.now().Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, a.cfg.Location()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fault.New(fault.Invalid, "%[1]q is no time: write 2006-01-02, \"2006-01-02 15:04\", or 24h / 看不懂时间 %[1]q：请写 2006-01-02、\"2006-01-02 15:04\" 或 24h", text)
}

func (a *app) printAuditRow(r *store.AuditRow, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(r)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "the row cannot be written as JSON / 无法输出 JSON")
		}
		a.p.printf("%s\n", text)
		return nil
	}
	who := r.Who.Person
	if who == "" {
		who = strings.Trim(string(r.Who.Platform)+":"+r.Who.Account, ":")
	}
	if who == "" {
		who = "-"
	}
	a.p.line("%6d  %s  %-16s %-6s  %s  %s", r.Seq, r.At.In(a.cfg.Location()).Format(time.DateTime), r.Action, r.Run, who, r.Detail)
	return nil
}

// anchorEvery is how often the head of the audit is logged.
const anchorEvery = 24 * time.Hour

// anchor logs the head of the audit at start and once a day. The log is kept
// elsewhere than the record, so that a head proves later that nothing was cut off.
func (a *app) anchor(ctx context.Context) error {
	tick := time.NewTicker(anchorEvery)
	defer tick.Stop()
	for {
		h, err := a.store.AnchorAudit(ctx)
		switch {
		case err == nil:
			a.log.InfoContext(ctx, "audit head", "seq", h.Seq, "hash", h.Hash)
		case ctx.Err() == nil:
			a.log.ErrorContext(ctx, "audit head is not read", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// auditHead gives the end of the chain as the admins read it.
func (a *app) auditHead(ctx context.Context) (seq int64, digits string, err error) {
	h, err := a.store.AuditHead(ctx)
	return h.Seq, h.Hash[:min(store.HeadDigits, len(h.Hash))], err
}

// recentRows is how much of the audit the doctor verifies.
const recentRows = 1000

// restoredFor is how long the doctor reminds of a restored backup.
const restoredFor = 7 * 24 * time.Hour

// auditChecks looks at the audit's key, at its newest rows, and whether the record
// is a restored one.
func (d *doctor) auditChecks(ctx context.Context) []bot.Check {
	var checks []bot.Check
	if len(d.cfg.AuditKeys()) == 0 {
		checks = append(checks, bot.Check{Level: bot.Advice, Say: plainText(), Fix: bot.Text{
			EN: "openssl rand -hex 32 into a file of the service's user, and audit_key: file:/path; keep a copy elsewhere.",
			ZH: "用 openssl rand -hex 32 生成，存入只有服务账号能读的文件，并写 audit_key: file:/路径；另存一份。",
		}})
	}
	h, err := d.store.AuditHead(ctx)
	if err != nil {
		return append(checks, d.judged("record", err, bot.Text{})...)
	}
	proof, err := d.store.VerifyAudit(ctx, store.Check{Since: h.Seq - recentRows})
	switch {
	case err != nil:
		checks = append(checks, d.judged("record", err, bot.Text{})...)
	case proof.Break != nil:
		what := flawText(proof.Break.Flaw)
		checks = append(checks, bot.Check{
			Level: bot.Broken,
			Say:   bot.Text{EN: fmt.Sprintf("audit row %d: %s", proof.Break.Seq, what.EN), ZH: fmt.Sprintf("审计日志第 %d 行：%s", proof.Break.Seq, what.ZH)},
			Fix:   bot.Text{EN: "rollcall audit verify, with the heads from the log; find out who can write the record.", ZH: "用日志里记下的链头运行 rollcall audit verify；查清谁能写数据库。"},
		})
	}
	return append(checks, d.restored(ctx)...)
}

// restored reminds of a record that came out of a backup lately.
func (d *doctor) restored(ctx context.Context) []bot.Check {
	told, err := d.store.Audits(ctx, store.RestoredAction, d.p.now().Add(-restoredFor))
	if err != nil || len(told) == 0 {
		return nil
	}
	last := told[len(told)-1]
	at := last.At.In(d.cfg.Location()).Format("2006-01-02 15:04")
	return []bot.Check{{
		Level: bot.Advice,
		Say: bot.Text{
			EN: fmt.Sprintf("was restored on %s (%s): what happened after the backup is not in it", at, last.Detail),
			ZH: fmt.Sprintf("于 %s 从备份恢复（%s）：备份之后发生的事不在里面", at,
				strings.NewReplacer("backup of ", "备份做于 ", ", applying ", "，当时正在执行 ").Replace(last.Detail)), // the audit is in English
		},
		Fix: bot.Text{
			EN: "Look at a plan of each flow before you let it apply, and let identity providers push everything again.",
			ZH: "每个流程先看一次预演再执行；让身份提供方重新推送全部数据。",
		},
	}}
}
