package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// placeRunes is how long a rule's place is where there is room for it.
const placeRunes = 80

// fileLine gives file and line of a rule, fit to be shown. Of a long path the end
// stays: it holds the file and the line.
func fileLine(s string, limit int) string {
	s = strings.TrimSpace(printable(s, cellRunes))
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)
	return "…" + string(runes[len(runes)-limit+1:])
}

// fileLineShort gives them without the folders, for lists.
func fileLineShort(s string) string {
	return fileLine(s[strings.LastIndexAny(s, `/\`)+1:], nameRunes)
}

// named sets a place between the words of a sentence, if there is one.
func (l Lang) named(at string) string {
	if at == "" {
		return ""
	}
	return " " + at + l.say("", " ")
}

// chosenAt tells at the end of a line where the rule chose to take an account
// away; nothing when it had no part in that.
func (l Lang) chosenAt(ch *plan.Change) Line {
	at := fileLineShort(ch.Rule)
	if ch.Cause.Kind != plan.CauseRule || at == "" {
		return nil
	}
	return Line{plain(" · "), code(at)}
}

// brokenAt is the place at the beginning of what is wrong with a rule.
var brokenAt = regexp.MustCompile(`^(\S[^:：]*(?::[0-9]+)+|\S[^:：]*\.[cm]?js)\s?[:：]\s?`)

// brokenRule gives the place of a rule that is of no use, and what is wrong in
// this language. The place may stand before both halves of the sentence or before
// the first alone.
func (l Lang) brokenRule(what string) (at, why string) {
	why = l.of(what)
	at = brokenAt.FindString(why)
	why = strings.TrimPrefix(why, at)
	if at == "" {
		at = brokenAt.FindString(what)
	}
	at = brokenAt.ReplaceAllString(at, "$1")
	why = strings.TrimRight(printable(masked(strings.TrimSpace(why)), sayRunes), ".。")
	if why == "" {
		why = l.say("see the log", "原因见日志")
	}
	return fileLine(masked(at), placeRunes), why
}
