package sqltable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// grammar is how one engine writes what the lexer has to pass over.
type grammar struct {
	backslash    bool   // \ escapes in strings, "…" is a string, # begins a comment, -- needs a blank (MySQL)
	dollar       bool   // $tag$…$tag$, E'…', nested comments (PostgreSQL)
	identifiers  string // the quotes of identifiers beside "
	placeholders string // what begins a native parameter: refused
	numbered     bool   // $1, $2; else ?
}

// statement is one statement of the configuration, ready for the driver.
type statement struct {
	name   string   // "users.update"
	source string   // as written, without its end
	verb   string   // its first word, in capitals
	parts  []string // the text around the parameters, one more than these
	params []param
	// replaces: OR REPLACE stands in it, by which SQLite deletes every row that is
	// in the way of a unique value.
	replaces bool
	// upserts: ON CONFLICT, ON DUPLICATE KEY or MERGE stands in it, by which it may
	// write to the row of somebody else who has a unique value.
	upserts bool
}

// param is a parameter :name and where it stands.
type param struct {
	name         string
	line, column int // from 1
}

// text gives the statement as the driver takes it.
func (s *statement) text(g grammar) string {
	var b strings.Builder
	for i, part := range s.parts {
		b.WriteString(part)
		switch {
		case i == len(s.params):
		case g.numbered:
			fmt.Fprintf(&b, "$%d", i+1)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// has tells whether a parameter stands in the statement.
func (s *statement) has(name string) bool {
	if s == nil {
		return false
	}
	for _, p := range s.params {
		if p.name == name {
			return true
		}
	}
	return false
}

// lexer goes over one statement. It knows no more of SQL than where strings,
// identifiers and comments begin and end, and what a parameter is.
type lexer struct {
	g    grammar
	src  string
	pos  int
	from int    // where the part at hand began
	last string // the word before
	out  statement
}

// parse reads one statement. Faults: Invalid, with the place.
func parse(g grammar, name, source string) (*statement, error) {
	l := &lexer{g: g, src: source, out: statement{name: name}}
	if i := firstNotText(source); i >= 0 {
		return nil, l.bad(i, "this is not UTF-8 text", "这里不是 UTF-8 文本")
	}
	end, err := l.run()
	if err != nil {
		return nil, err
	}
	l.out.parts = append(l.out.parts, l.src[l.from:end])
	l.out.source = strings.TrimSpace(l.src[:end])
	if l.out.verb == "" {
		return nil, l.bad(0, "the statement is empty", "语句是空的")
	}
	return &l.out, nil
}

func firstNotText(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return -1
}

// run passes over the statement and gives where it ends.
func (l *lexer) run() (int, error) {
	for l.pos < len(l.src) {
		if l.src[l.pos] == ';' {
			end := l.pos
			return end, l.tail()
		}
		if err := l.step(); err != nil {
			return 0, err
		}
	}
	return l.pos, nil
}

// tail sees that nothing but blanks and comments stands behind the semicolon.
func (l *lexer) tail() error {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ';' || isBlank(c):
			l.pos++
		case l.comment() > 0:
			if err := l.skipComment(); err != nil {
				return err
			}
		default:
			return l.bad(l.pos, "a second statement begins: write one only", "这里开始了第二条语句：只能写一条")
		}
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// step passes over one token.
func (l *lexer) step() error {
	c := l.src[l.pos]
	switch {
	case l.comment() > 0:
		return l.skipComment()
	case c == '\'':
		return l.quoted(l.g.backslash)
	case c == '"':
		return l.quoted(l.g.backslash)
	case strings.IndexByte(l.g.identifiers, c) >= 0:
		return l.quoted(false)
	case c == ':':
		l.colon()
		return nil
	case isWord(c):
		return l.word()
	case c == '$' && l.g.dollar && l.dollarTag() != "":
		return l.dollarQuoted()
	case strings.IndexByte(l.g.placeholders, c) >= 0 && l.native():
		return l.bad(l.pos, "a parameter is written :name, not "+string(c), "参数请写成 :名字，不要用 "+string(c))
	default:
		l.pos++
		return nil
	}
}

// native tells whether the sign at hand begins a parameter of the engine's own.
// A bare ? does.
func (l *lexer) native() bool {
	return l.src[l.pos] == '?' || l.pos+1 < len(l.src) && isWord(l.src[l.pos+1])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// word passes over a name, keyword or number, and over the string that E begins.
func (l *lexer) word() error {
	start := l.pos
	for l.pos < len(l.src) && (isWord(l.src[l.pos]) || l.src[l.pos] == '$') {
		l.pos++
	}
	word := strings.ToUpper(l.src[start:l.pos])
	if l.out.verb == "" {
		l.out.verb = word
	}
	l.out.replaces = l.out.replaces || l.last == "OR" && word == "REPLACE"
	l.out.upserts = l.out.upserts || l.last == "ON" && (word == "CONFLICT" || word == "DUPLICATE") || word == "MERGE"
	l.last = word
	if word == "E" && l.g.dollar && l.pos < len(l.src) && l.src[l.pos] == '\'' {
		return l.quoted(true)
	}
	return nil
}

// quoted passes over what stands in quotes. The quote itself is written twice
// inside; ] ends what [ began.
func (l *lexer) quoted(escapes bool) error {
	start, end := l.pos, l.src[l.pos]
	if end == '[' {
		end = ']'
	}
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\' && escapes:
			l.pos++
		case c != end:
		case end != ']' && l.pos+1 < len(l.src) && l.src[l.pos+1] == end:
			l.pos++
		default:
			l.pos++
			return nil
		}
	}
	return l.bad(start, "the quote is not closed", "引号没有配对")
}

// dollarTag gives the tag $…$ at hand, or "".
func (l *lexer) dollarTag() string {
	for i := l.pos + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '$':
			return l.src[l.pos : i+1]
		case !isWord(c) || i == l.pos+1 && c >= '0' && c <= '9':
			return ""
		}
	}
	return ""
}

