package wecomsim

import "time"

// Wrong lookups by mobile above a fifth of the headcount block the call for a
// day. So that a tiny corp can be tested at all, the first ten are free.
const (
	lookupShare = 5
	lookupFree  = 10
	lookupBlock = 24 * time.Hour
)

// lookups counts the wrong lookups by mobile.
type lookups struct {
	wrong        int
	blockedUntil time.Time
}

// userByMobile serves user/getuserid.
func (s *Sim) userByMobile(c *call) (any, *Refusal) {
	var request struct {
		Mobile string `json:"mobile"`
	}
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	now := s.options.Now()
	if now.Before(s.lookups.blockedUntil) {
		return nil, refuse(codeQuota, "api freq out of limit: too many wrong mobiles")
	}
	if !validMobile(request.Mobile) {
		return nil, refuse(codeBadMobile, "invalid mobile")
	}
	key, found := s.book.mobiles[mobileKey(request.Mobile)]
	answer, refusal := s.foundUser(c, key, found)
	if refusal != nil {
		s.lookups.wrong++
		if s.lookups.wrong > lookupFree && s.lookups.wrong > len(s.book.users)/lookupShare {
			s.lookups = lookups{blockedUntil: now.Add(lookupBlock)}
		}
	}
	return answer, refusal
}

// userByEmail serves user/get_userid_by_email.
func (s *Sim) userByEmail(c *call) (any, *Refusal) {
	var request struct {
		Email string `json:"email"`
		Type  *int   `json:"email_type"`
	}
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	kind := 1
	take(&kind, request.Type)
	switch {
	case !validEmail(request.Email):
		return nil, refuse(codeBadEmail, "invalid email")
	case kind == 1:
		key, found := s.book.bizMail[fold(request.Email)]
		return s.foundUser(c, key, found)
	case kind == 2:
		key, found := s.book.emails[fold(request.Email)]
		return s.foundUser(c, key, found)
	default:
		return nil, badParameter("email_type")
	}
}

func (s *Sim) foundUser(c *call, key string, found bool) (any, *Refusal) {
	if !found || !s.sight(c).user(s.book.users[key]) {
		return nil, refuse(codeNoSuchUser, "user no exist")
	}
	return struct {
		reply
		UserID string `json:"userid"`
	}{replyOK, s.book.users[key].ID}, nil
}
