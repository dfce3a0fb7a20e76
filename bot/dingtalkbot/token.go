package dingtalkbot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// The platform gives the same token again, extended, while it is valid.
	renewBefore = 5 * time.Minute
	maxLife     = 24 * time.Hour
	// After a failure the next caller is told the same for a while, so that an
	// outage, or a wrong secret, is not asked for by everybody.
	failPause = 2 * time.Second
)

// tokenSource gets and keeps the app's access token. One caller asks, the
// others wait for the answer or for the end of their context.
type tokenSource struct {
	b    *Bot
	turn chan struct{} // held by whoever looks at the fields below

	value  string
	renew  time.Time
	failed error
	until  time.Time // of failed
}

func newTokenSource(b *Bot) *tokenSource {
	return &tokenSource{b: b, turn: make(chan struct{}, 1)}
}

// token gives a token that is valid for some minutes. Faults: Credential,
// Limited, Unavailable.
func (s *tokenSource) token(ctx context.Context) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fault.Wrap(fault.Unavailable, context.Cause(ctx), "interrupted while waiting for DingTalk's token / 等待钉钉令牌时被中断")
	}
	defer func() { <-s.turn }()
	now := s.b.o.Now()
	if s.value != "" && now.Before(s.renew) {
		return s.value, nil
	}
	if s.failed != nil && now.Before(s.until) {
		return "", s.failed
	}
	value, life, err := s.fetch(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.failed, s.until = err, now.Add(failPause)
		}
		return "", err
	}
	s.value, s.renew, s.failed = value, now.Add(life-min(renewBefore, life/4)), nil
	return value, nil
}

// invalidate forgets a token that a call has refused, unless it was replaced
// meanwhile.
func (s *tokenSource) invalidate(value string) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.value == value {
		s.value = ""
	}
}

// fetch asks for a token. Source: the vendor's page "access token of an
// internal app".
func (s *tokenSource) fetch(ctx context.Context) (string, time.Duration, error) {
	body := map[string]string{"appKey": s.b.o.ClientID, "appSecret": s.b.o.ClientSecret}
	a, err := s.b.exchange(ctx, request{
		method: http.MethodPost, url: s.b.o.APIURL + "/v1.0/oauth2/accessToken", body: body,
	})
	if err != nil {
		return "", 0, err
	}
	if a.status != http.StatusOK {
		return "", 0, tokenFault(a)
	}
	var out struct {
		Token  string `json:"accessToken"`
		Expire number `json:"expireIn"` // seconds
	}
	if json.Unmarshal(a.raw, &out) != nil || out.Token == "" || out.Expire <= 0 {
		return "", 0, a.apiFault(errors.New("no token in the answer"))
	}
	return out.Token, min(time.Duration(min(int64(out.Expire), int64(maxLife/time.Second)))*time.Second, maxLife), nil
}

// tokenFault knows the refusals of the token call.
func tokenFault(a *answer) error {
	f := a.apiFault(nil)
	lower := strings.ToLower(f.Code)
	if strings.Contains(lower, "clientid") || strings.Contains(lower, "appkey") || strings.Contains(lower, "secret") || lower == "invalidauthentication" {
		f.Kind = fault.Credential
		f.Say = "DingTalk does not accept the app's credentials: check client_id and client_secret" +
			" / 钉钉不接受应用凭据，请核对 client_id 和 client_secret"
	}
	return f
}
