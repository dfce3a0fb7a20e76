package bot

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/run"
)

// announce tells the rooms of some flows what was done about them elsewhere: the
// room where the caller speaks has the answer. draw makes the card for a room,
// of the flows that it may see. An announcement is no ordinary notice: it comes
// to muted rooms, too.
func (b *Bot) announce(ctx context.Context, c caller, flows []*Flow, draw func(l Lang, flows []*Flow) Card) []run.Letter {
	var letters []run.Letter
	for i := range b.o.Rooms {
		room := &b.o.Rooms[i]
		hears := slices.DeleteFunc(slices.Clone(flows), func(f *Flow) bool { return !slices.Contains(f.Rooms, room.Name) })
		if len(hears) == 0 || room == c.room {
			continue
		}
		a, ok := b.voice(audience{platform: room.Platform, chat: room.Chat, lang: b.roomLang(ctx, room), webhook: room.Webhook})
		if !ok {
			continue
		}
		o := a.to(draw(a.lang, hears))
		if !a.robot {
			o.Fallback = a.webhook
		}
		letters = append(letters, b.letter(letterID("announce", c.id, room.Name), lane(a.platform, a.where(), c.id), o))
	}
	return letters
}

// flowNames gives the names of flows.
func flowNames(flows []*Flow) []string {
	names := make([]string, 0, len(flows))
	for _, f := range flows {
		names = append(names, f.Name)
	}
	return names
}

// allFlows gives every flow.
func (b *Bot) allFlows() []*Flow {
	all := make([]*Flow, 0, len(b.o.Flows))
	for i := range b.o.Flows {
		all = append(all, &b.o.Flows[i])
	}
	return all
}
