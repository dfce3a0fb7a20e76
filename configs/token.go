package configs

import (
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// joinReferences makes one text again of ${NAME} where a reference stands
// without quotes inside { } or [ ]. YAML reads its braces as a mapping there,
// which is never what somebody meant by a '$' in front.
func joinReferences(tokens token.Tokens) token.Tokens {
	out := make(token.Tokens, 0, len(tokens))
	for i := 0; i < len(tokens); {
		t := tokens[i]
		i++
		for {
			n := referenceAt(t, tokens[i:])
			if n == 0 {
				break
			}
			joined := *t
			for _, part := range tokens[i : i+n] {
				joined.Value += part.Value
				joined.Origin += part.Origin
			}
			t = &joined
			i += n
		}
		t.Prev, t.Next = nil, nil
		out.Add(t)
	}
	return out
}

// referenceAt tells how many of the tokens behind t belong to its text: the
// three of {NAME} behind a '$', or a text directly behind a '}'.
func referenceAt(t *token.Token, rest token.Tokens) int {
	if t.Type != token.StringType || len(rest) == 0 {
		return 0
	}
	switch {
	case strings.HasSuffix(t.Value, "$") && len(rest) >= 3 &&
		rest[0].Type == token.MappingStartType && rest[2].Type == token.MappingEndType &&
		touches(t, rest[0]) && touches(rest[0], rest[1]) && touches(rest[1], rest[2]):
		return 3
	case strings.HasSuffix(t.Value, "}") && strings.Contains(t.Value, "${") && rest[0].Type == token.StringType && touches(t, rest[0]):
		return 1
	default:
		return 0
	}
}

// touches tells whether b begins where a ends.
func touches(a, b *token.Token) bool {
	return a.Position.Line == b.Position.Line && a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
}
