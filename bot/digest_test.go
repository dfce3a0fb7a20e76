package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// ends makes a scheduled run that ended now, with all its changes done but some.
func (w *world) ends(p *plan.Plan, but map[int]run.Step) run.Code {
	w.t.Helper()
	code := w.scheduled()
	w.service.planned(code, p, run.Applying)
	var o run.Outcome
	var entries []run.Entry
	for i := range p.Changes {
		e := run.Entry{Run: code, Seq: p.Changes[i].Seq, Step: run.StepDone}
		if step, other := but[e.Seq]; other {
			e.Step = step
		}
		o.Count(e.Step)
		entries = append(entries, e)
	}
	w.service.entries[code] = entries
	w.service.move(code, run.EventMoved, func(r *run.Run) {
		r.State, r.Outcome = run.Succeeded, o
		if len(but) > 0 {
			r.State = run.Partial
		}
	})
	return code
}

// edit makes a digest of the last day of the flow that everybody here sees.
func (w *world) edit(l Lang, held ...string) Card {
	w.t.Helper()
	card, err := w.b.digest(w.t.Context(), edition{lang: l, flows: []*Flow{w.b.flow("hr-to-wecom")}, since: w.clock.Add(-day), held: held})
	if err != nil {
		w.t.Fatal(err)
	}
	return tidy(card)
}

// week is a week with something of everything.
func week(w *world) {
	w.clock = w.clock.Add(-6 * day)
	for range 5 {
		w.ends(aPlan(), nil)
		w.clock = w.clock.Add(day)
	}
	w.clock = w.clock.Add(3 * time.Hour)
	p := aPlan()
	code := w.ends(p, map[int]run.Step{3: run.StepSkipped, 7: run.StepFailed})
	w.service.votes[code] = []run.Vote{
		{Run: code, Decision: run.Approve, Digest: p.Digest(), By: run.Actor{Person: "Zhou Kai"}, At: w.clock.Add(20 * time.Second)},
		{Run: code, Decision: run.Approve, Digest: p.Digest(), By: run.Actor{Person: "Chen Yue"}, For: "Zhou Kai", At: w.clock.Add(9 * time.Minute)},
	}
	w.mail.record.audits = []run.Audit{
		{At: w.clock, Who: run.Actor{Person: "Wu Di"}, Action: "vote.refused", Run: code},
		{At: w.clock, Who: run.Actor{}, Action: "vote.refused", Run: code},
		{At: w.clock, Who: run.Actor{Person: "Wu Di"}, Action: "vote.refused", Run: code},
		{At: w.clock, Who: run.Actor{Person: "Spy"}, Action: "vote.refused", Run: "other"},
		{At: w.clock, Action: "ask.undelivered", Run: code},
		{At: w.clock, Action: "ask.undelivered", Run: "other"},
		{At: w.clock, Action: "letter.lost"},
	}
	w.clock = w.clock.Add(time.Hour)
	glass := w.ends(aPlan(), nil)
	w.service.move(glass, run.EventMoved, func(r *run.Run) { r.Glass = run.Actor{Person: "Boss"} })
	w.service.votes[glass] = []run.Vote{{Run: glass, Decision: run.BreakGlass, By: run.Actor{Person: "Boss"}, Reason: "payroll closes tonight, call 13912345678", At: w.clock}}
	w.clock = w.clock.Add(time.Hour)
	newest := aPlan()
	newest.Source.Health.Hidden = []string{"contact:phone"}
	newest.Notes[0].Alarm = true
	newest.Risk.Reasons = append(newest.Risk.Reasons, plan.Finding{Code: plan.FindMaxDelete, Tier: 3, Have: 21, Limit: 20})
	w.service.planned(w.scheduled(), newest, run.Awaiting)
	w.clock = w.clock.Add(time.Minute)
	failed := w.scheduled()
	w.service.move(failed, run.EventMoved, func(r *run.Run) { r.State, r.Reason = run.Failed, "change contacts_secret / 请修改 contacts_secret" })
	w.service.set.pauses = []run.Pause{
		{Flow: "hr-to-wecom", By: run.Actor{Person: "Li Min"}, At: w.clock, Until: w.clock.Add(8 * time.Hour), Why: "moving house / 搬家"},
		{Flow: "*", Auto: true, At: w.clock, Why: "too many failures / 失败太多"},
		{Flow: "secret-flow", At: w.clock},
	}
	w.clock = w.clock.Add(time.Hour)
}

func TestDigestOfAWeek(t *testing.T) {
	t.Parallel()
	for _, l := range []Lang{ZH, EN} {
		w := newWorld(t)
		week(w)
		card := w.edit(l, "held notice one", "held notice 13912345678")
		check(t, "digest-week", l, card)
		golden(t, "testdata/cards/digest-week."+string(l)+".txt", cardText(card))
		if all := cardText(card); card.Tone != Danger || strings.Contains(all, "secret-flow") || strings.Contains(all, "Spy") || strings.Contains(all, "13912345678") {
			t.Errorf("%s: the room reads what it must not, or not that glass was broken:\n%s", l, all)
		}
	}
}

