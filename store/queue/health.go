package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// health remembers which kinds of calls Redis refuses: a Redis whose memory is full
// gives rings and takes none.
type health struct {
	logger *slog.Logger

	mu  sync.Mutex
	ill map[string]bool
}

func newHealth(l *slog.Logger) *health { return &health{logger: l, ill: make(map[string]bool)} }

// hear notes how a call of a kind ended, and logs when Redis goes away, and when
// every kind is well again.
func (h *health) hear(kind string, err error) {
	if errors.Is(err, context.Canceled) {
		return // we left, not Redis
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	was := len(h.ill)
	if err == nil {
		delete(h.ill, kind)
	} else {
		h.ill[kind] = true
	}
	switch is := len(h.ill); {
	case was == 0 && is > 0:
		h.logger.Warn("redis is away", "kind", kind, "err", err)
	case was > 0 && is == 0:
		h.logger.Info("redis is back")
	}
}

// isIll tells whether any kind of call failed last.
func (h *health) isIll() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ill) > 0
}

// well forgets every failure: Redis was seen to take and to give.
func (h *health) well() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ill) > 0 {
		clear(h.ill)
		h.logger.Info("redis is back")
	}
}

// isNoGroup tells whether Redis has lost the stream or its group.
func isNoGroup(err error) bool {
	return err != nil && (strings.HasPrefix(err.Error(), "NOGROUP") || strings.HasPrefix(err.Error(), "UNBLOCKED"))
}

// isFull tells whether Redis takes nothing more.
func isFull(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "OOM ") }

// unavailable is any failure while running: nobody's work depends on why.
func unavailable(what string, err error) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", what, err), "Redis is not reachable / Redis 暂时无法访问")
}

// judged says what an operator can do about a failed call. The causes are Redis'
// own words, hushed, and those of TLS.
func judged(what string, err error, at *target) error {
	kind, say := fault.Unavailable, "Redis is not reachable / Redis 暂时无法访问"
	text := err.Error()
	switch {
	case holds(text, "NOAUTH", "WRONGPASS", "ERR invalid password", "ERR AUTH", "ERR Client sent AUTH"):
		kind, say = fault.Credential, "Redis refuses our user or password / Redis 拒绝了用户名或密码"
	case holds(text, "NOPERM"):
		kind, say = fault.Credential, "our Redis user may not do what is needed; docs/operations.md lists the permissions / Redis 用户权限不够；所需权限见 docs/operations.zh-CN.md"
	case isUntrusted(err):
		kind, say = fault.Credential, "Redis' certificate is not trusted: name its CA by ca=, or the name in it by server_name= / Redis 的证书不可信：用 ca= 指定签发它的 CA，名字不同时用 server_name="
	case holds(text, "remote error: tls: "):
		kind, say = fault.Credential, "Redis wants a certificate of ours that it knows: name it by cert= and key= / Redis 要求客户端证书，或不认我们的证书：用 cert= 和 key= 指定"
	case isCut(err) && !at.tls:
		say = "Redis is not reachable, or wants TLS at that port: rediss:// / Redis 无法访问，或这个端口要用 TLS：rediss://"
	case isSilent(err) && at.tls:
		say = "Redis is not reachable, or does not speak TLS at that port / Redis 无法访问，或这个端口没有 TLS"
	case holds(text, "does not look like a TLS handshake"):
		kind, say = fault.Invalid, "Redis does not speak TLS at that port: use its TLS port, or redis:// instead of rediss:// / Redis 的这个端口没有 TLS：请换成它的 TLS 端口，或把 rediss:// 改成 redis://"
	case holds(text, "READONLY"):
		say = "this Redis is a replica, which takes nothing: name the master, or use redis-sentinel:// / 这个 Redis 是只读副本：请指向主节点，或用 redis-sentinel://"
	case holds(text, "LOADING"):
		say = "Redis is still loading its data / Redis 还在加载数据"
	case holds(text, "CLUSTERDOWN", "MASTERDOWN"):
		say = "the Redis Cluster lacks a master now / Redis Cluster 现在缺少主节点"
	}
	return fault.Wrap(kind, fmt.Errorf("%s: %w", what, at.hush(err)), "%s", say)
}

// holds looks for one of several words: the driver puts its own in front.
func holds(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// isUntrusted tells whether the server's certificate was refused by us. A Sentinel's
// client keeps the words alone.
func isUntrusted(err error) bool {
	_, is := errors.AsType[*tls.CertificateVerificationError](err)
	return is || strings.Contains(err.Error(), "failed to verify certificate")
}

// isCut tells whether a connection that stood was ended by the other side.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// isSilent tells whether the other side took a connection and never spoke.
func isSilent(err error) bool {
	var slow net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}
