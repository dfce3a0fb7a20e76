package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	digestRuns  = 2000 // runs of a flow that a digest counts
	digestLines = 10   // of each section
	digestBytes = 8 << 10
	chainBytes  = 512 // of them are kept for the audit's chain
	// usualWindows is how many windows before this one make what is usual.
	usualWindows = 7
	// longestRun is how long before its end a run may have begun: an approval
	// lasts three days at most.
	longestRun = 4 * day
)

// edition is one digest to be made.
type edition struct {
	lang  Lang
	flows []*Flow
	since time.Time
	held  []string // notices that were kept back since the last digest
	audit bool     // for the admins: with the end of the audit's chain
}

// digestNow gives the digest of the last day. What was kept back stays for the
// digest that comes by itself.
func (b *Bot) digestNow(ctx context.Context, c caller, cmd Command) (reply, error) {
	e := edition{lang: c.lang, flows: b.visible(c), since: b.o.Now().Add(-day)}
	if cmd.Flow != "" {
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, specOf(Digest), cmd.Flow), nil
		}
		e.flows = []*Flow{f}
	}
	if c.room != nil && cmd.Flow == "" {
		e.audit = b.forAdmins(c.room)
		var err error
		if e.held, err = b.keptBack(ctx, c.room); err != nil {
			return reply{}, err
		}
	}
	card, err := b.digest(ctx, e)
	return reply{card: card}, err
}

// digest sums up flows since a time: what needs somebody, what changed, what is
// risky, and whether everything lives. Nothing to report is one line.
func (b *Bot) digest(ctx context.Context, e edition) (Card, error) {
	d := &summary{b: b, l: e.lang, since: e.since, now: b.o.Now(), days: newDays(b.o.Now().In(b.o.Zone)), codes: map[run.Code]bool{}}
	pauses, err := b.o.Service.Pauses(ctx)
	if err != nil {
		return Card{}, fmt.Errorf("list pauses: %w", err)
	}
	d.stops(e.flows, pauses)
	for _, f := range e.flows {
		if err := d.add(ctx, f); err != nil {
			return Card{}, err
		}
	}
	if err := d.unheard(ctx); err != nil {
		return Card{}, err
	}
	if err := d.refusals(ctx); err != nil {
		return Card{}, err
	}
	for _, line := range e.held {
		d.held = append(d.held, text(printable(masked(line), sayRunes)))
	}
	card := d.card(len(e.flows))
	if e.audit {
		card.Sections = append(card.Sections, d.chain(ctx)...)
	}
	return card, nil
}

// card lays the digest out.
func (d *summary) card(flows int) Card {
	l := d.l
	title := l.say("Digest of %s", "日报 %s", d.b.clock(d.now))
	needs := slices.Concat(d.glass, d.waits, d.broken, d.paused)
	if len(needs)+len(d.changed)+len(d.risks)+len(d.approved)+len(d.held) == 0 {
		return Card{Title: title, Tone: Good, Plain: true, Sections: []Section{{Lines: []Line{
			text(l.say("Nothing to report: "+count(flows, "flow", "flows")+", no changes, nothing waits.",
				fmt.Sprintf("没有需要报告的：%d 个流程，没有变更，没有等待审批。", flows))),
		}}}}
	}
	card := Card{Title: title, Tone: Info}
	if len(needs) > 0 {
		card.Tone = Waits
		card.Title += l.say(" · needs you: %d", " · 需要处理 %d", len(needs))
	}
	if len(d.glass) > 0 {
		card.Tone = Danger
	}
	part := func(en, zh string, lines []Line, more Verb) chapter {
		ch := chapter{Section: Section{Title: l.say(en, zh), Lines: lines, Bullet: true}, most: digestLines}
		if more != "" {
			ch.more = specOf(more).name(l)
		}
		return ch
	}
	chapters := []chapter{
		part("Needs you", "需要处理", needs, Status),
		part("What changed", "发生的变更", d.changed, History),
		{Section: d.days.section(l), whole: true},
		part("Risks", "风险", d.risks, History),
		part("Who approved what, and how fast", "谁批准了什么，用了多久", d.approved, History),
		part("Kept back while it was quiet here", "静音时段没有发出的通知", d.held, ""),
		part("Health", "运行状况", d.health, Flows),
	}
	return l.bind(card, chapters, digestBytes-chainBytes)
}

