package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Rooms are read by many: phone numbers, mail addresses and long numbers are
// never shown whole, in full-width signs either.
var (
	mailShape   = regexp.MustCompile(`([\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]*([@＠])`)
	numberShape = regexp.MustCompile(`[+＋]?[0-9０-９][0-9０-９ ()（）-]{4,}[0-9０-９XxＸｘ]`)
	dateShape   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)
)

const (
	tailLen = 4 // characters of a number that remain
	// longNumber is how many digits a number has that may be somebody's.
	longNumber = 7
)

// masked hides what identifies a person beyond the name.
func masked(s string) string {
	s = mailShape.ReplaceAllString(s, "${1}***${2}")
	return numberShape.ReplaceAllStringFunc(s, func(n string) string {
		digits := strings.Count(strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= '０' && r <= '９' {
				return '0'
			}
			return r
		}, n), "0")
		if digits < longNumber {
			return n
		}
		if day := dateShape.FindString(n); day != "" { // a number may follow
			return day + masked(n[len(day):])
		}
		signs := []rune(n)
		return "…" + string(signs[len(signs)-tailLen:])
	})
}

// value gives an attribute's value as a room may see it.
func (l Lang) value(p *plan.Plan, name string, v directory.Value) string {
	s := l.whole(p, v)
	switch {
	case v.Type() == directory.Unknown || v.Type() == directory.Bool || v.IsEmpty():
		return s
	case name == directory.AttrEmployeeNo:
		return tailOf(s)
	case name == directory.AttrMobile && masked(s) == s:
		return tailOf(s)
	}
	return masked(s)
}

// whole gives an attribute's value as the person who asks alone may see it.
func (l Lang) whole(p *plan.Plan, v directory.Value) string {
	switch {
	case v.Type() == directory.Unknown:
		return l.say("(not visible: %s)", "（看不到：%s）", v.Permission())
	case v.IsEmpty():
		return l.say("(empty)", "（空）")
	}
	s := p.Show(v)
	if v.Type() == directory.Bool {
		return l.say(s, map[string]string{"true": "是", "false": "否"}[s])
	}
	return printable(s, sayRunes)
}

// tailOf gives the end of a number.
func tailOf(s string) string {
	if utf8.RuneCountInString(s) <= tailLen {
		return s
	}
	runes := []rune(s)
	return "…" + string(runes[len(runes)-tailLen:])
}

// person names whom a change is about: name, department, end of the number.
func (l Lang) person(c *plan.Change) string {
	var more []string
	if where := strings.TrimPrefix(c.Where, "/"); where != "" {
		more = append(more, label(where))
	}
	switch {
	case c.Tail != "":
		more = append(more, tailOf("…"+strings.TrimPrefix(c.Tail, "…")))
	case c.Key.Kind == directory.User && c.Key.ID != "": // two may have one name
		more = append(more, label("…"+strings.TrimPrefix(tailOf(string(c.Key.ID)), "…")))
	}
	name := label(masked(c.Name))
	if name == "" {
		name = tailOf(string(c.Key.ID))
	}
	if c.Key.Kind == directory.Department {
		name = l.say("department ", "部门 ") + name
	}
	if len(more) == 0 {
		return name
	}
	return name + l.say(" (", "（") + strings.Join(more, l.say(", ", "，")) + l.say(")", "）")
}
