package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// onlooker is a rule that looks at others: whom it chooses it disables, and who has left
// it lets go.
type onlooker struct {
	looks  map[directory.ID][]directory.Key
	choose map[directory.ID]bool
}

func (o *onlooker) Mentions(kind directory.Kind) (plan.Calls, bool) {
	return plan.Calls{}, kind == directory.User
}

func (o *onlooker) Judge(_ context.Context, subjects []plan.Subject, _ plan.Lookup) ([]plan.Verdict, error) {
	out := make([]plan.Verdict, len(subjects))
	for i, s := range subjects {
		out[i] = plan.Verdict{Returned: true, Looked: o.looks[s.Object.ID]}
		out[i].Calls.Disable = o.choose[s.Object.ID]
	}
	return out, nil
}

// mirror is a source whose answers about single objects a test may change, and which
// counts the questions.
type mirror struct {
	*place
	asked map[directory.Kind]int
	says  map[directory.Key]func() (connector.Sighting, error)
	heard func(directory.ID) // before a person is shown
}

func (m *mirror) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	m.asked[kind]++
	out, err := m.place.Lookup(ctx, kind, ids)
	for i, id := range ids {
		if m.heard != nil && kind == directory.User {
			m.heard(id)
		}
		if says := m.says[directory.Key{Kind: kind, ID: id}]; says != nil {
			s, err := says()
			if err != nil {
				return nil, err
			}
			out[i] = s
		}
	}
	return out, err
}

func ofDepartment(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.Department, ID: id}
}

func ofUser(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.User, ID: id}
}

// mirrorStory begins with a company of fifty, a rule that looks at others, and a plan
// that waits for its votes.
func mirrorStory(t *testing.T, law *onlooker, leave func(*world), fn func(*world, *mirror, run.Run)) {
	t.Helper()
	var m *mirror
	story(t, 50, func(w *world) {
		rarely(w)
		m = &mirror{place: w.source, asked: map[directory.Kind]int{}, says: map[directory.Key]func() (connector.Sighting, error){}}
		w.flow.Source, w.flow.Rules = m, &onlooker{}
		w.flow.Plan.Leavers.When = map[string][]string{"status": {"left"}}
		w.flow.Plan.Leavers.OutOfScope = true
		w.flow.Plan.Scope.Not = map[string][]string{"kind": {"外包"}}
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		leave(w)
		w.flow.Rules = law
		w.reopen()
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		clear(m.asked)
		fn(w, m, r)
	})
}

// marked gives one of the staff an attribute.
func (w *world) marked(id, name, value string) {
	w.source.put(directory.User, id, "人"+id, directory.Attributes{
		"employee_no": directory.TextOf(id), "email": directory.TextOf("u" + id + "@x.cn"),
		"departments": directory.RefsToKind(directory.Department, "d2"), name: directory.TextOf(value),
	})
}

