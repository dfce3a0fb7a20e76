package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// kind is a world in which the service is killed.
type kind struct {
	name        string
	replicas    int      // two of them share a PostgreSQL and a Redis; else one has its SQLite
	departments bool     // the plan makes departments, parent before child, and deletes them, child before parent
	dingtalk    bool     // DingTalk is the target, else WeCom
	leavers     int      // in each round
	manners     []manner // of the rounds
}

// manner is how a round goes.
type manner string

const (
	voted     manner = "voted"     // asked, voted on, applied
	rejected  manner = "rejected"  // one run is rejected before
	cancelled manner = "cancelled" // one is cancelled before
	undone    manner = "undone"    // applied, taken back, applied again
	guarded   manner = "guarded"   // one is blocked before: somebody protected has left
	scheduled manner = "scheduled" // nobody asks: the schedule does, every minute
)

func kinds() []kind {
	return []kind{
		{name: "sqlite", replicas: 1, leavers: 1, manners: []manner{voted}},
		{name: "replicas", replicas: 2, leavers: 1, manners: []manner{voted}},
		{name: "departments", replicas: 1, departments: true, leavers: 1, manners: []manner{voted}},
		{name: "dingtalk", replicas: 1, dingtalk: true, leavers: 1, manners: []manner{voted}},
		{name: "votes", replicas: 1, leavers: 2, manners: []manner{rejected, undone, cancelled, guarded}},
		{name: "schedule", replicas: 2, leavers: 1, manners: []manner{scheduled}},
	}
}

func kindOf(t *testing.T, name string) kind {
	t.Helper()
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		t.Fatalf("there is no world %q", name)
	}
	return all[i]
}

// protectedOnes may never be taken away: so the configuration says.
func protectedOnes() []string { return []string{"0001", "0002"} }

// edit makes a stage's configuration that of the world.
func (k kind) edit(text string) string {
	swap := func(old, fresh string) {
		if !strings.Contains(text, old) {
			panic("the stage's configuration has no " + old)
		}
		text = strings.Replace(text, old, fresh, 1)
	}
	swap(`server: {listen: "127.0.0.1:0",`, `server: {listen: "127.0.0.1:0", metrics: "127.0.0.1:0",`)
	swap("    leavers:", `    protect: {employee_no: ["`+strings.Join(protectedOnes(), `", "`)+"\"]}\n    leavers:")
	if k.departments {
		swap("map: {name: name, parent: parent}}", "map: {name: name, parent: parent}, gone: delete}")
	}
	if k.dingtalk {
		swap("    to: wecom\n", "    to: dingtalk\n")
		swap("department: departments, position: {", "departments: departments, title: {")
	}
	if slices.Contains(k.manners, scheduled) {
		swap("    leavers:", "    schedule: \"* * * * *\"\n    leavers:")
	}
	return text
}

// moveToDingTalk gives DingTalk the departments and people that WeCom has.
func moveToDingTalk(t *testing.T, s *stage.Stage) {
	t.Helper()
	ids := map[int64]int64{1: dingtalksim.Root}
	for _, d := range s.WeCom.Departments() { // parents have smaller ids
		if d.ID == 1 {
			continue
		}
		id, err := s.DingTalk.SeedDepartment(dingtalksim.Department{Name: d.Name, Parent: ids[d.Parent]})
		if err != nil {
			t.Fatal(err)
		}
		ids[d.ID] = id
	}
	for _, u := range s.WeCom.Users() {
		in := dingtalksim.User{ID: u.ID, JobNumber: u.ID, Name: u.Name, Mobile: u.Mobile, Email: u.Email, Title: u.Position, Active: true}
		for _, d := range u.Departments {
			in.Departments = append(in.Departments, ids[d])
		}
		if _, err := s.DingTalk.SeedUser(in); err != nil {
			t.Fatal(err)
		}
	}
}

