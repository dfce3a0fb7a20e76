package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The limits of one command.
const (
	maxRunes  = 500
	maxTokens = 20
)

// normal brings one line into the form that the parser reads: full-width
// letters and punctuation become plain, invisible characters go, all blanks
// are spaces, a leading /, ! or # goes. Faults: Invalid for more than one line,
// or too much.
func normal(text string) (string, error) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "")
	}
	if utf8.RuneCountInString(text) > maxRunes {
		return "", fault.New(fault.Invalid, "the message is too long for a command (at most %d characters) / 消息太长，不是命令（最多 %d 个字）", maxRunes, maxRunes)
	}
	line := ""
	for _, l := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }) {
		l = clean(l)
		switch {
		case l == "":
		case line != "":
			return "", fault.New(fault.Invalid, "one command, one line: nothing was run / 一次只能发一行命令，没有执行")
		default:
			line = l
		}
	}
	if len(line) > 1 && strings.ContainsRune("/!#", rune(line[0])) {
		line = strings.TrimSpace(line[1:])
	}
	return line, nil
}

// clean folds the characters of one line.
func clean(line string) string {
	var b strings.Builder
	for _, r := range width.Fold.String(line) {
		switch {
		case unicode.IsSpace(r) || r == '\u00a0' || r == '\u200a' || r == '\u2009':
			b.WriteByte(' ')
		case unicode.Is(unicode.Cf, r) || unicode.IsControl(r):
			// zero-width and direction marks: nothing to see, nothing to match
		case strings.ContainsRune("“”„‟«»", r):
			b.WriteByte('"')
		case strings.ContainsRune("‘’‚‛", r):
			b.WriteByte('\'')
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// tokens splits a normal line at blanks and quotes. A dash before a word is
// brought to "--". Faults: Invalid for too many or an open quote.
func tokens(line string) ([]string, error) {
	var all []string
	var b strings.Builder
	quote, open := rune(0), false
	flush := func() {
		if open || b.Len() > 0 {
			all = append(all, dashes(b.String()))
		}
		b.Reset()
		open = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			b.WriteRune(r)
		case r == '"' || r == '\'' && b.Len() == 0:
			quote, open = r, true
		case r == ' ':
			flush()
		default:
			b.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, fault.New(fault.Invalid, "a quotation mark is open: nothing was run / 引号没有配对，没有执行")
	}
	flush()
	if len(all) > maxTokens {
		return nil, fault.New(fault.Invalid, "too many words for a command (at most %d) / 命令的词太多（最多 %d 个）", maxTokens, maxTokens)
	}
	return all, nil
}

// dashes turns long dashes at the beginning of a token, which phones make of
// two hyphens, back into two hyphens.
func dashes(token string) string {
	if rest := strings.TrimLeft(token, "—–―"); rest != token && rest != "" {
		return "--" + rest
	}
	return token
}

// fold gives the form in which words are compared.
func fold(s string) string { return strings.ToLower(s) }
