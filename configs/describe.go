package configs

import (
	"maps"
	"reflect"
	"strings"
)

// describe says in both languages what a key is for. Editors show it, and so
// do the mistakes about a key that is missing.
func describe(t reflect.Type, key string) Text {
	for _, words := range []map[string]Text{topWords(), systemWords(), chatWords(), flowWords()} {
		if text, ok := words[t.Name()+"."+key]; ok {
			return text
		}
	}
	return Text{}
}

func topWords() map[string]Text {
	return map[string]Text{
		"Config.locale":          {"群的默认语言：zh-CN 或 en", "default language of rooms: zh-CN or en"},
		"Config.timezone":        {"定时和 today() 的时区（IANA 名字）", "time zone of schedules and of today(), by IANA name"},
		"Config.data":            {"数据文件夹：内嵌记录和点名生成的文件", "folder of the embedded record and of files that Rollcall makes"},
		"Config.data_key":        {"加密快照的密钥，32 字节；不写就不加密", "key that encrypts snapshots, 32 bytes; no encryption without it"},
		"Config.server":          {"HTTP 服务", "the HTTP side"},
		"Config.record":          {"SQL 记录：sqlite，或 postgres://…", "the SQL record: sqlite, or postgres://…"},
		"Config.redis":           {"Redis：none，或 redis://主机、redis-sentinel://主机,主机/主节点、redis-cluster://主机,主机；加密写成 rediss，证书用 ?ca=文件&cert=文件&key=文件；也可以写 file:/路径", "Redis: none, or redis://host, redis-sentinel://host,host/master, redis-cluster://host,host; rediss for TLS, certificates by ?ca=FILE&cert=FILE&key=FILE; or file:/path"},
		"Config.systems":         {"存放账号的系统", "places that hold accounts"},
		"Config.bots":            {"各平台的聊天机器人", "the chat side of each platform"},
		"Config.webhooks":        {"带签名的群机器人，发日报和通知", "signed group robots, for digests and notices"},
		"Config.people":          {"谁可以做什么", "who may do what"},
		"Config.rooms":           {"点名服务的群", "the chat groups that Rollcall serves"},
		"Config.flows":           {"同步流程：从哪里到哪里", "directions of synchronisation, from where to where"},
		"Config.digests":         {"定时发到群里的日报", "scheduled summaries that are posted to rooms"},
		"Config.timing":          {"进程的耐心：租约、巡检、调用时限", "how patient the process is: lease, sweep, time-outs"},
		"Config.hours":           {"工作时间：审批提醒只在这段时间发", "when people are at work: reminders of approvals wait for it"},
		"Config.quiet":           {"安静时段：普通通知留到下一次日报；可以跨过午夜", "when ordinary notices wait for the next digest; may go over midnight"},
		"Config.admin_room":      {"消息送不出去时，在哪个群告警", "the room that hears of what cannot be delivered"},
		"Config.limits":          {"每分钟最多执行多少条命令，防止刷屏", "how many commands are obeyed in a minute, against floods"},
		"Limits.person":          {"每人每分钟", "of one person"},
		"Limits.room":            {"每个群每分钟", "in one room"},
		"Hours.from":             {"从几点，例如 \"09:00\"", "from when, such as \"09:00\""},
		"Hours.to":               {"到几点", "to when"},
		"Hours.days":             {"daily、weekdays 或 [mon, wed]", "daily, weekdays or [mon, wed]"},
		"Quiet.from":             {"从几点，例如 \"22:00\"", "from when, such as \"22:00\""},
		"Quiet.to":               {"到几点，例如 \"08:00\"", "to when, such as \"08:00\""},
		"Timing.lease":           {"工作进程失联多久后由别人接手，2s 到 25s，长于 call", "how long a silent worker keeps its flow, 2s to 25s, longer than call"},
		"Timing.sweep":           {"多久巡检一次没人处理的工作，100ms 到 60s", "how often the record is searched for work that nobody does, 100ms to 60s"},
		"Timing.call":            {"一次写入调用的时限，500ms 到 20s", "bound of one writing call, 500ms to 20s"},
		"Timing.settle":          {"应答丢失后，对方系统最多还会处理多久，最多 10m；不写或 0 按各系统自己的时间（5s 到 60s）", "how long after a lost answer a system may still be at work, up to 10m; 0, or left out: as each system needs (5s to 60s)"},
		"Timing.read":            {"一次运行读取来源和目标的时限，1m 到 24h；超时这次运行就失败，读到的一概不用", "bound of reading source and target of one run, 1m to 24h; a run that takes longer fails, and nothing of what came is used"},
		"Timing.rules":           {"一次运行中规则脚本总共可用的时间，1m 到 24h；用完后这次运行会被拦下", "what the rules of one run may take together, 1m to 24h; a run whose rules take longer is blocked"},
		"Server.listen":          {"监听地址 主机:端口", "host:port to listen on"},
		"Server.public_url":      {"平台和人访问点名的网址；HTTP 回调和链接需要", "where platforms and people reach Rollcall; for HTTP callbacks and links"},
		"Server.metrics":         {"给 Prometheus 的地址 主机:端口，与 listen 分开；不写就没有。不是本机时要有 metrics_token", "host:port for Prometheus, apart from listen; without it there is none. On other than this machine it needs metrics_token"},
		"Server.metrics_token":   {"Prometheus 带的 Bearer 令牌，至少 24 个字符", "the bearer token that Prometheus brings, 24 characters at least"},
		"Server.traces":          {"接收链路追踪的采集器（OTLP/HTTP），例如 https://collector:4318；不写则看 OTEL_EXPORTER_OTLP_ENDPOINT，都没有就不发送", "the collector that takes traces (OTLP over HTTP), such as https://collector:4318; else OTEL_EXPORTER_OTLP_ENDPOINT; without both none are sent"},
		"Config.audit_key":       {"审计日志哈希链的密钥，32 字节；可以写几个，新的在前；不写则能写数据库的人也能重做整条链", "key of the audit log's hash chain, 32 bytes, or several, newest first; without it whoever can write the record can make the chain anew"},
		"Config.outbound":        {"向外的连接：代理，以及不是写在配置里的地址可以指向哪些内网网段", "outgoing connections: proxy, and to which private ranges an address may lead that is not written here"},
		"Outbound.proxy":         {"none 不用代理；environment 按环境变量 HTTPS_PROXY 等", "none, or environment: as HTTPS_PROXY and its like say"},
		"Outbound.allow_private": {"平台应答或消息里带来的地址可以指向的内网网段，例如 10.0.0.0/8；配置里写明的系统地址不受此限", "private ranges to which an address in an answer or a message may lead, such as 10.0.0.0/8; addresses of systems written here need none"},
	}
}

