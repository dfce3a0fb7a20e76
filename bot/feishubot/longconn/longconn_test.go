package longconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

const secret = "planted-app-secret"

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// world is a simulated tenant and a listener of its events.
type world struct {
	sim     *feishusim.Sim
	o       Options
	log     *lines
	changed chan bool
	pauses  chan string // what Pause was asked, one for each call
	events  chan string
	stop    context.CancelFunc
	ended   chan error
	person  string
}

func setup(t *testing.T, so feishusim.Options, handle Handle) *world {
	t.Helper()
	so.AppSecret, so.Now, so.NoLimits = secret, time.Now, true
	w := &world{
		sim: feishusim.New(so), log: &lines{},
		changed: make(chan bool, 100), pauses: make(chan string, 100), events: make(chan string, 100), ended: make(chan error, 1),
	}
	server := httptest.NewServer(w.sim.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(w.sim.DropConnections)
	u, err := w.sim.AddUser(feishusim.User{Name: "李敏", UserID: "limin"})
	if err != nil {
		t.Fatal(err)
	}
	w.person = u.OpenID
	w.sim.AddChat("oc_ops", "运维群", u.OpenID)
	if handle == nil {
		handle = func(_ context.Context, payload []byte) ([]byte, error) {
			w.events <- string(payload)
			return nil, nil
		}
	}
	w.o = Options{
		AppID: "cli_sim", AppSecret: secret, BaseURL: server.URL + "/", Handle: handle, Now: time.Now,
		Logger:  slog.New(slog.NewJSONHandler(w.log, nil)),
		Changed: func(up bool) { w.changed <- up },
		Pause: func(n int, refused bool) time.Duration {
			select {
			case w.pauses <- fmt.Sprint(n, refused):
			default:
			}
			return time.Millisecond
		},
	}
	return w
}

// listen starts the listener; it is stopped, and its end waited for, when the
// test ends.
func (w *world) listen(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.ended <- Listen(ctx, w.o) }()
	t.Cleanup(func() {
		stop()
		if err := <-w.ended; err != nil {
			t.Errorf("ended by %v", err)
		}
		if log := w.log.text(); strings.Contains(log, secret) || strings.Contains(log, "device_id") {
			t.Errorf("a secret is in the log: %s", log)
		}
	})
}

// up waits until both sides know of the connection: the client is told first.
func (w *world) up(t *testing.T) {
	t.Helper()
	if !next(t, w.changed, "connection") {
		t.Fatal("lost before it was made")
	}
	for {
		changed := w.sim.ConnectionsChanged()
		if w.sim.Connections() > 0 {
			return
		}
		next(t, changed, "connection at the other end")
	}
}

// next waits for one value; the limit only catches a hang.
func next[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func TestEventsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	w.listen(t)
	w.up(t)
	ack, err := w.sim.Say(t.Context(), feishusim.Words{Chat: "oc_ops", From: w.person, Text: "@点名 帮助"})
	if err != nil || ack.Code != 200 {
		t.Fatalf("%+v, %v", ack, err)
	}
	if got := next(t, w.events, "event"); !strings.Contains(got, `"im.message.receive_v1"`) || !strings.Contains(got, ack.MessageID()) {
		t.Errorf("%s", got)
	}
	for _, kind := range []string{"contact.user.updated_v3", "im.message.message_read_v1", "im.chat.member.bot.added_v1"} {
		if ack, err := w.sim.Deliver(t.Context(), w.sim.NewEvent(kind, map[string]any{"x": 1})); err != nil || ack.Code != 200 {
			t.Errorf("%s: %+v, %v", kind, ack, err)
		}
	}
	if _, err := w.sim.Deliver(t.Context(), w.sim.NewEvent("never.heard_of", nil)); !errors.Is(err, feishusim.ErrRefused) {
		t.Errorf("the vendor's client takes unknown types now: %v", err)
	}
}

// TestSplitEvents sends events in several frames: one that the vendor's client
// loses is not acknowledged, and comes again.
func TestSplitEvents(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("NOT RUN: the vendor's client has a race where it joins frames")
	}
	w := setup(t, feishusim.Options{SplitAt: 200}, nil)
	w.listen(t)
	w.up(t)
	e, err := w.sim.MessageEvent(feishusim.Words{Chat: "oc_ops", From: w.person, Text: "@点名 帮助"})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := w.sim.Deliver(t.Context(), e)
	for tries := 1; errors.Is(err, feishusim.ErrNoAck) && tries < 5; tries++ {
		ack, err = w.sim.Deliver(t.Context(), e)
	}
	if err != nil || ack.Code != 200 {
		t.Fatalf("%+v, %v", ack, err)
	}
	if got := next(t, w.events, "event"); !strings.Contains(got, ack.MessageID()) {
		t.Errorf("%s", got)
	}
}

func TestMoreTypes(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	w.o.Types = []string{"approval_instance", "im.message.receive_v1", "card.action.trigger", "app_ticket"} // repeating one is no mistake
	w.listen(t)
	w.up(t)
	if ack, err := w.sim.Deliver(t.Context(), w.sim.NewEvent("approval_instance", nil)); err != nil || ack.Code != 200 {
		t.Errorf("%+v, %v", ack, err)
	}
}

