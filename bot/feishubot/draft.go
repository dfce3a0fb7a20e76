package feishubot

import (
	"strings"

	"github.com/rollcallhq/rollcall/bot"
)

// The size that a message may have here. The vendor's limits are 30 KB for
// cards and posts and 150 KB for texts, and a known but unpublished number of
// elements; styles count more than they measure.
const (
	cardBytes    = 24 << 10
	cardElements = 50
	postBytes    = 24 << 10
	textBytes    = 60 << 10
)

// The kinds of a draft.
const (
	asCard = "interactive"
	asPost = "post"
	asText = "text"
)

// draft is one way to say an answer.
type draft struct {
	kind    string
	content string // JSON
}

// drafts gives the ways to say an answer, the best first: a card; rich text
// with the commands spelled out; text; and a text of the title alone. A short
// answer begins with text. None is too large. dm is the chat, when it is private.
func drafts(o bot.Outgoing, dm string) []draft {
	var out []draft
	text := draft{asText, jsonText(textOfCard(o))}
	if o.Card.Plain {
		out = append(out, text, draft{asPost, postOf(o)})
	} else {
		if card, ok := cardOf(o, dm); ok {
			out = append(out, draft{asCard, card})
		}
		out = append(out, draft{asPost, postOf(o)}, text)
	}
	return append(out, draft{asText, jsonText(titleOnly(o))})
}

// cardOf gives the largest drawing that fits.
func cardOf(o bot.Outgoing, dm string) (string, bool) {
	for _, f := range fits() {
		card := draw(o, f, dm)
		raw, err := encode(card)
		if err == nil && len(raw) <= cardBytes && count(card) <= cardElements {
			return string(raw), true
		}
	}
	return "", false
}

// count gives the number of elements in a card, those inside others included.
func count(v any) int {
	n := 0
	switch t := v.(type) {
	case node:
		for key, child := range t {
			switch key {
			case "body", "elements", "columns":
				n += count(child)
			}
		}
	case []node:
		for _, child := range t {
			n += 1 + count(child)
		}
	}
	return n
}

// script gives an answer line by line, with the commands of its buttons.
func script(o bot.Outgoing) []string {
	var out []string
	for _, s := range o.Card.Sections {
		if title := show(s.Title, titleLimit); strings.TrimSpace(title) != "" {
			out = append(out, title)
		}
		for _, l := range s.Lines {
			row := plainLine(l)
			if s.Bullet {
				row = "• " + row
			}
			out = append(out, row)
		}
	}
	for _, b := range o.Card.Buttons {
		out = append(out, typed(o.Lang, b))
	}
	if foot := show(o.Card.Foot, spanLimit); strings.TrimSpace(foot) != "" {
		out = append(out, foot)
	}
	return out
}

// typed says what to send instead of pressing a button.
func typed(lang bot.Lang, b bot.Button) string {
	var command strings.Builder
	command.WriteString(show(b.Command, spanLimit))
	for _, in := range b.Inputs {
		command.WriteString(" " + show(in.Name, labelLimit) + "=")
	}
	label := show(b.Label, labelLimit)
	if lang == bot.EN {
		return label + ", send: " + command.String()
	}
	return label + "，请发：" + command.String()
}

// shorten keeps as many lines as fit into n bytes, and says how many do not.
func shorten(lang bot.Lang, lines []string, n int) []string {
	used := 0
	for i, l := range lines {
		if used += len(l) + 64; used > n {
			return append(lines[:i:i], more(lang, len(lines)-i))
		}
	}
	return lines
}

// postOf gives the rich text of an answer. Its pieces of text are taken
// literally; they are guarded all the same.
func postOf(o bot.Outgoing) string {
	type piece struct {
		Tag    string   `json:"tag"`
		Text   string   `json:"text,omitempty"`
		UserID string   `json:"user_id,omitempty"`
		Style  []string `json:"style,omitempty"`
	}
	var rows [][]piece
	var ats []piece
	for _, id := range mentionable(o.Mention) {
		ats = append(ats, piece{Tag: "at", UserID: id})
	}
	if len(ats) > 0 {
		rows = append(rows, ats)
	}
	for _, l := range shorten(o.Lang, script(o), postBytes/2) {
		if strings.TrimSpace(l) != "" {
			rows = append(rows, []piece{{Tag: "text", Text: wide.Replace(l)}})
		}
	}
	title := wide.Replace(show(o.Card.Title, titleLimit))
	if len(rows) == 0 {
		rows = append(rows, []piece{{Tag: "text", Text: title}})
	}
	lang := "zh_cn"
	if o.Lang == bot.EN {
		lang = "en_us"
	}
	return jsonOf(map[string]any{lang: map[string]any{"title": title, "content": rows}})
}

// textOfCard gives the answer as text. Text messages know tags and some
// markdown, so the signs of both are written in full width.
func textOfCard(o bot.Outgoing) string {
	lines := shorten(o.Lang, append([]string{show(o.Card.Title, titleLimit)}, script(o)...), textBytes)
	var out []string
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			out = append(out, wide.Replace(l))
		}
	}
	return withAts(o, strings.Join(out, "\n"))
}

// titleOnly is what is left when the words themselves are not let through: the
// title says kind, code and counts, and holds no data of a person.
func titleOnly(o bot.Outgoing) string {
	title := wide.Replace(show(o.Card.Title, titleLimit))
	if o.Lang == bot.EN {
		return withAts(o, title+"\n(Feishu did not take the rest of this message)")
	}
	return withAts(o, title+"\n（这条消息的其余内容飞书没有放行）")
}

func withAts(o bot.Outgoing, text string) string {
	var b strings.Builder
	for _, id := range mentionable(o.Mention) {
		b.WriteString(`<at user_id="` + id + `"></at> `)
	}
	if strings.TrimSpace(text) == "" {
		text = "Rollcall"
	}
	return b.String() + text
}

func jsonText(s string) string { return jsonOf(map[string]string{"text": s}) }

// jsonOf encodes what cannot fail to encode: strings in maps and lists.
func jsonOf(v any) string {
	raw, err := encode(v)
	if err != nil {
		return "{}"
	}
	return string(raw)
}
