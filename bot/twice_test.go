package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// beside lets somebody else do something between the bot's look at the journal and its
// note of what it has read.
type beside struct {
	*mailbox
	first func()
}

func (m *beside) Advance(ctx context.Context, reader string, seq int64, letters []run.Letter) error {
	if first := m.first; first != nil {
		m.first = nil
		first()
	}
	return m.mailbox.Advance(ctx, reader, seq, letters)
}

// twin gives a second bot on the same record and in the same rooms.
func (w *world) twin() *Bot {
	w.t.Helper()
	b, err := New(w.options(func() time.Time { return w.clock }))
	if err != nil {
		w.t.Fatal(err)
	}
	b.o.Logger = slog.New(slog.DiscardHandler)
	return b
}

// TestP05_TheEndOfARunIsSaidOnceByTwoReplicas lets two replicas read the journal at the
// same time, the one less of it than the other, in either order, and before or after
// the answer to the command is there: each chat has one card of the run and one call.
func TestP05_TheEndOfARunIsSaidOnceByTwoReplicas(t *testing.T) {
	t.Parallel()
	for _, state := range []run.State{run.Planned, run.NothingToDo, run.Succeeded, run.Failed} {
		for _, lateAnswer := range []bool{false, true} {
			for _, more := range []int{0, 1, 2} {
				name := fmt.Sprint(state, " late answer ", lateAnswer, " events between ", more)
				w := newWorld(t)
				twin := w.twin()
				m := w.message("Li Min", "ops", "同步 hr-to-wecom")
				w.receive(m)
				if !lateAnswer {
					if _, err := w.in.step(t.Context()); err != nil {
						t.Fatal(err)
					}
				} else if _, err := w.service.Start(t.Context(), run.Request{
					ID: inboxID(m), Flow: "hr-to-wecom", Apply: true, Trigger: run.ByCommand, By: actorOf(w, m),
					Thread: run.Thread{Platform: run.Feishu, Chat: m.Chat, Message: m.ID},
				}); err != nil {
					t.Fatal(err)
				}
				code := run.Code(w.code())
				w.service.planned(code, aPlan(), state)
				mail := &beside{mailbox: w.mail}
				mail.first = func() { // the twin sees more of the journal, and is faster
					for range more {
						w.mail.event(run.Event{Run: code, Kind: run.EventProgress})
					}
					if _, err := twin.readJournal(t.Context()); err != nil {
						t.Error(err)
					}
				}
				w.b.o.Mailbox = mail
				if _, err := w.b.readJournal(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.mail.event(run.Event{Run: code, Kind: run.EventMoved}) // and once more, of the same state
				mail.first = func() {                                    // the twin sees less, and is faster
					w.mail.mu.Lock()
					all := w.mail.events
					w.mail.events = all[:len(all)-1]
					w.mail.mu.Unlock()
					if _, err := twin.readJournal(t.Context()); err != nil {
						t.Error(err)
					}
					w.mail.mu.Lock()
					w.mail.events = all
					w.mail.mu.Unlock()
				}
				w.mail.event(run.Event{Run: code, Kind: run.EventMoved})
				got := w.answerAll()
				var cards, calls []string
				for _, s := range got {
					switch {
					case s.o.Chat != "oc_ops" || s.place != "":
					case s.o.Live != "":
						cards = append(cards, s.text())
					default:
						calls = append(calls, s.text())
					}
				}
				if len(cards) != 1 || len(calls) != 1 || slices.Contains(cards, calls[0]) {
					t.Errorf("%s: %d cards and %d calls:\n%s", name, len(cards), len(calls), texts(got))
				}
			}
		}
	}
}

// actorOf gives who speaks, as the bot would.
func actorOf(w *world, m Message) run.Actor {
	return w.b.caller(m, run.Letter{ID: inboxID(m)}).actor
}

// TestP05_WhatTheWebhookSaidIsNotSaidAgain: several letters show one state of a run, and
// the app may come back between two of them.
func TestP05_WhatTheWebhookSaidIsNotSaidAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	drawn := func(id string, version int64) {
		o := toOps("Planned 7K3MQ2")
		o.Live, o.Version, o.Fallback = "card:7K3MQ2:oc_ops", version, "ops-hook"
		w.post(id, o)
	}
	w.feishu.fails = []error{errExpelled}
	drawn("the end", 5)
	if got := w.sendOnce(); len(got) != 1 || got[0].by != "hook" {
		t.Fatalf("the webhook does not speak: %s", texts(got))
	}
	drawn("the end once more", 5)
	if got := w.sendOnce(); len(got) != 0 {
		t.Errorf("said twice: %s", texts(got))
	}
	drawn("what came then", 6)
	if got := w.sendOnce(); len(got) != 1 || got[0].by != "feishu" || got[0].place != "" {
		t.Errorf("a newer state is not said: %s", texts(got))
	}
	drawn("and then", 7)
	if got := w.sendOnce(); len(got) != 1 || got[0].place == "" {
		t.Errorf("the card that stands is not drawn anew: %s", texts(got))
	}
	w.feishu.fails = []error{errExpelled}
	drawn("the webhook beside a card that stands", 8)
	w.sendOnce()
	drawn("the card shows it, too", 8)
	if got := w.sendOnce(); len(got) != 1 || got[0].by != "feishu" || got[0].place == "" {
		t.Errorf("the card that stands is left as it was: %s", texts(got))
	}
}

// stopping is a platform that takes a message while the process ends: nobody hears that
// it arrived.
type stopping struct {
	*platform
	stop context.CancelFunc
}

func (p *stopping) Send(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	if _, err := p.platform.Send(ctx, o, idem, at); err != nil {
		return "", err
	}
	p.stop()
	return "", fault.Wrap(fault.Unavailable, ctx.Err(), "cut off / 连接中断")
}

// TestP03_ALetterThatMayHaveArrivedIsNotMerged: it comes again under its own key, which
// the platform knows; merged into the next drawing it would be said twice.
func TestP03_ALetterThatMayHaveArrivedIsNotMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := toOps("Planned 7K3MQ2")
	o.Live, o.Version = "card:7K3MQ2:oc_ops", 5
	w.post("first", o)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w.b.platforms[run.Feishu] = &stopping{w.feishu, stop}
	if _, err := w.b.sendDue(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.taken()
	w.b.platforms[run.Feishu] = w.feishu
	o.Version = 6
	w.post("second", o)
	w.clock = w.clock.Add(time.Minute)
	var keys []string
	for range 3 {
		for _, s := range w.sendOnce() {
			keys = append(keys, s.idem+" "+s.place)
		}
	}
	if got := strings.Join(keys, ", "); got != "first , second m:card:7K3MQ2:oc_ops" {
		t.Errorf("sent under the keys %q", got)
	}
}
