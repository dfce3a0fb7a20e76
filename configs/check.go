package configs

import (
	"bytes"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checker compares the parts of a configuration with each other, after all of
// it has been read.
type checker struct {
	*decoder
	cfg *Config
}

// all runs every check.
func (c *checker) all() {
	c.zone()
	c.dataKey()
	c.auditKey()
	c.timing()
	c.listen()
	c.publicURL()
	c.seen()
	c.outbound()
	c.systems()
	c.bots()
	c.webhooks()
	c.people()
	c.rooms()
	c.flows()
	c.digests()
	c.hours()
}

// timing sees that the spans are in range and fit each other: a call must end
// before the lease that guards it.
func (c *checker) timing() {
	t := c.cfg.Timing
	for _, span := range []struct {
		key       string
		have      Duration
		low, high time.Duration
	}{
		{"lease", t.Lease, 2 * time.Second, 25 * time.Second},
		{"sweep", t.Sweep, 100 * time.Millisecond, time.Minute},
		{"call", t.Call, 500 * time.Millisecond, 20 * time.Second},
		{"settle", t.Settle, 0, 10 * time.Minute},
		{"read", t.Read, time.Minute, 24 * time.Hour},
		{"rules", t.Rules, time.Minute, 24 * time.Hour},
	} {
		if have := span.have.Std(); have < span.low || have > span.high {
			c.err("timing."+span.key, say("%s 超出范围；应该在 %v 到 %v 之间", "%s is out of range; it must be from %v to %v", span.have, span.low, span.high))
		}
	}
	if t.Call >= t.Lease {
		c.err("timing.call", say("call（%s）要短于 lease（%s）", "call (%s) must be shorter than lease (%s)", t.Call, t.Lease))
	}
}

// err notes a mistake at a key path.
func (c *checker) err(path string, what Text) { c.add(Error, path, c.at(path), what) }

// warn notes a warning at a key path.
func (c *checker) warn(path string, what Text) { c.add(Warning, path, c.at(path), what) }

// at gives the place of a key path, or of what it would stand in.
func (c *checker) at(path string) Place {
	for path != "" {
		if p, ok := c.places[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return Place{Line: 1, Column: 1}
}

// reported tells whether something is wrong at a key path already.
func (c *checker) reported(path string) bool {
	return slices.ContainsFunc(c.found, func(m Mistake) bool { return m.Path == path && m.Severity == Error })
}

// reportedIn tells whether something is wrong at a key path or below it.
func (c *checker) reportedIn(path string) bool {
	return slices.ContainsFunc(c.found, func(m Mistake) bool {
		rest, below := strings.CutPrefix(m.Path, path)
		return below && m.Severity == Error && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// element gives the key path of an element of a list, or of the single value
// that stands for a list.
func (c *checker) element(path string, i int) string {
	if one := item(path, i); c.has(one) {
		return one
	}
	return path
}

// unique reports a value of a kind that was seen before.
func (c *checker) unique(seen map[string]Place, path, kind, value string) {
	if value == "" {
		return
	}
	value = kind + " " + value
	if first, twice := seen[value]; twice {
		c.err(path, say("和第 %d 行重复了；必须唯一", "is the same as on line %d; it must be unique", first.Line))
		return
	}
	seen[value] = c.at(path)
}

// nameShape is what people can type in a chat command.
var nameShape = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]{0,63}$`)

// names checks keys that people type, and that differ by more than case.
func (c *checker) names(path string, names []string) {
	seen := map[string]string{}
	for _, name := range names {
		here := child(path, name)
		if !nameShape.MatchString(name) {
			c.err(here, say("名字只能有字母、汉字、数字、- 和 _，最多 64 个", "a name has letters, digits, - and _ only, 64 at most"))
		}
		lower := strings.ToLower(name)
		if other, twice := seen[lower]; twice {
			c.err(here, say("和 %s 只有大小写不同；命令里分不清", "differs from %s by case only; commands cannot tell them apart", short(other)))
		}
		seen[lower] = name
	}
}

// flowRefs checks names of flows; "*" stands for all.
func (c *checker) flowRefs(path string, list Strings) {
	known := namesOf(c.cfg.Flows, func(f Flow) string { return f.Name })
	for i, name := range list {
		if name != "*" && !slices.Contains(known, name) {
			c.err(c.element(path, i), say("flows 里没有 %s%s", "there is no flow %s%s", short(name), didYouMean(name, known)))
		}
	}
}

// roomRefs checks names of rooms.
func (c *checker) roomRefs(path string, list Strings) {
	known := namesOf(c.cfg.Rooms, func(r Room) string { return r.Name })
	for i, name := range list {
		if !slices.Contains(known, name) {
			c.err(c.element(path, i), say("rooms 里没有 %s%s", "there is no room %s%s", short(name), didYouMean(name, known)))
		}
	}
}

func (c *checker) systemNames() []string {
	return namesOf(c.cfg.Systems, func(s System) string { return s.Name })
}

// zone loads the time zone.
func (c *checker) zone() {
	name := c.cfg.Timezone
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		c.err("timezone", say("%s 不是 IANA 时区；请写成 Asia/Shanghai 这样", "%s is not an IANA time zone; write one such as Asia/Shanghai", short(name)))
		zone = time.UTC
	}
	c.cfg.location = zone
}

// dataKey checks the key of the snapshots, without ever showing it.
func (c *checker) dataKey() {
	if !c.cfg.DataKey.IsSet() {
		return
	}
	if _, ok := keyBytes(c.cfg.DataKey.Reveal()); !ok {
		c.err("data_key", say("要是 32 字节的 Base64 或十六进制；可以用 openssl rand -hex 32 生成", "must be 32 bytes in Base64 or in hex; make it by openssl rand -hex 32"))
	}
}

// auditKey checks the keys of the audit's chain, without ever showing them.
func (c *checker) auditKey() {
	if !c.cfg.AuditKey.IsSet() {
		return
	}
	keys, ok := keyList(c.cfg.AuditKey.Reveal())
	if !ok {
		c.err("audit_key", say("要是 32 字节的 Base64 或十六进制；可以写几个，新的在前；可以用 openssl rand -hex 32 生成",
			"must be 32 bytes in Base64 or in hex, or several of them, newest first; make one by openssl rand -hex 32"))
		return
	}
	for i, key := range keys {
		if bytes.Equal(key, c.cfg.SnapshotKey()) || slices.ContainsFunc(keys[:i], func(k []byte) bool { return bytes.Equal(k, key) }) {
			c.err("audit_key", say("每个密钥只能用在一处，不要和 data_key 或另一个密钥相同", "a key has one use: it must differ from data_key and from the others"))
			return
		}
	}
}

// listen checks the address of the HTTP server.
func (c *checker) listen() {
	_, port, err := net.SplitHostPort(c.cfg.Server.Listen)
	number, bad := strconv.Atoi(port)
	if err != nil || bad != nil || number < 0 || number > 65535 {
		c.err("server.listen", say("要写成 主机:端口，例如 127.0.0.1:8080", "must be host:port, such as 127.0.0.1:8080"))
	}
}
