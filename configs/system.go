package configs

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// System is a place that holds accounts. Exactly the field of its type is set.
type System struct {
	// Name is the key under systems.
	Name string `yaml:"-"`
	// Place is where the name stands in the file.
	Place Place `yaml:"-"`
	// Type is file, feishu, wecom, dingtalk, ldap, scim, scim_server or sql.
	Type string

	File       *FileSystem
	Feishu     *FeishuSystem
	WeCom      *WeComSystem
	DingTalk   *DingTalkSystem
	LDAP       *LDAPSystem
	SCIM       *SCIMSystem
	SCIMServer *SCIMServerSystem
	SQL        *SQLSystem
}

// FileSystem is a roster file.
type FileSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=file"`
	// Path is the .csv or .xlsx file, as written: see Config.Resolve.
	Path string `yaml:"path" ref:"env" jsonschema:"required"`
	// Sheet is the sheet of an .xlsx file. Default: the first one.
	Sheet string `yaml:"sheet"`
	// HeaderRow is the row that holds the column names, from 1. 0 when it is not
	// set: it is found among the first 30 rows.
	HeaderRow int `yaml:"header_row" jsonschema:"default=0,minimum=0,maximum=100"`
	// ID is the column that identifies a person. Not set: the only one whose
	// heading can mean that; a target needs it.
	ID string `yaml:"id"`
	// Contents is full or partial. A partial file never proves that somebody
	// left.
	Contents string `yaml:"contents" jsonschema:"required,enum=full,enum=partial"`
	// Encoding of a .csv file: auto (default; UTF-8 is tried first), utf-8 or
	// gb18030, which covers GBK.
	Encoding string `yaml:"encoding" jsonschema:"enum=auto,enum=utf-8,enum=gb18030,default=auto"`
	// Delimiter of a .csv file: auto (default), or one of "," ";" and tab,
	// here always as that character. comma, semicolon and tab may be written.
	Delimiter string `yaml:"delimiter" jsonschema:"default=auto"`
	// Attributes declares columns that need a type or another name. A column
	// that is not declared keeps its own name, with its type detected.
	Attributes Table[Column] `yaml:"attributes"`
	// Disabled says how a disabled person is marked: a column and its value, as
	// 状态=停用, and what stands there for others if not nothing, as 状态=停用/在职. Empty:
	// a target cannot disable, and the usual headings say who is.
	Disabled string `yaml:"disabled"`
	// Root is the company's name where it stands in front of every department.
	Root string `yaml:"root"`
}

// Column declares one attribute of a roster file.
type Column struct {
	// Name is the attribute.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// Column is the heading in the roster. Default: the name of the attribute.
	Column string `yaml:"column"`
	// Type is text (default), int, bool, date or list.
	Type string `yaml:"type" jsonschema:"enum=text,enum=int,enum=bool,enum=date,enum=list,default=text"`
	// Format of a date, such as 2006-01-02, or the separator of a list.
	// Default: the usual forms are tried.
	Format string `yaml:"format"`
}

// FeishuSystem is a Feishu or Lark tenant.
type FeishuSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=feishu"`
	// AppID and AppSecret are the credentials of a self-built app.
	AppID     string `yaml:"app_id" ref:"env" jsonschema:"required"`
	AppSecret Secret `yaml:"app_secret" jsonschema:"required"`
	// BaseURL, without a slash at the end. Default https://open.feishu.cn;
	// https://open.larksuite.com for Lark.
	BaseURL string `yaml:"base_url" ref:"env" jsonschema:"default=https://open.feishu.cn"`
	// UserIDType says which id of a person identifies the account: user_id
	// (default) or open_id. Changing it makes every link point to nobody.
	UserIDType string `yaml:"user_id_type" jsonschema:"enum=user_id,enum=open_id,default=user_id"`
	// Acceptor takes over chats, documents and mail of those who are deleted: an
	// id of UserIDType, "leader" for everybody's direct leader, or "leader, ID" to
	// name somebody for those who have none. Empty: Feishu's own defaults.
	Acceptor string `yaml:"acceptor"`
	// CustomAttributes are ids of custom fields (C-…), to be used as custom.<id>;
	// with :user behind it the attribute refers to a person, and :text, :href and
	// :enum bind the type.
	CustomAttributes Strings `yaml:"custom_attributes"`
	// Leads shows which departments a person leads, as leads. Default false, since
	// every look-up then lists the departments.
	Leads bool `yaml:"leads"`
	// Resurrect brings back an account that was deleted in the last 30 days, when
	// its owner returns, instead of making a new one. Default false.
	Resurrect bool `yaml:"resurrect"`
	// SubscriptionIDs are the seats for new accounts, in a tenant with several
	// licences.
	SubscriptionIDs Strings `yaml:"subscription_ids"`
}