// summary collects the lines of a digest.
type summary struct {
	b          *Bot
	l          Lang
	since, now time.Time
	days       *days
	codes      map[run.Code]bool // runs of these flows, as far as they were looked at

	glass, waits, broken, paused           []Line // what needs somebody
	changed, risks, approved, held, health []Line
}

// says begins a line with a name.
func (d *summary) says(name, rest string) Line {
	return Line{strong(name), plain(d.l.say(": ", "：") + rest)}
}

// leads ends a line with the command that tells more.
func (d *summary) leads(line Line, v Verb, of run.Code) Line {
	next := Command{Verb: v, Lang: d.l, Code: of, Page: 1, Typed: run.NotRestated()}
	return append(line, plain(d.l.say(" · see: ", " · 请看：")), code(next.String()))
}

// stops tells of the flows that do not run.
func (d *summary) stops(flows []*Flow, pauses []run.Pause) {
	l := d.l
	for _, p := range pauses {
		name := p.Flow
		if name == everything {
			name = l.say("All flows", "全部流程")
		} else if !slices.ContainsFunc(flows, func(f *Flow) bool { return f.Name == name }) {
			continue
		}
		line := l.say("paused by ", "已暂停，") + l.who(p.By) + " " + d.b.clock(p.At)
		if p.Auto {
			line = l.say("stopped for safety ", "安全停止 ") + d.b.clock(p.At) + l.say("; an approver must resume it", "；须由审批人恢复")
		}
		if !p.Until.IsZero() {
			line += l.say(", until ", "，到 ") + d.b.clock(p.Until)
		}
		if p.Why != "" {
			line += l.say(": ", "：") + printable(masked(l.of(p.Why)), sayRunes)
		}
		d.paused = append(d.paused, d.says(name, line))
	}
	for _, f := range flows {
		if f.Paused {
			d.paused = append(d.paused, d.says(f.Name, l.say("paused by the configuration", "配置里已暂停")))
		}
	}
}

// add looks at one flow.
func (d *summary) add(ctx context.Context, f *Flow) error {
	// A run belongs to the window in which it ended, and may have begun long before.
	from := d.usualFrom()
	if first := d.days.first(); first.Before(from) {
		from = first
	}
	runs, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, States: atWork(), Since: from.Add(-longestRun), Limit: digestRuns})
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	good, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, Whole: true, States: []run.State{run.Succeeded, run.NothingToDo}, Limit: formerSearch})
	if err != nil {
		return fmt.Errorf("find last success: %w", err)
	}
	good = slices.DeleteFunc(good, func(r run.Run) bool { return !wholeFlow(r) })
	open, err := d.b.o.Service.List(ctx, run.Filter{Flow: f.Name, States: []run.State{run.Awaiting}})
	if err != nil {
		return fmt.Errorf("list open runs: %w", err)
	}
	for _, r := range slices.Concat(runs, open) {
		d.codes[r.Code] = true
	}
	if err := d.waiting(ctx, open); err != nil {
		return err
	}
	d.failures(runs, good)
	d.changes(f, runs)
	for _, r := range runs {
		if err := d.countDay(ctx, r); err != nil {
			return err
		}
	}
	if err := d.votes(ctx, slices.Concat(open, runs)); err != nil {
		return err
	}
	if err := d.dangers(ctx, f); err != nil {
		return err
	}
	d.life(f, good)
	return nil
}

