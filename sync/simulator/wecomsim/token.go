package wecomsim

import (
	"fmt"
	"time"
)

// secretKind says whose secret a token was made from.
type secretKind int

const (
	contacts secretKind = iota // the contacts assistant
	app                        // the self-built application
)

// token is one access token.
type token struct {
	value   string
	kind    secretKind
	expires time.Time
	revoked bool
}

// tokens keeps secrets, tokens and the wrong tries of each address.
type tokens struct {
	secrets map[string]secretKind
	current map[secretKind]*token
	issued  map[string]*token
	wrong   map[string]int
	locked  map[string]time.Time // until when
}

func newTokens(contactsSecret, appSecret string) tokens {
	return tokens{
		secrets: map[string]secretKind{contactsSecret: contacts, appSecret: app},
		current: map[secretKind]*token{},
		issued:  map[string]*token{},
		wrong:   map[string]int{},
		locked:  map[string]time.Time{},
	}
}

// ExpireTokens ends all tokens before their time: they get 42001 from now on.
func (s *Sim) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	for _, t := range s.tokens.current {
		t.expires = now
	}
	clear(s.tokens.current)
}

// RevokeTokens makes all tokens invalid: they get 40014 from now on.
func (s *Sim) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoke()
}

// ReplaceSecrets sets new secrets, as an admin does in the console. Old ones
// get 40001, and tokens made from them 40014.
func (s *Sim) ReplaceSecrets(contactsSecret, appSecret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoke()
	s.tokens.secrets = map[string]secretKind{contactsSecret: contacts, appSecret: app}
}

func (s *Sim) revoke() {
	for _, t := range s.tokens.issued {
		t.revoked = true
	}
	clear(s.tokens.current)
}

// getToken serves gettoken. Inside a token's validity the same one comes back.
func (s *Sim) getToken(c *call) (any, *Refusal) {
	now := s.options.Now()
	if until, locked := s.tokens.locked[c.ip]; locked {
		if now.Before(until) {
			return nil, refuse(codeQuota, "api freq out of limit: too many wrong secrets")
		}
		delete(s.tokens.locked, c.ip)
		delete(s.tokens.wrong, c.ip)
	}
	corp, secret := c.query.Get("corpid"), c.query.Get("corpsecret")
	switch {
	case corp == "":
		return nil, refuse(codeNoCorpID, "corpid missing")
	case secret == "":
		return nil, refuse(codeNoSecret, "corpsecret missing")
	case corp != s.options.CorpID:
		return nil, refuse(codeBadCorpID, "invalid corpid")
	}
	kind, known := s.tokens.secrets[secret]
	if !known {
		s.tokens.wrong[c.ip]++
		if s.tokens.wrong[c.ip] >= s.options.LockAfter {
			s.tokens.locked[c.ip] = now.Add(lockTime)
		}
		return nil, refuse(codeBadSecret, "invalid credential")
	}
	t := s.tokens.current[kind]
	if t == nil || !now.Before(t.expires) {
		t = &token{value: fmt.Sprintf("simtoken-%d-%d", kind, s.next()), kind: kind, expires: now.Add(s.options.TokenLife)}
		s.tokens.current[kind] = t
		s.tokens.issued[t.value] = t
	}
	return struct {
		reply
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}{replyOK, t.value, int(t.expires.Sub(now) / time.Second)}, nil
}

// authenticate finds the secret behind the call's token. The caller holds mu.
func (s *Sim) authenticate(c *call) *Refusal {
	value := c.query.Get("access_token")
	if value == "" {
		return refuse(codeNoToken, "access_token missing")
	}
	t, known := s.tokens.issued[value]
	switch {
	case !known || t.revoked:
		return refuse(codeBadToken, "invalid access_token")
	case !s.options.Now().Before(t.expires):
		return refuse(codeTokenExpired, "access_token expired")
	}
	c.kind = t.kind
	return nil
}
