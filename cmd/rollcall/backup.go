package main

import (
	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store"
)

// recordOptions are the options of the record of a configuration.
func (p *process) recordOptions(cfg *configs.Config) store.Options {
	return store.Options{
		Dir: cfg.Resolve(cfg.Data), URL: cfg.Record.URL.Reveal(), Now: p.now, Logger: p.logger(), Key: cfg.SnapshotKey(), AuditKeys: cfg.AuditKeys(),
	}
}

func (p *process) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup DIR", Args: exactly(1, "rollcall backup DIR"),
		Short: p.say("copy the record and the snapshots into a new folder, while the service runs", "在服务运行时把数据库和快照备份到新文件夹"),
	}
	path := configFlag(c, p)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		o := p.recordOptions(cfg)
		if cfg.Record.Driver != "sqlite" {
			return store.NoBackup()
		}
		o.AsFound = true // an older record is backed up before it is migrated
		st, err := store.Open(c.Context(), o)
		if err != nil {
			return err
		}
		defer func() { _ = st.Close() }()
		m, err := st.Backup(c.Context(), args[0], version())
		if err != nil {
			return err
		}
		p.printf("%s\n", p.say("%s: %d file(s), %d run(s), record version %d", "%s：%d 个文件，%d 次运行，数据库版本 %d",
			args[0], len(m.Files), m.Counts["runs"], m.Record))
		if m.Audit.Seq > 0 {
			p.printf("%s\n", p.say("audit head %s", "审计链头 %s", m.Audit))
		}
		return nil
	}
	return c
}

func (p *process) restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "restore DIR", Args: exactly(1, "rollcall restore DIR"),
		Short: p.say("put a backup into an empty data folder", "把备份恢复到空的数据文件夹"),
	}
	path := configFlag(c, p)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		if cfg.Record.Driver != "sqlite" {
			return store.NoBackup()
		}
		r, err := store.Restore(c.Context(), args[0], p.recordOptions(cfg))
		if err != nil {
			return err
		}
		at := r.Manifest.Made.In(cfg.Location()).Format("2006-01-02 15:04")
		p.printf("%s\n", p.say("restored as of %s: %d run(s). What happened afterwards is not in it; look at a plan of each flow before you let it apply.",
			"已恢复到 %s 的状态：%d 次运行。之后发生的事不在里面；每个流程先看一次预演再执行。", at, r.Manifest.Counts["runs"]))
		for i := range r.Applying {
			one := &r.Applying[i]
			p.printf("%s\n", p.say("%[1]s (%[2]s) was applying: it goes on when the service starts, and each change is checked first. To end it instead: rollcall pause %[2]s --person NAME, start the service, then “cancel %[1]s” in its room.",
				"%[1]s（%[2]s）当时正在执行：服务启动后会继续，每项变更都先核对。不想继续：先运行 rollcall pause %[2]s --person 姓名，启动服务，再在群里发“取消 %[1]s”。", one.Code, one.Flow))
		}
		return nil
	}
	return c
}
