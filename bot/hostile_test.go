package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// corpus is what somebody may call himself in a directory.
func corpus() []string {
	return []string{
		`<at id=all></at>`, `<at user_id="all">所有人</at>`, "王磊\n✅ 已批准", "✅ 已批准 3/3 票", "a\r\nb\u2028c\u2029d\u0085e", "**已批准** [x](https://evil.example)",
		"`批准 7K3MQ2 删除=3`", "\u202egnp.exe", "\u2066x\u2069\u200b\u200d\ufeff", "x\x00\x1b[31m", "\xff\xfe", strings.Repeat("很长的名字", 400), "👩\u200d👩\u200d👧", "# 标题",
		"| a | b |", "@all", `=HYPERLINK("http://x")`, "English / 中文", "", " ", "13912345678", "%s%d%!",
	}
}

func hauntedPlan(p plan.Plan, s string) *plan.Plan {
	p.Changes, p.Notes, p.Risk.Reasons = append([]plan.Change(nil), p.Changes...), append([]plan.Note(nil), p.Notes...), append([]plan.Finding(nil), p.Risk.Reasons...)
	for i := range p.Changes {
		p.Changes[i].Name, p.Changes[i].Where, p.Changes[i].Tail, p.Changes[i].Reason = s, s, s, s
		if p.Changes[i].Rule != "" {
			p.Changes[i].Rule = "x" + s
		}
	}
	for i := range p.Notes {
		p.Notes[i].Name, p.Notes[i].Say, p.Notes[i].Place = s, s, s
	}
	for i := range p.Risk.Reasons {
		if p.Risk.Reasons[i].What != "" {
			p.Risk.Reasons[i].What = s
		}
	}
	if p.Rules != nil {
		rules := *p.Rules
		if rules.Say != "" {
			rules.Say = "x" + s
		}
		rules.Examples = append([]plan.Differing(nil), rules.Examples...)
		for i := range rules.Examples {
			d := &rules.Examples[i]
			d.Name, d.Key.ID, d.Old.Say, d.New.Rule, d.New.Write = s, directory.ID(s), s, s, directory.Attributes{"x" + s: directory.TextOf(s)}
		}
		p.Rules = &rules
	}
	p.Source.Tenant, p.Target.Tenant = s, s
	p.Source.Health.Problems, p.Source.Health.PartialFor, p.Source.Health.Hidden = []directory.Problem{{Place: s, Say: s}}, "x"+s, []string{s}
	return &p
}

// haunted puts a text wherever a directory, a source or somebody who types can
// put one.
func haunted(sc scene, s string) scene {
	if sc.plan != nil {
		sc.plan = hauntedPlan(*sc.plan, s)
	}
	sc.votes, sc.entries = append([]run.Vote(nil), sc.votes...), append([]run.Entry(nil), sc.entries...)
	for i := range sc.votes {
		sc.votes[i].Reason, sc.votes[i].Hold = "x"+s, []string{s}
	}
	for i := range sc.entries {
		sc.entries[i].Say = "x" + s
	}
	if sc.pause.Flow != "" {
		sc.pause.Why = "x" + s
	}
	if sc.run.State.Ended() {
		sc.run.Reason = "x" + s
	}
	if sc.run.Dept != "" {
		sc.run.Dept = "x" + s
	}
	for key := range sc.previous.lost {
		sc.previous.lost[key] = s
	}
	return sc
}

// shape is what of a card nobody's name may change.
func shape(c Card) string {
	var b strings.Builder
	for _, s := range c.Sections {
		fmt.Fprintf(&b, "%v %v %d;", s.Title != "", s.Folded, len(s.Lines))
	}
	for _, x := range c.Buttons {
		fmt.Fprintf(&b, "%s %s %d;", x.Label, x.Command, len(x.Inputs))
	}
	return b.String()
}

