package configs

import (
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/robfig/cron/v3"
)

// maxRule is the largest rule file, in bytes.
const maxRule = 16 << 10

// flows checks each flow against the rest of the file.
func (c *checker) flows() {
	c.names("flows", namesOf(c.cfg.Flows, func(f Flow) string { return f.Name }))
	for i := range c.cfg.Flows {
		f := &c.cfg.Flows[i]
		path := child("flows", f.Name)
		if c.reported(path) && f.From == "" && f.To == "" {
			continue // an empty flow says enough
		}
		c.ends(path, f)
		c.mapping(path, f)
		c.paths(child(path, "users.scope.department"), f.Users.Scope.Department)
		c.paths(child(path, "protect.departments"), f.Protect.Departments)
		c.rule(child(path, "users.rule"), f.Users.Rule)
		if f.Departments != nil {
			c.rule(child(path, "departments.rule"), f.Departments.Rule)
		}
		c.leavers(child(path, "leavers"), f)
		if e := f.Approve.Expires; e < minExpires || e > maxExpires {
			c.err(child(path, "approve.expires"), say("%s 超出范围；应该在 10m 到 72h 之间", "%s is out of range; it must be from 10m to 72h", e))
		}
		c.schedule(path, f)
		c.flowRooms(path, f)
		c.voters(path, f)
	}
}

// ends checks source and target.
func (c *checker) ends(path string, f *Flow) {
	_, target := c.end(child(path, "from"), f.From), c.end(child(path, "to"), f.To)
	if f.From != "" && f.From == f.To {
		c.err(child(path, "to"), say("来源和目标不能是同一个系统", "source and target must not be the same system"))
		return
	}
	switch target {
	case "scim_server":
		c.err(child(path, "to"), say("scim_server 由身份提供方推送，只能作来源；要写入 SCIM 服务，用 type: scim", "a scim_server is pushed to by an identity provider and can only be a source; type: scim writes to a service"))
	case "wecom":
		c.wecomTarget(path, f)
	}
	c.hears(path, f)
	if f.OnChange != 0 && (f.OnChange.Std() < minOnChange || f.OnChange.Std() > maxOnChange) {
		c.err(child(path, "on_change"), say("%s 超出范围；应该在 1s 到 1h 之间，0 表示不用", "%s is out of range; it must be from 1s to 1h, or 0 for not at all", f.OnChange))
	}
}

// hears warns of a flow that waits for changes of which its source never tells.
func (c *checker) hears(path string, f *Flow) {
	s, ok := c.cfg.System(f.From)
	if !ok || f.OnChange == 0 {
		return
	}
	bots := c.cfg.Bots
	at := child(path, "on_change")
	switch {
	case s.Feishu != nil && (bots.Feishu == nil || bots.Feishu.System != s.Name):
		c.warn(at, say("飞书的变更事件由机器人接收；请让 bots.feishu.system 指向 %s，否则只有定时同步", "Feishu's events come by the bot; let bots.feishu.system be %s, or only the schedule works", s.Name))
	case s.DingTalk != nil && (bots.DingTalk == nil || bots.DingTalk.System != s.Name || bots.DingTalk.Receive != "stream"):
		c.warn(at, say("钉钉的变更事件由 Stream 机器人接收；请让 bots.dingtalk.system 指向 %s 并用 receive: stream，否则只有定时同步", "DingTalk's events come by the bot's Stream; let bots.dingtalk.system be %s with receive: stream, or only the schedule works", s.Name))
	case s.WeCom != nil && s.WeCom.Events == nil:
		c.warn(at, say("企业微信的变更事件要在 systems.%s.events 里配置，否则只有定时同步", "WeCom's events need systems.%s.events, or only the schedule works", s.Name))
	case s.SCIM != nil, s.SQL != nil:
		c.warn(at, say("%s 不会通知变更；这个设置没有作用，请用 schedule", "%s never tells of changes; this has no effect, use schedule", s.Type))
	}
}

// The bounds of on_change.
const (
	minOnChange = time.Second
	maxOnChange = time.Hour
)

// end gives the type of a system by name; empty when that is not known.
func (c *checker) end(path, name string) string {
	if name == "" {
		return ""
	}
	s, ok := c.cfg.System(name)
	if !ok {
		c.err(path, say("systems 里没有 %s%s", "there is no system %s%s", short(name), didYouMean(name, c.systemNames())))
		return ""
	}
	return s.Type
}

// wecomTarget checks what WeCom cannot do without.
func (c *checker) wecomTarget(path string, f *Flow) {
	at := child(path, "users.map")
	if len(f.Users.Map) == 0 {
		return // reported as missing
	}
	mapped := namesOf(f.Users.Map, func(m Mapping) string { return m.Name })
	if !slices.Contains(mapped, "userid") {
		c.err(child(at, "userid"), say("目标是企业微信时必须有；例如 userid: employee_no。建好后不能再改", "is required when WeCom is the target, as in userid: employee_no; it cannot change later"))
	}
	if !slices.Contains(mapped, "name") {
		c.warn(child(at, "name"), say("企业微信新建成员时必须有姓名；缺了它，新建会失败", "WeCom needs a name for a new member; without it every CREATE fails"))
	}
}

