package bot

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// everything stands for all flows.
const everything = "*"

// Room is a chat group, bound by its id to flows.
type Room struct {
	Name     string
	Platform run.Platform
	Chat     string   // the platform's id of the chat; "" = the room has a webhook and no bot
	Lang     Lang     // "" = Options.Lang
	Flows    []string // that may be commanded here; "*" = all
	Webhook  string   // name of the signed robot that speaks digests, and when the bot cannot; "" = none
}

// commands tells whether the flow may be started here.
func (r *Room) commands(f *Flow) bool {
	return slices.Contains(r.Flows, everything) || slices.Contains(r.Flows, f.Name)
}

// shows tells whether the flow's runs may be seen and decided here.
func (r *Room) shows(f *Flow) bool { return r.commands(f) || slices.Contains(f.Rooms, r.Name) }

// Text is a sentence in both languages.
type Text struct{ ZH, EN string }

func (t Text) in(l Lang) string { return l.say(t.EN, t.ZH) }

// Flow is what the conversation knows of a configured flow.
type Flow struct {
	Name     string
	From, To string   // names of the systems, for people
	Rooms    []string // names of the rooms that hear of its runs and vote
	Schedule string   // for people; "" = only on command
	// Next gives the next scheduled time after one; nil = only on command.
	Next func(after time.Time) time.Time
	// DeleteMeans and DisableMeans say what becomes of an account in the target,
	// and whether that can be undone.
	DeleteMeans  Text
	DisableMeans Text
	Paused       bool
	Expires      time.Duration // of an approval
}

// DigestPlan says when which rooms get a digest.
type DigestPlan struct {
	Rooms        []string       // names
	Hour, Minute int            // wall clock of Zone
	Days         []time.Weekday // nil = every day
	Lang         Lang           // "" = each room's
	Zone         *time.Location // nil = Options.Zone
}

// room gives the bound room that a message came from.
func (b *Bot) room(platform run.Platform, chat string) *Room { return b.rooms[place{platform, chat}] }

// flow gives a flow by its name, in any case.
func (b *Bot) flow(name string) *Flow { return b.flows[fold(name)] }

// audience is a chat that hears of a run.
type audience struct {
	platform run.Platform
	chat     string
	replyTo  string
	lang     Lang
	webhook  string
	asked    bool // the run was asked for here
	can      Abilities
	robot    bool // only the webhook speaks here
}

// audiences gives the chats that hear of a run: where it was asked for, and the
// rooms of its flow.
func (b *Bot) audiences(r run.Run) []audience {
	var all []audience
	if r.Thread.Chat != "" {
		a := audience{platform: r.Thread.Platform, chat: r.Thread.Chat, replyTo: r.Thread.Message, lang: b.o.Lang, asked: true}
		if room := b.room(a.platform, a.chat); room != nil {
			a.lang, a.webhook = room.Lang, room.Webhook
		}
		all = append(all, a)
	}
	if f := b.flow(r.Flow); f != nil {
		for _, name := range f.Rooms {
			room := b.named[name]
			if room.Platform == r.Thread.Platform && room.Chat == r.Thread.Chat && room.Chat != "" {
				continue
			}
			all = append(all, audience{platform: room.Platform, chat: room.Chat, lang: room.Lang, webhook: room.Webhook})
		}
	}
	reached := all[:0]
	for _, a := range all {
		if a, ok := b.voice(a); ok {
			reached = append(reached, a)
		}
	}
	return reached
}

// voice finds out who can speak to the chat, and what can be drawn there.
func (b *Bot) voice(a audience) (audience, bool) {
	if p, there := b.platforms[a.platform]; there && a.chat != "" {
		a.can = p.Can()
		return a, true
	}
	a.robot = true
	return a, a.webhook != ""
}
