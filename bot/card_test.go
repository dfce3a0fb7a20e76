package bot

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// sceneOf makes the scene of a state.
func sceneOf(w *world, s run.State) scene {
	p := aPlan()
	r := run.Run{
		Code: theCode, Flow: "hr-to-wecom", State: s, Version: 5, Trigger: run.ByCommand, Apply: s != run.Planned,
		By: run.Actor{Person: "Li Min", Platform: run.Feishu, Account: "ou_limin", Channel: run.ByText}, Created: morning, Updated: morning.Add(time.Minute),
		Thread: run.Thread{Platform: run.Feishu, Chat: "oc_ops", Message: "om_1"},
	}
	sc := scene{run: r, plan: p, flow: w.b.flow("hr-to-wecom"), can: w.feishu.can}
	sc.run.Plan, sc.run.Counts, sc.run.Tier, sc.run.Votes, sc.run.Notes = p.Digest(), p.Counts(), 1, 1, len(p.Notes)
	sc.run.Expires = morning.Add(8 * time.Hour)
	vote := run.Vote{Run: theCode, Decision: run.Approve, By: run.Actor{Person: "Zhou Kai", Platform: run.Feishu, Channel: run.ByButton}, Digest: p.Digest(), At: morning}
	if s.Ended() {
		sc.run.Ended = morning.Add(3 * time.Minute)
	}
	switch s {
	case run.Queued, run.Reading, run.Planning:
		sc.plan, sc.run.Plan, sc.run.Counts, sc.run.Votes = nil, directory.Digest{}, plan.Counts{}, 0
	case run.NothingToDo:
		p.Changes, p.Risk, sc.run.Counts, sc.run.Votes = nil, plan.Assessment{}, plan.Counts{}, 0
	case run.Awaiting:
		sc.previous = former{code: "703020", users: 120, lost: map[directory.Key]string{p.Changes[2].Key: "Wang Lei", {Kind: directory.User, ID: "9"}: "Han Lu"}}
	case run.Blocked:
		p.Risk = plan.Assessment{Tier: 4, Votes: 2, Blocked: true, Reasons: []plan.Finding{
			{Code: plan.FindProtected, Tier: 4, Have: 1, What: "Zheng Ba"}, {Code: plan.FindMaxDelete, Tier: 3, Have: 5, Limit: 4},
		}}
	case run.Applying:
		sc.run.Outcome, sc.votes = run.Outcome{Done: 4}, []run.Vote{vote}
	case run.Succeeded:
		sc.run.Outcome, sc.votes = run.Outcome{Done: 6, Already: 1}, []run.Vote{vote}
	case run.Partial:
		sc.run.Outcome, sc.votes = run.Outcome{Done: 3, Skipped: 2, Failed: 1, InDoubt: 1}, []run.Vote{vote}
		sc.entries = []run.Entry{
			{Seq: 3, Step: run.StepSkipped, Say: "is back / 又回来了"},
			{Seq: 4, Step: run.StepSkipped, Say: "is back / 又回来了"},
			{Seq: 1, Step: run.StepFailed, Say: "the number +86 139 1234 5678 is taken / 号码 +86 139 1234 5678 已被占用"},
			{Seq: 2, Step: run.StepInDoubt},
		}
	case run.Failed:
		sc.run.Reason = "change contacts_secret / 请修改 contacts_secret"
	case run.Rejected:
		vote.Decision, vote.Reason, sc.run.Reason = run.Reject, "wrong dates", "wrong dates"
		sc.votes = []run.Vote{vote}
	case run.Superseded:
		sc.run.Reason = "superseded by 703020 / 已被 703020 取代"
	}
	return sc
}

func TestCards(t *testing.T) {
	t.Parallel()
	w := cardWorld(t)
	for name, build := range scenes() {
		for _, l := range []Lang{ZH, EN} {
			sc := build(w)
			sc.lang = l
			card := tidy(w.b.runCard(sc))
			golden(t, fmt.Sprintf("testdata/cards/%s.%s.txt", name, l), cardText(card)+"call:\n"+cardText(tidy(w.b.call(sc))))
			check(t, name, l, card)
			if !strings.Contains(card.Title, string(theCode)) || !strings.Contains(card.Title, l.state(sc.run.State)) || !strings.Contains(card.Title, "hr-to-wecom") {
				t.Errorf("%s: the title %q does not name run, state and flow", name, card.Title)
			}
			if d := sc.run.Counts; asks(sc.run) && (d.Delete > 0 && !strings.Contains(card.Title, pair(l.op(plan.Delete), d.Delete)) || d.Disable > 0 && !strings.Contains(card.Title, pair(l.op(plan.Disable), d.Disable))) {
				t.Errorf("%s: the title %q does not tell what is taken away", name, card.Title)
			}
			sc.can, sc.flow = Abilities{}, nil
			if card := w.b.runCard(sc); len(card.Buttons) != 0 {
				t.Errorf("%s has buttons where there are none", name)
			}
		}
	}
}

var wrongFormat = regexp.MustCompile(`%!|\(EXTRA|<nil>`)

