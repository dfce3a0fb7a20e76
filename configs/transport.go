package configs

import (
	"net"
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
	if _, has := u.User.Password(); has && written == text {
		d.odd(at, say("PostgreSQL 的密码直接写在了文件里；请改用 ${环境变量} 或 file:/路径", "the password of PostgreSQL stands in the file itself; use ${ENV} or file:/path instead"))
	}
	if why, open := exposedRecord(u); open && !insecure {
		d.bad(at, why)
		return
	}
	*r = Record{Driver: "postgres", URL: NewSecret(text)}
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
	mode, root := q.Get("sslmode"), q.Get("sslrootcert")
	if mode != "verify-full" && mode != "verify-ca" && root != "system" && (mode != "require" || root == "") { // as libpq reads them
		return say("到别的主机的 PostgreSQL 要加密并核对证书：请加 ?sslmode=verify-full，自建的 CA 再加 &sslrootcert=文件；网络可信就加 ?allow_insecure=true",
			"a PostgreSQL on another host needs TLS and must prove who it is: add ?sslmode=verify-full, and &sslrootcert=FILE for a CA of your own; add ?allow_insecure=true in a network that you trust"), true
	}
	if password, _ := u.User.Password(); password == "" && !q.Has("password") && !q.Has("passfile") && !q.Has("sslcert") {
		return say("别的主机上的 PostgreSQL 要有密码或客户端证书：postgres://用户:${PG_PASSWORD}@主机/库名，或 &sslcert=文件&sslkey=文件；确实不设就加 ?allow_insecure=true",
			"a PostgreSQL on another host needs a password or a certificate of ours: postgres://user:${PG_PASSWORD}@host/database, or &sslcert=FILE&sslkey=FILE; add ?allow_insecure=true if it shall have none"), true
	}
	return Text{}, false
}

// Redis says where the transport between replicas is.
type Redis struct {
	// Mode is none, single, sentinel or cluster. Default none: one process
	// rings itself.
	Mode string
	// URL is the URL as written, with its references put in; not set for none.
	URL Secret
}

func (r *Redis) setDefaults() { r.Mode = "none" }

// redisModes gives the mode of each scheme.
func redisModes() map[string]string {
	return map[string]string{"redis": "single", "rediss": "single", "redis-sentinel": "sentinel", "redis-cluster": "cluster"}
}

// decode reads none or a URL.
func (r *Redis) decode(d *decoder, n ast.Node, at spot) {
	written, ok := d.text(n, at)
	if !ok {
		return
	}
	text, ok := d.expand(written, at)
	if !ok {
		return
	}
	if text == "none" {
		*r = Redis{Mode: text}
		return
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	mode, known := redisModes()[scheme]
	if !isURL || !known {
		d.bad(at, say("只能是 none，或以 redis://、rediss://、redis-sentinel://、redis-cluster:// 开头的网址", "must be none, or a URL that begins with redis://, rediss://, redis-sentinel:// or redis-cluster://"))
		return
	}
	authority, path, _ := strings.Cut(rest, "/")
	hosts := authority[strings.LastIndex(authority, "@")+1:]
	if problem, ok := hostProblem(scheme, hosts, path); !ok {
		d.bad(at, problem)
		return
	}
	text, insecure := withoutQuery(text, "allow_insecure")
	if why, open := exposed(scheme, text, hosts); open && !insecure {
		d.bad(at, why)
		return
	}
	if hosts != authority && !strings.Contains(written, "${") {
		d.odd(at, say("Redis 的密码直接写在了文件里；请改用 ${环境变量}", "the password of Redis stands in the file itself; use ${ENV} instead"))
	}
	*r = Redis{Mode: mode, URL: NewSecret(text)}
}

// exposed tells whether whoever shares the network with a Redis elsewhere can read
// or write it: without a password, or without TLS.
func exposed(scheme, text, hosts string) (Text, bool) {
	for host := range strings.SplitSeq(hosts, ",") {
		name := host
		if bare, _, err := net.SplitHostPort(host); err == nil {
			name = bare
		}
		if loopback(strings.Trim(name, "[]")) {
			continue
		}
		u, err := url.Parse(text)
		if err != nil { // several hosts are no URL; the password is in front of them
			u, err = url.Parse(strings.Replace(text, hosts, "host", 1))
		}
		if err != nil {
			break
		}
		if password, _ := u.User.Password(); password == "" {
			return say("别的主机上的 Redis 要设密码：redis://:${REDIS_PASSWORD}@主机；确实不设就加 ?allow_insecure=true", "a Redis on another host needs a password: redis://:${REDIS_PASSWORD}@host; add ?allow_insecure=true if it shall have none"), true
		}
		if scheme != "rediss" && u.Query().Get("tls") != "true" {
			return say("到别的主机的 Redis 要加密：用 rediss://（Sentinel 和 Cluster 加 tls=true）；网络可信就加 ?allow_insecure=true", "a Redis on another host needs TLS: rediss:// (tls=true for Sentinel and Cluster); add ?allow_insecure=true in a network that you trust"), true
		}
	}
	return Text{}, false
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

// hostProblem checks hosts and path of a URL of Redis.
func hostProblem(scheme, hosts, path string) (Text, bool) {
	mode := redisModes()[scheme]
	switch {
	case strings.Trim(hosts, ",:") == "" || strings.Contains(hosts, ",,"):
		return say("网址里缺少主机名；例如 %s://主机:6379", "the URL has no host; write %s://host:6379", scheme), false
	case mode == "single" && strings.Contains(hosts, ","):
		return say("redis:// 只能有一个主机；多个主机请用 redis-sentinel:// 或 redis-cluster://", "redis:// takes one host; use redis-sentinel:// or redis-cluster:// for several"), false
	case mode == "sentinel" && strings.Trim(path, "/") == "":
		return say("Sentinel 的网址要带主节点的名字；例如 redis-sentinel://主机:26379/mymaster", "a Sentinel URL names the master; write redis-sentinel://host:26379/mymaster"), false
	}
	return Text{}, true
}

var (
	_ decodable = (*Record)(nil)
	_ decodable = (*Redis)(nil)
	_ defaulter = (*Record)(nil)
	_ defaulter = (*Redis)(nil)
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
