package main

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/store/storetest/certs"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestRedisURLs proves that whoever reads the configuration and whoever dials agree:
// each form that the one takes, the other takes too, with files beside the
// configuration.
func TestRedisURLs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := certs.NewAuthority(t)
	cert, key := ca.Issue(t, "rollcall")
	for name, from := range map[string]string{"ca.pem": ca.File, "our.pem": cert, "our.key": key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "url"), []byte("rediss://rollcall:geheim@127.0.0.1:1/2?ca=ca.pem\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const tls = "ca=ca.pem&cert=our.pem&key=our.key&server_name=redis"
	for _, form := range []string{
		"redis://127.0.0.1:1", "redis://127.0.0.1:1/3", "redis://127.0.0.1:1?db=3", "redis://rollcall:geheim@[::1]:1", "redis://127.0.0.1:1?tls=true&ca=ca.pem",
		"rediss://:geheim@127.0.0.1:1?" + tls, "file:url",
		"redis-sentinel://127.0.0.1:1,127.0.0.1:2/people", "redis+sentinel://127.0.0.1:1?master=people&addr=127.0.0.1:2", "redis-sentinel://127.0.0.1:1/2?master_name=people",
		"rediss-sentinel://rollcall:geheim@127.0.0.1:1/people?db=2&sentinel_username=watch&sentinel_password=geheim2&" + tls,
		"redis-cluster://127.0.0.1:1,127.0.0.1:2", "rediss+cluster://:geheim@127.0.0.1:1,127.0.0.1:2?" + tls, "redis-cluster://127.0.0.1:1?tls=true&addr=127.0.0.1:2",
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			cfg, err := configs.Parse([]byte("redis: \""+form+"\"\n"), configs.Options{Path: filepath.Join(dir, "config.yaml"), ReadFile: os.ReadFile})
			if cfg == nil || cfg.Redis.Mode == "none" { // the file holds nothing else, which is a mistake of its own
				t.Fatalf("not taken: %v", err)
			}
			r, err := queue.OpenRedis(t.Context(), queue.Options{URL: cfg.Redis.URL.Reveal(), Consumer: "c"})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// guardedRedis is a Redis with TLS alone, which wants a certificate and a password.
func guardedRedis(t *testing.T, ca *certs.Authority) string {
	t.Helper()
	port := queuetest.FreePort(t)
	cert, key := ca.Issue(t, "redis", "127.0.0.1")
	queuetest.StartServer(t, "--port", "0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca.File,
		"--tls-auth-clients", "yes", "--requirepass", "p@ss/geheim")
	return "127.0.0.1:" + port
}

// secureURL makes a URL; ca and cert may be "".
func secureURL(at, password, ca, cert, key string) string {
	q := url.Values{}
	for name, value := range map[string]string{"ca": ca, "cert": cert, "key": key} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "rediss://" + url.UserPassword("default", password).String() + "@" + at + "?" + q.Encode()
}

// TestRedisWithTLS serves with TLS, a certificate of its own and a password, and
// refuses to start with a sentence that says what is wrong, and shows no secret,
// when one of them is.
func TestRedisWithTLS(t *testing.T) {
	t.Parallel()
	ca, foreign := certs.NewAuthority(t), certs.NewAuthority(t)
	at := guardedRedis(t, ca)
	cert, key := ca.Issue(t, "rollcall")
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		s := openService(t, stage.Options{Redis: secureURL(at, "p@ss/geheim", ca.File, cert, key)})
		s.ask(t, stage.FeishuRoom, "李敏", "@点名 预演 hr-to-wecom", "hr-to-wecom")
		s.awaitRun(t, "the run is planned", func(r run.Run) bool { return r.State == run.Planned })
		until(t, "Redis is used", func() bool {
			r, is := s.app.bell.(*queue.Redis)
			return is && r.Ready(t.Context()) == nil
		})
		s.discreet(t, "geheim")
	})
	for name, c := range map[string]struct{ url, en, zh string }{
		"wrong_ca":       {secureURL(at, "p@ss/geheim", foreign.File, cert, key), "certificate is not trusted", "证书不可信"},
		"no_certificate": {secureURL(at, "p@ss/geheim", ca.File, "", ""), "wants a certificate of ours", "要求客户端证书"},
		"wrong_password": {secureURL(at, "geheim-wrong", ca.File, cert, key), "refuses our user or password", "拒绝了用户名或密码"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := stage.Open(stage.Options{Dir: t.TempDir(), Now: time.Now, Redis: c.url})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			config, err := s.WriteConfig()
			if err != nil {
				t.Fatal(err)
			}
			for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
				exit, last := serveOnce(t, config, lang)
				for tries := 0; exit == 7 && tries < 10; tries++ { // a crowded machine is slower than the 800 ms that Redis has
					exit, last = serveOnce(t, config, lang)
				}
				t.Logf("exit %d: %s", exit, last)
				if exit == 0 || exit == 7 || !strings.Contains(last, want) {
					t.Errorf("%s: exit %d, %q; want %q", lang, exit, last, want)
				}
				if slices.ContainsFunc([]string{"geheim", "p@ss", "p%40ss"}, func(secret string) bool { return strings.Contains(last, secret) }) {
					t.Errorf("a secret is shown: %s", last)
				}
			}
		})
	}
}

// TestDoctorSaysWhatRedisLacks asks the doctor about a Redis that has become a
// replica.
func TestDoctorSaysWhatRedisLacks(t *testing.T) {
	t.Parallel()
	r := ownRedis(t)
	s := openService(t, stage.Options{Redis: r.url()})
	r.Do(t, "REPLICAOF", "127.0.0.1", freePort(t))
	d := &doctor{app: s.app}
	found := d.redis(t.Context())
	if len(found) != 1 || found[0].Level != bot.Broken || !strings.Contains(found[0].Say.EN, "replica") || !strings.Contains(found[0].Say.ZH, "副本") {
		t.Errorf("the doctor finds %+v", found)
	}
}
