package feishusim

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestACardChangedBeforeTheAnswerFlipsBack: the answer to a press puts back what
// a change by the press's token put there too early.
func TestACardChangedBeforeTheAnswerFlipsBack(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	r := listen(t)
	id := w.send("interactive", card2, "")["message_id"].(string)
	e, err := w.PressEvent(Click{Message: id, By: "wang", Button: "approve"})
	if err != nil {
		t.Fatal(err)
	}
	decided := strings.Replace(card2, "删除 **3**", "已批准", 1)
	w.ok("POST", "/open-apis/interactive/v1/card/update", `{"token":"`+e.Body["token"].(string)+`","card":`+decided+`}`)
	if m, _ := w.Message(id); !strings.Contains(m.Content, "已批准") {
		t.Fatalf("not changed: %s", m.Content)
	}
	if a, err := w.Post(t.Context(), r.URL, e, Forgery{}); err != nil || a.ClientCode != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if m, _ := w.Message(id); m.Content != card2 || m.Edits != 2 {
		t.Errorf("it did not flip back: %+v", m)
	}
	w.ok("POST", "/open-apis/interactive/v1/card/update", `{"token":"`+e.Body["token"].(string)+`","card":`+decided+`}`)
	if m, _ := w.Message(id); !strings.Contains(m.Content, "已批准") {
		t.Errorf("a change after the answer does not stay: %s", m.Content)
	}
}

func TestBotMovedEvents(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	out, err := w.BotMovedEvent("oc_room", "zhou", false)
	if err != nil || out.Type != EventBotDeleted || out.Body["chat_id"] != "oc_room" || out.Body["name"] != "账号群" {
		t.Fatalf("%+v, %v", out, err)
	}
	w.sendRefused(230002, "text", `{"text":"x"}`)
	if e, err := w.MessageEvent(Words{Chat: "oc_room", From: "zhou", Text: "@点名 x"}); err != nil || !e.Silent {
		t.Errorf("a bot that is out hears: %+v, %v", e, err)
	}
	if in, err := w.BotMovedEvent("oc_room", "zhou", true); err != nil || in.Type != EventBotAdded || in.ID == out.ID {
		t.Errorf("%+v, %v", in, err)
	}
	w.send("text", `{"text":"x"}`, "")
	for _, by := range []string{"nobody", ""} {
		if _, err := w.BotMovedEvent("oc_room", by, true); !errors.Is(err, errUnknown) {
			t.Errorf("%q: %v", by, err)
		}
	}
}

func TestEventsAboutMessages(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	said, err := w.MessageEvent(Words{Chat: "oc_room", From: "zhou", Text: "@点名 x"})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := w.RecallEvent(said.MessageID)
	if m, _ := w.Message(said.MessageID); err != nil || gone.Type != EventRecalled || gone.Body["message_id"] != said.MessageID || !m.Recalled {
		t.Errorf("%+v, %v, %+v", gone, err, m)
	}
	own := w.send("text", `{"text":"x"}`, "")["message_id"].(string)
	if _, err := w.RecallEvent(own); !errors.Is(err, errUnknown) {
		t.Errorf("a person takes back what the bot said: %v", err)
	}
	if read, err := w.ReadEvent("wang", own); err != nil || read.Type != EventRead || len(read.Body["message_id_list"].([]string)) != 1 {
		t.Errorf("%+v, %v", read, err)
	}
	if _, err := w.ReadEvent("nobody", own); !errors.Is(err, errUnknown) {
		t.Errorf("%v", err)
	}
}

func TestDroppedAcks(t *testing.T) {
	t.Parallel()
	w := room(t, Options{AckWait: time.Minute})
	r := listen(t)
	e, err := w.MessageEvent(Words{Chat: "oc_room", From: "zhou", Text: "@点名 x"})
	if err != nil {
		t.Fatal(err)
	}
	w.DropAcks(1)
	if _, err := w.Post(t.Context(), r.URL, e, Forgery{}); !errors.Is(err, ErrNoAck) {
		t.Errorf("%v", err)
	}
	if a, err := w.Post(context.WithoutCancel(t.Context()), r.URL, e, Forgery{}); err != nil || a.Status != 200 || len(r.got) != 2 {
		t.Errorf("%+v, %v, %d deliveries", a, err, len(r.got))
	}
}

func TestAvailability(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	zhou, _ := w.User("zhou")
	wang, _ := w.User("wang")
	send := func(kind, id string) string {
		return quote(map[string]string{"receive_id": id, "msg_type": "text", "content": `{"text":"` + kind + `"}`})
	}
	for kind, id := range map[string]string{"open_id": zhou.OpenID, "union_id": zhou.UnionID, "user_id": "zhou"} {
		w.ok("POST", messages+"?receive_id_type="+kind, send(kind, id))
	}
	if all := w.Private(zhou.OpenID); len(all) != 3 || len(w.Private(wang.OpenID)) != 0 {
		t.Errorf("%+v", all)
	}
	w.SetAvailability(wang.OpenID)
	w.refused(230013, "POST", messages+"?receive_id_type=open_id", send("x", zhou.OpenID))
	w.ok("POST", messages+"?receive_id_type=open_id", send("x", wang.OpenID))
	w.SetAvailability()
	w.ok("POST", messages+"?receive_id_type=open_id", send("x", zhou.OpenID))
}
