package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// mostRuns is how many runs one answer lists.
const mostRuns = 20

// status tells what runs and what waits: everywhere, of a flow, or of one run.
func (b *Bot) status(ctx context.Context, c caller, cmd Command) (reply, error) {
	switch {
	case cmd.Code != "":
		return b.statusOf(ctx, c, cmd)
	case cmd.Flow != "":
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, specOf(Status), cmd.Flow), nil
		}
		return b.statusOfFlow(ctx, c, f)
	}
	active, err := b.active(ctx, c, "")
	if err != nil {
		return reply{}, err
	}
	l := c.lang
	set, err := b.setHere(ctx, c)
	if err != nil {
		return reply{}, err
	}
	if len(active) == 0 {
		return notice(Info, l.say("Nothing runs and nothing waits", "没有正在运行或等待审批的内容"),
			append(set, l.say("Past runs: history", "以往的运行：历史"))...), nil
	}
	card := Card{Title: l.say("Running or waiting: %d", "运行或等待中：%d", len(active)), Tone: Info, Sections: []Section{b.runList(l, active)}}
	if len(set) > 0 {
		card.Sections = append(card.Sections, Section{Lines: lines(set)})
	}
	return reply{card: card}, nil
}

// setHere tells what people set that keeps something from happening here: pauses
// of visible flows, and the room's mute.
func (b *Bot) setHere(ctx context.Context, c caller) ([]string, error) {
	all, err := b.pauses(ctx)
	if err != nil {
		return nil, err
	}
	l := c.lang
	var set []string
	for _, p := range all {
		name := p.Flow
		if f := b.flow(p.Flow); p.Flow == everything {
			name = l.say("every flow", "全部流程")
		} else if f == nil || !c.sees(f) {
			continue
		}
		set = append(set, l.say("Paused: ", "已暂停：")+name+" · "+b.pauseLine(l, p))
	}
	if until := b.mutedUntil(ctx, c.room); !until.IsZero() {
		set = append(set, l.say("This room is muted until %s; approvals, failures and safety stops still come", "本群静音到 %s；审批、失败和安全停止照常通知", b.clock(until)))
	}
	if line, ok := b.quota(ctx, l); ok {
		set = append(set, line)
	}
	return set, nil
}

// active gives the runs that are not over.
func (b *Bot) active(ctx context.Context, c caller, flow string) ([]run.Run, error) {
	return b.runs(ctx, c, run.Filter{Flow: flow, States: []run.State{run.Queued, run.Reading, run.Planning, run.Applying, run.Awaiting}})
}

// statusOf draws the card of one run.
func (b *Bot) statusOf(ctx context.Context, c caller, cmd Command) (reply, error) {
	r, p, f, err := b.find(ctx, c, cmd.Code)
	if err != nil {
		return b.notFound(c, cmd, err)
	}
	sc, err := b.scene(ctx, r, p)
	if err != nil {
		return reply{}, err
	}
	sc.flow, sc.lang, sc.can, sc.copied = f, c.lang, b.can(c), true
	card := b.runCard(sc)
	for i := range card.Sections { // somebody asked for it: all of it is shown
		card.Sections[i].Short = nil
	}
	return reply{card: card}, nil
}

func (b *Bot) statusOfFlow(ctx context.Context, c caller, f *Flow) (reply, error) {
	l := c.lang
	active, err := b.active(ctx, c, f.Name)
	if err != nil {
		return reply{}, err
	}
	about, err := b.flowLines(ctx, l, f)
	if err != nil {
		return reply{}, err
	}
	card := Card{Title: l.say("Status of %s", "%s 的状态", f.Name), Tone: Info, Plain: true, Sections: []Section{{Lines: about}}}
	if len(active) > 0 {
		card.Sections = append(card.Sections, b.runList(l, active))
	}
	last, err := b.lastEnded(ctx, f.Name)
	if err != nil {
		return reply{}, err
	}
	line := l.say("Last run: none yet", "上次运行：还没有")
	if last.Code != "" {
		line = l.say("Last run: ", "上次运行：") + b.runLine(l, last)
	}
	card.Sections[0].Lines = append(card.Sections[0].Lines, text(line))
	return reply{card: card}, nil
}

