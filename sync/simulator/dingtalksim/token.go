package dingtalksim

import (
	"net/http"
	"time"
)

// The scopes that the simulated calls ask for.
const (
	ScopeSend = "qyapi_robot_sendmsg" // the robot's own sends
	ScopeCard = "Card.Instance.Write" // interactive cards
)

// tokenLife is what the platform grants, in both families.
const tokenLife = 7200 * time.Second

// token is an access token; both families accept each other's.
type token struct {
	expires time.Time
	revoked bool
}

// RevokeTokens makes every token given out so far invalid at once.
func (s *Sim) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, t := range s.tokens {
		t.revoked = true
		s.tokens[key] = t
	}
}

// ReplaceSecret resets the app's secret, as the developer console does: the old one is
// refused from now on, and so are the tokens that it gave.
func (s *Sim) ReplaceSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.ClientSecret = secret
	for key, t := range s.tokens {
		t.revoked = true
		s.tokens[key] = t
	}
}

// knows tells whether these are the app's credentials.
func (s *Sim) knows(id, secret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id == s.opts.ClientID && secret == s.opts.ClientSecret
}

func (s *Sim) secret() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.ClientSecret
}

// issueToken gives the valid token again, extended, or a new one. The caller
// holds s.mu.
func (s *Sim) issueToken() string {
	now := s.opts.Now()
	for key, t := range s.tokens {
		if !t.revoked && now.Before(t.expires) {
			s.tokens[key] = token{expires: now.Add(tokenLife)}
			return key
		}
	}
	key := newID("")
	s.tokens[key] = token{expires: now.Add(tokenLife)}
	return key
}

func (s *Sim) serveAccessToken(r *request) answer {
	o, err := decodeObject(r.body)
	if err != nil || !r.isJSON() {
		return apiError(http.StatusBadRequest, "InvalidParameter", "the body is not a JSON object")
	}
	if !s.knows(o.text("appKey"), o.text("appSecret")) {
		return apiError(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(map[string]any{"accessToken": s.issueToken(), "expireIn": int(tokenLife.Seconds())})
}

func (s *Sim) serveGetToken(r *request) answer {
	q := r.URL.Query()
	if !s.knows(q.Get("appkey"), q.Get("appsecret")) {
		// The reference has no code for this; 40096 is what clients report.
		return oapiError(40096, "不合法的appKey或appSecret")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": 0, "errmsg": "ok", "access_token": s.issueToken(), "expires_in": int(tokenLife.Seconds()),
	}}
}

// refuseOldToken checks ?access_token= of an old-family call.
func (s *Sim) refuseOldToken(r *request) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := s.checkOldToken(r.URL.Query().Get("access_token"))
	if refused == nil {
		return answer{}, false
	}
	return refused.answer(s.contacts.opts.ErrorShape), true
}

// checkOldToken refuses a token that an old-family call cannot use. The caller
// holds s.mu.
func (s *Sim) checkOldToken(key string) *Refusal {
	t, known := s.tokens[key]
	switch {
	case key == "":
		return refuse(codeTokenMissing, "缺少access_token")
	case !known || t.revoked:
		return refuseEarly(codeBadToken, "不合法的access_token")
	case !s.opts.Now().Before(t.expires):
		return refuse(codeExpired, "access_token已过期")
	}
	return nil
}

// refuseCall checks a counted /v1.0 call like refuseFree, and takes it from the
// monthly quota. A call that is refused costs no quota. The caller holds s.mu.
func (s *Sim) refuseCall(r *request, scope string) (answer, bool) {
	if a, refused := s.refuseFree(r, scope); refused {
		return a, true
	}
	if !s.spendCall() {
		return apiError(http.StatusForbidden, "Forbidden.AccessDenied.ApiCountLimitForOrg",
			"企业本月API调用量已用完"), true
	}
	return answer{}, false
}

// refuseFree checks a /v1.0 call in the gateway's order: token, address, scope,
// calls per second. The caller holds s.mu.
func (s *Sim) refuseFree(r *request, scope string) (answer, bool) {
	key := r.Header.Get("x-acs-dingtalk-access-token")
	if key == "" {
		return apiError(http.StatusBadRequest, "InvalidAuthentication", "缺少access_token"), true
	}
	t, known := s.tokens[key]
	if !known || t.revoked || !s.opts.Now().Before(t.expires) {
		return apiError(http.StatusUnauthorized, "InvalidAuthentication", "不合法的access_token"), true
	}
	if s.contacts.opts.OutsideAllowList {
		return apiError(http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList",
			"访问IP不在白名单中"), true
	}
	if !s.permissions[scope] {
		return answer{status: http.StatusForbidden, body: map[string]any{
			"code":               "Forbidden.AccessDenied.AccessTokenPermissionDenied",
			"requestid":          newID(""),
			"message":            "应用尚未开通所需的权限：[" + scope + "]",
			"accessdenieddetail": map[string]any{"requiredScopes": []string{scope}},
		}}, true
	}
	if s.tooFast(r.Method + " " + r.URL.Path) {
		return apiError(http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
			"应用调用该接口的QPS超过限制"), true
	}
	return answer{}, false
}
