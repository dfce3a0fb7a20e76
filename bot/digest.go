package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	digestRuns  = 1000 // runs that a digest counts
	digestLines = 10   // of each section
	// longestRun is how long before its end a run may have begun: an approval
	// lasts three days at most.
	longestRun = 4 * day
)

// digestNow gives the digest of the last day.
func (b *Bot) digestNow(ctx context.Context, c caller, cmd Command) (reply, error) {
	flows := b.visible(c)
	if cmd.Flow != "" {
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, specOf(Digest), cmd.Flow), nil
		}
		flows = []*Flow{f}
	}
	card, err := b.digest(ctx, c.lang, flows, b.o.Now().Add(-day))
	return reply{card: card}, err
}

// digest sums up the flows since a time: what needs somebody, what changed, what
// is risky, and whether everything lives. Nothing to report is one line.
func (b *Bot) digest(ctx context.Context, l Lang, flows []*Flow, since time.Time) (Card, error) {
	d := &summary{b: b, l: l, since: since, now: b.o.Now()}
	for _, f := range flows {
		if err := d.add(ctx, f); err != nil {
			return Card{}, err
		}
	}
	title := l.say("Digest of %s", "日报 %s", b.clock(d.now))
	if len(d.needs)+len(d.changed)+len(d.risks) == 0 {
		return Card{Title: title, Tone: Good, Plain: true, Sections: []Section{{Lines: []Line{
			text(l.say("Nothing to report: "+count(len(flows), "flow", "flows")+", no changes, nothing waits.",
				fmt.Sprintf("没有需要报告的：%d 个流程，没有变更，没有等待审批。", len(flows)))),
		}}}}, nil
	}
	card := Card{Title: title, Tone: Info}
	if len(d.needs) > 0 {
		card.Tone = Waits
	}
	for _, s := range []Section{
		{Title: l.say("Needs you", "需要处理"), Lines: d.needs},
		{Title: l.say("What changed", "发生的变更"), Lines: d.changed},
		{Title: l.say("Risks", "风险"), Lines: d.risks},
		{Title: l.say("Health", "运行状况"), Lines: d.health},
	} {
		if more := len(s.Lines) - digestLines; more > 0 {
			s.Lines = append(s.Lines[:digestLines:digestLines], text(l.say("… and %d more: status", "……另有 %d 条：状态", more)))
		}
		if s.Bullet = true; len(s.Lines) > 0 {
			card.Sections = append(card.Sections, s)
		}
	}
	return card, nil
}

// summary collects the lines of a digest.
type summary struct {
	b                             *Bot
	l                             Lang
	since, now                    time.Time
	needs, changed, risks, health []Line
}

// add looks at one flow.
func (d *summary) add(ctx context.Context, f *Flow) error {
	// A run belongs to the window in which it ended, and may have begun long before.
	runs, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, Since: d.before().Add(-longestRun), Limit: digestRuns})
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	open, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, States: []run.State{run.Awaiting}})
	if err != nil {
		return fmt.Errorf("list open runs: %w", err)
	}
	for _, r := range open {
		d.needs = append(d.needs, Line{strong(d.l.say("Waits for a vote", "等待批准")), plain(d.l.say(": ", "：") + d.b.runLine(d.l, r))})
	}
	d.failures(runs)
	d.changes(f, runs)
	if err := d.dangers(ctx, f, runs); err != nil {
		return err
	}
	return d.life(ctx, f)
}

// failures tells of runs that ended badly and that no later success made good.
func (d *summary) failures(runs []run.Run) {
	for _, r := range runs { // newest first
		if r.State == run.Succeeded || r.State == run.NothingToDo {
			return
		}
		if d.inWindow(r) && (r.State == run.Failed || r.State == run.Partial || r.State == run.Blocked && r.Apply) {
			line := d.b.runLine(d.l, r)
			if r.Reason != "" {
				line += " · " + printable(masked(d.l.of(r.Reason)), sayRunes)
			}
			d.needs = append(d.needs, Line{strong(d.l.state(r.State)), plain(d.l.say(": ", "：") + line)})
		}
	}
}

// before gives the beginning of the window that this one is compared with.
func (d *summary) before() time.Time { return d.since.Add(-d.now.Sub(d.since)) }

func (d *summary) inWindow(r run.Run) bool { return !r.Ended.IsZero() && !r.Ended.Before(d.since) }

