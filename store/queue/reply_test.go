package queue_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// calls gives how often Redis has obeyed a command.
func calls(t *testing.T, c *redis.Client, command string) string {
	t.Helper()
	_, rest, found := strings.Cut(c.Info(t.Context(), "commandstats").Val(), "cmdstat_"+command+":calls=")
	if !found {
		return "0"
	}
	n, _, _ := strings.Cut(rest, ",")
	return n
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// behind is a Redis behind a proxy: alone, or a Cluster of one that tells everybody
// the proxy's address.
func behind(t *testing.T, mode string) (*queuetest.Proxy, *redis.Client, string) {
	t.Helper()
	if mode != "cluster" {
		s := queuetest.StartServer(t)
		p := queuetest.StartProxy(t, s.Address())
		return p, s.Client(t), "redis://" + p.Address()
	}
	s := queuetest.StartServer(t, "--cluster-enabled", "yes")
	p := queuetest.StartProxy(t, s.Address())
	_, port, _ := strings.Cut(p.Address(), ":")
	s.Do(t, "CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
	s.Do(t, "CONFIG", "SET", "cluster-announce-port", port)
	s.Do(t, "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	c := s.Client(t)
	queuetest.Until(t, "the cluster is up", func() bool {
		return strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
	})
	return p, c, "redis-cluster://" + p.Address()
}

// TestP08_AnswersLost loses the answer to each kind of command, once by silence and
// once by a reset, on a Redis alone and on a Cluster: the driver would send it three
// times more. Each is obeyed once, and each ring is answered by at least one.
func TestP08_AnswersLost(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"alone", "cluster"} {
		for _, cut := range []bool{false, true} {
			for _, word := range []string{"xadd", "xreadgroup", "xack", "evalsha"} {
				how := "silence"
				if cut {
					how = "reset"
				}
				t.Run(fmt.Sprint(word, "_", how, "_", mode), func(t *testing.T) {
					t.Parallel()
					p, c, url := behind(t, mode)
					b := open(t, queue.Options{URL: url, Consumer: "c1", MinIdle: slowIdle})
					if word == "evalsha" {
						lostCount(t, p, c, b, cut)
						return
					}
					heard := listening(t, b)
					ringUntil(t, b, heard, "before")
					queuetest.Until(t, "it is settled", func() bool { return c.XLen(t.Context(), "rollcall:runs").Val() == 0 })
					lostRing(t, p, c, lossOf{b, heard, word, cut})
				})
			}
		}
	}
}

// slowIdle is long enough to tell a ring that came again from one that came.
const slowIdle = 2 * time.Second

type lossOf struct {
	bell  *queue.Redis
	heard <-chan string
	word  string
	cut   bool
}

func lostRing(t *testing.T, p *queuetest.Proxy, c *redis.Client, l lossOf) {
	t.Helper()
	added := calls(t, c, "xadd")
	p.LoseAnswers(l.word, 1, l.cut)
	if l.word == "xreadgroup" { // that waits now, so that the ring goes to it
		queuetest.Until(t, "an answer will be lost", p.Lost)
	}
	rung := time.Now()
	err := l.bell.Ring(t.Context(), "k")
	if l.word == "xadd" && fault.KindOf(err) != fault.Unavailable {
		t.Errorf("ring: %v", err)
	}
	if got := queuetest.Await(t, "the ring", l.heard); got != "k" {
		t.Errorf("heard %q", got)
	}
	if took := time.Since(rung); l.word == "xreadgroup" && took < slowIdle/2 {
		t.Errorf("the ring came after %s: no answer was lost", took)
	}
	queuetest.Until(t, "the answer is lost", p.Lost)
	queuetest.Until(t, "nothing is left in Redis", func() bool {
		left, err := c.XPending(t.Context(), "rollcall:runs", "workers").Result()
		return err == nil && left.Count == 0 && c.XLen(t.Context(), "rollcall:runs").Val() == 0
	})
	if now := calls(t, c, "xadd"); number(t, now) > number(t, added)+1 {
		t.Errorf("rings in Redis: %s before, %s now", added, now)
	}
	p.Pass()
	queuetest.Until(t, "it goes on", func() bool { return l.bell.Ring(t.Context(), "after") == nil })
	for queuetest.Await(t, "after", l.heard) != "after" {
	}
}

// lostCount loses the answer of a bucket: the use is counted once.
func lostCount(t *testing.T, p *queuetest.Proxy, c *redis.Client, b *queue.Redis, cut bool) {
	t.Helper()
	queuetest.Until(t, "the script is known", func() bool { return takes(t, b, "other") })
	p.LoseAnswers("evalsha", 1, cut)
	if _, err := b.Take(t.Context(), "k", 5, time.Minute); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("take: %v", err)
	}
	p.Pass()
	if n := c.LLen(t.Context(), "rollcall:limit:k").Val(); n != 1 {
		t.Errorf("counted %d times", n)
	}
	queuetest.Until(t, "it goes on", func() bool {
		_, err := b.Take(t.Context(), "k", 5, time.Minute)
		return err == nil
	})
}

// TestP07_CutOff cuts one of two processes off from Redis in every way. It is woken
// by its own rings, the other goes on, and when the network is back they share the
// rings again.
func TestP07_CutOff(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]queuetest.Faults{
		"silence":        {HoleUp: true, HoleDown: true},
		"reset":          {Refuse: true},
		"nothing_to_it":  {HoleUp: true},
		"nothing_of_it":  {HoleDown: true},
		"slow":           {Delay: 3 * time.Second},
		"cut_in_between": {CutAfter: 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := queuetest.StartServer(t)
			p := queuetest.StartProxy(t, s.Address())
			far := open(t, queue.Options{URL: "redis://" + p.Address(), Consumer: "far"})
			near := open(t, queue.Options{URL: s.URL(), Consumer: "near"})
			toFar, toNear := listening(t, far), listening(t, near)
			ringUntil(t, far, toFar, "far before")
			ringUntil(t, near, toNear, "near before")
			p.Set(f)
			p.Reset() // what is on its way is lost, too
			for i := range 3 {
				key := fmt.Sprint("far ", i)
				err := far.Ring(t.Context(), key)
				if err == nil && f.CutAfter == 0 {
					t.Errorf("a ring is taken")
				}
				if err != nil {
					for queuetest.Await(t, "its own ring", toFar) != key {
					}
				}
			}
			ringUntil(t, near, toNear, "near meanwhile")
			p.Pass()
			healed := time.Now()
			ringUntil(t, far, toFar, "far after")
			backSince(t, healed)
			c := s.Client(t)
			queuetest.Until(t, "nothing is left in Redis", func() bool {
				left, err := c.XPending(t.Context(), "rollcall:runs", "workers").Result()
				return err == nil && left.Count == 0 && c.XLen(t.Context(), "rollcall:runs").Val() == 0
			})
		})
	}
}

// ringUntil rings at a bell, through Redis, until its own process is the one that
// hears it.
func ringUntil(t *testing.T, b *queue.Redis, heard <-chan string, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		taken := b.Ring(ctx, key) == nil
		select {
		case got := <-heard:
			if taken && got == key {
				return
			}
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	t.Fatalf("%s is not taken, or not heard", key)
}
