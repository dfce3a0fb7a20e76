package main

import (
	"context"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
)

// probed says what a good probe means: of a roster file, what it was taken for.
func probed(ctx context.Context, source connector.Source) bot.Text {
	well := bot.Text{EN: "credentials and permissions work", ZH: "凭据和权限有效"}
	roster, ok := source.(*rosterfile.Connector)
	if !ok {
		return well
	}
	seen, err := roster.Recognised(ctx)
	if err != nil {
		return well // the probe says what is wrong
	}
	say := seen.Say()
	return bot.Text{EN: say.EN, ZH: say.ZH}
}