func systemWords() map[string]Text {
	words := map[string]Text{
		"FileSystem.path":       {"花名册文件，.csv 或 .xlsx", "the roster file, .csv or .xlsx"},
		"FileSystem.sheet":      {"工作表的名字；默认第一张", "name of the sheet; the first one by default"},
		"FileSystem.header_row": {"列名在第几行，从 1 数起；默认自动查找", "the row of the column names, from 1; found by itself by default"},
		"FileSystem.id":         {"唯一标识人的列，例如 工号；默认认出账号或工号列，作目标时必填", "the column that identifies a person, such as 工号; 账号 or 工号 is recognised by default; a target needs it"},
		"FileSystem.contents":   {"full（全部人员）或 partial（部分人员，永远不能证明有人离职）", "full (everybody) or partial (never proves that somebody left)"},
		"FileSystem.encoding":   {".csv 的编码：auto、utf-8 或 gb18030", "encoding of a .csv: auto, utf-8 or gb18030"},
		"FileSystem.delimiter":  {".csv 的分隔符：auto、comma、semicolon 或 tab", "delimiter of a .csv: auto, comma, semicolon or tab"},
		"FileSystem.disabled":   {"停用的人怎么标记：列=值，例如 状态=停用；其他人不是空着时写 状态=停用/在职", "how the disabled are marked: column=value, such as 状态=停用, or 状态=停用/在职 when others are not left empty"},
		"FileSystem.root":       {"公司名称；部门路径以它开头时去掉", "the company's name, dropped where department paths begin with it"},
		"FileSystem.attributes": {"声明列的类型，或给列起别名", "declares the type of columns, or gives them other names"},
		"Column.column":         {"花名册里的列名；默认与属性同名", "the heading in the roster; the attribute's name by default"},
		"Column.type":           {"text、int、bool、date 或 list", "text, int, bool, date or list"},
		"Column.format":         {"日期的格式（如 2006-01-02）或列表的分隔符", "format of a date (such as 2006-01-02) or separator of a list"},

		"FeishuSystem.app_id":            {"自建应用的 App ID（cli_…）", "App ID of the self-built app (cli_…)"},
		"FeishuSystem.app_secret":        {"自建应用的 App Secret", "App Secret of the self-built app"},
		"FeishuSystem.base_url":          {"飞书的网址；Lark 用 https://open.larksuite.com", "address of Feishu; https://open.larksuite.com for Lark"},
		"FeishuSystem.user_id_type":      {"用哪种 id 标识账号：user_id 或 open_id；以后改动会让所有关联失效", "which id identifies an account: user_id or open_id; a later change breaks every link"},
		"FeishuSystem.acceptor":          {"谁接收被删除者的群、文档、邮箱等：一个人的 id；leader（各人的直属上级）；或 leader, id（没有上级时由此人接收）；不填按飞书默认规则", "who takes over chats, documents and mail of the deleted: one id; leader (everybody's direct leader); or leader, id (for those without one); Feishu's defaults without it"},
		"FeishuSystem.custom_attributes": {"自定义字段的 id（C-…），在映射里写 custom.<id>；可带类型，如 C-1:user（人员）、:text、:href、:enum", "ids of custom fields (C-…), mapped as custom.<id>; a type may stand behind: C-1:user (a person), :text, :href, :enum"},
		"FeishuSystem.leads":             {"提供成员负责的部门（leads）；每次查人会多列一遍部门", "show the departments that a person leads (leads); every look-up of people then lists the departments"},
		"FeishuSystem.resurrect":         {"30 天内删除的人回来时，恢复原账号而不是新建；需要 user_id_type: user_id", "bring back an account deleted within 30 days when its owner returns, instead of a new one; needs user_id_type: user_id"},
		"FeishuSystem.subscription_ids":  {"新建和恢复账号用的席位编号；企业有多种席位时必填", "seats for accounts that are made or brought back; required in a tenant with several licences"},

		"WeComSystem.custom_attributes": {"自定义字段的名字，在映射里写 extattr.<名字>", "names of custom fields, mapped as extattr.<name>"},
		"WeComSystem.invite":            {"新建成员时让企业微信发邀请（微信、短信、邮件）；默认不发", "let WeCom invite new members by WeChat, SMS and mail; not by default"},
		"WeComSystem.events":            {"接收通讯录变更事件", "receive events of contact changes"},
		"WeComEvents.token":             {"接收事件服务器的 Token", "Token of the event server"},
		"WeComEvents.aes_key":           {"接收事件服务器的 EncodingAESKey（43 位）", "EncodingAESKey of the event server (43 characters)"},
		"WeComSystem.corp_id":           {"企业 ID（ww…）", "id of the corp (ww…)"},
		"WeComSystem.contacts_secret":   {"通讯录同步的 Secret：写入，并列出成员 id", "secret of contacts synchronisation: writes, and lists ids"},
		"WeComSystem.app_secret":        {"自建应用的 Secret：读取姓名和部门；可以不填", "secret of a self-built app: reads names and departments; optional"},
		"WeComSystem.base_url":          {"企业微信的网址", "address of WeCom"},

		"DingTalkSystem.client_id":         {"企业内部应用的 Client ID", "Client ID of the internal app"},
		"DingTalkSystem.client_secret":     {"企业内部应用的 Client Secret", "Client Secret of the internal app"},
		"DingTalkSystem.api_url":           {"钉钉新接口的网址", "address of DingTalk's interface"},
		"DingTalkSystem.oapi_url":          {"钉钉旧接口的网址", "address of DingTalk's older interface"},
		"DingTalkSystem.token":             {"旧接口的令牌从哪里取：new 或 old", "where the older interface's token comes from: new or old"},
		"DingTalkSystem.custom_attributes": {"自定义字段的名字，在映射里写 extension.<名字>", "names of custom fields, mapped as extension.<name>"},
		"DingTalkSystem.disable":           {"普通账号无法停用时怎么办：refuse（不做）或 move（移到 quarantine 部门）", "what DISABLE does to an ordinary account, which cannot be stopped: refuse, or move to quarantine"},
		"DingTalkSystem.quarantine":        {"停用的账号移到哪个部门（部门 id）", "id of the department that disabled accounts are moved to"},
	}
	maps.Copy(words, serverWords())
	for _, typ := range []string{
		"FileSystem", "FeishuSystem", "WeComSystem", "DingTalkSystem", "LDAPSystem", "SCIMSystem", "SCIMServerSystem", "SQLSystem",
	} {
		words[typ+".type"] = Text{"系统的类型：" + strings.Join(systemTypes(), "、"), "type of the system: " + strings.Join(systemTypes(), ", ")}
	}
	return words
}

