package dingtalksim

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	sdkcard "github.com/open-dingtalk/dingtalk-stream-sdk-go/card"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/chatbot"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/client"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/event"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"
)

// sdk starts the vendor's own client against the bench.
func sdk(t *testing.T, b bench, options ...client.ClientOption) *client.StreamClient {
	t.Helper()
	c := client.NewStreamClient(append([]client.ClientOption{
		client.WithAppCredential(client.NewAppCredentialConfig(b.opts.ClientID, b.opts.ClientSecret)),
		client.WithOpenApiHost(b.base),
	}, options...)...)
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("start the SDK: %v", err)
	}
	t.Cleanup(c.Close)
	b.await(t, 1)
	return c
}

func rawRouter(handle func(*payload.DataFrame)) client.ClientOption {
	return client.WithSubscription("CALLBACK", topicBot,
		func(_ context.Context, f *payload.DataFrame) (*payload.DataFrameResponse, error) {
			handle(f)
			answer := payload.NewSuccessDataFrameResponse()
			return answer, answer.SetJson(map[string]any{"response": nil})
		})
}

func TestOfficialSDKReceives(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make(chan *payload.DataFrame, 4)
	sdk(t, b, rawRouter(func(f *payload.DataFrame) { got <- f }))
	d := b.say(t, "同步 hr-to-wecom", SayOptions{At: []string{"li"}})
	if d.Ack.Code != 200 || d.Ack.Data != `{"response":null}` {
		t.Errorf("ack: %+v", d.Ack)
	}
	var m chatbot.BotCallbackDataModel
	if err := json.Unmarshal([]byte((<-got).Data), &m); err != nil {
		t.Fatal(err)
	}
	if m.Text.Content != " 同步 hr-to-wecom" || m.SenderStaffId != "zhou" || m.ConversationId != group ||
		m.MsgId != d.MessageID || m.RobotCode != b.opts.RobotCode || len(m.AtUsers) != 2 || !m.IsInAtList ||
		m.SessionWebhookExpiredTime-m.CreateAt != 5400_000 || m.SenderNick != "周凯" {
		t.Errorf("message: %+v", m)
	}
	if err := b.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := chatbot.NewChatbotReplier().SimpleReplyText(t.Context(), m.SessionWebhook, []byte("收到")); err != nil {
		t.Errorf("reply: %v", err)
	}
	if said := b.Messages(group); len(said) != 1 || said[0].Text != "收到" || said[0].AnswerTo != d.MessageID {
		t.Errorf("messages: %+v", said)
	}
	noComplaints(t, b)
}

func TestOfficialSDKWithoutHandler(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sdk(t, b, rawRouter(func(*payload.DataFrame) {}))
	// The subscription stays, the handler goes: the SDK answers 404.
	ack, err := b.push(t.Context(), b.openConnections()[0], pushed{topic: topicCard, data: "{}"})
	if err != nil || ack.Code != 404 {
		t.Errorf("ack: %+v, %v", ack, err)
	}
	if _, err := c.GetHandler("CALLBACK", topicCard); err == nil {
		t.Error("the test registered a card handler after all")
	}
}

func TestOfficialSDKCardCallback(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clicks := make(chan *sdkcard.CardRequest, 1)
	c := client.NewStreamClient(
		client.WithAppCredential(client.NewAppCredentialConfig(b.opts.ClientID, b.opts.ClientSecret)),
		client.WithOpenApiHost(b.base))
	c.RegisterCardCallbackRouter(func(_ context.Context, r *sdkcard.CardRequest) (*sdkcard.CardResponse, error) {
		clicks <- r
		return &sdkcard.CardResponse{
			CardUpdateOptions: &sdkcard.CardUpdateOptions{UpdateCardDataByKey: true},
			CardData:          &sdkcard.CardDataDto{CardParamMap: map[string]string{"status": "approved"}},
		}, nil
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	b.await(t, 1)
	if got := b.call(t, "POST", "/v1.0/card/instances/createAndDeliver", groupCard("run-1")); got.status != 200 {
		t.Fatalf("create: %s", got.raw)
	}
	_, err := b.Click(t.Context(), Click{
		OutTrackID: "run-1", Staff: "li", ActionID: "approve", Params: map[string]string{"action": "accept"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := <-clicks
	if r.UserId != "li" || r.GetActionString("action") != "accept" || r.OutTrackId != "run-1" || r.CorpId != b.opts.CorpID {
		t.Errorf("request: %+v", r)
	}
	if state, _ := b.Card("run-1"); state.Params["status"] != "approved" || state.Params["title"] != "待批准" {
		t.Errorf("card: %+v", state)
	}
	noComplaints(t, b)
}

func TestOfficialSDKReconnects(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the SDK waits three seconds before it reconnects")
	}
	b := setup(t)
	got := make(chan *payload.DataFrame, 4)
	sdk(t, b, rawRouter(func(f *payload.DataFrame) { got <- f }))
	if err := b.Disconnect(t.Context()); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	b.await(t, 1)
	d := b.say(t, "状态", SayOptions{})
	var m chatbot.BotCallbackDataModel
	if err := json.Unmarshal([]byte((<-got).Data), &m); err != nil || m.MsgId != d.MessageID {
		t.Errorf("after the reconnect: %+v, %v", m, err)
	}
}

func TestOfficialSDKBadSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := client.NewStreamClient(
		client.WithAppCredential(client.NewAppCredentialConfig(b.opts.ClientID, "wrong")),
		client.WithOpenApiHost(b.base), rawRouter(func(*payload.DataFrame) {}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Start(ctx); err == nil {
		t.Error("the SDK started with a wrong secret")
	}
}

func TestOfficialSDKEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make(chan *event.EventHeader, 4)
	answers := []event.EventProcessStatusType{event.EventProcessStatusKLater, event.EventProcessStatusKSuccess}
	handler := event.NewDefaultEventFrameHandler(
		func(_ context.Context, h *event.EventHeader, _ []byte) (event.EventProcessStatusType, error) {
			got <- h
			answer := answers[0]
			answers = answers[1:]
			return answer, nil
		})
	sdk(t, b, client.WithSubscription("EVENT", "*", handler.OnEventReceived))
	if _, err := b.Console().AddDepartment(Department{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if n := b.DeliverEvents(t.Context()); n != 0 {
		t.Errorf("LATER counts as taken")
	}
	b.clock.Add(10 * time.Second)
	if n := b.DeliverEvents(t.Context()); n != 1 {
		t.Errorf("SUCCESS does not count as taken")
	}
	first, second := <-got, <-got
	if first.EventType != eventDeptCreate || first.EventId != second.EventId || first.EventBornTime == 0 || first.EventCorpId != b.opts.CorpID {
		t.Errorf("%+v, then %+v", first, second)
	}
	noComplaints(t, b)
}
