package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Text is one sentence in both languages.
type Text struct{ ZH, EN string }

// In gives the sentence in a language: Chinese for zh and everything that
// begins with it, English otherwise.
func (t Text) In(lang string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return t.ZH
	}
	return t.EN
}

// say formats a sentence in both languages. An argument that is a Text is
// put in by language.
func say(zh, en string, args ...any) Text {
	inZH, inEN := make([]any, len(args)), make([]any, len(args))
	for i, arg := range args {
		inZH[i], inEN[i] = arg, arg
		if t, ok := arg.(Text); ok {
			inZH[i], inEN[i] = t.ZH, t.EN
		}
	}
	return Text{ZH: fmt.Sprintf(zh, inZH...), EN: fmt.Sprintf(en, inEN...)}
}

// Severity says whether a mistake keeps the file from being used.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the file is refused
	Warning Severity = "warning" // the file is used; somebody should look
)

// Place is a position in the file, from 1 in both directions; a column counts
// characters, not bytes. The zero Place is the file as a whole.
type Place struct{ Line, Column int }

// Mistake is one thing that is wrong in the file.
type Mistake struct {
	Line     int      // from 1; 0: the file as a whole
	Column   int      // from 1, in characters; 0: the file as a whole
	Path     string   // the key path, such as flows.hr-to-wecom.to; empty: the file as a whole
	Say      Text     // what is wrong and what to do; holds no secret
	Severity Severity // Error or Warning
}

// Mistakes is everything that is wrong in one file, in the order of the file,
// warnings among errors. It is an error; it never holds a secret.
type Mistakes struct { //nolint:errname // a list first, which is an error too
	File string
	List []Mistake
}

var _ error = (*Mistakes)(nil)

// Error gives the English lines of Render, without the last line break.
func (m *Mistakes) Error() string { return strings.TrimSuffix(m.Render("en"), "\n") }

// Render gives one line per mistake, FILE:LINE:COL: path: text, in Chinese
// for zh and zh-CN, in English otherwise. Each line ends with a line break.
func (m *Mistakes) Render(lang string) string {
	var b strings.Builder
	for _, one := range m.List {
		b.WriteString(m.File)
		if one.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", one.Line, one.Column)
		}
		b.WriteString(": ")
		if one.Path != "" {
			b.WriteString(one.Path + ": ")
		}
		if one.Severity == Warning {
			b.WriteString(Text{ZH: "提醒：", EN: "warning: "}.In(lang))
		}
		b.WriteString(one.Say.In(lang) + "\n")
	}
	return b.String()
}

// sortMistakes brings mistakes into the order of the file.
func sortMistakes(list []Mistake) {
	slices.SortStableFunc(list, func(a, b Mistake) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// nearest gives the candidate that somebody who typed word most likely meant.
func nearest(word string, candidates []string) (string, bool) {
	best, distance := "", 1<<30
	w := []rune(strings.ToLower(word))
	if len(w) > 64 {
		return "", false
	}
	for _, c := range candidates {
		r := []rune(strings.ToLower(c))
		if n := edits(w, r); n < distance && n < len(r) && n <= max(1, max(len(w), len(r))/3) {
			best, distance = c, n
		}
	}
	return best, best != ""
}

// edits counts the letters to insert, delete, change or swap between a and b.
func edits(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// didYouMean gives the end of a sentence about an unknown word.
func didYouMean(word string, candidates []string) Text {
	if near, ok := nearest(word, candidates); ok {
		return say("；是不是 %q？", "; did you mean %q?", near)
	}
	if len(candidates) == 0 {
		return Text{}
	}
	shown := candidates
	if len(shown) > 24 {
		shown = shown[:24]
	}
	list := strings.Join(shown, ", ")
	if len(shown) < len(candidates) {
		list += ", …"
	}
	return say("；可以用：%s", "; use one of: %s", list)
}