// mapping checks that each attribute has a source and each template can be
// read.
func (c *checker) mapping(path string, f *Flow) {
	check := func(path string, table Table[Mapping]) {
		for _, m := range table {
			here := child(path, m.Name)
			if m.From == "" && m.Value == "" && !c.reported(here) {
				c.err(here, say("是空的；请写来源属性的名字", "is empty; name the source attribute"))
			}
			if strings.Contains(m.From, "{{") {
				c.err(here, say("模板要写成 {value: \"{{ .name }}\"}", "write a template as {value: \"{{ .name }}\"}"))
			}
			if m.Value == "" {
				continue
			}
			if _, err := template.New("value").Parse(m.Value); err != nil {
				c.err(child(here, "value"), say("模板有错：请检查 {{ 和 }}，只能用 Go 模板自带的函数；例如 \"{{ .name }}\"", "the template has a mistake: look at {{ and }}, and use Go's own template functions only, as in \"{{ .name }}\""))
			}
		}
	}
	check(child(path, "users.map"), f.Users.Map)
	if f.Departments != nil {
		check(child(path, "departments.map"), f.Departments.Map)
	}
}

// paths checks paths of departments.
func (c *checker) paths(path string, list Strings) {
	for i, p := range list {
		if !strings.HasPrefix(p, "/") {
			c.err(c.element(path, i), say("部门要写完整路径，以 / 开头，例如 /总部/研发", "a department is a full path from /, such as /总部/研发"))
		}
	}
}

// rule checks that the file of a rule is there and of a size to read.
func (c *checker) rule(path, file string) {
	if file == "" || c.opts.ReadFile == nil {
		return
	}
	note := c.err
	if c.opts.LooseRules {
		note = c.warn
	}
	data, err := c.opts.ReadFile(resolve(c.opts.Path, file))
	switch {
	case err != nil:
		note(path, fileProblem(file, err))
	case len(data) > maxRule:
		note(path, say("规则文件有 %d 字节；最多 16384（16 KiB）", "the rule file has %d bytes; 16384 (16 KiB) at most", len(data)))
	case strings.TrimSpace(string(data)) == "":
		note(path, say("规则文件是空的；最后一行要写 return context;", "the rule file is empty; it ends with return context;"))
	}
}

// leavers checks what happens to people who left.
func (c *checker) leavers(path string, f *Flow) {
	l := f.Leavers
	switch {
	case l.First == "delete" && c.has(child(path, "then")):
		c.err(child(path, "then"), say("first: delete 之后没有下一步；请删掉，或改成 first: disable", "nothing comes after first: delete; remove it, or write first: disable"))
	case l.Then == "delete" && !c.has(child(path, "after")):
		c.warn(child(path, "then"), say("没有写 after；默认停用 %[1]s 之后删除。请写明，例如 after: %[1]s", "after is not given; accounts are deleted %[1]s after the DISABLE. Write it out, as in after: %[1]s", l.After))
	case l.Then != "delete" && c.has(child(path, "after")) && !c.reported(child(path, "after")):
		c.warn(child(path, "after"), say("没有 then: delete，after 不起作用", "has no effect without then: delete"))
	}
	s, ok := c.cfg.System(f.From)
	if ok && s.File != nil && s.File.Contents == "partial" && len(l.When) == 0 && l.OutOfScope != "leave" {
		c.warn(path, say("来源是 partial 的花名册，没有 when 就看不出谁离职", "the source is a partial roster: without when, nobody is ever seen to have left"))
	}
}

// schedule checks the cron line: five fields, no zone of its own, and a time
// that comes.
func (c *checker) schedule(path string, f *Flow) {
	if f.Schedule == "" {
		return
	}
	here := child(path, "schedule")
	if strings.Contains(f.Schedule, "TZ=") || strings.HasPrefix(f.Schedule, "@") {
		c.err(here, say("只能写五段 cron，时区用顶层的 timezone；例如 \"30 2 * * *\"", "must be five cron fields; the zone is that of timezone. Write \"30 2 * * *\""))
		return
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	times, err := parser.Parse(f.Schedule)
	if err != nil {
		c.err(here, say("不是五段 cron（分 时 日 月 周）；例如 \"30 2 * * *\"", "is not five cron fields (minute hour day month weekday); write \"30 2 * * *\""))
		return
	}
	if times.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		c.err(here, say("这个时间永远不会到；请检查日和月", "this time never comes; look at day and month"))
	}
	if len(f.Rooms) == 0 {
		c.warn(here, say("定时运行，但没有 rooms；结果没有人看到", "runs on a schedule but has no rooms; nobody sees the result"))
	}
}
