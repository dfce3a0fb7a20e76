package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// leaverRule lets three people who left stay, each in another way; 0203 has a
// row that says so, the others have none. It fails for one who did not leave,
// too.
const leaverRule = `
if (context.id === "0005") { throw "no judgement" }
if (context.operationType === "DELETE") {
  if (context.id === "0018") { repo.abort("DELETE") }
  if (context.id === "0102") { context.data.title = "left"; return }
  if (context.id === "0203") { throw "no judgement" }
}
return context
`

// leavers are the three of them.
func leavers() []string { return []string{"王磊", "赵静", "孙浩"} }

// TestLateLeaver is about people who left and whose accounts the rule spares,
// run after run, by dropping the deletion, by saying nothing, and by failing.
// Each time they are listed before everything else; the third time running, and
// not before, both rooms are alarmed. Who was back in between is counted anew.
func TestLateLeaver(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{Rule: leaverRule})
	for n := 1; n <= 2; n++ {
		s.listed(t, s.oneRun(t), leavers())
		s.alarmed(t, nil)
	}

	if err := s.stage.Roster.Restore("0018"); err != nil { // 王磊 is back
		t.Fatal(err)
	}
	third := s.oneRun(t)
	s.listed(t, third, leavers()[1:])
	s.alarmed(t, leavers()[1:], third)

	if err := s.stage.Roster.Drop("0018"); err != nil {
		t.Fatal(err)
	}
	fourth := s.oneRun(t)
	s.listed(t, fourth, leavers())
	s.alarmed(t, leavers()[1:], third, fourth) // not 王磊: for him it is the first again

	// A run of the command line counts like any other, and a plan like a run.
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 预演 hr-to-wecom", "hr-to-wecom")
	s.awaitRun(t, "the plan", func(r run.Run) bool { return r.Code != fourth.Code && r.State.Ended() })
	last := s.oneRun(t)
	s.listed(t, last, leavers())
	until(t, "王磊 is called out", func() bool { return slices.Contains(s.alarms(last.Code, stage.FeishuRoom), "王磊") })
	for _, e := range s.effects() {
		for _, no := range []string{"0018", "0102", "0203", "0005"} {
			if strings.HasSuffix(e, " "+no) {
				t.Errorf("the target was told: %s", e)
			}
		}
	}
	s.discreet(t)
}

// oneRun lets 李敏 ask for a run that needs no vote and waits for its end.
func (s *service) oneRun(t *testing.T) run.Run {
	t.Helper()
	before := s.runs(t)
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "hr-to-wecom")
	return s.awaitRun(t, "the run ends", func(r run.Run) bool {
		if r.State == run.Awaiting {
			t.Fatalf("the run needs a vote: %+v", r)
		}
		return r.State.Ended() && (len(before) == 0 || r.Code != before[0].Code)
	})
}

// listed sees that the plan names exactly these people as left and still active,
// before everything else, in the record and in the room.
func (s *service) listed(t *testing.T, r run.Run, want []string) {
	t.Helper()
	p, err := s.app.store.Plan(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, n := range p.Notes {
		if n.Kind == plan.LeftActive {
			names = append(names, n.Name)
			if i >= len(want) {
				t.Errorf("%s is listed as number %d", n.Name, i+1)
			}
		}
	}
	if !sameNames(names, want) {
		t.Errorf("%s: left and still active are %q, want %q", r.Code, names, want)
	}
	if len(p.Notes) <= len(want) {
		t.Errorf("%s: nothing else is listed, so the order proves nothing", r.Code)
	}
	code := string(r.Code)
	card := s.await(t, 0, func(p stage.Post) bool {
		return strings.Contains(p.Text, code) && strings.Contains(p.Text, "没有处理的：")
	})
	page := s.ask(t, stage.FeishuRoom, "李敏", "@点名 详情 "+code+" 保留", code+" 中没有处理的")
	for _, text := range []string{card, page} {
		other := strings.Index(text, "闫诗志") // 0005
		for _, name := range want {
			if at := strings.Index(text, name); at < 0 || other < 0 || at > other {
				t.Errorf("%s is not listed first:\n%s", name, text)
			}
		}
	}
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// alarmed sees who was called out in both rooms, in each of these runs; in no
// other run was anybody.
func (s *service) alarmed(t *testing.T, want []string, in ...run.Run) {
	t.Helper()
	for _, r := range in {
		for _, room := range []stage.Room{stage.FeishuRoom, stage.DingRoom} {
			until(t, string(r.Code)+" alarms the room", func() bool { return len(s.alarms(r.Code, room)) >= len(want) })
			if have := s.alarms(r.Code, room); !sameNames(have, want) {
				t.Errorf("%s calls out %q in %s, want %q", r.Code, have, room, want)
			}
		}
	}
	s.quiet(t)
	for _, p := range s.all() {
		m := alarmShape.FindStringSubmatch(p.Text)
		if m != nil && !slices.ContainsFunc(in, func(r run.Run) bool { return string(r.Code) == m[1] }) {
			t.Errorf("a run alarms too early: %s", p.Text)
		}
	}
}

var alarmShape = regexp.MustCompile(`(?:告警|Alarm) ([0-9A-HJKMNP-TV-Z]{6})`)

// alarms gives whom the alarms of a run in a room name, in order.
func (s *service) alarms(code run.Code, room stage.Room) []string {
	var names []string
	for _, p := range s.all() {
		m := alarmShape.FindStringSubmatch(p.Text)
		if p.Room != room || p.Edit || m == nil || m[1] != string(code) {
			continue
		}
		for _, name := range leavers() {
			if strings.Contains(p.Text, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// all gives every post so far.
func (s *service) all() []stage.Post {
	posts, _ := s.chat.From(0)
	return posts
}
