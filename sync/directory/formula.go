package directory

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsFormula tells whether a spreadsheet may take a text for a formula: by its first
// sign, after blanks and what is not seen, or since it begins with a tab or a line
// break. Full-width signs are formulas too where the language is Chinese.
func IsFormula(s string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }))
	return strings.ContainsRune("=+-@＝＋－＠−", first) || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n")
}
