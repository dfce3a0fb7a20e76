package markdown

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
)

// Plain gives a text as one line of at most n characters, without what could
// change the meaning of its surroundings in any renderer: line breaks, control
// characters, marks that are not seen or that turn the direction of reading,
// and what a client makes a link of by itself.
func Plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		default:
			return r
		}
	}, s)
	s = strings.ReplaceAll(s, "//", "／／")
	s = www.ReplaceAllString(s, "${1}．")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return string([]rune(s)[:n-1]) + "…"
}

var www = regexp.MustCompile(`(?i)(www)\.`)

// wide are the signs that make markup, in full width. No dialect documents a
// way to escape them that all its clients read; a full-width sign looks alike
// and is never markup. A command is understood with them.
var wide = strings.NewReplacer(
	"&", "＆", "<", "＜", ">", "＞", "*", "＊", "~", "～", "[", "［", "]", "］", "`", "｀",
	"$", "＄", `\`, "＼", "|", "｜", "@", "＠", "!", "！",
)

// escape makes a plain text say just itself within a line.
func (o Options) escape(s string) string {
	if o.Dialect == Text {
		return mention.Replace(s) // a mention needs no markup
	}
	return underscores(wide.Replace(s))
}

// Plain text can mention people too: by "@", and in Feishu by a tag. A command
// keeps the "@" of the bot that it is sent to.
var (
	mention = strings.NewReplacer("@", "＠", "<", "＜", ">", "＞")
	tag     = strings.NewReplacer("<", "＜", ">", "＞")
)

// underscores replaces those that could begin or end an emphasis. Between two
// letters, as in a flow's name, they stay.
func underscores(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	rs := []rune(s)
	inner := func(i int) bool {
		return i >= 0 && i < len(rs) && rs[i] < utf8.RuneSelf && (unicode.IsLetter(rs[i]) || unicode.IsDigit(rs[i]))
	}
	out := make([]rune, len(rs))
	for i, r := range rs {
		if r == '_' && (!inner(i-1) || !inner(i+1)) {
			r = '＿'
		}
		out[i] = r
	}
	return string(out)
}

// start makes an escaped text harmless at the beginning of a line, where a few
// more signs make headings, lists and rules.
func (o Options) start(s string) string {
	if o.Dialect == Text || s == "" {
		return s
	}
	if r, ok := map[byte]string{'#': "＃", '-': "－", '+': "＋", '=': "＝"}[s[0]]; ok {
		return r + s[1:]
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits == 0 || digits == len(s) {
		return s
	}
	if r, ok := map[byte]string{'.': "．", ')': "）"}[s[digits]]; ok {
		return s[:digits] + r + s[digits+1:]
	}
	return s
}

// strong makes an escaped text bold.
func (o Options) strong(s string) string {
	if o.Dialect == Text {
		return s
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	return "**" + s + "**"
}

// code shows something to copy. DingTalk documents no code, and a client that
// shows the backticks would have them copied: there it is bold.
func (o Options) code(s string) string {
	switch o.Dialect {
	case Text:
		return tag.Replace(s)
	case DingTalk:
		return o.strong(underscores(codeSigns.Replace(s)))
	default:
		return "`" + codeSigns.Replace(strings.TrimSpace(s)) + "`"
	}
}

// codeSigns leaves the mention of ourselves and what commands are made of.
var codeSigns = strings.NewReplacer(
	"&", "＆", "<", "＜", ">", "＞", "*", "＊", "~", "～", "[", "［", "]", "］", "`", "｀", "$", "＄", `\`, "＼", "|", "｜",
)

func (o Options) bullet() string {
	if o.Dialect == DingTalk || o.Dialect == Feishu {
		return "- "
	}
	return "• "
}

// between divides two lines of a section.
func (o Options) between(list bool) string {
	if o.Dialect == DingTalk && !list {
		return "  \n  "
	}
	return "\n"
}

// beforeList divides a line from a list below it.
func (o Options) beforeList() string {
	if o.Dialect == DingTalk {
		return "\n\n"
	}
	return "\n"
}

// head draws the title.
func (o Options) head(card bot.Card, title string) string {
	text := strings.TrimLeft(o.title(title), " ")
	if text == "" || o.Headless {
		return ""
	}
	switch o.Dialect {
	case Feishu:
		return ""
	case DingTalk:
		return "### " + text
	case WeCom:
		if color := colorOf(card.Tone); color != "" {
			text = `<font color="` + color + `">` + text + "</font>"
		}
		return "### " + text
	default:
		return text
	}
}

// title escapes the title but not the lead before it, which must be found in
// the text as it was configured.
func (o Options) title(title string) string {
	if rest, ok := strings.CutPrefix(title, o.Lead); ok && o.Lead != "" {
		return o.Lead + o.escape(rest)
	}
	if before, after, ok := strings.Cut(title, o.Lead); ok && o.Lead != "" {
		return o.start(o.escape(before)) + o.Lead + o.escape(after)
	}
	return o.start(o.escape(strings.TrimLeft(title, " ")))
}

// colorOf gives WeCom's name of a tone's colour; "" = none.
func colorOf(t bot.Tone) string {
	switch t {
	case bot.Danger, bot.Warn, bot.Waits:
		return "warning"
	case bot.Good:
		return "info"
	case bot.Quiet:
		return "comment"
	default:
		return ""
	}
}

var idShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

// ID tells whether s has the form of an account id, so that it can be
// mentioned: letters, digits and _ - . @, at most 64.
func ID(s string) bool { return idShape.MatchString(s) }

// mentions calls people in the way of the dialect.
func (o Options) mentions() string {
	var out []string
	for _, id := range o.Mentions {
		if !ID(id) {
			continue
		}
		switch o.Dialect {
		case WeCom:
			out = append(out, "<@"+id+">")
		case Feishu:
			out = append(out, "<at id="+id+"></at>")
		default:
			out = append(out, "@"+id)
		}
	}
	return strings.Join(out, " ")
}

// say gives a sentence of the package in the language of the room.
func say(l bot.Lang, en, zh string, args ...any) string {
	format := zh
	if l == bot.EN {
		format = en
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}
