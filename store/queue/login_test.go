package queue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	firstPassword  = "first/geheim@4711"
	secondPassword = "second/geheim@4712"
)

// withLogin puts user and password into a URL.
func withLogin(url, user, password string) string {
	escaped := strings.NewReplacer("/", "%2F", "@", "%40").Replace(password)
	return strings.Replace(url, "://", "://"+user+":"+escaped+"@", 1)
}

func writeURL(t *testing.T, file, url string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// TestANewPasswordNeedsNoRestart changes the password of a Redis that is in use, ends the
// connections, and then changes the file of the URL: the bell finds back by itself.
func TestANewPasswordNeedsNoRestart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (url, user string, change func(password string)){
		"single": func(t *testing.T) (url, user string, change func(password string)) {
			t.Helper()
			s := queuetest.StartServer(t)
			_, do := s.Admin(t)
			return s.URL(), "", func(password string) {
				do("CONFIG", "SET", "requirepass", password)
				do("CLIENT", "KILL", "USER", "default")
			}
		},
		"Sentinel": func(t *testing.T) (url, user string, change func(password string)) {
			t.Helper()
			g := queuetest.StartGuarded(t)
			return g.URL(), "rollcall", changeUser(t, g.Master, g.Replica)
		},
		"Cluster": func(t *testing.T) (url, user string, change func(password string)) {
			t.Helper()
			s := queuetest.StartSlotted(t, 3, false)
			return s.URL(), "rollcall", changeUser(t, s.Masters...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, user, change := start(t)
			change(firstPassword)
			file := filepath.Join(t.TempDir(), "redis_url")
			right := withLogin(url, user, firstPassword)
			writeURL(t, file, right)
			var log logged
			b := open(t, queue.Options{URL: right, URLFile: file, Consumer: "c", Logger: log.logger()})
			queuetest.Until(t, "it is ready", func() bool { return b.Ready(t.Context()) == nil })
			heard := listening(t, b)
			ringUntil(t, b, heard, "k1")

			change(secondPassword)
			queuetest.Until(t, "the old password is refused", func() bool {
				err := b.Ready(t.Context())
				if err != nil && strings.Contains(err.Error(), "geheim") {
					t.Fatalf("a password is shown: %v", err)
				}
				return fault.KindOf(err) == fault.Credential
			})
			for _, useless := range []string{"", "half a U", withLogin("redis://127.0.0.1:1", user, secondPassword)} {
				writeURL(t, file, useless)
				if err := b.Ready(t.Context()); err == nil {
					t.Fatalf("it is ready by %q", useless)
				}
			}
			writeURL(t, file, withLogin(url, user, secondPassword)+"?allow_insecure=true")
			queuetest.Until(t, "it is ready again", func() bool { return b.Ready(t.Context()) == nil })
			ringUntil(t, b, heard, "k2")
			queuetest.Until(t, "it counts", func() bool { return takes(t, b, "k") })
			if log.count("geheim") > 0 {
				t.Errorf("a password is in the log")
			}
		})
	}
}

// changeUser gives what sets the password of the user rollcall on some servers and ends
// its connections.
func changeUser(t *testing.T, servers ...*queuetest.Server) func(password string) {
	t.Helper()
	admins := make([]*redis.Client, len(servers))
	for i, s := range servers {
		admins[i] = s.Client(t)
	}
	return func(password string) {
		for _, c := range admins {
			if err := c.Do(t.Context(), "ACL", "SETUSER", "rollcall", "on", "resetpass", ">"+password, "~*", "&*", "+@all").Err(); err != nil {
				t.Fatal(err)
			}
			if err := c.Do(t.Context(), "CLIENT", "KILL", "USER", "rollcall").Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
