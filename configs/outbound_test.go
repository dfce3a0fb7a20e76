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

// TestT90_RedisElsewhere: one on another host has a password and TLS, or the file
// says that it shall have none.
func TestT90_RedisElsewhere(t *testing.T) {
	t.Parallel()
	for url, kept := range map[string]string{
		"redis://127.0.0.1:6379":                                 "redis://127.0.0.1:6379",
		"redis://localhost":                                      "redis://localhost",
		"'redis://[::1]:6379/0'":                                 "redis://[::1]:6379/0",
		"rediss://:secret@redis:6379/1":                          "rediss://:secret@redis:6379/1",
		"redis://redis:6379?allow_insecure=true":                 "redis://redis:6379",
		"redis://redis:6379?db=1&allow_insecure=true":            "redis://redis:6379?db=1",
		"redis-sentinel://:secret@a:26379,b:26379/main?tls=true": "redis-sentinel://:secret@a:26379,b:26379/main?tls=true",
		"redis-cluster://:secret@a:6379?tls=true&addr=b:6379":    "redis-cluster://:secret@a:6379?addr=b%3A6379&tls=true",
		"redis://redis:6379":                                     "",
		"redis://redis:6379?allow_insecure=false":                "",
		"redis://redis:6379?allow_insecure":                      "",
		"rediss://redis:6379":                                    "",
		"redis://:secret@redis:6379":                             "",
		"redis://10.0.0.7:6379":                                  "",
		"redis-sentinel://:secret@a:26379,b:26379/main":          "",
		"redis-sentinel://127.0.0.1:26379,b:26379/main?tls=true": "",
		"redis-cluster://:secret@a:6379":                         "",
	} {
		c, err := Parse([]byte("redis: "+url+"\n"), Options{Path: "c.yaml"})
		if kept == "" {
			if err == nil {
				t.Errorf("%s is accepted", url)
			} else if m := err.Error(); strings.Contains(m, "secret") {
				t.Errorf("%s: %s", url, m)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := c.Redis.URL.Reveal(); got != kept {
			t.Errorf("%s is kept as %s", url, got)
		}
	}
}
