package bot

import "context"

// choosy is a platform that refuses what goes to one chat.
type choosy struct {
	*platform
	chat  string // "" with a To: every message to a person alone
	cause error
}

func (c *choosy) Send(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	if o.Chat == c.chat && (c.chat != "" || o.To != "") {
		return "", c.cause
	}
	return c.platform.Send(ctx, o, idem, at)
}
