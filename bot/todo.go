package bot

import "context"

// todo lists what waits for the caller, the oldest first.
func (b *Bot) todo(context.Context, caller) (reply, error) { return b.notYet(), nil }

func (b *Bot) notYet() reply { return notice(Warn, "not yet / 尚未实现") }
