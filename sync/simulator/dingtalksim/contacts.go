package dingtalksim

import (
	"time"
)

// ErrorShape tells in which of the platform's two shapes the old family of
// calls refuses.
type ErrorShape int

// The shapes.
const (
	// ShapeMixed: what the gateway refuses (bad token, permission, rate,
	// address) comes wrapped in 88 with sub_code, all else plain. The default.
	ShapeMixed ErrorShape = iota
	// ShapePlain: every code stands in errcode.
	ShapePlain
	// ShapeWrapped: every code is wrapped in 88 with sub_code and sub_msg.
	ShapeWrapped
)

// ContactsOptions are the rules and moods of the corp's contacts. The zero
// value is an ordinary corp in China whose app may do everything.
type ContactsOptions struct {
	// RootName is the name of department 1. Default: "点名科技 Rollcall".
	RootName string
	// ErrorShape is how the old family refuses.
	ErrorShape ErrorShape
	// Quoted sends every number and boolean of an old-style answer as a
	// string, as the samples of the documentation do.
	Quoted bool
	// OmitEmpty leaves fields without a value out of an answer, so that they
	// look like fields that the app may not read.
	OmitEmpty bool
	// EmptyIgnored makes user/update and department/update ignore empty texts
	// without a word, instead of emptying the field.
	EmptyIgnored bool
	// ManagerInList adds manager_userid to user/list, which the documentation
	// knows for user/get only.
	ManagerInList bool
	// ScopeFilters makes listsub answer for a department outside of the app's
	// scope with those children that are inside, instead of 50004.
	ScopeFilters bool
	// Abroad registers the corp outside of the mainland: numbers of the
	// mainland then need the prefix "+86-".
	Abroad bool
	// Mailbox opens the corp's mail service: org_email may be set.
	Mailbox bool
	// ExtFields are the custom fields that the console has defined; others in
	// extension are refused.
	ExtFields []string
	// SensitiveWords must not stand in a department's name (60022).
	SensitiveWords []string
	// UniqueSource refuses a second department with a source_identifier (60016).
	UniqueSource bool
	// HROwned is smart-HR's management of positions: titles are refused with
	// 12150, and so is a change of departments.
	HROwned bool
	// InviteAll makes every created user pending (40103) until Accept.
	InviteAll bool
	// ConsentAfterDelete makes a user who left less than 24 h ago pending when
	// created again.
	ConsentAfterDelete bool
	// AddLimit is how many users the corp may add; user/create then answers
	// -1. Zero means no limit.
	AddLimit int
	// BanAfter is how many calls within 20 s ban the caller's address for five
	// minutes. Zero means no limit; the platform's own figure is 10 000.
	BanAfter int
	// BanHTML makes a ban an HTML page instead of JSON with status 1111.
	BanHTML bool
	// OutsideAllowList refuses every call for its address (60020).
	OutsideAllowList bool
	// NoEcho makes no events of changes made by the API; the platform does.
	NoEcho bool
	// Events are the types that the console has ticked. Nil means all.
	Events []string
}

// contacts is the state of the corp's contacts, guarded by Sim.mu.
type contacts struct {
	opts     ContactsOptions
	book     book
	scope    *AuthScope // nil = the whole corp
	hidden   map[string]Where
	invited  map[string]bool      // mobiles whose owners are asked first
	left     map[string]time.Time // by mobile: when its owner left
	leavers  []leaver             // oldest first
	effects  []Effect
	counts   map[string]int
	unknown  map[string]bool
	gate     func(op, id string)
	onEffect func(Effect)
	recent   []time.Time // calls of the last 20 s, for BanAfter
	banned   time.Time   // until then every call is refused
	added    int
	events   eventQueue
}

func newContacts(o ContactsOptions) contacts {
	return contacts{
		opts:    o,
		book:    newBook(either(o.RootName, "点名科技 Rollcall")),
		hidden:  map[string]Where{},
		invited: map[string]bool{},
		left:    map[string]time.Time{},
		counts:  map[string]int{},
		unknown: map[string]bool{},
		events:  newEventQueue(),
	}
}

// ChangeContacts changes the rules while the corp is running. The function
// runs under the corp's lock and must not call it.
func (s *Sim) ChangeContacts(change func(*ContactsOptions)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.contacts.opts)
}

// book is the tree and the people, with no rule of who may see them.
type book struct {
	departments map[int64]*Department
	users       map[string]*User
	lastID      int64
	serial      int64 // of users given an id, and of changes
}

// Root is the id of the root department.
const Root int64 = 1

// firstDepartment is the id before the first one that the platform assigns.
const firstDepartment = 900000000

func newBook(rootName string) book {
	return book{
		departments: map[int64]*Department{Root: {ID: Root, Name: rootName}},
		users:       map[string]*User{},
		lastID:      firstDepartment,
	}
}

// next gives the next number of the corp's serial.
func (b *book) next() int64 {
	b.serial++
	return b.serial
}
