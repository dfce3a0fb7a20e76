package ruletest

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/scripting"
)

// Report is what came of a suite.
type Report struct {
	Path     string // of the test file
	Passed   int
	Failed   int
	Results  []Result // one for each case, in the order of the file
	Coverage Coverage
}

// Result is what came of one case.
type Result struct {
	Name  string
	At    string   // file:line of the case
	Diffs []Diff   // empty: it passed
	Logs  []string // lines of log(…), bounded
}

// Passed tells whether the case passed.
func (r Result) Passed() bool { return len(r.Diffs) == 0 }

// Diff is one thing that differs from what was expected.
type Diff struct{ what, want, got text }

// In gives the difference in a language, in one line.
func (d Diff) In(lang string) string {
	if d.got == (text{}) {
		return say("%s: %s", "%s：%s", d.what, d.want).in(lang)
	}
	return say("%s: expected %s, got %s", "%s：期望 %s，实际 %s", d.what, d.want, d.got).in(lang)
}

// Coverage tells which lines of a rule ran. A line counts when a statement begins on
// it.
type Coverage struct {
	Covered, Total int
	Missing        []Stretch // in the order of the text
}

// Stretch is a run of lines that did not run.
type Stretch struct {
	From, To int
	Partly   bool // one line of which only a part ran
}

// Permille gives the share of covered lines in thousandths, rounded down: 1000 only
// when all are covered. A rule without statements is covered.
func (c Coverage) Permille() int {
	if c.Total == 0 {
		return 1000
	}
	return 1000 * c.Covered / c.Total
}

// Percent gives the share for people: "87.5 %".
func (c Coverage) Percent() string {
	p := c.Permille()
	if p%10 == 0 {
		return fmt.Sprintf("%d %%", p/10)
	}
	return fmt.Sprintf("%d.%d %%", p/10, p%10)
}

func (r *Report) add(result Result) {
	r.Results = append(r.Results, result)
	if result.Passed() {
		r.Passed++
	} else {
		r.Failed++
	}
}

// coverageOf adds up the statements of each line.
func coverageOf(lines []int, ran []bool) Coverage {
	type sum struct{ all, ran int }
	byLine := map[int]sum{}
	for i, line := range lines {
		s := byLine[line]
		s.all++
		if ran[i] {
			s.ran++
		}
		byLine[line] = s
	}
	var c Coverage
	open := false // the line before, of those that count, did not run
	for _, line := range slices.Compact(slices.Sorted(slices.Values(lines))) {
		s := byLine[line]
		c.Total++
		switch {
		case s.ran == s.all:
			c.Covered++
			open = false
		case s.ran > 0:
			c.Missing = append(c.Missing, Stretch{From: line, To: line, Partly: true})
			open = false
		case open:
			c.Missing[len(c.Missing)-1].To = line
		default:
			c.Missing = append(c.Missing, Stretch{From: line, To: line})
			open = true
		}
	}
	return c
}

// Style says how a report is written.
type Style struct {
	Lang  string         // zh and all that begins with it for Chinese, otherwise English
	Rule  scripting.File // the rule, for the lines that did not run
	Quiet bool           // only cases that failed
}

// maxStretches bounds the uncovered stretches that are shown.
const maxStretches = 10

// Write writes a report for people. What it writes depends on nothing but the
// report.
func (r Report) Write(w io.Writer, s Style) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.Path)
	for _, result := range r.Results {
		result.write(&b, s)
	}
	fmt.Fprintf(&b, "  %s\n", say("%d passed, %d failed; lines covered: %d of %d (%s)", "通过 %d，失败 %d；覆盖 %d/%d 行（%s）",
		r.Passed, r.Failed, r.Coverage.Covered, r.Coverage.Total, r.Coverage.Percent()).in(s.Lang))
	if !s.Quiet {
		r.Coverage.write(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Result) write(b *strings.Builder, s Style) {
	if r.Passed() {
		if !s.Quiet {
			fmt.Fprintf(b, "  ✓ %s\n", r.Name)
		}
		return
	}
	fmt.Fprintf(b, "  ✗ %s\n      %s\n", r.Name, r.At)
	for _, d := range r.Diffs {
		fmt.Fprintf(b, "      %s\n", d.In(s.Lang))
	}
	for _, line := range r.Logs {
		fmt.Fprintf(b, "      %s\n", say("log: %s", "日志：%s", plain(line)).in(s.Lang))
	}
}

func (c Coverage) write(b *strings.Builder, s Style) {
	if len(c.Missing) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s\n", text{"not covered:", "未覆盖："}.in(s.Lang))
	source := strings.Split(strings.ReplaceAll(string(s.Rule.Source), "\r\n", "\n"), "\n")
	for _, m := range c.Missing[:min(len(c.Missing), maxStretches)] {
		fmt.Fprintf(b, "    %s\n", m.in(s, source))
	}
	if more := len(c.Missing) - maxStretches; more > 0 {
		fmt.Fprintf(b, "    %s\n", say("and %d more places", "还有 %d 处", more).in(s.Lang))
	}
}

// in shows a stretch with its source.
func (m Stretch) in(s Style, source []string) string {
	name := s.Rule.Name
	if name == "" {
		name = s.Rule.Path
	}
	at := fmt.Sprintf("%s:%d", name, m.From)
	if m.To > m.From {
		at += fmt.Sprintf("-%d", m.To)
	}
	if m.Partly {
		at += text{" (partly)", "（部分）"}.in(s.Lang)
	}
	if m.From > len(source) {
		return at
	}
	line := []rune(plain(strings.TrimSpace(source[m.From-1])))
	if len(line) > 80 {
		line = append(line[:80], '…')
	}
	if m.To > m.From {
		line = append(line, []rune(" …")...)
	}
	return at + "  " + string(line)
}
