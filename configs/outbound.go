package configs

import "net/netip"

// Outbound says where connections may lead whose address no admin wrote: one that
// came in an answer or a message.
type Outbound struct {
	// Proxy is none (default), or environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY
	// are obeyed.
	Proxy string `yaml:"proxy" jsonschema:"enum=none,enum=environment,default=none"`
	// AllowPrivate are ranges inside the company to which such addresses may lead,
	// as written; AllowedPrivate gives them ready for use. Default none.
	AllowPrivate Strings `yaml:"allow_private"`
}

// AllowedPrivate gives the ranges of AllowPrivate.
func (o Outbound) AllowedPrivate() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range o.AllowPrivate {
		if p, ok := addressRange(text); ok {
			all = append(all, p)
		}
	}
	return all
}

// addressRange reads a range, or one address.
func addressRange(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err == nil && !p.Addr().Is4In6()
}

// outbound checks the ranges.
func (c *checker) outbound() {
	for i, text := range c.cfg.Outbound.AllowPrivate {
		at := item("outbound.allow_private", i)
		switch p, ok := addressRange(text); {
		case !ok:
			c.err(at, say("%s 不是网段；请写成 10.0.0.0/8", "%s is no range of addresses; write 10.0.0.0/8", short(text)))
		case p.Bits() == 0:
			c.warn(at, say("%s 放行所有地址，等于没有防护", "%s allows every address: nothing is guarded", short(text)))
		}
	}
}