// WeComSystem is a WeCom corp.
type WeComSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=wecom"`
	// CorpID names the corp.
	CorpID string `yaml:"corp_id" ref:"env" jsonschema:"required"`
	// ContactsSecret is that of contacts synchronisation: it writes, and lists
	// ids.
	ContactsSecret Secret `yaml:"contacts_secret" jsonschema:"required"`
	// AppSecret is that of a self-built app; it reads names and departments.
	// Not set: existence only.
	AppSecret Secret `yaml:"app_secret"`
	// BaseURL, without a slash at the end. Default https://qyapi.weixin.qq.com.
	BaseURL string `yaml:"base_url" ref:"env" jsonschema:"default=https://qyapi.weixin.qq.com"`
	// CustomAttributes are names of custom fields, to be used as extattr.<name>.
	CustomAttributes Strings `yaml:"custom_attributes"`
	// Invite lets WeCom invite everybody who is created, by WeChat, SMS and mail.
	// Default false.
	Invite bool `yaml:"invite"`
	// Events receives contact changes at /callback/wecom/NAME. Nil: none.
	Events *WeComEvents `yaml:"events"`
}

// WeComEvents are the settings of 通讯录同步 → 接收事件服务器.
type WeComEvents struct {
	// Token and AESKey (EncodingAESKey, 43 characters) are made in the console.
	Token  Secret `yaml:"token" jsonschema:"required"`
	AESKey Secret `yaml:"aes_key" jsonschema:"required"`
}

// WeComEventsPath gives where the contact events of a WeCom system come to.
func WeComEventsPath(system string) string { return "/callback/wecom/" + system }

// DingTalkSystem is a DingTalk corp: its contacts, and the credentials of the
// bot.
type DingTalkSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=dingtalk"`
	// ClientID and ClientSecret are the credentials of an internal app.
	ClientID     string `yaml:"client_id" ref:"env" jsonschema:"required"`
	ClientSecret Secret `yaml:"client_secret" jsonschema:"required"`
	// APIURL, without a slash at the end. Default https://api.dingtalk.com.
	APIURL string `yaml:"api_url" ref:"env" jsonschema:"default=https://api.dingtalk.com"`
	// OAPIURL is the older interface, without a slash at the end. Default
	// https://oapi.dingtalk.com.
	OAPIURL string `yaml:"oapi_url" ref:"env" jsonschema:"default=https://oapi.dingtalk.com"`
	// Token is new (default) or old: where the token of the older interface comes
	// from.
	Token string `yaml:"token" jsonschema:"enum=new,enum=old,default=new"`
	// CustomAttributes are names of custom fields, to be used as extension.<name>.
	CustomAttributes Strings `yaml:"custom_attributes"`
	// Disable says what DISABLE does to an ordinary account, which DingTalk cannot
	// stop: refuse (default), or move: it is moved to the department Quarantine.
	Disable string `yaml:"disable" jsonschema:"enum=refuse,enum=move,default=refuse"`
	// Quarantine is the id of the department that disabled accounts are moved to.
	Quarantine string `yaml:"quarantine" ref:"env"`
}

// body gives the struct of the system's type, made when it is not there yet;
// nil for a type that this version does not have.
func (s *System) body() any {
	switch s.Type {
	case "file":
		s.File = orNew(s.File)
		return s.File
	case "feishu":
		s.Feishu = orNew(s.Feishu)
		return s.Feishu
	case "wecom":
		s.WeCom = orNew(s.WeCom)
		return s.WeCom
	case "dingtalk":
		s.DingTalk = orNew(s.DingTalk)
		return s.DingTalk
	case "ldap":
		s.LDAP = orNew(s.LDAP)
		return s.LDAP
	case "scim":
		s.SCIM = orNew(s.SCIM)
		return s.SCIM
	case "scim_server":
		s.SCIMServer = orNew(s.SCIMServer)
		return s.SCIMServer
	case "sql":
		s.SQL = orNew(s.SQL)
		return s.SQL
	default:
		return nil
	}
}