func chatWords() map[string]Text {
	return map[string]Text{
		"Bots.feishu":   {"飞书机器人", "the bot in Feishu"},
		"Bots.dingtalk": {"钉钉机器人", "the bot in DingTalk"},

		"FeishuBot.system":             {"用哪个系统的凭据", "the system whose credentials it uses"},
		"FeishuBot.receive":            {"connection（长连接）或 callback（HTTP）", "connection (long connection) or callback (HTTP)"},
		"FeishuBot.encrypt_key":        {"事件的 Encrypt Key；callback 必填", "Encrypt Key of events; required for callback"},
		"FeishuBot.verification_token": {"事件的 Verification Token；callback 必填", "Verification Token of events; required for callback"},

		"DingTalkBot.system":           {"用哪个系统的凭据", "the system whose credentials it uses"},
		"DingTalkBot.receive":          {"stream 或 callback（HTTP，不能批准）", "stream or callback (HTTP, which cannot approve)"},
		"DingTalkBot.robot_code":       {"机器人的编码；默认是系统的 Client ID", "code of the robot; the system's Client ID by default"},
		"DingTalkBot.name":             {"机器人在群里的名字；按钮发出的命令会带上 @名字", "what people call the robot by in a group; buttons then send @name with the command"},
		"DingTalkBot.card_template_id": {"互动卡片的模板 id；可以不填", "template id of the interactive card; optional"},
		"DingTalkBot.monthly_calls":    {"每个自然月的接口调用额度（免费版 5000）；快用完时告警；0 不管", "quota of interface calls in a calendar month (free edition: 5000); Rollcall warns before it is used up; 0 = not watched"},
		"DingTalkBot.corp_id":          {"企业的 corpId；callback 必填", "corpId of the corp; required for callback"},
		"DingTalkBot.callback_path":    {"无法猜到的回调路径；callback 必填", "the unguessable path of the callback; required for callback"},

		"Webhook.type":    {"feishu、dingtalk 或 wecom", "feishu, dingtalk or wecom"},
		"Webhook.url":     {"群机器人的完整网址；它本身就是密钥", "the whole address of the group robot; it is a secret itself"},
		"Webhook.secret":  {"加签的密钥", "the key of the signature"},
		"Webhook.keyword": {"自定义关键词，写进每条消息", "the robot's keyword, put into every message"},

		"Person.name":        {"姓名，不能重复", "the name, unique"},
		"Person.feishu":      {"飞书账号：ou_…、on_… 或 user_id:…", "Feishu account: ou_…, on_… or user_id:…"},
		"Person.dingtalk":    {"钉钉账号（staffId）", "DingTalk account (staffId)"},
		"Person.wecom":       {"企业微信账号（userid）", "WeCom account (userid)"},
		"Person.employee_no": {"工号：计划涉及本人时不能投票", "employee number: nobody votes on a plan that touches himself"},
		"Person.email":       {"邮箱：计划涉及本人时不能投票", "mail address: nobody votes on a plan that touches himself"},
		"Person.roles":       {"角色，以及每个角色管哪些流程", "the roles, and the flows of each"},
		"Person.totp":        {"命令行投票的 TOTP 密钥，由 rollcall person totp 生成", "TOTP secret for votes by CLI, made by rollcall person totp"},
		"Roles.viewer":       {"可以查看的流程；\"*\" 是全部", "flows to look at; \"*\" for all"},
		"Roles.operator":     {"可以发起的流程；\"*\" 是全部", "flows to start; \"*\" for all"},
		"Roles.approver":     {"可以审批的流程；\"*\" 是全部", "flows to approve; \"*\" for all"},
		"Roles.admin":        {"可以管理的流程；\"*\" 是全部", "flows to administer; \"*\" for all"},

		"Room.name":     {"群的名字，不能重复", "name of the room, unique"},
		"Room.platform": {"feishu、dingtalk 或 wecom", "feishu, dingtalk or wecom"},
		"Room.chat_id":  {"群的 id：飞书 oc_…，钉钉 cid…", "id of the group: oc_… in Feishu, cid… in DingTalk"},
		"Room.locale":   {"这个群的语言；默认用顶层的 locale", "language of this room; that of the top by default"},
		"Room.flows":    {"这个群里能用的流程；\"*\" 是全部", "flows that may be commanded here; \"*\" for all"},
		"Room.webhook":  {"机器人不能说话时用的群机器人", "the group robot that speaks when the bot cannot"},

		"Digest.rooms":  {"发到哪些群", "the rooms to post to"},
		"Digest.at":     {"时刻，例如 \"09:07\"", "time of the day, such as \"09:07\""},
		"Digest.days":   {"daily、weekdays 或 [mon, wed]", "daily, weekdays or [mon, wed]"},
		"Digest.locale": {"语言；默认用群的语言", "language; that of each room by default"},
	}
}

