package configs

import (
	"net/url"
	"slices"
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
	// File is the full path of the file that holds the address as written; "" where the
	// configuration itself has it. The password in it may be renewed.
	File string
}

func (r *Record) setDefaults() { r.Driver = "sqlite" }

// decode reads sqlite or a URL of PostgreSQL.
func (r *Record) decode(d *decoder, n ast.Node, at spot) {
	written, ok := d.text(n, at)
	if !ok {
		return
	}
	text, ok := d.resolve(written, at)
	if !ok {
		return
	}
	if text == "sqlite" {
		*r = Record{Driver: text}
		return
	}
	literal := text == written
	text, insecure := withoutQuery(text, "allow_insecure")
	u, err := url.Parse(text)
	switch {
	case !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://"):
		d.bad(at, say("只能是 sqlite，或以 postgres:// 开头的网址", "must be sqlite, or a URL that begins with postgres://"))
		return
	case err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") == "": // the parser's words show the password
		d.bad(at, say("PostgreSQL 的网址要写成 postgres://用户:密码@主机:5432/库名", "write the URL of PostgreSQL as postgres://user:password@host:5432/database"))
		return
	}
	if strings.Contains(u.Path, "@") { // what follows the first stroke of a password was taken for the database
		d.bad(at, say("PostgreSQL 的网址读不懂；密码里的特殊字符要写成 %%XX（/ 写成 %%2F，@ 写成 %%40）", "the URL of PostgreSQL cannot be read; write special characters of the password as %%XX (/ as %%2F, @ as %%40)"))
		return
	}
	if _, has := u.User.Password(); has && literal {
		d.odd(at, say("PostgreSQL 的密码直接写在了文件里；请改用 ${环境变量} 或 file:/路径", "the password of PostgreSQL stands in the file itself; use ${ENV} or file:/path instead"))
	}
	if why, open := exposedRecord(u); open && !insecure {
		d.bad(at, why)
		return
	}
	*r = Record{Driver: "postgres", URL: NewSecret(text), File: d.fileOf(written)}
}

// exposedRecord tells whether whoever shares the network with a PostgreSQL elsewhere
// can read or write the record: it need not prove who it is, or we need not.
func exposedRecord(u *url.URL) (Text, bool) {
	q := u.Query()
	hosts := []string{u.Hostname()}
	if named := q.Get("host"); named != "" { // what the driver obeys before the address itself
		hosts = strings.Split(named, ",")
	}
	if !slices.ContainsFunc(hosts, func(host string) bool { return !loopback(host) && !strings.HasPrefix(host, "/") }) {
		return Text{}, false
	}
	if !proven(q) {
		return say("到别的主机的 PostgreSQL 要加密并核对证书：请加 ?sslmode=verify-full，自建的 CA 再加 &sslrootcert=文件；网络可信就加 ?allow_insecure=true",
			"a PostgreSQL on another host needs TLS and must prove who it is: add ?sslmode=verify-full, and &sslrootcert=FILE for a CA of your own; add ?allow_insecure=true in a network that you trust"), true
	}
	if password, _ := u.User.Password(); password == "" && !q.Has("password") && !q.Has("passfile") && !q.Has("sslcert") {
		return say("别的主机上的 PostgreSQL 要有密码或客户端证书：postgres://用户:${PG_PASSWORD}@主机/库名，或 &sslcert=文件&sslkey=文件；确实不设就加 ?allow_insecure=true",
			"a PostgreSQL on another host needs a password or a certificate of ours: postgres://user:${PG_PASSWORD}@host/database, or &sslcert=FILE&sslkey=FILE; add ?allow_insecure=true if it shall have none"), true
	}
	return Text{}, false
}

// proven tells whether a PostgreSQL must prove who it is, as the driver reads the
// parameters. verify-ca alone proves nothing: without a file of authorities those of the
// machine count, and each of them gives anybody a certificate of his own name.
func proven(q url.Values) bool {
	mode, root := q.Get("sslmode"), q.Get("sslrootcert")
	return mode == "verify-full" || root == "system" || root != "" && (mode == "verify-ca" || mode == "require")
}

// withoutQuery takes one parameter out of a URL and tells whether it was true.
func withoutQuery(text, name string) (rest string, isTrue bool) {
	base, query, _ := strings.Cut(text, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		switch key, value, _ := strings.Cut(part, "="); {
		case key == name:
			isTrue = value == "true"
		case part != "":
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return base, isTrue
	}
	return base + "?" + strings.Join(kept, "&"), isTrue
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
