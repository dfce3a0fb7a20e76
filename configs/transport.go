package configs

import (
	"net/url"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Record says where the SQL record is.
type Record struct {
	// Driver is sqlite, the embedded record in the data folder (default), or postgres.
	Driver string
	// URL is the address of PostgreSQL as written, with its references put in; not set
	// for sqlite.
	URL Secret
}

func (r *Record) setDefaults() { r.Driver = "sqlite" }

// decode reads sqlite or a URL of PostgreSQL.
func (r *Record) decode(d *decoder, n ast.Node, at spot) {
	written, ok := d.text(n, at)
	if !ok {
		return
	}
	var text string
	if file, is := strings.CutPrefix(written, "file:"); is {
		text, ok = d.secretFile(file, at)
	} else {
		text, ok = d.expand(written, at)
	}
	if !ok {
		return
	}
	if text == "sqlite" {
		*r = Record{Driver: text}
		return
	}
	u, err := url.Parse(text)
	switch {
	case !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://"):
		d.bad(at, say("只能是 sqlite，或以 postgres:// 开头的网址", "must be sqlite, or a URL that begins with postgres://"))
		return
	case err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") == "": // the parser's words show the password
		d.bad(at, say("PostgreSQL 的网址要写成 postgres://用户:密码@主机:5432/库名", "write the URL of PostgreSQL as postgres://user:password@host:5432/database"))
		return
	}
	if _, has := u.User.Password(); has && written == text {
		d.odd(at, say("PostgreSQL 的密码直接写在了文件里；请改用 ${环境变量} 或 file:/路径", "the password of PostgreSQL stands in the file itself; use ${ENV} or file:/path instead"))
	}
	if mode := u.Query().Get("sslmode"); !loopback(u.Hostname()) && mode != "verify-full" && mode != "verify-ca" {
		d.odd(at, say("到别的主机的 PostgreSQL 应当核对证书：请加 ?sslmode=verify-full", "PostgreSQL on another host should prove who it is: add ?sslmode=verify-full"))
	}
	*r = Record{Driver: "postgres", URL: NewSecret(text)}
}

var (
	_ decodable = (*Record)(nil)
	_ defaulter = (*Record)(nil)
)

// publicURL checks the address under which people and platforms come.
func (c *checker) publicURL() {
	const path = "server.public_url"
	text := c.cfg.Server.PublicURL
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "http" && u.Host != "" && !loopback(u.Hostname()) {
		c.warn(path, say("建议用 https：回调和链接会经过公网", "https is better: callbacks and links cross the network"))
		text = "https" + strings.TrimPrefix(text, "http")
	}
	if problem, ok := endpoint(text); !ok {
		c.err(path, problem)
		return
	}
	c.cfg.Server.PublicURL = strings.TrimRight(c.cfg.Server.PublicURL, "/")
}
