package wecomsim

import (
	"slices"
	"time"
)

// Limits of a group robot.
const (
	robotPerMinute = 20
	maxRobotText   = 2048 // bytes
	maxMarkdown    = 4096 // bytes
	maxImage       = 2 << 20
	maxArticles    = 8
	maxCardRows    = 6
	maxCardJumps   = 3
)

// RobotMessage is one message that a group robot accepted.
type RobotMessage struct {
	At      time.Time
	Key     string
	Type    string // msgtype
	Content string // of text, markdown and markdown_v2; otherwise empty
	// Mentions are user ids or "@all", MentionedMobiles mobile numbers or
	// "@all"; only text has them.
	Mentions         []string
	MentionedMobiles []string
	Raw              string // the whole body as JSON with sorted names
}

// robot is one group robot.
type robot struct {
	disabled bool
	sent     []time.Time // within the last minute
	messages []RobotMessage
}

// AddRobot puts a robot with this webhook key into a group.
func (s *Sim) AddRobot(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.robots[key] = &robot{}
}

// RemoveRobot takes a robot out of its group: its key gets 93000.
func (s *Sim) RemoveRobot(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.robots, key)
}

// DisableRobot stops a robot (93004) or lets it speak again. It reports
// whether there is such a robot.
func (s *Sim) DisableRobot(key string, disabled bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.robots[key]
	if found {
		r.disabled = disabled
	}
	return found
}

// RobotMessages gives what a robot said, oldest first.
func (s *Sim) RobotMessages(key string) []RobotMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.robots[key]
	if !found {
		return nil
	}
	return slices.Clone(r.messages)
}

// robotSend serves webhook/send.
func (s *Sim) robotSend(c *call) (any, *Refusal) {
	r, refusal := s.robot(c)
	if refusal != nil {
		return nil, refusal
	}
	var request robotRequest
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	now := s.options.Now()
	if refusal := s.checkMessage(&request, now); refusal != nil {
		return nil, refusal
	}
	r.sent = slices.DeleteFunc(r.sent, func(at time.Time) bool { return now.Sub(at) >= minute })
	if len(r.sent) >= robotPerMinute {
		return nil, refuse(codeQuota, "api freq out of limit")
	}
	r.sent = append(r.sent, now)
	message := RobotMessage{At: now, Key: c.query.Get("key"), Type: request.Type, Raw: c.detail()}
	if content := request.content(); content != nil {
		message.Content = content.Content
		message.Mentions = content.Mentions
		message.MentionedMobiles = content.MentionedMobiles
	}
	r.messages = append(r.messages, message)
	c.said = &message
	return replyOK, nil
}

// robot gives the robot of the call's key. The caller holds mu.
func (s *Sim) robot(c *call) (*robot, *Refusal) {
	r, found := s.robots[c.query.Get("key")]
	switch {
	case !found:
		return nil, refuse(codeRobotKey, "invalid webhook url")
	case r.disabled:
		return nil, refuse(codeRobotDisabled, "robot is disabled")
	}
	return r, nil
}