// lastEnded gives the newest run of a flow that is over, the zero run when there
// is none.
func (b *Bot) lastEnded(ctx context.Context, flow string) (run.Run, error) {
	all, err := b.o.Service.List(ctx, run.Filter{Flow: flow, States: ends(), Limit: 1})
	if err != nil || len(all) == 0 {
		return run.Run{}, err
	}
	return all[0], nil
}

func ends() []run.State {
	var all []run.State
	for _, s := range run.States() {
		if s.Ended() {
			all = append(all, s)
		}
	}
	return all
}

func (b *Bot) runList(l Lang, runs []run.Run) Section {
	s := Section{Bullet: true}
	for _, r := range runs[:min(len(runs), mostRuns)] {
		s.Lines = append(s.Lines, b.runRow(l, r))
	}
	if more := len(runs) - mostRuns; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d more", "……另有 %d 个", more)))
	}
	return s
}

// runRow tells of one run in one line, with what its state is to be seen first.
func (b *Bot) runRow(l Lang, r run.Run) Line {
	return Line{strong(l.stands(r)), plain(" " + b.runFacts(l, r))}
}

// runLine is runRow as a text.
func (b *Bot) runLine(l Lang, r run.Run) string { return l.stands(r) + " " + b.runFacts(l, r) }

// stands says how a run stands.
func (l Lang) stands(r run.Run) string {
	if r.State == run.Awaiting {
		return l.say("Waits for a vote", "待批准")
	}
	return l.state(r.State)
}

// runFacts tells of one run in one line, but for its state.
func (b *Bot) runFacts(l Lang, r run.Run) string {
	line := string(r.Code) + " · " + r.Flow
	switch {
	case r.State == run.Awaiting:
		line += " · " + l.counts(r.Counts) + l.say(" · until ", " · 有效期至 ") + b.clock(r.Expires)
	case r.Outcome.Total() > 0:
		line += " · " + l.outcome(r.Outcome)
	case r.Counts.Total() > 0:
		line += " · " + l.counts(r.Counts)
	}
	return line + l.say(" · asked by ", " · 发起 ") + l.who(r.By) + " " + b.clock(r.Created)
}

// next gives the next scheduled time of a flow, the zero time when there is
// none. A schedule counts by the clock that it is asked with.
func (b *Bot) next(f *Flow) time.Time {
	if f.Next == nil {
		return time.Time{}
	}
	return f.Next(b.o.Now().In(b.o.Zone))
}

// flowLines tells what a flow is, when it runs, and whether it is paused.
func (b *Bot) flowLines(ctx context.Context, l Lang, f *Flow) ([]Line, error) {
	lines := []Line{{strong(f.Name), plain(l.say(": ", "：") + label(f.From) + " → " + label(f.To))}}
	t, err := b.timing(ctx, f)
	if err != nil {
		return nil, err
	}
	pauses, err := b.pauses(ctx)
	if err != nil {
		return nil, err
	}
	lines = append(lines, text(l.say("Schedule: ", "定时：")+b.timingLine(l, t)))
	if f.Expires > 0 {
		lines = append(lines, text(l.say("Approvals last ", "审批有效期 ")+l.span(f.Expires)))
	}
	if f.Paused {
		lines = append(lines, Line{strong(l.say("Paused", "已暂停"))})
	}
	for _, p := range covering(pauses, f.Name) {
		lines = append(lines, Line{strong(l.say("Paused", "已暂停")), plain(l.say(": ", "：") + b.pauseLine(l, p))})
	}
	return lines, nil
}

