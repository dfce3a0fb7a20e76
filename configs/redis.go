package configs

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Redis says where the transport between replicas is.
type Redis struct {
	// Mode is none, single, sentinel or cluster. Default none: one process
	// rings itself.
	Mode string
	// URL is the URL as written, with its references put in and the files of TLS as
	// full paths; not set for none. It is
	//
	//	redis://[user:password@]host[:6379][/db]
	//	redis-sentinel://[user:password@]host[:26379],host…/master[?db=N&sentinel_username=…&sentinel_password=…]
	//	redis-cluster://[user:password@]host[:6379],host…
	//
	// with rediss for redis where it is to be TLS, and then ca, cert, key (PEM files)
	// and server_name behind the question mark. redis+sentinel and the like are the
	// same; further hosts may stand in addr, the master in master.
	URL Secret
	// File is the full path of the file that holds the URL as written; "" where the
	// configuration itself has it. The passwords in it may be renewed.
	File string
}

func (r *Redis) setDefaults() { r.Mode = "none" }

// redisModes gives the mode of each scheme; redis stands for rediss, and - for +.
func redisModes() map[string]string {
	return map[string]string{"redis": "single", "redis-sentinel": "sentinel", "redis-cluster": "cluster"}
}

// redisURL is a URL of Redis in its parts.
type redisURL struct {
	scheme, mode string
	tls          bool
	user         string // user:password@, as written
	hosts        string // as written, with commas between
	path         string // with its slash
	query        url.Values
}

// decode reads none, a URL, or file: and the path of a file that holds the URL.
func (r *Redis) decode(d *decoder, n ast.Node, at spot) {
	written, ok := d.text(n, at)
	if !ok {
		return
	}
	text, ok := d.resolve(written, at)
	if !ok {
		return
	}
	if text == "none" {
		*r = Redis{Mode: text}
		return
	}
	u, problem, ok := splitRedis(text)
	if ok {
		problem, ok = u.wrong()
	}
	if ok {
		problem, ok = u.exposed()
	}
	if !ok {
		d.bad(at, problem)
		return
	}
	if (strings.Contains(u.user, ":") || u.query.Has("sentinel_password")) && !strings.HasPrefix(written, "file:") && !strings.Contains(written, "${") {
		d.odd(at, say("Redis 的密码直接写在了文件里；请改用 ${环境变量} 或 file:/路径", "the password of Redis stands in the file itself; use ${ENV} or file:/path instead"))
	}
	if u.files(d, at) {
		*r = Redis{Mode: u.mode, URL: NewSecret(u.String()), File: d.fileOf(written)}
	}
}

// splitRedis takes a URL apart. Several hosts are no URL for the parser.
func splitRedis(text string) (redisURL, Text, bool) {
	scheme, rest, isURL := strings.Cut(text, "://")
	u := redisURL{scheme: scheme}
	plain := strings.Replace(scheme, "+", "-", 1)
	if after, secure := strings.CutPrefix(plain, "rediss"); secure {
		plain, u.tls = "redis"+after, true
	}
	mode, known := redisModes()[plain]
	if !isURL || !known {
		return u, say("只能是 none，或以 redis://、redis-sentinel://、redis-cluster:// 开头的网址（加密写成 rediss）", "must be none, or a URL that begins with redis://, redis-sentinel:// or redis-cluster:// (rediss for TLS)"), false
	}
	u.mode = mode
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	at := strings.LastIndex(authority, "@") + 1
	u.user, u.hosts = authority[:at], authority[at:]
	parsed, err := url.Parse("redis://" + u.user + "host" + rest[end:])
	if err == nil {
		u.path = parsed.Path
		u.query, err = url.ParseQuery(parsed.RawQuery)
	}
	if err != nil || parsed.Fragment != "" { // the parser's words show the password
		return u, say("Redis 的网址读不懂；密码里的特殊字符要写成 %%XX", "the URL of Redis cannot be read; write special characters of the password as %%XX"), false
	}
	return u, Text{}, true
}

// redisParameters gives what may stand behind the question mark.
func redisParameters() []string {
	return []string{"addr", "allow_insecure", "ca", "cert", "db", "key", "master", "master_name", "sentinel_password", "sentinel_username", "server_name", "tls"}
}

// wrong checks that the parts are there and fit together.
func (u *redisURL) wrong() (Text, bool) {
	for name := range u.query { // which is not shown: it may be a part of a password
		if !slices.Contains(redisParameters(), name) {
			return say("Redis 的网址里有不认识的参数；可以用的有 %s", "the URL of Redis has a parameter that is not known; there are %s", strings.Join(redisParameters(), ", ")), false
		}
	}
	u.tls = u.tls || u.query.Get("tls") == "true"
	for _, check := range []func() (Text, bool){u.wrongHosts, u.wrongMaster, u.wrongFiles, u.database} {
		if problem, ok := check(); !ok {
			return problem, false
		}
	}
	return Text{}, true
}

func (u *redisURL) wrongHosts() (Text, bool) {
	switch {
	case strings.Trim(u.hosts, ",:") == "" || strings.Contains(u.hosts, ",,"):
		return say("网址里缺少主机名；例如 %s://主机:6379", "the URL has no host; write %s://host:6379", u.scheme), false
	case u.mode == "single" && len(u.all()) > 1:
		return say("redis:// 只能有一个主机；多个主机请用 redis-sentinel:// 或 redis-cluster://", "redis:// takes one host; use redis-sentinel:// or redis-cluster:// for several"), false
	}
	for _, host := range u.all() {
		if _, port, err := net.SplitHostPort(host); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return say("端口要在 1 到 65535 之间", "a port is from 1 to 65535"), false
			}
		}
	}
	return Text{}, true
}