var dayLine = regexp.MustCompile("^`([0-9-]+)` \\D+ ([0-9]+) · \\D+ ([0-9]+) · \\D+ ([0-9]+)$")

// The chart and the lines beside it say the same, and both what was really done:
// to people, not to departments, and not what was skipped.
func TestTheChartSaysWhatTheLinesSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock = w.clock.Add(-9 * day)
	for i := range 9 {
		p := aPlan()
		p.Changes = append(p.Changes, plan.Change{Seq: 8, Op: plan.Create, Key: directory.Key{Kind: directory.Department, ID: "d"}})
		but := map[int]run.Step{}
		for seq := range i % 4 {
			but[seq+1] = []run.Step{run.StepSkipped, run.StepAlready, run.StepFailed, run.StepInDoubt}[seq]
		}
		w.ends(p, but)
		w.clock = w.clock.Add(day)
	}
	w.clock = w.clock.Add(-time.Hour)
	for _, l := range []Lang{ZH, EN} {
		card := w.edit(l)
		i := slices.IndexFunc(card.Sections, func(s Section) bool { return s.Chart != nil })
		if i < 0 {
			t.Fatalf("no chart:\n%s", cardText(card))
		}
		s := card.Sections[i]
		if len(s.Lines) != 6 || len(s.Chart.Points) != 21 {
			t.Fatalf("%d lines, %d points", len(s.Lines), len(s.Chart.Points))
		}
		busy := 0
		for d := range 7 {
			if ps := s.Chart.Points[3*d : 3*d+3]; ps[0].Value+ps[1].Value+ps[2].Value == 0 {
				continue // a day without changes has no line
			}
			line := s.Lines[busy]
			busy++
			m := dayLine.FindStringSubmatch(strings.TrimSpace(strings.TrimPrefix(cardText(Card{Sections: []Section{{Lines: []Line{line}}}}), "    [] \n")))
			if m == nil {
				t.Fatalf("the line is %+v", line)
			}
			for k := range 3 {
				p := s.Chart.Points[3*d+k]
				if n, err := strconv.Atoi(m[2+k]); err != nil || n != p.Value || p.At != m[1] || !strings.Contains(line[1].Text, p.Series+" "+m[2+k]) {
					t.Errorf("%s: the line says %v, the chart %+v", l, m, p)
				}
			}
		}
		// The run of eight days ago is too old; that of three days ago (i = 6) skipped
		// its creation, and its update was so already.
		if got := s.Chart.Points[9].Value + s.Chart.Points[10].Value; s.Chart.Points[9].At != "10-05" || got != 0 || s.Chart.Points[11].Value != 5 {
			t.Errorf("%+v", s.Chart.Points)
		}
	}
}

// A huge plan that was carried out whole is counted without being looked through.
func TestTheChartOfAHugePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.ends(aPlan(), nil)
	w.service.move(code, run.EventMoved, func(r *run.Run) {
		r.Counts, r.Outcome = plan.Counts{Create: 30_000, Delete: 2, Disable: 1}, run.Outcome{Done: 30_003}
	})
	w.b.o.Service = &torn{w.service, code}
	s := w.edit(EN).Sections
	i := slices.IndexFunc(s, func(s Section) bool { return s.Chart != nil })
	if i < 0 || s[i].Chart.Points[18].Value != 30_000 || s[i].Chart.Points[20].Value != 3 {
		t.Errorf("%+v", s)
	}
}

// A digest never has more than 8 KB, whatever is in it: what matters stays, the
// rest is counted.
func TestADigestFits(t *testing.T) {
	t.Parallel()
	for _, name := range hostile() {
		w := newWorld(t)
		week(w)
		for range 60 {
			code := w.scheduled()
			p := aPlan()
			p.Source.Health.PartialFor = name
			for i := range p.Notes {
				p.Notes[i].Name, p.Notes[i].Say = name, name
			}
			w.service.planned(code, p, run.Awaiting)
			failed := w.scheduled()
			w.service.move(failed, run.EventMoved, func(r *run.Run) { r.State, r.Reason, r.By.Person = run.Failed, name, name })
			w.service.set.pauses = append(w.service.set.pauses, run.Pause{Flow: "*", Why: name, By: run.Actor{Person: name}})
			w.mail.record.audits = append(w.mail.record.audits, run.Audit{At: w.clock, Who: run.Actor{Person: name + strconv.Itoa(len(w.service.order))}, Action: "vote.refused", Run: code})
		}
		for _, l := range []Lang{ZH, EN} {
			card := w.edit(l, slices.Repeat([]string{strings.Repeat("长", 300), name}, 40)...)
			fits(t, card, 8<<10)
			all := cardText(card)
			if !strings.Contains(all, "Boss") || !strings.Contains(all, l.say("and ", "另有 ")) || len(card.Sections) < 5 {
				t.Errorf("what matters is not there:\n%s", all)
			}
		}
	}
}

