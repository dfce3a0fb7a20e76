package dialer

import "net/netip"

// special lists what is no public address although netip calls it a global
// unicast one, or what carries another address inside: IANA's registries of
// special-purpose addresses (RFC 6890 and its updates).
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network: Linux takes 0.0.0.0 for loopback
		netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT, also clouds' metadata (100.100.100.200)
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks, and the invented addresses of some proxies
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved, with the broadcast address
		netip.MustParsePrefix("::/96"),           // an IPv4 address inside, deprecated; with :: and ::1
		netip.MustParsePrefix("::ffff:0:0:0/96"), // an IPv4 address inside, for translators
		netip.MustParsePrefix("64:ff9b::/96"),    // NAT64: an IPv4 address inside
		netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64, local
		netip.MustParsePrefix("100::/64"),        // discard
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, with Teredo: an IPv4 address inside
		netip.MustParsePrefix("2001:db8::/32"),   // documentation
		netip.MustParsePrefix("2002::/16"),       // 6to4: an IPv4 address inside
		netip.MustParsePrefix("3fff::/20"),       // documentation
		netip.MustParsePrefix("5f00::/16"),       // segment routing
		netip.MustParsePrefix("fec0::/10"),       // site-local, deprecated
	}
}

// Public tells whether an address is one of the internet's: no loopback,
// private, link-local, shared, reserved or multicast one, and none that carries
// another address inside. An IPv4 address written as IPv6 counts as what it is.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range special() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
