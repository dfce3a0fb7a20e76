package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// cutFor is how long a partition lasts at least.
var cutFor = flag.Duration("cut", 0, "TestP07: how long a process is cut off from Redis at least, such as 60s")

// divided are two replicas, one of them behind a proxy on its way to Redis.
type divided struct {
	*replicas
	near, far *service
	proxy     *queuetest.Proxy
	server    string // host:port of Redis
}

// redisLine is the configuration's.
var redisLine = regexp.MustCompile(`(?m)^redis: redis://(\S+)$`)

// divide starts the second replica anew, behind a proxy.
func divide(t *testing.T, server *pgtest.Server) *divided {
	t.Helper()
	d := &divided{replicas: openReplicas(t, 2, server)}
	d.near, d.far = d.all[0], d.all[1]
	text, err := os.ReadFile(d.far.config)
	if err != nil {
		t.Fatal(err)
	}
	found := redisLine.FindSubmatch(text)
	if found == nil {
		t.Fatal("the configuration names no Redis")
	}
	d.server = string(found[1])
	d.proxy = queuetest.StartProxy(t, d.server)
	if err := os.WriteFile(d.far.config, redisLine.ReplaceAll(text, []byte("redis: redis://"+d.proxy.Address())), 0o600); err != nil {
		t.Fatal(err)
	}
	d.far.restart(t)
	return d
}

// planned sends a command to a replica and waits until its run is planned, by
// whomever, and it is answered once.
func (d *divided) planned(t *testing.T, at *service, runs int) {
	t.Helper()
	e := d.said(t, "李敏", "预演 hr-to-wecom")
	at.post(t, e)
	at.awaitRun(t, fmt.Sprintf("%d runs are planned", runs), func(run.Run) bool {
		all := at.runs(t)
		for _, one := range all {
			if one.State != run.Planned {
				return false
			}
		}
		return len(all) == runs
	})
	until(t, "the command is answered", func() bool { return d.answers(e) > 0 })
	if n := d.answers(e); n != 1 {
		t.Errorf("%d answers to one command", n)
	}
}

// TestP07_PartitionFromRedis cuts one of two services off from Redis: by silence, by
// resets, and in one direction. Both go on, the far one by its own rings and the
// sweep of SQL; when the network is back, so is it. In the last partition whoever
// works ends in the middle of the changes, and the other takes over: leases are in
// SQL. The long form tries all of them, and holds each for -cut.
func TestP07_PartitionFromRedis(t *testing.T) {
	t.Parallel()
	d := divide(t, pgtest.Start(t))
	runs := 0
	for _, c := range []struct {
		name   string
		faults queuetest.Faults
	}{
		{"silence", queuetest.Faults{HoleUp: true, HoleDown: true}},
		{"nothing arrives here", queuetest.Faults{HoleDown: true}},
		{"resets", queuetest.Faults{Refuse: true}},
		{"nothing of ours arrives", queuetest.Faults{HoleUp: true}},
	} {
		if runs > 0 && *cutFor == 0 {
			continue // the other ways are of the long form; store/queue tries them all
		}
		away, back := len(d.far.log.with("redis is away")), len(d.far.log.with("redis is back"))
		d.proxy.Set(c.faults)
		d.proxy.Reset()
		began := time.Now()
		for _, at := range []*service{d.far, d.near} {
			runs++
			d.planned(t, at, runs)
		}
		until(t, "it is told that Redis is away: "+c.name, func() bool { return len(d.far.log.with("redis is away")) > away })
		pause(t.Context(), time.Until(began.Add(*cutFor)))
		until(t, "/readyz says 200: "+c.name, func() bool { return get(t, "http://"+d.far.public+"/readyz") == 200 })
		d.proxy.Pass()
		healed := time.Now()
		until(t, "it is told that Redis is back: "+c.name, func() bool { return len(d.far.log.with("redis is back")) > back })
		t.Logf("%s: cut off for %v, back %v after", c.name, time.Since(began).Round(time.Millisecond), time.Since(healed).Round(time.Millisecond))
	}
	d.proxy.Set(queuetest.Faults{HoleUp: true, HoleDown: true})
	d.proxy.Reset()
	worker, open := d.halfway(t)
	other := d.near
	if worker == d.near {
		other = d.far
	}
	worker.end()
	open()
	d.finished(t, other)
	d.proxy.Pass()
}

// TestP08_AnswersOfRedisLost loses the answer to every ring, every reading, every
// acknowledgement and every count, of one kind after the other, while a run is asked
// for, voted on and applied: one run, every change once, every command answered once.
func TestP08_AnswersOfRedisLost(t *testing.T) {
	t.Parallel()
	r := ownRedis(t)
	p := queuetest.StartProxy(t, r.Address())
	s := openService(t, stage.Options{Redis: "redis://" + p.Address()})
	s.settled(t)
	const many = 1_000_000
	for i, word := range []string{"xadd", "xreadgroup", "xack", "evalsha"} {
		p.LoseAnswers(word, 3, i%2 == 0)
	}
	until(t, "an answer is lost", func() bool { return len(s.log.with("redis is away")) > 0 })
	p.LoseAnswers("xadd", many, true)
	e := s.says(t, "同步 hr-to-wecom")
	if _, err := s.stage.Feishu.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	code := s.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting }).Code
	p.LoseAnswers("xreadgroup", many, false)
	p.LoseAnswers("xack", many, true)
	p.LoseAnswers("evalsha", many, true)
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(code)+" 删除=3", "已批准")
	done := s.awaitRun(t, "the run ends", func(r run.Run) bool { return r.State.Ended() })
	if all := s.runs(t); len(all) != 1 || done.State != run.Succeeded {
		t.Errorf("%d runs, the newest %+v", len(all), done)
	}
	s.once(t, 12)
	s.settled(t)
	s.quiet(t)
	w, err := observeWorld(t.Context(), s.stage, s.chat, s.app.store)
	if err != nil {
		t.Fatal(err)
	}
	w.log = s.log.String()
	for _, b := range w.broken() {
		t.Error(b)
	}
}

