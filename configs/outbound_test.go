package configs

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestT65_Ranges reads the private ranges that may be called.
func TestT65_Ranges(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte("outbound: {allow_private: [10.1.2.3/8, 192.168.1.7, 'fd00::/8'], proxy: environment}\n"), Options{Path: "c.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.7/32"), netip.MustParsePrefix("fd00::/8")}
	if got := c.Outbound.AllowedPrivate(); !slices.Equal(got, want) || c.Outbound.Proxy != "environment" {
		t.Errorf("%v %q", got, c.Outbound.Proxy)
	}
	c, err = Parse([]byte("outbound: {allow_private: 0.0.0.0/0}\n"), Options{Path: "c.yaml"})
	if err != nil || len(c.Warnings) != 1 || c.Outbound.Proxy != "none" {
		t.Errorf("%v %+v", err, c)
	}
	for _, text := range []string{"10.0.0.0/33", "intranet", "10.0.0", "'::ffff:10.0.0.0/104'", "'fe80::1%eth0'"} {
		if _, err := Parse([]byte("outbound: {allow_private: ["+text+"]}\n"), Options{Path: "c.yaml"}); err == nil || !strings.Contains(err.Error(), "mistake") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Parse([]byte("outbound: {proxy: http://p:1}\n"), Options{Path: "c.yaml"}); err == nil {
		t.Error("a proxy that is no word")
	}
}
