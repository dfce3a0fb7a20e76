package bot

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// nextTimes is how many coming times of a schedule are shown.
const nextTimes = 3

// schedule shows when flows run by themselves, and lets an admin change it: once
// to look at what that means, once more to do it.
func (b *Bot) schedule(ctx context.Context, c caller, cmd Command) (reply, error) {
	if cmd.Flow == "" {
		return b.schedules(ctx, c)
	}
	s := specOf(Schedule)
	f, ok := b.seen(c, cmd.Flow)
	if !ok {
		return b.noFlow(c, s, cmd.Flow), nil
	}
	old, err := b.timing(ctx, f)
	if err != nil {
		return reply{}, err
	}
	if cmd.When == "" {
		card := Card{Title: c.lang.say("Schedule of %s", "%s 的定时", f.Name), Tone: Info, Plain: true, Sections: []Section{{Lines: []Line{text(b.timingLine(c.lang, old))}}}}
		card.Sections = append(card.Sections, b.nextSection(c.lang, old.Next)...)
		return reply{card: card}, nil
	}
	if !c.person.May(run.Admin, f.Name) {
		return b.lacks(c, needing(Schedule, run.Admin), f), nil
	}
	cmd.Flow = f.Name
	next := run.Timing{Flow: f.Name}
	if cmd.When != off {
		if next, err = b.o.Service.NextTimes(cmd.When); err != nil {
			return b.refused(c, cmd, subject{run: run.Run{Flow: f.Name}}, err)
		}
	}
	change := timingChange{cmd: cmd, flow: f, old: old, next: next}
	if !cmd.Yes {
		return reply{card: b.asked(c, change)}, nil
	}
	return b.reschedule(ctx, c, change)
}

// timingChange is a change of a schedule.
type timingChange struct {
	cmd  Command
	flow *Flow
	old  run.Timing
	next run.Timing // with the times to come
}

// asked shows what a change of a schedule would mean, with the button that does
// it.
func (b *Bot) asked(c caller, x timingChange) Card {
	l := c.lang
	yes := x.cmd.In(l)
	yes.Yes = true
	card := Card{Title: l.say("Change the schedule of %s?", "要修改 %s 的定时吗？", x.flow.Name), Tone: Waits, Sections: b.changed(l, l.say("Now: ", "现在："), x)}
	card.Sections = append(card.Sections, Section{Lines: []Line{
		text(l.say("Nothing was changed yet.", "还没有修改。")), {plain(l.say("To do it, send: ", "要修改请发：")), code(yes.String())},
	}})
	card.Buttons = []Button{{Label: l.say("Confirm", "确认"), Command: yes.String(), Style: Primary}}
	return card
}

// changed shows a schedule before and after, and the times to come.
func (b *Bot) changed(l Lang, before string, x timingChange) []Section {
	after := l.say("only on command", "只按命令运行")
	if x.cmd.When != off {
		after = l.when(x.cmd.When)
	}
	return append([]Section{{Lines: []Line{
		{strong(before), plain(l.timed(x.old.Spec))}, {strong(l.say("New: ", "改为：")), plain(after)},
	}}}, b.nextSection(l, x.next.Next)...)
}

// reschedule changes the schedule and tells the flow's rooms: who chose the time
// of a run counts as having asked for it.
func (b *Bot) reschedule(ctx context.Context, c caller, x timingChange) (reply, error) {
	when := x.cmd.When
	if when == off {
		when = ""
	}
	if err := b.o.Service.SetTiming(ctx, run.Timing{Flow: x.flow.Name, Spec: when, By: c.actor}); err != nil {
		return b.refused(c, x.cmd, subject{run: run.Run{Flow: x.flow.Name}}, err)
	}
	draw := func(l Lang, _ []*Flow) Card {
		card := Card{Title: l.say("Schedule changed: %s", "已修改定时：%s", x.flow.Name), Tone: Good, Plain: true, Sections: b.changed(l, l.say("Before: ", "原来："), x)}
		card.Sections = append(card.Sections, Section{Lines: []Line{text(l.who(c.actor) + " " + b.clock(b.o.Now()))}})
		return card
	}
	return reply{card: draw(c.lang, nil), more: b.announce(ctx, c, []*Flow{x.flow}, draw)}, nil
}

// schedules shows the schedule of every visible flow.
func (b *Bot) schedules(ctx context.Context, c caller) (reply, error) {
	l := c.lang
	s := Section{Bullet: true}
	flows := b.visible(c)
	for _, f := range flows[:min(len(flows), mostRuns)] {
		t, err := b.timing(ctx, f)
		if err != nil {
			return reply{}, err
		}
		s.Lines = append(s.Lines, Line{strong(f.Name), plain(l.say(": ", "：") + b.timingLine(l, t))})
	}
	if more := len(flows) - mostRuns; more > 0 {
		s.Lines = append(s.Lines, text(l.say("… and %d more", "……另有 %d 个", more)))
	}
	return reply{card: Card{Title: l.say("Schedules (time zone %s)", "定时（时区 %s）", b.o.Zone), Tone: Info, Sections: []Section{s}}}, nil
}

// nextSection lists the times to come, with their zone.
func (b *Bot) nextSection(l Lang, next []time.Time) []Section {
	if len(next) == 0 {
		return nil
	}
	s := Section{Title: l.say("Next times (time zone %s)", "接下来的时间（时区 %s）", b.o.Zone), Bullet: true}
	for _, t := range next[:min(len(next), nextTimes)] {
		s.Lines = append(s.Lines, text(b.clock(t)+" "+l.weekday(t.In(b.o.Zone))))
	}
	return []Section{s}
}

// weekday names the day of a time.
func (l Lang) weekday(t time.Time) string {
	return l.say(t.Weekday().String()[:3], "周"+string([]rune("日一二三四五六")[t.Weekday()]))
}

// timing gives when a flow runs by itself: as set in the chat, else as
// configured. Its spec is "" when the flow runs only on command.
func (b *Bot) timing(ctx context.Context, f *Flow) (run.Timing, error) {
	t, err := b.o.Service.Timing(ctx, f.Name)
	if err != nil && fault.KindOf(err) != fault.Unsupported {
		return run.Timing{}, err
	}
	if t.Spec != "" || t.By != (run.Actor{}) {
		return t, nil
	}
	t = run.Timing{Flow: f.Name, Spec: f.Schedule}
	for at := b.next(f); !at.IsZero() && len(t.Next) < nextTimes; at = f.Next(at) {
		t.Next = append(t.Next, at)
	}
	return t, nil
}

// timed writes a spec of the record: "" = only on command.
func (l Lang) timed(spec string) string {
	if spec == "" {
		return l.say("only on command", "只按命令运行")
	}
	return printable(l.when(spec), nameRunes)
}

// timingLine tells when a flow runs by itself, when next, and who chose that.
func (b *Bot) timingLine(l Lang, t run.Timing) string {
	line := l.timed(t.Spec)
	if next := nextOf(t); !next.IsZero() {
		line += l.say(", next ", "，下次 ") + b.clock(next)
	}
	if t.By.Person != "" {
		line += l.say(", set by ", "，由 ") + label(t.By.Person) + l.say("", " 设定")
		if !t.At.IsZero() {
			line += l.say(" on ", "于 ") + b.clock(t.At)
		}
	}
	return line
}
