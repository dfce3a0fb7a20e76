package bot

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// largePlan takes many accounts away.
func largePlan(n int) *plan.Plan {
	p := aPlan()
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{
			Seq: 8 + i, Op: plan.Delete, Key: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("9%03d", i))},
			Name: fmt.Sprintf("Person %d", i), Reason: "left / 离职",
		})
	}
	p.Risk.Tier, p.Risk.Votes = 3, 2
	return p
}

// ask lets the bot obey a command as it is read, so that the test does not hang
// on the grammar.
func (w *world) ask(who, room string, cmd Command) reply {
	w.t.Helper()
	c := w.b.caller(w.message(who, room, "x"), run.Letter{ID: "x", At: w.clock})
	if cmd.Lang, cmd.Typed = c.lang, run.NotRestated(); cmd.Page == 0 {
		cmd.Page = 1
	}
	r, err := w.b.serve(w.t.Context(), c, cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// A card that names ten of hundreds says so and proves nothing; pages, items and
// tables are noted as seen, for people whom the configuration knows.
func TestA26_WhatWasSeenIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.can.Direct, w.feishu.can.Files = true, true
	p := largePlan(60)
	code := w.awaits(p)
	seen := func(who string) int {
		all := slices.Clone(w.service.set.seen[code][who])
		slices.Sort(all)
		return len(slices.Compact(all))
	}
	if n := seen("Zhou Kai"); n != 0 {
		t.Errorf("the card alone counts as a look at %d", n)
	}
	w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code})
	if n := seen("Zhou Kai"); n != 20 {
		t.Errorf("the first page counts as %d", n)
	}
	for page := 2; page <= 4; page++ {
		w.ask("Zhou Kai", "direct", Command{Verb: Show, Code: code, Page: page})
	}
	if n := seen("Zhou Kai"); n != 65 {
		t.Errorf("all pages count as %d", n)
	}
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, Kind: "create"})
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, Kind: "notes"})
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, Item: 1})
	if n := seen("Chen Yue"); n != 0 {
		t.Errorf("what takes nothing away counts as %d", n)
	}
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, Item: 5})
	if got := w.service.set.seen[code]["Chen Yue"]; !slices.Equal(got, []int{5}) {
		t.Errorf("one item counts as %v", got)
	}
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, Kind: "delete", File: true})
	if n := seen("Chen Yue"); n != 63 {
		t.Errorf("the table of deletions counts as %d", n)
	}
	w.ask("Chen Yue", "ops", Command{Verb: Show, Code: code, File: true})
	if n := seen("Chen Yue"); n != 65 {
		t.Errorf("the table counts as %d", n)
	}
	w.say("Stranger", "ops", "详情 "+string(code))
	if len(w.service.set.seen[code]) != 2 {
		t.Errorf("seen by %v", w.service.set.seen[code])
	}
}

// A table goes to the person alone, and only where files can be sent.
func TestTableIsPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(largePlan(3))
	r := w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, File: true})
	if r.file != nil || r.private || len(w.service.set.seen[code]) != 0 || !strings.Contains(cardText(r.card), "详情 "+string(code)+" 删除") {
		t.Errorf("without files: %+v, seen %v", r, w.service.set.seen[code])
	}
	w.feishu.can.Files = true
	if r = w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, File: true}); len(w.service.set.seen[code]) != 0 {
		t.Errorf("who cannot be written to has seen %v", w.service.set.seen[code])
	}
	w.feishu.can.Direct = true
	r = w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Kind: "delete", File: true})
	if !r.private || r.file == nil || !reflect.DeepEqual(*r.file, File{Name: string(code) + ".csv", Run: code, Kind: "delete"}) || !r.card.Plain || !strings.Contains(cardText(r.card), w.service.runs[code].Plan.Short()) {
		t.Errorf("%+v, %+v", r, r.file)
	}
	p := aPlan()
	for i := range mostTableRows {
		p.Changes = append(p.Changes, plan.Change{Seq: 8 + i, Op: plan.Update, After: directory.Attributes{"x": directory.TextOf("y")}})
	}
	code = w.awaits(p)
	if r = w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, File: true}); r.file != nil || !strings.Contains(r.card.Title, "表格太长") {
		t.Errorf("%+v", r)
	}
	if _, err := w.b.table(t.Context(), File{Run: code}, ZH); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a table that is too long gives %v", err)
	}
	if r = w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Kind: "delete", File: true}); r.file == nil {
		t.Error("a part of it is not sent")
	}
}

