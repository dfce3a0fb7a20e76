package dingtalksim

import (
	"errors"
	"fmt"
	"slices"
)

// ErrUnknown is in the error of every control that names a person,
// conversation, card or button that does not exist: the test is wrong.
var ErrUnknown = errors.New("unknown to this corp")

// conversation is a group, or the single chat of one person with the robot.
type conversation struct {
	id, openID, title string
	single            bool
	members           []string
}

// person is one member of the corp.
type person struct {
	staffID, name, unionID, dingtalkID string
}

// AddStaff adds a person to the corp, or renames one.
func (s *Sim) AddStaff(staffID, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staff[staffID] = &person{
		staffID: staffID, name: name, unionID: "union-" + staffID, dingtalkID: "$:LWCP_v1:$" + staffID,
	}
}

// AddConversation adds a group, or replaces one. An empty openConversationID
// means that it is the same as id, which is how the platform's samples use it.
// Members that were not added by AddStaff get their id as name.
func (s *Sim) AddConversation(id, title, openConversationID string, members ...string) {
	for _, m := range members {
		if !s.hasStaff(m) {
			s.AddStaff(m, m)
		}
	}
	c := &conversation{
		id: id, openID: either(openConversationID, id), title: title, members: slices.Clone(members),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conversations[c.id] = c
	s.conversations[c.openID] = c
}

func (s *Sim) hasStaff(staffID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.staff[staffID] != nil
}

// Direct gives the conversation id of a person's single chat with the robot,
// for Say and Messages. It needs no AddConversation.
func Direct(staffID string) string { return "direct-" + staffID }

// group finds a group by its id or open id. The caller holds s.mu.
func (s *Sim) group(id string) (*conversation, bool) {
	c, found := s.conversations[id]
	return c, found
}

// room finds the group or single chat in which a person speaks. The caller
// holds s.mu.
func (s *Sim) room(id, staffID string) (*conversation, error) {
	if c, found := s.group(id); found {
		if !slices.Contains(c.members, staffID) {
			return nil, fmt.Errorf("find member %s of %s: %w", staffID, id, ErrUnknown)
		}
		return c, nil
	}
	if id == Direct(staffID) {
		return &conversation{id: id, openID: id, single: true, members: []string{staffID}}, nil
	}
	return nil, fmt.Errorf("find conversation %s: %w", id, ErrUnknown)
}
