package feishusim

import (
	"encoding/json"
	"strings"
)

func serveUserCreate(c *call) (any, *refusal) {
	if data, done, no := c.replay("user"); done {
		return data, no
	}
	ids, no := c.idTypes()
	if no != nil {
		return nil, no
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	if no := c.requireUserFields(body); no != nil {
		return nil, no
	}
	var u User
	if no := c.fillUser(ids, &u, body); no != nil {
		return nil, no
	}
	if no := c.checkUser(&u, nil, body); no != nil {
		return nil, no
	}
	if no := c.checkSeats(body); no != nil {
		return nil, no
	}
	u.Frozen = false // is_frozen counts on patch only
	u.Unjoined = c.sim.o.Unjoined
	m := c.sim.insertUser(u)
	show := c.sim.userJSON(ids, m)
	delete(show, "mobile") // create replies never show it
	data := map[string]any{"user": show}
	c.remember("user", data)
	c.sim.effect("user.create", m.OpenID, string(c.body))
	return data, nil
}

func (c *call) requireUserFields(body map[string]json.RawMessage) *refusal {
	if body["name"] == nil {
		return invalidField(41006, "name", "is required")
	}
	if body["mobile"] == nil && !c.sim.o.MobileOptional {
		return invalidField(41004, "mobile", "is required")
	}
	if body["department_ids"] == nil {
		return invalidField(41017, "department_ids", "is required")
	}
	if body["employee_type"] == nil {
		return invalidField(41059, "employee_type", "is required")
	}
	return nil
}

func serveUserPatch(c *call) (any, *refusal) {
	m, ids, no := c.user()
	if no != nil {
		return nil, no
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	if no := c.patchable(m, body); no != nil {
		return nil, no
	}
	u := m.clone()
	if no := c.fillUser(ids, &u, body); no != nil {
		return nil, no
	}
	if no := c.checkUser(&u, m, body); no != nil {
		return nil, no
	}
	s := c.sim
	s.directory.leave(m)
	m.User = u
	s.directory.join(m)
	s.effect("user.patch", m.OpenID, string(c.body))
	return map[string]any{"user": s.userJSON(ids, m)}, nil
}

// patchable judges the person's state and the slow lane: freezing and moving
// are limited to one call a second.
func (c *call) patchable(m *member, body map[string]json.RawMessage) *refusal {
	s := c.sim
	if body["is_frozen"] != nil || body["department_ids"] != nil {
		if wait, ok := s.allow("api/user.patch/slow", level5); !ok {
			return limited(level5, wait)
		}
	}
	switch {
	case m.Resigned:
		return refuse(42006, "user is resigned")
	case m.Exited:
		return refuse(44011, "user has left the tenant")
	case m.Unjoined:
		return refuse(44010, "user has not joined yet")
	case !s.mayTouch(m):
		return refuse(41050, "no user authority error")
	case m.Founder && flagSet(body["is_frozen"]):
		return refuse(44036, "the tenant's founder cannot be frozen")
	case body["user_id"] != nil:
		return badField("user_id", "cannot be changed here: use update_user_id")
	case body["orders"] != nil && body["department_ids"] == nil:
		return invalidField(44002, "orders", "can only be sent together with department_ids")
	}
	return nil
}

// checkUser judges the whole person; self is nil on create.
func (c *call) checkUser(u *User, self *member, body map[string]json.RawMessage) *refusal {
	if strings.TrimSpace(u.Name) == "" {
		return invalidField(41006, "name", "must not be empty")
	}
	if body["mobile"] != nil {
		if no := checkMobile(u, c.sim.o.MobileOptional); no != nil {
			return no
		}
	}
	for name, v := range map[string]string{"email": u.Email, "enterprise_email": u.EnterpriseEmail} {
		if body[name] != nil && v != "" && !validEmail(v) {
			return invalidField(41005, name, "is not a mail address")
		}
	}
	if body["user_id"] != nil && !validUserID(u.UserID) {
		return invalidField(41009, "user_id", "must have 1 to 64 characters and no spaces")
	}
	if self != nil && u.LeaderUserID == self.OpenID {
		return refuse(41030, "leader must not be the user")
	}
	return c.sim.directory.clash(u, self)
}

func checkMobile(u *User, optional bool) *refusal {
	switch {
	case u.Mobile == "" && !optional:
		return invalidField(41004, "mobile", "must not be empty")
	case u.Mobile != "" && !validMobile(u.Mobile):
		return invalidField(41004, "mobile", "is not a phone number")
	case strings.HasPrefix(u.Mobile, "+") && !strings.HasPrefix(u.Mobile, "+86") && u.Email == "":
		return refuse(44020, "a mobile outside the mainland needs an email too")
	}
	return nil
}

func serveUserID(c *call) (any, *refusal) {
	m, _, no := c.user()
	if no != nil {
		return nil, no
	}
	var in struct {
		NewID string `json:"new_user_id"`
	}
	if no := c.decode(&in); no != nil {
		return nil, no
	}
	s := c.sim
	u := m.clone()
	u.UserID = in.NewID
	switch {
	case m.Resigned:
		return nil, refuse(42006, "user is resigned")
	case !s.mayTouch(m):
		return nil, refuse(41050, "no user authority error")
	case !validUserID(in.NewID) || len(in.NewID) > 64:
		return nil, invalidField(41009, "new_user_id", "must have 1 to 64 characters and no spaces")
	}
	if no := s.directory.clash(&u, m); no != nil {
		return nil, no
	}
	s.directory.leave(m)
	m.User = u
	s.directory.join(m)
	s.effect("user.rename", m.OpenID, string(c.body))
	return nil, nil // no data and no refusal: plain success
}

// serveUserDelete is a resignation. The body is optional and may be the JSON
// null, which the official SDK sends for "no body".
func serveUserDelete(c *call) (any, *refusal) {
	m, ids, no := c.user()
	if no != nil {
		return nil, no
	}
	body, no := c.object()
	if no != nil {
		return nil, no
	}
	s := c.sim
	switch {
	case m.Resigned:
		return nil, refuse(42006, "user is resigned")
	case !s.mayTouch(m):
		return nil, refuse(41050, "no user authority error")
	case m.TenantManager || m.Founder:
		return nil, refuse(44037, "a tenant administrator cannot be deleted")
	}
	if no := c.checkAcceptors(ids, m, body); no != nil {
		return nil, no
	}
	s.directory.leave(m)
	m.LeftDepartments, m.Departments, m.Orders = m.Departments, nil, nil
	m.Resigned, m.Frozen, m.ResignedAt = true, false, c.now
	s.effect("user.delete", m.OpenID, string(c.body))
	return nil, nil // no data and no refusal: plain success
}

// checkMailAcceptor checks who gets a leaver's mail, or what becomes of it.
func checkMailAcceptor(raw json.RawMessage, accept func(id string) *refusal) *refusal {
	var in struct {
		Type string `json:"processing_type"`
		ID   string `json:"acceptor_user_id"`
	}
	if no := readJSON(raw, "email_acceptor", &in); no != nil {
		return no
	}
	if !contains([]string{"1", "2", "3"}, in.Type) {
		return badField("email_acceptor.processing_type", "is not 1, 2 or 3")
	}
	if in.Type != "1" {
		return nil
	}
	return accept(in.ID)
}

func (c *call) checkAcceptors(ids idTypes, leaver *member, body map[string]json.RawMessage) *refusal {
	accept := func(id string) *refusal {
		m, missing := c.sim.lookUser(ids, id)
		if missing != nil || m.Resigned || m == leaver {
			return refuse(41052, "the acceptor is invalid")
		}
		return nil
	}
	for _, name := range sortedKeys(body) {
		if name == "email_acceptor" {
			if no := checkMailAcceptor(body[name], accept); no != nil {
				return no
			}
			continue
		}
		kind, ok := strings.CutSuffix(name, "_acceptor_user_id")
		if !ok || !contains([]string{
			"department_chat", "external_chat", "docs", "calendar", "application", "minutes", "survey", "anycross",
		}, kind) {
			return badField(name, "is not a field of a resignation")
		}
		var id string
		if no := readText(body[name], name, &id); no != nil {
			return no
		}
		if no := accept(id); no != nil {
			return no
		}
	}
	return nil
}
