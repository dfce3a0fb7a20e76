package scripting

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var update = flag.Bool("update", false, "write the verdicts that came into testdata")

// given is one subject of a golden file.
type given struct {
	ID     directory.ID         `json:"id"`
	Kind   directory.Kind       `json:"kind"` // user when left out
	Op     plan.Op              `json:"op"`
	Data   directory.Attributes `json:"data"`
	Target directory.Attributes `json:"target"`
	Now    string               `json:"now"`  // RFC 3339; noon when left out
	Zone   string               `json:"zone"` // of the flow; Shanghai when left out
}

// rules are the files of one host.
type rules struct{ name, users, departments string }

// TestGolden judges the subjects of each file of testdata with its rules, through
// a child.
//
// A file has either the sections users.js and departments.js, or any number of
// sections NAME.js, each a rule for users that judges all subjects. The subjects
// stand in given.json; without it they are those of everyCase. In want, each has a
// line: what the rule did, and what comes of it (see outcome).
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
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
	sections := map[string]string{}
	for _, f := range archive.Files {
		sections[f.Name] = string(f.Data)
	}
	all := everyCase()
	if text, ok := sections["given.json"]; ok {
		all = nil
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("given.json: %v", err)
		}
	}
	var got strings.Builder
	for _, r := range rulesOf(archive) {
		if r.name != "" {
			fmt.Fprintf(&got, "# %s\n", r.name)
		}
		goldenRule(t, &got, r, all)
	}
	if got.String() == sections["want"] {
		return
	}
	if !*update {
		t.Errorf("%s", firstDifference(got.String(), sections["want"]))
		return
	}
	for i := range archive.Files {
		if archive.Files[i].Name == "want" {
			archive.Files[i].Data = []byte(got.String())
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rulesOf gives the rules of a file in its order.
func rulesOf(archive *txtar.Archive) []rules {
	var both rules
	var out []rules
	for _, f := range archive.Files {
		name, isRule := strings.CutSuffix(f.Name, ".js")
		switch {
		case !isRule:
		case name == "users":
			both.users = string(f.Data)
		case name == "departments":
			both.departments = string(f.Data)
		default:
			out = append(out, rules{name: name, users: string(f.Data)})
		}
	}
	if both != (rules{}) {
		out = append(out, both)
	}
	return out
}

// goldenRule judges all subjects with one set of rules; those of one zone share a
// host.
func goldenRule(t *testing.T, got *strings.Builder, r rules, all []given) {
	hosts := map[string]*Host{}
	now := noon()
	for _, g := range all {
		h := hosts[g.Zone]
		if h == nil {
			o := options(r.users)
			o.Workers = 1
			o.Now = func() time.Time { return now }
			if r.departments != "" {
				o.Departments = File{Name: "departments.js", Source: []byte(r.departments)}
			}
			if g.Zone != "" {
				o.Zone = zoneOf(t, g.Zone)
			}
			h = open(t, o)
			hosts[g.Zone] = h
		}
		now = noon()
		if g.Now != "" {
			now = instant(t, g.Now)
		}
		s := plan.Subject{Proposed: g.Op, Target: g.Target}
		s.Object = directory.Object{Key: directory.Key{Kind: g.Kind, ID: g.ID}, Active: true, Attributes: g.Data}
		if g.Kind == "" {
			s.Object.Kind = directory.User
		}
		before := s.Object.Digest()
		v := judgeAll(t, h, s)[0]
		fmt.Fprintf(got, "%s %s: %s → %s\n", g.Op, g.ID, verdictText(t, v, g.Data), outcome(h, s, v))
		if s.Object.Digest() != before {
			t.Errorf("%s: the subject itself was changed", g.ID)
		}
	}
	for _, h := range hosts {
		h.Close()
	}
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return zone
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// everyCase is each proposal four times: the id says whether the rule, by tableEnd,
// changes the data and whether it ends with return context.
func everyCase() []given {
	var out []given
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.None, plan.Disable, plan.Delete} {
		for _, way := range []directory.ID{"returns", "ends", "edits-returns", "edits-ends"} {
			g := given{ID: way, Op: op, Data: directory.Attributes{"name": directory.TextOf("张三"), "title": directory.TextOf("工程师")}}
			if op != plan.Create {
				g.Target = directory.Attributes{"title": directory.TextOf("工程师")}
			}
			out = append(out, g)
		}
	}
	return out
}

// outcome is what comes of a verdict: the operation (chosen: by the rule against
// the proposal), or held, aborted, error, nothing. The proposal is taken to be the
// same after the rule's changes; all but a proposed CREATE exist.
func outcome(h *Host, s plan.Subject, v plan.Verdict) string {
	mentions, _ := h.Mentions(s.Object.Kind)
	r := v.Rule(plan.Situation{Proposed: s.Proposed, Exists: s.Proposed != plan.Create, Mentions: mentions})
	switch {
	case r.Note == plan.Held:
		return "held"
	case r.Note == plan.Aborted:
		return "aborted"
	case r.Note == plan.RuleFailed:
		return "error"
	case r.Note != "":
		return "note " + string(r.Note)
	case r.Op == plan.None:
		return "nothing"
	case r.Chosen:
		return string(r.Op) + ", chosen"
	}
	return string(r.Op)
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d of want:\n got %s\nwant %s\n(%d lines came, %d were wanted)", i+1, x, y, len(a)-1, len(b)-1)
		}
	}
	return "no difference"
}

// verdictText writes a verdict in one line; of the data only what is new.
func verdictText(t *testing.T, v plan.Verdict, before directory.Attributes) string {
	t.Helper()
	if v.Failed != nil {
		if v.Calls != (plan.Calls{}) || v.Abort != nil || v.AbortAny || v.Returned || v.Data != nil {
			t.Errorf("a failed verdict says more than its failure: %+v", v)
		}
		return fmt.Sprintf("failed %s:%d: %s", v.Failed.File, v.Failed.Line, v.Failed.Say)
	}
	var parts []string
	for _, c := range []struct {
		name   string
		called bool
	}{{"create", v.Calls.Create}, {"update", v.Calls.Update}, {"disable", v.Calls.Disable}, {"delete", v.Calls.Delete}} {
		if c.called {
			parts = append(parts, c.name)
		}
	}
	for _, op := range v.Abort {
		parts = append(parts, "abort("+string(op)+")")
	}
	if v.AbortAny {
		parts = append(parts, "abort()")
	}
	if v.Returned {
		parts = append(parts, "returned")
	}
	if v.Reason != "" {
		parts = append(parts, "reason="+v.Reason)
	}
	parts = append(parts, changes(t, v.Data, before)...)
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, " ")
}

// changes lists the attributes that a verdict's data has anew.
func changes(t *testing.T, data, before directory.Attributes) []string {
	t.Helper()
	var parts []string
	for _, name := range data.Names() {
		value, old := data[name], before[name]
		if value.Equal(old) && value.Type() == old.Type() || old.Type() == directory.Unknown && value.Type() == directory.Unknown {
			continue
		}
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, name+"="+string(b))
	}
	for name := range before {
		if _, ok := data[name]; data != nil && !ok {
			t.Errorf("the verdict's data lost %s", name)
		}
	}
	if data != nil && len(parts) == 0 {
		parts = []string{"(data, unchanged)"} // would be held without return context
	}
	slices.Sort(parts)
	return parts
}
