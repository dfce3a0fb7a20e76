// Package markdown draws a bot.Card as the text of a platform whose robots take
// markdown and no cards of ours: DingTalk, WeCom, the body of a Feishu card, and
// plain text.
//
// Every text of a card is data and comes out as itself: it makes no heading,
// link, mention, emphasis or line of its own. The package sends nothing, knows
// no message format, and draws no buttons: those that are handed to it become
// commands to type.
package markdown

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
)

// Dialect is a platform's way to write.
type Dialect string

// The dialects.
const (
	Text     Dialect = "text"     // no markup at all
	DingTalk Dialect = "dingtalk" // headings, bold, lists; a line break is two blanks and a newline
	WeCom    Dialect = "wecom"    // msgtype markdown: headings, bold, code, colours; no lists
	Feishu   Dialect = "feishu"   // the markdown element of a card, whose head bears the title
)

// How much of one text is shown, in characters. They keep one text from filling
// the message.
const (
	spanLimit    = 400
	lineLimit    = 500
	titleLimit   = 120
	labelLimit   = 40
	commandLimit = 200
)

// Options say how a card is drawn.
type Options struct {
	Dialect Dialect
	Lang    bot.Lang
	// Lead stands before the title, unchanged: a robot's keyword. It comes from
	// the configuration. It is left out when the title holds it already.
	Lead string
	// Commands are buttons to be shown as commands to type, in order. Inputs
	// become blanks to be filled in.
	Commands []bot.Button
	// Drawn: the buttons are drawn too, and their commands take one line.
	Drawn bool
	// Address stands before each command, unchanged: "@点名". "" = nothing.
	Address string
	// Mentions are account ids that are called in the text, from the
	// configuration and the platform; what does not look like an id is left out.
	Mentions []string
	// Headless leaves the title out of the text: it is shown elsewhere.
	Headless bool
	// Limit is the largest size of the text; 0 = none. What does not fit is
	// counted, in words, at the place where it is missing.
	Limit int
	// Size measures a text; default: its bytes.
	Size func(text string) int
}

// Doc is a drawn card.
type Doc struct {
	Title string // one line without markup, with Lead
	Text  string // the whole text; it begins with the title, except for Feishu and Headless
	Left  int    // lines that did not fit, and are counted in the text
}

// Render draws a card. The same card and options always give the same text.
func Render(card bot.Card, o Options) Doc {
	if o.Size == nil {
		o.Size = func(s string) int { return len(s) }
	}
	p := &page{o: o, lines: rows(card, o)}
	title := Plain(card.Title, titleLimit)
	if o.Lead != "" && !strings.Contains(title, o.Lead) {
		title = strings.TrimSuffix(o.Lead+" · "+title, " · ")
	}
	p.head, p.tail = o.head(card, title), tail(card, o)
	keep := len(p.lines)
	if o.Limit > 0 && o.Size(p.text(keep)) > o.Limit {
		// The first count that is too large; one below it is the largest that fits.
		keep = max(sort.Search(keep, func(n int) bool { return o.Size(p.text(n)) > o.Limit })-1, 0)
	}
	d := Doc{Title: title, Text: p.text(keep), Left: p.left(keep)}
	if o.Limit > 0 {
		d.Text = o.cut(d.Text)
	}
	return d
}

// cut is the last resort: even without a single line the text is too long. A
// text made of our own sentences never is.
func (o Options) cut(text string) string {
	for o.Size(text) > o.Limit && text != "" {
		short := max(len(text)*9/10-len("…"), 0)
		for short > 0 && !utf8.RuneStart(text[short]) {
			short--
		}
		if short == 0 {
			return ""
		}
		text = text[:short] + "…"
	}
	return text
}

// page is a card in pieces: what must stay, and lines that may go.
type page struct {
	o          Options
	head, tail string
	lines      []row
}

// row is one line of the body with what divides it from what comes before.
type row struct {
	gap, text string
	item      bool // counts; a section's title does not
}

// text puts the page together with the first n lines.
func (p *page) text(n int) string {
	left := p.left(n)
	for n > 0 && n < len(p.lines) && !p.lines[n-1].item {
		n-- // a title without its lines
	}
	var b strings.Builder
	b.WriteString(p.head)
	add := func(gap, text string) {
		if text == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(gap)
		}
		b.WriteString(text)
	}
	for _, r := range p.lines[:n] {
		add(r.gap, r.text)
	}
	if left > 0 {
		add("\n\n", more(p.o.Lang, left))
	}
	add("\n\n", p.tail)
	return b.String()
}

func (p *page) left(n int) int {
	left := 0
	for _, r := range p.lines[n:] {
		if r.item {
			left++
		}
	}
	return left
}

// rows draws the sections.
func rows(card bot.Card, o Options) []row {
	var out []row
	brief := false // the row before is a folded section's
	for _, s := range card.Sections {
		gap := "\n\n"
		if s.Folded && len(s.Short) > 0 { // none of the dialects folds
			if brief {
				gap = o.between(false)
			}
			out, brief = append(out, row{gap: gap, text: o.line(s.Short), item: true}), true
			continue
		}
		brief = false
		if s.Title != "" {
			out = append(out, row{gap: gap, text: o.strong(o.escape(Plain(s.Title, titleLimit)))})
			gap = o.between(s.Bullet)
			if s.Bullet {
				gap = o.beforeList()
			}
		}
		for _, l := range s.Lines {
			text := o.line(l)
			if text == "" {
				continue
			}
			if s.Bullet {
				text = o.bullet() + text
			}
			out = append(out, row{gap: gap, text: text, item: true})
			gap = o.between(s.Bullet)
		}
	}
	return out
}

