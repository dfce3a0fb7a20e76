package feishusim

import "time"

// root is the id of the root department under either id type.
const root = "0"

// unit is a department with its place in the listing order.
type unit struct {
	Department
	seq uint64
}

// member is a user with their place in the listing order.
type member struct {
	User
	seq uint64
}

// directory holds the tenant's people and departments. Resigned people stay
// under their open_id and union_id, but give their unique values free.
type directory struct {
	departments map[string]*unit // by open_department_id
	byCustomID  map[string]*unit
	order       index[*unit]
	kids        map[string]*index[*unit] // by parent's open_department_id

	users   map[string]*member // by open_id
	byUnion map[string]*member
	unique  map[string]map[string]*member // field → value → live user
	people  map[string]*index[*member]    // by open_department_id, direct members

	replies map[string]clientReply // by client_token
}

// clientReply is what a create answered to a client_token.
type clientReply struct {
	request string
	data    any
}

func (d *directory) init() {
	d.departments = map[string]*unit{}
	d.byCustomID = map[string]*unit{}
	d.kids = map[string]*index[*unit]{}
	d.users = map[string]*member{}
	d.byUnion = map[string]*member{}
	d.unique = map[string]map[string]*member{}
	d.people = map[string]*index[*member]{}
	d.replies = map[string]clientReply{}
}

func (d *directory) children(openID string) *index[*unit] {
	x := d.kids[openID]
	if x == nil {
		x = &index[*unit]{}
		d.kids[openID] = x
	}
	return x
}

func (d *directory) membersOf(openID string) *index[*member] {
	x := d.people[openID]
	if x == nil {
		x = &index[*member]{}
		d.people[openID] = x
	}
	return x
}

// findDepartment takes either id of a department; the root is not in the store.
func (d *directory) findDepartment(id string) *unit {
	if u := d.departments[id]; u != nil {
		return u
	}
	return d.byCustomID[id]
}

// findUser takes any id of a person.
func (d *directory) findUser(id string) *member {
	if m := d.users[id]; m != nil {
		return m
	}
	if m := d.byUnion[id]; m != nil {
		return m
	}
	if m := d.unique["user_id"][id]; m != nil {
		return m
	}
	return d.resignedWith(id)
}

// attach puts a department into every index.
func (d *directory) attach(u *unit) {
	d.departments[u.OpenID] = u
	if u.DepartmentID != "" {
		d.byCustomID[u.DepartmentID] = u
	}
	d.order.put(u.seq, u)
	d.children(u.Parent).put(u.seq, u)
}

// detach takes a department out of every index.
func (d *directory) detach(u *unit) {
	delete(d.departments, u.OpenID)
	if d.byCustomID[u.DepartmentID] == u {
		delete(d.byCustomID, u.DepartmentID)
	}
	d.order.drop(u.seq)
	d.children(u.Parent).drop(u.seq)
}

// uniques gives the values that only one live person may have, with the
// vendor's code for each, in the order in which they are checked.
func (u *User) uniques() []uniqueValue {
	return []uniqueValue{
		{"mobile", plainMobile(u.Mobile), 41001},
		{"email", foldEmail(u.Email), 41002},
		{"user_id", u.UserID, 41011},
		{"enterprise_email", foldEmail(u.EnterpriseEmail), 44024},
		{"employee_no", u.EmployeeNo, 44051},
	}
}

type uniqueValue struct {
	field, value string
	code         int
}

// join puts a live person into every index.
func (d *directory) join(m *member) {
	d.users[m.OpenID] = m
	d.byUnion[m.UnionID] = m
	if m.Resigned {
		return
	}
	for _, v := range m.uniques() {
		if v.value == "" {
			continue
		}
		if d.unique[v.field] == nil {
			d.unique[v.field] = map[string]*member{}
		}
		d.unique[v.field][v.value] = m
	}
	for _, id := range m.Departments {
		d.membersOf(id).put(m.seq, m)
	}
}

// leave takes a person out of the indexes of live people.
func (d *directory) leave(m *member) {
	for _, v := range m.uniques() {
		if d.unique[v.field][v.value] == m {
			delete(d.unique[v.field], v.value)
		}
	}
	for _, id := range m.Departments {
		d.membersOf(id).drop(m.seq)
	}
}

// clash finds what would make u equal to another live person.
func (d *directory) clash(u *User, self *member) *refusal {
	var first *refusal
	var holder *member
	for _, v := range u.uniques() {
		other := d.unique[v.field][v.value]
		if v.value == "" || other == nil || other == self {
			continue
		}
		if first == nil {
			first, holder = invalidField(v.code, v.field, "already exists"), other
			continue
		}
		if other != holder && v.field == "email" {
			return refuse(41003, "mobile and email belong to two different accounts")
		}
	}
	return first
}

// inside tells whether a department lies under (or is) another.
func (d *directory) inside(openID, above string) bool {
	if above == root {
		return true
	}
	for id := openID; id != root && id != ""; {
		if id == above {
			return true
		}
		u := d.departments[id]
		if u == nil {
			return false
		}
		id = u.Parent
	}
	return false
}

// depth counts the levels from the root: a department under the root has 1.
func (d *directory) depth(openID string) int {
	n := 0
	for id := openID; id != root; n++ {
		u := d.departments[id]
		if u == nil {
			break
		}
		id = u.Parent
	}
	return n
}

// height counts the levels of a department's subtree, itself included.
func (d *directory) height(openID string) int {
	tallest := 0
	for _, kid := range d.children(openID).items {
		tallest = max(tallest, d.height(kid.OpenID))
	}
	return tallest + 1
}

// days30 is how long a resigned person can be taken back.
const days30 = 30 * 24 * time.Hour
