package feishusim

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

const messages = "/open-apis/im/v1/messages"

const card2 = `{"schema":"2.0","config":{"update_multi":true},"header":{"title":{"tag":"plain_text","content":"计划"},"template":"orange"},
"body":{"elements":[{"tag":"markdown","content":"删除 **3**"},
{"tag":"button","name":"approve","type":"danger","text":{"tag":"plain_text","content":"批准"},"behaviors":[{"type":"callback","value":{"op":"approve"}}]},
{"tag":"button","text":{"tag":"plain_text","content":"文档"},"behaviors":[{"type":"open_url","default_url":"https://example.com"}]}]}}`

const card1 = `{"config":{"update_multi":true},"elements":[{"tag":"div","text":{"tag":"lark_md","content":"x"}},
{"tag":"action","actions":[{"tag":"button","text":{"tag":"plain_text","content":"好"},"value":{"op":"ok"}}]}]}`

// room makes a group with two people in it.
func room(t *testing.T, o Options) *world {
	t.Helper()
	w := setup(t, o)
	w.person("zhou", "周凯")
	w.person("wang", "王芳")
	a, _ := w.User("zhou")
	b, _ := w.User("wang")
	w.AddChat("oc_room", "账号群", a.OpenID, b.OpenID)
	return w
}

func (w *world) send(kind, content, uuid string) map[string]any {
	w.t.Helper()
	return w.ok("POST", messages+"?receive_id_type=chat_id",
		quote(map[string]string{"receive_id": "oc_room", "msg_type": kind, "content": content, "uuid": uuid}))
}

func (w *world) sendRefused(code int, kind, content string) reply {
	w.t.Helper()
	return w.refused(code, "POST", messages+"?receive_id_type=chat_id",
		quote(map[string]string{"receive_id": "oc_room", "msg_type": kind, "content": content}))
}

func TestSendAndReply(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	var heard []Message
	stop := w.OnMessage(func(m Message) { heard = append(heard, m) })
	zhou, _ := w.User("zhou")
	first := w.send("text", `{"text":"你好 <at user_id=\"`+zhou.OpenID+`\">周凯</at> <at user_id=\"all\"></at>"}`, "")
	id := first["message_id"].(string)
	if !strings.HasPrefix(id, "om_") || first["chat_id"] != "oc_room" || first["root_id"] != nil || first["thread_id"] != nil {
		t.Errorf("sent: %v", first)
	}
	if object(t, first["body"])["content"] != `{"text":"你好 @_user_1 @_all"}` || len(rows(t, first["mentions"])) != 2 {
		t.Errorf("mentions: %v", first)
	}
	reply := w.ok("POST", messages+"/"+id+"/reply", quote(map[string]any{"msg_type": "text", "content": `{"text":"答"}`, "reply_in_thread": true}))
	thread, _ := reply["thread_id"].(string)
	if !strings.HasPrefix(thread, "omt_") || reply["root_id"] != id || reply["parent_id"] != id {
		t.Errorf("reply: %v", reply)
	}
	second := w.ok("POST", messages+"/"+reply["message_id"].(string)+"/reply", quote(map[string]any{"msg_type": "interactive", "content": card2}))
	if second["thread_id"] != thread || second["root_id"] != id || second["parent_id"] != reply["message_id"] {
		t.Errorf("reply in the thread: %v", second)
	}
	got := object(t, rows(t, w.ok("GET", messages+"/"+id, "")["items"])[0])
	if got["thread_id"] != thread || object(t, got["sender"])["sender_type"] != "app" {
		t.Errorf("got: %v", got)
	}
	all := w.Messages("oc_room")
	if len(all) != 3 || all[0].Text() != "你好 @周凯 @所有人" || all[2].Content != card2 || len(heard) != 3 {
		t.Errorf("messages: %+v, heard %d", all, len(heard))
	}
	stop()
	w.ok("DELETE", messages+"/"+id, "")
	w.refused(230011, "POST", messages+"/"+id+"/reply", quote(map[string]any{"msg_type": "text", "content": `{"text":"x"}`}))
	w.refused(99992354, "POST", messages+"/om_none/reply", quote(map[string]any{"msg_type": "text", "content": `{"text":"x"}`}))
	if len(heard) != 3 || len(w.EffectsOf("message.reply")) != 2 || len(w.EffectsOf("message.send")) != 1 {
		t.Errorf("effects: %v, heard %d", w.Effects(), len(heard))
	}
}