// line draws the spans of a line.
func (o Options) line(l bot.Line) string {
	var b strings.Builder
	room := lineLimit
	for _, s := range l {
		text := Plain(s.Text, min(spanLimit, room))
		if b.Len() == 0 {
			text = strings.TrimLeft(text, " ")
		}
		room -= utf8.RuneCountInString(text)
		if strings.HasSuffix(b.String(), " ") {
			text = strings.TrimLeft(text, " ")
		}
		switch {
		case strings.TrimSpace(text) == "":
			b.WriteString(text)
		case s.Code:
			o.append(&b, o.code(text))
		case s.Bold:
			o.append(&b, o.strong(o.escape(text)))
		case b.Len() == 0:
			b.WriteString(o.start(o.escape(text)))
		default:
			o.follow(&b, o.escape(text))
		}
		if room <= 0 {
			break
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// append adds marked text. Markup that touches a letter or a sign may not be
// read as markup, so blanks stand around it.
func (o Options) append(b *strings.Builder, marked string) {
	if o.Dialect == Text {
		b.WriteString(marked)
		return
	}
	if last, _ := utf8.DecodeLastRuneInString(b.String()); b.Len() > 0 && !strings.ContainsRune(" ：，；。、（", last) {
		b.WriteByte(' ')
	}
	b.WriteString(marked)
	b.WriteByte(' ')
}

// follow adds plain text. Before a sign that ends a word the markup needs no blank.
func (o Options) follow(b *strings.Builder, text string) {
	if s := b.String(); o.Dialect != Text && strings.HasSuffix(s, " ") && strings.IndexAny(text, ":,;.)：，；。、（）") == 0 {
		b.Reset()
		b.WriteString(s[:len(s)-1])
	}
	b.WriteString(text)
}

// more says how many lines are missing.
func more(l bot.Lang, n int) string { return say(l, "… and %d more", "…还有 %d 项", n) }

// tail draws what always stays: commands, foot and mentions.
func tail(card bot.Card, o Options) string {
	var parts []string
	if list := commands(o); list != "" {
		parts = append(parts, list)
	}
	if foot := strings.TrimLeft(Plain(card.Foot, spanLimit), " "); foot != "" {
		parts = append(parts, o.start(o.escape(foot)))
	}
	if called := o.mentions(); called != "" {
		parts = append(parts, called)
	}
	return strings.Join(parts, "\n\n")
}

// commands lists what may be typed.
func commands(o Options) string {
	var lines []string
	for _, b := range o.Commands {
		typed := Plain(Typed(b), commandLimit)
		if o.Address != "" {
			typed = o.Address + " " + typed
		}
		if o.Drawn {
			lines = append(lines, o.code(typed))
			continue
		}
		line := o.bullet()
		if label := strings.TrimSpace(Plain(b.Label, labelLimit)); label != "" && !strings.HasPrefix(strings.ToLower(b.Command), strings.ToLower(label)+" ") {
			line += o.start(o.escape(label)) + say(o.Lang, ": ", "：")
		}
		lines = append(lines, line+o.code(typed))
	}
	switch {
	case len(lines) == 0:
		return ""
	case o.Drawn:
		return say(o.Lang, "Or send: ", "也可以发：") + strings.Join(lines, " · ")
	}
	head := say(o.Lang, "You can send:", "可以发送：")
	if o.Address == "" {
		head = say(o.Lang, "You can send to the bot:", "可以发给机器人：")
	}
	return head + o.beforeList() + strings.Join(lines, o.between(true))
}

// Typed gives the command of a button as somebody would type it, with a blank
// for each input.
func Typed(b bot.Button) string {
	words := []string{b.Command}
	for _, in := range b.Inputs {
		label := in.Label
		if label == "" {
			label = "?"
		}
		words = append(words, in.Name+"=〈"+label+"〉")
	}
	return strings.Join(words, " ")
}

// Number is how one of several parts of a text is marked, from 1.
func Number(lang bot.Lang, i, of int) string { return say(lang, "(%d/%d)", "（%d/%d）", i, of) }

// Split cuts a text at its lines into pieces of at most n bytes, and never
// within a character. No markup of this package goes over the end of a line.
func Split(text string, n int) []string {
	var out []string
	for len(text) > n {
		at := strings.LastIndexByte(text[:n+1], '\n')
		if at <= 0 {
			at = n
			for at > 1 && !utf8.RuneStart(text[at]) {
				at--
			}
		}
		if piece := strings.TrimSpace(text[:at]); piece != "" {
			out = append(out, piece)
		}
		text = strings.TrimLeft(text[at:], "\n ")
	}
	if text = strings.TrimSpace(text); text != "" {
		out = append(out, text)
	}
	return out
}
