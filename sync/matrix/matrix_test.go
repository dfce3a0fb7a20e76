package matrix

import (
	"slices"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lab is what pairs share: servers that are started when the first asks for one, and
// run until the last has ended.
type lab struct {
	t     *testing.T
	mu    sync.Mutex
	slapd slapd
}

// kind is one kind of system.
type kind struct {
	name string
	from func(*testing.T, *lab) system // nil: cannot be a source
	to   func(*testing.T, *lab) system // nil: cannot be a target
}

func kinds() []kind {
	return []kind{
		{"feishu", newFeishu, newFeishu},
		{"wecom", newWeCom, newWeCom},
		{"dingtalk", newDingTalk, newQuarantine},
		{"csv", newCSV, newCSV},
		{"xlsx", newXLSX, newXLSX},
		{"sqlite", newSQLite, newSQLite},
		{"ldap", newLDAP, newLDAP},
		{"scim", newSCIM, newSCIM},
		{"scim_server", newProvider, nil},
	}
}

// staff is how many people a pair has. The race detector is for what happens at once,
// and so sees fewer people and pairs: it makes the record, a database in Go, ten times
// slower.
func staff() int {
	if raced || testing.Short() {
		return 120
	}
	return 300
}

// TestMatrix lets people of each source be hired, change, move, leave and return in
// each target: all pairs, or, with -race or -short, one for each source, in which
// every target stands at least once.
func TestMatrix(t *testing.T) {
	t.Parallel()
	l := &lab{t: t}
	all := kinds()
	for i, from := range all {
		next := (i + 1) % len(all)
		if all[next].to == nil {
			next = 0
		}
		for j, to := range all {
			if from.from == nil || to.to == nil || (raced || testing.Short()) && j != next {
				continue
			}
			t.Run(from.name+"-"+to.name, func(t *testing.T) {
				t.Parallel()
				n := staff()
				if to.name == "xlsx" {
					n = min(n, 150) // each change writes the whole workbook: 4 ms of 300 rows, of which 1 ms is the record's
				}
				newPair(t, from.from(t, l), to.to(t, l), n).life()
			})
		}
	}
}

// TestServers does the same with the two database servers, from one into the other.
func TestServers(t *testing.T) {
	t.Parallel()
	if raced || testing.Short() {
		t.Skip("NOT RUN: one kind of database is enough here: sqlite in TestMatrix")
	}
	t.Run("postgres-mariadb", func(t *testing.T) {
		t.Parallel()
		newPair(t, newPostgres(t, nil), newMariaDB(t, nil), staff()).life()
	})
	t.Run("mariadb-postgres", func(t *testing.T) {
		t.Parallel()
		newPair(t, newMariaDB(t, nil), newPostgres(t, nil), staff()).life()
	})
}

// TestATargetThatCannotDisable: who left is named in the plan, and stays untouched.
func TestATargetThatCannotDisable(t *testing.T) {
	t.Parallel()
	p := newPair(t, newCSV(t, nil), newDingTalk(t, nil), 120)
	p.seed()
	p.everybodyJoins()
	for _, no := range leaving {
		p.from.leave(no)
		delete(p.c.people, no)
		p.gone[no] = true
	}
	p.from.flush(p.c)
	p.advance(grace)
	p.still("leave")
	r := p.run()
	made, err := p.store.Plan(t.Context(), r.Code)
	check(t, err)
	named := 0
	for _, n := range made.Notes {
		if n.Kind == plan.Kept && n.Op == plan.Disable && slices.Contains(leaving, string(n.Key.ID)) {
			named++
		}
	}
	if named != len(leaving) {
		t.Errorf("%d of those who left are named, want %d: %+v", named, len(leaving), made.Notes)
	}
	p.expect("leave")
}

// life is a year of a company.
func (p *pair) life() {
	p.seed()
	p.everybodyJoins()
	p.someChange()
	p.someMove()
	p.someLeave()
	p.someReturn()
}

// everybodyJoins imports all. Whose number somebody in the target has already is
// adopted by a vote.
func (p *pair) everybodyJoins() {
	p.t.Helper()
	p.from.flush(p.c)
	r := p.run()
	if r.State != run.Awaiting || r.Counts.Adopt != 1 {
		p.t.Fatalf("import: the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, p.trouble(r))
	}
	p.expect("import before the vote") // with the account that is to be adopted untouched
	r = p.agree(r)
	if r.State != run.Succeeded {
		p.t.Fatalf("adoption: the run is %s: %s\n%s", r.State, r.Reason, p.trouble(r))
	}
	account := p.strange[p.adoptive].id
	delete(p.strange, p.adoptive)
	p.voted = true
	if r := p.run(); r.State != run.Succeeded && r.State != run.NothingToDo {
		p.t.Fatalf("after the adoption: the run is %s: %s\n%s", r.State, r.Reason, p.trouble(r))
	}
	p.expect("import")
	if now := p.to.look().people[p.adoptive].id; now != account {
		p.t.Errorf("the adopted account is %s, was %s", now, account)
	}
	p.still("import")
}

// change edits somebody.
func (p *pair) change(no string, edit func(*person)) {
	one := p.c.people[no]
	edit(&one)
	p.c.people[no] = one
	p.from.set(p.c, one)
}

// someChange gives ten people another name, title or mobile number, and one joins.
func (p *pair) someChange() {
	p.t.Helper()
	for i := 51; i <= 60; i++ {
		p.change(number(i), func(one *person) {
			switch {
			case i%3 == 0:
				one.name += "（新）𠀀"
			case i%3 == 1 && p.to.traits().mobiles:
				one.mobile = "137" + one.mobile[3:]
			default:
				one.title = "高级" + one.title
			}
		})
	}
	joins := person{no: "N0001", name: "新员工", title: "实习", mobile: "13600000001", email: "n1@example.com", in: []string{"d06"}, boss: number(1)}
	p.c.people[joins.no] = joins
	p.from.set(p.c, joins)
	p.step("change")
}

// someMove moves ten people, two departments with all in and below them, and
// renames two. Nobody is moved in the same run as their boss: OpenLDAP follows a
// name that changed only a moment later (slapo-refint), and would miss who has
// moved on by then.
func (p *pair) someMove() {
	p.t.Helper()
	for _, i := range []int{62, 63, 64, 65, 66, 67, 68, 72, 73, 78} {
		p.change(number(i), func(one *person) { one.in = []string{unitKey((i + 11) % len(unitNames))} })
	}
	p.change(number(71), func(one *person) { one.in = nil })
	edit := func(key string, edit func(*unit)) {
		u := p.c.units[key]
		edit(&u)
		p.c.units[key] = u
		p.from.setUnit(p.c, u)
	}
	edit("d16", func(u *unit) { u.parent = "d07" })    // with two units below it
	edit("d21", func(u *unit) { u.parent = "" })       // to the top
	edit("d03", func(u *unit) { u.name = "人力与行政部" })   // with units below it
	edit("d30", func(u *unit) { u.name = "白班 Day 𪚥" }) // a leaf
	p.step("move")
}

// The leavers: returning come back before their accounts are deleted, the others
// after it.
var (
	returning = []string{number(101), number(102)}
	leaving   = []string{number(103), number(104), number(105)}
)

// someLeave lets five people leave and two departments vanish.
func (p *pair) someLeave() {
	p.t.Helper()
	for _, key := range []string{"d29", "d22"} {
		parent := p.c.units[key].parent
		for _, no := range p.c.members(key) {
			p.change(no, func(one *person) {
				var in []string
				for _, k := range one.in {
					if k == key {
						k = parent
					}
					in = append(in, k)
				}
				one.in = in
			})
		}
		delete(p.c.units, key)
		p.from.flush(p.c)
		p.from.dropUnit(key)
	}
	for _, no := range returning {
		if p.from.traits().suspends {
			p.from.suspend(no)
		} else {
			p.from.leave(no)
		}
	}
	for _, no := range leaving {
		p.from.leave(no)
	}
	for _, no := range append(append([]string{}, returning...), leaving...) {
		delete(p.c.people, no)
		p.gone[no] = true
	}
	p.step("leave")
}

// someReturn lets two come back in time; the accounts of the other three are
// deleted, and then they come back as well.
func (p *pair) someReturn() {
	p.t.Helper()
	before := p.first
	accounts := p.to.look().people
	back := func(nos []string) {
		for _, no := range nos {
			p.c.people[no] = before.people[no]
			delete(p.gone, no)
			p.from.set(p.c, before.people[no])
		}
	}
	back(returning)
	for _, no := range leaving {
		delete(p.gone, no)
	}
	p.advance(grace)
	r := p.step("return and grace")
	if r.Counts.Delete != len(leaving) {
		p.t.Errorf("%d accounts are deleted, want %d", r.Counts.Delete, len(leaving))
	}
	for _, no := range returning {
		if now := p.to.look().people[no].id; now != accounts[no].id {
			p.t.Errorf("%s came back as the account %s, was %s", no, now, accounts[no].id)
		}
	}
	back(leaving)
	if r := p.step("return after deletion"); r.Counts.Create != len(leaving) {
		p.t.Errorf("%d accounts are created, want %d", r.Counts.Create, len(leaving))
	}
}
