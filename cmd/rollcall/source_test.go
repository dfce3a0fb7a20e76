package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source gives every file of ours that is no test, by its path from the root.
func source(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	root, set, files := filepath.Join("..", ".."), token.NewFileSet(), map[string]*ast.File{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		files[filepath.ToSlash(rel)] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files seen: the test looks in the wrong place", len(files))
	}
	return set, files
}

// openly are the comparisons that may end at the first byte that differs,
// since nobody who could measure it is to be kept from knowing the value.
var openly = map[string]string{
	"bot/normal.go: rest != token":                                   "a token is a word of a command here",
	"sync/connector/dingtalk/token.go: c.options.Token == TokenOld":  "which way to fetch a token",
	"sync/connector/feishu/list.go: head.Token != token":             "a page token, which the vendor gives twice",
	"sync/connector/wecom/token.go: k.token == stale":                "both are our own: whether somebody else fetched a new one",
	"sync/connector/wecom/wecom.go: o.AppSecret != o.ContactsSecret": "both are from our configuration",
	"sync/feishutoken/source.go: s.current.token == token":           "both are our own: whether somebody else fetched a new one",
}

// TestT13_SecretsAreComparedInConstantTime sees that what proves a caller goes
// through crypto/subtle or crypto/hmac: == tells by its time how much was right.
func TestT13_SecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	set, files := source(t)
	used := map[string]bool{}
	for path, f := range files {
		// Pretended vendors and the suites of the tests keep no secret.
		if strings.HasPrefix(path, "sync/simulator/") || strings.HasPrefix(path, "store/storetest/") || strings.HasPrefix(path, "sync/connector/connectortest/") {
			continue
		}
		for _, c := range quickComparisons(f) {
			key := path + ": " + c.text
			if _, ok := openly[key]; ok {
				used[key] = true
				continue
			}
			t.Errorf("%s: %s may tell a secret by its time: use crypto/subtle, or say in openly why not", set.Position(c.at), c.text)
		}
	}
	for key := range openly {
		if !used[key] {
			t.Errorf("openly names %q, which is not there", key)
		}
	}
}

type comparison struct {
	at   token.Pos
	text string
}

// quickComparisons finds ==, != and the like between two values of which one is
// named as a secret; a comparison with a literal, nil or a number is none.
func quickComparisons(f *ast.File) []comparison {
	var found []comparison
	add := func(at token.Pos, op string, x, y ast.Expr) {
		nx, ny := nameOf(x), nameOf(y)
		if nx == "" || ny == "" || !secret(nx) && !secret(ny) || constant(nx) || constant(ny) {
			return
		}
		found = append(found, comparison{at, nx + " " + op + " " + ny})
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				add(n.Pos(), n.Op.String(), n.X, n.Y)
			}
		case *ast.CallExpr:
			name := nameOf(n.Fun)
			if len(n.Args) == 2 && slices.Contains([]string{"bytes.Equal", "strings.EqualFold", "bytes.Compare", "strings.Compare", "slices.Equal"}, name) {
				add(n.Pos(), name, n.Args[0], n.Args[1])
			}
		case *ast.SwitchStmt:
			for _, clause := range n.Body.List {
				for _, value := range clause.(*ast.CaseClause).List {
					add(value.Pos(), "case", n.Tag, value)
				}
			}
		}
		return true
	})
	return found
}

// nameOf gives a dotted name of a value, "" for a constant of the source and for
// what has no name; a call is named by its function, since hex(mac) is a mac.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		if slices.Contains([]string{"nil", "true", "false"}, x.Name) {
			return ""
		}
		return x.Name
	case *ast.SelectorExpr:
		if base := nameOf(x.X); base != "" {
			return base + "." + x.Sel.Name
		}
		return x.Sel.Name
	case *ast.CallExpr:
		name := nameOf(x.Fun)
		if name == "len" || name == "cap" {
			return ""
		}
		inside := make([]string, 0, len(x.Args))
		for _, a := range x.Args {
			inside = append(inside, nameOf(a))
		}
		return name + "(" + strings.Join(inside, ", ") + ")"
	case *ast.IndexExpr:
		return nameOf(x.X)
	case *ast.SliceExpr:
		return nameOf(x.X)
	case *ast.ParenExpr:
		return nameOf(x.X)
	case *ast.StarExpr:
		return nameOf(x.X)
	case *ast.UnaryExpr:
		return nameOf(x.X)
	default:
		return ""
	}
}

// constant tells of names that stand for a constant: tokens of a grammar, the
// vendors' codes.
func constant(name string) bool {
	return strings.HasPrefix(name, "token.") || strings.HasPrefix(name, "code")
}

// words of a name: macOf is mac and of, AppSecret is app and secret. Digests are
// none here: those of plans and objects are shown to everybody.
var words = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

