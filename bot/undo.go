package bot

import "context"

// undo plans the inverse of a run.
func (b *Bot) undo(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
