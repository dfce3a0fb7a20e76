package feishubot

import (
	"strconv"
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
	// partLimit is in how many messages one answer may come. What is longer than
	// that is nothing to read in a chat; the rest is counted.
	partLimit = 20
	lineBytes = 4 << 10 // of one line in a post or text
)

// The kinds of a draft.
const (
	asCard = "interactive"
	asPost = "post"
	asText = "text"
	asFile = "file"
)

// The steps of the ladder, as logged.
const (
	stepCard  = "card"
	stepLines = "card_without_chart"
	stepPost  = "post"
	stepText  = "text"
	stepTitle = "title"
)

// draft is one way to say an answer, in one or more messages.
type draft struct {
	step  string
	kind  string
	parts []string // JSON contents, at least one
}

// drafts gives the ways to say an answer, the best first: a card; the card with
// lines in place of charts; rich text with the commands spelled out; text; and a
// text of the title alone. A short answer begins with text. None is too large: a
// card counts what it does not show, rich text and text come in several messages.
// to is where a card goes, which its buttons carry.
func drafts(o bot.Outgoing, to bound) []draft {
	post, text := draft{stepPost, asPost, postsOf(o)}, draft{stepText, asText, textsOf(o)}
	out := []draft{text, post}
	if !o.Card.Plain {
		out = append(cardsOf(o, to), post, text)
	}
	return append(out, draft{stepTitle, asText, []string{jsonText(titleOnly(o))}})
}

// cardsOf gives the card, and the one with lines in place of charts.
func cardsOf(o bot.Outgoing, to bound) []draft {
	var out []draft
	step := stepCard
	if hasChart(o.Card) {
		if card, ok := cardOf(o, to, true); ok {
			out = append(out, draft{stepCard, asCard, []string{card}})
			step = stepLines
		}
	}
	if card, ok := cardOf(o, to, false); ok {
		out = append(out, draft{step, asCard, []string{card}})
	}
	return out
}

// cardOf gives the largest drawing that fits.
func cardOf(o bot.Outgoing, to bound, charts bool) (string, bool) {
	for _, f := range fits() {
		f.charts = charts
		card := draw(o, f, to)
		raw, err := encode(card)
		if err == nil && len(raw) <= cardBytes && check(card) == nil {
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
		if s.Folded && len(s.Short) > 0 {
			out = append(out, plainLine(s.Short))
			continue
		}
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

// chunks cuts lines into messages of at most n bytes, and says how many lines are
// missing when there would be too many messages.
func chunks(lang bot.Lang, lines []string, n int) [][]string {
	var out [][]string
	used := n
	for i, l := range lines {
		if len(l) > lineBytes {
			l = cut(l, lineBytes/4)
		}
		cost := len(l) + 64 // with the JSON around it
		if used+cost > n {
			if len(out) == partLimit {
				out[partLimit-1] = append(out[partLimit-1], more(lang, len(lines)-i))
				return out
			}
			out, used = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], l)
		used += cost
	}
	return out
}

// numbered marks one of several messages.
func numbered(lang bot.Lang, title string, i, of int) string {
	number := strconv.Itoa(i+1) + "/" + strconv.Itoa(of)
	switch {
	case of < 2:
		return title
	case lang == bot.EN:
		return title + " (" + number + ")"
	default:
		return title + "（" + number + "）"
	}
}

// postPiece is a piece of a line of rich text.
type postPiece struct {
	Tag    string `json:"tag"`
	Text   string `json:"text,omitempty"`
	UserID string `json:"user_id,omitempty"`
}

// postsOf gives the rich text of an answer. Its pieces of text are taken
// literally; they are guarded all the same.
func postsOf(o bot.Outgoing) []string {
	title := wide.Replace(show(o.Card.Title, titleLimit))
	var lines []string
	for _, l := range script(o) {
		if strings.TrimSpace(l) != "" {
			lines = append(lines, wide.Replace(l))
		}
	}
	if len(lines) == 0 {
		lines = []string{title}
	}
	lang := "zh_cn"
	if o.Lang == bot.EN {
		lang = "en_us"
	}
	all := chunks(o.Lang, lines, postBytes/2)
	out := make([]string, len(all))
	for i, part := range all {
		var rows [][]postPiece
		if ats := mentionable(o.Mention); i == 0 && len(ats) > 0 {
			var row []postPiece
			for _, id := range ats {
				row = append(row, postPiece{Tag: "at", UserID: id})
			}
			rows = append(rows, row)
		}
		for _, l := range part {
			rows = append(rows, []postPiece{{Tag: "text", Text: l}})
		}
		out[i] = jsonOf(map[string]any{lang: map[string]any{"title": numbered(o.Lang, title, i, len(all)), "content": rows}})
	}
	return out
}

// textsOf gives the answer as text. Text messages know tags and some markdown,
// so the signs of both are written in full width.
func textsOf(o bot.Outgoing) []string {
	title := wide.Replace(show(o.Card.Title, titleLimit))
	var lines []string
	for _, l := range script(o) {
		if strings.TrimSpace(l) != "" {
			lines = append(lines, wide.Replace(l))
		}
	}
	all := chunks(o.Lang, lines, textBytes)
	if len(all) == 0 {
		all = [][]string{nil}
	}
	out := make([]string, len(all))
	for i, part := range all {
		words := append([]string{numbered(o.Lang, title, i, len(all))}, part...)
		text := strings.TrimLeft(strings.Join(words, "\n"), "\n")
		if i > 0 {
			out[i] = jsonText(text)
			continue
		}
		out[i] = jsonText(withAts(o, text))
	}
	return out
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
