package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// awayMailbox is a record that is away for a while.
type awayMailbox struct {
	Mailbox
	back time.Time
}

func (m awayMailbox) err() error {
	if time.Now().Before(m.back) {
		return errors.New("the record is away")
	}
	return nil
}

func (m awayMailbox) Unhandled(context.Context, int) ([]run.Letter, error) { return nil, m.err() }

func (m awayMailbox) Outbox(context.Context, run.Pick) ([]run.Letter, error) { return nil, m.err() }

// toldLog keeps what is logged.
type toldLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *toldLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// TestStumblesAreToldOnce has the record away for two and a half minutes. Every loop
// says so when it begins, once a minute, and when it is over.
func TestStumblesAreToldOnce(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(context.Context, *Bot){
		"journal": func(ctx context.Context, b *Bot) {
			b.loop(ctx, "journal", make(chan struct{}), func(ctx context.Context) (bool, error) {
				_, err := b.o.Mailbox.Unhandled(ctx, 1)
				return false, err
			})
		},
		"inbox":  func(ctx context.Context, b *Bot) { newInbox(b).serve(ctx) },
		"outbox": func(ctx context.Context, b *Bot) { (&outbox{b: b}).serve(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &toldLog{}
				b := &Bot{
					o:     Options{Now: time.Now, Logger: slog.New(slog.NewJSONHandler(log, nil)), Poll: time.Second, Mailbox: awayMailbox{back: time.Now().Add(150 * time.Second)}},
					heard: make(chan struct{}),
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				serve(ctx, b)
				begins, ends := strings.Count(log.text.String(), `"msg":"conversation stumbles"`), strings.Count(log.text.String(), `"msg":"conversation goes on"`)
				if begins != 3 || ends != 1 || !strings.Contains(log.text.String(), `"loop":"`+name+`"`) {
					t.Errorf("told %d times, and %d times that it is over:\n%s", begins, ends, log.text.String())
				}
			})
		})
	}
}
