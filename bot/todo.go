package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// todoDays is how long a run that ended badly is held against who asked for it.
const todoDays = 7

// task is one thing that waits for somebody.
type task struct {
	since time.Time
	title string
	line  string
	next  string // the exact command
}

// todo lists what waits for the caller, the oldest first: votes that only he and
// his like can give, his own runs that wait or went wrong, and pauses that he can
// end.
func (b *Bot) todo(ctx context.Context, c caller) (reply, error) {
	var tasks []task
	for _, find := range []func(context.Context, caller) ([]task, error){b.openVotes, b.badEnds, b.brakes} {
		some, err := find(ctx, c)
		if err != nil {
			return reply{}, err
		}
		tasks = append(tasks, some...)
	}
	slices.SortStableFunc(tasks, func(x, y task) int { return x.since.Compare(y.since) })
	l := c.lang
	s := Section{Bullet: true}
	for _, t := range tasks[:min(len(tasks), mostRuns)] {
		s.Lines = append(s.Lines, Line{strong(t.title), plain(l.say(": ", "：") + t.line + l.say(" · next: ", " · 下一步：")), code(t.next)})
	}
	if more := len(tasks) - mostRuns; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d more", "……另有 %d 件", more)))
	}
	loans, err := b.standIns(ctx, c)
	if err != nil {
		return reply{}, fmt.Errorf("read delegations: %w", err)
	}
	if len(tasks) == 0 {
		return notice(Good, l.say("Nothing waits for you", "没有等你处理的事"), loans...), nil
	}
	card := Card{Title: l.say("Waits for you: %d", "等你处理：%d 件", len(tasks)), Tone: Waits, Sections: []Section{s}}
	if c.m.Direct {
		loans = append(loans, l.say("Commands that change something are sent in a room of the flow.", "会改动账号的命令请到流程所在的群里发。"))
	}
	if len(loans) > 0 {
		card.Sections = append(card.Sections, Section{Lines: lines(loans)})
	}
	return reply{card: card}, nil
}

// lines makes lines of texts.
func lines(texts []string) []Line {
	all := make([]Line, 0, len(texts))
	for _, t := range texts {
		all = append(all, text(t))
	}
	return all
}

// openVotes gives the runs that wait for the caller's vote, and his own that wait
// for somebody else's.
func (b *Bot) openVotes(ctx context.Context, c caller) ([]task, error) {
	open, err := b.waiting(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("list open runs: %w", err)
	}
	var tasks []task
	for _, r := range open {
		names, err := b.o.Service.Eligible(ctx, r.Code)
		if err != nil {
			return nil, fmt.Errorf("ask who may vote: %w", err)
		}
		line := b.runFacts(c.lang, r)
		switch {
		case slices.Contains(names, c.person.Name):
			// The counts are not written for him: restating them proves that he looked.
			tasks = append(tasks, task{r.Created, c.lang.say("Your vote is asked", "等你审批"), line, c.line(Show, r.Code)})
		case r.By.Person == c.person.Name:
			tasks = append(tasks, task{r.Created, c.lang.say("Yours, waits for others", "你发起的，等别人审批"), line, c.line(Status, r.Code)})
		}
	}
	return tasks, nil
}

// badEnds gives the caller's own runs that ended badly, and that no later run of
// the flow made good.
func (b *Bot) badEnds(ctx context.Context, c caller) ([]task, error) {
	runs, err := b.runs(ctx, c, run.Filter{Since: b.o.Now().Add(-todoDays * day), States: ends(), Limit: begunSearch})
	if err != nil {
		return nil, fmt.Errorf("list ended runs: %w", err)
	}
	var tasks []task
	good := map[string]bool{}
	for _, r := range runs { // newest first
		switch {
		case good[r.Flow]:
		case r.State == run.Succeeded || r.State == run.NothingToDo:
			good[r.Flow] = true
		case r.By.Person == c.person.Name && r.Apply && (r.State == run.Failed || r.State == run.Partial || r.State == run.Blocked):
			tasks = append(tasks, task{r.Created, c.lang.say("Yours, look at it", "你发起的，需要看一下"), b.runLine(c.lang, r), c.line(Status, r.Code)})
		}
	}
	return tasks, nil
}

// brakes gives the pauses that the caller can end.
func (b *Bot) brakes(ctx context.Context, c caller) ([]task, error) {
	all, err := b.pauses(ctx)
	if err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	l := c.lang
	var tasks []task
	for _, p := range all {
		name, f := p.Flow, b.flow(p.Flow)
		if p.Flow == everything {
			name, f = l.say("every flow", "全部流程"), &Flow{Name: everything}
		} else if f == nil || !c.sees(f) {
			continue
		}
		role := run.Operator
		if p.Auto {
			role = run.Approver
		}
		if !c.person.May(role, f.Name) {
			continue
		}
		resume := Command{Verb: Resume, Lang: l, Flow: p.Flow, Typed: run.NotRestated()}.String()
		tasks = append(tasks, task{p.At, l.say("Paused", "已暂停"), name + l.say(": ", "：") + b.pauseLine(l, p), resume})
	}
	return tasks, nil
}

// line writes a command about a run in the caller's language.
func (c caller) line(v Verb, code run.Code) string {
	return Command{Verb: v, Lang: c.lang, Code: code, Page: 1, Typed: run.NotRestated()}.String()
}
