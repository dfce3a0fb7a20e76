package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var update = flag.Bool("update", false, "write the plans that came into testdata")

// TestGolden makes the plan of each file of testdata and holds it against the
// file's section plan. What must hold for every plan is checked as well.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(archive.Comment)) == "" {
		t.Error("the file does not say what it shows")
	}
	w := newWorld(t)
	want, found := "", false
	for _, f := range archive.Files {
		switch text := string(f.Data); f.Name {
		case "flow":
			w.readFlow(text)
		case "source":
			w.source.read(w, text, false)
		case "target":
			w.target.read(w, text, true)
		case "links":
			w.readLinks(text)
		case "rule":
			w.readRule(text)
		case "former rule":
			w.former = w.script(text)
		case "plan":
			want, found = text, true
		default:
			t.Fatalf("unknown section %q", f.Name)
		}
	}
	in := w.input()
	p, err := plan.Make(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	checkPlan(t, in, p)
	checkLanguages(t, p)
	got := planText(p)
	if got == want {
		return
	}
	if !*update {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
		return
	}
	if !found {
		archive.Files = append(archive.Files, txtar.File{Name: "plan"})
	}
	for i := range archive.Files {
		if archive.Files[i].Name == "plan" {
			archive.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readFlow reads the options of a flow, "name: value" each.
func (w *world) readFlow(text string) {
	for _, line := range lines(text) {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			w.t.Fatalf("bad option %q", line)
		}
		words := strings.Fields(name)
		switch words[0] {
		case "leavers":
			w.readLeavers(words[1:], value)
		case "scope":
			w.readScope(words[1:], value)
		case "guard":
			w.readGuard(words[1], value)
		case "protect":
			if words[1] == "departments" {
				w.in.Flow.Protect.Departments = strings.Fields(value)
				break
			}
			w.in.Flow.Protect.Attributes[words[1]] = strings.Fields(value)
		case "map":
			w.readMap(words[1:], value)
		case "match":
			w.spec[directory.User].Match = strings.Fields(value)
		default:
			w.readOption(name, value)
		}
	}
}

func (w *world) readOption(name, value string) {
	switch name {
	case "adopt":
		w.in.Flow.AdoptAtOnce = value == "automatic"
	case "departments":
		w.noDeps = value == "not synced"
		w.in.Flow.DeleteGoneDepartments = value == "gone: delete"
	case "target ids":
		w.noID = value == "its own"
		w.spec[directory.User].Rules[0].To = "no"
	case "target cannot":
		w.cannot = append(w.cannot, value)
	case "source incomplete":
		w.sourceNo = value
	case "target incomplete":
		w.targetNo = value
	case "last good":
		w.in.LastGood = &plan.LastGood{Users: number(w.t, value)}
	case "recent":
		w.in.Recent = number(w.t, value)
	case "disable_over":
		w.in.Flow.Approve.DisableOver = number(w.t, value)
	case "today":
		w.in.Now = date(w.t, value).Add(9 * time.Hour)
	case "approver":
		w.in.Staff = append(w.in.Staff, plan.Staff{Name: value, Decides: true})
	case "denied", "unsure":
		for id := range strings.FieldsSeq(value) {
			w.gone[id] = map[string]plan.GoneAnswer{"denied": plan.GoneDenied, "unsure": plan.GoneUnsure}[name]
		}
	default:
		w.t.Fatalf("unknown option %q", name)
	}
}

func (w *world) readLeavers(words []string, value string) {
	l := &w.in.Flow.Leavers
	switch words[0] {
	case "when":
		l.When[words[1]] = strings.Fields(value)
	case "out_of_scope":
		l.OutOfScope = value == "leave"
	case "first":
		l.First = plan.Op(strings.ToUpper(value))
	case "then":
		l.Then = plan.Op(strings.ToUpper(value))
	case "after":
		l.After = time.Duration(number(w.t, strings.TrimSuffix(value, "d"))) * day
	default:
		w.t.Fatalf("unknown option leavers %s", words[0])
	}
}

func (w *world) readScope(words []string, value string) {
	s := &w.in.Flow.Scope
	switch words[0] {
	case "departments":
		s.Departments = strings.Fields(value)
	case "only":
		s.Only[words[1]] = strings.Fields(value)
	case "not":
		s.Not[words[1]] = strings.Fields(value)
	default:
		w.t.Fatalf("unknown option scope %s", words[0])
	}
}

func (w *world) readGuard(name, value string) {
	g := &w.in.Flow.Guard
	n := number(w.t, value)
	switch name {
	case "max_delete":
		g.MaxDelete = n
	case "max_delete_percent":
		g.MaxDeletePercent = float64(n)
	case "max_delete_percent_per_department":
		g.MaxDeletePercentPerDepartment = float64(n)
	case "max_shrink_percent":
		g.MaxShrinkPercent = float64(n)
	case "max_change_percent":
		g.MaxChangePercent = float64(n)
	case "max_rule_error_percent":
		g.MaxRuleErrorPercent = float64(n)
	default:
		w.t.Fatalf("unknown option guard %s", name)
	}
}

// readMap reads "map title: {{ .title }} ({{ .grade }})", "map department leader:
// leader" and "match: email".
func (w *world) readMap(words []string, value string) {
	kind := directory.User
	if words[0] == "department" {
		kind, words = directory.Department, words[1:]
	}
	spec := w.spec[kind]
	r := mapping.Rule{To: words[0], From: value}
	if strings.Contains(value, "{{") {
		r = mapping.Rule{To: words[0], Template: value}
	}
	for i := range spec.Rules {
		if spec.Rules[i].To == r.To {
			spec.Rules[i] = r
			return
		}
	}
	spec.Rules = append(spec.Rules, r)
}

func (w *world) readRule(text string) { w.rule = w.script(text) }

func (w *world) script(text string) *script {
	out := &script{t: w.t}
	for _, line := range lines(text) {
		who, does, ok := strings.Cut(line, ": ")
		if !ok {
			w.t.Fatalf("bad line %q of a rule", line)
		}
		switch who {
		case "its text mentions":
		case "its file is":
			out.file = does
			continue
		case "it does not compile":
			out.broken = &plan.RuleError{File: "users.js", Line: 3, Say: does + " / " + does + "（错误）"}
			continue
		default:
			out.lines = append(out.lines, [2]string{who, does})
			continue
		}
		for call := range strings.FieldsSeq(does) {
			out.mentions.Create = out.mentions.Create || call == "executeCreate"
			out.mentions.Update = out.mentions.Update || call == "executeUpdate"
			out.mentions.Disable = out.mentions.Disable || call == "executeDisable"
			out.mentions.Delete = out.mentions.Delete || call == "executeDelete"
		}
	}
	return out
}

// planText writes a plan for people who have never seen a program.
func planText(p *plan.Plan) string {
	var b strings.Builder
	if len(p.Changes) == 0 {
		b.WriteString("nothing to do\n")
	}
	for i := 0; i < len(p.Changes); {
		i += changesText(&b, p.Changes[i:])
	}
	if len(p.Notes) > 0 {
		b.WriteString("\nnotes\n")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "%s", n.Kind)
		if n.Op != "" && n.Op != plan.None {
			fmt.Fprintf(&b, " %s", n.Op)
		}
		if n.Key.ID != "" {
			fmt.Fprintf(&b, " %s %s %s", n.Key.Kind, n.Key.ID, n.Name)
		}
		if n.Place != "" {
			fmt.Fprintf(&b, " (%s)", n.Place)
		}
		fmt.Fprintf(&b, ": %s", fault.In(n.Say, "en"))
		if n.Alarm {
			b.WriteString(" ALARM")
		}
		b.WriteString("\n")
	}
	rulesText(&b, p.Rules)
	r := p.Risk
	fmt.Fprintf(&b, "\ntier %d, votes %d", r.Tier, r.Votes)
	if r.Blocked {
		b.WriteString(", BLOCKED")
	}
	b.WriteString("\n")
	for _, f := range r.Reasons {
		fmt.Fprintf(&b, "- %s: %.4g, limit %.4g", f.Code, f.Have, f.Limit)
		if f.What != "" {
			fmt.Fprintf(&b, " (%s)", fault.In(f.What, "en"))
		}
		fmt.Fprintf(&b, " -> tier %d\n", f.Tier)
	}
	return b.String()
}

// rulesText writes what changed rules decide differently.
func rulesText(b *strings.Builder, r *plan.RuleChange) {
	if r == nil {
		return
	}
	fmt.Fprintf(b, "\nrules changed since %s: %d judged, %d differ", r.Since, r.Judged, r.Differ)
	if r.Say != "" {
		fmt.Fprintf(b, ", %s", fault.In(r.Say, "en"))
	}
	b.WriteString("\n")
	for _, d := range r.Examples {
		fmt.Fprintf(b, "- %s %s %s: %s => %s\n", d.Key.Kind, d.Key.ID, d.Name, decisionText(d.Old), decisionText(d.New))
	}
}

func decisionText(d plan.Decision) string {
	words := []string{string(d.Op)}
	if d.Note != "" {
		words = append(words, string(d.Note))
	}
	for _, name := range d.Write.Names() {
		words = append(words, name+"="+shown(d.Write[name]))
	}
	if d.Say != "" {
		words = append(words, fmt.Sprintf("%q", fault.In(d.Say, "en")))
	}
	if d.Rule != "" {
		words = append(words, "("+d.Rule+")")
	}
	return strings.Join(words, " ")
}

// changesText writes the first change, and in one go all that follow and are
// like it when they are many. It gives how many it wrote.
func changesText(b *strings.Builder, list []plan.Change) int {
	alike := func(c *plan.Change) string {
		return fmt.Sprint(c.Op, c.Key.Kind, c.Where, c.Before[directory.AttrTitle], c.After.Digest(), c.Reason, c.Rule, c.Cause, len(c.Needs))
	}
	n := 1
	for n < len(list) && alike(&list[n]) == alike(&list[0]) {
		n++
	}
	if n <= manyAlike {
		changeText(b, &list[0])
		return 1
	}
	fmt.Fprintf(b, "#%d to #%d, %d times the same, from %s to %s:\n", list[0].Seq, list[n-1].Seq, n, list[0].Name, list[n-1].Name)
	changeText(b, &list[0])
	return n
}

const manyAlike = 5

func changeText(b *strings.Builder, c *plan.Change) {
	to := string(c.Key.ID)
	if to == "" {
		to = "new"
	}
	fmt.Fprintf(b, "#%d %s %s %s: %s -> %s", c.Seq, c.Op, c.Key.Kind, c.Name, c.Source.ID, to)
	if c.Where != "" {
		fmt.Fprintf(b, " in %s", c.Where)
	}
	if len(c.Needs) > 0 {
		fmt.Fprintf(b, ", after #%s", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(c.Needs)), " #"), "[]"))
	}
	b.WriteString("\n")
	if c.Op == plan.Create || c.Op == plan.Update {
		for _, name := range c.After.Names() {
			fmt.Fprintf(b, "   %s:", name)
			if c.Op == plan.Update {
				fmt.Fprintf(b, " %s ->", shown(c.Before[name]))
			}
			fmt.Fprintf(b, " %s\n", shown(c.After[name]))
		}
	}
	fmt.Fprintf(b, "   %s", fault.In(c.Reason, "en"))
	if c.Rule != "" {
		fmt.Fprintf(b, " (%s)", c.Rule)
	}
	b.WriteString("\n")
	if c.Op.Destructive() {
		fmt.Fprintf(b, "   rests on: %s", c.Cause.Kind)
		if c.Cause.Attribute != "" {
			fmt.Fprintf(b, " %s %v", c.Cause.Attribute, c.Cause.Values)
		}
		if !c.Cause.Fingerprint.IsZero() {
			b.WriteString(", and the source object is as it was judged")
		}
		for _, l := range c.Cause.Looked {
			is := "is as it was"
			if l.Fingerprint.IsZero() {
				is = "is not in the source"
			}
			fmt.Fprintf(b, ", and %s %s %s", l.Key.Kind, l.Name, is)
		}
		b.WriteString("\n")
	}
}

func shown(v directory.Value) string {
	switch {
	case v.IsEmpty():
		return "(empty)"
	case v.Type() == directory.Unknown:
		return "(hidden)"
	default:
		return v.String()
	}
}

// checkLanguages sees that everything people read is there in both languages.
func checkLanguages(t *testing.T, p *plan.Plan) {
	t.Helper()
	check := func(say string) {
		en, zh := fault.In(say, "en"), fault.In(say, "zh")
		if en == "" || zh == "" || en == say || !strings.ContainsFunc(zh, han) && en != zh {
			t.Errorf("not in two languages: %q", say)
		}
	}
	for _, c := range p.Changes {
		check(c.Reason)
	}
	for _, n := range p.Notes {
		check(n.Say)
	}
	for _, f := range p.Risk.Reasons {
		if f.Code == plan.FindRuleBroken {
			check(f.What)
		}
	}
	if p.Rules != nil && p.Rules.Say != "" {
		check(p.Rules.Say)
	}
}

func han(r rune) bool { return unicode.Is(unicode.Han, r) }
