package scripting

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Lengths of what comes out of a rule, in runes.
const (
	reasonLength = 200
	sayLength    = 300
	logLength    = 200
	logLines     = 20
)

// Texts is one message in the two languages of the product.
type texts struct{ en, zh string }

func (t texts) String() string { return t.en + " / " + t.zh }

// sayf fills the same arguments into both languages.
func (t texts) sayf(args ...any) string {
	return fmt.Sprintf(t.en, args...) + " / " + fmt.Sprintf(t.zh, args...)
}

// quote puts words of others behind both languages: as they are, or each half
// behind its own when they are in two languages themselves.
func (t texts) quote(words string) string {
	en, zh := halves(words)
	return t.en + en + " / " + t.zh + zh
}

// halves gives words of others for each language: their own halves when they
// are in two languages, else as they are.
func halves(words string) (en, zh string) {
	en, zh = fault.In(words, "en"), fault.In(words, "zh")
	if han(en) || !han(zh) {
		return words, words
	}
	return en, zh
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// clean makes a rule's text safe to show: one line without control and
// formatting characters (which could turn the reading direction), at most limit
// runes.
func clean(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = n > 0
			continue
		}
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n >= limit {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// excerpt gives the beginning of a JavaScript string as clean text, without
// copying all of it.
func excerpt(s goja.String, limit int) string {
	if most := 4 * limit; s.Length() > most {
		s = s.Substring(0, most)
	}
	return clean(s.String(), limit)
}
