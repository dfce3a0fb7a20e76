package configs

import (
	"net/url"
	"slices"
	"strings"
)

// LDAPSystem is an LDAP directory: OpenLDAP, Active Directory or another.
type LDAPSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=ldap"`
	// URL is ldaps://host, or ldap://host, with a port if it is not the usual one.
	URL string `yaml:"url" ref:"env" jsonschema:"required"`
	// StartTLS turns an ldap:// connection into an encrypted one.
	StartTLS bool `yaml:"start_tls"`
	// CAFile holds the certificates that the server's is checked against, as
	// written: see Config.Resolve. Empty: those of the machine.
	CAFile string `yaml:"ca_file" ref:"env"`
	// BindDN and BindPassword are the account that reads and writes. In Active
	// Directory user@domain will do as well.
	BindDN       string `yaml:"bind_dn" ref:"env" jsonschema:"required"`
	BindPassword Secret `yaml:"bind_password" jsonschema:"required"`
	// BaseDN is the entry below which everything is, and which is no department.
	BaseDN string `yaml:"base_dn" ref:"env" jsonschema:"required"`
	// Dialect is auto (default: the server is asked), ad or openldap.
	Dialect string `yaml:"dialect" jsonschema:"enum=auto,enum=ad,enum=openldap,default=auto"`
	// UserFilter finds people. Empty: by the dialect.
	UserFilter string `yaml:"user_filter"`
	// DepartmentFilter finds departments. Empty: organizational units.
	DepartmentFilter string `yaml:"department_filter"`
	// RDN is the attribute that names a new person's entry. Empty: CN in Active
	// Directory, uid elsewhere.
	RDN string `yaml:"rdn"`
	// Attributes gives other or further attributes: name → the directory's.
	Attributes Table[LDAPAttribute] `yaml:"attributes"`
	// ObjectClasses are those of a new person. Empty: by the dialect.
	ObjectClasses Strings `yaml:"object_classes"`
	// Disabled says how a directory other than Active Directory marks a disabled
	// account: attribute=value. Empty: it cannot disable.
	Disabled string `yaml:"disabled"`
	// LeftDN is where a disabled account is moved to, as a DN below BaseDN. Empty:
	// it stays.
	LeftDN string `yaml:"left_dn"`
	// PageSize is how many entries one page holds. Default 500.
	PageSize int `yaml:"page_size" jsonschema:"default=500,minimum=1,maximum=10000"`
}

// LDAPAttribute is one attribute of a directory.
type LDAPAttribute struct {
	// Name is the attribute as mappings call it.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// Attribute is its name in the directory. Default: the same.
	Attribute string `yaml:"attribute"`
	// Type is text (default), int, bool, date, list, users (DNs of people) or
	// departments (DNs of departments).
	Type string `yaml:"type" jsonschema:"enum=text,enum=int,enum=bool,enum=date,enum=list,enum=users,enum=departments,default=text"`
}

// ldapReserved are the attributes that the connector makes by itself.
func ldapReserved() []string {
	return []string{"dn", "departments", "active", "parent", "path", "department_path", "department_paths", "leads"}
}

// ldap checks what the tags cannot say of a directory.
func (c *checker) ldap(path string, l *LDAPSystem) {
	c.ldapURL(path, l)
	for key, filter := range map[string]string{"user_filter": l.UserFilter, "department_filter": l.DepartmentFilter} {
		if filter != "" && !balanced(filter) {
			c.err(child(path, key), say("不是完整的 LDAP 过滤器，例如 (&(objectClass=person)(mail=*))", "is no whole LDAP filter, such as (&(objectClass=person)(mail=*))"))
		}
	}
	if name, value, ok := strings.Cut(l.Disabled, "="); l.Disabled != "" && (!ok || strings.TrimSpace(name) == "" || strings.TrimSpace(value) == "") {
		c.err(child(path, "disabled"), say("要写成 属性=值，例如 employeeType=disabled", "must be attribute=value, such as employeeType=disabled"))
	}
	if l.Disabled != "" && l.Dialect == "ad" {
		c.warn(child(path, "disabled"), say("AD 有自己的停用方式，这一项不起作用；请删掉", "has no effect with Active Directory, which disables in its own way; remove it"))
	}
	if l.LeftDN != "" && l.BaseDN != "" && !strings.HasSuffix(foldDN(l.LeftDN), ","+foldDN(l.BaseDN)) {
		c.err(child(path, "left_dn"), say("要在 base_dn 之下，否则停用的账号会移出视野", "must be below base_dn, or disabled accounts move out of sight"))
	}
	for _, a := range l.Attributes {
		if slices.Contains(ldapReserved(), a.Name) {
			c.err(child(child(path, "attributes"), a.Name), say("这个名字由系统自己使用；请换一个", "the connector uses this name itself; take another"))
		}
	}
}

func (c *checker) ldapURL(path string, l *LDAPSystem) {
	at := child(path, "url")
	u, err := url.Parse(l.URL)
	if l.URL == "" {
		return // reported as missing
	}
	switch {
	case err != nil || u.Host == "" || u.Scheme != "ldaps" && u.Scheme != "ldap":
		c.err(at, say("要写成 ldaps://主机 或 ldap://主机", "must be ldaps://host or ldap://host"))
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		c.err(at, say("只写主机和端口；账号和 DN 另外填写", "holds the host and the port only; the account and the DN stand elsewhere"))
	case u.Port() == "3268" || u.Port() == "3269":
		c.err(at, say("3268、3269 是全局编录端口：只读，而且缺少一部分属性，缺少的会被当成空值；请用 636（ldaps）或 389", "3268 and 3269 are the global catalog: read-only, and without some attributes, which would pass for empty; use 636 (ldaps) or 389"))
	default:
		c.ldapSecrecy(path, u, l.StartTLS)
	}
}

// ldapSecrecy looks how what goes over the wire is kept secret.
func (c *checker) ldapSecrecy(path string, u *url.URL, startTLS bool) {
	at := child(path, "url")
	switch {
	case u.Scheme == "ldaps" && startTLS:
		c.err(child(path, "start_tls"), say("ldaps:// 已经加密；请删掉，或改用 ldap://", "ldaps:// is encrypted already; remove it, or use ldap://"))
	case u.Scheme == "ldap" && !startTLS && !loopback(u.Hostname()):
		c.warn(at, say("密码和全部资料会明文传输；请改用 ldaps:// 或打开 start_tls", "the password and everything read travel in the clear; use ldaps:// or start_tls"))
	}
}

// foldDN makes DNs comparable well enough for a first check: case and blanks
// around the signs do not count.
func foldDN(dn string) string {
	parts := strings.Split(strings.ToLower(dn), ",")
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		parts[i] = strings.TrimSpace(name) + "=" + strings.TrimSpace(value)
	}
	return strings.Join(parts, ",")
}

// balanced tells whether a filter stands in parentheses that close.
func balanced(filter string) bool {
	depth := 0
	for i, r := range filter {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 1 && i < len(filter)-1 {
			return false
		}
	}
	return depth == 0
}
