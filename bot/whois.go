package bot

import "context"

// whois tells what is known of a person, to the caller alone.
func (b *Bot) whois(context.Context, caller, Command) (reply, error) { return b.notYet(), nil }
