package configs

import (
	"net"
	"net/url"
	"strconv"
)

// minToken is the least length of a bearer token of ours, in bytes.
const minToken = 24

// seen checks how the process is seen from outside: its numbers and its traces.
func (c *checker) seen() {
	c.metrics()
	c.traces()
}

// metrics checks the address of the numbers. They tell how a company works, so
// they are shown to this machine, or to who brings the token.
func (c *checker) metrics() {
	const path, tokenPath = "server.metrics", "server.metrics_token" //nolint:gosec // the name of a key
	s := &c.cfg.Server
	if s.MetricsToken.IsSet() && len(s.MetricsToken.Reveal()) < minToken {
		c.err(tokenPath, say("太短；至少 %d 个字符，可以用 openssl rand -hex 32 生成", "is too short: %d characters at least; make it by openssl rand -hex 32", minToken))
	}
	if s.Metrics == "" {
		if s.MetricsToken.IsSet() {
			c.warn(tokenPath, say("没有 server.metrics，这个令牌没有用处", "is of no use without server.metrics"))
		}
		return
	}
	host, port, err := net.SplitHostPort(s.Metrics)
	number, bad := strconv.Atoi(port)
	switch {
	case err != nil || bad != nil || number < 0 || number > 65535:
		c.err(path, say("要写成 主机:端口，例如 127.0.0.1:9090", "must be host:port, such as 127.0.0.1:9090"))
	case s.Metrics == s.Listen && number != 0:
		c.err(path, say("不能和 server.listen 相同：指标不能放在公开的地址上", "must not be server.listen: metrics are never on the public address"))
	case !loopback(host) && !s.MetricsToken.IsSet() && !c.reported(tokenPath):
		c.err(path, say("不是本机地址，必须同时写 metrics_token（或改成 127.0.0.1:%s）", "is not this machine alone: metrics_token is needed as well (or write 127.0.0.1:%s)", port))
	}
}

// traces checks the address of the collector.
func (c *checker) traces() {
	const path = "server.traces"
	text := c.cfg.Server.Traces
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "http" && u.Host != "" && !loopback(u.Hostname()) {
		c.warn(path, say("建议用 https：追踪里有流程和系统的名字", "https is better: traces name flows and systems"))
		text = "https" + text[len("http"):]
	}
	if problem, ok := endpoint(text); !ok {
		c.err(path, problem)
	}
}
