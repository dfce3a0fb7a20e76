package bot

import "context"

// schedule shows and sets when flows run by themselves.
func (b *Bot) schedule(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
