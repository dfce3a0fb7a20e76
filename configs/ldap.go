package configs

// LDAPSystem is an LDAP directory: OpenLDAP, Active Directory or another.
type LDAPSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=ldap"`
	// URL is ldaps://host, or ldap://host, with a port if it is not the usual one.
	URL string `yaml:"url" ref:"env" jsonschema:"required"`
	// StartTLS turns an ldap:// connection into an encrypted one.
	StartTLS bool `yaml:"start_tls"`
	// CAFile holds the certificates that the server's is checked against. Empty:
	// those of the machine.
	CAFile string `yaml:"ca_file" ref:"env"`
	// BindDN and BindPassword are the account that reads and writes.
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
	// LeftDN is where a disabled account is moved to, as a DN. Empty: it stays.
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
