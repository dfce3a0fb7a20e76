package bot

import "context"

// quietRoom gives the room whose wish for quiet keeps a letter from being sent
// now; nil when it is sent. Only ordinary notices wait, and a card that stands
// already goes on being drawn: that notifies nobody, and it must not go on
// looking alive.
func (b *Bot) quietRoom(ctx context.Context, o Outgoing, standing bool) *Room {
	if !o.Ordinary || standing || o.To != "" {
		return nil
	}
	room := b.roomOf(o)
	if room == nil {
		return nil
	}
	if b.o.Quiet != nil && b.o.Quiet(b.o.Now()) || b.muted(ctx, room) {
		return room
	}
	return nil
}

// roomOf gives the room that a letter goes to.
func (b *Bot) roomOf(o Outgoing) *Room {
	if room := b.room(o.Platform, o.Chat); room != nil && o.Chat != "" {
		return room
	}
	for i := range b.o.Rooms {
		if room := &b.o.Rooms[i]; o.Robot != "" && room.Webhook == o.Robot {
			return room
		}
	}
	return nil
}

// heldLine is what the next digest says of a letter that was not sent.
func (b *Bot) heldLine(o Outgoing) string {
	return b.clock(b.o.Now()) + " " + printable(o.Card.Title, sayRunes)
}
