package bot

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// alarm says what people must know at once.
func (b *Bot) alarm(ctx context.Context, e run.Event) ([]run.Letter, error) {
	if !b.news(e) {
		return nil, nil
	}
	r, _, err := b.o.Service.Get(ctx, e.Run)
	if err != nil && (passing(err) || r.Code == "") {
		return nil, err
	}
	var letters []run.Letter
	for _, a := range b.hearers(ctx, r) {
		l := a.lang
		title := l.say("Alarm %s · %s", "告警 %s · %s", r.Code, r.Flow)
		if r.Glass != (run.Actor{}) {
			title = l.say("Alarm %s · glass broken · %s", "告警 %s · 紧急放行 · %s", r.Code, r.Flow)
		}
		card := notice(Danger, title, printable(masked(l.alarm(e.Say)), sayRunes)).card
		letters = append(letters, b.summon("alarm", e, a, summons{card: card, mention: b.staffOf(r.Flow, a.platform)}))
	}
	return letters, nil
}

// summons is a short message that calls people.
type summons struct {
	card    Card
	mention []string
	asks    run.Code // the run that waits for a vote, when it asks for one
}

// summon addresses a summons: one for each event and chat.
func (b *Bot) summon(kind string, e run.Event, a audience, s summons) run.Letter {
	o := a.to(s.card)
	o.Fallback, o.Asks = a.webhook, s.asks
	if a.robot {
		o.Fallback = ""
	} else {
		o.Mention = s.mention
	}
	return b.letter(letterID(kind, strconv.FormatInt(e.Seq, 10), a.where()), lane(a.platform, a.where(), string(e.Run)), o)
}

// remind calls those who can still vote on a run that waits.
func (b *Bot) remind(ctx context.Context, e run.Event) ([]run.Letter, error) {
	return b.summonAll(ctx, e, "remind", func(sc scene, a audience) (summons, bool) {
		l, r := sc.lang, sc.run
		if !sc.open() || !r.Expires.IsZero() && !r.Expires.After(b.o.Now()) {
			return summons{}, false
		}
		left := l.say("%s left", "还有 %s", l.span(r.Expires.Sub(b.o.Now())))
		lines := append([]string{left}, b.callToVote(sc)...)
		card := notice(Waits, l.say("Still waits: %s · %s", "仍在等待批准：%s · %s", r.Code, sc.danger()), lines...).card
		return summons{card, b.accountsOf(b.wanted(sc), a.platform), r.Code}, true
	})
}

// cools tells that a run has all it needs, and when it begins: who wants to stop
// it has until then.
func (b *Bot) cools(ctx context.Context, e run.Event) ([]run.Letter, error) {
	return b.summonAll(ctx, e, "cools", func(sc scene, a audience) (summons, bool) {
		l, r := sc.lang, sc.run
		if r.State != run.Awaiting || !r.NotBefore.After(b.o.Now()) {
			return summons{}, false
		}
		names := []string{r.By.Person}
		for _, v := range approvals(r, sc.votes) {
			names = append(names, v.By.Person)
		}
		card := notice(Danger, l.say("Cooling off: %s · %s", "冷静期：%s · %s", r.Code, sc.danger()),
			l.say("All is there; it begins by itself at %s.", "条件已齐，%s 自动开始执行。", b.hour(r.NotBefore)),
			l.say("To stop it: cancel %s", "要停下请发：取消 %s", r.Code)).card
		return summons{card: card, mention: b.accountsOf(names, a.platform)}, true
	})
}

// summonAll makes a summons for every chat that hears of the event's run.
func (b *Bot) summonAll(ctx context.Context, e run.Event, kind string, of func(scene, audience) (summons, bool)) ([]run.Letter, error) {
	if !b.news(e) {
		return nil, nil
	}
	r, p, err := b.o.Service.Get(ctx, e.Run)
	if err != nil && (passing(err) || r.Code == "") {
		return nil, err
	}
	if err != nil { // the plan is damaged: its run waits all the same
		p = nil
	}
	sc, err := b.scene(ctx, r, p)
	if err != nil {
		return nil, err
	}
	var letters []run.Letter
	for _, a := range b.hearers(ctx, r) {
		sc.lang, sc.can = a.lang, a.can
		if s, is := of(sc, a); is {
			letters = append(letters, b.summon(kind, e, a, s))
		}
	}
	return letters, nil
}

// alarm picks the language of an alarm: "name: English / 中文".
func (l Lang) alarm(say string) string {
	name, sentence, named := strings.Cut(say, ": ")
	if !named || strings.Contains(name, " / ") {
		return l.of(say)
	}
	return name + l.say(": ", "：") + l.of(sentence)
}

// staffOf gives the accounts of the flow's operators and admins.
func (b *Bot) staffOf(flow string, on run.Platform) []string {
	var ids []string
	for i := range b.o.People {
		if p := &b.o.People[i]; p.May(run.Operator, flow) && p.Account(on) != "" {
			ids = append(ids, p.Account(on))
		}
	}
	return ids
}

// accountsOf gives the accounts of persons on a platform, each once.
func (b *Bot) accountsOf(names []string, on run.Platform) []string {
	var ids []string
	for _, name := range names {
		if id := b.accountOf(name, on); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
