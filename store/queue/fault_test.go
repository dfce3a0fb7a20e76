package queue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// ailing is a Redis to be broken, by an admin whose own password stays.
type ailing struct {
	server *queuetest.Server
	admin  *redis.Client
	do     func(command ...any)
}

func startAiling(t *testing.T) *ailing {
	t.Helper()
	a := &ailing{server: queuetest.StartServer(t)}
	a.admin, a.do = a.server.Admin(t)
	return a
}

// TestP06_RedisFails breaks Redis in every way, while a bell listens. A ring wakes
// this process at once all the same; when Redis is mended, it takes rings and gives
// them well within 30 s, and the log tells of both.
func TestP06_RedisFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hurt, mend func(*testing.T, *ailing)
		takes      bool // rings are taken all the same
	}{
		"memory_full": {
			hurt: func(t *testing.T, a *ailing) { t.Helper(); a.do("CONFIG", "SET", "maxmemory", "1") },
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("CONFIG", "SET", "maxmemory", "0") },
		},
		"evicted": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				a.do("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
				a.do("CONFIG", "SET", "maxmemory", "1")
				queuetest.Until(t, "everything is evicted", func() bool { return a.admin.DBSize(t.Context()).Val() == 0 })
			},
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("CONFIG", "SET", "maxmemory", "0") },
		},
		"a_replica": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				a.do("REPLICAOF", "127.0.0.1", queuetest.FreePort(t))
			},
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("REPLICAOF", "NO", "ONE") },
		},
		"a_replica_without_data": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				a.do("CONFIG", "SET", "replica-serve-stale-data", "no")
				a.do("REPLICAOF", "127.0.0.1", queuetest.FreePort(t))
			},
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("REPLICAOF", "NO", "ONE") },
		},
		"another_password": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				a.do("CONFIG", "SET", "requirepass", "changed")
				a.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
			},
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("CONFIG", "SET", "requirepass", "") },
		},
		"fewer_rights": {
			hurt: func(t *testing.T, a *ailing) { t.Helper(); a.do("ACL", "SETUSER", "default", "-@all", "+ping") },
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.do("ACL", "SETUSER", "default", "+@all") },
		},
		"asleep": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				asleep := make(chan struct{})
				go func() {
					defer close(asleep)
					_ = a.admin.Do(context.WithoutCancel(t.Context()), "DEBUG", "SLEEP", "4").Err()
				}()
				t.Cleanup(func() { <-asleep })
				queuetest.Until(t, "it sleeps", func() bool {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					return a.admin.WithTimeout(100*time.Millisecond).Ping(ctx).Err() != nil
				})
			},
			mend: func(t *testing.T, _ *ailing) { t.Helper() }, // it wakes up by itself
		},
		"loading": {
			hurt: func(t *testing.T, a *ailing) {
				t.Helper()
				a.do("EVAL", "for i = 1, 3000 do redis.call('SET', 'fill:' .. i, i) end return 1", 0)
				a.do("SAVE")
				a.server.Kill()
				a.server.StartLoading(t)
			},
			mend: func(t *testing.T, _ *ailing) { t.Helper() }, // it ends by itself
		},
		"flushed": {
			hurt:  func(t *testing.T, a *ailing) { t.Helper(); a.do("FLUSHALL") },
			mend:  func(t *testing.T, _ *ailing) { t.Helper() },
			takes: true,
		},
		"killed": {
			hurt: func(t *testing.T, a *ailing) { t.Helper(); a.server.Kill() },
			mend: func(t *testing.T, a *ailing) { t.Helper(); a.server.Start(t) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAiling(t)
			var log logged
			b := open(t, queue.Options{URL: a.server.URL(), Consumer: "c1", Logger: log.logger()})
			heard := listening(t, b)
			ringUntil(t, b, heard, "before")
			c.hurt(t, a)
			err := b.Ring(t.Context(), "away")
			if c.takes != (err == nil) || err != nil && fault.KindOf(err) != fault.Unavailable {
				t.Errorf("a ring: %v", err)
			}
			if got := queuetest.Await(t, "a ring inside the process", heard); got != "away" {
				t.Errorf("heard %q", got)
			}
			if _, err := b.Take(t.Context(), "chat", 5, time.Minute); c.takes != (err == nil) {
				t.Errorf("a bucket: %v", err)
			}
			c.mend(t, a)
			mended := time.Now()
			n := 0
			queuetest.Until(t, "Redis takes a ring", func() bool { n++; return b.Ring(t.Context(), fmt.Sprint("after", n)) == nil })
			for queuetest.Await(t, "that ring", heard) != fmt.Sprint("after", n) {
			}
			backSince(t, mended)
			// On a crowded machine Redis may be too slow for us once more.
			eventually(t, "it is told that Redis is back", func() bool {
				away := log.count("redis is away")
				return log.count("redis is back") == away && (away > 0 || c.takes)
			})
			eventually(t, "nothing is left in Redis", func() bool { return a.admin.XLen(t.Context(), "rollcall:runs").Val() == 0 })
		})
	}
}

// TestP06_FailoverLosesTheLastSeconds moves the address of Redis to a replica that
// was cut off from its master a while ago, so that rings, and what was said about
// them, are lost. What the sweep rings again is answered: nothing is lost for good.
func TestP06_FailoverLosesTheLastSeconds(t *testing.T) {
	t.Parallel()
	master := queuetest.StartServer(t, "--repl-diskless-sync-delay", "0")
	stream := queuetest.StartProxy(t, master.Address()) // what the replica hears
	host, port, _ := strings.Cut(stream.Address(), ":")
	replica := queuetest.StartServer(t, "--repl-diskless-sync-delay", "0", "--replicaof", host+" "+port)
	(&queuetest.Guarded{Master: master, Replica: replica}).InStep(t)
	front := queuetest.StartProxy(t, master.Address()) // the address of Redis
	one := open(t, queue.Options{URL: "redis://" + front.Address(), Consumer: "c1"})
	two := open(t, queue.Options{URL: "redis://" + front.Address(), Consumer: "c2"})
	var f flow
	stop := f.start(t, one, two)
	f.caughtUp(t)
	kept := replica.Client(t)
	stream.Set(queuetest.Faults{HoleDown: true})
	last := func(c *redis.Client) string {
		info, err := c.XInfoStream(t.Context(), "rollcall:runs").Result()
		if err != nil {
			return ""
		}
		return info.LastGeneratedID
	}
	was := last(kept)
	from := f.rung.Load()
	queuetest.Until(t, "rings are there that the replica will never see", func() bool { return f.rung.Load() > from+100 })
	if now := last(master.Client(t)); now == was || last(kept) != was {
		t.Fatalf("the replica is at %s, was at %s, the master at %s", last(kept), was, now)
	}
	master.Kill()
	replica.Do(t, "REPLICAOF", "NO", "ONE")
	front.Move(replica.Address())
	moved := time.Now()
	queuetest.Until(t, "rings are taken again", func() bool { return one.Ring(t.Context(), "k1") == nil && two.Ring(t.Context(), "k1") == nil })
	backSince(t, moved)
	f.caughtUp(t)
	stop()
}
