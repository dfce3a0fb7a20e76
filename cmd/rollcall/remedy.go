package main

import (
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// remedy says what to click in which console when a kind of system gives a kind
// of fault.
func remedy(of string, kind fault.Kind) bot.Text {
	if of != "public_url" && (kind == fault.Unavailable || kind == fault.Limited) {
		return unreachable(of)
	}
	if r := systemRemedy(of); r != (bot.Text{}) {
		return r
	}
	switch of {
	case "file":
		return bot.Text{EN: "Look at the roster at the place that is named; it must be readable by Rollcall and have the columns of the configuration.", ZH: "按提示的位置检查花名册；点名要能读取它，列名要与配置一致。"}
	case "record":
		return bot.Text{EN: "Is the data folder's disk full or read-only? Only one service may use a SQLite record on one disk of this machine.", ZH: "数据文件夹所在的磁盘是否已满或只读？SQLite 数据库只能放在本机磁盘上使用。"}
	case "redis":
		return bot.Text{EN: "Mend Redis' settings as the sentence says (redis.conf, or CONFIG SET).", ZH: "按提示修改 Redis 的设置（redis.conf 或 CONFIG SET）。"}
	case "clock":
		return bot.Text{EN: "Let the machine follow a time server: timedatectl set-ntp true.", ZH: "让这台机器自动校时：timedatectl set-ntp true。"}
	case "public_url":
		return bot.Text{EN: "server.public_url must lead through the reverse proxy to server.listen; try it in a browser with /healthz.", ZH: "server.public_url 要经反向代理通到 server.listen；可在浏览器里加上 /healthz 试一下。"}
	default:
		return webhookRemedy(of)
	}
}

// systemRemedy is for systems that are reached over the network.
func systemRemedy(of string) bot.Text {
	switch of {
	case "feishu":
		return bot.Text{
			EN: "open.feishu.cn → Developer Console → your app: App ID and App Secret under “Credentials & Basic Info”; “Permissions & Scopes” → add what is missing, and set the data range to all members; then “Version Management & Release” → create a version and have an admin approve it.",
			ZH: "飞书开放平台 → 开发者后台 → 你的应用：“凭证与基础信息”核对 App ID 和 App Secret；“权限管理”开通缺少的权限，数据权限选全部成员；然后“版本管理与发布”创建版本，请管理员审核。",
		}
	case "wecom":
		return bot.Text{
			EN: "work.weixin.qq.com/wework_admin → Management Tools → Contacts Sync: its Secret, and our address under trusted IPs; the app under App Management: its Secret, trusted IPs, and the visible range set to the whole company; the corp id under My Company.",
			ZH: "企业微信管理后台 → 管理工具 → 通讯录同步：核对 Secret，把本机出口地址加入企业可信 IP；应用管理 → 自建应用：核对 Secret、可信 IP，可见范围选全公司；企业 ID 在“我的企业”。",
		}
	case "dingtalk":
		return bot.Text{
			EN: "open-dev.dingtalk.com → App Development → your app: Client ID and Client Secret under “Credentials & Basic Info”; “Permissions” → request what is missing; “Robot” → enabled, receive mode as in the configuration; then release a version.",
			ZH: "钉钉开放平台 → 应用开发 → 你的应用：“凭证与基础信息”核对 Client ID 和 Client Secret；“权限管理”申请缺少的权限；“机器人”要启用，消息接收模式与配置一致；然后发布版本。",
		}
	case "ldap":
		return bot.Text{
			EN: "Compare url, bind_dn and the password with the directory's administrator; the account needs to read (and, as a target, to write) everything below the base DN; a certificate must be trusted by this machine or named in the configuration.",
			ZH: "和目录管理员核对 url、bind_dn 和密码；这个账号要能读取（作为目标还要能写入）基准 DN 以下的全部内容；证书要被本机信任，或写进配置。",
		}
	case "scim":
		return bot.Text{EN: "At the service, under user provisioning (SCIM): compare the address and the token; a token may have expired, make a new one.", ZH: "在该服务的用户预配（SCIM）设置里核对地址和令牌；令牌可能已过期，重新生成一个。"}
	case "sql":
		return bot.Text{EN: "Compare the address, the account and its rights (SELECT; as a target INSERT, UPDATE, DELETE too) with the database's administrator.", ZH: "和数据库管理员核对地址、账号和权限（SELECT；作为目标还要 INSERT、UPDATE、DELETE）。"}
	default:
		return bot.Text{}
	}
}

// webhookRemedy is for signed group robots.
func webhookRemedy(of string) bot.Text {
	if !strings.HasPrefix(of, "webhook ") {
		return bot.Text{}
	}
	return bot.Text{
		EN: "In the group: settings → robots → this robot: compare the address, the signature's secret or the keyword with the configuration; an IP list must hold our address.",
		ZH: "在群里：设置 → 群机器人 → 这个机器人：核对地址、加签密钥或关键词与配置是否一致；如果设了 IP 白名单，要包含本机出口地址。",
	}
}

// subscribed says how an app comes to hear messages.
func subscribed(platform run.Platform) bot.Text {
	if platform == run.DingTalk {
		return bot.Text{
			EN: "open-dev.dingtalk.com → your app → “Robot”: enabled, receive mode Stream (or HTTP with the callback path of the configuration), version released; the robot must be a member of the group. Then mention it and send “help”.",
			ZH: "钉钉开放平台 → 你的应用 → “机器人”：已启用，消息接收模式选 Stream（或 HTTP，地址为配置里的回调路径），版本已发布；机器人要在群里。然后 @它 发“帮助”。",
		}
	}
	return bot.Text{
		EN: "Developer Console → your app → “Events & Callbacks”: subscribe by long connection (or to the callback address), add im.message.receive_v1, release a version; the bot must be a member of the group. Then mention it and send “help”.",
		ZH: "飞书开发者后台 → 你的应用 → “事件与回调”：订阅方式选长连接（或填回调地址），添加事件 im.message.receive_v1，发布版本；机器人要在群里。然后 @它 发“帮助”。",
	}
}

// pressed says how an app comes to hear buttons; typed commands work without.
func pressed() bot.Text {
	return bot.Text{
		EN: "If buttons do nothing: Developer Console → your app → “Events & Callbacks” → Callbacks: add card.action.trigger in the same way as the events, and release a version. Typed commands work without.",
		ZH: "如果按钮点了没反应：开发者后台 → 你的应用 → “事件与回调” → 回调配置：添加 card.action.trigger，方式与事件相同，然后发布版本。不用按钮、直接输入命令也可以。",
	}
}

// unreachable is for what does not answer.
func unreachable(of string) bot.Text {
	if of == "record" {
		return remedy(of, "")
	}
	return bot.Text{
		EN: "Try again in a minute. If it stays so: does this machine reach the address (proxy, firewall, DNS)?",
		ZH: "一分钟后再试。如果一直如此：这台机器能访问这个地址吗（代理、防火墙、DNS）？",
	}
}
