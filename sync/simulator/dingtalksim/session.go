package dingtalksim

import (
	"maps"
	"strconv"
	"time"
)

// sessionLife is how long a message can be answered by its session webhook:
// 90 minutes from the message's creation.
const sessionLife = 5400 * time.Second

// session is the right to answer one message.
type session struct {
	conversation, messageID string
	expires                 time.Time
}

// openSession files a session and forgets those that are over. The caller
// holds s.mu.
func (s *Sim) openSession(key string, open session) {
	now := s.opts.Now()
	maps.DeleteFunc(s.sessions, func(_ string, old session) bool { return !now.Before(old.expires) })
	s.sessions[key] = open
}

// ExpireSessions ends every session at once, whatever its message promised;
// lives of half a minute have been reported from the field.
func (s *Sim) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

// serveSession takes an answer to a message. There is no token and no
// signature: who knows the URL may speak.
func (s *Sim) serveSession(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	open, known := s.sessions[r.URL.Query().Get("session")]
	if !known || !s.opts.Now().Before(open.expires) {
		return oapiError(codeNoToken, "session 不存在")
	}
	o, refused := readBody(r)
	if refused.code != 0 {
		return oapiError(refused.code, refused.message)
	}
	m, refused := readMessage(o)
	if refused.code != 0 {
		return oapiError(refused.code, refused.message)
	}
	if !s.spendMessage() {
		return oapiGatewayError(strconv.Itoa(codeMonthlyQuota), "企业本月webhook调用量已用完")
	}
	m.ID, m.Via, m.Conversation, m.AnswerTo = newID("msg"), ViaSession, open.conversation, open.messageID
	s.record(m)
	return oapiError(0, "ok")
}
