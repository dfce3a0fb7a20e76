package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// DigestSetting says when a room gets its digest, as an admin set it in the
// chat. It is the value of the setting run.SetDigest that is named by the room,
// and goes before every DigestPlan of the configuration for that room.
type DigestSetting struct {
	At   string         `json:"at,omitempty"`   // "09:10", wall clock of Options.Zone; "" when Off
	Days []time.Weekday `json:"days,omitempty"` // nil = every day
	Off  bool           `json:"off,omitempty"`  // no digest here
}

// Clock gives the hour and minute of the digest; false when there is none.
func (d DigestSetting) Clock() (hour, minute int, ok bool) {
	at, err := time.Parse("15:04", d.At)
	if d.Off || err != nil {
		return 0, 0, false
	}
	return at.Hour(), at.Minute(), true
}

// roomMute is the value of the setting run.SetMute that is named by the room.
type roomMute struct {
	Until time.Time `json:"until"`
}

// setting reads what was set under a name into value; false when nothing was.
// A value that cannot be read counts as nothing, and is logged.
func (b *Bot) setting(ctx context.Context, kind run.SettingKind, name string, value any) (bool, error) {
	all, err := b.o.Mailbox.Settings(ctx, kind)
	if err != nil {
		return false, fmt.Errorf("read settings: %w", err)
	}
	i := slices.IndexFunc(all, func(s run.Setting) bool { return s.Name == name })
	if i < 0 {
		return false, nil
	}
	if err := json.Unmarshal(all[i].Value, value); err != nil {
		b.o.Logger.ErrorContext(ctx, "setting cannot be read", "kind", kind, "err", err)
		return false, nil
	}
	return true, nil
}

// kept is setting for what may be done without when the record does not answer.
func (b *Bot) kept(ctx context.Context, kind run.SettingKind, name string, value any) bool {
	there, err := b.setting(ctx, kind, name, value)
	if err != nil {
		b.o.Logger.WarnContext(ctx, "setting is not known now", "kind", kind, "err", err)
	}
	return there
}

// set keeps a value under a name.
func (b *Bot) set(ctx context.Context, s run.Setting, value any) error {
	var err error
	if s.Value, err = json.Marshal(value); err != nil {
		return fmt.Errorf("encode setting: %w", err)
	}
	s.At = b.o.Now()
	return b.o.Mailbox.Set(ctx, s)
}

// mutedUntil gives the end of a room's mute; the zero time when ordinary notices
// are welcome.
func (b *Bot) mutedUntil(ctx context.Context, room *Room) time.Time {
	var m roomMute
	if room == nil || !b.kept(ctx, run.SetMute, room.Name, &m) || !b.o.Now().Before(m.Until) {
		return time.Time{}
	}
	return m.Until
}

// muted tells whether ordinary notices stay out of a room now. When that cannot
// be known they come.
func (b *Bot) muted(ctx context.Context, room *Room) bool { return !b.mutedUntil(ctx, room).IsZero() }

// roomLang gives the language of a room: as set in the chat, else as configured.
func (b *Bot) roomLang(ctx context.Context, room *Room) Lang {
	if l, chosen := b.chosenLang(ctx, room); chosen {
		return l
	}
	return room.Lang
}

// chosenLang gives the language of a room that was set in the chat.
func (b *Bot) chosenLang(ctx context.Context, room *Room) (Lang, bool) {
	var l Lang
	chosen := b.kept(ctx, run.SetRoomLang, room.Name, &l) && l.known()
	return l, chosen
}

// langOf gives the language in which a caller is answered where he speaks: the
// room's, or alone his own when he chose one; else what the caller has.
func (b *Bot) langOf(ctx context.Context, c caller) Lang {
	if c.room != nil {
		return b.roomLang(ctx, c.room)
	}
	if l, chosen := b.ownLang(ctx, c); chosen {
		return l
	}
	return c.lang
}

// ownLang gives the language that a person chose for himself.
func (b *Bot) ownLang(ctx context.Context, c caller) (Lang, bool) {
	var l Lang
	if c.person == nil || !c.m.Direct || !b.kept(ctx, run.SetLang, c.person.Name, &l) || !l.known() {
		return "", false
	}
	return l, true
}

func (l Lang) known() bool { return l == ZH || l == EN }

// inTongue gives audiences the language that was set for their rooms in the
// chat.
func (b *Bot) inTongue(ctx context.Context, all []audience) []audience {
	for i := range all {
		if room := b.room(all[i].platform, all[i].chat); room != nil {
			all[i].lang = b.roomLang(ctx, room)
		}
	}
	return all
}
