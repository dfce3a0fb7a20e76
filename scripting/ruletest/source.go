package ruletest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile  = 1 << 20 // bytes
	maxCases = 10_000
	maxDepth = 20  // the parser is recursive
	maxKeys  = 500 // of one mapping: the parser's time grows with their square
)

// reader reads a test file and gathers every mistake.
type reader struct{ found []mistake }

func (r *reader) bad(at place, what text) { r.found = append(r.found, mistake{at, what}) }

// document gives the top node of a file; false after a mistake that leaves nothing
// to read.
func (r *reader) document(data []byte) (ast.Node, bool) {
	start := place{1, 1}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case len(data) > maxFile:
		r.bad(start, say("the file is larger than 1 MiB: split it", "文件超过 1 MiB：请拆分"))
		return nil, false
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		r.bad(start, say("the file is not UTF-8: save it as UTF-8", "文件不是 UTF-8 编码：请另存为 UTF-8"))
		return nil, false
	}
	file, ok := r.parse(string(data))
	if !ok {
		return nil, false
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		r.bad(start, say("the file is empty: it needs cases", "文件是空的：至少要有 cases"))
		return nil, false
	case 1:
		return bodies[0], true
	default:
		r.bad(placeOf(bodies[1]), say("a file holds one document: remove the '---'", "一个文件只能有一份文档：请去掉 '---'"))
		return nil, false
	}
}

// parse runs the YAML parser, which stops at its first mistake.
func (r *reader) parse(source string) (file *ast.File, ok bool) {
	defer func() {
		// The parser is another project's and the file is typed by people: a crash
		// there must come out as a mistake.
		if recover() != nil {
			r.bad(place{1, 1}, say("this is not readable YAML", "这不是可读的 YAML"))
			file, ok = nil, false
		}
	}()
	tokens := lexer.Tokenize(source)
	if !r.simple(tokens) {
		return nil, false
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, true
	}
	at, what := place{1, 1}, "?"
	if syntax, is := errors.AsType[*yaml.SyntaxError](err); is {
		what = plain(syntax.Message)
		if syntax.Token != nil && syntax.Token.Position != nil {
			at = place{max(1, syntax.Token.Position.Line), max(1, syntax.Token.Position.Column)}
		}
	}
	r.bad(at, say("YAML syntax: %s", "YAML 语法错误：%s", what))
	return nil, false
}

// simple refuses what makes a small file large or hides what it says (anchors,
// aliases, tags, merge keys), and nesting and mappings without end.
func (r *reader) simple(tokens token.Tokens) bool {
	ok := true
	c := counter{columns: map[int]int{}}
	for _, t := range tokens {
		at := place{max(1, t.Position.Line), max(1, t.Position.Column)}
		switch t.Type {
		case token.AliasType, token.AnchorType, token.TagType, token.MergeKeyType, token.MappingKeyType, token.DirectiveType:
			r.bad(at, say("YAML anchors, aliases, tags, merge keys, '? ' and directives are not supported: write it out, and quote a text that begins with & * ! ? or %%", "不支持 YAML 的锚点、别名、标签、合并键、“? ”和指令：请写全；以 & * ! ? %% 开头的文本请加引号"))
			ok = false
		default:
			c.count(t)
		}
		if c.depth > maxDepth || c.dashes > maxDepth || t.Position.IndentNum > 8*maxDepth {
			r.bad(at, say("this is nested too deep", "嵌套太深"))
			return false
		}
		if c.most > maxKeys {
			r.bad(at, say("one mapping has more than %d keys", "一个映射的键超过 %d 个", maxKeys))
			return false
		}
	}
	return ok
}

// counter counts the keys of each mapping, before there is a tree to walk: by
// brackets, and by columns outside of them.
type counter struct {
	columns map[int]int // keys of the block mappings that are open
	flow    []int       // keys of the mappings in brackets that are open
	depth   int         // brackets
	line    int
	dashes  int // on the line
	most    int
}

func (c *counter) count(t *token.Token) {
	if t.Position.Line != c.line {
		c.line, c.dashes = t.Position.Line, 0
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		c.depth++
		c.flow = append(c.flow, 0)
	case token.SequenceEndType, token.MappingEndType:
		c.depth--
		c.flow = c.flow[:max(0, len(c.flow)-1)]
	case token.SequenceEntryType:
		c.dashes++
		c.close(t.Position.Column)
	case token.MappingValueType:
		if n := len(c.flow); n > 0 {
			c.flow[n-1]++
			c.most = max(c.most, c.flow[n-1])
			return
		}
		column := t.Position.Column
		if t.Prev != nil {
			column = t.Prev.Position.Column
		}
		c.close(column)
		c.columns[column]++
		c.most = max(c.most, c.columns[column])
	default:
	}
}

