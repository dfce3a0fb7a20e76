package matrix

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// branch is where a listing tells the parent of a department.
type branch struct {
	list       []string
	id, parent string
	of         func(key string) any // the id of one; "": one that does not exist
}

// branch gives that of a source; nil: it has no such place.
func (s *tampered) branch() *branch {
	switch sys := s.system.(type) {
	case *feishuTenant:
		return &branch{[]string{"data", "items"}, "open_department_id", "parent_department_id", func(key string) any {
			if key == "" {
				return "od-nowhere"
			}
			return sys.units[key]
		}}
	case *wecomCorp:
		return &branch{[]string{"department_id"}, "id", "parentid", numbered(sys.units)}
	case *dingtalkCorp:
		return &branch{[]string{"result"}, "dept_id", "parent_id", numbered(sys.units)}
	case *scimService:
		return &branch{[]string{"Resources"}, "id", "", func(key string) any {
			if key == "" {
				return "nowhere"
			}
			return sys.groups[key]
		}}
	default:
		return nil
	}
}

func numbered(units map[string]int64) func(string) any {
	return func(key string) any {
		if key == "" {
			return json.Number("987654")
		}
		return json.Number(fmt.Sprint(units[key]))
	}
}

// graft lets a department be shown below another, or, "", below one that is not there.
func (s *tampered) graft(key, below string) {
	switch sys := s.system.(type) {
	case *database:
		parent := below
		if below == "" {
			parent = "nowhere"
		}
		sys.exec("PRAGMA foreign_keys = OFF")
		sys.exec("UPDATE departments SET parent = ? WHERE id = ?", parent, key)
		return
	case *ldapCompany: // names cannot go round in a circle; what is above can be out of sight
		hidden := strings.ToLower(sys.dn(sys.units[key].parent))
		s.tap.set(func() { s.tap.blind = func(dn string) bool { return dn == hidden } })
		return
	}
	b := s.branch()
	s.http.change(func(_ int, _ *http.Request, answer map[string]any) {
		_, _, list := rows(answer, b.list...)
		for _, one := range list {
			row, _ := one.(map[string]any)
			if row == nil || fmt.Sprint(row[b.id]) != fmt.Sprint(b.of(key)) {
				continue
			}
			if b.parent != "" {
				row[b.parent] = b.of(below)
			} else {
				put(row, b.of(below), scimsim.SchemaDepartment, "parent")
			}
		}
	})
}

// TestS10_BrokenTrees shows departments that go round in a circle, and one whose parent
// is not there. Nobody is moved, and nothing is taken away.
func TestS10_BrokenTrees(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		for _, c := range []struct{ name, key, below string }{{"a circle", "d03", "d05"}, {"a parent that is not there", "d05", ""}} {
			if src.tap != nil && c.below != "" {
				continue
			}
			was := w.c.units[c.key].parent
			src.graft(c.key, c.below)
			w.harmless(c.name, run.NothingToDo, run.Failed, run.Blocked)
			if src.shim != nil {
				src.graft(c.key, was)
			}
			src.mend()
		}
		w.control()
	})
}

// TestS10_DeepAndWide reads fifteen levels of departments, or as many as the system has,
// and one department with many people: 300, or 30,000 in the long form, which are only
// planned.
func TestS10_DeepAndWide(t *testing.T) {
	t.Parallel()
	eachSource(t, nil, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		levels, many := 15, 300
		switch {
		case long():
			many = 30000
		case raced:
			many = 60
		}
		switch src.name {
		case "scim", "dingtalk": // Feishu, the target of one, takes fewer
			levels = 9
		case "wecom": // the corp itself is the first
			levels = 14
		}
		above := "d02"
		for i := 1; i < levels; i++ { // d02 is the first
			u := unit{key: fmt.Sprintf("deep%02d", i), name: fmt.Sprintf("第%d层", i+1), parent: above}
			w.c.units[u.key] = u
			w.from.setUnit(w.c, u)
			above = u.key
		}
		w.hire(newcomer("N0001", func(p *person) { p.in = []string{above} }))
		w.from.flush(w.c)
		w.whole("deep")
		w.expect("deep")
		for i := range many {
			no := fmt.Sprintf("W%05d", i)
			p := person{no: no, name: "众" + no, title: "工程师", mobile: fmt.Sprintf("135%08d", i), email: strings.ToLower(no) + "@example.com", in: []string{"d01"}}
			w.from.set(w.c, p)
			w.c.people[no] = p
		}
		w.from.flush(w.c)
		before := w.target.writes.Load()
		r := w.look1(run.Planned)
		if r.Counts.Create != many || r.Counts.Destructive() != 0 || w.target.writes.Load() != before {
			t.Errorf("%d people in one department: %+v\n%s", many, r.Counts, w.trouble(r))
		}
	})
}

// look1 lets the flow only be planned.
func (w *faultWorld) look1(state run.State) run.Run {
	w.t.Helper()
	w.asked++
	r, err := w.engine.Start(w.t.Context(), run.Request{
		ID: fmt.Sprintf("req-%d", w.asked), Flow: "flow", Trigger: run.ByCommand, By: run.Actor{Person: "李敏", Platform: run.Feishu},
	})
	check(w.t, err)
	if r = w.until(r.Code); r.State != state {
		w.t.Errorf("the run is %s, want %s: %s\n%s", r.State, state, r.Reason, w.trouble(r))
	}
	return r
}

// TestS13_SlowSource lets a source be so slow that a page does not come before the time
// of the reading is over. The run fails, and nothing of what came is used.
func TestS13_SlowSource(t *testing.T) {
	t.Parallel()
	eachSource(t, nil, func(t *testing.T, src *tampered) {
		if src.file != nil {
			src = slowRoster(t)
		}
		w := newFaultWorld(t, src, faultOptions{engine: engine.Options{ReadTime: readTime}})
		w.someGo()
		src.breaker.spoil(waySlow, 3, -1)
		r := w.harmless("slow", run.Failed)
		if r.Fault != fault.Unavailable || !strings.Contains(r.Reason, "timing.read") || !strings.Contains(r.Reason, "source") {
			t.Errorf("the run fails for %s: %s", r.Fault, r.Reason)
		}
		if src.breaker.hits() == 0 {
			t.Error("nothing was slow")
		}
		src.mend()
		w.control()
	})
}

// readTime is how long a reading may take in TestS13: a healthy one takes a moment, on
// a machine that has other things to do as well.
const readTime = 10 * time.Second