// master gives the name of the master where it is a parameter.
func (u *redisURL) master() string { return u.query.Get("master") + u.query.Get("master_name") }

func (u *redisURL) wrongMaster() (Text, bool) {
	switch guarded := u.master() != "" || u.query.Has("sentinel_username") || u.query.Has("sentinel_password"); {
	case u.mode == "sentinel" && strings.Trim(u.path, "/") == "" && u.master() == "":
		return say("Sentinel 的网址要带主节点的名字；例如 redis-sentinel://主机:26379/mymaster", "a Sentinel URL names the master; write redis-sentinel://host:26379/mymaster"), false
	case u.mode != "sentinel" && guarded:
		return say("master 和 sentinel_… 只用于 redis-sentinel://", "master and sentinel_… are for redis-sentinel:// alone"), false
	}
	return Text{}, true
}

func (u *redisURL) wrongFiles() (Text, bool) {
	switch {
	case !u.tls && slices.ContainsFunc([]string{"ca", "cert", "key", "server_name"}, u.query.Has):
		return say("ca、cert、key、server_name 要配合 TLS：把 redis 写成 rediss", "ca, cert, key and server_name belong to TLS: write rediss for redis"), false
	case u.query.Has("cert") != u.query.Has("key"):
		return say("cert 和 key 要一起写：客户端证书和它的私钥", "cert and key belong together: the certificate that we show, and its key"), false
	}
	return Text{}, true
}

// database checks the number of the database.
func (u *redisURL) database() (Text, bool) {
	text := u.query.Get("db")
	if path := strings.Trim(u.path, "/"); path != "" && (u.mode != "sentinel" || u.master() != "") {
		text = path
	}
	if text == "" {
		return Text{}, true
	}
	switch n, err := strconv.Atoi(text); {
	case err != nil || n < 0:
		return say("Redis 的库要写成数字，例如 redis://主机:6379/1", "a database of Redis is a number, such as redis://host:6379/1"), false
	case u.mode == "cluster" && n != 0:
		return say("Redis Cluster 只有 0 号库", "a Redis Cluster has the database 0 alone"), false
	}
	return Text{}, true
}

// all gives every host.
func (u *redisURL) all() []string { return append(strings.Split(u.hosts, ","), u.query["addr"]...) }

// exposed tells whether whoever shares the network with a Redis elsewhere can read
// or write it: without a password or a certificate, or without TLS.
func (u *redisURL) exposed() (Text, bool) {
	if u.query.Get("allow_insecure") == "true" || !slices.ContainsFunc(u.all(), elsewhere) {
		return Text{}, true
	}
	if _, password, _ := strings.Cut(strings.TrimSuffix(u.user, "@"), ":"); password == "" && !u.query.Has("cert") {
		return say("别的主机上的 Redis 要设密码：redis://:${REDIS_PASSWORD}@主机；确实不设就加 ?allow_insecure=true", "a Redis on another host needs a password: redis://:${REDIS_PASSWORD}@host; add ?allow_insecure=true if it shall have none"), false
	}
	if !u.tls {
		return say("到别的主机的 Redis 要加密：用 rediss://、rediss-sentinel:// 或 rediss-cluster://；网络可信就加 ?allow_insecure=true", "a Redis on another host needs TLS: rediss://, rediss-sentinel:// or rediss-cluster://; add ?allow_insecure=true in a network that you trust"), false
	}
	return Text{}, true
}

// elsewhere tells whether a host is not this machine.
func elsewhere(host string) bool {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	return !loopback(strings.Trim(host, "[]"))
}

// files makes full paths of the files of TLS, and sees that they are there.
func (u *redisURL) files(d *decoder, at spot) bool {
	ok := true
	for _, name := range []string{"ca", "cert", "key"} {
		path := u.query.Get(name)
		if path == "" {
			continue
		}
		full := resolve(d.opts.Path, path)
		u.query.Set(name, full)
		if d.opts.ReadFile == nil || d.opts.Offline {
			continue
		}
		if _, err := d.opts.ReadFile(full); err != nil {
			d.bad(at, fileProblem(path, err))
			ok = false
			continue
		}
		if name != "key" || d.opts.Stat == nil {
			continue
		}
		if info, err := d.opts.Stat(full); err == nil && info.Mode().Perm()&0o077 != 0 {
			d.odd(at, say("%s 别人也能读（权限 %04o）；请执行 chmod 600", "others can read %s (mode %04o); run chmod 600 on it", short(path), info.Mode().Perm()))
		}
	}
	return ok
}

// String puts the URL together again, without what is for the reader alone.
func (u *redisURL) String() string {
	u.query.Del("allow_insecure")
	path := (&url.URL{Path: u.path}).EscapedPath()
	if len(u.query) == 0 {
		return u.scheme + "://" + u.user + u.hosts + path
	}
	return u.scheme + "://" + u.user + u.hosts + path + "?" + u.query.Encode()
}

var (
	_ decodable = (*Redis)(nil)
	_ defaulter = (*Redis)(nil)
)