// A sight that cannot be noted now is waited for; one that cannot be noted at all
// still shows the page.
func TestSightFaults(t *testing.T) {
	t.Parallel()
	for kind, again := range map[fault.Kind]bool{fault.Unavailable: true, fault.Unsupported: false} {
		w := newWorld(t)
		code := w.awaits(aPlan())
		c := w.b.caller(w.message("Zhou Kai", "ops", "x"), run.Letter{ID: "x", At: w.clock})
		r, p := w.service.runs[code], w.service.plans[code]
		w.service.broken = fault.New(kind, "no / 不行")
		if err := w.b.sight(t.Context(), c, view{r: r, p: p}, []int{3}); (err != nil) != again {
			t.Errorf("%s gives %v", kind, err)
		}
	}
}

// A room sees masked values, the person alone whole ones.
func TestC6_RoomsSeeMaskedValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	w.service.plans[code].Changes[2].Reason = "call 13900001111 / 电话 13900001111"
	for item, whole := range map[int][]string{1: {"13912345678", "sun.qi@example.com"}, 2: {"+86 138 0000 1111", "+86 138 0000 2222"}, 3: {"00120412", "13900001111"}} {
		room := cardText(w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Item: item}).card)
		alone := cardText(w.ask("Zhou Kai", "direct", Command{Verb: Show, Code: code, Item: item}).card)
		for _, v := range whole {
			if strings.Contains(room, v) || !strings.Contains(alone, v) {
				t.Errorf("#%d: %q stands in\n%s or not in\n%s", item, v, room, alone)
			}
		}
	}
	item := w.ask("Zhou Kai", "direct", Command{Verb: Show, Code: code, Item: 2}).card
	if all := cardText(item); !strings.Contains(all, "`mobile` +86 138 0000 1111 → +86 138 0000 2222") || !strings.Contains(all, "`title` clerk → （空）") {
		t.Errorf("before and after are not shown:\n%s", all)
	}
	if page := cardText(w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code}).card); strings.Contains(page, "13900001111") || !strings.Contains(page, "…1111") {
		t.Errorf("the page shows\n%s", page)
	}
}

// An item says what is dangerous about it.
func TestItemRisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Risk.Reasons = append(p.Risk.Reasons, plan.Finding{Code: plan.FindStaff, Tier: 2, What: "Feng Jiu"})
	code := w.awaits(p)
	if all := cardText(w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Item: 6}).card); !strings.Contains(all, "风险：*涉及审批人、管理员或有下属的人：Feng Jiu") || !strings.Contains(all, "state = left") {
		t.Errorf("%s", all)
	}
	if all := cardText(w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Item: 3}).card); strings.Contains(all, "风险") {
		t.Errorf("%s", all)
	}
}

// What is taken away stands on the first pages, whatever its number; the button
// goes on to the next page and not round.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(largePlan(20))
	first := w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code}).card
	if line := startsOf(first)[0]; !strings.HasPrefix(line, "#3 删除 Wang Lei") {
		t.Errorf("the first line is %q", line)
	}
	if len(first.Buttons) != 1 || first.Buttons[0].Command != "详情 "+string(code)+" --页=2" {
		t.Errorf("the buttons are %+v", first.Buttons)
	}
	last := w.ask("Zhou Kai", "ops", Command{Verb: Show, Code: code, Page: 2}).card
	if lines := startsOf(last); len(last.Buttons) != 0 || !strings.HasPrefix(lines[len(lines)-2], "#2 变更") {
		t.Errorf("the last page ends %q", lines)
	}
}