func flowWords() map[string]Text {
	return map[string]Text{
		"Flow.from":        {"来源系统的名字", "name of the source system"},
		"Flow.to":          {"目标系统的名字", "name of the target system"},
		"Flow.departments": {"部门怎么同步；不写就不动部门", "how departments follow; left alone when not given"},
		"Flow.users":       {"人员怎么同步", "how users follow"},
		"Flow.adopt":       {"按键首次匹配到的账号：vote（投票认领）或 automatic", "a first match by key: vote or automatic"},
		"Flow.leavers":     {"谁算离职，离职后怎么办", "who has left, and what happens then"},
		"Flow.guard":       {"一次计划的上限", "the limits of one plan"},
		"Flow.protect":     {"永远不停用、不删除的账号", "accounts that are never disabled or deleted"},
		"Flow.approve":     {"什么需要投票", "what needs votes"},
		"Flow.schedule":    {"五段 cron，例如 \"30 2 * * *\"", "five cron fields, such as \"30 2 * * *\""},
		"Flow.on_change":   {"来源说有变化之后多久做一次小同步，例如 30s；0 表示只按定时", "how long after the source said that something changed a small run starts, such as 30s; 0: the schedule alone"},
		"Flow.rooms":       {"收到结果并投票的群", "rooms that hear of the runs and vote"},
		"Flow.paused":      {"true：只做计划，不执行", "true: plan only, apply nothing"},

		"Departments.match": {"按哪些键找到对应的部门", "keys that find the counterpart of a department, in order"},
		"Departments.map":   {"目标属性: 来源属性", "target attribute: source attribute"},
		"Departments.gone":  {"消失的部门：keep，或 delete（空的才删，要投票）", "a department that vanished: keep, or delete (when empty, with a vote)"},
		"Departments.rule":  {"判断部门的规则脚本", "file of the rule that judges departments"},

		"Users.scope": {"哪些人参与同步", "which users take part"},
		"Users.match": {"按哪些键找到对应的账号，例如 [employee_no, mobile]", "keys that find the account of a person, in order, such as [employee_no, mobile]"},
		"Users.map":   {"目标属性: 来源属性", "target attribute: source attribute"},
		"Users.rule":  {"判断人员的规则脚本", "file of the rule that judges users"},

		"Scope.department": {"部门路径，包含下级，例如 /总部", "paths of departments with all below them, such as /总部"},
		"Scope.only":       {"只要这些属性值的人", "only users with these values"},
		"Scope.not":        {"不要这些属性值的人", "no users with these values"},

		"mappingBody.from":    {"来源属性", "the source attribute"},
		"mappingBody.default": {"来源属性为空时的值", "the value when the source attribute is empty"},
		"mappingBody.value":   {"模板，例如 \"{{ .name }}\"", "a template, such as \"{{ .name }}\""},

		"Leavers.when":         {"花名册里表示离职的值，例如 状态: [离职]", "values that say somebody left, such as 状态: [离职]"},
		"Leavers.out_of_scope": {"不在范围内的人：keep（不动）或 leave（算离职）", "people out of scope: keep (untouched) or leave"},
		"Leavers.first":        {"先做什么：disable（停用）或 delete（删除）", "what comes first: disable or delete"},
		"Leavers.then":         {"然后：keep（一直停用）或 delete（删除）", "what comes then: keep (stays disabled) or delete"},
		"Leavers.after":        {"停用多久之后，例如 30d", "how long after the DISABLE, such as 30d"},

		"Guard.max_delete":                        {"停用和删除的个数上限，24 小时内合计", "most disables and deletions, in 24 hours together"},
		"Guard.max_delete_percent":                {"停用和删除占关联账号的百分比上限", "most disables and deletions, in percent of the linked accounts"},
		"Guard.max_delete_percent_per_department": {"一个部门里停用和删除的百分比上限", "the same within one department"},
		"Guard.max_shrink_percent":                {"来源比上次最多少百分之几", "how much smaller the source may be than last time, in percent"},
		"Guard.max_change_percent":                {"有变更的账号占百分之几", "most accounts that change at all, in percent"},
		"Guard.max_rule_error_percent":            {"规则在百分之几的对象上出错，本次就什么也不做", "on how many of the judged objects a rule may fail, in percent, before nothing is done"},

		"Protect.departments": {"受保护的部门路径，包含下级", "paths of protected departments, with all below them"},

		"Approve.delete":                   {"always：每个删除都要投票", "always: every deletion needs a vote"},
		"Approve.disable_over":             {"多少个停用以内不用投票", "how many disables need no vote"},
		"Approve.expires":                  {"审批等多久，10m 到 72h", "how long an approval waits, from 10m to 72h"},
		"Approve.apply_safe_changes_first": {"true：无害的变更不等投票", "true: harmless changes do not wait for votes"},
	}
}
