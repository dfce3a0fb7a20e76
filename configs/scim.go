package configs

// SCIMSystem is a service that Rollcall reads and writes by SCIM 2.0.
type SCIMSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=scim"`
	// URL is the service's base, such as https://app.example.com/scim/v2. https,
	// unless the service is on this machine: the token goes with every call.
	URL string `yaml:"url" ref:"env" jsonschema:"required"`
	// Token is the bearer token; or User and Password for HTTP Basic.
	Token    Secret `yaml:"token"`
	User     string `yaml:"user" ref:"env"`
	Password Secret `yaml:"password"`
	// Dialect is standard (default), okta or entra: which client the service was
	// built for, and so how updates are written.
	Dialect string `yaml:"dialect" jsonschema:"enum=standard,enum=okta,enum=entra,default=standard"`
	// Departments says what a department is: groups (default; every group, flat),
	// extension (every group, with its parent in our extension), or none: a text of
	// the user.
	Departments string `yaml:"departments" jsonschema:"enum=groups,enum=extension,enum=none,default=groups"`
	// Attributes are further attributes: name → path, such as
	// urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter.
	Attributes Table[SCIMAttribute] `yaml:"attributes"`
	// PageSize is how many resources one page holds. Default 100; a service that
	// allows less is obeyed.
	PageSize int `yaml:"page_size" jsonschema:"default=100,minimum=1,maximum=1000"`
}

// SCIMAttribute is one further attribute of a SCIM service.
type SCIMAttribute struct {
	// Name is the attribute as mappings call it.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// Path is its path in the service.
	Path string `yaml:"path" jsonschema:"required"`
	// Type is text (default), int, bool or date.
	Type string `yaml:"type" jsonschema:"enum=text,enum=int,enum=bool,enum=date,default=text"`
}

// scim checks what the tags cannot say.
func (c *checker) scim(path string, s *SCIMSystem) {
	if s.URL == "" {
		return // reported as missing
	}
	c.base(child(path, "url"), &s.URL)
	token, basic := s.Token.IsSet(), s.User != "" || s.Password.IsSet()
	switch {
	case token && basic:
		c.err(child(path, "token"), say("token 与 user、password 只能用一种；请删掉另一种", "use token, or user and password, not both; remove one"))
	case !token && (s.User == "" || !s.Password.IsSet()) && !c.reported(child(path, "token")) && !c.reported(child(path, "password")):
		c.err(path, say("缺少凭证：请填写 token，或 user 与 password", "has no credentials: set token, or user and password"))
	}
}

// SCIMServerSystem is what an identity provider pushes into Rollcall by SCIM 2.0
// at /scim/NAME/v2: a source.
type SCIMServerSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=scim_server"`
	// Token is the bearer token that the provider sends, of 24 characters or more.
	Token Secret `yaml:"token" jsonschema:"required"`
	// Contents says when somebody who is not there has left: auto (default; once the
	// first push is over, which an hour without a write shows), full (everybody has
	// been pushed) or partial (never).
	Contents string `yaml:"contents" jsonschema:"enum=auto,enum=full,enum=partial,default=auto"`
	// Strict refuses attributes that are not known. Default false: they are
	// accepted and left out.
	Strict bool `yaml:"strict"`
	// Attributes are further attributes to keep, as in a scim system.
	Attributes Table[SCIMAttribute] `yaml:"attributes"`
}

// minSCIMToken is the least length of a scim_server's token.
const minSCIMToken = 24

// scimServer checks what the tags cannot say.
func (c *checker) scimServer(path string, s *SCIMServerSystem) {
	if s.Token.IsSet() && len(s.Token.Reveal()) < minSCIMToken {
		c.err(child(path, "token"), say("令牌太短，至少 %d 个字符；例如 openssl rand -hex 32", "is too short, %d characters at least; make one by openssl rand -hex 32", minSCIMToken))
	}
}
