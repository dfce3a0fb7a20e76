package longconn_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/feishubot"
	"github.com/rollcallhq/rollcall/bot/feishubot/longconn"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestTheWholeWay goes from a word in the room to a pressed button, as the
// product wires it.
func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	sim := feishusim.New(feishusim.Options{Now: time.Now, NoLimits: true})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(sim.DropConnections)
	u, err := sim.AddUser(feishusim.User{Name: "李敏", UserID: "limin"})
	if err != nil {
		t.Fatal(err)
	}
	sim.AddChat("oc_ops", "运维群", u.OpenID)
	up := make(chan bool, 10)
	b, err := feishubot.New(feishubot.Options{
		AppID: sim.AppID(), BaseURL: server.URL, Now: time.Now,
		Tokens: feishutoken.New(feishutoken.Options{BaseURL: server.URL, AppID: sim.AppID(), AppSecret: sim.AppSecret(), Now: time.Now}),
		Connect: func(ctx context.Context, handle feishubot.Handle) error {
			return longconn.Listen(ctx, longconn.Options{
				AppID: sim.AppID(), AppSecret: sim.AppSecret(), BaseURL: server.URL, Handle: longconn.Handle(handle),
				Now: time.Now, Changed: func(connected bool) { up <- connected },
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Probe(t.Context()); err != nil { // so that the bot knows itself
		t.Fatal(err)
	}
	heard := make(chan bot.Message, 10)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Listen(ctx, func(_ context.Context, m bot.Message) error {
			heard <- m
			return nil
		})
	}()
	<-up
	for { // the client is told first
		changed := sim.ConnectionsChanged()
		if sim.Connections() > 0 {
			break
		}
		<-changed
	}
	ack, err := sim.Say(t.Context(), feishusim.Words{Chat: "oc_ops", From: u.OpenID, Text: "@点名 同步 hr"})
	if err != nil {
		t.Fatal(err)
	}
	m := <-heard
	if m.Text != "同步 hr" || m.ID != ack.MessageID() || m.Sender[0] != u.OpenID || m.Foreign {
		t.Errorf("%+v", m)
	}
	place, err := b.Send(t.Context(), bot.Outgoing{
		Chat: m.Chat, ReplyTo: m.ID, Lang: bot.ZH,
		Card: bot.Card{Title: "7K3MQ2", Buttons: []bot.Button{{Label: "取消", Command: "取消 7K3MQ2", Digest: "d"}}},
	}, "k", "")
	if err != nil {
		t.Fatal(err)
	}
	press, err := sim.Press(t.Context(), feishusim.Click{Message: place, By: u.OpenID, Button: "取消"})
	if err != nil || press.ClientCode != 0 {
		t.Fatalf("%+v, %v", press, err)
	}
	m = <-heard
	if m.Press == nil || m.Press.Command != "取消 7K3MQ2" || m.Press.Digest != "d" || m.Press.Card != place || m.ID != press.Event.ID || m.Foreign {
		t.Errorf("%+v %+v", m, m.Press)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}
