package plan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// lookedAt makes a plan of one person whom a rule takes away, having looked at others.
func lookedAt(t *testing.T, department, looks string) *plan.Plan {
	t.Helper()
	w := newWorld(t)
	w.source.read(w, "department d1 "+department+"\nuser 1001 张三\nuser 1002 李四", false)
	w.target.read(w, "department t1 研发部\nuser 1001 张三\nuser 1002 李四", true)
	w.readLinks("d1 -> t1 department\n1001-1002 -> same")
	w.readRule("1001: " + looks + "executeDelete; return")
	in := w.input()
	p := make1(t, in)
	checkPlan(t, in, p)
	return p
}

// takenBy gives the one DELETE of a plan.
func takenBy(t *testing.T, p *plan.Plan) plan.Change {
	t.Helper()
	for _, c := range p.Changes {
		if c.Op == plan.Delete {
			return c
		}
	}
	t.Fatalf("nobody is taken away: %s", p.Encode())
	return plan.Change{}
}

// TestLookedAtIsVotedOn: it is part of the digest, and of nothing else.
func TestLookedAtIsVotedOn(t *testing.T) {
	t.Parallel()
	alone := lookedAt(t, "研发部", "")
	if strings.Contains(string(alone.Encode()), "looked") {
		t.Errorf("a plan without looks tells of them: %s", alone.Encode())
	}
	digests := map[directory.Digest]string{alone.Digest(): "alone"}
	for _, looks := range []string{"looks department:d1; ", "looks department:d9; ", "looks user:1002; ", "looks department:d1 user:1002; "} {
		p := lookedAt(t, "研发部", looks)
		if other, same := digests[p.Digest()]; same {
			t.Errorf("%q has the digest of %q", looks, other)
		}
		digests[p.Digest()] = looks
		c := takenBy(t, p)
		c.Cause.Looked = nil
		a, _ := json.Marshal(c)
		b, _ := json.Marshal(takenBy(t, alone))
		if string(a) != string(b) {
			t.Errorf("%q changes more than the looks:\n%s\n%s", looks, a, b)
		}
	}
	if a, b := lookedAt(t, "研发部", "looks user:1002 department:d1 user:1002; "), digests; b[a.Digest()] == "" {
		t.Error("the order in which a rule looks counts")
	}
	was, now := takenBy(t, lookedAt(t, "研发部", "looks department:d1; ")).Cause, takenBy(t, lookedAt(t, "研究院", "looks department:d1; ")).Cause
	if was.Looked[0].Fingerprint == now.Looked[0].Fingerprint || was.Fingerprint != now.Fingerprint {
		t.Errorf("a department of another name: %+v, %+v", was, now)
	}
}

// TestLookedAtIsNotInOlderPlans: those load, and rest on what they rested on.
func TestLookedAtIsNotInOlderPlans(t *testing.T) {
	t.Parallel()
	p, err := plan.Decode([]byte(`{"flow":"f","changes":[{"seq":1,"op":"DISABLE","cause":{"kind":"rule","fingerprint":"` + strings.Repeat("ab", 32) + `"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Changes[0].Cause; c.Kind != plan.CauseRule || c.Fingerprint.IsZero() || c.Looked != nil {
		t.Errorf("%+v", c)
	}
}
