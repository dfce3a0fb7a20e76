package connectortest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// flawVariable tells TestMemory, in a process of its own, which flaw the
// connector should have.
const flawVariable = "CONNECTORTEST_FLAW"

// TestMemory holds the connector in memory against the suite.
func TestMemory(t *testing.T) {
	t.Parallel()
	flaw := os.Getenv(flawVariable)
	Run(t, func(*testing.T) Harness { return harness(newMemory(flaw)) })
}

// TestFindsFlaws checks that the suite fails for connectors that are wrong, in
// the case that is meant to notice.
func TestFindsFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(flawVariable) != "" {
		t.Skip("this process has a flaw already")
	}
	flaws := map[string]string{
		"undescribed":     "describe/what_is_read_is_described",
		"first page":      "read/pages_n+1",
		"shorter list":    "faults/middle_page_fails",
		"hidden is empty": "faults/hidden_attributes",
		"silent":          "read/counts_while_it_reads",
		"many calls":      "read/no_more_calls_than_are_said",
		"hammers":         "faults/wrong_credentials",
		"failure is gone": "faults/system_down",
		"hidden is gone":  "lookup/out_of_sight",
		"zero values":     "write/update_touches_nothing_else",
		"repeats":         "doubt/CREATE_cut_after_its_effect",
		"certain":         "doubt/DELETE_given_up",
	}
	for flaw, place := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemory$")
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the suite passes")
			}
			if !strings.Contains(string(out), "--- FAIL: TestMemory/"+place+" ") {
				t.Errorf("%s did not notice:\n%s", place, out)
			}
		})
	}
}

func harness(m *memory) Harness {
	locked := func(f func()) { m.mu.Lock(); defer m.mu.Unlock(); f() }
	number := func(p *int) func() int {
		return func() (n int) { locked(func() { n = *p }); return n }
	}
	next := func(what string) func() { return func() { locked(func() { m.next = what }) } }
	put := func(o directory.Object) directory.ID {
		locked(func() { m.objects[o.Key] = o })
		return o.ID
	}
	h := Harness{
		Connector: m, Page: memoryPage,
		SeedUser: func(u User) directory.ID {
			return put(directory.Object{Key: userKey(directory.ID(u.ID)), Active: !u.Disabled, Attributes: userAttributes(u)})
		},
		SeedDepartment: func(d Department) directory.ID {
			return put(directory.Object{Key: departmentKey(directory.ID(d.ID)), Active: true, Attributes: departmentAttributes(d)})
		},
		Stored:        func(key directory.Key) (s Stored, ok bool) { locked(func() { s, ok = m.stored(key) }); return s, ok },
		NewUser:       userAttributes,
		NewDepartment: departmentAttributes,
		Effects:       number(&m.effects), Calls: number(&m.calls), TokenCalls: number(&m.tokens),
		Advance: func(time.Duration) {},
		RateLimit: func(page, times int) {
			locked(func() { m.badPage, m.badTimes, m.badKind = page, times, fault.Limited })
		},
		FailPage: func(page, times int) {
			locked(func() { m.badPage, m.badTimes, m.badKind = page, times, fault.Unavailable })
		},
		TruncatePage:     func(page int) { locked(func() { m.truncated = page }) },
		ExpireToken:      func(page int) { locked(func() { m.expire = page }) },
		WrongCredentials: func() { locked(func() { m.wrong = true }) },
		Down:             func() { locked(func() { m.down = true }) },
		HangRead:         func() <-chan struct{} { m.hang, m.arrived = "read", make(chan struct{}); return m.arrived },
		HangWrite:        func() <-chan struct{} { m.next, m.arrived = "hang", make(chan struct{}); return m.arrived },
		CutAfterEffect:   next("cut-after"), CutBeforeEffect: next("cut-before"), LimitWrite: next("limit"),
		HidePermission: func() []HiddenAttribute {
			locked(func() { m.noPhone = true })
			return []HiddenAttribute{{directory.User, "mobile", "phone"}}
		},
		HideObject: func(key directory.Key) { locked(func() { m.hidden[key] = true }) },
	}
	for _, write := range []bool{true, false} {
		h.Refusals = append(h.Refusals, Refusal{
			Name: "48009", Write: write, Kinds: []fault.Kind{fault.Credential},
			Arm: func() { locked(func() { m.refusal = fault.Credential }) },
		})
	}
	return h
}

func (m *memory) stored(key directory.Key) (Stored, bool) {
	o, ok := m.objects[key]
	s := Stored{Name: o.Attributes["name"].Text(), Active: o.Active, Departments: refIDs(o.Attributes["departments"])}
	for _, id := range refIDs(o.Attributes["parent"]) {
		s.Parent = id
	}
	return s, ok
}

func userAttributes(u User) directory.Attributes {
	return directory.Attributes{
		"id": directory.TextOf(u.ID), "name": directory.TextOf(u.Name), "mobile": directory.TextOf(u.Mobile),
		"departments": directory.RefsToKind(directory.Department, u.Departments...),
	}
}

func departmentAttributes(d Department) directory.Attributes {
	return directory.Attributes{
		"id": directory.TextOf(d.ID), "name": directory.TextOf(d.Name),
		"parent": directory.RefsToKind(directory.Department, refOf(d.Parent)...),
	}
}
