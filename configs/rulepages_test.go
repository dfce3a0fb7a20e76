package configs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
)

// The two pages of rules, and the files that they quote.
const (
	rulesEN = "../docs/rules.md"
	rulesZH = "../docs/rules.zh-CN.md"
)

// rulePage is a page taken apart.
type rulePage struct {
	path     string
	text     string
	headings []string
	blocks   []codeBlock
	tables   [][][]string // table, row, cell
}

// codeBlock is a fenced block. One that quotes a file has the file's path in a
// comment on the line before.
type codeBlock struct{ lang, file, code string }

var quoted = regexp.MustCompile(`^<!-- (configs/rules/\S+\.js) -->$`)

func readRulePage(t *testing.T, path string) *rulePage {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &rulePage{path: path, text: string(data)}
	var block *codeBlock
	last, inTable := "", false
	for line := range strings.Lines(p.text) {
		bare := strings.TrimRight(line, "\n")
		switch {
		case block != nil && bare == "```":
			p.blocks = append(p.blocks, *block)
			block = nil
		case block != nil:
			block.code += line
		case strings.HasPrefix(bare, "```"):
			block = &codeBlock{lang: strings.TrimPrefix(bare, "```")}
			if m := quoted.FindStringSubmatch(last); m != nil {
				block.file = m[1]
			}
		case strings.HasPrefix(bare, "#"):
			p.headings = append(p.headings, bare)
		case strings.HasPrefix(bare, "|"):
			if !inTable {
				p.tables = append(p.tables, nil)
			}
			n := len(p.tables) - 1
			p.tables[n] = append(p.tables[n], cells(bare))
		}
		inTable = block == nil && strings.HasPrefix(bare, "|")
		last = bare
	}
	if len(p.headings) < 10 || len(p.blocks) < 10 || len(p.tables) < 10 {
		t.Fatalf("%s has %d headings, %d blocks, %d tables: is it still read rightly?", path, len(p.headings), len(p.blocks), len(p.tables))
	}
	return p
}

// cells gives the cells of a table's row.
func cells(row string) []string {
	row = strings.ReplaceAll(strings.Trim(row, "|"), `\|`, "\x00")
	out := strings.Split(row, "|")
	for i, c := range out {
		out[i] = strings.TrimSpace(strings.ReplaceAll(c, "\x00", "|"))
	}
	return out
}

var (
	codeSpan  = regexp.MustCompile("`[^`]+`")
	lineNote  = regexp.MustCompile(`(?m)^\s*//.*\n`)
	yamlNote  = regexp.MustCompile(`(?m)\s+#.*$`)
	inChinese = map[string]string{ // commands of the chat
		"`试跑 hr-to-wecom 0005`": "`test hr-to-wecom 0005`", "`预演 hr-to-wecom`": "`plan hr-to-wecom`", "`--操作=删除`": "`--op=delete`",
	}
)

// spans gives the code in a cell, sorted: another language may name it in another order.
func spans(cell string) []string {
	all := codeSpan.FindAllString(cell, -1)
	for i, s := range all {
		if en, ok := inChinese[s]; ok {
			all[i] = en
		}
	}
	slices.Sort(all)
	return all
}

// uncommented gives a block's code without the comments, which are in the page's
// language. A block that quotes a file keeps them.
func (b codeBlock) uncommented() codeBlock {
	switch {
	case b.file != "":
	case b.lang == "js":
		b.code = lineNote.ReplaceAllString(b.code, "")
	case b.lang == "yaml":
		b.code = yamlNote.ReplaceAllString(b.code, "")
	}
	return b
}

// TestRulePagesAgree: both pages have the same sections, code and tables, and in
// every cell of a table the same code.
func TestRulePagesAgree(t *testing.T) {
	t.Parallel()
	en, zh := readRulePage(t, rulesEN), readRulePage(t, rulesZH)
	depths := func(p *rulePage) (out []int) {
		for _, h := range p.headings {
			out = append(out, strings.Count(strings.Fields(h)[0], "#"))
		}
		return out
	}
	if !slices.Equal(depths(en), depths(zh)) {
		t.Errorf("the sections differ:\n%s\n\n%s", strings.Join(en.headings, "\n"), strings.Join(zh.headings, "\n"))
	}
	if len(en.blocks) != len(zh.blocks) || len(en.tables) != len(zh.tables) {
		t.Fatalf("%d and %d blocks, %d and %d tables", len(en.blocks), len(zh.blocks), len(en.tables), len(zh.tables))
	}
	for i := range en.blocks {
		if x, y := en.blocks[i].uncommented(), zh.blocks[i].uncommented(); x != y {
			t.Errorf("block %d differs:\n%s\n%s", i+1, x.code, y.code)
		}
	}
	for i := range en.tables {
		sameTable(t, en.tables[i], zh.tables[i])
	}
}

func sameTable(t *testing.T, en, zh [][]string) {
	t.Helper()
	if len(en) != len(zh) {
		t.Errorf("the table of %q has %d rows, in Chinese %d", en[0], len(en), len(zh))
		return
	}
	for r := range en {
		if len(en[r]) != len(zh[r]) || len(en[r]) != len(en[0]) {
			t.Errorf("row %q has %d cells, in Chinese %d, the head %d", en[r], len(en[r]), len(zh[r]), len(en[0]))
			continue
		}
		for c := range en[r] {
			if x, y := spans(en[r][c]), spans(zh[r][c]); !slices.Equal(x, y) {
				t.Errorf("the code of two cells differs:\n%s\n%s", en[r][c], zh[r][c])
			}
		}
	}
}

