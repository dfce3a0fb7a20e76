package plan_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// world is a case as its file tells it; testdata/README.md explains the lines.
type world struct {
	t        testing.TB
	in       plan.Input
	spec     map[directory.Kind]*mapping.Spec
	source   *tree
	target   *tree
	gone     map[string]plan.GoneAnswer
	noDeps   bool // departments are not synced
	noID     bool // the target gives the ids itself
	rule     *script
	former   *script
	cannot   []string
	sourceNo string // why the source is incomplete
	targetNo string
}

// tree is one system's objects.
type tree struct {
	system  string
	objects []directory.Object
}

const day = 24 * time.Hour

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// newWorld gives a flow between two empty systems with guards that do not get in
// the way.
func newWorld(t testing.TB) *world {
	w := &world{
		t: t, source: &tree{system: "hr"}, target: &tree{system: "corp"}, gone: map[string]plan.GoneAnswer{},
		spec: map[directory.Kind]*mapping.Spec{
			directory.User: {Match: []string{"employee_no", "email"}, Rules: []mapping.Rule{
				{To: "userid", From: "employee_no"},
				{To: "name", From: "name"},
				{To: "email", From: "email"},
				{To: "title", From: "title"},
				{To: "departments", From: "departments"},
				{To: "manager", From: "manager"},
			}},
			directory.Department: {Match: []string{"path"}, Rules: []mapping.Rule{{To: "name", From: "name"}, {To: "parent", From: "parent"}}},
		},
	}
	w.in = plan.Input{
		Config: "config-1", SourceTenant: "hr-1", TargetTenant: "corp-1", Now: now,
		Flow: plan.Flow{
			Name:    "hr-to-corp",
			Leavers: plan.Leavers{First: plan.Disable, Then: plan.Delete, After: 30 * day, When: map[string][]string{}},
			Guard:   plan.Guard{MaxDelete: 1000, MaxDeletePercent: 100, MaxDeletePercentPerDepartment: 100, MaxShrinkPercent: 100, MaxChangePercent: 100, MaxRuleErrorPercent: 5},
			Protect: plan.Protect{Attributes: map[string][]string{}},
			Approve: plan.Approve{DisableOver: 5},
			Scope:   mapping.Scope{Only: map[string][]string{}, Not: map[string][]string{}},
		},
	}
	return w
}

// input finishes the case.
func (w *world) input() plan.Input {
	w.t.Helper()
	in := w.in
	in.Flow.Users = w.compile(directory.User)
	if !w.noDeps {
		in.Flow.Departments = w.compile(directory.Department)
	}
	in.Source, in.Target = w.source.snapshot(w.sourceNo), w.target.snapshot(w.targetNo)
	in.Abilities = w.abilities()
	in.Gone = map[directory.Key]plan.GoneAnswer{}
	for _, key := range plan.GoneCandidates(in.Source, in.Links) {
		answer, told := w.gone[string(key.ID)]
		if !told {
			answer = plan.GoneConfirmed
		}
		in.Gone[key] = answer
	}
	if w.rule != nil {
		in.Rules = w.rule
	}
	if w.former != nil {
		in.Former = &plan.Former{Run: "2BEF0R", Rules: w.former}
	}
	return in
}

func (w *world) compile(kind directory.Kind) *mapping.Mapping {
	w.t.Helper()
	m, err := mapping.Compile(*w.spec[kind])
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) abilities() plan.Abilities {
	a := plan.Abilities{Ops: map[directory.Kind][]plan.Op{}, LoginIDs: map[string]bool{"userid": true}}
	for kind, ops := range map[directory.Kind][]plan.Op{
		directory.User:       {plan.Create, plan.Update, plan.Disable, plan.Delete},
		directory.Department: {plan.Create, plan.Update, plan.Delete},
	} {
		for _, op := range ops {
			if !contains(w.cannot, strings.ToLower(string(op))+" "+string(kind)) {
				a.Ops[kind] = append(a.Ops[kind], op)
			}
		}
	}
	if !w.noID {
		a.IDAttribute = map[directory.Kind]string{directory.User: "userid"}
	}
	return a
}

func contains(all []string, one string) bool {
	return slices.Contains(all, one)
}

func (tr *tree) snapshot(incomplete string) *directory.Snapshot {
	b := directory.NewBuilder(tr.system, now)
	for _, o := range tr.objects {
		b.Add(o)
	}
	if incomplete != "" {
		b.Incomplete("%s", incomplete)
	}
	snap, _ := b.Finish()
	return snap
}

