package webhook

import (
	"errors"
	"net"
	"net/url"
	"slices"
)

var errAddress = errors.New("not the address of a group robot")

// parse checks the robot's address: TLS, one of the vendor's hosts or of those
// that are allowed besides, the path and the key of such robots, and nothing
// that two readers of a URL could understand in two ways.
func (o Options) parse(v vendor) (*url.URL, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" || u.Host == "" {
		return nil, errAddress
	}
	own, allowed := slices.Contains(v.hosts, u.Host), slices.Contains(o.AllowHosts, u.Host)
	secure := u.Scheme == "https" || u.Scheme == "http" && allowed && loopback(u.Hostname())
	if !secure || !own && !allowed || !v.path(u) {
		return nil, errAddress
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
