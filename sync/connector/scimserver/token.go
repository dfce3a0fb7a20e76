package scimserver

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// chosenPart marks, within a filter that the parser gets, a value path: its own
// grammar takes no more than two comparisons within brackets. What stood there is
// parsed apart, and put back by the number behind the mark.
const chosenPart = "rollcallchoice"

// parseWords reads a filter that is split into words.
func parseWords(words []string) (filter.Expression, error) {
	var out []string
	var inner []filter.Expression
	for i := 0; i < len(words); i++ {
		if words[i] != "[" {
			out = append(out, words[i])
			continue
		}
		end := closing(words, i)
		if end < 0 || len(out) == 0 || isSign(out[len(out)-1]) {
			return nil, errWords
		}
		e, err := parseWords(words[i+1 : end])
		if err != nil {
			return nil, err
		}
		out[len(out)-1] += "." + chosenPart + strconv.Itoa(len(inner))
		out, inner = append(out, "pr"), append(inner, e)
		i = end
	}
	text := []byte(joinWords(out))
	e, err := guarded(func() (filter.Expression, error) { return filter.ParseFilterNumber(text) })
	if err != nil || e == nil {
		return nil, errWords
	}
	return putBack(e, inner), nil
}

var errWords = errors.New("not in the grammar")

// putBack makes value paths of the marks.
func putBack(e filter.Expression, inner []filter.Expression) filter.Expression {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		e.Left, e.Right = putBack(e.Left, inner), putBack(e.Right, inner)
	case *filter.NotExpression:
		e.Expression = putBack(e.Expression, inner)
	case *filter.AttributeExpression:
		number, marked := strings.CutPrefix(e.AttributePath.SubAttributeName(), chosenPart)
		i, err := strconv.Atoi(number)
		if !marked || err != nil || i < 0 || i >= len(inner) {
			return e
		}
		at := e.AttributePath
		at.SubAttribute = nil
		return &filter.ValuePath{AttributePath: at, ValueFilter: inner[i]}
	}
	return e
}

// closing gives the place of the bracket that closes an opening one, or -1.
func closing(words []string, open int) int {
	depth := 0
	for i := open; i < len(words); i++ {
		switch words[i] {
		case "[":
			depth++
		case "]":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
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

// intoBrackets moves a comparison that follows a value path into its brackets:
// Entra asks emails[type eq "work"].value eq "x".
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
		moved := append(slices.Clone(words[:open+1]), "(")
		moved = append(append(moved, words[open+1:i-1]...), ")", "and", words[i][1:])
		moved = append(append(moved, words[i+1:end]...), "]")
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
		if !isOperator(words[i-1]) || isSign(words[i-2]) || isSign(w) || strings.ContainsAny(w, `'"`) {
			continue
		}
		if _, err := strconv.ParseFloat(w, 64); err == nil || slices.Contains([]string{"true", "false", "null"}, strings.ToLower(w)) {
			continue
		}
		words[i] = `"` + strings.ReplaceAll(strings.ReplaceAll(w, `\`, `\\`), `"`, `\"`) + `"`
	}
	return words
}

func isSign(w string) bool { return len(w) == 1 && strings.ContainsAny(w, "()[]") }

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
