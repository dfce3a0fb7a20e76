package feishubot

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
)

// node is one object of a card. Card JSON 2.0 refuses what it does not know, so
// only properties that stand in the vendor's pages are used.
type node = map[string]any

// The most lines of a section that are seen at once; more are folded away. Of a
// list ten are seen, and an eleventh only when it is the last: the one that
// counts the others.
const (
	rowLimit  = 12
	listLimit = 10
)

// fit is how much of long sections a drawing shows.
type fit struct {
	folded int // lines that are folded away behind the seen ones; more are only counted
	rows   int // lines that are seen
	charts bool
}

// fits are tried in order until a card is small enough.
func fits() []fit {
	return []fit{{folded: 60, rows: rowLimit}, {rows: rowLimit}, {rows: 5}, {rows: 2}}
}

// drawing renders one card in one fit.
type drawing struct {
	fit
	lang  bot.Lang
	to    bound
	forms int // also numbers the inputs
	names int
}

// draw gives the card JSON 2.0 of an answer, cut to the fit.
func draw(o bot.Outgoing, f fit, to bound) node {
	d := &drawing{fit: f, lang: o.Lang, to: to}
	title := show(o.Card.Title, titleLimit)
	var elements []node
	if at := atCard(o.Mention); at != "" {
		elements = append(elements, node{"tag": "markdown", "content": at})
	}
	for _, s := range o.Card.Sections {
		elements = append(elements, d.section(s)...)
	}
	elements = append(elements, d.buttons(o.Card.Buttons)...)
	if foot := show(o.Card.Foot, spanLimit); strings.TrimSpace(foot) != "" {
		elements = append(elements, node{"tag": "div", "text": node{
			"tag": "plain_text", "content": foot, "text_size": "notation", "text_color": "grey",
		}})
	}
	if strings.TrimSpace(title) == "" {
		title = "Rollcall"
	}
	if len(elements) == 0 {
		elements = []node{plainText(title)}
	}
	return node{
		"schema": "2.0",
		"config": node{
			"update_multi": true, "enable_forward": false, "width_mode": "fill", "summary": node{"content": title},
		},
		"header": node{"template": template(o.Card.Tone), "title": node{"tag": "plain_text", "content": title}},
		"body":   node{"elements": elements},
	}
}

// template gives the colour of a tone.
func template(t bot.Tone) string {
	switch t {
	case bot.Waits:
		return "orange"
	case bot.Danger:
		return "red"
	case bot.Good:
		return "green"
	case bot.Warn:
		return "yellow"
	case bot.Quiet:
		return "grey"
	default:
		return "blue"
	}
}

func plainText(s string) node {
	return node{"tag": "div", "text": node{"tag": "plain_text", "content": s}}
}

// section draws a group of lines. What is too long is folded away, then only
// counted.
func (d *drawing) section(s bot.Section) []node {
	title := strings.TrimSpace(show(s.Title, titleLimit))
	if s.Folded && title != "" && (len(s.Lines) > 0 || s.Chart != nil) {
		if chart, ok := d.chart(s); ok {
			return []node{panel(title, []node{chart})}
		}
		kept, lost := split(s.Lines, d.rows+d.folded)
		return []node{panel(title, d.counted(kept, len(lost), s.Bullet))}
	}
	var out []node
	if title != "" {
		out = append(out, node{"tag": "markdown", "content": "**" + markdown(title, titleLimit) + "**"})
	}
	if chart, ok := d.chart(s); ok {
		return append(out, chart)
	}
	seen, hidden := split(s.Lines, d.visible(s))
	kept, lost := split(hidden, d.folded)
	if len(kept) == 0 {
		if len(seen) == 0 && len(out) > 0 {
			return out // a title alone
		}
		return append(out, d.counted(seen, len(lost), s.Bullet)...)
	}
	out = append(out, d.lines(seen, s.Bullet)...)
	return append(out, panel(more(d.lang, len(hidden)), d.counted(kept, len(lost), s.Bullet)))
}

