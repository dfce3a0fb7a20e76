package scripting

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var update = flag.Bool("update", false, "write the verdicts that came into testdata")

// given is one subject of a golden file.
type given struct {
	ID     directory.ID         `json:"id"`
	Kind   directory.Kind       `json:"kind"`
	Op     plan.Op              `json:"op"`
	Data   directory.Attributes `json:"data"`
	Target directory.Attributes `json:"target"`
}

// TestGolden judges the subjects of each file of testdata with its rule, through
// a child. The section want has one verdict for each subject.
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
	var all []given
	if err := json.Unmarshal([]byte(sections["given.json"]), &all); err != nil {
		t.Fatalf("given.json: %v", err)
	}
	o := options(sections["users.js"])
	if text, ok := sections["departments.js"]; ok {
		o.Departments = File{Name: "departments.js", Source: []byte(text)}
	}
	h := open(t, o)
	var got strings.Builder
	for _, g := range all {
		s := plan.Subject{Proposed: g.Op, Target: g.Target}
		s.Object = directory.Object{Key: directory.Key{Kind: g.Kind, ID: g.ID}, Active: true, Attributes: g.Data}
		if g.Kind == "" {
			s.Object.Kind = directory.User
		}
		before := s.Object.Digest()
		fmt.Fprintf(&got, "%s %s: %s\n", g.Op, g.ID, verdictText(t, judgeAll(t, h, s)[0], g.Data))
		if s.Object.Digest() != before {
			t.Errorf("%s: the subject itself was changed", g.ID)
		}
	}
	if got.String() == sections["want"] {
		return
	}
	if !*update {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), sections["want"])
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

// verdictText writes a verdict in one line; of the data only what is new.
func verdictText(t *testing.T, v plan.Verdict, before directory.Attributes) string {
	t.Helper()
	if v.Failed != nil {
		return fmt.Sprintf("failed %s:%d: %s", v.Failed.File, v.Failed.Line, v.Failed.Say)
	}
	var parts []string
	for name, called := range map[string]bool{
		"create": v.Calls.Create, "update": v.Calls.Update, "disable": v.Calls.Disable, "delete": v.Calls.Delete,
	} {
		if called {
			parts = append(parts, name)
		}
	}
	if len(parts) > 1 {
		parts = []string{"several"}
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
	for _, name := range v.Data.Names() {
		value, old := v.Data[name], before[name]
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
		if _, ok := v.Data[name]; v.Data != nil && !ok {
			t.Errorf("the verdict's data lost %s", name)
		}
	}
	return strings.Join(parts, " ")
}
