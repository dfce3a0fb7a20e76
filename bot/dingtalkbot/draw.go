package dingtalkbot

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
)

// The limits of a message, a little below the vendor's 20 000 bytes of a
// webhook's body and 15 000 of msgParam.
const (
	sessionLimit = 19_500
	paramLimit   = 14_500
	maxButtons   = 5
	labelLimit   = 20
	maxMentions  = 50
)

// The kinds of letters, as webhooks call them; a title is a text.
const (
	kindText  = "text"
	kindMark  = "markdown"
	kindCard  = "actionCard"
	kindTitle = "title"
)

// numberRoom is kept free for "（1/5）".
const numberRoom = 48

// letter is a drawn message.
type letter struct {
	kind        string
	title, text string
	links       []link
	called      []string // who is mentioned: the list counts only with @id in the text
}

// link is a button: a link that sends a text in the name of who presses it.
type link struct{ title, url string }

// form is how a letter goes out, which decides its size.
type form struct {
	limit   int
	mention bool
	encode  func(l letter) any
}

// draw draws a card as one kind of letter, in as many parts as its length asks
// for. Who is called, and the buttons, are on the last part, where the words end
// that name them. No part is empty; none means that there is nothing to say.
func (b *Bot) draw(o bot.Outgoing, kind string, f form) []letter {
	if kind == kindTitle {
		o, kind = titleOnly(o), kindText
	}
	last := letter{kind: kind}
	opt := markdown.Options{Dialect: markdown.DingTalk, Lang: o.Lang, Commands: o.Card.Buttons}
	if kind == kindText {
		opt.Dialect = markdown.Text
	}
	if b.o.BotName != "" {
		opt.Address = "@" + b.o.BotName
	}
	if f.mention {
		last.called = mentioned(o.Mention)
		opt.Mentions = last.called
	}
	if kind == kindCard {
		if last.links = b.links(o.Card.Buttons); len(last.links) == 0 {
			last.kind = kindMark
		}
		opt.Drawn = len(last.links) == len(o.Card.Buttons)
	}
	last.title = markdown.Render(o.Card, opt).Title
	room := max(f.limit-sizeOf(f.encode(last))-numberRoom, 1)
	opt.Limit, opt.Size = maxParts, func(s string) int { return len(pieces(s, room)) }
	texts := pieces(markdown.Render(o.Card, opt).Text, room)
	out := make([]letter, len(texts))
	for i, text := range texts {
		out[i] = letter{kind: kindMark, title: last.title, called: []string{}}
		if last.kind == kindText {
			out[i].kind = kindText
		}
		if i == len(texts)-1 {
			out[i] = last
		}
		out[i].text = text
		if len(texts) > 1 {
			out[i].text += "\n\n" + markdown.Number(o.Lang, i+1, len(texts))
		}
	}
	return out
}

// mentioned picks the ids that can be mentioned.
func mentioned(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if markdown.ID(id) && len(out) < maxMentions {
			out = append(out, id)
		}
	}
	return out
}

// links makes links of the buttons that need no input. All commands stand in
// the text too: which clients obey such links is not documented.
func (b *Bot) links(buttons []bot.Button) []link {
	var out []link
	for _, button := range buttons {
		title := strings.TrimSpace(markdown.Plain(button.Label, labelLimit))
		if len(button.Inputs) > 0 || title == "" || button.Command == "" || len(out) == maxButtons {
			continue
		}
		out = append(out, link{title: title, url: b.sends(button.Command)})
	}
	return out
}

// sends gives the address that makes the client send a text. Its host must be
// in lower case, and a blank is not "+": the client decodes it as a URI's part.
func (b *Bot) sends(command string) string {
	if b.o.BotName != "" {
		command = "@" + b.o.BotName + " " + command
	}
	return "dtmd://dingtalkclient/sendMessage?content=" + strings.ReplaceAll(url.QueryEscape(command), "+", "%20")
}

// webhookBody gives the body for a session webhook. Nobody but those whom we
// name is ever called.
func (l letter) webhookBody() map[string]any {
	body := map[string]any{"msgtype": l.kind, "at": map[string]any{"atUserIds": l.called, "isAtAll": false}}
	switch l.kind {
	case kindText:
		body[l.kind] = map[string]any{"content": l.text}
	case kindCard:
		buttons := make([]any, len(l.links))
		for i, b := range l.links {
			buttons[i] = map[string]any{"title": b.title, "actionURL": b.url}
		}
		body[l.kind] = map[string]any{"title": l.title, "text": l.text, "btnOrientation": "0", "btns": buttons}
	default:
		body[l.kind] = map[string]any{"title": l.title, "text": l.text}
	}
	return body
}

// template gives the robot's own message: its key and its parameters.
func (l letter) template() (key string, param map[string]string) {
	param = map[string]string{"title": l.title, "text": l.text}
	switch {
	case l.kind == kindText:
		return "sampleText", map[string]string{"content": l.text}
	case len(l.links) == 0:
		return "sampleMarkdown", param
	case len(l.links) == 1:
		param["singleTitle"], param["singleURL"] = l.links[0].title, l.links[0].url
		return "sampleActionCard", param
	}
	for i, b := range l.links {
		n := strconv.Itoa(i + 1)
		param["actionTitle"+n], param["actionURL"+n] = b.title, b.url
	}
	return "sampleActionCard" + strconv.Itoa(len(l.links)), param
}
