package bot

import "context"

// brake pauses and resumes flows.
func (b *Bot) brake(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
