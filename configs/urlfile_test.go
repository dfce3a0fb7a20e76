package configs

import (
	"errors"
	"testing"
)

// TestTheFileOfAURLIsKept: a URL that stands in a file can be read again when its password
// was renewed; one of the configuration, or of the environment, cannot.
func TestTheFileOfAURLIsKept(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"/etc/rollcall/secrets/redis": "redis://:s3cret@127.0.0.1:6379?allow_insecure=true\n",
		"/run/record":                 "postgres://rollcall:s3cret@127.0.0.1/rollcall\n",
	}
	options := Options{
		Path: "/etc/rollcall/rollcall.yaml", Getenv: func(string) (string, bool) { return "s3cret", true },
		ReadFile: func(path string) ([]byte, error) {
			if text, is := files[path]; is {
				return []byte(text), nil
			}
			return nil, errors.New("no such file: " + path)
		},
	}
	for name, c := range map[string]struct{ redis, record, redisFile, recordFile string }{
		"files":           {"file:secrets/redis", "file:/run/record", "/etc/rollcall/secrets/redis", "/run/record"},
		"the environment": {"redis://:${PW}@127.0.0.1:6379", "postgres://rollcall:${PW}@127.0.0.1/rollcall", "", ""},
		"neither":         {"none", "sqlite", "", ""},
	} {
		cfg, _ := Parse([]byte("redis: "+c.redis+"\nrecord: "+c.record+"\n"), options) // which lacks other things
		if cfg == nil || cfg.Redis.File != c.redisFile || cfg.Record.File != c.recordFile || cfg.Redis.URL.IsSet() != (c.redis != "none") || cfg.Record.URL.IsSet() != (c.record != "sqlite") {
			t.Errorf("%s: %+v", name, cfg)
		}
	}
}
