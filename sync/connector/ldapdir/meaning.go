package ldapdir

import (
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The result codes (RFC 4511 appendix A) that the connector acts on by itself.
const (
	codeTimeLimit       = 3
	codeSizeLimit       = 4
	codeReferral        = 10
	codeAdminLimit      = 11
	codeNoControl       = 12
	codeNoSuchAttribute = 16
	codeConstraint      = 19
	codeNotThere        = 32
	codeBadPassword     = 49
	codeNoRights        = 50
	codeBusy            = 51
	codeUnavailable     = 52
	codeUnwilling       = 53
	codeNotEmpty        = 66
	codeExists          = 68
	codeRefreshRequired = 4096
)

// meaning is what a result code says: what is to be done and a sentence.
type meaning struct {
	kind   fault.Kind
	write  fault.Kind // of a write; "" = the same
	en, zh string
}

// meaningOf gives the meaning of a code with the server's own words.
func meaningOf(number uint16, text string, write bool) meaning {
	m, known := meanings[number]
	if !known {
		n := strconv.Itoa(int(number))
		m = meaning{kind: fault.Invalid, en: "the directory refuses the call with result code " + n, zh: "目录服务器拒绝了该调用，结果码 " + n}
	}
	if sub, ok := bindMeanings[adCode(text)]; ok && number == codeBadPassword {
		m = sub
	}
	if special, ok := spoken(number, text); ok {
		m = special
	}
	if write && m.write != "" {
		m.kind = m.write
	}
	return m
}

// spoken finds what the code alone does not tell. The numbers are Windows errors
// in Active Directory's words: 052D password policy, 21C7 and 21C8 a name that is
// not unique, 04DC not bound.
func spoken(number uint16, text string) (meaning, bool) {
	has := func(part string) bool { return strings.Contains(strings.ToUpper(text), part) }
	switch {
	case (number == codeConstraint || number == codeUnwilling) && has("0000052D"):
		return meaning{
			kind: fault.Invalid,
			en:   "the password policy refuses it: the account has no password that meets the policy, set one in Active Directory first",
			zh:   "不符合密码策略：账号还没有合格的密码，请先在 AD 中设置密码",
		}, true
	case number == codeConstraint && (has("000021C8") || has("000021C7") || has("NOT UNIQUE")):
		return meaning{kind: fault.Conflict, en: "another entry has this value already, which must be unique", zh: "该值必须唯一，已被另一个条目占用"}, true
	case number == codeUnwilling && (has("SHADOW CONTEXT") || has("READ-ONLY") || has("OPERATION RESTRICTED")):
		return meaning{kind: fault.Denied, en: "this server is read-only: point url to one that takes writes", zh: "这台服务器是只读的：请把 url 指向可写的服务器"}, true
	case number == 1 && has("000004DC"):
		return meaning{kind: fault.Credential, en: "the directory wants us to sign in first: check bind_dn and bind_password", zh: "目录要求先登录：请检查 bind_dn 与 bind_password"}, true
	default:
		return meaning{}, false
	}
}

// meanings are the result codes that a directory may answer with.
var meanings = map[uint16]meaning{
	1:              {kind: fault.Unavailable, en: "the directory reports an internal error", zh: "目录服务器内部错误"},
	2:              {kind: fault.Invalid, en: "the directory does not understand the call", zh: "目录服务器不理解该请求"},
	codeTimeLimit:  {kind: fault.Unavailable, write: fault.InDoubt, en: "the directory's time limit ended the call: raise the account's time limit", zh: "超出目录的时间上限：请放宽该账号的时间限制"},
	codeSizeLimit:  {kind: fault.Invalid, en: "the directory gives only a part: raise the account's size limit", zh: "目录只返回了一部分：请放宽该账号的数量限制"},
	7:              {kind: fault.Credential, en: "the directory does not take a simple bind: allow it for this account", zh: "目录不接受简单绑定：请为该账号开启"},
	8:              {kind: fault.Credential, en: "the directory wants an encrypted connection: use ldaps:// or start_tls", zh: "目录要求加密连接：请使用 ldaps:// 或 start_tls"},
	codeReferral:   {kind: fault.Invalid, en: "this server sends us to another: point url to the server that holds base_dn and takes writes", zh: "服务器把请求转介到别处：请把 url 指向存放 base_dn 且可写的服务器"},
	codeAdminLimit: {kind: fault.Invalid, en: "the directory's administrative limit ended the call: raise the account's limits or index the filter's attributes", zh: "超出目录的管理上限：请放宽该账号的限制，或给过滤器用到的属性建索引"},
	codeNoControl:  {kind: fault.Unsupported, en: "the directory lacks a feature that the call needs", zh: "目录缺少该调用需要的功能"},
	13:             {kind: fault.Credential, en: "the directory wants an encrypted connection: use ldaps:// or start_tls", zh: "目录要求加密连接：请使用 ldaps:// 或 start_tls"},
	codeNoSuchAttribute: {
		kind: fault.Invalid, en: "the directory does not know the attribute, or the entry does not have it: check the attributes' names", zh: "目录没有这个属性，或条目没有该值：请检查属性名",
	},
	17:              {kind: fault.Invalid, en: "the directory's schema does not have the attribute: check the attributes' names", zh: "目录的架构中没有这个属性：请检查属性名"},
	18:              {kind: fault.Invalid, en: "the filter does not fit the attribute: check user_filter and department_filter", zh: "过滤器与属性不符：请检查 user_filter 与 department_filter"},
	codeConstraint:  {kind: fault.Invalid, en: "the directory refuses a value: too long, too many, or against a policy", zh: "目录拒绝了某个值：过长、过多或不符合策略"},
	20:              {kind: fault.Conflict, en: "the entry has this value already", zh: "条目已有该值"},
	21:              {kind: fault.Invalid, en: "a value has the wrong form for its attribute", zh: "某个值的格式不符合属性的要求"},
	codeNotThere:    {kind: fault.NotFound, en: "the entry is not there, or the account may not see it", zh: "条目不存在，或该账号无权看到"},
	33:              {kind: fault.Invalid, en: "an alias in the directory is broken", zh: "目录中的别名有误"},
	34:              {kind: fault.Invalid, en: "the directory does not take the name: check base_dn, bind_dn and rdn", zh: "目录不接受该名称：请检查 base_dn、bind_dn 与 rdn"},
	48:              {kind: fault.Credential, en: "the account may not sign in this way: check bind_dn, it needs a password", zh: "该账号不能这样登录：请检查 bind_dn，它需要有密码"},
	codeBadPassword: {kind: fault.Credential, en: "the directory refuses the sign-in: check bind_dn and bind_password", zh: "目录拒绝登录：请检查 bind_dn 与 bind_password"},
	codeNoRights:    {kind: fault.Credential, write: fault.Denied, en: "the account lacks the right: grant it (docs/systems/ldap.md)", zh: "该账号权限不足：请授权（见 docs/systems/ldap.zh-CN.md）"},
	codeBusy:        {kind: fault.Limited, en: "the directory is busy", zh: "目录服务器繁忙"},
	codeUnavailable: {kind: fault.Unavailable, en: "the directory is out of service or shutting down", zh: "目录服务器不可用或正在关闭"},
	codeUnwilling:   {kind: fault.Invalid, en: "the directory is unwilling to do this: a rule of the server forbids it", zh: "目录拒绝执行：服务器的规则不允许"},
	54:              {kind: fault.Invalid, en: "the directory's references go in a circle", zh: "目录的引用成环"},
	64:              {kind: fault.Invalid, en: "the entry's name breaks a rule of the schema: check rdn", zh: "条目的名称不符合架构：请检查 rdn"},
	65:              {kind: fault.Invalid, en: "the entry would lack an attribute that its object classes require, or have one that they do not allow: check object_classes and the mapping", zh: "条目缺少对象类必需的属性，或含有不允许的属性：请检查 object_classes 与映射"},
	codeNotEmpty:    {kind: fault.Conflict, en: "there are entries below it: move or delete them first", zh: "下面还有条目：请先移走或删除"},
	67:              {kind: fault.Invalid, en: "the attribute names the entry and cannot be changed this way", zh: "该属性是条目的名称，不能这样修改"},
	codeExists:      {kind: fault.Conflict, en: "an entry with this name or sign-in name exists already", zh: "同名条目或相同登录名已存在"},
	69:              {kind: fault.Invalid, en: "the entry's object classes cannot be changed", zh: "条目的对象类不能修改"},
	71:              {kind: fault.Invalid, en: "the move would lead to another server or domain", zh: "不能移动到另一台服务器或另一个域"},
	80:              {kind: fault.Unavailable, en: "the directory reports an error of its own", zh: "目录服务器报告自身错误"},
	122:             {kind: fault.Conflict, en: "the entry was changed meanwhile", zh: "条目在此期间被修改"},
	codeRefreshRequired: {
		kind: fault.Unavailable, en: "the directory wants the changes to be read from the start", zh: "目录要求重新读取全部变更",
	},
}

// bindMeanings are Active Directory's reasons for refusing a sign-in (49), by the
// number after "data".
var bindMeanings = map[string]meaning{
	"525": {kind: fault.Credential, en: "Active Directory does not know the account: check bind_dn", zh: "AD 中没有该账号：请检查 bind_dn"},
	"52e": {kind: fault.Credential, en: "Active Directory refuses the password: check bind_dn and bind_password", zh: "AD 拒绝该密码：请检查 bind_dn 与 bind_password"},
	"530": {kind: fault.Credential, en: "Active Directory does not let the account sign in at this hour: change its logon hours", zh: "AD 不允许该账号在此时段登录：请修改登录时间"},
	"531": {kind: fault.Credential, en: "Active Directory does not let the account sign in from here: change its logon workstations", zh: "AD 不允许该账号从本机登录：请修改允许的工作站"},
	"532": {kind: fault.Credential, en: "the account's password has expired: set a new one and put it into bind_password", zh: "账号密码已过期：请设置新密码并填入 bind_password"},
	"533": {kind: fault.Credential, en: "the account is disabled in Active Directory: enable it", zh: "该账号已在 AD 中停用：请启用"},
	"568": {kind: fault.Credential, en: "the account is in too many groups to sign in: take it out of some", zh: "该账号所属的组过多，无法登录：请减少"},
	"701": {kind: fault.Credential, en: "the account has expired in Active Directory: extend it", zh: "该账号在 AD 中已到期：请延长有效期"},
	"773": {kind: fault.Credential, en: "the account must change its password first: clear 'must change password at next logon'", zh: "该账号须先修改密码：请取消“下次登录时须更改密码”"},
	"775": {kind: fault.Credential, en: "the account is locked in Active Directory: unlock it and check bind_password", zh: "该账号在 AD 中已被锁定：请解锁并检查 bind_password"},
}
