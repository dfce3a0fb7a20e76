package bot

import "context"

// delegate lends the caller's right to approve.
func (b *Bot) delegate(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
