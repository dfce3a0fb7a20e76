package sqltable

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
)

var grammars = map[string]grammar{
	"postgres": {dollar: true, placeholders: "$", numbered: true},
	"mysql":    {backslash: true, identifiers: "`", placeholders: "?"},
	"sqlite":   {identifiers: "`[", placeholders: "?@$"},
}

func names(s *statement) []string {
	var out []string
	for _, p := range s.params {
		out = append(out, p.name)
	}
	return out
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ engine, in, out, params string }{
		{"postgres", "SELECT :id", "SELECT $1", "id"},
		{"postgres", "UPDATE p SET a = :a, b = lower(:a) WHERE id = :id;", "UPDATE p SET a = $1, b = lower($2) WHERE id = $3", "a a id"},
		{"mysql", "UPDATE p SET a=:a WHERE id=:id ; -- end\n", "UPDATE p SET a=? WHERE id=? ", "a id"},
		{"sqlite", "SELECT ':no', \":no\", `:no`, [:no], :yes", "SELECT ':no', \":no\", `:no`, [:no], ?", "yes"},
		{"postgres", "SELECT ':no''s :no', E'\\':no', :yes", "SELECT ':no''s :no', E'\\':no', $1", "yes"},
		{"postgres", `SELECT 'back\', :yes`, `SELECT 'back\', $1`, "yes"},
		{"mysql", `SELECT 'back\', :no', "a\", :no", :yes`, `SELECT 'back\', :no', "a\", :no", ?`, "yes"},
		{"postgres", "SELECT $$ :no $$, $a$ :no $$ $a$, x$$y, :yes", "SELECT $$ :no $$, $a$ :no $$ $a$, x$$y, $1", "yes"},
		{"postgres", "SELECT $$ :no ; $$, $a$ :no $$ $a$, :yes::text", "SELECT $$ :no ; $$, $a$ :no $$ $a$, $1::text", "yes"},
		{"postgres", "SELECT 1::int, a[1:2], :yes -- :no\n/* :no /* :no */ :no */", "SELECT 1::int, a[1:2], $1 -- :no\n/* :no /* :no */ :no */", "yes"},
		{"mysql", "SELECT 1 # :no\n, 2 --:yes\n /* :no /* */ , @a := :also", "SELECT 1 # :no\n, 2 --?\n /* :no /* */ , @a := ?", "yes also"},
		{"sqlite", "SELECT :姓名, :a_1", "SELECT ?, ?", "姓名 a_1"},
		{"postgres", "SELECT data ? 'x', :id", "SELECT data ? 'x', $1", "id"},
		{"mysql", "SELECT @v, '10:30', :id", "SELECT @v, '10:30', ?", "id"},
		{"postgres", "SELECT a -- c", "SELECT a -- c", ""},
		{"postgres", "SELECT 1; SELECT 2", "", "!"},
		{"sqlite", "DELETE FROM p; ; /* */ DROP", "", "!"},
		{"postgres", "SELECT $1", "", "!"},
		{"mysql", "SELECT ?", "", "!"},
		{"sqlite", "SELECT @a", "", "!"},
		{"sqlite", "SELECT $a", "", "!"},
		{"mysql", "SELECT 1 /*! , 2 */", "", "!"},
		{"mysql", "SELECT 1 /*M! , 2 */", "", "!"},
		{"mysql", "SELECT 'open", "", "!"},
		{"mysql", `SELECT 'open\'`, "", "!"},
		{"postgres", "SELECT /* open", "", "!"},
		{"postgres", "SELECT /* /* */", "", "!"},
		{"postgres", "SELECT $a$ open $b$", "", "!"},
		{"postgres", "SELECT \x00", "", "!"},
		{"postgres", "SELECT '\xff'", "", "!"},
		{"postgres", " -- nothing\n;", "", "!"},
	} {
		s, err := parse(grammars[c.engine], "users.update", c.in)
		if c.params == "!" {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "users.update, line ") {
				t.Errorf("%s: %q gives %v", c.engine, c.in, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %q: %v", c.engine, c.in, err)
			continue
		}
		if got := s.text(grammars[c.engine]); got != c.out || strings.Join(names(s), " ") != c.params {
			t.Errorf("%s: %q gives %q with %v", c.engine, c.in, got, names(s))
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	s, err := parse(grammars["mysql"], "x", "UPDATE p\n SET 名 = :name\n WHERE id = :id")
	if err != nil || s.verb != "UPDATE" {
		t.Fatal(s, err)
	}
	if p := s.params[0]; p.line != 2 || p.column != 10 {
		t.Errorf("name stands at %d:%d", p.line, p.column)
	}
	if p := s.params[1]; p.line != 3 || p.column != 13 {
		t.Errorf("id stands at %d:%d", p.line, p.column)
	}
}

// FuzzParse checks that the text around the parameters is kept byte for byte, and
// that what stands in a string never becomes a parameter.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"SELECT :id", "'", `a\`, "$$", "$a$:x", "/*", "--", ":::a", "E'\\'", "[x]", "/*!", "a;b", "名:名", "\x00", "\xff", ":", "::", ":=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for engine, g := range grammars {
			if s, err := parse(g, "x", in); err == nil {
				var back strings.Builder
				for i, part := range s.parts {
					back.WriteString(part)
					if i < len(s.params) {
						back.WriteString(":" + s.params[i].name)
					}
				}
				if !strings.HasPrefix(in, back.String()) {
					t.Fatalf("%s: %q comes back as %q", engine, in, back.String())
				}
			} else if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%s: %q: %v", engine, in, err)
			}
			literal := strings.ReplaceAll(in, "'", "''")
			if g.backslash {
				literal = strings.ReplaceAll(literal, `\`, `\\`)
			}
			s, err := parse(g, "x", "SELECT '"+literal+"', :id")
			if firstNotText(in) >= 0 {
				if err == nil {
					t.Fatalf("%s: %q is taken", engine, in)
				}
				continue
			}
			if err != nil || !slices.Equal(names(s), []string{"id"}) {
				t.Fatalf("%s: %q in a string: %v", engine, in, err)
			}
		}
	})
}
