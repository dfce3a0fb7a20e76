package ruletest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Suite is one test file. It is immutable.
type Suite struct {
	path string
	text []byte

	kind    directory.Kind
	zone    *time.Location // nil: the file gives none
	now     time.Time      // as written, in UTC; zero: the file gives none
	types   map[string]directory.Type
	objects map[directory.Key]directory.Object
	cases   []testCase

	under Defaults
}

// Defaults is what a configuration knows of a rule: it holds where the test file
// says nothing.
type Defaults struct {
	Zone     *time.Location // nil: UTC
	Declared map[directory.Kind]map[string]directory.Type
}

// testCase is one case.
type testCase struct {
	name     string
	at       place
	object   directory.Object
	proposed plan.Op
	target   directory.Attributes // nil: no account
	expect   expectation
}

// expectation is what a case expects; what is nil or "" is not looked at.
type expectation struct {
	operation string
	data      directory.Attributes
	reason    *string
	err       string
	line      int
}

// Words for what comes of an object without an operation.
const (
	held    = "HELD"
	aborted = "ABORTED"
	failed  = "ERROR"
)

var (
	proposals = []string{string(plan.Create), string(plan.Update), string(plan.Disable), string(plan.Delete), string(plan.None)}
	outcomes  = append(append([]string{}, proposals...), held, aborted, failed)
	kinds     = []string{string(directory.User), string(directory.Department)}

	suiteKeys  = []string{"kind", "zone", "now", "types", "objects", "base", "cases"}
	objectKeys = []string{"kind", "id", "data"}
	caseKeys   = []string{"name", "id", "operation", "data", "hidden", "target", "expect"}
	expectKeys = []string{"operation", "data", "reason", "error", "line"}
)

// Load reads a test file. Everything that is wrong with it comes back as one Invalid
// fault whose sentence has a line "file:line:column: what" for each mistake, in each
// language. A file has at most 1 MiB and 10,000 cases.
func Load(path string, text []byte) (*Suite, error) { return load(path, text, Defaults{}) }

// Under gives the suite with what a configuration knows below it. What the file
// itself says stands. Faults are those of Load: a value may not fit its declared
// type.
func (s *Suite) Under(d Defaults) (*Suite, error) { return load(s.path, s.text, d) }

func load(path string, text []byte, d Defaults) (*Suite, error) {
	r := &reader{}
	s := &Suite{path: path, text: text, kind: directory.User, under: d, objects: map[directory.Key]directory.Object{}}
	if root, ok := r.document(text); ok {
		if keys, ok := r.known(root, place{1, 1}, suiteKeys); ok {
			s.read(r, keys)
		}
	}
	if len(r.found) > 0 {
		return nil, mistaken(path, r.found)
	}
	return s, nil
}

// Kind gives the kind of object that the rule judges.
func (s *Suite) Kind() directory.Kind { return s.kind }

// Len gives the number of cases.
func (s *Suite) Len() int { return len(s.cases) }

// Only gives a suite of the cases whose names contain a text; it may have none.
func (s *Suite) Only(part string) *Suite {
	out := *s
	out.cases = nil
	for _, c := range s.cases {
		if strings.Contains(c.name, part) {
			out.cases = append(out.cases, c)
		}
	}
	return &out
}

// Options gives what a host for this suite runs: the rule, zone, time and declared
// types, with coverage. The caller adds Command.
func (s *Suite) Options(rule scripting.File) scripting.Options {
	zone := time.UTC
	if s.under.Zone != nil {
		zone = s.under.Zone
	}
	if s.zone != nil {
		zone = s.zone
	}
	// A rule that asks for the time while the file gives none fails its case; until
	// then it sees one that is the same in every run.
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, zone)
	if t := s.now; !t.IsZero() {
		now = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
	}
	o := scripting.Options{Zone: zone, Now: func() time.Time { return now }, Declared: s.declared(), Cover: true, Workers: 1}
	if s.kind == directory.Department {
		o.Departments = rule
	} else {
		o.Users = rule
	}
	return o
}

