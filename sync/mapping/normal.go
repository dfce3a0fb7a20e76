package mapping

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Same tells whether two values of an attribute mean the same: mobile numbers
// with or without +86 and separators, mail addresses in any case, groups in any
// order, everything else as it is written. Unknown is the same as nothing.
func Same(name string, a, b directory.Value) bool {
	if a.Equal(b) {
		return true
	}
	if a.Type() == directory.Unknown || b.Type() == directory.Unknown {
		return false
	}
	switch {
	case name == directory.AttrMobile, name == directory.AttrEmail:
		return Normal(name, a.String()) == Normal(name, b.String())
	case name == directory.AttrGroups && a.Type() == directory.Refs && b.Type() == directory.Refs:
		return slices.Equal(sorted(a), sorted(b))
	}
	return false
}

// sorted gives references as texts in order, each once.
func sorted(v directory.Value) []string {
	var texts []string
	for _, r := range v.Refs() {
		texts = append(texts, r.String())
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Normal gives the form of a match key in which equal keys are equal texts:
// Unicode NFKC (full-width digits become plain), no outer blanks, lower case;
// a mobile number without separators, without the invisible marks that a copy out
// of a chat brings along, and without +86 or 0086. Leading zeros of an employee
// number stay: 007 is not 7, see Finder.
func Normal(name, s string) string {
	s = strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
	if name == directory.AttrMobile {
		return normalMobile(s)
	}
	return s
}

func normalMobile(s string) string {
	digits := strings.Map(func(r rune) rune {
		if separates(r) {
			return -1
		}
		return r
	}, s)
	for _, prefix := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(digits, prefix); ok && len(rest) == chinaMobileDigits {
			return rest
		}
	}
	return digits
}

// separates tells whether a rune of a mobile number says nothing: blanks, dashes of
// every kind, brackets, dots, and marks that nobody sees.
func separates(r rune) bool {
	const minus, middleDot = '\u2212', '\u00b7'
	switch r {
	case '(', ')', '.', minus, middleDot:
		return true
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf)
}

// chinaMobileDigits is the length of a mainland mobile number.
const chinaMobileDigits = 11

// Bare gives a number of digits only, in its normal form, without its leading
// zeros, and whether it is one: "007" and "7" are both "7", "a07" is none. Two
// systems may differ in nothing else because one of them keeps numbers as numbers.
func Bare(number string) (string, bool) {
	if number == "" || strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return "", false
	}
	if bare := strings.TrimLeft(number, "0"); bare != "" {
		return bare, true
	}
	return "0", true
}
