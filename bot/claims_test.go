package bot

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// lateMailbox writes a message, and then lets its claim end as end says.
type lateMailbox struct {
	*mailbox
	end map[string][]func() error // by the message's id, one for each claim; none: it succeeds
}

func (m *lateMailbox) Claim(ctx context.Context, id string, payload []byte) (bool, error) {
	first, err := m.mailbox.Claim(ctx, id, payload)
	if all := m.end[id]; len(all) > 0 && err == nil {
		m.end[id] = all[1:]
		err = all[0]()
	}
	return first, err
}

func noRecord() error {
	return fault.New(fault.Unavailable, "the record is away / 数据库不在")
}

// late gives a world whose claims of a message end as end says.
func late(t *testing.T, m func(*world) Message, end func(*world) []func() error) (*world, Message) {
	w := newWorld(t)
	one := m(w)
	w.b.o.Mailbox = &lateMailbox{w.mail, map[string][]func() error{inboxID(one): end(w)}}
	return w, one
}

func once(w *world) Message {
	m := w.message("Li Min", "team", "sync hr-to-wecom")
	m.Once = true
	return m
}

func (w *world) handledID(m Message) bool {
	w.mail.mu.Lock()
	defer w.mail.mu.Unlock()
	return w.mail.handled[inboxID(m)]
}

// TestWhatWasNotAcceptedIsNotObeyed forces the race: the message is in the record
// before its claim fails, and the inbox is looked at meanwhile and afterwards.
func TestWhatWasNotAcceptedIsNotObeyed(t *testing.T) {
	t.Parallel()
	w, m := late(t, once, func(w *world) []func() error {
		return []func() error{func() error {
			w.receive(w.message("Zhou Kai", "ops", "状态"))
			for range 3 {
				if _, err := w.in.step(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if got := w.settle(); len(got) != 1 || len(w.service.order) != 0 {
				t.Errorf("while it is claimed, %d answers and %d runs", len(got), len(w.service.order))
			}
			return noRecord()
		}}
	})
	if err := w.b.Receive(t.Context(), m); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("a claim that fails gives %v", err)
	}
	w.clock = w.clock.Add(time.Minute)
	if got := w.answerAll(); len(got) != 0 || len(w.service.order) != 0 || !w.handledID(m) {
		t.Errorf("obeyed or not put away: %s, %d runs, handled %v", texts(got), len(w.service.order), w.handledID(m))
	}
	if err := w.b.Receive(t.Context(), m); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("delivered again, it gives %v", err)
	}
	m.ID = "sent again"
	w.receive(m)
	if w.answerAll(); len(w.service.order) != 1 {
		t.Errorf("sent again, it makes %d runs", len(w.service.order))
	}
}

// TestWhatWasRefusedIsNotBegunLater sees that a message that was not written, and comes
// again, is refused again: its sender has been asked to send it anew.
func TestWhatWasRefusedIsNotBegunLater(t *testing.T) {
	t.Parallel()
	w, m := late(t, once, func(w *world) []func() error {
		return []func() error{func() error {
			w.mail.mu.Lock()
			defer w.mail.mu.Unlock()
			w.mail.in = nil // it was not written
			return noRecord()
		}}
	})
	for range 2 {
		if err := w.b.Receive(t.Context(), m); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("it gives %v", err)
		}
	}
	if got := w.answerAll(); len(got) != 0 || len(w.service.order) != 0 {
		t.Errorf("obeyed: %s", texts(got))
	}
}

// TestWhatWasBegunIsAccepted: its second delivery is not refused, whatever the record
// says then.
func TestWhatWasBegunIsAccepted(t *testing.T) {
	t.Parallel()
	w, m := late(t, once, func(*world) []func() error {
		return []func() error{func() error { return nil }, noRecord}
	})
	w.receive(m)
	if w.answerAll(); len(w.service.order) != 1 {
		t.Fatalf("%d runs", len(w.service.order))
	}
	w.receive(m)
	if got := w.answerAll(); len(got) != 0 || len(w.service.order) != 1 {
		t.Errorf("again, %s and %d runs", texts(got), len(w.service.order))
	}
}

// TestWhatComesAgainIsObeyed: a platform that delivers again tells nobody that a message
// was not accepted.
func TestWhatComesAgainIsObeyed(t *testing.T) {
	t.Parallel()
	w, m := late(t, func(w *world) Message { return w.message("Li Min", "ops", "同步 hr-to-wecom") }, func(*world) []func() error {
		return []func() error{noRecord}
	})
	if err := w.b.Receive(t.Context(), m); err == nil {
		t.Fatal("a claim that fails is taken")
	}
	w.receive(m)
	if w.answerAll(); len(w.service.order) != 1 || !w.handledID(m) {
		t.Errorf("%d runs, handled %v", len(w.service.order), w.handledID(m))
	}
}