// wholeFlow tells whether a run was of everything in its flow.
func wholeFlow(r run.Run) bool { return !narrowed(r) && r.Undoes == "" && r.Objects == "" }

// atWork are the ends of runs that did something or went wrong.
func atWork() []run.State {
	return []run.State{run.Blocked, run.Succeeded, run.Partial, run.Failed, run.Rejected, run.Expired, run.Cancelled, run.Superseded}
}

// waiting tells of what waits for a vote, with what it has of them.
func (d *summary) waiting(ctx context.Context, open []run.Run) error {
	for _, r := range open {
		votes, err := d.b.o.Service.Votes(ctx, r.Code)
		if err != nil {
			return fmt.Errorf("read votes: %w", err)
		}
		line := d.b.runFacts(d.l, r) + d.l.say(" · votes %d of %d", " · 已批准 %d/%d 票", len(approvals(r, votes)), r.Votes)
		d.waits = append(d.waits, d.leads(d.says(d.l.stands(r), line), Show, r.Code))
	}
	return nil
}

// failures tells of runs that ended badly and that no later success made good.
func (d *summary) failures(runs, good []run.Run) {
	for _, r := range runs { // newest first
		if len(good) > 0 && good[0].Created.After(r.Created) || !d.inWindow(r) {
			continue
		}
		if r.State == run.Failed || r.State == run.Partial || r.State == run.Blocked && r.Apply {
			line := d.b.runFacts(d.l, r)
			if r.Reason != "" {
				line += " · " + printable(masked(d.l.of(r.Reason)), sayRunes)
			}
			d.broken = append(d.broken, d.leads(d.says(d.l.state(r.State), line), Status, r.Code))
		}
	}
}

// usualFrom gives the beginning of what this window is compared with.
func (d *summary) usualFrom() time.Time { return d.since.Add(-usualWindows * d.now.Sub(d.since)) }

func (d *summary) inWindow(r run.Run) bool { return !r.Ended.IsZero() && !r.Ended.Before(d.since) }

// changes counts what was done, against the usual.
func (d *summary) changes(f *Flow, runs []run.Run) {
	var done run.Outcome
	before, times, destructive := 0, 0, 0
	for _, r := range runs {
		if !d.inWindow(r) {
			if !r.Ended.Before(d.usualFrom()) {
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
		destructive += r.Counts.Destructive()
	}
	if times == 0 {
		return
	}
	usual := float64(before) / usualWindows
	line := d.l.say(count(times, "run", "runs"), fmt.Sprintf("运行 %d 次", times)) + " · " + d.l.outcome(done) + d.l.say(" (usually done: %s%s)", "（平时成功 %s 项%s）", number(usual), arrow(done.Done, usual))
	if destructive > 0 {
		line += d.l.say(" · planned to disable or delete: %d", " · 计划停用和删除 %d 个", destructive)
	}
	d.changed = append(d.changed, d.says(f.Name, line))
}

// arrow compares a number with what is usual: within a quarter it is as usual,
// and three times as much is said twice.
func arrow(n int, usual float64) string {
	switch have := float64(n); {
	case usual > 0 && have >= 3*usual && n > 1:
		return " ↑↑"
	case have > 1.25*usual:
		return " ↑"
	case have < usual/3:
		return " ↓↓"
	case have < 0.75*usual:
		return " ↓"
	default:
		return ""
	}
}

// life tells when the flow last succeeded, which needs both its systems, and
// what comes next.
func (d *summary) life(f *Flow, good []run.Run) {
	line := label(f.From) + " → " + label(f.To) + " · "
	if len(good) > 0 {
		line += d.l.say("last success ", "上次成功 ") + d.b.clock(good[0].Ended)
	} else {
		line += d.l.say("never succeeded yet", "还没有成功过")
	}
	if next := d.b.next(f); !next.IsZero() {
		line += d.l.say(" · next ", " · 下次 ") + d.b.clock(next)
	}
	d.health = append(d.health, d.says(f.Name, line))
}
