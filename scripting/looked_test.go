package scripting

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// lookedText gives what a verdict rests on, in one line and in order.
func lookedText(v plan.Verdict) string {
	var keys []string
	for _, key := range v.Looked {
		keys = append(keys, key.String())
	}
	slices.Sort(keys) // the plan puts them in order
	return strings.Join(keys, " ")
}

// TestLookedAtIsOfTheObjectThatIsTakenAway: whoever is not taken away rests on nothing.
func TestLookedAtIsOfTheObjectThatIsTakenAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule string
		op   plan.Op
		want string
	}{
		"nothing":                  {`repo.executeDisable()`, plan.None, ""},
		"a department":             {`if (repo.getObjectByID("d1", "department").name) repo.executeDisable()`, plan.None, "department:d1"},
		"after it was decided":     {`repo.executeDelete(); repo.getObjectByID("d1", "department")`, plan.Update, "department:d1"},
		"both kinds":               {`repo.getObjectByID("u1", "user"); repo.getObjectByID("d1"); repo.executeDelete()`, plan.None, "department:d1 user:u1"},
		"without a kind":           {`repo.getObjectByID("u1"); repo.executeDelete()`, plan.None, "user:u1"},
		"each once":                {`repo.getObjectByID("u1"); repo.getObjectByID("u1", "user"); repo.executeDelete()`, plan.None, "user:u1"},
		"not there":                {`if (!repo.getObjectByID("d9", "department")) repo.executeDisable()`, plan.None, "department:d9"},
		"of neither kind":          {`if (!repo.getObjectByID("x9")) repo.executeDisable()`, plan.None, "department:x9 user:x9"},
		"of the wrong kind":        {`if (!repo.getObjectByID("u1", "department")) repo.executeDisable()`, plan.None, "department:u1"},
		"a number":                 {`if (!repo.getObjectByID(7, "user")) repo.executeDisable()`, plan.None, "user:7"},
		"nobody has no id":         {`if (!repo.getObjectByID("")) repo.executeDisable()`, plan.None, ""},
		"the way up":               {`var d = repo.getObjectByID("d1"); repo.getObjectByID(d.parent); repo.executeDisable()`, plan.None, "department:d0 department:d1"},
		"a proposal that stands":   {`repo.getObjectByID("d1")`, plan.Disable, "department:d1"},
		"one that is not aborted":  {`repo.getObjectByID("d1"); repo.abort("DELETE")`, plan.Disable, "department:d1"},
		"one that is aborted":      {`repo.getObjectByID("d1"); repo.abort()`, plan.Delete, ""},
		"a chosen one, aborted":    {`repo.getObjectByID("d1"); repo.executeDisable(); repo.abort("DISABLE")`, plan.None, ""},
		"a DELETE made a DISABLE":  {`repo.getObjectByID("d1"); repo.executeDisable()`, plan.Delete, "department:d1"},
		"created":                  {`repo.getObjectByID("d1"); repo.executeCreate()`, plan.Create, ""},
		"nothing to do":            {`repo.getObjectByID("d1")`, plan.None, ""},
		"while an array is read":   {`var a = ["x"]; Object.defineProperty(a, 0, {get() { repo.getObjectByID("d1"); return "x" }}); context.data.tags = a; repo.executeDisable()`, plan.None, "department:d1"},
		"a failed one":             {`repo.getObjectByID("d1"); repo.executeDisable(); throw 1`, plan.Delete, ""},
		"a change without return":  {`repo.getObjectByID("d1"); repo.executeDelete(); context.data.name = "x"; return`, plan.None, ""},
		"from an array's callback": {`["u1", "d1"].forEach(id => repo.getObjectByID(id)); repo.executeDisable()`, plan.None, "department:d1 user:u1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := person("a", nil)
			s.Proposed = c.op
			j, _ := inProcess(t, c.rule+"\nreturn context").judge(directory.User, &s)
			if got := lookedText(j.Verdict); got != c.want {
				t.Errorf("rests on %q, want %q: %+v %s", got, c.want, j.Verdict, failure(j.Verdict))
			}
		})
	}
}