func TestSendRefusals(t *testing.T) {
	t.Parallel()
	w := room(t, Options{NoLimits: true})
	w.sendRefused(230001, "text", `你好`)
	w.sendRefused(230001, "text", `{"text":""}`)
	w.sendRefused(230001, "", `{"text":"x"}`)
	w.sendRefused(230001, "post", `{}`)
	w.sendRefused(230054, "audio", `{}`)
	w.sendRefused(230025, "text", `{"text":"`+strings.Repeat("x", maxText)+`"}`)
	w.sendRefused(230025, "interactive", `{"elements":["`+strings.Repeat("x", maxCard)+`"]}`)
	w.send("text", `{"text":"`+strings.Repeat("x", maxText-20)+`"}`, "")
	w.send("post", `{"zh_cn":{"title":"x","content":[[{"tag":"text","text":"y"}]]}}`, "")
	w.refused(230001, "POST", messages+"?receive_id_type=chat_id",
		quote(map[string]string{"receive_id": "oc_room", "msg_type": "text", "content": `{"text":"x"}`, "uuid": strings.Repeat("x", 51)}))
	w.refused(99992402, "POST", messages, `{}`)
	w.refused(230002, "POST", messages+"?receive_id_type=chat_id", `{"receive_id":"oc_none"}`)
	w.refused(230013, "POST", messages+"?receive_id_type=open_id", `{"receive_id":"ou_none"}`)
	private := w.ok("POST", messages+"?receive_id_type=user_id", `{"receive_id":"zhou","msg_type":"text","content":"{\"text\":\"x\"}"}`)
	if got := w.Messages(private["chat_id"].(string)); len(got) != 1 {
		t.Errorf("private: %v", got)
	}
	first := w.Messages("oc_room")[0].ID
	for code, change := range map[int]func(*Chat){
		230002: func(c *Chat) { c.BotOut = true },
		230035: func(c *Chat) { c.Muted = true },
		232009: func(c *Chat) { c.Dissolved = true },
	} {
		if err := w.UpdateChat("oc_room", change); err != nil {
			t.Fatal(err)
		}
		w.sendRefused(code, "text", `{"text":"x"}`)
		if err := w.UpdateChat("oc_room", func(c *Chat) { *c = Chat{Type: "group", Members: c.Members, NoThreads: true} }); err != nil {
			t.Fatal(err)
		}
	}
	w.refused(230071, "POST", messages+"/"+first+"/reply", `{"msg_type":"text","content":"{\"text\":\"x\"}","reply_in_thread":true}`)
	w.ok("POST", messages+"/"+first+"/reply", `{"msg_type":"text","content":"{\"text\":\"x\"}"}`)
	if got := w.ok("GET", "/open-apis/im/v1/chats", ""); len(rows(t, got["items"])) != 1 {
		t.Errorf("chats: %v", got)
	}
	if got := w.ok("GET", "/open-apis/im/v1/chats/oc_room", ""); got["chat_mode"] != "group" {
		t.Errorf("chat: %v", got)
	}
	w.refused(232006, "GET", "/open-apis/im/v1/chats/oc_none", "")
}

func TestUUIDAndChatRate(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	first := w.send("text", `{"text":"x"}`, "u-1")
	for range 9 { // the same uuid costs nothing and sends nothing
		if again := w.send("text", `{"text":"x"}`, "u-1"); again["message_id"] != first["message_id"] {
			t.Fatalf("sent twice: %v", again)
		}
	}
	for range 4 {
		w.send("text", `{"text":"x"}`, "")
	}
	if r := w.sendRefused(230020, "text", `{"text":"x"}`); r.status != 400 {
		t.Errorf("status %d", r.status)
	}
	w.clock.advance(200 * time.Millisecond)
	w.send("text", `{"text":"x"}`, "")
	w.clock.advance(time.Hour)
	if again := w.send("text", `{"text":"x"}`, "u-1"); again["message_id"] == first["message_id"] {
		t.Error("a uuid holds longer than an hour")
	}
}

func TestEditCard(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	patch := func(content string) string { return quote(map[string]string{"content": content}) }
	id := w.send("interactive", card2, "")["message_id"].(string)
	next := strings.Replace(card2, "删除", "已删除", 1)
	w.ok("PATCH", messages+"/"+id, patch(next))
	m, _ := w.Message(id)
	if m.Content != next || m.Edits != 1 || m.History[0] != card2 {
		t.Errorf("edited: %+v", m)
	}
	w.refused(230001, "PUT", messages+"/"+id, quote(map[string]string{"msg_type": "text", "content": `{"text":"x"}`}))
	w.refused(230099, "PATCH", messages+"/"+id, patch(`{"schema":"2.0","body":{"elements":[{"tag":"note"}]}}`))
	w.refused(200830, "PATCH", messages+"/"+id, patch(card1))
	w.ok("PATCH", messages+"/"+id, patch(card2))
	w.ok("PATCH", messages+"/"+id, patch(card2)) // five tries so far, with the refused ones
	w.refused(230020, "PATCH", messages+"/"+id, patch(card2))

	w.clock.advance(time.Second)
	old := w.send("interactive", `{"elements":[{"tag":"hr"}]}`, "")["message_id"].(string)
	w.refused(230001, "PATCH", messages+"/"+old, patch(card1)) // the old card has no update_multi
	one := w.send("interactive", card1, "")["message_id"].(string)
	w.refused(230001, "PATCH", messages+"/"+one, patch(`{"elements":[{"tag":"hr"}]}`))
	w.ok("PATCH", messages+"/"+one, patch(card2))
	w.refused(230025, "PATCH", messages+"/"+one, patch(strings.Repeat("x", maxCard+1)))

	text := w.send("text", `{"text":"x"}`, "")["message_id"].(string)
	w.refused(230001, "PATCH", messages+"/"+text, patch(card2))
	for i := range maxEdits {
		w.ok("PUT", messages+"/"+text, quote(map[string]string{"msg_type": "text", "content": `{"text":"` + strconv.Itoa(i) + `"}`}))
	}
	w.refused(230072, "PUT", messages+"/"+text, quote(map[string]string{"msg_type": "text", "content": `{"text":"y"}`}))

	w.clock.advance(cardLife + time.Second)
	w.login()
	w.refused(230031, "PATCH", messages+"/"+one, patch(card2))
	human, err := w.MessageEvent(Words{Chat: "oc_room", From: "zhou", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w.refused(230001, "PUT", messages+"/"+human.MessageID, quote(map[string]string{"msg_type": "text", "content": `{"text":"y"}`}))
}