func orNew[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// systemTypes are the types that this version has.
func systemTypes() []string {
	return []string{"file", "feishu", "wecom", "dingtalk", "ldap", "scim", "scim_server", "sql"}
}

// decode reads the type first, since it says which keys there are.
func (s *System) decode(d *decoder, n ast.Node, at spot) {
	list, ok := d.entries(n, at)
	if !ok {
		return
	}
	i := slices.IndexFunc(list, func(e entry) bool { return e.key == "type" })
	if i < 0 || empty(list[i].value) {
		d.add(Error, child(at.path, "type"), at.place, say("缺少这个键：系统的类型，%s 之一", "is missing: the type of the system, one of %s", strings.Join(systemTypes(), ", ")))
		return
	}
	here := d.spot(at, list[i])
	text, ok := d.text(list[i].value, here)
	if !ok {
		return
	}
	s.Type = text
	body := s.body()
	if body == nil {
		d.bad(here, say("没有 %s 这种系统%s", "there is no system of type %s%s", short(text), didYouMean(text, systemTypes())))
		return
	}
	v := reflect.ValueOf(body).Elem()
	d.fill(v)
	d.fields(list, v, at)
}

// systems checks what the tags cannot say.
func (c *checker) systems() {
	c.names("systems", namesOf(c.cfg.Systems, func(s System) string { return s.Name }))
	for i := range c.cfg.Systems {
		s := &c.cfg.Systems[i]
		path := child("systems", s.Name)
		switch {
		case s.File != nil:
			c.roster(path, s.File)
			if s.File.ID == "" && c.targeted(s.Name) {
				c.err(child(path, "id"), say("有流程写入这个文件：请写明唯一标识人的列", "a flow writes to this file: say which column identifies a person"))
			}
		case s.Feishu != nil:
			c.tenant(path, s.Feishu)
		case s.WeCom != nil:
			c.base(child(path, "base_url"), &s.WeCom.BaseURL)
		case s.DingTalk != nil:
			c.base(child(path, "api_url"), &s.DingTalk.APIURL)
			c.base(child(path, "oapi_url"), &s.DingTalk.OAPIURL)
		case s.LDAP != nil:
			c.ldap(path, s.LDAP)
		case s.SCIM != nil:
			c.scim(path, s.SCIM)
		case s.SCIMServer != nil:
			c.scimServer(path, s.SCIMServer)
		case s.SQL != nil:
			c.database(path, s.SQL)
		}
	}
}

// delimiters gives the character of each way to write one.
func delimiters() map[string]string {
	return map[string]string{"comma": ",", ",": ",", "semicolon": ";", ";": ";", "tab": "\t", "\t": "\t", `\t`: "\t"}
}

// base checks a base URL and drops the slash at its end.
func (c *checker) base(path string, text *string) {
	if problem, ok := endpoint(*text); !ok {
		c.err(path, problem)
	}
	*text = strings.TrimRight(*text, "/")
}

// targeted tells whether a flow writes to a system.
func (c *checker) targeted(name string) bool {
	return slices.ContainsFunc(c.cfg.Flows, func(f Flow) bool { return f.To == name })
}

// goodMark tells whether a text says how the disabled are marked: 状态=停用, or
// 状态=停用/在职.
func goodMark(text string) bool {
	column, values, ok := strings.Cut(text, "=")
	off, on, _ := strings.Cut(values, "/")
	off = strings.TrimSpace(off)
	return ok && strings.TrimSpace(column) != "" && off != "" && !strings.EqualFold(off, strings.TrimSpace(on))
}

// roster checks a roster file's section. The file itself may come later.
func (c *checker) roster(path string, f *FileSystem) {
	c.columns(child(path, "attributes"), f)
	if f.Disabled != "" && !goodMark(f.Disabled) {
		c.err(child(path, "disabled"), say("要写成 列=值 或 列=值/其他人的值，例如 状态=停用/在职", "must be column=value, or column=value/value of others, such as 状态=停用/在职"))
	}
	if f.Delimiter != "auto" {
		sign, ok := delimiters()[f.Delimiter]
		if !ok {
			c.err(child(path, "delimiter"), say("分隔符只能是 auto、comma、semicolon 或 tab", "the delimiter must be auto, comma, semicolon or tab"))
		}
		f.Delimiter = sign
	}
	switch strings.ToLower(filepath.Ext(f.Path)) {
	case ".xlsx":
		for _, key := range []string{"encoding", "delimiter"} {
			if c.has(child(path, key)) {
				c.err(child(path, key), say("只用于 .csv 文件；请删掉", "is for .csv files only; remove it"))
			}
		}
	case ".csv":
		if f.Sheet != "" {
			c.err(child(path, "sheet"), say(".csv 文件没有工作表；请删掉", "a .csv file has no sheets; remove it"))
		}
	case "":
		if f.Path == "" {
			return // reported as missing
		}
		fallthrough
	default:
		c.err(child(path, "path"), say("只能读 .csv 和 .xlsx；请另存为其中一种", "only .csv and .xlsx can be read; save the roster as one of them"))
	}
}

// columns checks the attributes that a roster file declares.
func (c *checker) columns(path string, f *FileSystem) {
	for i := range f.Attributes {
		a := &f.Attributes[i]
		if a.Column == "" {
			a.Column = a.Name
		}
		if a.Format != "" && a.Type != "date" && a.Type != "list" {
			c.err(child(child(path, a.Name), "format"), say("只有 date 和 list 才有 format；请删掉，或改 type", "only date and list have a format; remove it or change the type"))
		}
	}
}

// namesOf collects the names of a list, each once, without empty ones.
func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, 0, len(list))
	for _, one := range list {
		if text := name(one); text != "" && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

var _ decodable = (*System)(nil)
