package wecomsim

import (
	"maps"
	"slices"
	"time"
)

// Effect is one write that took effect.
type Effect struct {
	At time.Time
	// Op is the path that did it, such as "user/create". A user/batchdelete
	// has one effect for each member.
	Op string
	// ID is the member's id as stored, or the department's id.
	ID string
	// Detail is the request's body as JSON with sorted names, empty for
	// deletions.
	Detail string
}

// Invitation is one member whom the vendor would have invited by WeChat, SMS
// or mail.
type Invitation struct {
	At   time.Time
	User string
}

// record is what the corp remembers of its callers.
type record struct {
	effects     []Effect
	calls       map[string]int
	unknown     map[string]bool
	invitations []Invitation
}

func newRecord() record {
	return record{calls: map[string]int{}, unknown: map[string]bool{}}
}

// Effects gives every write that took effect, oldest first. Seeding makes
// none.
func (s *Sim) Effects() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.effects)
}

// Calls gives how often each path below /cgi-bin/ was called, refused and
// faulty calls included.
func (s *Sim) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.log.calls)
}

// UnknownFields gives the fields of requests that the vendor does not know and
// ignores, each as "path field", sorted. A client that has any has a typo.
func (s *Sim) UnknownFields() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.log.unknown))
}

// Invitations gives the invitations that went out, oldest first. The vendor
// invites on user/create unless to_invite is false.
func (s *Sim) Invitations() []Invitation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.invitations)
}

// effect notes that the call did something. The caller holds mu.
func (s *Sim) effect(c *call, id, detail string) {
	e := Effect{At: s.options.Now(), Op: c.path, ID: id, Detail: detail}
	s.log.effects = append(s.log.effects, e)
	c.effects = append(c.effects, e)
}

func (s *Sim) sendInvitation(id string) {
	s.log.invitations = append(s.log.invitations, Invitation{At: s.options.Now(), User: id})
}
