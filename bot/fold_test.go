package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// spansOf gives the words of a line.
func spansOf(l Line) string {
	var b strings.Builder
	for _, p := range l {
		b.WriteString(p.Text)
	}
	return b.String()
}

// A line that stands for a folded section says no less than its title: it names
// the command that shows the rest, and never stands for what is not folded.
func TestWhatIsFoldedIsOneLineElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	told := 0
	for name, of := range scenes() {
		for _, l := range []Lang{ZH, EN} {
			sc := of(w)
			sc.lang = l
			for _, s := range w.b.runCard(sc).Sections {
				if len(s.Short) == 0 {
					continue
				}
				told++
				if short := spansOf(s.Short); !s.Folded || strings.TrimSpace(short) == "" || strings.Contains(short, "\n") {
					t.Errorf("%s.%s: %q stands for %q, folded: %v", name, l, short, s.Title, s.Folded)
				}
				for _, p := range s.Short {
					if !p.Code {
						continue
					}
					if cmd, err := Parse(p.Text); err != nil || cmd.Code != sc.run.Code {
						t.Errorf("%s.%s: %q is no command about the run: %v", name, l, p.Text, err)
					}
				}
			}
		}
	}
	if told == 0 {
		t.Error("no card has such a line")
	}
}

// V1: what must be seen before a vote stands before how to vote, and none of it
// is ever folded.
func TestTheFirstScreenOfAVote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tier := range []int{1, 2, 3} {
		sc := ofTier(w, tier, min(tier, 2))
		sc.lang = ZH
		var seen strings.Builder
		for _, s := range w.b.runCard(sc).Sections {
			if s.Title == "怎么投票" {
				break
			}
			if s.Folded {
				t.Errorf("tier %d: %s is folded before the vote", tier, s.Title)
			}
			for _, line := range s.Lines {
				seen.WriteString(s.Title + spansOf(line) + "\n")
			}
		}
		for _, want := range []string{"hr-to-wecom", "wecom（ww1234）", "删除 3 · 停用 2", "已批准 0/", "有效期至 2026-10-08 18:05（还有 8 小时）", "Wang Lei", "Zhao Yi", "Zheng Ba", "Feng Jiu", "Chu Shi", "2026-03-01 离职", "不能恢复"} {
			if !strings.Contains(seen.String(), want) {
				t.Errorf("tier %d: %q is not before the vote:\n%s", tier, want, seen.String())
			}
		}
	}
}

// A long reason is written once, and whoever has the same one names the line that
// has it; another reason, and a short one, is written out.
func TestAReasonIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sc := sceneOf(w, run.Awaiting)
	sc.lang, sc.previous = EN, former{}
	long := "gone from the source, in the listing and when asked for / 来源里没有，列表和单独查询都没有，真的没有"
	for i := range sc.plan.Changes {
		sc.plan.Changes[i].Reason = long
	}
	sc.plan.Changes[3].Reason = "left / 离职"
	sc.plan.Changes[4].Reason = "left / 离职"
	var got []string
	for _, line := range sc.lost(false).Lines {
		got = append(got, spansOf(line))
	}
	all := strings.Join(got, "\n")
	if len(got) != 5 || strings.Count(all, "gone from the source") != 1 || strings.Count(all, ": same as #3") != 2 || strings.Count(all, ": left") != 2 {
		t.Errorf("%s", all)
	}
	if i := slices.IndexFunc(got, func(s string) bool { return strings.Contains(s, "gone from") }); i < 0 || !strings.HasPrefix(got[i], "#3 ") {
		t.Errorf("the line that is named does not tell:\n%s", all)
	}
}

// Who pages through a plan sees every name of the page: no list is so long that
// a card folds its end, and no reason is told on another page.
func TestAPageHidesNoName(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{}
	for i := range 45 {
		p.Changes = append(p.Changes, plan.Change{Seq: i + 1, Op: plan.Delete, Reason: "gone from the source, in the listing and when asked for"})
	}
	for page := 1; page <= 3; page++ {
		v := view{l: EN, p: p, r: run.Run{Code: theCode}, cmd: Command{Page: page}}
		r, seen := v.items()
		n, told := 0, 0
		for _, s := range r.card.Sections {
			if len(s.Lines) > mostRows {
				t.Errorf("page %d has a list of %d", page, len(s.Lines))
			}
			for _, line := range s.Lines {
				if strings.HasPrefix(spansOf(line), "#") {
					n++
					told += strings.Count(spansOf(line), "gone from")
				}
			}
		}
		if n != len(seen) || told != 1 {
			t.Errorf("page %d shows %d of %d, and %d reasons", page, n, len(seen), told)
		}
	}
}
