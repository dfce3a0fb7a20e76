package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

func describeCases() []testCase {
	return []testCase{
		{"says what it is", nil, describeInfo},
		{"what is read is described", []string{"SeedUser"}, describedAttributes},
	}
}

func describeInfo(t *testing.T, h *Harness) {
	info := h.Connector.Describe()
	if info.Type == "" || info.Tenant == "" {
		t.Errorf("type %q, tenant %q: both are needed", info.Type, info.Tenant)
	}
	seen := map[string]bool{}
	for _, a := range info.Attributes {
		key := string(a.Kind) + " " + a.Name
		if seen[key] {
			t.Errorf("attribute %s is described twice", key)
		}
		seen[key] = true
		if a.Type == directory.Absent || a.Type == directory.Unknown {
			t.Errorf("attribute %s has type %s", key, a.Type)
		}
	}
	if len(info.Attributes) == 0 {
		t.Error("no attribute is described")
	}
	_, writes := h.Connector.(connector.Target)
	if !writes {
		if len(info.Ops) > 0 {
			t.Errorf("a source only, yet it lists operations: %v", info.Ops)
		}
		return
	}
	if info.CallTimeout <= 0 || info.Settle < 0 {
		t.Errorf("call time-out %v, settle %v", info.CallTimeout, info.Settle)
	}
	if info.Can(directory.User, "DELETE") {
		h.checkText(t, info.DeleteMeans.ZH+info.DeleteMeans.EN)
	}
	if info.Can(directory.User, "DISABLE") {
		h.checkText(t, info.DisableMeans.ZH+info.DisableMeans.EN)
	}
}

// describedAttributes checks that every attribute that comes is described with
// its type, and that objects carry the attribute that is their id.
func describedAttributes(t *testing.T, h *Harness) {
	h.seedUsers(2)
	s := h.readComplete(t)
	info := h.Connector.Describe()
	idAttribute := map[directory.Kind]string{
		directory.User: info.IDAttribute, directory.Department: info.DepartmentIDAttribute,
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		for o := range s.All(kind) {
			for name, v := range o.Attributes {
				a, ok := info.Attribute(kind, name)
				if !ok {
					t.Errorf("%s comes with %s, which is not described", o.Key, name)
				} else if v.Type() != a.Type && v.Type() != directory.Unknown {
					t.Errorf("%s of %s is %s, described as %s", name, o.Key, v.Type(), a.Type)
				}
			}
			if name := idAttribute[kind]; name != "" && o.Attributes[name].String() != string(o.ID) {
				t.Errorf("%s has %s = %q", o.Key, name, o.Attributes[name])
			}
		}
	}
}

func readCases() []testCase {
	cases := []testCase{
		{"department pages", []string{"SeedDepartment"}, departmentPages},
		{"names", []string{"SeedUser"}, readNames},
		{"deep tree", []string{"SeedUser", "SeedDepartment"}, deepTree},
		{"several departments", []string{"SeedUser", "SeedDepartment", "Stored"}, severalDepartments},
		{"disabled users", []string{"SeedUser"}, disabledUsers},
		{"the same twice", []string{"SeedUser"}, sameTwice},
		{"at once", []string{"SeedUser"}, readAtOnce},
		{"counts while it reads", []string{"SeedUser", "SeedDepartment"}, countsReading},
		{"no more calls than are said", []string{"SeedUser", "SeedDepartment", "Calls"}, fewCalls},
		{"a day later", []string{"SeedUser", "Advance"}, dayLater},
	}
	for _, size := range []string{"0", "1", "n-1", "n", "n+1", "2n", "2n+1"} {
		cases = append(cases, testCase{"pages " + size, []string{"SeedUser"}, func(t *testing.T, h *Harness) {
			n := sizes(h.Page)[size]
			want := h.seedUsers(n)
			s := h.readComplete(t)
			if got := ids(s, directory.User); !slices.Equal(got, want) {
				t.Fatalf("read %d users %v, want %d %v", len(got), got, len(want), want)
			}
			if n > 0 && s.Health.Pages == 0 {
				t.Error("the health record counts no page")
			}
		}})
	}
	return cases
}

func sizes(n int) map[string]int {
	return map[string]int{"0": 0, "1": 1, "n-1": n - 1, "n": n, "n+1": n + 1, "2n": 2 * n, "2n+1": 2*n + 1}
}

