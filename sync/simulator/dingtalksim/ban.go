package dingtalksim

import (
	"net/http"
	"time"
)

// The platform's figures of a ban.
const (
	banWindow = 20 * time.Second
	banTime   = 5 * time.Minute
)

// banPage is what a banned address sees of the old family when it is not JSON.
const banPage = "<!DOCTYPE html><html><head><title>访问被拒绝</title></head><body><h1>405</h1>" +
	"<p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。</p></body></html>"

// Ban refuses every contacts call of the caller's address for a while, or
// lifts a ban when d is not positive.
func (s *Sim) Ban(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contacts.banned = s.opts.Now().Add(d)
}

// refuseBanned counts a call of the address and refuses it while banned.
func (s *Sim) refuseBanned() (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	if limit := s.contacts.opts.BanAfter; limit > 0 {
		s.contacts.recent = append(within(s.contacts.recent, now, banWindow), now)
		if len(s.contacts.recent) > limit && !now.Before(s.contacts.banned) {
			s.contacts.banned, s.contacts.recent = now.Add(banTime), nil
		}
	}
	if !now.Before(s.contacts.banned) {
		return answer{}, false
	}
	if s.contacts.opts.BanHTML {
		return answer{status: http.StatusOK, kind: "text/html;charset=utf-8", body: banPage}, true
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": newID(""),
	}}, true
}