func TestWhatIsNotTakenComesAgain(t *testing.T) {
	t.Parallel()
	fail := true
	w := setup(t, feishusim.Options{}, func(context.Context, []byte) ([]byte, error) {
		if fail {
			fail = false
			return nil, errors.New("the store is down")
		}
		return nil, nil
	})
	w.listen(t)
	w.up(t)
	ack, err := w.sim.Say(t.Context(), feishusim.Words{Chat: "oc_ops", From: w.person, Text: "@点名 帮助"})
	if !errors.Is(err, feishusim.ErrRefused) || ack.Code != 500 {
		t.Fatalf("%+v, %v", ack, err)
	}
	if ack, err = w.sim.Deliver(t.Context(), ack.Event); err != nil || ack.Code != 200 {
		t.Errorf("%+v, %v", ack, err)
	}
}

func TestAPressIsAnswered(t *testing.T) {
	t.Parallel()
	answers := make(chan []byte, 3)
	answers <- []byte(`{"toast":{"type":"info","content":"收到","i18n":{"zh_cn":"收到","en_us":"Received"}}}`)
	answers <- nil
	answers <- []byte(`not JSON`)
	w := setup(t, feishusim.Options{}, func(_ context.Context, payload []byte) ([]byte, error) {
		if !strings.Contains(string(payload), `"cmd":"x"`) || !strings.Contains(string(payload), `"union_id"`) {
			return nil, fmt.Errorf("payload %s", payload)
		}
		return <-answers, nil
	})
	w.listen(t)
	w.up(t)
	e := w.sim.NewEvent("card.action.trigger", map[string]any{
		"operator": map[string]any{"open_id": "ou_a", "union_id": "on_a"},
		"action":   map[string]any{"tag": "button", "value": map[string]any{"cmd": "x"}},
	})
	for i, want := range []struct {
		code int
		data string
	}{{200, `"i18n":{"en_us":"Received","zh_cn":"收到"}`}, {200, "{}"}, {500, ""}} {
		ack, err := w.sim.Deliver(t.Context(), e)
		if ack.Code != want.code || !strings.Contains(string(ack.Data), want.data) || (err == nil) != (want.code == 200) {
			t.Errorf("press %d: %+v, %v", i, ack, err)
		}
	}
}

func TestItConnectsAgain(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	w.listen(t)
	for range 4 { // a client that lost its connection is of no further use: each is a new one
		w.up(t)
		w.sim.DropConnections()
		if next(t, w.changed, "loss") {
			t.Fatal("made twice")
		}
		if got := next(t, w.pauses, "pause"); got != "1 false" && got != "2 false" && got != "3 false" && got != "4 false" {
			t.Errorf("pause %s", got)
		}
	}
	w.up(t)
	if ack, err := w.sim.Say(t.Context(), feishusim.Words{Chat: "oc_ops", From: w.person, Text: "@点名 帮助"}); err != nil || ack.Code != 200 {
		t.Errorf("%+v, %v", ack, err)
	}
}

func TestRefusalsAreWaitedOut(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	w.sim.DisableApp(true)
	w.listen(t)
	for i := range 3 {
		if got, want := next(t, w.pauses, "pause"), fmt.Sprint(i+1, true); got != want {
			t.Errorf("pause %s for %s", got, want)
		}
	}
	w.sim.DisableApp(false)
	w.up(t)
}

func TestTroubleIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	for _, f := range []feishusim.Fault{{Status: 502, Body: "<html>"}, {Code: 1000040343, Status: 200}, {Before: true}, {Status: 302, Body: "x"}} {
		f.Path = "/callback/ws/endpoint"
		w.sim.Inject(f)
	}
	w.listen(t)
	for i := range 4 {
		if got, want := next(t, w.pauses, "pause"), fmt.Sprint(i+1, false); got != want {
			t.Errorf("pause %s for %s", got, want)
		}
	}
	w.up(t)
}

func TestItStopsWithTheRunningHandlers(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	w := setup(t, feishusim.Options{}, func(ctx context.Context, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done() // the end reaches the handlers
		return nil, ctx.Err()
	})
	w.listen(t)
	w.up(t)
	said := make(chan struct{})
	saying, hush := context.WithCancel(context.Background())
	t.Cleanup(func() { hush(); <-said })
	go func() {
		defer close(said)
		_, _ = w.sim.Say(saying, feishusim.Words{Chat: "oc_ops", From: w.person, Text: "@点名 帮助"})
	}()
	next(t, entered, "handler")
	w.stop()
	err := next(t, w.ended, "end")
	w.ended <- err // for the cleanup
	if err != nil {
		t.Errorf("%v", err)
	}
}

func TestItStopsWhileItWaits(t *testing.T) {
	t.Parallel()
	w := setup(t, feishusim.Options{}, nil)
	w.sim.DisableApp(true)
	w.o.Pause = func(int, bool) time.Duration { w.pauses <- "asked"; return time.Hour }
	w.listen(t)
	next(t, w.pauses, "pause")
	w.stop()
	w.ended <- next(t, w.ended, "end")
}

func TestPauses(t *testing.T) {
	t.Parallel()
	for n, ceiling := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 7: time.Minute, 1000: time.Minute} {
		for range 50 {
			if got := pause(n, false); got < ceiling/2 || got > ceiling {
				t.Errorf("after %d: %v", n, got)
			}
		}
	}
	if got := pause(1, true); got < refusedPause/2 || got > refusedPause {
		t.Errorf("refused: %v", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	o := Options{AppID: "cli_a", AppSecret: secret}
	if text := fmt.Sprintf("%v %+v %#v %s", o, o, &o, o); strings.Contains(text, secret) {
		t.Errorf("%s", text)
	}
	if err := Listen(t.Context(), o); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "handler") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}
