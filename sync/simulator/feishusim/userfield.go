package feishusim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// setter reads one field of a request body into a person.
type setter func(c *call, ids idTypes, raw json.RawMessage, u *User) *refusal

// text reads a text field with a length limit.
func text(name string, limit, code int, at func(*User) *string) setter {
	return func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
		if no := readText(raw, name, at(u)); no != nil {
			return no
		}
		if utf8.RuneCountInString(*at(u)) > limit {
			return invalidField(code, name, "is too long")
		}
		return nil
	}
}

// ignored accepts a field that leaves no trace: read-only ones and switches.
func ignored(*call, idTypes, json.RawMessage, *User) *refusal { return nil }

// userSetters gives the reader of each field that a body may carry.
func userSetters() map[string]setter {
	return map[string]setter{
		"name":             text("name", 64, 41040, func(u *User) *string { return &u.Name }),
		"en_name":          text("en_name", 64, 41006, func(u *User) *string { return &u.EnName }),
		"nickname":         text("nickname", 64, 41006, func(u *User) *string { return &u.Nickname }),
		"email":            text("email", 255, 41005, func(u *User) *string { return &u.Email }),
		"enterprise_email": text("enterprise_email", 255, 41005, func(u *User) *string { return &u.EnterpriseEmail }),
		"mobile":           text("mobile", 255, 41004, func(u *User) *string { return &u.Mobile }),
		"user_id":          text("user_id", 64, 41009, func(u *User) *string { return &u.UserID }),
		"city":             text("city", 100, 40001, func(u *User) *string { return &u.City }),
		"country":          text("country", 32, 40001, func(u *User) *string { return &u.Country }),
		"work_station":     text("work_station", 255, 40001, func(u *User) *string { return &u.WorkStation }),
		"employee_no":      text("employee_no", 255, 40001, func(u *User) *string { return &u.EmployeeNo }),
		"job_title":        text("job_title", 100, 40001, func(u *User) *string { return &u.JobTitle }),
		"geo":              text("geo", 100, 40001, func(u *User) *string { return &u.Geo }),
		"job_level_id":     text("job_level_id", 100, 40001, func(u *User) *string { return &u.JobLevelID }),
		"job_family_id":    text("job_family_id", 100, 40001, func(u *User) *string { return &u.JobFamilyID }),
		"avatar_key":       text("avatar_key", 255, 40001, func(u *User) *string { return &u.AvatarKey }),
		"time_zone":        text("time_zone", 100, 40001, func(u *User) *string { return &u.TimeZone }),
		"mobile_visible": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			visible := true
			no := readJSON(raw, "mobile_visible", &visible)
			u.MobileHidden = !visible
			return no
		},
		"gender": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			if no := readJSON(raw, "gender", &u.Gender); no != nil {
				return no
			}
			if u.Gender < 0 || u.Gender > 3 {
				return badField("gender", "is not 0 to 3")
			}
			return nil
		},
		"join_time": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			return readJSON(raw, "join_time", &u.JoinTime)
		},
		"employee_type": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			if no := readJSON(raw, "employee_type", &u.EmployeeType); no != nil {
				return no
			}
			if u.EmployeeType < 1 {
				return invalidField(41059, "employee_type", "is unknown")
			}
			return nil
		},
		"is_frozen": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			return readJSON(raw, "is_frozen", &u.Frozen)
		},
		"subscription_ids": func(_ *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
			return readJSON(raw, "subscription_ids", &u.SubscriptionIDs)
		},
		"custom_attrs":   readCustomAttrs,
		"department_ids": readDepartments,
		"orders":         readOrders,
		"leader_user_id": func(c *call, ids idTypes, raw json.RawMessage, u *User) *refusal {
			return c.readUserRef(ids, raw, "leader_user_id", &u.LeaderUserID)
		},
		"dotted_line_leader_user_ids": func(c *call, ids idTypes, raw json.RawMessage, u *User) *refusal {
			return c.readUserRefs(ids, raw, "dotted_line_leader_user_ids", &u.DottedLeaders)
		},
		"open_id": ignored, "union_id": ignored, "status": ignored, "avatar": ignored, "positions": ignored,
		"is_tenant_manager": ignored, "department_path": ignored, "assign_info": ignored, "idp_type": ignored,
		"description": ignored, "need_send_notification": ignored, "notification_option": ignored,
	}
}

