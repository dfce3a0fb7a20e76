package configs

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Person is a human with one or more chat accounts and roles.
type Person struct {
	// Place is where the person stands in the file.
	Place Place `yaml:"-"`
	// Name is unique among people; votes by CLI name it.
	Name string `yaml:"name" jsonschema:"required"`
	// Feishu are the person's accounts in Feishu.
	Feishu FeishuIDs `yaml:"feishu"`
	// DingTalk are staffIds.
	DingTalk Strings `yaml:"dingtalk" ref:"env"`
	// WeCom are userids.
	WeCom Strings `yaml:"wecom" ref:"env"`
	// EmployeeNo and Email tell which accounts of the systems are this
	// person's own: nobody votes on a plan that touches himself.
	EmployeeNo string `yaml:"employee_no"`
	Email      string `yaml:"email"`
	// Roles says what the person may do.
	Roles Roles `yaml:"roles"`
	// TOTP is the Base32 secret for votes by CLI. Not set: no such votes.
	TOTP Secret `yaml:"totp"`
}

// Roles gives the flows of each role; "*" stands for all of them.
type Roles struct {
	Viewer   Strings `yaml:"viewer"`
	Operator Strings `yaml:"operator"`
	Approver Strings `yaml:"approver"`
	Admin    Strings `yaml:"admin"`
}

// FeishuID is an account in Feishu.
type FeishuID struct {
	Kind string // open_id, union_id or user_id
	ID   string
}

// String gives the id as it would be written in the file.
func (f FeishuID) String() string {
	if f.Kind == "user_id" {
		return "user_id:" + f.ID
	}
	return f.ID
}

// FeishuIDs are accounts in Feishu: one or a list of ou_… (open_id), on_…
// (union_id) or user_id:… (which has no mark of its own).
type FeishuIDs []FeishuID

func (f *FeishuIDs) decode(d *decoder, n ast.Node, at spot) {
	d.each(n, at, func(n ast.Node, at spot) {
		written, ok := d.text(n, at)
		if !ok {
			return
		}
		text, ok := d.expand(written, at)
		if !ok {
			return
		}
		kind, id, marked := strings.Cut(text, ":")
		switch {
		case marked && id != "" && (kind == "open_id" || kind == "union_id" || kind == "user_id"):
			*f = append(*f, FeishuID{Kind: kind, ID: id})
		case strings.HasPrefix(text, "ou_"):
			*f = append(*f, FeishuID{Kind: "open_id", ID: text})
		case strings.HasPrefix(text, "on_"):
			*f = append(*f, FeishuID{Kind: "union_id", ID: text})
		default:
			d.bad(at, say("%s 看不出是哪种 id；open_id 以 ou_ 开头，union_id 以 on_ 开头，user_id 请写成 user_id:…", "%s does not say which id it is; an open_id begins with ou_, a union_id with on_, and a user_id is written user_id:…", short(written)))
		}
	})
}

var _ decodable = (*FeishuIDs)(nil)

// people checks names, accounts and roles.
func (c *checker) people() {
	names, accounts := map[string]Place{}, map[string]Place{}
	for i := range c.cfg.People {
		p := &c.cfg.People[i]
		path := item("people", i)
		c.unique(names, child(path, "name"), "name", p.Name)
		for j, id := range p.Feishu {
			c.unique(accounts, c.element(child(path, "feishu"), j), "feishu "+id.Kind, id.ID)
		}
		for j, id := range p.DingTalk {
			c.unique(accounts, c.element(child(path, "dingtalk"), j), "dingtalk", id)
		}
		for j, id := range p.WeCom {
			c.unique(accounts, c.element(child(path, "wecom"), j), "wecom", id)
		}
		c.unique(accounts, child(path, "employee_no"), "employee_no", p.EmployeeNo)
		c.unique(accounts, child(path, "email"), "email", strings.ToLower(p.Email))
		for role, flows := range p.Roles.byName() {
			c.flowRefs(child(child(path, "roles"), role), flows) // sorted by place in the end
		}
		if len(p.Feishu)+len(p.DingTalk)+len(p.WeCom) == 0 && !p.TOTP.IsSet() && !c.reportedIn(path) {
			c.warn(path, say("没有任何聊天账号；这个人什么也做不了", "has no chat account and so can do nothing"))
		}
		if p.TOTP.IsSet() && !base32Secret(p.TOTP.Reveal()) {
			c.err(child(path, "totp"), say("不是 Base32 密钥；请用 rollcall person totp 生成", "is not a Base32 secret; make one by rollcall person totp"))
		}
	}
}

// byName gives the flows of each role.
func (r Roles) byName() map[string]Strings {
	return map[string]Strings{"viewer": r.Viewer, "operator": r.Operator, "approver": r.Approver, "admin": r.Admin}
}

// base32Secret tells whether text is the secret of a TOTP: at least 80 bits.
func base32Secret(text string) bool {
	text = strings.TrimRight(strings.ToUpper(strings.ReplaceAll(text, " ", "")), "=")
	return len(text) >= 16 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