func (l *lexer) dollarQuoted() error {
	tag := l.dollarTag()
	start := l.pos
	i := strings.Index(l.src[start+len(tag):], tag)
	if i < 0 {
		return l.bad(start, "the quote "+tag+" is not closed", "引号 "+tag+" 没有配对")
	}
	l.pos = start + i + 2*len(tag)
	return nil
}

// comment gives the length of the sign that begins a comment at hand, or 0.
func (l *lexer) comment() int {
	rest := l.src[l.pos:]
	switch {
	case strings.HasPrefix(rest, "/*"):
		return 2
	case strings.HasPrefix(rest, "--"):
		if !l.g.backslash || len(rest) == 2 || rest[2] <= ' ' {
			return 2
		}
	case rest[0] == '#' && l.g.backslash:
		return 1
	}
	return 0
}

func (l *lexer) skipComment() error {
	start := l.pos
	rest := l.src[start:]
	if rest[0] != '/' {
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			l.pos += i + 1
		} else {
			l.pos = len(l.src)
		}
		return nil
	}
	if l.g.backslash && (strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!")) {
		return l.bad(start, "a comment that the server runs hides what the statement does: write it out", "会被执行的注释让人看不出语句做什么：请直接写出来")
	}
	depth := 0
	for l.pos < len(l.src) {
		switch rest = l.src[l.pos:]; {
		case strings.HasPrefix(rest, "/*") && (depth == 0 || l.g.dollar):
			depth++
			l.pos += 2
		case strings.HasPrefix(rest, "*/"):
			l.pos += 2
			if depth--; depth == 0 {
				return nil
			}
		default:
			l.pos++
		}
	}
	return l.bad(start, "the comment is not closed", "注释没有结束")
}

// colon takes a parameter, and passes over a cast (::), an assignment (:=) and a
// colon by itself.
func (l *lexer) colon() {
	rest := l.src[l.pos+1:]
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "="):
		l.pos += 2
		return
	case first != '_' && !unicode.IsLetter(first):
		l.pos++
		return
	}
	n := 0
	for n < len(rest) {
		r, size := utf8.DecodeRuneInString(rest[n:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		n += size
	}
	line, column := l.place(l.pos)
	l.out.parts = append(l.out.parts, l.src[l.from:l.pos])
	l.out.params = append(l.out.params, param{rest[:n], line, column})
	l.pos += 1 + n
	l.from = l.pos
}

// place gives the line and column of an offset.
func (l *lexer) place(at int) (line, column int) {
	before := l.src[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

func (l *lexer) bad(at int, en, zh string) error {
	line, column := l.place(at)
	return misplaced(l.out.name, param{line: line, column: column}, en, zh)
}

// misplaced makes the fault of something in a statement.
func misplaced(name string, at param, en, zh string) error {
	return fault.New(fault.Invalid, "%s, line %d, column %d: %s / %s 第 %d 行第 %d 列：%s", name, at.line, at.column, en, name, at.line, at.column, zh)
}
