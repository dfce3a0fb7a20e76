package dingtalkbot_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func TestStreamMessage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(2)
	for _, tt := range []struct {
		name string
		o    dingtalksim.SayOptions
		text string
		want string
	}{
		{name: "plain", text: "同步 hr-to-wecom", want: "同步 hr-to-wecom"},
		{name: "rich", text: "同步 hr", o: dingtalksim.SayOptions{RichText: true}, want: "同步 hr"},
		{name: "blanks", text: " \u2005\u200b 状态 ", want: "状态"},
		{name: "our button", text: "@点名 取消 7K3MQ2", want: "取消 7K3MQ2"},
		{name: "our button, twice", text: "@点名 @点名 取消 7K3MQ2 @点名", want: "取消 7K3MQ2"},
		{name: "somebody else", text: "@点名器 取消", want: "@点名器 取消"},
		{name: "no robot code", text: "x", o: dingtalksim.SayOptions{NoRobotCode: true}, want: "x"},
	} {
		d := w.say(tt.text, tt.o)
		m := w.next()
		if d.Ack.Code != 200 || m.Text != tt.want || m.ID != d.MessageID || m.Chat != room || !m.Addressed || m.Direct || m.Weak || m.Foreign {
			t.Errorf("%s: ack %+v, message %+v", tt.name, d.Ack, m)
		}
		if len(m.Sender) != 1 || m.Sender[0] != "u1" || !m.At.Equal(w.clock.now()) {
			t.Errorf("%s: sender %v at %v", tt.name, m.Sender, m.At)
		}
		if !strings.HasPrefix(m.Session.URL, w.base+"/robot/sendBySession?session=") || !m.Session.Expires.Equal(m.At.Add(90*time.Minute)) {
			t.Errorf("%s: session %v", tt.name, m.Session.Expires)
		}
	}
	w.say("看 @李敏", dingtalksim.SayOptions{At: []string{"u2"}})
	if m := w.next(); len(m.Mentions) != 1 || m.Mentions[0].ID != "u2" {
		t.Errorf("mentions: %+v", m.Mentions)
	}
	if _, err := w.Say(t.Context(), dingtalksim.Direct("u2"), "u2", "状态", dingtalksim.SayOptions{}); err != nil {
		t.Fatal(err)
	}
	if m := w.next(); !m.Direct || !m.Addressed || m.Chat != dingtalkbot.DirectChat("u2") {
		t.Errorf("direct: %+v", m)
	}
	if _, ever := w.bot.LastFrame(); !ever {
		t.Error("no frame is remembered")
	}
	stop()
	w.innocent()
}

func TestStreamStrangers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	for name, o := range map[string]dingtalksim.SayOptions{
		"sender's corp": {SenderCorpID: "dingother"},
		"robot's corp":  {ChatbotCorpID: "dingother"},
	} {
		w.say("状态", o)
		if m := w.next(); !m.Foreign {
			t.Errorf("%s: %+v", name, m)
		}
	}
	w.say("状态", dingtalksim.SayOptions{EmptyStaffID: true})
	if m := w.next(); len(m.Sender) != 0 {
		t.Errorf("unknown sender: %v", m.Sender)
	}
	w.say("状态", dingtalksim.SayOptions{RobotCode: "other"})
	if got := w.bot.Refused()["robot"]; got != 1 {
		t.Errorf("refused: %v", w.bot.Refused())
	}
	w.say("状态", dingtalksim.SayOptions{Webhook: dingtalksim.WebhookNone})
	if m := w.next(); m.Session.URL != "" || w.bot.Refused()["session_webhook"] != 0 {
		t.Errorf("session: %+v", m.Session)
	}
	w.innocent()
}

func TestStreamCorpUnknown(t *testing.T) {
	t.Parallel()
	w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.CorpID = "" })
	w.listen(1)
	w.say("状态", dingtalksim.SayOptions{})
	if m := w.next(); m.Foreign {
		t.Error("our own corp is foreign")
	}
	w.say("状态", dingtalksim.SayOptions{SenderCorpID: "dingother"})
	if m := w.next(); !m.Foreign {
		t.Error("another corp is not foreign")
	}
}

func TestStreamNotAccepted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    dingtalksim.SayOptions
		via  dingtalksim.Via
	}{
		{"by session", dingtalksim.SayOptions{}, dingtalksim.ViaSession},
		{"session dead", dingtalksim.SayOptions{Webhook: dingtalksim.WebhookDead}, dingtalksim.ViaGroup},
		{"no session", dingtalksim.SayOptions{Webhook: dingtalksim.WebhookNone}, dingtalksim.ViaGroup},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			stop := w.listen(1)
			w.box.breakDown(errBroken)
			d := w.say("同步 hr", tt.o)
			got := w.heard(room, 1)[0]
			if d.Ack.Code != 500 || got.Via != tt.via || !strings.Contains(got.Text, "没有收下，请重发 / not accepted, send again") {
				t.Errorf("ack %d, said %+v", d.Ack.Code, got)
			}
			if tt.via == dingtalksim.ViaSession && (len(got.Mentioned) != 1 || got.Mentioned[0] != "u1") {
				t.Errorf("mentioned %v", got.Mentioned)
			}
			w.box.breakDown(nil)
			if d, err := w.Redeliver(t.Context(), d.MessageID); err != nil || d.Ack.Code != 200 {
				t.Errorf("again: %+v, %v", d, err)
			}
			stop()
			w.innocent()
		})
	}
}