// effects gives what the target saw, in WeCom's words.
func (m *mortal) effects() []wecomsim.Effect {
	if !m.kind.dingtalk {
		return m.stage.WeCom.Effects()
	}
	var all []wecomsim.Effect
	for _, e := range m.stage.DingTalk.Effects() {
		parts := strings.Split(e.Path, "/")
		id := e.User
		if id == "" {
			id = fmt.Sprint(e.Department)
		}
		all = append(all, wecomsim.Effect{At: e.At, Op: strings.Join(parts[len(parts)-2:], "/"), ID: id})
	}
	return all
}

// world gives what is left behind, as the checker sees it.
func (m *mortal) world(ctx context.Context, t *testing.T) *world {
	t.Helper()
	w, err := observeWorld(ctx, m.stage, m.chat, m.store)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(m.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	w.withLog(string(log))
	w.effects, w.protected, w.told = m.effects(), protectedOnes(), true
	return w
}

// change makes changes that no other round makes.
func (m *mortal) change(t *testing.T) {
	t.Helper()
	n := m.rounds
	m.rounds++
	set := func(no, column, value string) {
		if err := m.stage.Roster.Set(no, column, value); err != nil {
			t.Fatal(err)
		}
	}
	joins := fmt.Sprintf("06%02d", n)
	set(joins, "姓名", fmt.Sprintf("新人%02d", n))
	set(fmt.Sprintf("03%02d", 10+n), "职位", "首席")
	for i := range m.kind.leavers {
		set(fmt.Sprintf("03%02d", 50+n*m.kind.leavers+i), "状态", "离职")
	}
	if !m.kind.departments {
		return
	}
	if m.moved != "" { // nobody is left where this one was
		set(m.moved, "部门", "/总部")
	}
	set(joins, "部门", fmt.Sprintf("/总部/新部%02d/新组%02d", n, n))
	m.moved = joins
}

// round changes something, asks for a run in a manner, votes, and waits until all is
// said; then it sees that nothing is left to be done, and that every invariant holds.
// It gives how often a replica was killed.
func (m *mortal) round(ctx context.Context, t *testing.T, failpoint string, how manner) int {
	t.Helper()
	m.change(t)
	stop := m.serve(ctx, t, failpoint)
	defer stop()
	m.goThrough(t, how)
	m.quiet(t)
	stop()
	for _, b := range m.world(ctx, t).broken() {
		t.Error(b)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wrong != nil {
		t.Error(m.wrong)
	}
	if t.Failed() {
		t.Logf("the service's log ends:\n%s", logEnd(m.dir))
	}
	return m.deaths
}

// goThrough carries a round's runs to their ends.
func (m *mortal) goThrough(t *testing.T, how manner) {
	t.Helper()
	switch how {
	case scheduled:
		m.scheduled(t)
	case rejected:
		r := m.asked(t, "同步 "+flowName)
		m.say(t, "陈悦", fmt.Sprintf("@点名 驳回 %s 先等等", r.Code))
		m.ends(t, r, run.Rejected)
	case cancelled:
		r := m.asked(t, "同步 "+flowName)
		m.say(t, "李敏", fmt.Sprintf("@点名 取消 %s", r.Code))
		m.ends(t, r, run.Cancelled)
	case undone:
		r := m.asked(t, "同步 "+flowName)
		m.approve(t, r)
		m.ends(t, r, run.Succeeded)
		back := m.asked(t, "撤销 "+string(r.Code))
		m.approve(t, back)
		m.ends(t, back, run.Succeeded)
	case guarded:
		m.blocked(t)
	default:
	}
	if how != scheduled {
		r := m.asked(t, "同步 "+flowName)
		m.approve(t, r)
		m.ends(t, r, run.Succeeded)
	}
	m.settledPlan(t)
}

// blocked lets somebody leave who may not be taken away, and come back.
func (m *mortal) blocked(t *testing.T) {
	t.Helper()
	set := func(status string) {
		if err := m.stage.Roster.Set(protectedOnes()[0], "状态", status); err != nil {
			t.Fatal(err)
		}
	}
	set("离职")
	was := m.known(t)
	m.say(t, "李敏", "@点名 同步 "+flowName)
	if r := m.fresh(t, "the run is blocked", was, func(r run.Run) bool { return r.State.Ended() || r.State == run.Awaiting }); r.State != run.Blocked {
		t.Errorf("I11 the run is %s, though it would take %s away", r.State, protectedOnes()[0])
	}
	set("在职")
}

// settledPlan is I6: the next plan is empty.
func (m *mortal) settledPlan(t *testing.T) {
	t.Helper()
	m.quiet(t)
	was := m.known(t)
	m.say(t, "李敏", "@点名 预演 "+flowName)
	next := m.fresh(t, "the next plan", was, func(r run.Run) bool { return r.By.Person != "" && r.State.Ended() })
	if next.State != run.NothingToDo {
		t.Errorf("I6 the next plan is %s: %+v %s", next.State, next.Counts, next.Reason)
	}
	m.until(t, "every run has ended", func() bool {
		return !slices.ContainsFunc(m.runs(t), func(r run.Run) bool { return !r.State.Ended() })
	})
}

// known gives the codes of the runs that are there.
func (m *mortal) known(t *testing.T) map[run.Code]bool {
	t.Helper()
	was := map[run.Code]bool{}
	for _, r := range m.runs(t) {
		was[r.Code] = true
	}
	return was
}

// fresh waits for a run that was not there before.
func (m *mortal) fresh(t *testing.T, what string, was map[run.Code]bool, fits func(run.Run) bool) run.Run {
	t.Helper()
	was = maps.Clone(was)
	var found run.Run
	m.until(t, what, func() bool {
		for _, r := range m.runs(t) {
			if !was[r.Code] && fits(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

// asked lets 李敏 ask for a run, and waits until it waits for votes, or has done what
// needs none.
func (m *mortal) asked(t *testing.T, line string) run.Run {
	t.Helper()
	was := m.known(t)
	m.say(t, "李敏", "@点名 "+line)
	return m.fresh(t, "the run awaits votes", was, func(r run.Run) bool {
		if r.State == run.Succeeded {
			return true
		}
		if r.State.Ended() {
			t.Fatalf("%s ends as %s: %s\n%s", r.Code, r.State, r.Reason, logEnd(m.dir))
		}
		return r.State == run.Awaiting && m.shown("待批准 "+string(r.Code))
	})
}

// approve casts as many votes as a run needs.
func (m *mortal) approve(t *testing.T, r run.Run) {
	t.Helper()
	if r.State != run.Awaiting {
		return
	}
	for _, who := range []string{"周凯", "陈悦"}[:max(1, r.Votes)] {
		m.say(t, who, fmt.Sprintf("@点名 批准 %s 删除=%d", r.Code, r.Counts.Delete))
	}
}

// ends waits for the end of a run.
func (m *mortal) ends(t *testing.T, one run.Run, as run.State) {
	t.Helper()
	m.until(t, fmt.Sprintf("%s is %s", one.Code, as), func() bool {
		all := m.runs(t)
		r := all[slices.IndexFunc(all, func(r run.Run) bool { return r.Code == one.Code })]
		if r.State.Ended() && r.State != as {
			t.Fatalf("%s ends as %s: %s, want %s\n%s", r.Code, r.State, r.Reason, as, logEnd(m.dir))
		}
		return r.State == as
	})
}

// scheduled waits for what the schedule starts, votes on each, and sees one succeed.
func (m *mortal) scheduled(t *testing.T) {
	t.Helper()
	was, cast := m.known(t), map[run.Code]bool{}
	m.fresh(t, "a run of the schedule succeeds", was, func(r run.Run) bool {
		if r.State == run.Awaiting && !cast[r.Code] && m.shown("待批准 "+string(r.Code)) {
			cast[r.Code] = true
			m.approve(t, r)
		}
		return r.Trigger == run.BySchedule && r.State == run.Succeeded
	})
}
