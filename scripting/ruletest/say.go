package ruletest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// text is one sentence in both languages.
type text struct{ en, zh string }

// say formats a sentence in both languages. An argument that is a text is put in by
// language.
func say(en, zh string, args ...any) text {
	inEN, inZH := make([]any, len(args)), make([]any, len(args))
	for i, arg := range args {
		inEN[i], inZH[i] = arg, arg
		if t, ok := arg.(text); ok {
			inEN[i], inZH[i] = t.en, t.zh
		}
	}
	return text{en: fmt.Sprintf(en, inEN...), zh: fmt.Sprintf(zh, inZH...)}
}

// in gives the sentence in a language: Chinese for zh and all that begins with it.
func (t text) in(lang string) string {
	if strings.HasPrefix(lang, "zh") {
		return t.zh
	}
	return t.en
}

// plain makes words of others safe to show in one line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// quoted quotes what people typed, cut to what fits in a line.
func quoted(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// place is a spot in a test file, from 1; a column counts characters.
type place struct{ line, column int }

// mistake is one thing that is wrong in a test file.
type mistake struct {
	place
	say text
}

// mistaken gives all mistakes of a file as one fault, in the order of the file: a
// line "file:line:column: what" for each, in each language.
func mistaken(file string, found []mistake) error {
	slices.SortStableFunc(found, func(a, b mistake) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	if len(found) > maxMistakes {
		found = append(found[:maxMistakes:maxMistakes], mistake{found[maxMistakes].place, say("and %d more mistakes", "还有 %d 处错误", len(found)-maxMistakes)})
	}
	var en, zh []string
	for _, m := range found {
		en = append(en, fmt.Sprintf("%s:%d:%d: %s", file, m.line, m.column, m.say.en))
		zh = append(zh, fmt.Sprintf("%s:%d:%d: %s", file, m.line, m.column, m.say.zh))
	}
	return fault.New(fault.Invalid, "%s / %s", strings.Join(en, "\n"), strings.Join(zh, "\n"))
}

// maxMistakes bounds what one file is told about.
const maxMistakes = 50

// oneOf ends a sentence about a word that will not do.
func oneOf(word string, words []string) text {
	best, most := "", 0
	for _, w := range words {
		if n := alike(strings.ToLower(word), strings.ToLower(w)); n > most {
			best, most = w, n
		}
	}
	if best != "" && 2*most > len(best) {
		return say("; did you mean %s?", "，是否想写 %s？", best)
	}
	return say("; use one of: %s", "，可以用：%s", strings.Join(words, ", "))
}

// alike counts the letters that two words share at their beginning and end.
func alike(a, b string) int {
	n, front, back := min(len(a), len(b)), 0, 0
	for front < n && a[front] == b[front] {
		front++
	}
	for back < n-front && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	return front + back
}
