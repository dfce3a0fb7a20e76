package bot

import (
	"context"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// brake pauses and resumes flows. Whoever may do it may do it in every room that
// sees the flow: the brake is cheap on purpose.
func (b *Bot) brake(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(cmd.Verb)
	if cmd.Flow == everything {
		if !permits(s, c.person, &Flow{Name: everything}) {
			return b.notEverything(c, s), nil
		}
		return b.pull(ctx, c, cmd, b.allFlows())
	}
	f, ok := b.seen(c, cmd.Flow)
	switch {
	case !ok:
		return b.noFlow(c, s, cmd.Flow), nil
	case !permits(s, c.person, f):
		return b.lacks(c, s, f), nil
	}
	cmd.Flow = f.Name
	return b.pull(ctx, c, cmd, []*Flow{f})
}

func (b *Bot) pull(ctx context.Context, c caller, cmd Command, flows []*Flow) (reply, error) {
	if cmd.Verb == Resume {
		return b.resume(ctx, c, cmd, flows)
	}
	return b.halt(ctx, c, cmd, flows)
}

// notEverything refuses "all" to somebody who has the role for some flows only.
func (b *Bot) notEverything(c caller, s spec) reply {
	l := c.lang
	lines := []string{l.say("You lack the role %s for every flow.", "你没有全部流程的“%s”角色。", s.need(l))}
	flows := b.usable(c, s)
	for _, f := range flows[:min(len(flows), mostHints)] {
		lines = append(lines, l.say("You can send: ", "你可以发：")+Command{Verb: s.verb, Lang: l, Flow: f.Name, Typed: run.NotRestated()}.String())
	}
	return notice(Warn, l.say("Cannot run “%s all”", "不能执行“%s 全部”", s.name(l)), append(lines, b.grant(l, ""), c.ids(l))...)
}

// halt pauses flows.
func (b *Bot) halt(ctx context.Context, c caller, cmd Command, flows []*Flow) (reply, error) {
	until, err := cmd.until(b.o.Now(), b.o.Zone)
	if err != nil {
		return notice(Warn, c.lang.say("Not paused", "没有暂停"), c.lang.sentence(err)), nil
	}
	p := run.Pause{Flow: cmd.Flow, Until: until, Why: undivided(cmd.Reason), By: c.actor}
	if err := b.o.Service.Pause(ctx, p); err != nil {
		return b.refused(c, cmd, subject{run: run.Run{Flow: cmd.Flow}}, err)
	}
	p.At = b.o.Now()
	r := reply{card: b.pausedCard(c.lang, p, flows)}
	open, err := b.runs(ctx, c, run.Filter{Flow: oneFlow(cmd.Flow), States: []run.State{run.Applying, run.Awaiting}})
	if err != nil {
		b.o.Logger.WarnContext(ctx, "open runs are not known", "err", err) // the pause holds all the same
	}
	if len(open) > 0 {
		s := b.runList(c.lang, open)
		s.Title = c.lang.say("Held by this: what is being applied stops before its next change", "受影响的运行：执行中的会在下一项变更之前停下")
		r.card.Sections = append(r.card.Sections, s)
	}
	r.more = b.announce(ctx, c, flows, func(l Lang, flows []*Flow) Card { return b.pausedCard(l, p, flows) })
	return r, nil
}

// oneFlow gives the flow of a filter: "" for all.
func oneFlow(name string) string {
	if name == everything {
		return ""
	}
	return name
}

// pausedCard says that flows are paused, by whom, until when and why.
func (b *Bot) pausedCard(l Lang, p run.Pause, flows []*Flow) Card {
	name := l.list(flowNames(flows))
	if p.Flow == everything {
		name = l.say("every flow", "全部流程")
	}
	resume := Command{Verb: Resume, Lang: l, Flow: p.Flow, Typed: run.NotRestated()}.String()
	s := Section{Lines: []Line{
		text(b.pauseLine(l, p)),
		text(l.say("Nothing is changed from now on. Plans can still be made.", "从现在起不再改动任何账号；仍可以预演。")),
		{plain(l.say("To go on: ", "要继续请发：")), code(resume)},
	}}
	return Card{Title: l.say("Paused: %s", "已暂停：%s", name), Tone: Warn, Plain: true, Sections: []Section{s}}
}

// pauseLine tells of one pause in one line.
func (b *Bot) pauseLine(l Lang, p run.Pause) string {
	who := l.who(p.By)
	if p.Auto {
		who = l.say("safety stop", "安全停止")
	}
	line := who + " " + b.clock(p.At)
	if p.Until.IsZero() {
		line += l.say(" · until somebody resumes it", " · 直到有人恢复")
	} else {
		line += l.say(" · until ", " · 到 ") + b.clock(p.Until)
	}
	if p.Why != "" {
		line += l.say(" · why: ", " · 原因：") + printable(masked(l.of(p.Why)), sayRunes)
	}
	return line
}

// pauses gives the pauses that hold now.
func (b *Bot) pauses(ctx context.Context) ([]run.Pause, error) {
	all, err := b.o.Service.Pauses(ctx)
	if fault.KindOf(err) == fault.Unsupported { // nothing can be paused
		return nil, nil
	}
	return all, err
}

// covering gives the pauses of a flow among some.
func covering(all []run.Pause, flow string) []run.Pause {
	return slices.DeleteFunc(slices.Clone(all), func(p run.Pause) bool { return !p.Covers(flow) })
}

// resume ends a pause, and tells what still holds and what runs next.
func (b *Bot) resume(ctx context.Context, c caller, cmd Command, flows []*Flow) (reply, error) {
	err := b.o.Service.Resume(ctx, cmd.Flow, c.actor)
	none := fault.KindOf(err) == fault.NotFound
	if err != nil && !none {
		return b.refused(c, cmd, subject{run: run.Run{Flow: cmd.Flow}}, err)
	}
	l := c.lang
	name := l.list(flowNames(flows))
	if cmd.Flow == everything {
		name = l.say("every flow", "全部流程")
	}
	card := Card{Title: l.say("Resumed: %s", "已恢复：%s", name), Tone: Good, Plain: true}
	if none {
		card.Title, card.Tone = l.say("There is no pause of %s to end", "%s 没有可以结束的暂停", name), Info
	}
	left, err := b.pauses(ctx)
	if err == nil {
		var held bool
		if card.Sections, held, err = b.afterwards(ctx, c, flows, left); held {
			card.Tone = Warn
		}
	}
	switch {
	case err != nil && none:
		return reply{}, err
	case err != nil: // it is resumed all the same
		b.o.Logger.WarnContext(ctx, "what a pause left is not known", "err", err)
		card.Tone = Warn
		card.Sections = []Section{{Lines: []Line{text(l.say("Whether another pause holds cannot be read now: send “status”.", "现在读不到是否还有别的暂停：请发“状态”。"))}}}
	}
	r := reply{card: card}
	if !none {
		r.more = b.announce(ctx, c, flows, func(l Lang, flows []*Flow) Card {
			told := notice(Info, l.say("Resumed: %s", "已恢复：%s", l.list(flowNames(flows))), l.who(c.actor)+" "+b.clock(b.o.Now())).card
			if still, _ := b.stillHeld(l, flows, left); len(still) > 0 {
				told.Sections = append(told.Sections, Section{Title: l.say("Still paused", "仍然暂停"), Lines: still, Bullet: true})
			}
			return told
		})
	}
	return r, nil
}

// afterwards tells what still holds flows, if anything does, and what runs next.
func (b *Bot) afterwards(ctx context.Context, c caller, flows []*Flow, left []run.Pause) (told []Section, held bool, err error) {
	l, shown := c.lang, b.shownHere(c, flows)
	still, free := b.stillHeld(l, shown, left)
	hidden := slices.DeleteFunc(slices.Clone(flows), func(f *Flow) bool {
		return slices.Contains(shown, f) || !f.Paused && len(covering(left, f.Name)) == 0
	})
	if n := len(hidden); n > 0 { // this room may not see which
		still = append(still, text(l.say("… and %d more, not of this room", "……另有 %d 个，不属于本群", n)))
	}
	if len(still) > 0 {
		told = append(told, Section{Title: l.say("Still paused", "仍然暂停"), Lines: still, Bullet: true})
	}
	next, err := b.upcoming(ctx, c, free)
	if len(next) > 0 {
		told = append(told, Section{Title: l.say("What runs next", "接下来会运行"), Lines: next, Bullet: true})
	}
	return told, len(still) > 0, err
}

// stillHeld sorts flows into those that are paused all the same, with the way on,
// and those that run.
func (b *Bot) stillHeld(l Lang, flows []*Flow, left []run.Pause) (still []Line, free []*Flow) {
	for _, f := range flows {
		all := covering(left, f.Name)
		for _, p := range all {
			resume := Command{Verb: Resume, Lang: l, Flow: p.Flow, Typed: run.NotRestated()}.String()
			still = append(still, Line{strong(f.Name), plain(l.say(": ", "：") + b.pauseLine(l, p) + l.say(" · to go on: ", " · 要继续请发：")), code(resume)})
		}
		if f.Paused {
			still = append(still, Line{strong(f.Name), plain(l.say(": by the configuration (paused: true)", "：配置里写着 paused: true"))})
		}
		if len(all) == 0 && !f.Paused {
			free = append(free, f)
		}
	}
	return still, free
}

// upcoming tells of open runs, and when flows run next by themselves.
func (b *Bot) upcoming(ctx context.Context, c caller, flows []*Flow) ([]Line, error) {
	var lines []Line
	for _, f := range flows {
		if _, ok := b.seen(c, f.Name); !ok {
			continue
		}
		open, err := b.active(ctx, c, f.Name)
		if err != nil {
			return nil, err
		}
		for _, r := range open[:min(len(open), mostHints)] {
			lines = append(lines, text(b.runLine(c.lang, r)))
		}
		t, err := b.timing(ctx, f)
		if err != nil {
			return nil, err
		}
		lines = append(lines, Line{strong(f.Name), plain(c.lang.say(": ", "：") + b.timingLine(c.lang, t))})
	}
	return lines[:min(len(lines), mostRuns)], nil
}

// nextOf gives the first of the next times, the zero time when there is none.
func nextOf(t run.Timing) time.Time {
	if len(t.Next) == 0 {
		return time.Time{}
	}
	return t.Next[0]
}