// visible tells how many lines of a section are seen at once.
func (d *drawing) visible(s bot.Section) int {
	switch {
	case !s.Bullet || d.rows < listLimit:
		return d.rows
	case len(s.Lines) == listLimit+1:
		return listLimit + 1
	default:
		return listLimit
	}
}

// counted draws lines and says how many more there are.
func (d *drawing) counted(kept []bot.Line, lost int, bullet bool) []node {
	out := d.lines(kept, bullet)
	if lost > 0 {
		out = append(out, plainText(more(d.lang, lost)))
	}
	if len(out) == 0 {
		out = append(out, plainText("—"))
	}
	return out
}

func split(lines []bot.Line, n int) (head, tail []bot.Line) {
	n = min(n, len(lines))
	return lines[:n], lines[n:]
}

// more says how many items are not shown.
func more(lang bot.Lang, n int) string {
	if lang == bot.EN {
		return "… and " + strconv.Itoa(n) + " more"
	}
	return "…还有 " + strconv.Itoa(n) + " 项"
}

func panel(title string, elements []node) node {
	return node{
		"tag": "collapsible_panel", "expanded": false,
		"header":   node{"title": node{"tag": "plain_text", "content": title}},
		"elements": elements,
	}
}

// lines draws lines in as few elements as there are changes between plain and
// styled ones. Plain ones stand in plain_text, where nothing is ever obeyed.
func (d *drawing) lines(lines []bot.Line, bullet bool) []node {
	var out []node
	for i := 0; i < len(lines); {
		styled := isStyled(lines[i])
		var rows []string
		for ; i < len(lines) && isStyled(lines[i]) == styled; i++ {
			row := plainLine(lines[i])
			if styled {
				row = markdownLine(lines[i])
			}
			if bullet {
				row = "• " + row
			}
			if strings.TrimSpace(row) != "" {
				rows = append(rows, row)
			}
		}
		text := strings.Join(rows, "\n")
		switch {
		case text == "":
		case styled:
			out = append(out, node{"tag": "markdown", "content": text})
		default:
			out = append(out, plainText(text))
		}
	}
	return out
}

func isStyled(l bot.Line) bool {
	for _, s := range l {
		if s.Bold || s.Code {
			return true
		}
	}
	return false
}

func plainLine(l bot.Line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(show(s.Text, spanLimit))
	}
	return tagsAndLinks.Replace(b.String()) // two pieces may make one sign
}

var listMark = regexp.MustCompile(`^[-+]`)

func markdownLine(l bot.Line) string {
	var b strings.Builder
	for _, s := range l {
		// Signs of markdown count only beside a letter: blanks stand outside.
		text := show(s.Text, spanLimit)
		inner := strings.TrimSpace(text)
		before, after, _ := strings.Cut(text, inner)
		switch {
		case inner == "":
			b.WriteString(text)
			continue
		case s.Code:
			inner = "`" + code(inner, spanLimit) + "`"
		case s.Bold:
			inner = "**" + markdown(inner, spanLimit) + "**"
		default:
			inner = markdown(inner, spanLimit)
		}
		b.WriteString(before + inner + after)
	}
	return listMark.ReplaceAllStringFunc(strings.ReplaceAll(b.String(), "//", "／／"), func(sign string) string {
		return map[string]string{"-": "&#45;", "+": "&#43;"}[sign]
	})
}

// accountID is the shape of the ids that may be mentioned; "all" is none.
var accountID = regexp.MustCompile(`^(?:ou|on)_[A-Za-z0-9_-]{1,64}$|^user_id:[A-Za-z0-9_.@-]{1,64}$`)

// mentionLimit is how many people one message calls.
const mentionLimit = 20

// mentionable gives the ids that may be mentioned, as Feishu spells them.
func mentionable(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !accountID.MatchString(id) {
			continue
		}
		if id = strings.TrimPrefix(id, "user_id:"); id != "all" && len(out) < mentionLimit {
			out = append(out, id)
		}
	}
	return out
}

// atCard mentions people in a card.
func atCard(ids []string) string {
	var tags []string
	for _, id := range mentionable(ids) {
		tags = append(tags, "<at id="+id+"></at>")
	}
	return strings.Join(tags, " ")
}