// TestLookedAtWhoRestsOnAnotherIsHeldByIt: nobody's own object changes, and the one whose
// rule looked at nothing is disabled in any case.
func TestLookedAtWhoRestsOnAnotherIsHeldByIt(t *testing.T) {
	t.Parallel()
	said := func(key directory.Key, s connector.Sighting, err error) func(*mirror) {
		return func(m *mirror) { m.says[key] = func() (connector.Sighting, error) { return s, err } }
	}
	present := func(o directory.Object) connector.Sighting {
		return connector.Sighting{Presence: connector.Present, Object: o}
	}
	parent := directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d1")}
	unit := func(name string, more directory.Attributes) func(*mirror) {
		return func(m *mirror) { m.put(directory.Department, "d2", name, more) }
	}
	away := fault.New(fault.Unavailable, "the service is down / 服务不可用")
	const dept, boss, nobody = "department 平台组 (/研发部/平台组 d2)", "user 人0050 (/研发部/平台组 0050)", "user x9"
	cases := []struct {
		name  string
		since func(*mirror)
		what  string // that holds them; "" = all are disabled
		say   string
	}{
		{"renamed", unit("平台部", parent), dept, "has changed"},
		{"moved", unit("平台组", nil), dept, "has changed"},
		{"reopened", unit("平台组", directory.Attributes{"parent": parent["parent"], "open": directory.TextOf("yes")}), dept, "has changed"},
		{"gone", func(m *mirror) { m.drop(directory.Department, "d2") }, dept, "not in the source any more"},
		{"unreadable", said(ofDepartment("d2"), connector.Sighting{Why: "no permission / 没有权限"}, nil), dept, "(no permission)"},
		{"unsure", said(ofDepartment("d2"), connector.Sighting{}, nil), dept, "cannot say"},
		{"hidden in part", said(ofDepartment("d2"), present(directory.Object{Key: ofDepartment("d2"), Active: true, Attributes: directory.Attributes{"name": directory.TextOf("平台组"), "parent": directory.Hidden("p")}}), nil), dept, "has changed"},
		{"no answer", said(ofDepartment("d2"), connector.Sighting{}, away), dept, "the service is down"},
		{"an answer of another", said(ofDepartment("d2"), present(directory.Object{Key: ofDepartment("d1")}), nil), dept, "cannot say"},
		{"a person changed", func(m *mirror) { m.put(directory.User, "0050", "人0050", nil) }, boss, "has changed"},
		{"a person gone", func(m *mirror) { m.drop(directory.User, "0050") }, boss, "not in the source any more"},
		{"a person unreadable", said(ofUser("0050"), connector.Sighting{Why: "no permission / 没有权限"}, nil), boss, "(no permission)"},
		{"nobody there, now some", func(m *mirror) { m.put(directory.User, "x9", "新人", nil) }, nobody, "and now it has"},
		{"nobody there, in doubt", said(ofUser("x9"), connector.Sighting{Why: "no permission / 没有权限"}, nil), nobody, "(no permission)"},
		{"nobody there, no answer", said(ofUser("x9"), connector.Sighting{}, away), "user", "the service is down"},
		{"nobody there, wrong word", said(ofUser("x9"), present(directory.Object{Key: ofUser("0001")}), nil), nobody, "cannot say"},
		{"somebody else", func(m *mirror) { m.put(directory.User, "0049", "改名", nil) }, "", ""},
	}
	at := []directory.Key{ofUser("x9"), ofDepartment("d2"), ofUser("0050")}
	law := &onlooker{looks: map[directory.ID][]directory.Key{"0001": at, "0002": at, "0003": at, "0004": at}, choose: map[directory.ID]bool{"0001": true}}
	var free string // whose rule looks at nothing
	choose := func(i int) {
		free = fmt.Sprintf("%04d", 10+i)
		law.choose[directory.ID(free)] = true // who is disabled stays so
	}
	choose(0)
	mirrorStory(t, law, func(w *world) {
		w.marked("0002", "status", "left")
		w.source.drop(directory.User, "0003")
		w.marked("0004", "kind", "外包")
	}, func(w *world, m *mirror, r run.Run) {
		for i, c := range cases {
			if i > 0 {
				choose(i)
				<-time.After(25 * time.Hour) // those who are disabled in a day count together
				clear(m.says)
				m.drop(directory.User, "x9")
				w.person(50)
				m.put(directory.Department, "d2", "平台组", parent)
				r = w.want(w.until(w.start(true).Code), run.Awaiting)
			}
			w.restsOnAt(r, at, free)
			c.since(m)
			for _, e := range ladderEnd(w, r, 5) {
				id := string(e.Source.ID)
				if c.what == "" || id == free {
					if e.Step != run.StepDone || w.target.active(id) {
						w.t.Errorf("%s: %s is %s: %s", c.name, id, e.Step, e.Say)
					}
					continue
				}
				en, zh := fault.In(e.Say, "en"), fault.In(e.Say, "zh")
				if e.Step != run.StepSkipped || !strings.Contains(en, c.what) || !strings.Contains(en, c.say) || !strings.Contains(zh, "未执行") || en == zh {
					w.t.Errorf("%s: %s is %s: %s", c.name, id, e.Step, e.Say)
				}
				if !w.target.active(id) {
					w.t.Fatalf("%s: %s is disabled", c.name, id)
				}
			}
		}
	})
}

// restsOnAt sees that a plan has one change of each cause, and that each rests on what the
// rule looked at; but for the one of somebody by whom it looked at nothing.
func (w *world) restsOnAt(r run.Run, at []directory.Key, free string) {
	w.t.Helper()
	kinds := map[plan.CauseKind]int{}
	for _, c := range w.plan(r.Code).Changes {
		want := len(at)
		if string(c.Source.ID) == free {
			want = 0
		}
		if kinds[c.Cause.Kind]++; len(c.Cause.Looked) != want {
			w.t.Errorf("%s rests on %+v", c.Source, c.Cause)
		}
	}
	if fmt.Sprint(kinds) != "map[gone:1 rule:2 scope:1 status:1]" {
		w.t.Errorf("causes %v", kinds)
	}
}

// TestLookedAtByManyIsAskedForOnce: twelve of one department, judged by that and by their
// head.
func TestLookedAtByManyIsAskedForOnce(t *testing.T) {
	t.Parallel()
	law := &onlooker{looks: map[directory.ID][]directory.Key{}, choose: map[directory.ID]bool{}}
	for i := range 12 {
		id := directory.ID(fmt.Sprintf("%04d", i+1))
		law.looks[id], law.choose[id] = []directory.Key{ofDepartment("d2"), ofUser("0050")}, true
	}
	mirrorStory(t, law, func(*world) {}, func(w *world, m *mirror, r run.Run) {
		for _, e := range ladderEnd(w, r, 12) {
			if e.Step != run.StepDone {
				w.t.Errorf("%s is %s: %s", e.Source.ID, e.Step, e.Say)
			}
		}
		if m.asked[directory.Department] != 1 || m.asked[directory.User] != 12+1 {
			w.t.Errorf("questions: %v, want one for the department and one for the head beside each person's own", m.asked)
		}
	})
}

