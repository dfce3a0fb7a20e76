package configs

import (
	"net"
	"net/url"
	"slices"
	"strings"
)

// SQLSystem is a database with tables of people and departments.
type SQLSystem struct {
	Type string `yaml:"type" jsonschema:"required,enum=sql"`
	// URL is postgres://USER:PASSWORD@HOST/DATABASE, mysql://… or mariadb://… in
	// the same form, or sqlite:FILE. sslmode (PostgreSQL) and tls (MySQL) stand in
	// it.
	URL Secret `yaml:"url" jsonschema:"required"`
	// Contents is full or partial. Partial never proves that somebody left.
	Contents string `yaml:"contents" jsonschema:"required,enum=full,enum=partial"`
	// Users and Departments are the statements of each kind. Departments may be
	// left out: there are none, and a user's departments are a text.
	Users       SQLTable  `yaml:"users" jsonschema:"required"`
	Departments *SQLTable `yaml:"departments"`
}

// SQLTable holds the statements of one kind. Values stand in them as parameters
// :name, and nowhere else: :id is the object's id, the others are attributes.
type SQLTable struct {
	// Read gives a row for each object; each column is an attribute.
	Read string `yaml:"read" jsonschema:"required"`
	// One is Read for the object :id, with the same columns. Empty: Read with a
	// condition around it.
	One string `yaml:"one"`
	// ID is the column that identifies an object.
	ID string `yaml:"id" jsonschema:"required"`
	// Create, Update, Disable, Enable and Delete write, one row each. An attribute
	// that is not changed comes with the value that it has. Empty: the database
	// cannot. Departments have neither Disable nor Enable.
	Create  string `yaml:"create"`
	Update  string `yaml:"update"`
	Disable string `yaml:"disable"`
	Enable  string `yaml:"enable"`
	Delete  string `yaml:"delete"`
	// Attributes declares columns that need a type or another name, and whatever
	// is a parameter and no standard attribute.
	Attributes Table[SQLColumn] `yaml:"attributes"`
}

// SQLColumn declares one attribute of a table.
type SQLColumn struct {
	// Name is the attribute.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// Column is the column of Read. Default: the name of the attribute.
	Column string `yaml:"column"`
	// Type is text, int, bool, date, list, users or departments: the last three
	// are texts with commas in between. Empty: standard attributes have their own
	// type, others go by the column: date, bool or text.
	Type string `yaml:"type" jsonschema:"enum=text,enum=int,enum=bool,enum=date,enum=list,enum=users,enum=departments"`
}

// database checks a database's section. The statements themselves are checked by
// the connector, which knows how each engine writes them.
func (c *checker) database(path string, s *SQLSystem) {
	if s.URL.IsSet() {
		c.databaseURL(child(path, "url"), s.URL.Reveal())
	}
	c.statements(child(path, "users"), &s.Users, s.Departments != nil)
	if d := s.Departments; d != nil {
		here := child(path, "departments")
		c.statements(here, d, true)
		for key, text := range map[string]string{"disable": d.Disable, "enable": d.Enable} {
			if text != "" {
				c.err(child(here, key), say("部门没有停用和启用；请删掉", "departments are neither disabled nor enabled; remove it"))
			}
		}
	}
}

// statements checks the section of one kind.
func (c *checker) statements(path string, t *SQLTable, departments bool) {
	if t.Disable != "" && t.Enable == "" && !strings.Contains(t.Update, ":active") {
		c.warn(child(path, "disable"), say("没有 enable：停用的人回来时，点名不能重新启用", "there is no enable: who was disabled and comes back cannot be enabled again"))
	}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		if a.Column == "" {
			a.Column = a.Name
		}
		if a.Type == "departments" && !departments {
			c.err(child(child(child(path, "attributes"), a.Name), "type"), say("没有部门表；请加上 departments，或改为 text", "there is no table of departments; add departments, or make it a text"))
		}
	}
}

// databaseURL checks the address of a database, without ever showing it.
func (c *checker) databaseURL(path, text string) {
	scheme, rest, _ := strings.Cut(text, ":")
	u, err := url.Parse(text)
	switch {
	case scheme == "sqlite" && rest != "":
		return
	case !slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb"}, scheme):
		c.err(path, say("要以 postgres://、mysql:// 或 sqlite:文件 开头", "must begin with postgres://, mysql:// or sqlite:FILE"))
		return
	case err != nil || u.Opaque != "" || strings.Trim(u.Path, "/") == "":
		c.err(path, say("要写成 %s://用户:密码@主机/数据库；密码里的特殊字符写成 %%XX", "must be %s://USER:PASSWORD@HOST/DATABASE; write special characters of the password as %%XX", scheme))
		return
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if host == "" || host == "localhost" || ip.IsLoopback() {
		return
	}
	if q := u.Query(); !proven(q) && q.Get("tls") != "true" {
		c.warn(path, say("到 %s 的连接不校验加密；PostgreSQL 请加 ?sslmode=verify-full，MySQL 请加 ?tls=true", "the connection to %s is not verified to be encrypted; add ?sslmode=verify-full for PostgreSQL, ?tls=true for MySQL", host))
	}
}