// fillUser reads the sent fields into u; unknown ones are refused.
// Departments come first, because orders refer to them.
func (c *call) fillUser(ids idTypes, u *User, body map[string]json.RawMessage) *refusal {
	setters := userSetters()
	for _, name := range append([]string{"department_ids"}, sortedKeys(body)...) {
		raw, sent := body[name]
		if !sent {
			continue
		}
		set, known := setters[name]
		if !known {
			return badField(name, "is not a field of a user")
		}
		if no := set(c, ids, raw, u); no != nil {
			return no
		}
	}
	return nil
}

func readDepartments(c *call, ids idTypes, raw json.RawMessage, u *User) *refusal {
	var in []string
	if no := readJSON(raw, "department_ids", &in); no != nil {
		return no
	}
	if len(in) > 50 {
		return invalidField(41033, "department_ids", "holds more than 50 departments")
	}
	var out []string
	seen := map[string]bool{}
	for _, id := range in {
		d, missing := c.sim.lookDepartment(ids, id)
		if missing != nil {
			return invalidField(41041, "department_ids", "names a department that does not exist: "+id)
		}
		openID := root
		if d != nil {
			openID = d.OpenID
		}
		if !c.sim.parentInRange(openID) {
			return refuse(40004, "no dept authority error")
		}
		if !seen[openID] {
			seen[openID] = true
			out = append(out, openID)
		}
	}
	if len(out) == 0 {
		return invalidField(41017, "department_ids", "must name a department")
	}
	u.Departments = out
	u.Orders = nil
	return nil
}

func readOrders(c *call, ids idTypes, raw json.RawMessage, u *User) *refusal {
	var in []struct {
		Department      string `json:"department_id"`
		UserOrder       int    `json:"user_order"`
		DepartmentOrder int    `json:"department_order"`
		Primary         bool   `json:"is_primary_dept"`
	}
	if no := readJSON(raw, "orders", &in); no != nil {
		return no
	}
	u.Orders = nil
	primary, highest := -1, 0
	for i, o := range in {
		d, missing := c.sim.lookDepartment(ids, o.Department)
		openID := root
		if d != nil {
			openID = d.OpenID
		}
		if missing != nil || !contains(u.Departments, openID) {
			return invalidField(41025, "orders", "names a department that is not the user's")
		}
		if o.Primary {
			primary = i
		}
		if o.DepartmentOrder > in[highest].DepartmentOrder {
			highest = i
		}
		u.Orders = append(u.Orders, Order{openID, o.UserOrder, o.DepartmentOrder, o.Primary})
	}
	if primary >= 0 && in[primary].DepartmentOrder < in[highest].DepartmentOrder {
		return invalidField(41410, "orders", "the primary department must have the highest department_order")
	}
	return nil
}

// readUserRef reads a reference to a person; "" clears it.
func (c *call) readUserRef(ids idTypes, raw json.RawMessage, name string, at *string) *refusal {
	var id string
	if no := readText(raw, name, &id); no != nil {
		return no
	}
	if id == "" {
		*at = ""
		return nil
	}
	m, missing := c.sim.lookUser(ids, id)
	if missing != nil || m.Resigned {
		return invalidField(44021, name, "does not exist")
	}
	if !c.sim.seesUser(m) {
		return invalidField(44022, name, "is outside the contact scope")
	}
	*at = m.OpenID
	return nil
}

func (c *call) readUserRefs(ids idTypes, raw json.RawMessage, name string, at *[]string) *refusal {
	var in []string
	if no := readJSON(raw, name, &in); no != nil {
		return no
	}
	out := []string{}
	for _, id := range in {
		quoted, _ := json.Marshal(id) // cannot fail: a string
		var openID string
		if no := c.readUserRef(ids, quoted, name, &openID); no != nil {
			return no
		}
		out = append(out, openID)
	}
	*at = out
	return nil
}

func readText(raw json.RawMessage, name string, at *string) *refusal { return readJSON(raw, name, at) }

func readJSON(raw json.RawMessage, name string, at any) *refusal {
	if json.Unmarshal(raw, at) != nil {
		return badField(name, "has the wrong type")
	}
	return nil
}

func flagSet(raw json.RawMessage) bool { return string(raw) == "true" }

func contains(list []string, v string) bool {
	return slices.Contains(list, v)
}

var (
	mobileForm = regexp.MustCompile(`^(\+86)?1\d{10}$|^\+[1-9]\d{5,17}$`)
	emailForm  = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
)

func validMobile(v string) bool { return mobileForm.MatchString(strings.ReplaceAll(v, " ", "")) }

func validEmail(v string) bool { return emailForm.MatchString(v) }

func validUserID(v string) bool { return v != "" && !strings.ContainsAny(v, " \t\n") }
