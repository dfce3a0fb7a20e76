package connectortest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// patience bounds what must be prompt. It is real time and generous: only a
// hang comes near it.
const patience = 20 * time.Second

// Run holds a connector against the contract. setup is called for every case,
// from several goroutines at once.
func Run(t *testing.T, setup func(*testing.T) Harness) {
	t.Helper()
	first := setup(t)
	first.check(t)
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"describe", describeCases()},
		{"read", readCases()},
		{"faults", faultCases()},
		{"lookup", lookupCases()},
		{"write", writeCases()},
		{"doubt", doubtCases()},
		{"departments", departmentCases()},
		{"refusals", refusalCases(first.Refusals)},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					h := setup(t)
					h.need(t, c.needs...)
					c.run(t, &h)
				})
			}
		})
	}
}

// testCase is one case, the knobs that it needs and what it does.
type testCase struct {
	name  string
	needs []string
	run   func(*testing.T, *Harness)
}

// within gives a context that ends after the suite's patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// read reads and fails the test on an error.
func (h *Harness) read(t *testing.T) *directory.Snapshot {
	t.Helper()
	s, err := h.Connector.Read(within(t))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if s == nil {
		t.Fatal("read gives neither a snapshot nor an error")
	}
	return s
}

// readComplete reads and fails the test unless the snapshot is complete.
func (h *Harness) readComplete(t *testing.T) *directory.Snapshot {
	t.Helper()
	s := h.read(t)
	if !s.Complete() {
		t.Fatalf("the snapshot is incomplete: %s", s.Health.PartialFor)
	}
	return s
}

// readNoProof reads where something went wrong: the answer is an error or an
// incomplete snapshot with a reason, never an error-free shorter list.
func (h *Harness) readNoProof(t *testing.T) {
	t.Helper()
	s, err := h.Connector.Read(within(t))
	if err != nil {
		h.checkFault(t, err, fault.Unavailable, fault.Limited, fault.Credential)
		return
	}
	if s.Complete() {
		t.Fatalf("a failed listing passes for a complete one with %d users", s.Len(directory.User))
	}
	h.checkText(t, s.Health.PartialFor)
}

// checkFault fails the test unless err is a fault of one of the kinds, with a
// sentence in both languages and without a secret.
func (h *Harness) checkFault(t *testing.T, err error, kinds ...fault.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", kinds)
	}
	if got := fault.KindOf(err); !slices.Contains(kinds, got) {
		t.Fatalf("fault kind %q, want one of %q: %v", got, kinds, err)
	}
	h.checkText(t, fault.Say(err))
	for _, secret := range h.Secrets {
		if secret != "" && (strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret)) {
			t.Errorf("the error shows the secret %q: %v", secret, err)
		}
	}
	if strings.Contains(err.Error(), "access_token=") {
		t.Errorf("the error shows a URL with its token: %v", err)
	}
}

// checkText fails the test unless a sentence speaks both languages.
func (h *Harness) checkText(t *testing.T, say string) {
	t.Helper()
	if !strings.ContainsFunc(say, isHan) || !strings.ContainsFunc(say, isLatin) {
		t.Errorf("not in both languages: %q", say)
	}
	for _, secret := range h.Secrets {
		if secret != "" && strings.Contains(say, secret) {
			t.Errorf("a sentence for people shows the secret %q: %q", secret, say)
		}
	}
}

func isHan(r rune) bool   { return unicode.Is(unicode.Han, r) }
func isLatin(r rune) bool { return r >= 'a' && r <= 'z' }

// person gives the i-th user, with a number and an address of its own.
func person(i int, departments ...directory.ID) User {
	return User{
		ID: fmt.Sprintf("u%05d", i), Name: fmt.Sprintf("员工%d", i),
		Mobile: fmt.Sprintf("138%08d", i), Email: fmt.Sprintf("u%05d@corp.example", i),
		Title: "工程师", Departments: departments,
	}
}

