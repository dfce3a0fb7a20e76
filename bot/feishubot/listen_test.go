package feishubot

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// pipe is a long connection that the test feeds.
type pipe struct{ ready chan Handle }

func (p *pipe) connect(ctx context.Context, h Handle) error {
	p.ready <- h
	<-ctx.Done()
	return ctx.Err()
}

func TestListenByConnection(t *testing.T) {
	t.Parallel()
	p := &pipe{ready: make(chan Handle, 1)}
	w := setup(t, func(_ *feishusim.Options, o *Options) {
		o.Connect, o.EncryptKey, o.VerificationToken = p.connect, "", ""
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Listen(ctx, w.inbox.receive) }()
	handle := <-p.ready
	const head = `{"schema":"2.0","header":{"event_id":"e1","create_time":"1608725989000","token":"","app_id":"cli_sim","tenant_key":"tenant_sim","event_type":`
	press := head + `"card.action.trigger"},"event":{"operator":{"open_id":"ou_a","tenant_key":"tenant_sim"},"context":{"open_chat_id":"oc_1","open_message_id":"om_1"},"action":{"value":{"cmd":"x"}}}}`
	answer, err := handle(ctx, []byte(press))
	if err != nil || string(answer) != pressTaken || len(w.inbox.all()) != 1 {
		t.Errorf("%s %v %+v", answer, err, w.inbox.all())
	}
	w.inbox.setFail(errStore)
	if answer, err = handle(ctx, []byte(press)); err != nil || string(answer) != pressLost {
		t.Errorf("%s %v", answer, err)
	}
	say := head + `"im.message.receive_v1"},"event":{"sender":{"sender_type":"user","tenant_key":"tenant_sim"},"message":{"message_id":"om_1","chat_id":"oc_1","chat_type":"p2p"}}}`
	if _, err = handle(ctx, []byte(say)); !errors.Is(err, errStore) {
		t.Errorf("%v", err)
	}
	if answer, err = handle(ctx, []byte(head+`"never.heard_of"},"event":{}}`)); answer != nil || err != nil {
		t.Errorf("%s %v", answer, err)
	}
	for name, payload := range map[string]string{
		"another app": `{"header":{"app_id":"x","tenant_key":"tenant_sim"}}`, "another tenant": `{"header":{"app_id":"cli_sim","tenant_key":"y"}}`,
		"no tenant": `{"header":{"app_id":"cli_sim"}}`, "no JSON": `x`,
	} {
		if _, err := handle(ctx, []byte(payload)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without keys no callback is genuine.
	if a := w.post(t, w.sim.NewEvent("x", nil), feishusim.Forgery{}); a.Status != http.StatusUnauthorized {
		t.Errorf("callback: %d", a.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}

func TestListenLearnsWhoTheBotIs(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.BotOpenID = "unknown" })
	// The first try fails; the message that waits for the answer hurries the next.
	failed := make(chan struct{})
	w.sim.Inject(feishusim.Fault{Path: "/open-apis/bot", Code: 99991400, After: func(context.Context) { close(failed) }, Apply: true})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Listen(ctx, w.inbox.receive) }()
	<-failed
	e := w.say(t, feishusim.Words{Text: "@点名 帮助"})
	for w.post(t, e, feishusim.Forgery{}).Status == http.StatusServiceUnavailable { // as the platform does, at its pace
	}
	if got := w.inbox.all(); len(got) != 1 || got[0].Text != "帮助" {
		t.Errorf("%+v", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
	noSecrets(t, w.log.text())
}

func TestListenTellsWhyItEnded(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *feishusim.Options, o *Options) {
		o.Connect = func(context.Context, Handle) error { return errStore }
	})
	if err := w.Listen(t.Context(), w.inbox.receive); !errors.Is(err, errStore) {
		t.Errorf("%v", err)
	}
	if w.Name() != run.Feishu || w.Can() != (bot.Abilities{Edit: true, Threads: true, Buttons: true, Forms: true, Direct: true, Files: true}) {
		t.Errorf("%s %+v", w.Name(), w.Can())
	}
}

// TestListenConnectsWhenItKnowsItself: Feishu gives an event to one of the
// connections, so one that would refuse messages is not opened.
func TestListenConnectsWhenItKnowsItself(t *testing.T) {
	t.Parallel()
	p := &pipe{ready: make(chan Handle, 1)}
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.BotOpenID, o.Connect = "unknown", p.connect })
	failed := make(chan struct{})
	w.sim.Inject(feishusim.Fault{Path: "/open-apis/bot", Code: 99991400, After: func(context.Context) { close(failed) }, Apply: true})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Listen(ctx, w.inbox.receive) }()
	<-failed
	w.self.hurry()
	<-p.ready
	if _, known := w.self.id(); !known {
		t.Error("connected before it was known who the bot is")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}

func TestIdentityIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var i identity
		i.init("")
		began := time.Now()
		if i.wait(t.Context(), selfWait); time.Since(began) != selfWait {
			t.Errorf("waited %s", time.Since(began))
		}
		go func() {
			time.Sleep(time.Second)
			i.set("ou_bot")
			i.set("ou_bot")
		}()
		began = time.Now()
		if i.wait(t.Context(), dialWait); time.Since(began) != time.Second {
			t.Errorf("waited %s", time.Since(began))
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		i.init("")
		if i.wait(ctx, dialWait); time.Since(began) != time.Second {
			t.Errorf("waited %s", time.Since(began))
		}
	})
}