// TestClaims goes through what two deliveries of one message may come to.
func TestClaims(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []string
		want  []string // of each step that says something
	}{
		"taken":                   {[]string{"enter", "leave", "begin"}, []string{"in", "taken", "go"}},
		"looked at too soon":      {[]string{"enter", "begin", "leave", "begin"}, []string{"in", "wait", "taken", "go"}},
		"refused":                 {[]string{"enter", "fail", "begin", "enter"}, []string{"in", "refused", "refused", "out"}},
		"of another replica":      {[]string{"begin"}, []string{"go"}},
		"begun, then one fails":   {[]string{"begin", "enter", "fail", "begin"}, []string{"go", "in", "taken", "go"}},
		"two at once, one fails":  {[]string{"enter", "enter", "fail", "leave", "begin"}, []string{"in", "in", "refused", "refused", "refused"}},
		"two at once, one later":  {[]string{"enter", "enter", "leave", "begin", "leave", "begin"}, []string{"in", "in", "taken", "wait", "taken", "go"}},
		"refused, an hour later":  {[]string{"enter", "fail", "hour", "enter"}, []string{"in", "refused", "out"}},
		"refused, two days later": {[]string{"enter", "fail", "days", "enter"}, []string{"in", "refused", "in"}},
	} {
		var known claims
		now := morning
		var got []string
		say := func(is bool, yes, no string) {
			if is {
				no = yes
			}
			got = append(got, no)
		}
		for _, step := range c.steps {
			switch step {
			case "enter":
				say(known.enter("m", now), "in", "out")
			case "leave", "fail":
				say(known.leave("m", step == "fail", now), "refused", "taken")
			case "begin":
				wait, refused := known.begin("m", now)
				say(wait, "wait", "go")
				if refused {
					got[len(got)-1] = "refused"
				}
			case "hour":
				now = now.Add(61 * time.Minute)
			case "days":
				now = now.Add(48 * time.Hour)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var many claims
	for i := range 50 { // what is old is forgotten
		id := fmt.Sprint(i)
		now := morning.Add(time.Duration(i) * time.Hour)
		many.enter(id, now)
		many.leave(id, false, now)
		many.begin(id, now)
	}
	if n := len(many.last); n > 3 || len(many.open) != 0 {
		t.Errorf("%d are remembered, %d open", n, len(many.open))
	}
}

// TestClaimsAreBoundedUnderLoad: however many messages come, only the newest are
// remembered, and of those that were refused all that could still be obeyed.
func TestClaimsAreBoundedUnderLoad(t *testing.T) {
	t.Parallel()
	var c claims
	now := morning
	id := func(what string, i int) string { return fmt.Sprint(what, i) }
	c.enter("refused", now)
	if !c.leave("refused", true, now) {
		t.Fatal("a claim that failed is not refused")
	}
	most, n := 0, 12*mostClaims
	for i := range n { // as many as come in ten minutes under the load test, and more
		now = now.Add(time.Millisecond)
		c.begin(id("m", i), now)
		most = max(most, len(c.last)+len(c.former))
	}
	if most > 2*mostClaims+2 {
		t.Errorf("%d messages are remembered", most)
	}
	for i := n - mostClaims; i < n; i++ {
		if _, there := c.known(id("m", i), now); !there {
			t.Fatalf("the message before %d others is forgotten", n-i-1)
		}
	}
	if _, refused := c.begin("refused", now); !refused {
		t.Error("a message that was refused a moment ago is obeyed")
	}
	for i := range 3 * mostClaims { // the record is away: every message is refused
		now = now.Add(time.Millisecond)
		c.enter(id("r", i), now)
		c.leave(id("r", i), true, now)
	}
	for i := range 3 * mostClaims {
		if _, refused := c.begin(id("r", i), now); !refused {
			t.Fatalf("message %d, which was refused, is obeyed", i)
		}
	}
	for i := range 3 * mostClaims {
		now = now.Add(100 * time.Millisecond)
		c.begin(id("n", i), now)
	}
	if n := len(c.last) + len(c.former); n > 3*mostClaims {
		t.Errorf("%d messages are remembered after the record is back for %s", n, 3*mostClaims*100*time.Millisecond)
	}
}
