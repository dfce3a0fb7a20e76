package dingtalksim

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSayMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := b.listen(t)
	d := b.say(t, "批准 7K3MQ2 删除=3", SayOptions{At: []string{"chen"}})
	m := dataOf(t, <-frames)
	for key, want := range map[string]any{
		"conversationId": group, "conversationType": "2", "conversationTitle": "运维群", "msgId": d.MessageID,
		"msgtype": "text", "senderStaffId": "zhou", "senderNick": "周凯", "senderCorpId": b.opts.CorpID,
		"chatbotCorpId": b.opts.CorpID, "robotCode": b.opts.RobotCode, "isInAtList": true, "isAdmin": false,
		"chatbotUserId":             b.robotUserID(),
		"createAt":                  float64(b.clock.Now().UnixMilli()),
		"sessionWebhookExpiredTime": float64(b.clock.Now().Add(90 * time.Minute).UnixMilli()),
	} {
		if m[key] != want {
			t.Errorf("%s: %v, want %v", key, m[key], want)
		}
	}
	if got := m.child("text").text("content"); got != " 批准 7K3MQ2 删除=3" {
		t.Errorf("text: %q", got)
	}
	at := m.list("atUsers")
	if len(at) != 2 || at[0].text("dingtalkId") != b.robotUserID() || at[0]["staffId"] != nil || at[1].text("staffId") != "chen" {
		t.Errorf("atUsers: %v", at)
	}
	if !strings.HasPrefix(m.text("sessionWebhook"), b.base+"/robot/sendBySession?session=") {
		t.Errorf("sessionWebhook: %v", m["sessionWebhook"])
	}
}

func TestSayOptions(t *testing.T) {
	t.Parallel()
	old := time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		options SayOptions
		check   func(object) bool
	}{
		{"empty staff id", SayOptions{EmptyStaffID: true}, func(o object) bool {
			return o["senderStaffId"] == "" && o["senderUnionId"] == nil && o["senderNick"] == "周凯"
		}},
		{"other corp", SayOptions{SenderCorpID: "dingother"}, func(o object) bool { return o["senderCorpId"] == "dingother" }},
		{"other bot corp", SayOptions{ChatbotCorpID: "dingother"}, func(o object) bool { return o["chatbotCorpId"] == "dingother" }},
		{"other robot", SayOptions{RobotCode: "dingotherbot"}, func(o object) bool { return o["robotCode"] == "dingotherbot" }},
		{"no robot code", SayOptions{NoRobotCode: true}, func(o object) bool { return o["robotCode"] == "" }},
		{"own id", SayOptions{MessageID: "msg-again"}, func(o object) bool { return o["msgId"] == "msg-again" }},
		{"old", SayOptions{CreateAt: old}, func(o object) bool {
			return o.number("createAt") == float64(old.UnixMilli()) &&
				o.number("sessionWebhookExpiredTime") == float64(old.Add(90*time.Minute).UnixMilli())
		}},
		{"rich text", SayOptions{RichText: true}, func(o object) bool {
			rich := o.child("content").list("richText")
			return o["msgtype"] == "richText" && o["text"] == nil && len(rich) == 1 && rich[0].text("text") == " 状态"
		}},
		{"no webhook", SayOptions{Webhook: WebhookNone}, func(o object) bool {
			return o["sessionWebhook"] == nil && o["sessionWebhookExpiredTime"] == nil
		}},
		{"expired webhook", SayOptions{Webhook: WebhookExpired}, func(o object) bool {
			return o.number("sessionWebhookExpiredTime") < o.number("createAt") && o["sessionWebhook"] != nil
		}},
		{"dead webhook", SayOptions{Webhook: WebhookDead}, func(o object) bool {
			return o.number("sessionWebhookExpiredTime") > o.number("createAt") && o["sessionWebhook"] != nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			frames := b.listen(t)
			b.say(t, "状态", c.options)
			if m := dataOf(t, <-frames); !c.check(m) {
				t.Errorf("message: %v", m)
			}
		})
	}
}

func TestDuplicateAndRedeliver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := b.listen(t)
	d := b.say(t, "状态", SayOptions{Duplicate: true})
	first, second := <-frames, <-frames
	if first.Data != second.Data || first.id() == second.id() {
		t.Error("a duplicate is the same message in another frame")
	}
	if _, err := b.Redeliver(t.Context(), d.MessageID); err != nil {
		t.Fatal(err)
	}
	if again := <-frames; again.Data != first.Data || again.id() != first.id() {
		t.Error("a redelivery is the very same frame")
	}
}

func TestSayDirect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := b.listen(t)
	if _, err := b.Say(t.Context(), Direct("chen"), "chen", "帮助", SayOptions{}); err != nil {
		t.Fatal(err)
	}
	m := dataOf(t, <-frames)
	if m["conversationType"] != "1" || m["conversationTitle"] != nil || m["atUsers"] != nil || m["isInAtList"] != false ||
		m.child("text").text("content") != "帮助" {
		t.Errorf("message: %v", m)
	}
	b.post(t, m.text("sessionWebhook"), textBody("在"))
	if got := b.Messages(Direct("chen")); len(got) != 1 || got[0].Text != "在" {
		t.Errorf("messages: %+v", got)
	}
}

func TestSayUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetBaseURL(b.base)
	for name, u := range map[string]Utterance{
		"conversation":    {Conversation: "cid-none", Staff: "zhou"},
		"not a member":    {Conversation: group, Staff: "chen"},
		"another's chat":  {Conversation: Direct("chen"), Staff: "zhou"},
		"nobody":          {Conversation: Direct("nobody"), Staff: "nobody"},
		"unknown mention": {Conversation: group, Staff: "zhou", SayOptions: SayOptions{At: []string{"nobody"}}},
	} {
		if _, err := b.Say(t.Context(), u.Conversation, u.Staff, "状态", u.SayOptions); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPostNeedsAnAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.Post(t.Context(), b.base, Utterance{Conversation: group, Staff: "zhou"}, PostOptions{}); err == nil {
		t.Error("a session webhook was made without an address")
	}
}