// TestRulePagesQuoteTheFiles: what a page shows of a worked example stands in its
// file, word for word.
func TestRulePagesQuoteTheFiles(t *testing.T) {
	t.Parallel()
	for _, path := range []string{rulesEN, rulesZH} {
		shown := map[string]bool{}
		p := readRulePage(t, path)
		for _, b := range p.blocks {
			if b.file == "" {
				continue
			}
			shown[filepath.Base(b.file)] = true
			data, err := os.ReadFile(filepath.Join("..", b.file))
			if err != nil {
				t.Error(err)
				continue
			}
			if !strings.Contains("\n"+string(data), "\n"+b.code) {
				t.Errorf("%s shows what does not stand in %s:\n%s", path, b.file, b.code)
			}
		}
		for _, file := range workedExamples(t) {
			name := filepath.Base(file)
			if !shown[name] {
				t.Errorf("%s shows nothing of %s", path, name)
			}
			for _, link := range []string{name, strings.TrimSuffix(name, ".js") + ".test.yaml"} {
				if !strings.Contains(p.text, "](../configs/rules/"+link+")") {
					t.Errorf("%s has no link to %s", path, link)
				}
			}
		}
	}
}

// workedExamples are the rules of the folder but the one that example.yaml uses: see
// TestRuleFile.
func workedExamples(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("rules/*.js")
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(path string) bool { return path == filepath.Join("rules", "hired-only.js") })
	if len(all) < 9 {
		t.Fatalf("only %q are there", all)
	}
	return all
}

// TestWorkedExamples: each ends as a rule does, is explained in both languages, and
// has tests that are a file of cases.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	for _, path := range workedExamples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := string(data)
			if !strings.HasSuffix(text, "\nreturn context;\n") || len(data) > maxRule {
				t.Error("it does not end with return context, or is too large")
			}
			first, rest, _ := strings.Cut(text, "\n")
			second, _, _ := strings.Cut(rest, "\n")
			if isHan(first) || !isHan(text) || !strings.HasPrefix(first, "// ") || !strings.HasPrefix(second, "// ") {
				t.Error("it does not begin with what it is for, in English and in Chinese")
			}
			tests, err := os.ReadFile(strings.TrimSuffix(path, ".js") + ".test.yaml")
			if err != nil {
				t.Fatal(err)
			}
			checkCases(t, tests)
		})
	}
}

func isHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// checkCases sees that tests are there; package ruletest runs them.
func checkCases(t *testing.T, tests []byte) {
	t.Helper()
	var file struct {
		Cases []struct {
			Name      string
			Operation string
			Expect    struct{ Operation string }
		}
	}
	if err := yaml.Unmarshal(tests, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 3 {
		t.Errorf("there are %d cases only", len(file.Cases))
	}
	seen := map[string]bool{}
	for _, c := range file.Cases {
		if c.Name == "" || c.Operation == "" || c.Expect.Operation == "" || seen[c.Name] {
			t.Errorf("case %q lacks something, or is there twice", c.Name)
		}
		seen[c.Name] = true
	}
}

// TestRulePageDecides: the decision table has the rows that were agreed on.
func TestRulePageDecides(t *testing.T) {
	t.Parallel()
	want := [][]string{
		{"the rule …", "then"},
		{"---", "---"},
		{"calls `executeCreate` or `executeUpdate`", `"this object may be written": whether it exists decides. ` + "`executeCreate` on an existing one lets a proposed UPDATE or NONE stand; `executeUpdate` on a missing one holds it; without a difference it is nothing to do. Neither ever replaces a proposed DISABLE or DELETE"},
		{"calls `executeDisable` or `executeDelete`", "that is the operation, under every guard and vote; on a missing object it is nothing to do"},
		{"calls two different execute functions", "an error"},
		{"calls `abort`", "beats execute in any order; applies to the final operation"},
		{"calls none, and its text contains `executeCreate` (`executeUpdate`) while CREATE (UPDATE) is proposed", "the operation was the rule's to give: the object is **held** and listed as held, with or without `return context`. A proposed DISABLE or DELETE is never held this way"},
		{"calls none otherwise", "the proposal stands"},
		{"changed `context.data` and ended without `return context`", "held"},
		{"returned anything but `context`, threw, overstayed", "an error"},
	}
	for _, table := range readRulePage(t, rulesEN).tables {
		if table[0][0] != want[0][0] {
			continue
		}
		if !slices.EqualFunc(table, want, slices.Equal) {
			t.Errorf("have %q\nwant %q", table, want)
		}
		return
	}
	t.Error("the table is gone")
}

var mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestRulePageLinks: every link to a file or a heading leads somewhere.
func TestRulePageLinks(t *testing.T) {
	t.Parallel()
	for _, path := range []string{rulesEN, rulesZH} {
		p := readRulePage(t, path)
		for _, m := range mdLink.FindAllStringSubmatch(p.text, -1) {
			switch file, anchor, _ := strings.Cut(m[1], "#"); {
			case strings.HasPrefix(m[1], "https://"):
			case file == "":
				if !slices.ContainsFunc(p.headings, func(h string) bool { return slug(h) == anchor }) {
					t.Errorf("%s has no heading for #%s", path, anchor)
				}
			default:
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), file)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
	}
}

// slug gives the anchor of a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimLeft(heading, "# "))
}