// changes counts what was done, against the window before.
func (d *summary) changes(f *Flow, runs []run.Run) {
	done, before, times := run.Outcome{}, 0, 0
	var counts plan.Counts
	for _, r := range runs {
		if !d.inWindow(r) {
			if !r.Ended.IsZero() && !r.Ended.Before(d.before()) {
				before += r.Outcome.Done
			}
			continue
		}
		if r.Outcome.Total() == 0 {
			continue
		}
		times++
		done.Done += r.Outcome.Done
		done.Already += r.Outcome.Already
		done.Skipped += r.Outcome.Skipped
		done.Failed += r.Outcome.Failed
		done.InDoubt += r.Outcome.InDoubt
		counts.Disable += r.Counts.Disable
		counts.Delete += r.Counts.Delete
	}
	if times == 0 {
		return
	}
	arrow := ""
	switch {
	case done.Done > before:
		arrow = " ↑"
	case done.Done < before:
		arrow = " ↓"
	}
	line := d.l.say(": "+count(times, "run", "runs"), fmt.Sprintf("：运行 %d 次", times)) + " · " + d.l.outcome(done) + arrow + d.l.say(" (the period before: %d)", "（上一期：%d）", before)
	if counts.Destructive() > 0 {
		line += d.l.say(" · planned ", " · 计划 ") + d.l.counts(counts)
	}
	d.changed = append(d.changed, Line{strong(f.Name), plain(line)})
}

// dangers looks at the newest plan of the window.
func (d *summary) dangers(ctx context.Context, f *Flow, runs []run.Run) error {
	i := slices.IndexFunc(runs, func(r run.Run) bool { return !r.Plan.IsZero() && !r.Created.Before(d.since) })
	if i < 0 {
		return nil
	}
	_, p, err := d.b.o.Service.Get(ctx, runs[i].Code)
	if err != nil && !passing(err) {
		d.b.o.Logger.ErrorContext(ctx, "plan cannot be shown", "run", runs[i].Code, "err", err)
		d.risks = append(d.risks, Line{strong(f.Name), plain(d.l.say(": ", "：") + d.l.sentence(err))})
		return nil
	}
	if err != nil || p == nil {
		return err
	}
	d.dangersOf(f, runs[i].Code, p)
	return nil
}

// dangersOf tells what a plan shows that somebody should look at.
func (d *summary) dangersOf(f *Flow, code run.Code, p *plan.Plan) {
	kinds := map[plan.NoteKind]int{}
	for _, n := range p.Notes {
		kinds[n.Kind]++
	}
	add := func(line string) {
		d.risks = append(d.risks, Line{strong(f.Name), plain(d.l.say(": ", "：") + line)})
	}
	for _, k := range []plan.NoteKind{plan.LeftActive, plan.RuleFailed, plan.Conflict} {
		if kinds[k] > 0 {
			add(pair(d.l.note(k), kinds[k]) + d.l.say(" (show %s notes)", "（详情 %s 保留）", code))
		}
	}
	if h := p.Source.Health; h.PartialFor != "" {
		add(d.l.say("the source is incomplete: ", "来源不完整：") + printable(d.l.of(h.PartialFor), sayRunes))
	} else if len(h.Hidden) > 0 {
		add(d.l.say("missing permissions: ", "缺少权限：") + printable(d.l.list(h.Hidden), sayRunes))
	}
	for _, find := range p.Risk.Reasons {
		if find.Code == plan.FindMaxDelete || find.Code == plan.FindDeletePercent || find.Code == plan.FindShrink {
			add(d.l.finding(find))
		}
	}
}

// life tells when the flow last succeeded and what comes next.
func (d *summary) life(ctx context.Context, f *Flow) error {
	good, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, States: []run.State{run.Succeeded, run.NothingToDo}, Limit: 1})
	if err != nil {
		return fmt.Errorf("find last success: %w", err)
	}
	line := d.l.say("never succeeded yet", "还没有成功过")
	if len(good) > 0 {
		line = d.l.say("last success ", "上次成功 ") + d.b.clock(good[0].Ended)
	}
	if f.Paused {
		line += d.l.say(" · paused", " · 已暂停")
	}
	if next := d.b.next(f); !next.IsZero() {
		line += d.l.say(" · next ", " · 下次 ") + d.b.clock(next)
	}
	d.health = append(d.health, Line{strong(f.Name), plain(d.l.say(": ", "：") + line)})
	return nil
}
