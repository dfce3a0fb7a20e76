package dingtalksim

import "slices"

// Console changes the corp by hand, as an administrator or a member does. What
// it does makes events and no Effect. Its methods are safe for concurrent use.
type Console struct{ s *Sim }

// Console gives the corp's console.
func (s *Sim) Console() Console { return Console{s: s} }

// AddUser adds a user under the rules of SeedUser.
func (c Console) AddUser(u User) (string, error) {
	id, err := c.s.SeedUser(u)
	if err != nil {
		return "", err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if !u.Pending {
		c.s.emit(eventUserAdd, c.s.userEvent(id))
	}
	return id, nil
}

// ChangeUser lets a function edit a user under the API's rules of uniqueness
// and size; the ids stay. The function runs under the corp's lock and must not
// call it. A *Refusal changes nothing.
func (c Console) ChangeUser(id string, edit func(*User)) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, found := c.s.contacts.book.users[id]
	if !found {
		return refuse(codeNoUser, "找不到该用户")
	}
	next := u.clone()
	edit(next)
	next.ID, next.UnionID, next.Pending, next.joined = u.ID, u.UnionID, u.Pending, u.joined
	if refused := c.s.replaceUser(next); refused != nil {
		return refused
	}
	c.s.emit(eventUserModify, c.s.modifyEvent(u, next))
	return nil
}

// RemoveUser deletes a user; the record of who left says "delete".
func (c Console) RemoveUser(id string) error { return c.remove(id, "delete") }

// Quit lets a person leave the corp on their own; the record of who left says
// "leave".
func (c Console) Quit(id string) error { return c.remove(id, "leave") }

func (c Console) remove(id, reason string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, found := c.s.contacts.book.users[id]
	if !found {
		return refuse(codeNoUser, "找不到该用户")
	}
	c.s.removeUser(u, reason)
	c.s.emit(eventUserLeave, c.s.userEvent(id))
	return nil
}

// Activate lets a user log in for the first time.
func (c Console) Activate(id string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, found := c.s.contacts.book.users[id]
	if !found || u.Pending {
		return refuse(codeNoUser, "找不到该用户")
	}
	u.Active = true
	c.s.emit(eventUserActive, map[string]any{"userId": []string{id}})
	return nil
}

// Invite makes the owners of these mobile numbers, in a form of the API's,
// pending when the API creates them: 40103 until Accept.
func (c Console) Invite(mobiles ...string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, text := range mobiles {
		state, number, refused := parseMobile(text, false)
		if refused != nil {
			return refused
		}
		c.s.contacts.invited[(&User{StateCode: state, Mobile: number}).mobileKey()] = true
	}
	return nil
}

// Accept lets an invited person join. Departments that are gone by now are
// left out; without any the person joins the root.
func (c Console) Accept(id string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, found := c.s.contacts.book.users[id]
	if !found || !u.Pending {
		return refuse(codeNoUser, "没有待确认的邀请")
	}
	u.Pending, u.Active = false, true
	u.Departments = slices.DeleteFunc(u.Departments, func(dept int64) bool {
		return c.s.contacts.book.departments[dept] == nil
	})
	if len(u.Departments) == 0 {
		u.Departments = []int64{Root}
	}
	delete(c.s.contacts.invited, u.mobileKey())
	delete(c.s.contacts.left, u.mobileKey())
	c.s.emit(eventUserAdd, c.s.userEvent(id))
	c.s.emit(eventUserActive, map[string]any{"userId": []string{id}})
	return nil
}

// Decline lets an invited person refuse; nobody hears of it.
func (c Console) Decline(id string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, found := c.s.contacts.book.users[id]
	if !found || !u.Pending {
		return refuse(codeNoUser, "没有待确认的邀请")
	}
	delete(c.s.contacts.book.users, id)
	return nil
}

// AddDepartment adds a department under the rules of SeedDepartment.
func (c Console) AddDepartment(d Department) (int64, error) {
	id, err := c.s.SeedDepartment(d)
	if err != nil {
		return 0, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.emit(eventDeptCreate, deptEvent(id))
	return id, nil
}

// ChangeDepartment is ChangeUser for a department, the root too.
func (c Console) ChangeDepartment(id int64, edit func(*Department)) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	d, found := c.s.contacts.book.departments[id]
	if !found {
		return refuse(codeNoDept, "部门不存在")
	}
	next := d.clone()
	edit(next)
	next.ID = id
	if refused := c.s.replaceDepartment(next); refused != nil {
		return refused
	}
	c.s.emit(eventDeptModify, deptEvent(id))
	return nil
}

// RemoveDepartment deletes an empty department.
func (c Console) RemoveDepartment(id int64) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if refused := c.s.removeDepartment(id); refused != nil {
		return refused
	}
	c.s.emit(eventDeptRemove, deptEvent(id))
	return nil
}
