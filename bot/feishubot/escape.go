package feishubot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of one text is shown, in characters. Names are cut by those who
// write them; these bounds keep one text from filling the card.
const (
	spanLimit  = 400
	titleLimit = 120
	labelLimit = 40
)

// clean takes out of a text what could change the meaning of what stands around
// it: line breaks, control characters, marks that reverse the direction of
// reading or are not seen, and the signs by which tags and links begin. Those are
// written in full width everywhere, also where Feishu should take them literally.
func clean(s string) string {
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
	return tagsAndLinks.Replace(s)
}

var tagsAndLinks = strings.NewReplacer("//", "／／", "<", "＜", ">", "＞", "](", "]（")

// cut shortens a cleaned text to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// show is clean and cut.
func show(s string, n int) string { return cut(clean(s), n) }

// entities are how Feishu's markdown writes its own signs as plain text; ":" is
// one because ":DONE:" is drawn as an emoji. Source: the table of special
// characters on the page of the rich text component. What is not in that table
// is written in full width.
var entities = strings.NewReplacer(
	"<", "&#60;", ">", "&#62;", "*", "&#42;", "_", "&#95;", "~", "&#126;", "[", "&#91;", "]", "&#93;",
	"(", "&#40;", ")", "&#41;", "`", "&#96;", "#", "&#35;", "$", "&#36;", "!", "&#33;", `\`, "&#92;", ":", "&#58;",
	"&", "＆", "|", "｜",
)

// wide are the same signs in full width, for places where no entity is read:
// between backticks, and in text messages. A command is understood with them.
var wide = strings.NewReplacer(
	"&", "＆", "<", "＜", ">", "＞", "*", "＊", "~", "～", "[", "［", "]", "］", "(", "（", ")", "）", "`", "｀", "$", "＄", `\`, "＼",
)

// markdown gives a text that says just itself in a markdown element.
func markdown(s string, n int) string { return entities.Replace(show(s, n)) }

// code gives a text for between backticks.
func code(s string, n int) string { return wide.Replace(show(s, n)) }