// seedUsers puts n users into the system: into one department where the system
// has departments, else under the root. It gives their ids in order.
func (h *Harness) seedUsers(n int) []directory.ID {
	var in []directory.ID
	if h.SeedDepartment != nil {
		in = []directory.ID{h.SeedDepartment(Department{ID: "1001", Name: "研发部"})}
	}
	ids := make([]directory.ID, n)
	for i := range ids {
		ids[i] = h.SeedUser(person(i+1, in...))
	}
	slices.Sort(ids)
	return ids
}

// ids gives the ids of a snapshot's objects of a kind.
func ids(s *directory.Snapshot, kind directory.Kind) []directory.ID {
	var out []directory.ID
	for o := range s.All(kind) {
		out = append(out, o.ID)
	}
	return out
}

// tokenOf gives a token for a write of the suite: the same for the same words.
func tokenOf(words ...string) string {
	return "suite-" + strings.ToLower(strings.Join(words, "-"))
}

// create builds the CREATE of a user.
func (h *Harness) create(u User) connector.Write {
	after := h.NewUser(u)
	key := directory.Key{Kind: directory.User}
	if name := h.Connector.Describe().IDAttribute; name != "" {
		key.ID = directory.ID(after[name].Text())
	}
	return connector.Write{Op: plan.Create, Key: key, After: after, Token: tokenOf("create", u.ID)}
}

// createDepartment builds the CREATE of a department.
func (h *Harness) createDepartment(d Department) connector.Write {
	after := h.NewDepartment(d)
	key := directory.Key{Kind: directory.Department}
	if name := h.Connector.Describe().DepartmentIDAttribute; name != "" {
		key.ID = directory.ID(after[name].String())
	}
	return connector.Write{Op: plan.Create, Key: key, After: after, Token: tokenOf("create-d", d.ID)}
}

func userKey(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.User, ID: id}
}

func departmentKey(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.Department, ID: id}
}

// write builds a write without attributes but the given ones.
func write(op plan.Op, key directory.Key, after directory.Attributes) connector.Write {
	return connector.Write{Op: op, Key: key, After: after, Token: tokenOf(string(op), string(key.Kind))}
}

// apply makes a write that must succeed, and whose effect must happen once.
func (h *Harness) apply(t *testing.T, w connector.Write) directory.Key {
	t.Helper()
	before := h.Effects()
	key, err := h.target(t).Apply(within(t), w)
	if err != nil {
		t.Fatalf("%s %s: %v", w.Op, w.Key, err)
	}
	if key.ID == "" || key.Kind != w.Key.Kind {
		t.Fatalf("%s %s gives the key %s", w.Op, w.Key, key)
	}
	if n := h.Effects() - before; n != 1 {
		t.Fatalf("%s %s had %d effects, want 1", w.Op, w.Key, n)
	}
	return key
}

// refuse makes a write that must fail with one of the kinds and without effect.
func (h *Harness) refuse(t *testing.T, w connector.Write, kinds ...fault.Kind) {
	t.Helper()
	before := h.Effects()
	_, err := h.target(t).Apply(within(t), w)
	h.checkFault(t, err, kinds...)
	if n := h.Effects() - before; n != 0 {
		t.Fatalf("a refused %s had %d effects", w.Op, n)
	}
}

// stored asks the system for an object that must be there.
func (h *Harness) stored(t *testing.T, key directory.Key) Stored {
	t.Helper()
	s, ok := h.Stored(key)
	if !ok {
		t.Fatalf("%s is not in the system", key)
	}
	return s
}

// can skips the case when the system says that it cannot.
func (h *Harness) can(t *testing.T, kind directory.Kind, ops ...plan.Op) {
	t.Helper()
	info := h.Connector.Describe()
	for _, op := range ops {
		if !info.Can(kind, op) {
			t.Skipf("NOT APPLICABLE: the system cannot %s a %s", op, kind)
		}
	}
}
