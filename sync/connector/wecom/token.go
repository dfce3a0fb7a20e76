package wecom

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// The credentials' names, as the configuration has them.
const (
	contactsName = "contacts_secret"
	appName      = "app_secret"
)

// early is how long before its end a token is no longer used.
const early = 5 * time.Minute

// credential is one secret and the token that it gave. One caller at a time
// asks for a token: the others wait for the same one.
type credential struct {
	name   string
	secret string

	turn    chan struct{} // held by whoever looks at the fields below
	token   string
	expires time.Time
	// refused is set once the vendor refused the secret itself. It is not asked
	// again until the process starts anew: repeated wrong secrets lock the
	// address out for an hour.
	refused error
}

func newCredential(name, secret string) *credential {
	return &credential{name: name, secret: secret, turn: make(chan struct{}, 1)}
}

// lock takes the credential's turn, or gives up with ctx.
func (k *credential) lock(ctx context.Context) error {
	select {
	case k.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *credential) unlock() { <-k.turn }

// use gives a valid token. stale is a token that the vendor has refused: it is
// given up, unless someone else has replaced it meanwhile. Faults: those of a
// read, and Credential.
func (c *Connector) use(ctx context.Context, k *credential, stale string) (string, error) {
	if err := k.lock(ctx); err != nil {
		return "", ended(err)
	}
	defer k.unlock()
	if k.refused != nil {
		return "", k.refused
	}
	if k.token == stale {
		k.token = ""
	}
	if k.token != "" && c.options.Now().Before(k.expires) {
		return k.token, nil
	}
	var answer tokenReply
	err := c.send(ctx, call{
		method: http.MethodGet, path: "gettoken", key: k,
		query: url.Values{"corpid": {c.options.CorpID}, "corpsecret": {k.secret}},
	}, "", &answer)
	if err != nil {
		if secretRefused(err) {
			k.refused = err
		}
		return "", err
	}
	life := time.Duration(answer.Expires) * time.Second
	k.token, k.expires = answer.Token, c.options.Now().Add(life-min(early, life/2))
	return k.token, nil
}

// refuse remembers that the vendor refuses the secret itself.
func (k *credential) refuse(err error) {
	k.turn <- struct{}{}
	defer k.unlock()
	k.refused, k.token = err, ""
}

// tokenReply is the answer of gettoken.
type tokenReply struct {
	reply
	Token   string `json:"access_token"`
	Expires int64  `json:"expires_in"`
}

func (t *tokenReply) whole() bool { return t.Token != "" }
