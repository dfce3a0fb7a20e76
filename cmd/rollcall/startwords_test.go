package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
)

// TestStartSaysWhereAndWhy starts the service with something that is not as its
// configuration says: the sentence names the place, the reason and the way on, and no
// password.
func TestStartSaysWhereAndWhy(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := l.Addr().String()
	folder := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []startWords{
		{
			name: "no_postgresql", o: stage.Options{Record: "postgres://rollcall:canary-pw@127.0.0.1:" + port + "/rollcall"}, exit: 7,
			en: []string{"the record cannot be read or written now", "PostgreSQL at 127.0.0.1:" + port, "nobody listens there", "record"},
			zh: []string{"数据库暂时无法读写", "PostgreSQL，127.0.0.1:" + port, "没有程序在监听", "record"},
		},
		{
			name: "no_redis", o: stage.Options{Redis: "redis://:canary-pw@127.0.0.1:" + port}, exit: 7,
			en: []string{"Redis is not reachable", "127.0.0.1:" + port, "nobody listens there", "redis"},
			zh: []string{"Redis 暂时无法访问", "127.0.0.1:" + port, "没有程序在监听", "redis"},
		},
		{
			name: "data_is_a_file", o: stage.Options{Data: folder}, exit: 7,
			en: []string{"the data folder cannot be used", folder, "a file is in its place"},
			zh: []string{"数据目录无法使用", folder, "有一个同名文件"},
		},
		{
			name: "data_beside_postgresql", o: stage.Options{Data: folder, Record: "postgres://rollcall:canary-pw@127.0.0.1:" + port + "/rollcall"}, exit: 7,
			en: []string{"the data folder cannot be used", folder}, zh: []string{"数据目录无法使用", folder}, never: "PostgreSQL",
		},
		{
			name: "port_taken", exit: 7, listen: taken,
			en: []string{"cannot listen on " + taken, "another process", "another port"},
			zh: []string{"无法监听 " + taken, "别的程序", "换一个端口"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t)
		})
	}
}

// TestStartSaysWhatPostgreSQLRefuses does so with a PostgreSQL that refuses us.
func TestStartSaysWhatPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t).URL(t, t.Name())
	at := strings.LastIndexByte(url, '@')
	host, _, _ := strings.Cut(url[at+1:], "/")
	slash := at + 1 + len(host)
	question := strings.IndexByte(url+"?", '?')
	for _, c := range []startWords{
		{
			name: "password", o: stage.Options{Record: "postgres://rollcall:canary-pw" + url[at:]}, exit: 4,
			en: []string{"PostgreSQL refuses user or password", "PostgreSQL at " + host}, zh: []string{"PostgreSQL 拒绝了用户名或密码", "PostgreSQL，" + host},
		},
		{
			name: "database", o: stage.Options{Record: url[:slash] + "/no-such-database" + url[question:]}, exit: 4,
			en: []string{"PostgreSQL has no such database", host}, zh: []string{"PostgreSQL 里没有这个库", host},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.try(t)
		})
	}
}

// startWords is a service that cannot start, and what it must say in each language.
type startWords struct {
	name   string
	o      stage.Options
	listen string
	exit   int
	en, zh []string
	never  string // besides passwords
}

func (c *startWords) try(t *testing.T) {
	t.Helper()
	c.o.Dir, c.o.Now = t.TempDir(), time.Now
	s, err := stage.Open(c.o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	config, err := s.WriteConfig()
	if err != nil {
		t.Fatal(err)
	}
	if c.listen != "" {
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `listen: "127.0.0.1:0"`, fmt.Sprintf("listen: %q", c.listen), 1))
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for lang, all := range map[string][]string{"en": c.en, "zh": c.zh} {
		exit, last := serveOnce(t, config, lang)
		t.Logf("exit %d: %s", exit, last)
		if exit != c.exit {
			t.Errorf("%s: exit %d, want %d", lang, exit, c.exit)
		}
		for _, want := range all {
			if !strings.Contains(last, want) {
				t.Errorf("%s: %q lacks %q", lang, last, want)
			}
		}
		if c.never != "" && strings.Contains(last, c.never) {
			t.Errorf("%s: %q tells of %s", lang, last, c.never)
		}
		if strings.Contains(last, "canary") {
			t.Errorf("a password is shown: %s", last)
		}
	}
}