// TestLookedAtDoesNotCountForLong: the department is renamed in the middle of a run.
func TestLookedAtDoesNotCountForLong(t *testing.T) {
	t.Parallel()
	at := []directory.Key{ofDepartment("d2")}
	law := &onlooker{looks: map[directory.ID][]directory.Key{"0001": at, "0002": at}, choose: map[directory.ID]bool{"0001": true, "0002": true}}
	mirrorStory(t, law, func(*world) {}, func(w *world, m *mirror, r run.Run) {
		met := map[directory.ID]bool{}
		m.heard = func(id directory.ID) {
			if met[id] = true; len(met) == 2 {
				m.put(directory.Department, "d2", "改名组", nil)
				<-time.After(31 * time.Second)
			}
		}
		onlyOneOfTwo(w, r, "has changed in the source")
	})
}

// TestLookedAtIsHeldAgainstAnotherSendingToo: the answer was lost, nothing was done, and
// since then the department has another name.
func TestLookedAtIsHeldAgainstAnotherSendingToo(t *testing.T) {
	t.Parallel()
	for name, renamed := range map[string]bool{"as it was": false, "renamed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law := &onlooker{looks: map[directory.ID][]directory.Key{"0001": {ofDepartment("d2")}}, choose: map[directory.ID]bool{"0001": true}}
			mirrorStory(t, law, func(*world) {}, func(w *world, m *mirror, r run.Run) {
				calls := 0
				w.target.before = func(connector.Write) error {
					if calls++; calls > 1 {
						return nil
					}
					if renamed {
						m.put(directory.Department, "d2", "改名组", nil)
					}
					<-time.After(31 * time.Second)
					return fault.New(fault.InDoubt, "the answer is lost / 应答丢失")
				}
				e := ladderEnd(w, r, 1)[0]
				switch {
				case !renamed && (calls != 2 || e.Step != run.StepDone || w.target.active("0001")):
					w.t.Errorf("sent %d times, %s: %s", calls, e.Step, e.Say)
				case renamed && (calls != 1 || e.Step != run.StepSkipped || !strings.Contains(e.Say, "has changed in the source") || !w.target.active("0001")):
					w.t.Errorf("sent %d times, %s: %s", calls, e.Step, e.Say)
				}
			})
		})
	}
}

// TestWhatAPlanRestsOnIsPartOfWhatWaitsForAVote: one that could not be applied any more
// makes room for the one of now.
func TestWhatAPlanRestsOnIsPartOfWhatWaitsForAVote(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string]string{"as it was": "", "another, whom the rule looked at": "0050", "the one who would go": "0001"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			law := &onlooker{looks: map[directory.ID][]directory.Key{"0001": {ofUser("0050")}}, choose: map[directory.ID]bool{"0001": true}}
			mirrorStory(t, law, func(*world) {}, func(w *world, _ *mirror, r run.Run) {
				old := run.Awaiting
				if changed != "" {
					w.marked(changed, "room", "B12") // no mapping reads it
					old = run.Superseded
				}
				next := w.until(w.start(true).Code)
				if got := w.state(r.Code).State; got != old {
					w.t.Errorf("the plan that waited is %s, want %s", got, old)
				}
				if changed != "" && next.State != run.Awaiting {
					w.t.Errorf("the next is %s: %s", next.State, next.Reason)
				}
			})
		})
	}
}

// TestWhoLeftByStatusIsWhatTheRuleSaw: the status still says that they have left, but the
// rule that let both go saw another object of one of them, and might keep that one by now.
func TestWhoLeftByStatusIsWhatTheRuleSaw(t *testing.T) {
	t.Parallel()
	law := &onlooker{choose: map[directory.ID]bool{}}
	mirrorStory(t, law, func(w *world) {
		w.marked("0001", "status", "left")
		w.marked("0002", "status", "left")
	}, func(w *world, m *mirror, r run.Run) {
		m.put(directory.User, "0001", "人0001", directory.Attributes{
			"employee_no": directory.TextOf("0001"), "email": directory.TextOf("u0001@x.cn"),
			"departments": directory.RefsToKind(directory.Department, "d2"), "status": directory.TextOf("left"), "rehired": directory.TextOf("yes"),
		})
		steps := map[directory.ID]run.Step{}
		for _, e := range ladderEnd(w, r, 2) {
			steps[e.Source.ID] = e.Step
		}
		if steps["0001"] != run.StepSkipped || !w.target.active("0001") || steps["0002"] != run.StepDone || w.target.active("0002") {
			w.t.Errorf("%v, active: %t %t", steps, w.target.active("0001"), w.target.active("0002"))
		}
	})
}