// listFlows tells of every flow that the caller may see here.
func (b *Bot) listFlows(ctx context.Context, c caller) (reply, error) {
	l := c.lang
	flows := b.visible(c)
	card := Card{Title: l.say("Flows: %d", "流程：%d 个", len(flows)), Tone: Info}
	for _, f := range flows[:min(len(flows), mostRuns)] {
		about, err := b.flowLines(ctx, l, f)
		if err != nil {
			return reply{}, err
		}
		s := Section{Lines: about}
		last, err := b.lastEnded(ctx, f.Name)
		if err != nil {
			return reply{}, err
		}
		if last.Code != "" {
			s.Lines = append(s.Lines, text(l.say("Last run: ", "上次运行：")+b.runLine(l, last)))
		}
		active, err := b.active(ctx, c, f.Name)
		if err != nil {
			return reply{}, err
		}
		for _, r := range active[:min(len(active), mostHints)] {
			s.Lines = append(s.Lines, text(l.say("Now: ", "当前：")+b.runLine(l, r)))
		}
		card.Sections = append(card.Sections, s)
	}
	return reply{card: card}, nil
}

const (
	historyDays = 7
	mostDays    = 366
	day         = 24 * time.Hour
)

// history lists past runs with who asked, who approved and what became of them.
func (b *Bot) history(ctx context.Context, c caller, cmd Command) (reply, error) {
	l := c.lang
	days := cmd.Days
	if days == 0 {
		days = historyDays
	}
	filter := run.Filter{Since: b.o.Now().Add(-time.Duration(min(days, mostDays)) * day), Limit: begunSearch}
	if cmd.Flow != "" {
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, specOf(History), cmd.Flow), nil
		}
		filter.Flow = f.Name
	}
	runs, err := b.runs(ctx, c, filter)
	if err != nil {
		return reply{}, err
	}
	title := l.say("Runs of the last %d days", "最近 %d 天的运行", min(days, mostDays))
	if cmd.Person != "" {
		name, err := b.askedBy(c, cmd.Person)
		if err != nil {
			return notice(Warn, l.say("Not looked up", "没有查询"), l.sentence(err)), nil
		}
		runs = slices.DeleteFunc(runs, func(r run.Run) bool { return r.By.Person != name })
		title += l.say(" that %s asked for", "，由 %s 发起", label(name))
	}
	if len(runs) == 0 {
		return notice(Info, title+l.say(": none", "：没有")), nil
	}
	s := Section{Bullet: true}
	for _, r := range runs[:min(len(runs), mostRuns)] {
		line := b.runRow(l, r)
		if r.Votes > 0 {
			votes, err := b.o.Service.Votes(ctx, r.Code)
			if err != nil {
				return reply{}, err
			}
			line = append(line, plain(b.votedBy(l, votes)))
		}
		s.Lines = append(s.Lines, line)
	}
	if more := len(runs) - mostRuns; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d older", "……另有更早的 %d 次", more)))
	}
	return reply{card: Card{Title: title + l.say(": %d", "：%d 次", len(runs)), Tone: Info, Sections: []Section{s}}}, nil
}

// askedBy gives the name by which the record knows somebody. Who is no longer in
// the configuration is found by the exact name. Faults: those of personOf.
func (b *Bot) askedBy(c caller, word string) (string, error) {
	p, err := b.personOf(c.m, word)
	if err == nil {
		return p.Name, nil
	}
	if fault.KindOf(err) == fault.NotFound && !strings.HasPrefix(word, "@") {
		return word, nil
	}
	return "", err
}

// votedBy names the voters of a run, at the end of its line.
func (b *Bot) votedBy(l Lang, votes []run.Vote) string {
	var yes, no []string
	for _, v := range votes {
		if v.Decision == run.Reject {
			no = append(no, l.who(v.By))
		} else {
			yes = append(yes, l.who(v.By))
		}
	}
	line := ""
	if len(yes) > 0 {
		line += l.say(" · approved by ", " · 批准 ") + l.list(yes)
	}
	if len(no) > 0 {
		line += l.say(" · rejected by ", " · 驳回 ") + l.list(no)
	}
	return line
}
