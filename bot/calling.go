package bot

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/run"
)

// called gives the accounts that a message calls: who asked, and whom else it
// concerns.
func (b *Bot) called(sc scene, a audience) []string {
	if a.robot {
		return nil
	}
	var ids []string
	r := sc.run
	if a.asked && r.By.Account != "" {
		ids = append(ids, r.By.Account) // who asked is on this platform
	}
	if r.By.Person == "" && (r.State == run.Failed || r.State == run.Blocked || r.Outcome.Failed+r.Outcome.InDoubt > 0) {
		ids = append(ids, b.staffOf(r.Flow, a.platform)...) // nobody asked, somebody must look
	}
	for _, id := range b.accountsOf(b.concerned(sc), a.platform) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// concerned names whom a run concerns beside who asked: those who may approve what
// waits, those who approved what went wrong, and those who voted on what is gone.
func (b *Bot) concerned(sc scene) []string {
	r := sc.run
	var votes []run.Vote
	switch r.State {
	case run.Awaiting:
		if sc.open() {
			return b.wanted(sc)
		}
	case run.Failed, run.Partial:
		if r.State == run.Failed || r.Outcome.Failed+r.Outcome.InDoubt > 0 {
			votes = approvals(r, sc.votes)
		}
	case run.Superseded, run.Expired, run.Cancelled, run.Rejected:
		votes = sc.votes
	default: // nobody has to do anything
	}
	names := make([]string, 0, len(votes))
	for _, v := range votes {
		names = append(names, v.By.Person)
	}
	return names
}

func (b *Bot) accountOf(person string, on run.Platform) string {
	for i := range b.o.People {
		if p := &b.o.People[i]; p.Name == person && person != "" {
			return p.Account(on)
		}
	}
	return ""
}

// wanted names whose vote is asked for. When the engine cannot say who that is,
// every approver but who asked is called: one called in vain is less bad than
// nobody called.
func (b *Bot) wanted(sc scene) []string {
	if sc.voters.known {
		return sc.voters.names
	}
	var names []string
	for i := range b.o.People {
		if p := &b.o.People[i]; p.May(run.Approver, sc.run.Flow) && p.Name != sc.run.By.Person {
			names = append(names, p.Name)
		}
	}
	return names
}

// callToVote says how many of whom must approve until when, and how.
func (b *Bot) callToVote(sc scene) []string {
	l, r := sc.lang, sc.run
	if !sc.open() {
		return nil
	}
	missing, names := sc.missing(), labels(b.wanted(sc))
	line := l.say("%d of these must approve until %s: %s", "需要 %d 位审批人在 %s 之前批准：%s", missing, b.clock(r.Expires), l.list(names))
	if len(names) < missing {
		line = sc.tooFew(names, missing)
	}
	lines := []string{line, l.say("To approve: %s", "要批准请发：%s", form(l, r))}
	if sc.plan != nil && loud(sc.plan.Rules) {
		lines = append(lines, l.rulesChanged(sc.plan.Rules))
	}
	if words := sc.tierWords(); words != "" {
		lines = append(lines, words)
	}
	return lines
}

// call is the short message beside a live card: editing a card notifies nobody.
func (b *Bot) call(sc scene) Card {
	l, r := sc.lang, sc.run
	card := b.runCard(sc)
	out := Card{Title: card.Title, Tone: card.Tone, Plain: true}
	s := Section{}
	add := func(line string) { s.Lines = append(s.Lines, text(line)) }
	if r.Reason != "" {
		add(l.say("Why: ", "原因：") + printable(masked(l.of(r.Reason)), sayRunes))
	}
	switch r.State {
	case run.Awaiting:
		for _, line := range b.callToVote(sc) {
			add(line)
		}
	case run.Partial, run.Failed, run.Succeeded:
		add(l.say("Details: show %s", "明细：详情 %s", r.Code))
	case run.Blocked:
		if sc.plan != nil && len(sc.plan.Risk.Reasons) > 0 {
			add(l.finding(brokenFirst(sc.plan.Risk.Reasons)[0]))
		}
	default: // the title says it
	}
	out.Sections = []Section{s}
	return out
}
