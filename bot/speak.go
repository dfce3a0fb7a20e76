package bot

import "context"

// speak sets a language.
func (b *Bot) speak(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }

// mute keeps ordinary notices out of a room for a while.
func (b *Bot) mute(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