// departmentPages seeds more departments than a page holds under one parent.
func departmentPages(t *testing.T, h *Harness) {
	var want []directory.ID
	for i := range 2*h.Page + 1 {
		id := fmt.Sprintf("%d", 2001+i)
		want = append(want, h.SeedDepartment(Department{ID: id, Name: "部门" + id}))
	}
	slices.Sort(want)
	s := h.readComplete(t)
	if got := ids(s, directory.Department); !slices.Equal(got, want) {
		t.Fatalf("read departments %v, want %v", got, want)
	}
	if s.Health.Departments != len(want) {
		t.Errorf("the health record counts %d departments, want %d", s.Health.Departments, len(want))
	}
}

// names are what people are called.
var names = []string{
	"张三", "𠮷野家 𪚥", "Zoë Müller", "Ольга", "👩‍👩‍👧‍👦 家庭", "R&D 核心", "A<B>C", `the "quoted" one`, "a'b;c--d", "=1+1", "null", "0", "true", `back\slash`,
}

// allowed gives the names that the system takes for a kind.
func (h *Harness) allowed(kind directory.Kind) []string {
	var out []string
	for _, name := range names {
		if !strings.ContainsAny(name, h.Forbidden[kind]) {
			out = append(out, name)
		}
	}
	return out
}

func readNames(t *testing.T, h *Harness) {
	want := map[directory.Key]string{}
	for i, name := range h.allowed(directory.User) {
		u := person(i + 1)
		u.Name = name
		want[userKey(h.SeedUser(u))] = name
	}
	if h.SeedDepartment != nil {
		for i, name := range h.allowed(directory.Department) {
			want[departmentKey(h.SeedDepartment(Department{ID: fmt.Sprint(3001 + i), Name: name}))] = name
		}
	}
	s := h.readComplete(t)
	for key, name := range want {
		o, ok := s.Get(key)
		if !ok {
			t.Errorf("%s %q was not read", key, name)
		} else if got := o.Attributes[h.attrName()].Text(); got != name {
			t.Errorf("%s is called %q, want %q", key, got, name)
		}
	}
}

// chain seeds departments below each other and gives their ids from the top.
func (h *Harness) chain(depth int) []directory.ID {
	var line []directory.ID
	parent := directory.ID("")
	for i := range depth {
		parent = h.SeedDepartment(Department{ID: fmt.Sprint(4001 + i), Name: fmt.Sprintf("层%d", i+1), Parent: parent})
		line = append(line, parent)
	}
	return line
}

func deepTree(t *testing.T, h *Harness) {
	line := h.chain(h.depth())
	leaf := line[len(line)-1]
	user := h.SeedUser(person(1, leaf))
	s := h.readComplete(t)
	parent := directory.ID("")
	for _, id := range line {
		o, ok := s.Get(departmentKey(id))
		if !ok {
			t.Fatalf("department %s was not read", id)
		}
		if got := refIDs(o.Attributes[h.attrParent()]); !slices.Equal(got, refOf(parent)) {
			t.Fatalf("the parent of %s is %v, want %q", id, got, parent)
		}
		parent = id
	}
	o, ok := s.Get(userKey(user))
	if !ok || !slices.Equal(refIDs(o.Attributes[h.attrDepartments()]), []directory.ID{leaf}) {
		t.Fatalf("the user at the leaf is in %v, want %s", o.Attributes[h.attrDepartments()], leaf)
	}
}

func refOf(id directory.ID) []directory.ID {
	if id == "" {
		return nil
	}
	return []directory.ID{id}
}

// refIDs gives the ids of a value of references, nil for the root.
func refIDs(v directory.Value) []directory.ID {
	var out []directory.ID
	for _, r := range v.Refs() {
		out = append(out, r.ID)
	}
	return out
}

