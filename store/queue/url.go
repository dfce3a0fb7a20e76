package queue

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The three ways in which a Redis is kept.
const (
	single   = "single"
	sentinel = "sentinel"
	cluster  = "cluster"
)

// target is what a URL says of a Redis.
type target struct {
	mode                           string
	tls                            bool
	hosts                          []string // host:port
	user, password                 string
	db                             int
	master                         string // the name that Sentinel gives to the master
	sentinelUser, sentinelPassword string
	ca, cert, key, serverName      string // files of TLS, and the name in the server's certificate
	login                          *login // user and password as they are now; nil before dial
}

// schemes gives mode and TLS of each scheme. The forms with + are what some other
// clients write.
func schemes() map[string]target {
	all := map[string]target{"redis": {mode: single}, "rediss": {mode: single, tls: true}}
	for _, mode := range []string{sentinel, cluster} {
		for _, joint := range []string{"-", "+"} {
			all["redis"+joint+mode] = target{mode: mode}
			all["rediss"+joint+mode] = target{mode: mode, tls: true}
		}
	}
	return all
}

// parse reads a URL:
//
//	redis://[user:password@]host[:6379][/db]
//	redis-sentinel://[user:password@]host[:26379],host…/master[?db=N&sentinel_username=…&sentinel_password=…]
//	redis-cluster://[user:password@]host[:6379],host…
//
// With rediss for redis, or tls=true, all connections are TLS; then ca, cert and key
// name PEM files and server_name the name that the certificates must show, if it is
// not the host's. Further hosts may stand in addr=, the master in master=. User and
// password are those of the Redis servers. Faults: Invalid; a URL holds a password,
// so no error shows any of it.
func parse(text string) (target, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	t, known := schemes()[scheme]
	if !ok || !known {
		return target{}, badURL()
	}
	// Several hosts are no URL, so one stands in for them.
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@") + 1
	hosts := rest[at:end]
	u, err := url.Parse("redis://" + rest[:at] + "host" + rest[end:])
	if err != nil || u.Fragment != "" {
		return target{}, badURL()
	}
	t.user = u.User.Username()
	t.password, _ = u.User.Password()
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || !t.parameters(query) || !t.path(strings.Trim(u.Path, "/")) {
		return target{}, badURL()
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if !t.host(host) {
			return target{}, badURL()
		}
	}
	for _, host := range query["addr"] {
		if !t.host(host) {
			return target{}, badURL()
		}
	}
	if !t.sound() {
		return target{}, badURL()
	}
	return t, nil
}

// parameters reads what stands behind the question mark; addr is left to parse.
func (t *target) parameters(query url.Values) bool {
	var secure, number string
	places := map[string]*string{
		"tls": &secure, "db": &number, "master": &t.master, "master_name": &t.master, "sentinel_username": &t.sentinelUser,
		"sentinel_password": &t.sentinelPassword, "ca": &t.ca, "cert": &t.cert, "key": &t.key, "server_name": &t.serverName,
	}
	for name, values := range query {
		place, known := places[name]
		switch {
		case name == "addr", name == "allow_insecure": // the latter is for the configuration
		case !known || len(values) > 1:
			return false
		default:
			*place = values[0]
		}
	}
	t.tls = t.tls || secure == "true"
	return t.database(number)
}

// database reads the number of a database; "" is none.
func (t *target) database(text string) bool {
	if text == "" {
		return true
	}
	n, err := strconv.Atoi(text)
	t.db = n
	return err == nil && n >= 0
}

// path reads what stands behind the hosts: the master of a Sentinel, or the number
// of a database.
func (t *target) path(text string) bool {
	if text == "" {
		return true
	}
	if t.mode == sentinel && t.master == "" {
		t.master = text
		return true
	}
	return t.database(text)
}

// host adds host[:port] to the hosts.
func (t *target) host(text string) bool {
	port := "6379"
	if t.mode == sentinel {
		port = "26379"
	}
	var name string
	if h, p, err := net.SplitHostPort(text); err == nil {
		name, port = h, p
	} else if name = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"); strings.Contains(name, ":") && name == text {
		return false // an IPv6 address stands in brackets
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || name == "" || strings.ContainsAny(name, " /@") {
		return false
	}
	t.hosts = append(t.hosts, net.JoinHostPort(name, port))
	return true
}

// sound tells whether the parts fit together.
func (t *target) sound() bool {
	switch {
	case t.mode == single && len(t.hosts) > 1, t.mode == sentinel && t.master == "", t.mode != sentinel && t.master != "",
		t.mode != sentinel && t.sentinelUser+t.sentinelPassword != "", t.mode == cluster && t.db != 0:
		return false
	case !t.tls && t.ca+t.cert+t.key+t.serverName != "", (t.cert == "") != (t.key == ""):
		return false
	}
	return true
}

// elsewhere tells whether one of the hosts is another machine.
func (t *target) elsewhere() bool {
	for _, host := range t.hosts {
		name, _, _ := net.SplitHostPort(host)
		if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return true
		}
	}
	return false
}

// open tells whether whoever reaches the Redis may use it, or read along: it asks
// for neither password nor certificate, or is not encrypted.
func (t *target) open() bool { return t.password == "" && t.cert == "" || !t.tls }

func badURL() error {
	return fault.New(fault.Invalid,
		"the Redis URL cannot be read; write redis://host:6379, redis-sentinel://host:26379/master or redis-cluster://host:6379, with rediss for TLS, and special characters of a password as %%XX / Redis 网址无法识别，请写 redis://主机:6379、redis-sentinel://主机:26379/主节点 或 redis-cluster://主机:6379，加密用 rediss；密码里的特殊字符写成 %%XX")
}