// What is left out is counted: the lines that are shown and the number make all.
func TestWhatIsLeftOutIsCounted(t *testing.T) {
	t.Parallel()
	var lines []Line
	for i := range 100 {
		lines = append(lines, text(fmt.Sprintf("line %d %s", i, strings.Repeat("x", 50))))
	}
	for limit := 100; limit < 12_000; limit += 97 {
		card := EN.bind(Card{Title: "t"}, []chapter{{Section: Section{Title: "a", Lines: lines}, more: "status"}, {Section: Section{Title: "c", Lines: lines[:5]}, whole: true}, {Section: Section{Title: "b", Lines: lines}, most: 10}}, limit)
		if n := sizeOf(card); n > limit && n > 300 {
			t.Fatalf("%d bytes of %d", n, limit)
		}
		for _, s := range card.Sections {
			last := s.Lines[len(s.Lines)-1]
			var left int
			_, err := fmt.Sscanf(last[0].Text, "… and %d more", &left)
			switch {
			case s.Title == "c":
				if len(s.Lines) != 5 {
					t.Errorf("%d of what belongs together", len(s.Lines))
				}
			case err != nil && len(s.Lines) != 100, err == nil && len(s.Lines)-1+left != 100:
				t.Errorf("%s: %d lines, %q", s.Title, len(s.Lines), last[0].Text)
			}
		}
	}
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n     int
		usual float64
		want  string
	}{{0, 0, ""}, {1, 0, " ↑"}, {9, 0, " ↑"}, {10, 10, ""}, {12, 10, ""}, {13, 10, " ↑"}, {30, 10, " ↑↑"}, {8, 10, ""}, {7, 10, " ↓"}, {3, 10, " ↓↓"}, {1, 0.2, " ↑"}} {
		if got := arrow(c.n, c.usual); got != c.want {
			t.Errorf("%d against %g: %q, want %q", c.n, c.usual, got, c.want)
		}
	}
}

// A run near the caps above which no vote helps is called a risk before it is
// stopped by them.
func TestNearTheCaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		recent, managed int
		near            bool
	}{{0, 120, false}, {20, 120, true}, {2, 30, false}, {160, 100_000, true}, {150, 100_000, false}, {4, 40, true}} {
		w := newWorld(t)
		p := aPlan()
		p.Recent, p.Managed = c.recent, c.managed
		w.ends(p, nil)
		if got := cardText(w.edit(EN)); strings.Contains(got, "near the caps") != c.near {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A failure that a later success made good is not told; one of a plan that was
// only of a part makes nothing good.
func TestWhatWasMadeGoodIsNotTold(t *testing.T) {
	t.Parallel()
	for part, told := range map[string]bool{"": false, "/HQ": true, "user:0001": true} {
		w := newWorld(t)
		failed := w.scheduled()
		w.service.move(failed, run.EventMoved, func(r *run.Run) { r.State = run.Failed })
		w.clock = w.clock.Add(time.Minute)
		later := w.scheduled()
		w.service.move(later, run.EventMoved, func(r *run.Run) {
			r.State = run.NothingToDo
			if r.Dept = part; part == "user:0001" { // what an event named
				r.Dept, r.Objects = "", directory.Keys(part)
			}
		})
		if got := cardText(w.edit(EN)); strings.Contains(got, "*Failed*") != told {
			t.Errorf("%q: %s", part, got)
		}
	}
}

// What cannot be read is no digest: half a digest would say that all is well.
func TestADigestIsWholeOrNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.broken = errors.New("no record")
	if _, err := w.b.digest(t.Context(), edition{lang: ZH, flows: []*Flow{w.b.flow("hr-to-wecom")}, since: morning}); err == nil {
		t.Error("a digest without a record")
	}
}

// The digest on demand shows what was kept back, and leaves it for the one that
// comes by itself.
func TestDigestNowKeepsWhatIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value, _ := json.Marshal([]string{"a notice"})
	if err := w.mail.Set(t.Context(), run.Setting{Kind: setHeld, Name: "ops", Value: value}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := texts(w.command("Wu Di", "ops", Command{Verb: Digest})); !strings.Contains(got, "a notice") {
			t.Errorf("%s", got)
		}
	}
	if got := texts(w.command("Wu Di", "team", Command{Verb: Digest})); strings.Contains(got, "a notice") {
		t.Errorf("another room reads it: %s", got)
	}
}

// A35: the digest tells who approved what and how fast, and calls out who cannot
// have read the list.
func TestA35_WhoApprovedHowFast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	week(w)
	got := cardText(w.edit(EN))
	if !strings.Contains(got, "Zhou Kai after less than a minute, very fast; Chen Yue after 9 min, for Zhou Kai") {
		t.Errorf("%s", got)
	}
}

// A40: a broken glass is red and first, also when all is well otherwise.
func TestA40_BrokenGlassIsRed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.ends(aPlan(), nil)
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.Glass = run.Actor{Person: "Boss"} })
	card := w.edit(ZH)
	if card.Tone != Danger || len(card.Sections) == 0 || card.Sections[0].Lines[0][0].Text != "🔴 紧急放行" {
		t.Errorf("%s", cardText(card))
	}
	w.clock = w.clock.Add(2 * day)
	if card := w.edit(ZH); card.Tone == Danger {
		t.Errorf("two days later: %s", cardText(card))
	}
}
