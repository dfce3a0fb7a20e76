package wecomsim

import (
	"slices"
	"strings"
)

// book is the corp's contacts and their indexes. Members are keyed by their
// folded user id.
type book struct {
	departments map[int64]*Department
	children    map[int64][]int64
	members     map[int64]map[string]bool
	lastID      int64

	users   map[string]*member
	mobiles map[string]string
	emails  map[string]string
	bizMail map[string]string
	sorted  []string // the keys of users in order; nil when out of date
}

func newBook(rootName string) book {
	return book{
		departments: map[int64]*Department{rootID: {ID: rootID, Name: rootName}},
		children:    map[int64][]int64{},
		members:     map[int64]map[string]bool{},
		lastID:      rootID,
		users:       map[string]*member{},
		mobiles:     map[string]string{},
		emails:      map[string]string{},
		bizMail:     map[string]string{},
	}
}

// put checks a member against all others and writes it, in the place of old
// if that is not nil.
func (b *book) put(old, next *member) *Refusal {
	key := fold(next.ID)
	self := ""
	if old != nil {
		self = fold(old.ID)
	}
	if _, taken := b.users[key]; taken && key != self {
		return refuse(codeUserExists, "userid existed")
	}
	if no := b.taken(self, next); no != nil {
		return no
	}
	for _, id := range next.Departments {
		if _, found := b.departments[id]; !found {
			return refuse(codeBadParty, "invalid party id: %d", id)
		}
	}
	for _, id := range next.DirectLeaders {
		if _, found := b.users[fold(id)]; !found && fold(id) != key {
			return refuse(codeUserMissing, "direct_leader not found: %s", id)
		}
	}
	if old != nil {
		b.forget(old)
	}
	b.write(key, next)
	return nil
}

// taken refuses a number or an address that another member has.
func (b *book) taken(self string, next *member) *Refusal {
	if owner, taken := b.mobiles[mobileKey(next.Mobile)]; taken && owner != self {
		return refuse(codeMobileExists, "mobile existed: %s", b.users[owner].ID)
	}
	if owner, taken := b.emails[fold(next.Email)]; taken && owner != self {
		return refuse(codeEmailExists, "email existed: %s", b.users[owner].ID)
	}
	if owner, taken := b.bizMail[fold(next.BizMail)]; taken && owner != self {
		return refuse(codeBizMailExists, "biz_mail existed: %s", b.users[owner].ID)
	}
	return nil
}

// write puts a member and its index entries. The key is its folded id.
func (b *book) write(key string, m *member) {
	b.users[key] = m
	index(b.mobiles, mobileKey(m.Mobile), key)
	index(b.emails, fold(m.Email), key)
	index(b.bizMail, fold(m.BizMail), key)
	for _, id := range m.Departments {
		if b.members[id] == nil {
			b.members[id] = map[string]bool{}
		}
		b.members[id][key] = true
	}
	b.sorted = nil
}

// forget removes a member and its index entries.
func (b *book) forget(m *member) {
	key := fold(m.ID)
	delete(b.users, key)
	delete(b.mobiles, mobileKey(m.Mobile))
	delete(b.emails, fold(m.Email))
	delete(b.bizMail, fold(m.BizMail))
	for _, id := range m.Departments {
		delete(b.members[id], key)
	}
	b.sorted = nil
}

// remove deletes a member for good, and every mention of it as a leader.
func (b *book) remove(m *member) {
	b.forget(m)
	for _, other := range b.users {
		other.DirectLeaders = slices.DeleteFunc(other.DirectLeaders, func(id string) bool {
			return fold(id) == fold(m.ID)
		})
	}
}

// keys gives the keys of all members in order.
func (b *book) keys() []string {
	if b.sorted == nil {
		b.sorted = make([]string, 0, len(b.users))
		for key := range b.users {
			b.sorted = append(b.sorted, key)
		}
		slices.Sort(b.sorted)
	}
	return b.sorted
}

// in gives the members of one department, or of it and all below it, in order.
func (b *book) in(id int64, recursive bool) []*member {
	keys := map[string]bool{}
	departments := []Department{{ID: id}}
	if recursive {
		departments = b.below(id)
	}
	for _, d := range departments {
		for key := range b.members[d.ID] {
			keys[key] = true
		}
	}
	list := make([]*member, 0, len(keys))
	for key := range keys {
		list = append(list, b.users[key])
	}
	slices.SortFunc(list, func(x, y *member) int { return strings.Compare(fold(x.ID), fold(y.ID)) })
	return list
}

func index(in map[string]string, value, key string) {
	if value != "" {
		in[value] = key
	}
}

// mobileKey gives the form of a mobile number under which it is unique: +86
// is the default country, and dashes mean nothing.
func mobileKey(mobile string) string {
	return strings.TrimPrefix(strings.ReplaceAll(mobile, "-", ""), "+86")
}
