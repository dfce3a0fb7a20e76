package dingtalksim

import "net/http"

// newCall wraps a contacts call of the /v1.0 family with the gateway's checks.
// Such calls cost no monthly quota. serve runs under s.mu.
func (s *Sim) newCall(permit string, serve func(*contactCall) answer) endpoint {
	return func(r *request) answer {
		if a, banned := s.refuseBanned(); banned {
			return a
		}
		c := &contactCall{path: r.URL.Path, query: r.URL.Query()}
		s.mu.Lock()
		a, refused := s.refuseFree(r, permit)
		s.mu.Unlock()
		if refused {
			return a
		}
		if r.Method != http.MethodGet {
			body, err := decodeObject(r.body)
			if err != nil || !r.isJSON() {
				return apiError(http.StatusBadRequest, "InvalidParameter", "the body is not a JSON object")
			}
			c.body = body
			s.waitAtGate(c)
		}
		s.mu.Lock()
		a = serve(c)
		s.mu.Unlock()
		s.tell(c)
		return a
	}
}

// accountCall wraps a call about one enterprise account.
func (s *Sim) accountCall(serve func(*contactCall, *User) answer) endpoint {
	return s.newCall(PermitAccounts, func(c *contactCall) answer {
		id := either(c.body.text("userId"), c.query.Get("userId"))
		if id == "" {
			return apiError(http.StatusBadRequest, "MissinguserId", "userId is mandatory for this action.")
		}
		u, refused := s.findUser(id)
		switch {
		case refused != nil && refused.Code == codeUserScope:
			return apiError(http.StatusForbidden, "Forbidden.AccessDenied.UserNotInScope", refused.Message)
		case refused != nil:
			return apiError(http.StatusBadRequest, "staffId.notExisted", refused.Message)
		case !u.Exclusive:
			return apiError(http.StatusBadRequest, "exclusive.account.only", "仅支持企业专属帐号")
		}
		return serve(c, u)
	})
}

// accountRoutes are the calls about enterprise accounts, and the record of who
// left.
func (s *Sim) accountRoutes() map[string]endpoint {
	return map[string]endpoint{
		"POST /v1.0/contact/orgAccounts/disable": s.accountCall(s.disable(true)),
		"POST /v1.0/contact/orgAccounts/enable":  s.accountCall(s.disable(false)),
		"POST /v1.0/contact/orgAccounts/signOut": s.accountCall(func(c *contactCall, u *User) answer {
			s.effect(c, Effect{User: u.ID, UserBefore: u.clone(), UserAfter: u.clone()})
			return ok(map[string]any{"result": true})
		}),
		"GET /v1.0/contact/orgAccounts/status": s.accountCall(func(_ *contactCall, u *User) answer {
			return ok(map[string]any{"disable": u.Disabled})
		}),
		"GET /v1.0/contact/empLeaveRecords": s.newCall(PermitLeavers, s.leaveRecords),
	}
}

// disable serves orgAccounts/disable and enable. Doing it twice is no error.
func (s *Sim) disable(on bool) func(*contactCall, *User) answer {
	return func(c *contactCall, u *User) answer {
		before := u.clone()
		u.Disabled = on
		s.effect(c, Effect{User: u.ID, UserBefore: before, UserAfter: u.clone()})
		return ok(map[string]any{"result": true})
	}
}