// clean tells what is wrong with the texts of a card.
func unclean(c Card) string {
	for _, s := range textsOf(c) {
		for _, r := range s {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
				return fmt.Sprintf("%U stands in %q", r, s)
			}
		}
		if utf8.RuneCountInString(s) > spanRunes {
			return fmt.Sprintf("%d characters: %q", utf8.RuneCountInString(s), s)
		}
	}
	return ""
}

func textsOf(c Card) []string {
	all := []string{c.Title, c.Foot}
	for _, s := range c.Sections {
		all = append(all, s.Title)
		for _, line := range s.Lines {
			for _, p := range line {
				all = append(all, p.Text)
			}
		}
	}
	return all
}

// No name, reason or value of a directory forges a line, a mention, a command or
// a state, on any card.
func TestA27_NamesForgeNothing(t *testing.T) {
	t.Parallel()
	for name, build := range scenes() {
		w := cardWorld(t)
		for _, l := range []Lang{ZH, EN} {
			for _, s := range corpus() {
				sc, plain := haunted(build(w), s), haunted(build(w), "Li Lei")
				sc.lang, plain.lang = l, l
				card, want := tidy(w.b.runCard(sc)), tidy(w.b.runCard(plain))
				if bad := unclean(card) + unclean(tidy(w.b.call(sc))); bad != "" {
					t.Errorf("%s.%s: %s", name, l, bad)
				}
				if got := shape(card); got != shape(want) {
					t.Errorf("%s.%s: the name %q changes the card from\n%s to\n%s", name, l, s, shape(want), got)
				}
				if !strings.HasPrefix(card.Title, l.state(sc.run.State)+" "+string(theCode)) {
					t.Errorf("%s.%s: the title begins %q", name, l, card.Title)
				}
				for _, line := range startsOf(card) {
					if strings.HasPrefix(line, "✅") || strings.HasPrefix(line, "<at") || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#1") && !strings.ContainsAny(line[:2], "23456789") {
						t.Errorf("%s.%s: a line begins with what %q gives: %q", name, l, s, line)
					}
				}
				if raw, _ := json.Marshal(card); len(raw) > 24<<10 || elements(card) > 50 {
					t.Errorf("%s.%s: %d bytes, %d elements with %.20q", name, l, len(raw), elements(card), s)
				}
			}
		}
	}
}

// startsOf gives the lines of a card, each as one text.
func startsOf(c Card) []string {
	var all []string
	for _, s := range c.Sections {
		for _, line := range s.Lines {
			whole := ""
			for _, p := range line {
				whole += p.Text
			}
			all = append(all, whole)
		}
	}
	return all
}

// What is listed for a page, an item, the notes and the table is as clean.
func TestA27_ListsForgeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range corpus() {
		sc := haunted(sceneOf(w, run.Awaiting), s)
		for i := range sc.plan.Changes {
			sc.plan.Changes[i].After = directory.Attributes{"title": directory.TextOf(s), "x" + s: directory.TextOf("y")}
		}
		for _, full := range []bool{false, true} {
			v := view{l: ZH, r: sc.run, p: sc.plan, full: full, can: w.feishu.can, entries: map[int]run.Entry{3: {Seq: 3, Step: run.StepFailed, Say: s}}}
			page, _ := v.items()
			v.cmd.Item = 3
			item, _ := v.item()
			for _, card := range []Card{page.card, item.card, v.notes().card} {
				if bad := unclean(tidy(card)); bad != "" {
					t.Error(bad)
				}
			}
		}
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"王磊\n✅ 已批准":             "王磊 ✅ 已批准",
		"a\u202egnp.exe":        "agnp.exe",
		"x\u0000\u200by":        "xy",
		strings.Repeat("长", 50): strings.Repeat("长", 39) + "…",
	} {
		if got := label(in); got != want {
			t.Errorf("label(%q) = %q, want %q", in, got, want)
		}
	}
	card := tidy(Card{Title: "a\nb", Foot: "c\rd", Sections: []Section{{Title: "e\nf", Lines: []Line{text("g\nh")}}, {}}})
	if strings.ContainsAny(card.Title+card.Foot+card.Sections[0].Title+card.Sections[0].Lines[0][0].Text, "\n\r") || len(card.Sections) != 1 {
		t.Errorf("tidy gives %+v", card)
	}
}

