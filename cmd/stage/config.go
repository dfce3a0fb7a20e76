package stage

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// rule is the company's rule: the three things that every HR asks for.
const rule = `// Create only who is hired by today. / 只为已入职的人建账号。
if (context.data.hiredate - today() <= 0) {
  repo.executeCreate();
}
// Do not update whose mail address is at Tencent. / 腾讯邮箱的人不更新。
if (context.data.email.contain("tencent")) {
  repo.abort("UPDATE");
}
return context;
`

// WriteConfig writes the configuration that points Rollcall at this stage, and
// gives its path.
func (s *Stage) WriteConfig() (string, error) {
	if err := os.MkdirAll(filepath.Join(s.o.Dir, "rules"), 0o700); err != nil {
		return "", err
	}
	text := rule
	if s.o.Rule != "" {
		text = s.o.Rule
	}
	if err := os.WriteFile(filepath.Join(s.o.Dir, "rules", "hired-only.js"), []byte(text), 0o600); err != nil {
		return "", err
	}
	path := filepath.Join(s.o.Dir, "rollcall.yaml")
	return path, os.WriteFile(path, []byte(s.config()), 0o600)
}

func (s *Stage) config() string {
	redis, record := cmp.Or(s.o.Redis, "none"), cmp.Or(s.o.Record, "sqlite")
	feishuReceive, dingReceive := "connection", "stream"
	feishuMore, dingMore := "", ""
	if s.o.FeishuCallback {
		feishuReceive = "callback"
		feishuMore = fmt.Sprintf(", encrypt_key: %s, verification_token: %s", encryptKey, verification)
	}
	if s.o.DingCallback {
		dingReceive = "callback"
		dingMore = fmt.Sprintf(", corp_id: %s, callback_path: %s", corpID, CallbackPath)
	}
	if s.o.Cards {
		dingMore += ", card_template_id: " + cardTemplate
	}
	ours, other := "zh-CN", "en"
	if s.o.English {
		ours, other = other, ours
	}
	var people strings.Builder
	for _, a := range s.cast {
		fmt.Fprintf(&people, "  - {name: %s, feishu: %s, dingtalk: %s, roles: %s}\n", a.name, a.openID, a.staffID, a.roles)
	}
	return fmt.Sprintf(`locale: zh-CN
timezone: Asia/Shanghai
data: %s
server: {listen: "127.0.0.1:0", public_url: "http://%s"}
record: "%s"
redis: %s
timing: %s
limits: {person: 1000, room: 10000}
admin_room: 运维群
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full, attributes: {hiredate: {column: 入职日期, type: date}}}
  feishu: {type: feishu, app_id: %s, app_secret: %s, base_url: "%s"}
  wecom: {type: wecom, corp_id: ww-demo, contacts_secret: %s, base_url: "%s"}
  dingtalk: {type: dingtalk, client_id: %s, client_secret: %s, api_url: "%s", oapi_url: "%s"}
bots:
  feishu: {system: feishu, receive: %s%s}
  dingtalk: {system: dingtalk, receive: %s, robot_code: %s%s}
webhooks:
  ops-feishu: {type: feishu, url: "%s/open-apis/bot/v2/hook/%s", secret: %s}
  ops-dingtalk: {type: dingtalk, url: "%s/robot/send?access_token=%s", secret: %s}
  ops-wecom: {type: wecom, url: "%s/cgi-bin/webhook/send?key=%s"}
people:
%srooms:
  - {name: 运维群, platform: feishu, chat_id: %s, locale: %s, flows: ["*"], webhook: ops-feishu}
  - {name: HR sync, platform: dingtalk, chat_id: "%s", locale: %s, flows: [hr-to-wecom], webhook: ops-dingtalk}
  - {name: WeCom notices, platform: wecom, webhook: ops-wecom, flows: [hr-to-wecom]}
flows:
  hr-to-wecom:
    from: hr
    to: wecom
    departments: {match: [path], map: {name: name, parent: parent}}
    users:
      match: [employee_no, mobile]
      map: {userid: employee_no, name: name, mobile: mobile, email: email, department: departments, position: {from: title, default: 员工}}
      rule: rules/hired-only.js
    leavers: {when: {状态: [离职]}, first: delete}
    approve: {delete: always, disable_over: 0, expires: 8h, apply_safe_changes_first: false}
    rooms: [运维群, HR sync]
digests:
  - {rooms: [运维群, HR sync, WeCom notices], at: "09:07", days: weekdays}
`, s.o.Data, s.address(), record, redis, s.o.Timing,
		s.Feishu.AppID(), s.Feishu.AppSecret(), s.urls["feishu"], contactsSecret, s.urls["wecom"],
		clientID, clientSecret, s.urls["dingtalk"], s.urls["dingtalk"],
		feishuReceive, feishuMore, dingReceive, robotCode, dingMore,
		s.urls["feishu"], hookKey, hookSecret, s.urls["dingtalk"], robotToken, robotSecret, s.urls["wecom"], robotKey,
		people.String(), feishuChat, ours, dingChat, other)
}
