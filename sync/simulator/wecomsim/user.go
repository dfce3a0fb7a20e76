package wecomsim

import "slices"

// Status is a member's state as the vendor numbers it.
type Status int

// The vendor's states of a member.
const (
	StatusActive   Status = 1 // has logged in (已激活)
	StatusDisabled Status = 2 // enable is 0 (已禁用)
	StatusPending  Status = 4 // has never logged in (未激活)
	StatusLeft     Status = 5 // has left the corp by themselves (退出企业)
)

// User is one member of the corp.
type User struct {
	ID            string
	Name          string
	Alias         string
	Mobile        string
	Email         string
	BizMail       string
	BizMailAlias  []string
	Position      string
	Gender        string // "1" male, "2" female, "" not said
	Telephone     string
	Address       string
	AvatarMediaID string
	Nickname      string
	External      string // external_position

	Departments    []int64
	Order          []int64 // parallel to Departments; nil means all 0
	IsLeader       []int   // parallel to Departments, 1 or 0; nil means all 0
	MainDepartment int64   // 0 means the first of Departments
	DirectLeaders  []string

	// Texts are the custom attributes of type text, Webs those of type web.
	Texts map[string]string
	Webs  map[string]Web

	// Status as the vendor shows it. AddUser takes 0 as StatusActive.
	Status Status
}

// Web is a custom attribute of type web.
type Web struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// member is a User with what the vendor does not show.
type member struct {
	User
	activated bool // has ever logged in; Status hides it while disabled
	systemID  bool // the id was made by the vendor and may be changed once
}

// AddUser seeds a member, under the rules of user/create. A Status of 0 means
// StatusActive; a member seeded as disabled has never logged in. It sends no
// invitation and leaves no Effect. It returns a *Refusal if a rule is broken.
func (s *Sim) AddUser(u User) error { return s.add(u, false) }

// AddUserWithSystemID is AddUser for a member whose id was made by the vendor,
// so that user/update may change it once.
func (s *Sim) AddUserWithSystemID(u User) error { return s.add(u, true) }

func (s *Sim) add(u User, systemID bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &member{User: u.clone(), systemID: systemID}
	m.Status = or(m.Status, StatusActive)
	m.activated = m.Status == StatusActive
	m.fill(nil)
	if refusal := m.check(); refusal != nil {
		return refusal
	}
	if refusal := s.book.put(nil, m); refusal != nil {
		return refusal
	}
	return nil
}

// ChangeUser lets a function edit a member, as an admin does in the console:
// mobile and mail of an activated member change too. The id stays. The
// function runs under the corp's lock and must not call it. ChangeUser returns
// a *Refusal, and changes nothing, if the result breaks a rule. It leaves no
// Effect.
func (s *Sim) ChangeUser(id string, edit func(*User)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, found := s.book.users[fold(id)]
	if !found {
		return refuse(codeUserMissing, "userid not found")
	}
	next := old.clone()
	edit(&next.User)
	next.ID = old.ID
	next.User = next.User.clone()
	if !slices.Equal(next.Departments, old.Departments) {
		// What was parallel to the old list is carried over, unless edited too.
		if slices.Equal(next.Order, old.Order) {
			next.Order = nil
		}
		if slices.Equal(next.IsLeader, old.IsLeader) {
			next.IsLeader = nil
		}
	}
	if next.Status != old.Status {
		next.enter(next.Status)
	}
	next.fill(old)
	if refusal := next.check(); refusal != nil {
		return refusal
	}
	if refusal := s.book.put(old, next); refusal != nil {
		return refusal
	}
	return nil
}

// SetStatus moves a member to a state, as logging in, leaving or an admin
// does. It reports whether there is such a member. It leaves no Effect.
func (s *Sim) SetStatus(id string, status Status) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, found := s.book.users[fold(id)]
	if found {
		m.enter(status)
	}
	return found
}

// RemoveUser deletes a member, as an admin does in the console. It reports
// whether there was one. It leaves no Effect.
func (s *Sim) RemoveUser(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, found := s.book.users[fold(id)]
	if found {
		s.book.remove(m)
	}
	return found
}

// User gives a member by id, in any case. The copy is the caller's.
func (s *Sim) User(id string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, found := s.book.users[fold(id)]
	if !found {
		return User{}, false
	}
	return m.User.clone(), true
}

// Users gives all members, sorted by id. The copies are the caller's.
func (s *Sim) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.book.keys()
	list := make([]User, 0, len(keys))
	for _, key := range keys {
		list = append(list, s.book.users[key].User.clone())
	}
	return list
}

// enter moves a member to a state.
func (m *member) enter(status Status) {
	switch status {
	case StatusActive:
		m.activated = true
	case StatusPending:
		m.activated = false
	case StatusDisabled, StatusLeft:
		// Whether the member had ever logged in stays as it was.
	}
	m.Status = status
}

// enable does what the field enable of a request asks for.
func (m *member) enable(on bool) {
	switch {
	case !on:
		m.Status = StatusDisabled
	case m.Status == StatusDisabled && m.activated:
		m.Status = StatusActive
	case m.Status == StatusDisabled:
		m.Status = StatusPending
	}
}

// fill gives a member the values that follow from its departments. What old
// had for a department that stays, stays.
func (m *member) fill(old *member) {
	if m.Order == nil {
		m.Order = carry(m.Departments, old, func(o *member, i int) int64 { return o.Order[i] })
	}
	if m.IsLeader == nil {
		m.IsLeader = carry(m.Departments, old, func(o *member, i int) int { return o.IsLeader[i] })
	}
	if !slices.Contains(m.Departments, m.MainDepartment) && old != nil && m.MainDepartment == old.MainDepartment {
		m.MainDepartment = 0
	}
	if m.MainDepartment == 0 && len(m.Departments) > 0 {
		m.MainDepartment = m.Departments[0]
	}
}

func carry[T any](departments []int64, old *member, value func(*member, int) T) []T {
	list := make([]T, len(departments))
	for i, id := range departments {
		if old == nil {
			continue
		}
		if at := slices.Index(old.Departments, id); at >= 0 {
			list[i] = value(old, at)
		}
	}
	return list
}
