package sdktest

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	lark "github.com/larksuite/oapi-sdk-go/v3"
	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
	larkcontact "github.com/larksuite/oapi-sdk-go/v3/service/contact/v3"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

const card = `{"schema":"2.0","body":{"elements":[{"tag":"button","name":"approve","text":{"tag":"plain_text","content":"批准"},
"behaviors":[{"type":"callback","value":{"op":"approve"}}]}]}}`

// tenant serves a pretend tenant with one person and one group. The app id
// differs from test to test, because the SDK's token cache is global.
func tenant(t *testing.T, o feishusim.Options) (*feishusim.Sim, string, *lark.Client) {
	t.Helper()
	o.Now, o.AppID = time.Now, "cli_"+t.Name()
	o.AckWait = time.Minute // a busy machine must not look like a deaf client
	sim := feishusim.New(o)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() { sim.DropConnections(); server.Close() })
	u, err := sim.AddUser(feishusim.User{UserID: "zhou", Name: "周凯"})
	if err != nil {
		t.Fatal(err)
	}
	sim.AddChat("oc_room", "账号群", u.OpenID)
	client := lark.NewClient(o.AppID, sim.AppSecret(), lark.WithOpenBaseUrl(server.URL), lark.WithLogLevel(larkcore.LogLevelError))
	return sim, server.URL, client
}

func TestRESTBySDK(t *testing.T) {
	t.Parallel()
	sim, _, client := tenant(t, feishusim.Options{})
	ctx := t.Context()
	made, err := client.Contact.User.Create(ctx, larkcontact.NewCreateUserReqBuilder().UserIdType("user_id").ClientToken("k").
		User(larkcontact.NewUserBuilder().UserId("lilei").Name("李雷").Mobile("13811112222").
			DepartmentIds([]string{"0"}).EmployeeType(1).Build()).Build())
	if err != nil || !made.Success() || *made.Data.User.UserId != "lilei" {
		t.Fatalf("create: %v, %+v", err, made)
	}
	list, err := client.Contact.User.FindByDepartment(ctx, larkcontact.NewFindByDepartmentUserReqBuilder().DepartmentId("0").PageSize(50).Build())
	if err != nil || !list.Success() || len(list.Data.Items) != 2 || *list.Data.HasMore {
		t.Fatalf("list: %v, %+v", err, list)
	}
	gone, err := client.Contact.User.Delete(ctx, larkcontact.NewDeleteUserReqBuilder().UserIdType("user_id").UserId("lilei").Build())
	if err != nil || !gone.Success() {
		t.Fatalf("delete: %v, %+v", err, gone)
	}
	if u, ok := sim.User("lilei"); !ok || !u.Resigned {
		t.Errorf("stored: %+v", u)
	}
	sent, err := client.Im.Message.Create(ctx, larkim.NewCreateMessageReqBuilder().ReceiveIdType("chat_id").
		Body(larkim.NewCreateMessageReqBodyBuilder().ReceiveId("oc_room").MsgType("interactive").Content(card).Build()).Build())
	if err != nil || !sent.Success() || sim.Messages("oc_room")[0].ID != *sent.Data.MessageId {
		t.Errorf("send: %v, %+v", err, sent)
	}
	bad, err := client.Im.Message.Create(ctx, larkim.NewCreateMessageReqBuilder().ReceiveIdType("chat_id").
		Body(larkim.NewCreateMessageReqBodyBuilder().ReceiveId("oc_room").MsgType("interactive").Content(`{"schema":"2.0"}`).Build()).Build())
	if err != nil || bad.Code != 230099 {
		t.Errorf("bad card: %v, %+v", err, bad)
	}
}

// connect runs the SDK's client until the test ends.
func connect(t *testing.T, sim *feishusim.Sim, base string, events *dispatcher.EventDispatcher) {
	t.Helper()
	ready := make(chan struct{}, 1)
	client := larkws.NewClient(sim.AppID(), sim.AppSecret(), larkws.WithDomain(base), larkws.WithEventHandler(events),
		larkws.WithLogLevel(larkcore.LogLevelError), larkws.WithOnReady(func() { ready <- struct{}{} }))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended //nolint:errcheck // it ended because it was told to
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("client ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the client is not ready")
	}
	for sim.Connections() == 0 {
		<-sim.ConnectionsChanged()
	}
}

func TestLongConnectionBySDK(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]int{"whole": 0, "split": 200} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if split > 0 && raced {
				t.Skip("NOT RUN: the vendor's client has a race where it joins frames")
			}
			sim, base, _ := tenant(t, feishusim.Options{SplitAt: split})
			texts := make(chan string, 1)
			connect(t, sim, base, dispatcher.NewEventDispatcher("", "").
				OnP2MessageReceiveV1(func(_ context.Context, e *larkim.P2MessageReceiveV1) error {
					texts <- *e.Event.Message.Content
					return nil
				}))
			ack, err := sim.Say(t.Context(), feishusim.Words{Chat: "oc_room", From: "zhou", Text: "@点名 帮助"})
			for tries := 1; split > 0 && errors.Is(err, feishusim.ErrNoAck) && tries < 5; tries++ { // the client lost a frame: it comes again
				ack, err = sim.Deliver(t.Context(), ack.Event)
			}
			if err != nil || !ack.Delivered || ack.Code != 200 {
				t.Fatalf("say: %+v, %v", ack, err)
			}
			if got := <-texts; got != `{"text":"@_user_1 帮助"}` {
				t.Errorf("text: %s", got)
			}
		})
	}
}

func TestPressBySDK(t *testing.T) {
	t.Parallel()
	sim, base, client := tenant(t, feishusim.Options{})
	connect(t, sim, base, dispatcher.NewEventDispatcher("", "").
		OnP2CardActionTrigger(func(_ context.Context, e *callback.CardActionTriggerEvent) (*callback.CardActionTriggerResponse, error) {
			op, _ := e.Event.Action.Value["op"].(string)
			return &callback.CardActionTriggerResponse{Toast: &callback.Toast{Type: "success", Content: op}}, nil
		}))
	sent, err := client.Im.Message.Create(t.Context(), larkim.NewCreateMessageReqBuilder().ReceiveIdType("chat_id").
		Body(larkim.NewCreateMessageReqBodyBuilder().ReceiveId("oc_room").MsgType("interactive").Content(card).Build()).Build())
	if err != nil || !sent.Success() {
		t.Fatalf("send: %v, %+v", err, sent)
	}
	ack, err := sim.Press(t.Context(), feishusim.Click{Message: *sent.Data.MessageId, By: "zhou", Button: "approve"})
	if err != nil || ack.ClientCode != 0 || string(ack.Data) != `{"toast":{"type":"success","content":"approve"}}` {
		t.Errorf("press: %+v %s, %v", ack, ack.Data, err)
	}
	// A refused bootstrap with a client's own mistake ends the SDK for good.
	lost := larkws.NewClient(sim.AppID(), "wrong", larkws.WithDomain(base), larkws.WithLogLevel(larkcore.LogLevelError))
	if err := lost.Start(t.Context()); err == nil {
		t.Error("a wrong secret was let in")
	}
}
