package dingtalksim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// User is one person of the corp.
type User struct {
	ID      string
	UnionID string // given by the platform
	Name    string
	Title   string
	// Mobile is the number without its country, StateCode the country without
	// its plus, as user/get gives them. Seeding takes both forms of the API too.
	Mobile, StateCode string
	JobNumber         string
	Email             string
	OrgEmail          string
	OrgEmailType      string
	Telephone         string // the extension number
	WorkPlace         string
	Remark            string
	Avatar            string
	LoginEmail        string
	Language          string

	Departments []int64
	Orders      map[int64]int64  // by department; larger comes first
	Titles      map[int64]string // by department; dept_title_list
	Manager     string
	HiredDate   int64 // milliseconds; 0 = none
	Extension   map[string]string

	HideMobile bool
	Senior     bool // senior_mode
	Boss       bool
	AdminLevel int  // 0 none, 1 main, 2 sub
	Active     bool // has logged in
	RealAuthed bool

	Exclusive bool // an enterprise account, which can be disabled
	Disabled  bool // only for an enterprise account
	// AccessLimited leaves the user out of user/list unless the call asks for
	// contain_access_limit.
	AccessLimited bool
	// Pending: invited, and not there until the person accepts.
	Pending bool

	joined, modified int64 // serial numbers
}

func (u *User) clone() *User {
	c := *u
	c.Departments = slices.Clone(u.Departments)
	c.Orders = maps.Clone(u.Orders)
	c.Titles = maps.Clone(u.Titles)
	c.Extension = maps.Clone(u.Extension)
	return &c
}

// SeedUser adds a user under the rules of the API. An empty ID or UnionID is
// given by the corp, no department is the root, and a user is active unless
// pending. It returns the id, or a *Refusal. It leaves no Effect and no event.
func (s *Sim) SeedUser(u User) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := u.clone()
	if len(added.Departments) == 0 {
		added.Departments = []int64{Root}
	}
	if added.StateCode == "" && added.Mobile != "" {
		var refused *Refusal
		if added.StateCode, added.Mobile, refused = parseMobile(added.Mobile, false); refused != nil {
			return "", refused
		}
	}
	added.Active = !added.Pending
	if refused := s.addUser(added); refused != nil {
		return "", refused
	}
	return added.ID, nil
}

// User gives a user as it is stored, pending ones too.
func (s *Sim) User(id string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, found := s.contacts.book.users[id]
	if !found {
		return User{}, false
	}
	return *u.clone(), true
}

// Users gives all users as they are stored, pending ones too, sorted by id.
func (s *Sim) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]User, 0, len(s.contacts.book.users))
	for _, u := range s.contacts.book.users {
		list = append(list, *u.clone())
	}
	slices.SortFunc(list, func(x, y User) int { return cmp.Compare(x.ID, y.ID) })
	return list
}

// Leads tells whether a user is a manager of a department.
func (s *Sim) Leads(userID string, departmentID int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contacts.book.leads(userID, departmentID)
}

func (b *book) leads(userID string, departmentID int64) bool {
	d, found := b.departments[departmentID]
	return found && slices.Contains(d.Managers, userID)
}

// addUser checks and stores a user, who becomes the corp's. The caller holds
// s.mu.
func (s *Sim) addUser(u *User) *Refusal {
	b := &s.contacts.book
	if _, taken := b.users[u.ID]; taken {
		return refuse(codeUserExists, "userid已存在")
	}
	if refused := s.checkUser(u); refused != nil {
		return refused
	}
	if u.ID == "" {
		u.ID = fmt.Sprintf("1610%014d", b.next())
	}
	if u.UnionID == "" {
		u.UnionID = newID("union")
	}
	u.joined = b.next()
	u.modified = u.joined
	b.users[u.ID] = u
	return nil
}

// replaceUser checks and stores the new state of a user. Whoever leaves a
// department no longer manages it. The caller holds s.mu.
func (s *Sim) replaceUser(next *User) *Refusal {
	if refused := s.checkUser(next); refused != nil {
		return refused
	}
	b := &s.contacts.book
	next.modified = b.next()
	b.users[next.ID] = next
	for _, d := range b.departments {
		if !slices.Contains(next.Departments, d.ID) {
			d.Managers = without(d.Managers, next.ID)
		}
	}
	return nil
}

// removeUser deletes a user and every mention of it. The caller holds s.mu.
func (s *Sim) removeUser(u *User, reason string) {
	b := &s.contacts.book
	delete(b.users, u.ID)
	for _, d := range b.departments {
		d.Managers = without(d.Managers, u.ID)
	}
	for _, other := range b.users {
		if other.Manager == u.ID {
			other.Manager = ""
		}
	}
	now := s.opts.Now()
	if u.Mobile != "" {
		s.contacts.left[u.mobileKey()] = now
	}
	s.contacts.leavers = append(s.contacts.leavers, leaver{user: u.ID, name: u.Name, at: now, reason: reason})
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(other string) bool { return other == item })
}