// close forgets the mappings that stand further to the right.
func (c *counter) close(column int) {
	for open := range c.columns {
		if open > column {
			delete(c.columns, open)
		}
	}
}

// placeOf gives where a node begins. For a block mapping or list the parser's own
// token is a ':' or '-' inside it.
func placeOf(n ast.Node) place {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return placeOf(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return placeOf(x.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{1, 1}
	}
	p := n.GetToken().Position
	return place{max(1, p.Line), max(1, p.Column)}
}

// entry is one key of a mapping with its value; the node is nil when it was left
// empty.
type entry struct {
	key  string
	at   place // of the key
	node ast.Node
}

// where gives the place of the value, or of the key when the value stands on lines
// of its own.
func (e entry) where() place {
	switch x := e.node.(type) {
	case nil:
		return e.at
	case *ast.MappingNode:
		if !x.IsFlowStyle {
			return e.at
		}
	case *ast.MappingValueNode:
		return e.at
	case *ast.SequenceNode:
		if !x.IsFlowStyle {
			return e.at
		}
	}
	return placeOf(e.node)
}

// entries gives the entries of a mapping in the order of the file.
func (r *reader) entries(n ast.Node, at place) ([]entry, bool) {
	var values []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		values = x.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{x}
	default:
		r.bad(at, say("expected key: value pairs, not %s", "这里应该是“键: 值”，而不是%s", kindOf(n)))
		return nil, false
	}
	seen := map[string]int{}
	var out []entry
	for _, v := range values {
		if v == nil || v.Key == nil || v.Key.GetToken() == nil {
			continue
		}
		e := entry{key: v.Key.GetToken().Value, at: placeOf(v.Key), node: v.Value}
		if v.Value != nil && v.Value.Type() == ast.NullType {
			e.node = nil
		}
		if first, twice := seen[e.key]; twice {
			r.bad(e.at, say("%s is there twice, first on line %d", "%s 重复了，第 %d 行已经有", quoted(e.key), first))
			continue
		}
		seen[e.key] = e.at.line
		out = append(out, e)
	}
	return out, true
}

// known gives the entries of a mapping by key and refuses other keys.
func (r *reader) known(n ast.Node, at place, keys []string) (map[string]entry, bool) {
	list, ok := r.entries(n, at)
	out := make(map[string]entry, len(list))
	for _, e := range list {
		if !slices.Contains(keys, e.key) {
			r.bad(e.at, say("there is no key %s%s", "没有 %s 这个键%s", quoted(e.key), oneOf(e.key, keys)))
			continue
		}
		out[e.key] = e
	}
	return out, ok
}

// items gives the elements of a list.
func (r *reader) items(e entry) []ast.Node {
	if e.node == nil {
		return nil
	}
	seq, ok := e.node.(*ast.SequenceNode)
	if !ok {
		r.bad(e.where(), say("%s is a list, not %s", "%s 应该是列表，而不是%s", e.key, kindOf(e.node)))
		return nil
	}
	return seq.Values
}

// words gives a text as it was written; false after a mistake, or when it is empty.
func (r *reader) words(e entry) (string, bool) {
	s, ok := scalar(e.node)
	if !ok {
		r.bad(e.where(), say("%s is a text, not %s", "%s 应该是文本，而不是%s", e.key, kindOf(e.node)))
	}
	return s, ok
}

// scalar gives a text, number or truth value as it was written, so that 0001 stays
// 0001.
func scalar(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		if x.Value == nil {
			return "", true
		}
		return strings.TrimRight(x.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

// kindOf names what a node is.
func kindOf(n ast.Node) text {
	switch n.(type) {
	case nil, *ast.NullNode:
		return text{"nothing", "空"}
	case *ast.MappingNode, *ast.MappingValueNode:
		return text{"key: value pairs", "“键: 值”"}
	case *ast.SequenceNode:
		return text{"a list", "列表"}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return text{"a number", "数字"}
	case *ast.BoolNode:
		return text{"true or false", "true 或 false"}
	default:
		return text{"a text", "文本"}
	}
}
