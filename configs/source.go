package configs

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is how deep lists and mappings may stand inside each other. The
// parser is recursive, and a stack that overflows cannot be recovered.
const maxDepth = 40

// maxKeys is how many keys a file may have: the parser's time grows with the
// square of the keys of one mapping.
const maxKeys = 10000

// source turns the bytes into the top node of the one document; false after
// a mistake that leaves nothing to read.
func (d *decoder) source(data []byte) (ast.Node, bool) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > maxFile {
		d.add(Error, "", Place{}, say("文件超过 1 MiB；这不像是配置文件", "the file is larger than 1 MiB; this does not look like a configuration"))
		return nil, false
	}
	if at, ok := notUTF8(data); ok {
		d.add(Error, "", at, say("这里不是 UTF-8；请把文件另存为 UTF-8", "this is not UTF-8; save the file as UTF-8"))
		return nil, false
	}
	file, ok := d.parse(string(data))
	if !ok {
		return nil, false
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		bodies = append(bodies, doc.Body)
	}
	switch len(bodies) {
	case 0:
		d.add(Error, "", Place{Line: 1, Column: 1}, say("文件是空的；可以从 configs/example.yaml 开始", "the file is empty; start from configs/example.yaml"))
		return nil, false
	case 1:
		return bodies[0], true
	default:
		d.add(Error, "", placeOf(bodies[1]), say("一个文件只能有一份文档；请去掉 '---'", "a file holds one document; remove the '---'"))
		return nil, false
	}
}

// parse runs the YAML parser, which stops at its first mistake.
func (d *decoder) parse(text string) (file *ast.File, ok bool) {
	defer func() {
		// The parser is another project's and the file is typed by people: a
		// crash there must come out as a mistake.
		if recover() != nil {
			d.add(Error, "", Place{Line: 1, Column: 1}, say("这不是可读的 YAML", "this is not readable YAML"))
			file, ok = nil, false
		}
	}()
	tokens := joinReferences(lexer.Tokenize(text))
	if !d.plain(tokens) {
		return nil, false
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, true
	}
	at, what := Place{Line: 1, Column: 1}, "?"
	if syntax, is := errors.AsType[*yaml.SyntaxError](err); is {
		what = syntax.Message
		if syntax.Token != nil && syntax.Token.Position != nil {
			at = Place{Line: syntax.Token.Position.Line, Column: max(1, syntax.Token.Position.Column)}
		}
	}
	d.add(Error, "", at, syntaxText(what))
	return nil, false
}

// syntaxText explains what the YAML parser did not like.
func syntaxText(what string) Text {
	hint := Text{}
	switch {
	case strings.Contains(what, "'\t'"), strings.Contains(what, `'\t'`), strings.Contains(what, "tab character"):
		hint = say("；缩进只能用空格，不能用 Tab", "; indent by spaces, never by tabs")
	case strings.Contains(what, "value is not allowed in this context"), strings.Contains(what, "non-map value"):
		hint = say("；请检查缩进和冒号，含 ': ' 的文本要加引号", "; look at the indentation and the colons, and quote a text that holds ': '")
	case strings.Contains(what, "could not find end character"):
		hint = say("；引号没有成对", "; a quote is not closed")
	case strings.Contains(what, "reserved character"):
		hint = say("；请给这个值加引号", "; quote the value")
	}
	what = strings.NewReplacer("\t", `\t`, "\r", `\r`, "\n", " ").Replace(what)
	return say("YAML 语法错误：%s%s", "YAML syntax: %s%s", what, hint)
}

// plain refuses the parts of YAML that a configuration does not need and that
// hide what it says (anchors, tags, merge keys), and nesting without end.
func (d *decoder) plain(tokens token.Tokens) bool {
	ok, depth, line, dashes, keys := true, 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			dashes++
		case token.MappingValueType:
			keys++
		case token.AliasType, token.AnchorType, token.TagType, token.MergeKeyType, token.MappingKeyType, token.DirectiveType:
			ok = false
			d.add(Error, "", Place{Line: line, Column: max(1, t.Position.Column)}, plainText(t))
		default:
		}
		if depth > maxDepth || dashes > maxDepth || t.Position.IndentNum > 4*maxDepth {
			d.add(Error, "", Place{Line: line, Column: max(1, t.Position.Column)}, say("嵌套太深", "this is nested too deep"))
			return false
		}
		if keys > maxKeys {
			d.add(Error, "", Place{Line: line, Column: max(1, t.Position.Column)}, say("键超过 %d 个；这不像是配置文件", "there are more than %d keys; this does not look like a configuration", maxKeys))
			return false
		}
	}
	return ok
}

// plainText says why a token is refused.
func plainText(t *token.Token) Text {
	switch t.Type {
	case token.AliasType:
		return say(`'*' 开头的值要加引号，例如 ["*"]（不支持 YAML 别名）`, `quote a value that begins with '*', as in ["*"] (YAML aliases are not supported)`)
	case token.AnchorType:
		return say("不支持 YAML 锚点（&）；值以 & 开头时请加引号", "YAML anchors (&) are not supported; quote a value that begins with &")
	case token.TagType:
		return say("不支持 YAML 标签（!）；值以 ! 开头时请加引号", "YAML tags (!) are not supported; quote a value that begins with !")
	case token.MergeKeyType:
		return say("不支持 YAML 合并键（<<）；请把键写全", "YAML merge keys (<<) are not supported; write the keys out")
	case token.MappingKeyType:
		return say("不支持 '? ' 写法；请写成 键: 值", "keys with '? ' are not supported; write key: value")
	default:
		return say("不支持 YAML 指令（%%）", "YAML directives (%%) are not supported")
	}
}

// notUTF8 finds the first byte that is no UTF-8, and NUL, which no text has.
func notUTF8(data []byte) (Place, bool) {
	at := Place{Line: 1, Column: 1}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n <= 1, r == 0:
			return at, true
		case r == '\n':
			at = Place{Line: at.Line + 1, Column: 1}
		default:
			at.Column++
		}
		data = data[n:]
	}
	return Place{}, false
}

// placeOf gives where a node begins. For a block mapping or list the parser's
// own token is a ':' or '-' inside it.
func placeOf(n ast.Node) Place {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return placeOf(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return placeOf(x.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return Place{}
	}
	p := n.GetToken().Position
	return Place{Line: p.Line, Column: max(1, p.Column)}
}

// isBlock tells whether a node is a mapping or list written over lines, whose
// mistakes are better shown at its key.
func isBlock(n ast.Node) bool {
	switch x := n.(type) {
	case *ast.MappingNode:
		return !x.IsFlowStyle
	case *ast.MappingValueNode:
		return !x.IsFlowStyle
	case *ast.SequenceNode:
		return !x.IsFlowStyle
	case nil, *ast.NullNode:
		return true
	default:
		return false
	}
}