// read reads the lines of a tree: "department d1 研发部 in=d0", "user 1001 张三
// no=1001 in=d1 boss=1000 off", "users 0001-0020 in=d1". Of a target, a user's
// userid is its id.
func (tr *tree) read(w *world, text string, target bool) {
	for _, line := range lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			w.t.Fatalf("bad line %q", line)
		}
		switch words[0] {
		case "system":
			tr.system = words[1]
		case "users":
			for _, id := range span(w.t, words[1]) {
				tr.add(w, directory.User, target, append([]string{id, "人" + id}, words[2:]...))
			}
		case "user", "department":
			tr.add(w, directory.Kind(words[0]), target, words[1:])
		default:
			w.t.Fatalf("bad line %q", line)
		}
	}
}

func (tr *tree) add(w *world, kind directory.Kind, target bool, words []string) {
	o := directory.Object{Key: directory.Key{Kind: kind, ID: directory.ID(words[0])}, Active: true, Attributes: directory.Attributes{}}
	if kind == directory.User && target && !w.noID {
		o.Attributes["userid"] = directory.TextOf(words[0])
	}
	if kind == directory.User && !target {
		o.Attributes["employee_no"] = directory.TextOf(words[0])
	}
	for i, word := range words[1:] {
		name, text, assigned := strings.Cut(word, "=")
		switch {
		case word == "off":
			o.Active = false
		case !assigned && i == 0:
			o.Attributes["name"] = directory.TextOf(word)
		case !assigned:
			w.t.Fatalf("bad word %q", word)
		default:
			name, v := valueOf(kind, name, text)
			o.Attributes[name] = v
		}
	}
	tr.objects = append(tr.objects, o)
}

// valueOf reads one attribute: "?" is hidden, "[a,b]" a list, no=, in= and boss=
// are short for the usual names.
func valueOf(kind directory.Kind, name, text string) (string, directory.Value) {
	toDepartments := name == "in" || name == "departments" || name == "parent"
	switch name {
	case "no":
		name = "employee_no"
	case "boss":
		name = "manager"
	case "in":
		name = "departments"
		if kind == directory.Department {
			name = "parent"
		}
	}
	switch {
	case strings.HasPrefix(text, "?"):
		return name, directory.Hidden("read:" + name)
	case strings.HasPrefix(text, "["):
		return name, directory.ListOf(strings.Split(strings.Trim(text, "[]"), ",")...)
	case toDepartments, name == "manager", name == "leader":
		to := directory.User
		if toDepartments {
			to = directory.Department
		}
		var refs []directory.Ref
		for _, id := range split(text) {
			id, pending := strings.CutPrefix(id, "new:")
			refs = append(refs, directory.Ref{Key: directory.Key{Kind: to, ID: directory.ID(id)}, Pending: pending})
		}
		return name, directory.RefsTo(refs...)
	default:
		return name, directory.TextOf(text)
	}
}

// readLinks reads "1001 -> zhangsan adopted disabled=2026-01-10 left=2 seen:title=经理
// written:email=a@x.cn", "d1 -> 7 department", "0001-0020 -> same".
func (w *world) readLinks(text string) {
	for _, line := range lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "->" {
			w.t.Fatalf("bad link %q", line)
		}
		for _, id := range span(w.t, words[0]) {
			to := words[2]
			if to == "same" {
				to = id
			}
			w.in.Links = append(w.in.Links, w.link(id, to, words[3:]))
		}
	}
}

func (w *world) link(source, target string, words []string) mapping.Link {
	l := mapping.Link{Flow: w.in.Flow.Name, Origin: mapping.Created, Since: now.Add(-300 * day)}
	kind := directory.User
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		switch {
		case word == "department":
			kind = directory.Department
		case word == "adopted":
			l.Origin = mapping.Adopted
		case word == "deleted":
			l.DeletedAt = now.Add(-day)
		case name == "disabled":
			l.DisabledAt = date(w.t, text)
		case name == "left":
			l.LeftRuns = number(w.t, text)
		case strings.HasPrefix(name, "seen:"):
			l.Seen = with(l.Seen, kind, strings.TrimPrefix(name, "seen:"), text)
		case strings.HasPrefix(name, "written:"):
			l.Written = with(l.Written, kind, strings.TrimPrefix(name, "written:"), text)
		default:
			w.t.Fatalf("bad word %q of a link", word)
		}
	}
	l.Source = directory.Key{Kind: kind, ID: directory.ID(source)}
	l.Target = directory.Key{Kind: kind, ID: directory.ID(target)}
	return l
}

