package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// receive claims messages without answering them.
func (w *world) receive(all ...Message) {
	w.t.Helper()
	for _, m := range all {
		if err := w.b.Receive(w.t.Context(), m); err != nil {
			w.t.Fatal(err)
		}
	}
}

// answerAll answers until nothing is left.
func (w *world) answerAll() []sent {
	w.t.Helper()
	for range 500 {
		more, err := w.in.step(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !more {
			return w.settle()
		}
	}
	w.t.Fatal("it never ends")
	return nil
}

// A36: more than ten commands a minute of one person, or thirty in one room, are
// not obeyed; the first of them is answered, and so is everybody else.
func TestA36_Flooding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	for range 14 { // buttons count, too
		m := w.message("Li Min", "ops", "状态")
		if w.said%2 == 0 {
			m.Text, m.Press = "", &Press{Command: "状态", Card: "om_card"}
		}
		w.receive(m)
	}
	w.receive(w.message("Zhou Kai", "ops", "状态"))
	got := w.answerAll()
	fast := slices.DeleteFunc(slices.Clone(got), func(s sent) bool { return !strings.Contains(s.text(), "太快了") })
	if len(got) != 12 || len(fast) != 1 || !strings.Contains(fast[0].text(), "每人每分钟最多执行 10 条命令") {
		t.Errorf("%d answers, %d of them: slow down\n%s", len(got), len(fast), texts(fast))
	}
	if left, _ := w.mail.Unhandled(t.Context(), 99); len(left) != 0 {
		t.Errorf("%d messages are not handled", len(left))
	}
	if got := w.sayNow("Li Min", "team", "status"); len(got) != 0 {
		t.Errorf("the same person in another room: %s", texts(got))
	}
	w.clock = w.clock.Add(time.Minute)
	if got := texts(w.say("Li Min", "ops", "状态")); strings.Contains(got, "太快了") {
		t.Errorf("a minute later: %s", got)
	}
	for i := range 40 { // by many
		m := w.message(fmt.Sprint("Stranger ", i), "ops", "帮助")
		w.receive(m)
	}
	got = w.answerAll()
	if n := len(slices.DeleteFunc(got, func(s sent) bool { return !strings.Contains(s.text(), "每个群每分钟最多执行 30 条命令") })); n != 1 {
		t.Errorf("the full room was told %d times", n)
	}
}

// A36: a flood, one's own or another's, keeps nobody from the brake.
func TestA36_TheBrakeIsNotFlooded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	for i := range 60 {
		w.receive(w.message(fmt.Sprint("Stranger ", i), "ops", "帮助"))
	}
	for range 12 {
		w.receive(w.message("Li Min", "ops", "状态"))
	}
	w.answerAll()
	if got := texts(w.sayNow("Li Min", "ops", "暂停 hr-to-wecom 刷屏")); strings.Contains(got, "太快了") || len(w.service.set.pauses) != 1 {
		t.Errorf("not paused: %s", got)
	}
	for range 20 {
		w.receive(w.message("Li Min", "ops", "取消 "+string(nthCode(9))))
	}
	if got := texts(w.answerAll()); strings.Count(got, "太快了") != 1 {
		t.Errorf("the brake itself is flooded without end: %s", got)
	}
}

// sayNow hears one message and gives the answers, if any.
func (w *world) sayNow(who, room, text string) []sent {
	w.t.Helper()
	w.receive(w.message(who, room, text))
	return w.answerAll()
}

// A message that is tried again is counted once.
func TestATriedMessageIsCountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.limited()
	w.service.broken = fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
	w.receive(w.message("Li Min", "ops", "状态"))
	for range 20 {
		w.clock = w.clock.Add(time.Second / 10)
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.used["in:person:Li Min"]); n != 1 {
		t.Errorf("counted %d times", n)
	}
	w.service.broken = nil
	w.clock = w.clock.Add(time.Second)
	if got := w.answerAll(); len(got) != 1 {
		t.Errorf("%d answers", len(got))
	}
}

// The same words twice are two messages; one message twice is one.
func TestTheSameWordsTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.message("Li Min", "ops", "状态"), w.message("Li Min", "ops", "状态")
	w.receive(first, second, first, second)
	if got := w.answerAll(); len(got) != 2 || got[0].o.ReplyTo != first.ID || got[1].o.ReplyTo != second.ID {
		t.Errorf("answers: %s", texts(got))
	}
}