// declared gives the types of all attributes that are declared: by the file for the
// rule's kind, over those of the configuration.
func (s *Suite) declared() map[directory.Kind]map[string]directory.Type {
	out := map[directory.Kind]map[string]directory.Type{}
	for kind, types := range s.under.Declared {
		out[kind] = maps.Clone(types)
	}
	if out[s.kind] == nil {
		out[s.kind] = map[string]directory.Type{}
	}
	maps.Copy(out[s.kind], s.types)
	return out
}

// read fills the suite from its keys.
func (s *Suite) read(r *reader, keys map[string]entry) {
	if e, ok := keys["kind"]; ok {
		s.kind = directory.Kind(r.word(e, kinds, string(directory.User)))
	}
	if e, ok := keys["zone"]; ok {
		s.readZone(r, e)
	}
	if e, ok := keys["now"]; ok {
		if v, ok := r.words(e); ok {
			if _, ok := r.date(e, v); ok {
				s.now, _ = parseDate(v)
			}
		}
	}
	if e, ok := keys["types"]; ok {
		s.readTypes(r, e)
	}
	declared := s.declared()
	for _, n := range r.items(keys["objects"]) {
		s.readObject(r, n, declared)
	}
	base := r.attributes(keys["base"], declared[s.kind])
	s.readCases(r, keys["cases"], base, declared[s.kind])
}

func (s *Suite) readZone(r *reader, e entry) {
	name, ok := r.words(e)
	if !ok {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		r.bad(e.where(), say("%s is not an IANA time zone: write one such as Asia/Shanghai", "%s 不是 IANA 时区：请写成 Asia/Shanghai 这样", quoted(name)))
		return
	}
	s.zone = zone
}

func (s *Suite) readTypes(r *reader, e entry) {
	s.types = map[string]directory.Type{}
	if e.node == nil {
		return
	}
	list, _ := r.entries(e.node, e.where())
	for _, a := range list {
		name := r.word(a, typeNames, "")
		if t, ok := typeOf(name); ok {
			s.types[a.key] = t
		}
	}
}

// word reads one of some words, or gives the one that stands for a mistake.
func (r *reader) word(e entry, words []string, otherwise string) string {
	s, ok := r.words(e)
	switch {
	case !ok:
		return otherwise
	case slices.Contains(words, s):
		return s
	}
	r.bad(e.where(), say("%s: %s will not do%s", "%s：不能是 %s%s", e.key, quoted(s), oneOf(s, words)))
	return otherwise
}

// readObject reads an object to look up.
func (s *Suite) readObject(r *reader, n ast.Node, declared map[directory.Kind]map[string]directory.Type) {
	at := placeOf(n)
	keys, ok := r.known(n, at, objectKeys)
	if !ok {
		return
	}
	key := directory.Key{Kind: directory.User}
	if e, ok := keys["kind"]; ok {
		key.Kind = directory.Kind(r.word(e, kinds, string(directory.User)))
	}
	key.ID = directory.ID(r.needed(keys, "id", at))
	attrs := r.attributes(keys["data"], declared[key.Kind])
	if _, twice := s.objects[key]; twice && key.ID != "" {
		r.bad(at, say("%s %s is there twice", "%s %s 重复了", key.Kind, quoted(string(key.ID))))
	}
	s.objects[key] = directory.Object{Key: key, Active: true, Attributes: present(attrs)}
}

// needed reads a text that must be there.
func (r *reader) needed(keys map[string]entry, key string, at place) string {
	e, ok := keys[key]
	if !ok || e.node == nil {
		r.bad(at, say("%s is missing", "缺少 %s", key))
		return ""
	}
	s, ok := r.words(e)
	if ok && strings.TrimSpace(s) == "" {
		r.bad(e.where(), say("%s is empty", "%s 是空的", key))
	}
	return s
}

// present drops the attributes that were left empty.
func present(attrs directory.Attributes) directory.Attributes {
	maps.DeleteFunc(attrs, func(_ string, v directory.Value) bool { return v.Type() == directory.Absent })
	return attrs
}

// label gives the file and line of a place.
func (s *Suite) label(at place) string { return fmt.Sprintf("%s:%d", s.path, at.line) }