func with(a directory.Attributes, kind directory.Kind, name, text string) directory.Attributes {
	if a == nil {
		a = directory.Attributes{}
	}
	name, v := valueOf(kind, name, text)
	a[name] = v
	return a
}

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// span gives the ids of "0001-0020", or the one id.
func span(t testing.TB, text string) []string {
	from, to, many := strings.Cut(text, "-")
	if !many {
		return []string{text}
	}
	var ids []string
	for i := number(t, from); i <= number(t, to); i++ {
		ids = append(ids, fmt.Sprintf("%0*d", len(from), i))
	}
	return ids
}

func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func number(t testing.TB, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func date(t testing.TB, text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// script is a rule as a file tells it: what is done for which id.
type script struct {
	t        testing.TB
	mentions plan.Calls
	lines    [][2]string // "1001", "department d1" or "*" → what the rule does
	asked    []string    // ids, with the proposed operation
	file     string      // that it is called by
	broken   *plan.RuleError
}

var (
	_ plan.Rules = (*script)(nil)
	_ plan.Named = (*script)(nil)
)

func (s *script) File(directory.Kind) string { return s.file }

func (s *script) Mentions(kind directory.Kind) (plan.Calls, bool) {
	if s.broken != nil {
		return s.mentions, true
	}
	for _, l := range s.lines {
		if strings.HasPrefix(l[0], "department ") == (kind == directory.Department) {
			return s.mentions, true
		}
	}
	return plan.Calls{}, false
}

func (s *script) Judge(ctx context.Context, subjects []plan.Subject, look plan.Lookup) ([]plan.Verdict, error) {
	if s.broken != nil {
		return nil, fmt.Errorf("compile: %w", s.broken)
	}
	out := make([]plan.Verdict, len(subjects))
	for i, sub := range subjects {
		if o, found := look(sub.Object.Key); found && o.Digest() != sub.Object.Digest() {
			s.t.Errorf("%s is judged on other data than the source has", sub.Object.Key)
		}
		s.asked = append(s.asked, string(sub.Object.ID)+" "+string(sub.Proposed))
		name := string(sub.Object.ID)
		if sub.Object.Kind == directory.Department {
			name = "department " + name
		}
		for _, l := range s.lines {
			if l[0] == name || l[0] == "*" && sub.Object.Kind == directory.User {
				out[i] = s.verdict(sub, l[1])
				break
			}
		}
	}
	return out, ctx.Err()
}

// verdict reads what a rule does: "title = 经理; executeUpdate; return".
func (s *script) verdict(sub plan.Subject, does string) plan.Verdict {
	var v plan.Verdict
	for step := range strings.SplitSeq(does, ";") {
		step = strings.TrimSpace(step)
		word, rest, _ := strings.Cut(step, " ")
		name, text, assigned := strings.Cut(step, " = ")
		switch {
		case step == "executeCreate":
			v.Calls.Create = true
		case step == "executeUpdate":
			v.Calls.Update = true
		case step == "executeDisable":
			v.Calls.Disable = true
		case step == "executeDelete":
			v.Calls.Delete = true
		case step == "abort":
			v.AbortAny = true
		case word == "abort":
			v.Abort = append(v.Abort, plan.Op(rest))
		case step == "return":
			v.Returned = true
		case word == "line":
			v.At = plan.Place{File: "users.js", Line: number(s.t, rest)}
		case word == "overrun":
			v.Failed = &plan.RuleError{File: "users.js", Line: 12, Say: "too slow / 太慢", Limit: true}
		case word == "looks":
			for at := range strings.FieldsSeq(rest) {
				kind, id, _ := strings.Cut(at, ":")
				v.Looked = append(v.Looked, directory.Key{Kind: directory.Kind(kind), ID: directory.ID(id)})
			}
		case word == "because":
			v.Reason = rest
		case word == "throw":
			v.Failed = &plan.RuleError{File: "users.js", Line: 12, Say: rest + " / " + rest + "（错误）"}
		case assigned:
			if v.Data == nil {
				v.Data = maps.Clone(sub.Object.Attributes)
			}
			key, value := valueOf(sub.Object.Kind, name, text)
			v.Data[key] = value
		case step == "nothing":
		default:
			s.t.Fatalf("bad step %q of a rule", step)
		}
	}
	return v
}
