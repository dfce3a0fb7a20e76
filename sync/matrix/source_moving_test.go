package matrix

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// narrow lets the account see one department and what is below it, and widen all again.
// hides tells whether people can be hidden by that.
func (s *tampered) narrow() (narrow, widen func(), hides bool) {
	switch sim := s.system.(type) {
	case *feishuTenant:
		return func() { sim.SetContactScope(&feishusim.ContactScope{Departments: []string{"d02"}}) }, func() { sim.SetContactScope(nil) }, true
	case *dingtalkCorp:
		return func() { sim.SetAuthScope(&dingtalksim.AuthScope{Departments: []int64{sim.units["d02"]}}) }, func() { sim.SetAuthScope(nil) }, true
	case *wecomCorp:
		return func() { sim.SetAppScope(sim.units["d02"]) }, func() { sim.SetAppScope() }, false
	case *ldapCompany:
		below := strings.ToLower("," + sim.dn("d01"))
		return func() {
				s.tap.set(func() { s.tap.blind = func(dn string) bool { return strings.HasSuffix(dn, below) } })
			},
			func() { s.tap.set(func() { s.tap.blind = nil }) }, true
	default:
		return nil, nil, false
	}
}

// during lets something happen before the nth page of a reading is served, once.
func (s *tampered) during(n int, do func()) {
	var once sync.Once
	at := func(page int) {
		if page == n {
			once.Do(do)
		}
	}
	switch {
	case s.http != nil:
		s.http.meanwhile(at)
	case s.tap != nil:
		s.tap.set(func() { s.tap.before = at })
	case s.shim != nil:
		s.shim.set(func() { s.shim.before = func() { once.Do(do) } })
	}
}

// TestS06_RangeShrinks lets the account see less than before, between two runs and in
// the middle of a listing: who is out of sight is not gone. A roster and a table have no
// range of sight; a SCIM token that sees less is what S02 tries.
//
// The row wants a fingerprint of the range to be held against the last one. Here each
// connector proves anew, in each reading, that it sees all staff, and a listing without
// that proof is incomplete (design.md §2.3). WeCom shows the ids of all members whatever
// an app sees: there only attributes are hidden, which is no change of them.
func TestS06_RangeShrinks(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv", "sqlite", "scim"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		narrow, widen, hides := src.narrow()
		for name, arm := range map[string]func(){"between": narrow, "midway": func() { src.during(4, narrow) }} {
			arm()
			if hides {
				w.harmless(name, run.NothingToDo, run.Failed, run.Blocked)
			} else {
				w.onlyTheGone(name)
			}
			widen()
			src.mend()
		}
		w.control()
	})
}

// TestS07_MovesWhileRead lets people change places, get other names, leave and join
// while the pages are read. Nobody is counted twice, nobody loses an account but who has
// really left, and the next run finds everything as it is.
func TestS07_MovesWhileRead(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"csv"}, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		src.breaker.begin()
		_, err := src.source.Read(t.Context())
		check(t, err)
		last := src.breaker.pages()
		for i, n := range []int{2, last/2 + 1, last} {
			src.during(n, func() { w.turmoil(i) })
			w.midway()
			src.mend()
			w.from.flush(w.c)
			w.whole("after it")
			w.expect("after it")
		}
		if len(w.leaves) != 3 {
			t.Errorf("%d have left", len(w.leaves))
		}
	})
}

// turmoil lets two departments change all their people, some be renamed, one leave and
// one join.
func (w *faultWorld) turmoil(round int) {
	other := map[string]string{"d02": "d05", "d05": "d02"}
	for i, no := range w.c.numbers() {
		p := w.c.people[no]
		if to := other[p.in[0]]; to != "" {
			p.in = []string{to}
		}
		if i%5 == round {
			p.name += "改"
		}
		if i == 2+round {
			w.from.leave(no)
			delete(w.c.people, no)
			w.gone[no] = true
			w.leaves = append(w.leaves, no)
			continue
		}
		w.c.people[no] = p
		w.from.set(w.c, p)
	}
	joins := person{
		no: number(900 + round), name: "新人", title: "工程师", mobile: "1370000000" + string(rune('0'+round)), email: "n" + string(rune('0'+round)) + "@example.com", in: []string{"d01"},
	}
	w.c.people[joins.no] = joins
	w.from.set(w.c, joins)
	w.from.flush(w.c)
}

// midway lets the flow run while things change.
func (w *faultWorld) midway() {
	w.t.Helper()
	r := w.agree(w.run())
	made, err := w.store.Plan(w.t.Context(), r.Code)
	if err != nil {
		w.explained("midway", r)
		return
	}
	if made.Source.Users > smallStaff+1 {
		w.t.Errorf("%d people are counted", made.Source.Users)
	}
	for i := range made.Changes {
		c := &made.Changes[i]
		if c.Op.Destructive() && (c.Key.Kind != directory.User || !slices.Contains(w.leaves, c.Before[directory.AttrEmployeeNo].String())) {
			w.t.Errorf("%s of %s\n%s", c.Op, c.Name, w.trouble(r))
		}
	}
	for no := range w.c.people {
		if h, there := w.to.look().people[no]; there && !h.active {
			w.t.Errorf("%s is not active", no)
		}
	}
}
