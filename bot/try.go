package bot

import "context"

// try lets a flow's rule judge one person; the answer goes to the caller alone.
func (b *Bot) try(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