func TestStreamForeignIsNotAnswered(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(1)
	w.box.breakDown(errBroken)
	w.say("同步 hr", dingtalksim.SayOptions{SenderCorpID: "dingother"})
	stop() // waits for every answer
	if said := w.Messages(room); len(said) != 0 {
		t.Errorf("said %+v", said)
	}
}

func TestStreamQuota(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(1)
	w.SetQuota(dingtalksim.Quota{Messages: 1})
	w.say("状态", dingtalksim.SayOptions{})
	w.next()
	w.say("状态", dingtalksim.SayOptions{})
	stop()
	if w.bot.Refused()["quota"] != 1 || len(w.box.messages()) != 1 {
		t.Errorf("refused %v, messages %d", w.bot.Refused(), len(w.box.messages()))
	}
	w.innocent()
}

// TestStreamBurst: the SDK alone would drop what comes beyond 100 at once.
func TestStreamBurst(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *dingtalkbot.Options, s *dingtalksim.Options) { s.AckWithin = time.Minute })
	stop := w.listen(2)
	const burst = 400
	var all sync.WaitGroup
	for range burst {
		all.Go(func() {
			if _, err := w.Say(t.Context(), room, "u1", "状态", dingtalksim.SayOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	stop()
	if got := len(w.box.messages()); got != burst {
		t.Errorf("%d of %d arrived", got, burst)
	}
	w.innocent()
}

func TestStreamReconnects(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(2)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if n := w.DropConnections(); n != 2 {
		t.Fatalf("%d connections", n)
	}
	w.opened(4)
	w.say("状态", dingtalksim.SayOptions{})
	w.next()
	if err := w.Disconnect(ctx); err != nil {
		t.Fatal(err)
	}
	w.opened(6)
	w.say("状态", dingtalksim.SayOptions{})
	w.next()
	stop()
	w.innocent()
}

// opened waits until n connections have been made altogether, and the last of
// them takes messages.
func (w *world) opened(n int) {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		got := 0
		for _, c := range w.Calls() {
			if c.Path == "/connect" && c.Status == 101 {
				got++
			}
		}
		if got >= n && w.Connections() >= 1 {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%d connections were made, want %d", got, n)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestStreamFirstConnectionIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Inject(dingtalksim.Fault{Path: "/v1.0/gateway/connections/open", Times: 3, Status: 401, Code: "authFailed"})
	w.Inject(dingtalksim.Fault{Path: "/connect", Times: 2, Status: 502})
	stop := w.listen(2)
	stop()
	if log := w.log.String(); !strings.Contains(log, `"reason":"authFailed"`) || !strings.Contains(log, `"reason":"unreachable"`) {
		t.Errorf("log: %s", log)
	}
	w.innocent()
}

// TestStreamZombie: a connection that answers and brings nothing is replaced;
// silent pongs end nothing but the connection.
func TestStreamZombie(t *testing.T) {
	t.Parallel()
	w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.Streams = 1 })
	stop := w.listen(1)
	if err := w.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.SilencePings(true)
	w.SilencePongs(true)
	w.clock.advance(91 * time.Second)
	w.opened(2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.AwaitConnections(ctx, 1); err != nil {
		t.Fatal(err)
	}
	stop()
	if !strings.Contains(w.log.String(), `"reason":"silent"`) {
		t.Errorf("log: %s", w.log)
	}
}

// TestSilentPongs: a ping without an answer ends the connection and nothing
// else; an older version of the SDK ended the process.
func TestSilentPongs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the SDK's own 11 seconds")
	}
	w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.Streams = 1 })
	w.bot.KeepAlive(3 * time.Second)
	w.SilencePings(true)
	w.SilencePongs(true)
	stop := w.listen(1)
	w.opened(2)
	w.SilencePongs(false)
	w.say("状态", dingtalksim.SayOptions{})
	w.next()
	stop()
	w.innocent()
}

func TestListenEndsPromptly(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.bot.Hurry(time.Hour, time.Hour, time.Hour)
	w.Inject(dingtalksim.Fault{Path: "/v1.0/gateway/connections/open", Times: -1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.bot.Listen(ctx, w.box.receive) }()
	for len(w.Calls()) < 2 {
		<-time.After(time.Millisecond)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Listen sleeps on")
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := dingtalkbot.New(dingtalkbot.Options{Receive: "callback", APIURL: "https://x/y"})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"client_id", "client_secret", "clock", "corp_id", "room", "api_url"} {
		if !strings.Contains(fault.Say(err), want) {
			t.Errorf("%q is not in %q", want, fault.Say(err))
		}
	}
}
