package scimserver

import (
	"slices"
	"strconv"
	"strings"
)

// normalFilter brings a filter into the grammar of RFC 7644 §3.4.2.2, which
// providers do not always keep to: blanks around it, emails[type eq "work"].value
// eq "x" (Entra) for emails[type eq "work" and value eq "x"], and values without
// quotes.
func normalFilter(text string) (string, error) {
	if len(text) > maxFilter {
		return "", bad(tooMany, "the filter is longer than %[1]d bytes / filter 超过 %[1]d 字节", maxFilter)
	}
	words, ok := filterWords(text)
	if !ok {
		return "", bad(invalidFilter, "the filter cannot be read: %[1]s / 看不懂 filter：%[1]s", clip(text))
	}
	return joinWords(quoteValues(intoBrackets(words))), nil
}

// filterWords splits a filter: brackets, quoted texts and words. ok is false when
// quotes do not pair or brackets are nested too deep.
func filterWords(text string) (words []string, ok bool) {
	depth := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t':
			i++
		case strings.IndexByte("()[]", c) >= 0:
			if c == '(' || c == '[' {
				depth++
			} else {
				depth--
			}
			if depth < 0 || depth > maxNesting {
				return nil, false
			}
			words = append(words, text[i:i+1])
			i++
		case c == '"':
			end := quoted(text[i:])
			if end < 0 {
				return nil, false
			}
			words = append(words, text[i:i+end])
			i += end
		default:
			end := strings.IndexAny(text[i:], " \t()[]\"")
			if end < 0 {
				end = len(text) - i
			}
			words = append(words, text[i:i+end])
			i += end
		}
	}
	return words, depth == 0
}

// quoted gives the length of the quoted text at the beginning, or -1.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func isOperator(word string) bool {
	return slices.Contains([]string{"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le"}, strings.ToLower(word))
}

// intoBrackets moves a comparison that follows a value path into its brackets.
func intoBrackets(words []string) []string {
	for i := 1; i+1 < len(words); i++ {
		if words[i-1] != "]" || len(words[i]) < 2 || words[i][0] != '.' {
			continue
		}
		end := i + 3
		if strings.EqualFold(words[i+1], "pr") {
			end = i + 2
		}
		open := opening(words, i-1)
		if end > len(words) || open < 0 {
			return words
		}
		inner := slices.Clone(words[open+1 : i-1])
		if slices.ContainsFunc(inner, func(w string) bool { return strings.EqualFold(w, "or") }) {
			inner = append(append([]string{"("}, inner...), ")")
		}
		moved := append(slices.Clone(words[:open+1]), inner...)
		moved = append(moved, "and", words[i][1:])
		moved = append(moved, words[i+1:end]...)
		moved = append(moved, "]")
		words = append(moved, words[end:]...)
	}
	return words
}

// opening gives the place of the bracket that a closing one belongs to, or -1.
func opening(words []string, closing int) int {
	depth := 0
	for i := closing; i >= 0; i-- {
		switch words[i] {
		case "]":
			depth++
		case "[":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// quoteValues puts quotes around a value that stands without them and is neither
// a number nor true, false or null.
func quoteValues(words []string) []string {
	for i := 2; i < len(words); i++ {
		w := words[i]
		if !isOperator(words[i-1]) || isSign(words[i-2]) || isSign(w) || w[0] == '"' {
			continue
		}
		if _, err := strconv.ParseFloat(w, 64); err == nil || slices.Contains([]string{"true", "false", "null"}, strings.ToLower(w)) {
			continue
		}
		words[i] = `"` + strings.ReplaceAll(strings.ReplaceAll(w, `\`, `\\`), `"`, `\"`) + `"`
	}
	return words
}

func isSign(w string) bool { return len(w) == 1 && strings.Contains("()[]", w) }

// joinWords writes a filter with one blank where the grammar wants one.
func joinWords(words []string) string {
	var b strings.Builder
	for i, w := range words {
		glued := i == 0 || w == "[" || w == "]" || w == ")" || words[i-1] == "(" || words[i-1] == "["
		if !glued {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}