// sluggish is an engine that takes long to list runs when it is asked to.
type sluggish struct {
	*service
	mu    sync.Mutex
	gates []chan struct{} // of the next calls; nil = at once
	calls int
}

func (s *sluggish) List(ctx context.Context, f run.Filter) ([]run.Run, error) {
	s.mu.Lock()
	var gate chan struct{}
	if s.calls++; len(s.gates) > 0 {
		gate, s.gates = s.gates[0], s.gates[1:]
	}
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.service.List(ctx, f)
}

// P1, G6: a slow command keeps nobody else waiting, and what its author says next
// comes after it.
func TestP1_G6_ASlowCommandHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.clock = time.Now()
		o := w.options(time.Now)
		gate := make(chan struct{})
		engine := &sluggish{service: w.service, gates: []chan struct{}{gate}}
		o.Service = engine
		w.mail.now, w.service.now = time.Now, time.Now
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.b = b
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Serve(ctx) }()
		slowly, next := w.message("Li Min", "ops", "状态"), w.message("Li Min", "ops", "我是谁")
		w.receive(slowly)
		synctest.Wait()
		w.receive(next)
		for i := range 20 {
			w.receive(w.message(fmt.Sprint("Person ", i), "ops", "帮助"))
		}
		w.receive(w.message("Li Min", "team", "whoami")) // in another chat
		time.Sleep(900 * time.Millisecond)
		if got, there := w.feishu.take(), w.dingtalk.take(); len(got) != 20 || len(there) != 1 {
			t.Errorf("within a second %d answers here, %d there", len(got), len(there))
		}
		time.Sleep(20 * time.Second)
		if got := w.feishu.take(); len(got) != 0 {
			t.Errorf("before the slow one: %s", texts(got))
		}
		close(gate)
		synctest.Wait()
		got := w.feishu.take()
		slices.SortFunc(got, func(x, y sent) int { return w.place(x.idem) - w.place(y.idem) })
		if len(got) != 2 || got[0].o.ReplyTo != slowly.ID || got[1].o.ReplyTo != next.ID {
			t.Errorf("then %s", texts(got))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Many messages of one person behind a slow one do not hide those of others.
func TestAQueueOfOneHidesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 * inboxBatch {
		w.receive(w.message("Li Min", "ops", "帮助"))
	}
	w.receive(w.message("Zhou Kai", "ops", "帮助"))
	w.in.busy[whose(w.mail.in[0])] = true // a slow command of Li Min's
	for range 4 {
		if _, err := w.in.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.settle(); len(got) != 1 {
		t.Errorf("%d answers to the others", len(got))
	}
	w.in.leave(whose(w.mail.in[0]))
	if got := w.answerAll(); len(got) != 3*inboxBatch {
		t.Errorf("then %d answers", len(got))
	}
	if n := len(w.in.known); n > 2*inboxBatch {
		t.Errorf("%d messages are remembered", n)
	}
}

// A list that was read before a message was handled does not handle it again.
func TestAnOldListHandlesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receive(w.message("Li Min", "ops", "状态"))
	old := slices.Clone(w.mail.in)
	w.answerAll()
	w.in.first(old)
	if _, ok := w.in.enter(t.Context(), old[0].ID); ok {
		t.Error("it is begun again")
	}
}

// Two replicas answer a message once, in order, and one that dies is replaced.
func TestTwoReplicasShareTheInbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	engine := &sluggish{service: w.service}
	w.b.o.Service = engine
	w.limited()
	other := newInbox(w.b)
	w.receive(w.message("Li Min", "ops", "状态"), w.message("Li Min", "ops", "我是谁"))
	l, _ := w.mail.Unhandled(t.Context(), 9)
	w.in.first(l)
	if _, ok := w.in.enter(t.Context(), l[0].ID); !ok { // the first replica begins, and is slow
		t.Fatal("a free message cannot be begun")
	}
	for range 3 {
		if more, err := other.step(t.Context()); more || err != nil {
			t.Errorf("the second begins: %v, %v", more, err)
		}
	}
	w.clock = w.clock.Add(oneAnswerer) // the first is dead
	for range 3 {
		if _, err := other.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.settle(); len(got) != 2 || engine.calls != 1 {
		t.Errorf("%d answers, asked %d times", len(got), engine.calls)
	}
}
