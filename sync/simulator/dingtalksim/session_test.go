package dingtalksim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func textBody(text string) map[string]any {
	return map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}
}

// webhook says something and gives the message's session webhook.
func (b bench) webhook(t *testing.T, o SayOptions) string {
	t.Helper()
	frames := b.listen(t)
	b.say(t, "状态", o)
	return dataOf(t, <-frames).text("sessionWebhook")
}

func TestSessionContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hook := b.webhook(t, SayOptions{})
	for _, c := range []struct {
		name, body string
		errcode    int
		want       Message
	}{
		{"text", `{"msgtype":"text","text":{"content":"好 @zhou"},"at":{"atUserIds":["zhou"],"isAtAll":false},"extra":1}`, 0, Message{Kind: "text", Text: "好 @zhou"}},
		{"markdown", `{"msgtype":"markdown","markdown":{"title":"计划","text":"# 7K3MQ2"}}`, 0, Message{Kind: "markdown", Title: "计划", Text: "# 7K3MQ2"}},
		{
			"card", `{"msgtype":"actionCard","actionCard":{"title":"t","text":"x","btnOrientation":"1","btns":[{"title":"批准","actionURL":"dtmd://a"},{"title":"驳回","actionURL":"dtmd://b"}]}}`, 0,
			Message{Kind: "actionCard", Title: "t", Text: "x", Buttons: []Button{{"批准", "dtmd://a"}, {"驳回", "dtmd://b"}}},
		},
		{
			"single card", `{"msgtype":"actionCard","actionCard":{"title":"t","text":"x","singleTitle":"看","singleURL":"https://a","btns":[{"title":"批准","actionURL":"b"}]}}`, 0,
			Message{Kind: "actionCard", Title: "t", Text: "x", Buttons: []Button{{"看", "https://a"}}},
		},
		{"link", `{"msgtype":"link","link":{"title":"t","text":"x","messageUrl":"https://a"}}`, 0, Message{Kind: "link", Title: "t", Text: "x", Buttons: []Button{{"t", "https://a"}}}},
		{"feed", `{"msgtype":"feedCard","feedCard":{"links":[{"title":"t","messageURL":"https://a","picURL":"p"}]}}`, 0, Message{Kind: "feedCard", Title: "t", Buttons: []Button{{"t", "https://a"}}}},
		{"empty markdown", `{"msgtype":"markdown","markdown":{"title":"t","text":" "}}`, 400403, Message{}},
		{"markdown without title", `{"msgtype":"markdown","markdown":{"text":"x"}}`, 40035, Message{}},
		{"empty text", `{"msgtype":"text","text":{"content":""}}`, 40035, Message{}},
		{"no msgtype", `{"text":{"content":"x"}}`, 400105, Message{}},
		{"image", `{"msgtype":"image","image":{"picURL":"x"}}`, 400105, Message{}},
		{"card without buttons", `{"msgtype":"actionCard","actionCard":{"title":"t","text":"x"}}`, 40035, Message{}},
		{"button url in the wrong case", `{"msgtype":"actionCard","actionCard":{"title":"t","text":"x","btns":[{"title":"a","actionUrl":"b"}]}}`, 40035, Message{}},
		{"link url in the wrong case", `{"msgtype":"link","link":{"title":"t","text":"x","messageURL":"https://a"}}`, 40035, Message{}},
		{"feed without links", `{"msgtype":"feedCard","feedCard":{"links":[]}}`, 40035, Message{}},
		{"at ids no list", `{"msgtype":"text","text":{"content":"x"},"at":{"atUserIds":"zhou"}}`, 40035, Message{}},
		{"no JSON", `hello`, 40035, Message{}},
		{"two objects", `{"msgtype":"text","text":{"content":"x"}}{}`, 40035, Message{}},
	} {
		before := len(b.Messages(group))
		got := b.post(t, hook, c.body)
		if got.status != 200 || got.errcode() != c.errcode || got.object["errcode"] == nil {
			t.Errorf("%s: %d %s", c.name, got.status, got.raw)
			continue
		}
		said := b.Messages(openID)
		if c.errcode != 0 {
			if len(said) != before {
				t.Errorf("%s: a refused message was said", c.name)
			}
			continue
		}
		m := said[len(said)-1]
		if m.Kind != c.want.Kind || m.Title != c.want.Title || m.Text != c.want.Text || m.Via != ViaSession ||
			!slices.Equal(m.Buttons, c.want.Buttons) || !m.Time.Equal(b.clock.Now()) {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
	if m := b.Messages(group)[0]; !slices.Equal(m.At, []string{"zhou"}) || !slices.Equal(m.Mentioned, []string{"zhou"}) {
		t.Errorf("mentions: %+v", m)
	}
	noComplaints(t, b)
}

func TestSessionEnvelope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hook := b.webhook(t, SayOptions{})
	r := b.request(t, "POST", hook, textBody("x"))
	r.Header.Set("Content-Type", "text/plain")
	if got := b.send(t, r); got.errcode() != 43004 {
		t.Errorf("content type: %s", got.raw)
	}
	frame := len(`{"msgtype":"text","text":{"content":""}}`)
	if got := b.post(t, hook, textBody(strings.Repeat("x", 20000-frame))); got.errcode() != 0 {
		t.Errorf("20000 bytes: %s", got.raw)
	}
	if got := b.post(t, hook, textBody(strings.Repeat("x", 20001-frame))); got.errcode() != 460101 {
		t.Errorf("20001 bytes: %s", got.raw)
	}
}

