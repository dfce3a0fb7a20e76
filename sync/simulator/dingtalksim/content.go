package dingtalksim

import (
	"fmt"
	"strings"
)

// The codes of the webhook family (session webhooks and group robots).
const (
	codeBadJSON      = 40035
	codeNotJSON      = 43004
	codeRate         = 130101
	codeNoToken      = 300001
	codeSecurity     = 310000
	codeStopped      = 400102
	codeBadKind      = 400105
	codeEmptyText    = 400403
	codeTooLong      = 460101
	codeMonthlyQuota = 90020
)

// webhookLimit is the longest body of a webhook message, in bytes.
const webhookLimit = 20000

// refusal is a verdict of the webhook family; code 0 is none.
type refusal struct {
	code    int
	message string
}

// readBody checks the envelope of a webhook message and reads it.
func readBody(r *request) (object, refusal) {
	if !r.isJSON() {
		return nil, refusal{codeNotJSON, "无效的HTTP HEADER Content-Type"}
	}
	if len(r.body) > webhookLimit {
		return nil, refusal{codeTooLong, fmt.Sprintf("message too long, exceed %d bytes", webhookLimit)}
	}
	o, err := decodeObject(r.body)
	if err != nil {
		return nil, refusal{codeBadJSON, "缺少参数 json"}
	}
	return o, refusal{}
}

// readMessage reads a message in the webhook format. Unknown fields are
// tolerated; a missing one is refused.
func readMessage(o object) (Message, refusal) {
	m := Message{Kind: o.text("msgtype")}
	readers := map[string]func(object, *Message) refusal{
		"text": readText, "markdown": readMarkdown, "link": readLink,
		"actionCard": readActionCard, "feedCard": readFeedCard,
	}
	read, known := readers[m.Kind]
	if !known {
		return m, refusal{codeBadKind, "不支持的消息类型"}
	}
	at := o.child("at")
	ids, isList := at.texts("atUserIds")
	if !isList {
		return m, refusal{codeBadJSON, "at.atUserIds is not a list of strings"}
	}
	m.At, m.AtAll = ids, at.yes("isAtAll")
	return m, read(o.child(m.Kind), &m)
}

// missing names the first of the keys that holds no text.
func missing(o object, keys ...string) refusal {
	for _, key := range keys {
		if strings.TrimSpace(o.text(key)) == "" {
			return refusal{codeBadJSON, "缺少参数 " + key}
		}
	}
	return refusal{}
}

func readText(o object, m *Message) refusal {
	m.Text = o.text("content")
	return missing(o, "content")
}

func readMarkdown(o object, m *Message) refusal {
	m.Title, m.Text = o.text("title"), o.text("text")
	if strings.TrimSpace(m.Text) == "" {
		return refusal{codeEmptyText, "markdown text is empty"}
	}
	return missing(o, "title")
}

func readLink(o object, m *Message) refusal {
	m.Title, m.Text = o.text("title"), o.text("text")
	m.Buttons = []Button{{Title: m.Title, URL: o.text("messageUrl")}}
	return missing(o, "title", "text", "messageUrl")
}

func readActionCard(o object, m *Message) refusal {
	m.Title, m.Text = o.text("title"), o.text("text")
	if r := missing(o, "title", "text"); r.code != 0 {
		return r
	}
	if o.text("singleTitle") != "" { // then btns are ignored
		m.Buttons = []Button{{Title: o.text("singleTitle"), URL: o.text("singleURL")}}
		return missing(o, "singleURL")
	}
	buttons := o.list("btns")
	if len(buttons) == 0 {
		return refusal{codeBadJSON, "缺少参数 btns"}
	}
	for _, b := range buttons {
		if r := missing(b, "title", "actionURL"); r.code != 0 {
			return r
		}
		m.Buttons = append(m.Buttons, Button{Title: b.text("title"), URL: b.text("actionURL")})
	}
	return refusal{}
}

func readFeedCard(o object, m *Message) refusal {
	links := o.list("links")
	if len(links) == 0 {
		return refusal{codeBadJSON, "缺少参数 links"}
	}
	for _, l := range links {
		if r := missing(l, "title", "messageURL", "picURL"); r.code != 0 {
			return r
		}
		m.Buttons = append(m.Buttons, Button{Title: l.text("title"), URL: l.text("messageURL")})
	}
	m.Title = m.Buttons[0].Title
	return refusal{}
}

// words is all that a reader of the message sees, for the keyword check.
func (m Message) words() string {
	parts := []string{m.Title, m.Text}
	for _, b := range m.Buttons {
		parts = append(parts, b.Title)
	}
	return strings.Join(parts, "\n")
}