// severalDepartments checks that the main department comes first, whatever the
// order of ids.
func severalDepartments(t *testing.T, h *Harness) {
	a := h.SeedDepartment(Department{ID: "5001", Name: "甲部"})
	b := h.SeedDepartment(Department{ID: "5002", Name: "乙部"})
	both := h.SeedUser(person(1, b, a))
	root := h.SeedUser(person(2))
	want := h.stored(t, userKey(both)).Departments
	s := h.readComplete(t)
	o, _ := s.Get(userKey(both))
	if got := refIDs(o.Attributes[h.attrDepartments()]); !slices.Equal(got, want) {
		t.Errorf("departments %v, the system holds %v", got, want)
	}
	o, ok := s.Get(userKey(root))
	if v := o.Attributes[h.attrDepartments()]; !ok || v.Type() != directory.Refs || !v.IsEmpty() {
		t.Errorf("a user under the root has departments %q of type %s, want empty refs", v, v.Type())
	}
}

func disabledUsers(t *testing.T, h *Harness) {
	off := person(1)
	off.Disabled = true
	idOff, idOn := h.SeedUser(off), h.SeedUser(person(2))
	s := h.readComplete(t)
	if o, ok := s.Get(userKey(idOff)); !ok || o.Active {
		t.Errorf("the disabled user: there %v, active %v", ok, o.Active)
	}
	if o, ok := s.Get(userKey(idOn)); !ok || !o.Active {
		t.Errorf("the enabled user: there %v, active %v", ok, o.Active)
	}
}

// sameTwice checks that reading again gives the same content, byte for byte.
func sameTwice(t *testing.T, h *Harness) {
	h.seedUsers(h.Page + 1)
	if a, b := h.readComplete(t).Digest(), h.readComplete(t).Digest(); a != b {
		t.Errorf("two reads of the same system differ: %s, %s", a.Short(), b.Short())
	}
}

func readAtOnce(t *testing.T, h *Harness) {
	want := h.seedUsers(2*h.Page + 1)
	ctx := within(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := h.Connector.Read(ctx)
			if err != nil || !s.Complete() || s.Len(directory.User) != len(want) {
				t.Errorf("one of several reads at once: %v", err)
			}
			seen, err := h.Connector.Lookup(ctx, directory.User, want[:1])
			if err != nil || len(seen) != 1 || seen[0].Presence != connector.Present {
				t.Errorf("a lookup beside it: %v %v", seen, err)
			}
		})
	}
	wg.Wait()
	if h.TokenCalls != nil {
		if n := h.TokenCalls(); n > 2 {
			t.Errorf("%d token calls for reads at once, want one for each secret", n)
		}
	}
}

// dayLater checks that nothing held in memory outlives its time.
func dayLater(t *testing.T, h *Harness) {
	h.seedUsers(1)
	h.readComplete(t)
	h.Advance(24 * time.Hour)
	h.readComplete(t)
}

// company seeds full pages of people in each of a few departments: what the suite
// counts by.
func (h *Harness) company() (users, departments int) {
	for d := range h.Page {
		id := h.SeedDepartment(Department{ID: fmt.Sprintf("%d", 7101+d), Name: fmt.Sprintf("部门%d", d)})
		departments++
		for range h.Page {
			h.SeedUser(person(users+1, id))
			users++
		}
	}
	return users, departments
}

// countsReading checks that people who wait are told how far a listing is.
func countsReading(t *testing.T, h *Harness) {
	users, departments := h.company()
	var count connector.Counter
	if _, err := h.Connector.Read(connector.WithCounter(within(t), &count)); err != nil {
		t.Fatal(err)
	}
	if u, d := count.Count(); u != users || d != departments {
		t.Errorf("counted %d users and %d departments, want %d and %d", u, d, users, departments)
	}
}

// fewCalls checks the number of calls that the description gives, which docs
// repeat. A first reading is not counted: it may ask what the system can do.
func fewCalls(t *testing.T, h *Harness) {
	reads := h.Connector.Describe().Reads
	if reads == nil {
		t.Skip("NOT APPLICABLE: reading makes no calls")
	}
	users, departments := h.company()
	h.readComplete(t)
	calls := func() int {
		n := h.Calls()
		if h.TokenCalls != nil {
			n -= h.TokenCalls()
		}
		return n
	}
	before := calls()
	h.readComplete(t)
	want := reads(users, departments)
	if n := calls() - before; n > want || 2*n < want {
		t.Errorf("%d calls for %d users in %d departments, described as %d", n, users, departments, want)
	}
	if more := reads(1000*users, 10*departments); more < want {
		t.Errorf("%d calls for a company of 1000 times the size", more)
	}
}
