package feishubot

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// How long to wait between two tries to learn the bot's identity.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

const (
	// selfWait is how long a message waits for the identity: Feishu wants its
	// acknowledgement within 3 s.
	selfWait = 2 * time.Second
	// dialWait is how long the long connection waits for it. An event goes to one
	// of the connections of an app: one that cannot take messages yet is better not
	// there. But presses and direct messages need no identity, so it is not waited
	// for without end.
	dialWait = 30 * time.Second
)

// identity is the bot's own open_id, once known.
type identity struct {
	openID atomic.Pointer[string]
	wanted chan struct{} // somebody waits: try now
	known  chan struct{} // closed when it is known
	told   sync.Once
}

func (i *identity) init(openID string) {
	i.wanted, i.known = make(chan struct{}, 1), make(chan struct{})
	if openID != "" {
		i.set(openID)
	}
}

func (i *identity) set(openID string) {
	i.openID.Store(&openID)
	i.told.Do(func() { close(i.known) })
}

// wait returns when the identity is known, at the latest after most or when ctx
// ends.
func (i *identity) wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-i.known:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (i *identity) id() (string, bool) {
	if p := i.openID.Load(); p != nil {
		return *p, true
	}
	return "", false
}

// hurry ends the pause before the next try.
func (i *identity) hurry() {
	select {
	case i.wanted <- struct{}{}:
	default:
	}
}

// learn asks for the identity until it is known or ctx ends.
func (b *Bot) learn(ctx context.Context) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if _, known := b.self.id(); known {
			return
		}
		info, err := b.info(ctx)
		if err == nil {
			b.self.set(info.OpenID)
			b.o.Logger.InfoContext(ctx, "bot identity known", "system", "feishu")
			return
		}
		if ctx.Err() != nil {
			return
		}
		b.o.Logger.WarnContext(ctx, "bot identity unknown", "system", "feishu", "err", err)
		timer := time.NewTimer(max(pause, fault.After(err)))
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-b.self.wanted:
			// At most one try a second, however many messages wait.
			timer.Reset(firstPause)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		timer.Stop()
	}
}

// Info is what Feishu says about the bot.
type Info struct {
	Name   string
	OpenID string // "ou_…"
	Active bool   // enabled in the tenant
}

// info asks for it. The fields are those of GET /open-apis/bot/v3/info; its
// answer is flat, without "data".
func (b *Bot) info(ctx context.Context) (Info, error) {
	var out struct {
		Bot struct {
			Status int    `json:"activate_status"`
			Name   string `json:"app_name"`
			OpenID string `json:"open_id"`
		} `json:"bot"`
	}
	if err := b.call(ctx, request{method: "GET", path: "/open-apis/bot/v3/info", flat: true}, &out); err != nil {
		return Info{}, err
	}
	if out.Bot.OpenID == "" {
		return Info{}, fault.New(fault.Unavailable, "Feishu did not say who the bot is / 飞书没有说明机器人的身份")
	}
	return Info{Name: out.Bot.Name, OpenID: out.Bot.OpenID, Active: out.Bot.Status == activated}, nil
}

const activated = 2

// Probe tests, for make live, that the app gets a token and that its bot is
// enabled. Faults: Credential when an admin must change something (the sentence
// says what), Limited, Unavailable.
func (b *Bot) Probe(ctx context.Context) (Info, error) {
	info, err := b.info(ctx)
	if err != nil {
		return Info{}, err
	}
	if !info.Active {
		return info, fault.New(fault.Credential,
			"the Feishu app is not enabled in the tenant: publish a version and have an admin approve it"+
				" / 飞书应用没有在企业内启用：请发布版本并由管理员审核")
	}
	b.self.set(info.OpenID)
	return info, nil
}