// check finds what no card may have: wrong formats, the other language, newlines,
// buttons that are no commands, and too much.
func check(t *testing.T, name string, l Lang, card Card) {
	t.Helper()
	all := cardText(card)
	if wrongFormat.MatchString(all) {
		t.Errorf("%s.%s has a wrong format:\n%s", name, l, all)
	}
	han := strings.ContainsFunc(all, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if han != (l == ZH) {
		t.Errorf("%s.%s is in the wrong language:\n%s", name, l, all)
	}
	lines := 0
	for _, s := range card.Sections {
		lines += len(s.Lines)
		for _, line := range s.Lines {
			for _, p := range line {
				if strings.ContainsAny(p.Text, "\n\r\u2028") {
					t.Errorf("%s.%s has a line break in %q", name, l, p.Text)
				}
			}
		}
	}
	if b, _ := json.Marshal(card); len(b) > 24<<10 || lines > 80 || elements(card) > 50 {
		t.Errorf("%s.%s has %d bytes, %d lines, %d elements", name, l, len(b), lines, elements(card))
	}
	for _, b := range card.Buttons {
		form := map[string]string{}
		for _, in := range b.Inputs {
			form[in.Name] = "1"
		}
		cmd, err := parsePress(Press{Command: b.Command, Form: form})
		if err != nil || cmd.Lang != l {
			t.Errorf("%s.%s: the button %q is %+v, %v", name, l, b.Command, cmd, err)
		}
	}
}

// Every finding is told in both languages, with its numbers.
func TestFindings(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for _, code := range []string{
		plan.FindDelete, plan.FindDisable, plan.FindAdopt, plan.FindMany, plan.FindStaff, plan.FindBlind, plan.FindMaxDelete, plan.FindDeletePercent,
		plan.FindDepartment, plan.FindShrink, plan.FindChangePercent, plan.FindBlanked, plan.FindEmptySource, plan.FindIncomplete, plan.FindProtected,
		plan.FindUnlinked, plan.FindHardCap, plan.FindRuleErrors, plan.FindRuleBroken, plan.FindUndo, plan.FindAnother, plan.FindStranger, "new_code",
	} {
		for _, what := range []string{"", "%", "a name"} {
			for _, l := range []Lang{ZH, EN} {
				say := l.finding(plan.Finding{Code: code, Have: 33.333, Limit: 12, What: what})
				if wrongFormat.MatchString(say) || say == "" {
					t.Errorf("%s.%s says %q", code, l, say)
				}
				if han := strings.ContainsFunc(say, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (l == ZH) && code != "new_code" {
					t.Errorf("%s.%s is in the wrong language: %q", code, l, say)
				}
				if what == "a name" {
					fmt.Fprintf(&lines, "%s.%s: %s\n", code, l, say)
				}
			}
		}
	}
	golden(t, "testdata/findings.txt", lines.String())
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"13912345678": "…5678", "+86 139 1234 5678": "…5678", "call 010-6255 1234 now": "call …1234 now",
		"sun.qi@example.com": "s***@example.com", "left on 2026-03-01": "left on 2026-03-01", "2026-03-01T10:00:00": "2026-03-01T10:00:00",
		"310101199001011234": "…1234", "31010119900101123X": "…123X", "room 12": "room 12", "王磊": "王磊",
		"１３９１２３４５６７８": "…５６７８", "＋８６（０１０）６２５５１２３４": "…１２３４", "zhang.san＠example.com": "z***＠example.com", "第１２层": "第１２层",
		"2026-03-01 13912345678": "2026-03-01 …5678", "2026-03-01（13912345678）": "2026-03-01（…5678）", "2026-03-01 2026-04-01": "2026-03-01 2026-04-01",
	} {
		if got := masked(in); got != want {
			t.Errorf("masked(%q) = %q, want %q", in, got, want)
		}
	}
	for name, v := range map[string]directory.Value{
		"mobile": directory.TextOf("1391234"), "employee_no": directory.TextOf("A120412"), "phones": directory.ListOf("13912345678", "02062551234"),
	} {
		if got := ZH.value(&plan.Plan{}, name, v); strings.Contains(got, "391") || strings.Contains(got, "A12") || strings.Contains(got, "625") {
			t.Errorf("%s is shown as %q", name, got)
		}
	}
	if got := EN.value(&plan.Plan{}, "x", directory.Hidden("contact:phone")); got != "(not visible: contact:phone)" {
		t.Errorf("a hidden value is shown as %q", got)
	}
	if got := ZH.value(&plan.Plan{}, "x", directory.BoolOf(true)); got != "是" {
		t.Errorf("a truth value is shown as %q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"plan", "plan", 0}, {"plna", "plan", 1}, {"pla", "plan", 1}, {"plaan", "plan", 1}, {"plon", "plan", 1}, {"", "ab", 2}, {"预研", "预演", 1}, {"histroy", "history", 1}} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
	for _, c := range []struct {
		word string
		of   Verb
		near bool
	}{{"plna", Plan, true}, {"pxxn", Plan, false}, {"aproove", Approve, true}, {"hstry", History, true}, {"批次", Approve, true}, {"状况", Status, true}, {"玉燕", Plan, true}, {"高兴", Status, false}, {"q", Help, false}} {
		if _, near := nearest(c.word, specOf(c.of).words()); near != c.near {
			t.Errorf("%q is near %s: %v, want %v", c.word, c.of, near, c.near)
		}
	}
}

// touches tells whether a plan is about a person, as the engine judges it.
func touches(p *plan.Plan, person run.Person) bool {
	if p == nil {
		return false
	}
	s := plan.Staff{Name: person.Name, EmployeeNo: person.EmployeeNo, Email: person.Email}
	for _, a := range person.Accounts {
		s.Accounts = append(s.Accounts, a.ID)
	}
	return slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Touches(s) })
}
