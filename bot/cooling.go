package bot

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// waits says what a plan of tier 3 still needs.
func (b *Bot) waits(sc scene) Section {
	l, r := sc.lang, sc.run
	if r.State != run.Awaiting || r.Tier < stepUpTier {
		return Section{}
	}
	s := Section{Title: l.say("What it still needs", "还需要什么"), Bullet: true}
	votes := l.say("Votes: all there", "票数：已够")
	if missing := sc.missing(); missing > 0 {
		votes = l.say("Votes: %d more", "票数：还差 %d 票", missing)
	}
	s.Lines = append(s.Lines, text(votes))
	s.Lines = append(s.Lines, b.stepUp(sc)...)
	s.Lines = append(s.Lines, b.coolsOff(sc)...)
	return s
}

// stepUp says whether the run is confirmed outside the chat, and how that is done.
func (b *Bot) stepUp(sc scene) []Line {
	l, r := sc.lang, sc.run
	if r.StepUp.Person != "" {
		return []Line{text(l.say("Confirmation outside the chat: done by %s", "群外确认：%s 已完成", b.voter(l, r.StepUp.Person)))}
	}
	who, able := b.confirmers(sc)
	if len(able) == 0 {
		return []Line{{
			strong(l.say("Confirmation outside the chat: nobody who votes has a one-time password. Make one: ", "群外确认：投票的人都还没有一次性密码，请先生成：")),
			code("rollcall person totp " + l.say("NAME", "姓名")),
		}}
	}
	var cmd strings.Builder
	cmd.WriteString("rollcall approve " + string(r.Code) + " --person " + quoted(who))
	for _, f := range []struct {
		name string
		n    int
	}{{" --delete N", r.Counts.Delete}, {" --disable N", r.Counts.Disable}} {
		if f.n > 0 {
			cmd.WriteString(f.name)
		}
	}
	if r.Counts.Destructive() == 0 {
		cmd.WriteString(" --total N")
	}
	return []Line{
		{plain(l.say("Confirmation outside the chat: not yet. One of the voters runs, where Rollcall runs: ", "群外确认：还没有。请一位投票的人在运行 Rollcall 的机器上执行：")), code(cmd.String())},
		text(l.say("Who can confirm: ", "可以确认的人：") + l.list(able)),
	}
}

// confirmers gives whose name stands in the command that confirms, and everybody
// who could: those who have voted, before those who can.
func (b *Bot) confirmers(sc scene) (first string, able []string) {
	add := func(name string) {
		for i := range b.o.People {
			if p := &b.o.People[i]; p.Name == name && p.TOTP {
				if first == "" {
					first = p.Name
				}
				able = append(able, label(p.Name))
			}
		}
	}
	for _, v := range approvals(sc.run, sc.votes) {
		add(v.By.Person)
	}
	for _, name := range sc.voters.names {
		add(name)
	}
	return first, able
}

// coolsOff says when a run may begin that has all it needs.
func (b *Bot) coolsOff(sc scene) []Line {
	l, r := sc.lang, sc.run
	if r.NotBefore.IsZero() {
		return []Line{text(l.say("Cooling off: ten minutes, once all else is there", "冷静期：前面都齐了以后再等 10 分钟"))}
	}
	left := r.NotBefore.Sub(b.o.Now())
	if left <= 0 {
		return []Line{{strong(l.say("Cooling off: over, it begins now", "冷静期：已结束，马上开始执行"))}}
	}
	return []Line{
		{strong(l.say("Cooling off until %s (%s left); then it begins by itself.", "冷静期到 %s（还有 %s），之后自动开始执行。", b.hour(r.NotBefore), l.span(left)))},
		{plain(l.say("To stop it: ", "要停下请发：")), code(l.say("cancel %s", "取消 %s", r.Code))},
	}
}

// tierWords says what a tier asks for.
func (sc scene) tierWords() string {
	l := sc.lang
	switch {
	case sc.run.Tier >= stepUpTier:
		return l.say("Tier 3, more than votes in the chat can carry: two persons, a confirmation outside the chat, then ten minutes to think again.", "第 3 级，只在群里投票不够：要两个人批准、一次群外确认，然后冷静 10 分钟。")
	case sc.run.Tier == redTier:
		return l.say("Tier 2: two persons, each of whom types the counts and has seen every name.", "第 2 级：要两个人批准，各自写出人数，并且看过全部名单。")
	default:
		return ""
	}
}
