package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// recordAt says of a record that could not be opened where it stands and why it does
// not answer: whoever starts the service has to find it. The folder of an embedded
// record is named by the store itself.
func recordAt(cfg *configs.Config, err error) error {
	_, ofRecord := errors.AsType[interface {
		error
		OfRecord() bool
	}](err)
	if cfg.Record.Driver != "postgres" || !ofRecord && fault.KindOf(err) != fault.Credential { // such as the data folder
		return err
	}
	where := hostOf(cfg.Record.URL.Reveal())
	return placed(err, place{en: "PostgreSQL at " + where, zh: "PostgreSQL，" + where, key: "record"})
}

// redisAt says the same of a Redis.
func redisAt(cfg *configs.Config, err error) error {
	where := hostOf(cfg.Redis.URL.Reveal())
	return placed(err, place{en: where, zh: where, key: "redis"})
}

// place is where something stands that is needed at the start, and the key of the
// configuration that says so.
type place struct{ en, zh, key string }

// placed adds a place, and what is known of the reason, to the sentence of a fault that
// is about the other side: it is away, or refuses us.
func placed(err error, at place) error {
	kind := fault.KindOf(err)
	if kind != fault.Unavailable && kind != fault.Credential {
		return err
	}
	say := fault.Say(err)
	whyEN, whyZH := unreached(err, at.key)
	return fault.Wrap(kind, err, "%s (%s)%s / %s（%s）%s", fault.In(say, "en"), at.en, whyEN, fault.In(say, "zh"), at.zh, whyZH)
}

// unreached says why no connection came about, and what to do, in both languages;
// nothing where that is not known.
func unreached(err error, key string) (en, zh string) {
	name, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return ": nobody listens there; start it, or correct " + key + " in the configuration",
			"：那里没有程序在监听；请启动它，或改正配置里的 " + key
	case unknown && name.IsNotFound:
		return ": there is no host of that name; correct " + key + " in the configuration", "：没有这个主机名；请改正配置里的 " + key
	case unknown:
		return ": the name cannot be resolved now; look at this machine's DNS", "：主机名暂时解析不了；请检查本机的 DNS"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ": no way leads there; look at the network", "：网络不通；请检查网络"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ": no answer came in time; look at the network, a firewall and the server", "：没有及时应答；请检查网络、防火墙和服务器"
	}
	return "", ""
}

// hostOf gives the hosts of a URL, without who we are there. It reads them out of the
// text: there may be several, which the parser of URLs does not know.
func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}