// TestLookedAtByEachThoughTheChildKnowsTheAnswer: one question for all of them, and for
// one the other way.
func TestLookedAtByEachThoughTheChildKnowsTheAnswer(t *testing.T) {
	t.Parallel()
	o := options(`
		if (context.id == "000250") { repo.getObjectByID("d1", "department"); repo.executeUpdate(); return context }
		var d = repo.getObjectByID("d1", "department")
		var gone = +context.id % 2 ? repo.getObjectByID("d9") : null
		if (d.name && !gone) repo.executeDisable()
		return context`)
	o.Workers = 1
	h := open(t, o)
	subjects := make([]plan.Subject, 300)
	for i := range subjects {
		subjects[i] = person(fmt.Sprintf("%06d", i), nil)
	}
	asked := map[directory.Key]int{}
	verdicts, err := h.Judge(t.Context(), subjects, func(key directory.Key) (directory.Object, bool) {
		asked[key]++
		return company(key)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range verdicts {
		want := "department:d1"
		switch {
		case i == 250:
			want = ""
		case i%2 == 1:
			want = "department:d1 department:d9 user:d9"
		}
		if got := lookedText(v); v.Failed != nil || got != want {
			t.Fatalf("%d rests on %q, want %q: %s", i, got, want, failure(v))
		}
	}
	for key, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", key, n)
		}
	}
	if len(asked) != 3 {
		t.Errorf("asked for %v", asked)
	}
}

// TestLookedAtTooManyToTakeSomebodyAway goes along the bound.
func TestLookedAtTooManyToTakeSomebodyAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n, looks int // objects, and how often each
		kind     string
		end      string
		fails    bool
	}{
		"as many as may be":            {plan.MaxLooked, 2, "user", "repo.executeDelete()", false},
		"one more":                     {plan.MaxLooked + 1, 1, "user", "repo.executeDelete()", true},
		"many more":                    {900, 1, "user", "repo.executeDelete()", true},
		"one more, nobody taken away":  {plan.MaxLooked + 1, 1, "user", "repo.executeUpdate()", false},
		"one more, aborted":            {plan.MaxLooked + 1, 1, "user", "repo.executeDelete(); repo.abort()", false},
		"of no kind, each counts two":  {plan.MaxLooked / 2, 1, "", "repo.executeDelete()", false},
		"of no kind, and one too many": {plan.MaxLooked/2 + 1, 1, "", "repo.executeDelete()", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := ""
			if c.kind != "" {
				kind = fmt.Sprintf(", %q", c.kind)
			}
			e := inProcess(t, fmt.Sprintf("for (var i = 0; i < %d; i++) repo.getObjectByID('x' + i %% %d%s)\n%s\nreturn context", c.n*c.looks, c.n, kind, c.end))
			s := person("a", nil)
			j, _ := e.judge(directory.User, &s)
			if !c.fails {
				if j.Failed != nil {
					t.Errorf("fails: %s", failure(j.Verdict))
				}
				if taken := strings.Contains(c.end, "Delete") && !strings.Contains(c.end, "abort"); taken != (len(j.Looked) == plan.MaxLooked) {
					t.Errorf("rests on %d: %s", len(j.Looked), lookedText(j.Verdict))
				}
				return
			}
			j.Failed.File = "users.js"
			wantFailure(t, j.Verdict, 2, "more than 20 other objects")
			if j.Failed.Limit || j.Looked != nil {
				t.Errorf("%+v rests on %s", j.Failed, lookedText(j.Verdict))
			}
		})
	}
}

// TestLookedAtOverTheWire: what a child tells is checked.
func TestLookedAtOverTheWire(t *testing.T) {
	t.Parallel()
	keys := []directory.Key{{Kind: directory.Department, ID: "d1"}, {Kind: directory.User, ID: "甲"}}
	j := &judgement{Verdict: plan.Verdict{Returned: true, Calls: plan.Calls{Delete: true}, Looked: keys}}
	body := j.encode(nil)
	if got, err := decodeJudgement(body); err != nil || !slices.Equal(got.Looked, keys) {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range body {
		if _, err := decodeJudgement(body[:n]); err == nil {
			t.Errorf("%d of %d bytes pass", n, len(body))
		}
	}
	j.Looked = []directory.Key{{Kind: "robot", ID: "d1"}}
	if _, err := decodeJudgement(j.encode(nil)); err == nil {
		t.Error("a look at an unknown kind passes")
	}
}
