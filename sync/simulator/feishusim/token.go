package feishusim

import (
	"strings"
	"time"
)

// tokenState holds the tenant tokens that are alive.
type tokenState struct {
	live     map[string]time.Time // token → when it ends
	current  string
	issued   int
	disabled bool
}

// RevokeTokens makes every issued token invalid at once (99991663), as a
// secret reset does. The next token call issues a new one.
func (s *Sim) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens.live)
	s.tokens.current = ""
}

// ReplaceSecret resets the app's secret, as the developer console does: the old one
// is refused from now on (10015), and so are the tokens that it gave (99991663).
func (s *Sim) ReplaceSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.AppSecret = secret
	clear(s.tokens.live)
	s.tokens.current = ""
}

// TokensIssued counts the different tenant tokens handed out.
func (s *Sim) TokensIssued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens.issued
}

// DisableApp switches the app off (10014 on the token call, 99991662 on the
// others) or on again.
func (s *Sim) DisableApp(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.disabled = off
}

// serveToken hands out tokens: the same one while 30 minutes or more remain,
// a new one after that.
func serveToken(field string) func(*call) (any, *refusal) {
	return func(c *call) (any, *refusal) {
		var in struct {
			AppID     string `json:"app_id"`
			AppSecret string `json:"app_secret"`
		}
		if c.decode(&in) != nil || in.AppID == "" || in.AppSecret == "" {
			return nil, refuse(10003, "invalid param")
		}
		s := c.sim
		if in.AppID != s.o.AppID {
			return nil, refuse(99991543, "app_id or app_secret does not exist")
		}
		if in.AppSecret != s.o.AppSecret {
			return nil, refuse(10015, "app secret invalid")
		}
		if s.tokens.disabled {
			return nil, refuse(10014, "app unavailable")
		}
		token, left := s.issueToken(c.now)
		return flat{field: token, "expire": int(left / time.Second)}, nil
	}
}

func (s *Sim) issueToken(now time.Time) (string, time.Duration) {
	t := &s.tokens
	if end, ok := t.live[t.current]; ok && end.Sub(now) >= 30*time.Minute {
		return t.current, end.Sub(now)
	}
	t.issued++
	t.current = "t-" + s.digest("token")[:40]
	if s.o.LongToken {
		t.current += strings.Repeat("x", 3000)
	}
	t.live[t.current] = now.Add(s.o.TokenLife)
	return t.current, s.o.TokenLife
}

// authorise checks the bearer token. The caller holds the lock.
func (s *Sim) authorise(c *call) *refusal {
	token, ok := strings.CutPrefix(c.http.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return refuse(99991661, "Missing access token for authorization. Please make a request with token attached.")
	}
	if !strings.HasPrefix(token, "t-") {
		return refuse(99991671, "Invalid access token format. It must start with 't-'.")
	}
	end, ok := s.tokens.live[token]
	if !ok || !c.now.Before(end) {
		return refuse(99991663, "Invalid access token for authorization. Please make a request with token attached.")
	}
	if s.tokens.disabled {
		return refuse(99991662, "app disabled")
	}
	return nil
}