func secret(name string) bool {
	return slices.ContainsFunc(words.FindAllString(name, -1), func(w string) bool {
		switch strings.ToLower(w) {
		case "sign", "signature", "signatures", "mac", "hmac", "token", "secret", "secrets", "password", "nonce", "totp", "otp":
			return true
		}
		return false
	})
}

// TestNoGlobalState sees that a package's variables are tables: nothing assigns
// to them or counts in them, and none is a lock or a channel.
func TestNoGlobalState(t *testing.T) {
	t.Parallel()
	set, files := source(t)
	packages := map[string][]*ast.File{}
	for path, f := range files {
		dir := filepath.Dir(path) + " " + f.Name.Name
		packages[dir] = append(packages[dir], f)
	}
	for _, p := range packages {
		for _, c := range globalState(p) {
			t.Errorf("%s: %s: pass it in, or keep it in a value", set.Position(c.at), c.text)
		}
	}
}

// globalState finds what changes a variable of the package.
func globalState(files []*ast.File) []comparison {
	globals, found := map[string]bool{}, []comparison(nil)
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for _, n := range v.Names {
					globals[n.Name] = n.Name != "_"
				}
				if name := nameOf(v.Type); strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "atomic.") {
					found = append(found, comparison{v.Pos(), "a global " + name})
				}
				if _, is := v.Type.(*ast.ChanType); is {
					found = append(found, comparison{v.Pos(), "a global channel"})
				}
			}
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				found = append(found, assignments(fn, globals)...)
			}
		}
	}
	return found
}

// assignments finds where a function assigns to a name of a global that no
// declaration inside it hides.
func assignments(fn *ast.FuncDecl, globals map[string]bool) []comparison {
	hidden := map[string]bool{}
	hide := func(x ast.Node) {
		if id, ok := x.(*ast.Ident); ok {
			hidden[id.Name] = true
		}
	}
	var found []comparison
	check := func(x ast.Expr, how string) {
		base := strings.FieldsFunc(nameOf(x), func(r rune) bool { return r == '.' || r == '(' })
		if len(base) > 0 && globals[base[0]] && !hidden[base[0]] {
			found = append(found, comparison{x.Pos(), how + " the global " + base[0]})
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				hide(name)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				hide(name)
			}
		case *ast.RangeStmt:
			hide(n.Key)
			hide(n.Value)
		case *ast.AssignStmt:
			for _, x := range n.Lhs {
				if n.Tok == token.DEFINE {
					hide(x)
				} else {
					check(x, "assigns to")
				}
			}
		case *ast.IncDecStmt:
			check(n.X, "counts in")
		case *ast.CallExpr:
			if name := nameOf(n.Fun); len(n.Args) > 0 && (name == "delete" || name == "clear" || name == "copy") {
				check(n.Args[0], name+"s in")
			}
		}
		return true
	})
	return found
}

// TestTheSourceTestsCanFail sees that both would notice.
func TestTheSourceTestsCanFail(t *testing.T) {
	t.Parallel()
	parse := func(body string) *ast.File {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+body, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, tt := range []struct {
		body string
		want int
	}{
		{`func f(sign, got string) bool { return sign == got }`, 1},
		{`func f(o O, h H) bool { return h.Get("X-Token") != o.Want }`, 0}, // neither is named so
		{`func f(o O, h H) bool { return h.Get("X") != o.AppSecret }`, 1},
		{`func f(mac, want []byte) bool { return bytes.Equal(mac, want) }`, 1},
		{`func f(o O, s string) bool { switch s { case o.VerificationToken: return true }; return false }`, 1},
		{`func f(token string) bool { return token == "" || token == "none" || len(token) == n }`, 0},
		{`func f(design, assigned string) bool { return design == assigned }`, 0},
	} {
		if got := quickComparisons(parse(tt.body)); len(got) != tt.want {
			t.Errorf("%s: %v", tt.body, got)
		}
	}
	for _, tt := range []struct {
		body string
		want int
	}{
		{`var n int; func f() { n++ }`, 1},
		{`var m = map[string]int{}; func f() { m["a"] = 1; delete(m, "a") }`, 2},
		{`var m sync.Mutex`, 1},
		{`var c chan int`, 1},
		{`var o struct{ a int }; func f() { o.a = 1 }`, 1},
		{`var n = 1; func f() { n := 2; n++; _ = n }`, 0},
		{`var n = 1; func (n *T) f() { n.a = 2 }`, 0},
		{`var table = []int{1}; func f() int { return table[0] }`, 0},
	} {
		if got := globalState([]*ast.File{parse(tt.body)}); len(got) != tt.want {
			t.Errorf("%s: %v", tt.body, got)
		}
	}
}
