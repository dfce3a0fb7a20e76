package bot

import "context"

// examine asks the doctor.
func (b *Bot) examine(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