// TestP06_OrderOfLettersOverReplicas posts the letters of two threads while two
// replicas send. In the middle Redis is lost, the platform loses answers and
// refuses, and each of the replicas stops for a while. The chat has each letter
// once, and those of a thread in their order.
func TestP06_OrderOfLettersOverReplicas(t *testing.T) {
	t.Parallel()
	d := divide(t, pgtest.Start(t))
	const each = 12
	threads := []feishusim.Event{d.said(t, "吴迪", "我是谁"), d.said(t, "吴迪", "状态")}
	for _, e := range threads {
		d.near.post(t, e)
	}
	d.settled(t, len(threads))
	var seen atomic.Int32
	stop := d.stage.Feishu.OnMessage(func(m feishusim.Message) {
		if m.FromBot && strings.Contains(m.Content, letterMark) {
			seen.Add(1)
		}
	})
	t.Cleanup(stop)
	reach := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d letters are there", n), func() bool { return int(seen.Load()) >= n })
	}
	d.stage.Feishu.Inject(feishusim.Fault{Method: "POST", Path: "/open-apis/im/", Skip: 3, Times: 1, Drop: true})
	d.stage.Feishu.Inject(feishusim.Fault{Method: "POST", Path: "/open-apis/im/", Skip: 5, Times: 1, Status: 503})
	for i := range each {
		for n, e := range threads {
			d.write(t, d.all[(i+n)%2], e, n, i)
		}
	}
	reach(4)
	d.proxy.Set(queuetest.Faults{Refuse: true}) // far has no Redis
	reach(8)
	d.near.end()
	d.proxy.Set(queuetest.Faults{HoleUp: true, HoleDown: true})
	reach(13)
	d.proxy.Pass()
	d.near.start(t)
	d.far.end()
	reach(18)
	d.far.start(t)
	reach(each * len(threads))
	d.inOrder(t, each, threads)
}

// letterMark tells the letters of that test from others.
const letterMark = "编号#"

// write posts one letter of a thread to the record of a replica.
func (d *divided) write(t *testing.T, at *service, e feishusim.Event, thread, i int) {
	t.Helper()
	chat := d.stage.ChatID(stage.FeishuRoom)
	payload, err := json.Marshal(bot.Outgoing{
		Platform: run.Feishu, Chat: chat, ReplyTo: e.MessageID, Lang: bot.ZH, Card: bot.Card{Title: fmt.Sprintf("%s%d-%02d.", letterMark, thread, i), Plain: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := run.Letter{ID: fmt.Sprintf("order-%d-%02d", thread, i), Lane: fmt.Sprint("feishu:", chat, ":", e.MessageID), Payload: payload, At: time.Now(), Way: string(run.Feishu)}
	if err := at.app.store.Post(t.Context(), []run.Letter{l}); err != nil {
		t.Fatal(err)
	}
}

// inOrder reads the chat's own log.
func (d *divided) inOrder(t *testing.T, each int, threads []feishusim.Event) {
	t.Helper()
	until(t, "every letter is marked as sent", func() bool { return d.count(t, `SELECT COUNT(*) FROM outbox WHERE state = 'waiting'`) == 0 })
	next := make([]int, len(threads))
	for _, m := range d.stage.Feishu.Messages(d.stage.ChatID(stage.FeishuRoom)) {
		_, rest, ours := strings.Cut(m.Content, letterMark)
		if !ours {
			continue
		}
		var thread, i int
		if _, err := fmt.Sscanf(rest, "%d-%d.", &thread, &i); err != nil {
			t.Fatalf("%q: %v", m.Content, err)
		}
		if i != next[thread] {
			t.Errorf("thread %d: letter %d comes where %d is due", thread, i, next[thread])
		}
		if m.ParentID != threads[thread].MessageID {
			t.Errorf("letter %d-%d answers %s", thread, i, m.ParentID)
		}
		next[thread] = i + 1
	}
	for n, have := range next {
		if have != each {
			t.Errorf("thread %d has %d letters", n, have)
		}
	}
}

// TestP08_ToxicsUnderTheService puts toxiproxy between the service and its Redis,
// and each of its toxics in turn, under a command each; the last one under the vote
// and the changes.
func TestP08_ToxicsUnderTheService(t *testing.T) {
	t.Parallel()
	r := ownRedis(t)
	x := queuetest.StartToxiproxy(t, os.Getenv("ROLLCALL_TOXIPROXY"), r.Address())
	s := openService(t, stage.Options{Redis: "redis://" + x.Address})
	commands := 0
	for name, toxic := range queuetest.Toxics() {
		x.Add(t, toxic)
		s.ask(t, stage.FeishuRoom, "李敏", "@点名 预演 hr-to-wecom", "hr-to-wecom")
		commands++
		s.awaitRun(t, "the run is planned, "+name, func(one run.Run) bool { return one.State == run.Planned && len(s.runs(t)) == commands })
		x.Clear(t)
	}
	x.Add(t, queuetest.Toxics()["answers_lost"])
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	code := s.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting }).Code
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(code)+" 删除=3", "已批准")
	done := s.awaitRun(t, "the run ends", func(r run.Run) bool { return r.State.Ended() })
	if all := s.runs(t); len(all) != commands+1 || done.State != run.Succeeded {
		t.Errorf("%d runs of %d commands, the newest %+v", len(all), commands+1, done)
	}
	s.once(t, 12)
	x.Clear(t)
}
