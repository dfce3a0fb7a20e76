package dingtalk

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// early is how long before its end a token is no longer used.
	early = 10 * time.Minute
	// refusedFor is how long wrong credentials are not tried again.
	refusedFor = time.Minute
)

// token is the app's access token. One caller at a time asks for it: the others
// wait for the same one.
type token struct {
	turn    chan struct{} // held by whoever looks at the fields below
	text    string
	expires time.Time
	// refused is what the vendor said of the credentials themselves; until the
	// time given it is not asked again.
	refused error
	until   time.Time
}

func newToken() *token { return &token{turn: make(chan struct{}, 1)} }

// use gives a valid token. stale is a token that the vendor has refused: it is
// given up, unless someone else has replaced it meanwhile. Faults: those of a
// read, and Credential.
func (c *Connector) use(ctx context.Context, stale string) (string, error) {
	t := c.token
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ended(ctx.Err())
	}
	defer func() { <-t.turn }()
	now := c.options.Now()
	if t.refused != nil && now.Before(t.until) {
		return "", t.refused
	}
	if t.text == stale {
		t.text = ""
	}
	if t.text != "" && now.Before(t.expires) {
		return t.text, nil
	}
	text, life, err := c.fetch(ctx)
	if err != nil {
		if fault.KindOf(err) == fault.Credential {
			t.refused, t.until, t.text = err, now.Add(refusedFor), ""
		}
		return "", err
	}
	t.refused, t.text, t.expires = nil, text, now.Add(life-min(early, life/2))
	return text, nil
}

// fetch asks for a token by the interface of the options.
func (c *Connector) fetch(ctx context.Context) (text string, life time.Duration, err error) {
	if c.options.Token == TokenOld {
		var answer oldToken
		err = c.send(ctx, call{
			method: http.MethodGet, path: pathOldToken, flat: true, noToken: true,
			query: url.Values{"appkey": {c.options.ClientID}, "appsecret": {c.options.ClientSecret}},
		}, "", &answer)
		return string(answer.Token), time.Duration(answer.Expires) * time.Second, err
	}
	var answer newerToken
	err = c.send(ctx, call{
		method: http.MethodPost, path: pathNewToken, fresh: true, noToken: true,
		body: map[string]any{"appKey": c.options.ClientID, "appSecret": c.options.ClientSecret},
	}, "", &answer)
	return string(answer.Token), time.Duration(answer.Expires) * time.Second, err
}

// The two calls for a token.
const (
	pathOldToken = "gettoken"
	pathNewToken = "v1.0/oauth2/accessToken" //nolint:gosec // a path, no secret
)

// oldToken is the answer of gettoken.
type oldToken struct {
	Token   loose  `json:"access_token"`
	Expires number `json:"expires_in"`
}

func (t *oldToken) whole() bool { return t.Token != "" }

// newerToken is the answer of oauth2/accessToken.
type newerToken struct {
	Token   loose  `json:"accessToken"`
	Expires number `json:"expireIn"`
}

func (t *newerToken) whole() bool { return t.Token != "" }
