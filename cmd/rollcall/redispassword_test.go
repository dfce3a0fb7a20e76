package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// TestRedisPasswordOfTheConfiguration changes the password of a running service's Redis
// in the file that its configuration names.
func TestRedisPasswordOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := queuetest.StartServer(t)
	_, do := s.Admin(t)
	dir := t.TempDir()
	change := func(password string) {
		t.Helper()
		do("CONFIG", "SET", "requirepass", password)
		do("CLIENT", "KILL", "USER", "default")
		if err := os.WriteFile(filepath.Join(dir, "url"), []byte("redis://:"+password+"@"+s.Address()+"?db=2&allow_insecure=true\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change("first")
	cfg, err := configs.Parse([]byte("redis: file:url\n"), configs.Options{Path: filepath.Join(dir, "config.yaml"), ReadFile: os.ReadFile})
	if cfg == nil { // the file holds nothing else, which is a mistake of its own
		t.Fatal(err)
	}
	a := &app{cfg: cfg, log: slog.New(slog.DiscardHandler), name: "c"}
	queuetest.Until(t, "Redis is used", func() bool { return a.openBell(t.Context()) == nil })
	t.Cleanup(func() {
		for _, c := range a.closers {
			if err := c(); err != nil {
				t.Error(err)
			}
		}
	})
	change("second")
	r, ok := a.bell.(*queue.Redis)
	if !ok {
		t.Fatalf("the bell is %T", a.bell)
	}
	queuetest.Until(t, "it is used with the new password", func() bool { return r.Ready(t.Context()) == nil })
}