// Every card fits with two hundred people whose names, departments and reasons
// are as long as they can be, and says how many it does not show.
func TestC1_EveryCardFits(t *testing.T) {
	t.Parallel()
	w := cardWorld(t)
	long := strings.Repeat("很长的名字", 40)
	for name, build := range scenes() {
		for _, l := range []Lang{ZH, EN} {
			sc := build(w)
			sc.lang = l
			if sc.plan == nil || len(sc.plan.Changes) == 0 {
				continue
			}
			say := long
			if l == EN {
				say = strings.Repeat("a long name ", 30)
			}
			sc = haunted(sc, say)
			for i := range 200 {
				sc.plan.Changes = append(sc.plan.Changes, plan.Change{Seq: 8 + i, Op: plan.Delete, Name: say, Where: say, Tail: "1234", Reason: say})
				sc.plan.Notes = append(sc.plan.Notes, plan.Note{Kind: worstFirst()[i%9], Name: say, Say: say, Place: say}, plan.Note{Kind: plan.Irreversible, Name: say, Say: say})
				sc.plan.Risk.Reasons = append(sc.plan.Risk.Reasons, plan.Finding{Code: plan.FindProtected, What: say})
				sc.entries = append(sc.entries, run.Entry{Seq: 8 + i, Step: run.StepFailed, Say: fmt.Sprint(i) + say})
			}
			sc.run.Counts = sc.plan.Counts()
			card := tidy(w.b.runCard(sc))
			check(t, name, l, card)
			for _, s := range card.Sections {
				rows := 0
				for _, line := range s.Lines {
					if line[0].Code && strings.HasPrefix(line[0].Text, "#") {
						rows++
					}
				}
				if rows > mostRows || rows > 0 && strings.Contains(s.Title, l.say("shown", "列出")) && !strings.Contains(s.Lines[0][2].Text, l.say(")", "）")) {
					t.Errorf("%s.%s names %d people, the first %q", name, l, rows, s.Lines[0][2].Text)
				}
			}
			if all := cardText(card); asks(sc.run) && !strings.Contains(all, l.say("%d, 10 shown", "共 %d 个，列出 10 个", sc.run.Counts.Destructive())) {
				t.Errorf("A26 %s.%s does not say how many it shows:\n%s", name, l, all)
			}
		}
	}
}

// Two people of one name are told apart on every line that names them, and who is
// protected or decides comes first.
func TestA28_NamesakesAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sc := sceneOf(w, run.Awaiting)
	sc.lang = ZH
	sc.plan.Changes[2].Name, sc.plan.Changes[2].Where, sc.plan.Changes[2].Tail = "Wang Lei", "/East/Sales", "0410"
	sc.plan.Changes[3].Name, sc.plan.Changes[3].Where, sc.plan.Changes[3].Tail = "Wang Lei", "/East/Sales", "0411"
	sc.plan.Changes[5].Name, sc.plan.Changes[5].Tail, sc.plan.Changes[5].Key.ID = "Chu Shi", "", "wx000777"
	sc.plan.Risk.Reasons = append(sc.plan.Risk.Reasons, plan.Finding{Code: plan.FindStaff, What: "Chu Shi"})
	lines := startsOf(Card{Sections: []Section{sc.lost(false)}})
	for i, want := range []string{"#6 停用 Chu Shi（…0777）", "#7 停用 Chu Shi（…0501）", "#3 删除 Wang Lei（East/Sales，…0410）", "#4 删除 Wang Lei（East/Sales，…0411）", "#5 删除 Zheng Ba"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}