func TestSessionLife(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		options SayOptions
		after   time.Duration
		expire  bool
		errcode int
	}{
		{"fresh", SayOptions{}, 0, false, 0},
		{"last second", SayOptions{}, 5399 * time.Second, false, 0},
		{"over", SayOptions{}, 5400 * time.Second, false, 300001},
		{"expired", SayOptions{Webhook: WebhookExpired}, 0, false, 300001},
		{"dead", SayOptions{Webhook: WebhookDead}, 0, false, 300001},
		{"cut short", SayOptions{}, 0, true, 300001},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			hook := b.webhook(t, c.options)
			b.clock.Add(c.after)
			if c.expire {
				b.ExpireSessions()
			}
			got := b.post(t, hook, textBody("x"))
			if got.status != 200 || got.errcode() != c.errcode {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			if c.errcode != 0 && got.text("errmsg") != "session 不存在" {
				t.Errorf("errmsg: %s", got.raw)
			}
		})
	}
}

func TestMentionComplaints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hook := b.webhook(t, SayOptions{})
	b.post(t, hook, map[string]any{
		"msgtype": "text", "text": map[string]any{"content": "好"}, "at": map[string]any{"atUserIds": []string{"zhou"}},
	})
	m := b.Messages(group)[0]
	if len(m.Mentioned) != 0 || len(m.At) != 1 || len(b.Complaints()) != 1 {
		t.Errorf("a mention without @id: %+v, %q", m, b.Complaints())
	}
	many := slices.Repeat([]string{"zhou"}, 51)
	b.post(t, hook, map[string]any{
		"msgtype": "text", "text": map[string]any{"content": "@zhou"}, "at": map[string]any{"atUserIds": many},
	})
	if got := b.Complaints(); len(got) != 2 || !strings.Contains(got[1], "51 people") {
		t.Errorf("51 mentions: %q", got)
	}
}

func TestSessionQuota(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hook := b.webhook(t, SayOptions{})
	b.SetQuota(Quota{Messages: 2}) // one went on the question
	if got := b.post(t, hook, textBody("x")); got.errcode() != 0 {
		t.Fatalf("within the quota: %s", got.raw)
	}
	if got := b.post(t, hook, textBody("x")); got.errcode() != 88 || got.text("sub_code") != "90020" {
		t.Errorf("without quota: %s", got.raw)
	}
}

func TestOnMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hook := b.webhook(t, SayOptions{})
	heard := make(chan Message, 2)
	b.OnMessage(func(m Message) { heard <- m })
	b.post(t, hook, textBody("一"))
	b.post(t, hook, textBody(""))
	b.post(t, hook, textBody("二"))
	if first, second := <-heard, <-heard; first.Text != "一" || second.Text != "二" || first.ID == second.ID {
		t.Errorf("heard %+v, %+v", first, second)
	}
}
