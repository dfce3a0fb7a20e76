package scripting

import (
	"errors"
	"sort"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// spots turns positions in a wrapped rule into places in its file, counted as an
// editor does: lines, and characters in the line.
type spots struct {
	source string
	starts []int // of the lines
	before int   // bytes in front of the source
}

func newSpots(source string, before int) spots {
	return spots{source: source, starts: lineStarts(source), before: before}
}

// idx gives the place of a node.
func (s spots) idx(idx file.Idx) place { return s.byte(int(idx) - 1 - s.before) }

// byte gives the place of a byte of the source. What lies outside of it, such as the
// end that a text misses, is moved to its beginning or end.
func (s spots) byte(at int) place {
	at = min(max(at, 0), len(s.source))
	line := sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > at }) // of the next
	return place{line: line, column: 1 + utf8.RuneCountInString(s.source[s.starts[line-1]:at])}
}

// behind tells whether a position of the wrapped text is behind the source.
func (s spots) behind(p file.Position) bool { return p.Line-linesAbove > len(s.starts) }

// position gives the place of a position in the wrapped text.
func (s spots) position(p file.Position) place {
	switch line := p.Line - linesAbove; {
	case line < 1:
		return s.byte(0)
	case line > len(s.starts):
		return s.byte(len(s.source))
	default:
		return s.byte(s.starts[line-1] + max(p.Column, 1) - 1)
	}
}

// lineStarts gives the first byte of each line, as the engine counts lines.
func lineStarts(source string) []int {
	starts := []int{0}
	for i, r := range source {
		switch {
		case r == '\r' && i+1 < len(source) && source[i+1] == '\n':
		case r == '\r', r == '\n', r == '\u2028', r == '\u2029':
			starts = append(starts, i+utf8.RuneLen(r))
		}
	}
	return starts
}

// problemsOf turns the engine's first complaint into ours: those behind it mostly
// follow from it, or are about the function around the rule.
func (s spots) problemsOf(err error) []problem {
	if list, ok := errors.AsType[parser.ErrorList](err); ok && len(list) > 0 {
		say := list[0].Message
		if s.behind(list[0].Position) { // what it stumbles over there is not the rule's
			say = "Unexpected end of input"
		}
		return []problem{{place: s.position(list[0].Position), say: textSyntax.quote(clean(say, sayLength))}}
	}
	say, at := err.Error(), place{1, 1}
	if e, ok := errors.AsType[*goja.CompilerSyntaxError](err); ok {
		say = e.Message
		if e.File != nil {
			at = s.byte(e.Offset - s.before)
		}
	}
	return []problem{{place: at, say: textSyntax.quote(clean(say, sayLength))}}
}
