package feishusim

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// fillDepartment reads the sent fields into d; unknown ones are refused.
func (c *call) fillDepartment(ids idTypes, d *Department, body map[string]json.RawMessage) *refusal {
	for _, name := range sortedKeys(body) {
		raw := body[name]
		var no *refusal
		switch name {
		case "name":
			no = readText(raw, name, &d.Name)
		case "i18n_name":
			d.I18nName = nil // decoding into a map would merge
			no = readJSON(raw, name, &d.I18nName)
		case "parent_department_id":
			no = c.readParent(ids, raw, d)
		case "department_id":
			no = readText(raw, name, &d.DepartmentID)
		case "leader_user_id":
			no = c.readUserRef(ids, raw, name, &d.LeaderUserID)
		case "leaders":
			no = c.readLeaders(ids, raw, d)
		case "order":
			no = readText(raw, name, &d.Order)
		case "unit_ids":
			no = readJSON(raw, name, &d.UnitIDs)
		case "department_hrbps":
			no = c.readUserRefs(ids, raw, name, &d.HRBPs)
		case "create_group_chat", "group_chat_employee_types", "open_department_id", "chat_id",
			"member_count", "primary_member_count", "status":
			// Settings without a trace in the replies, and read-only fields.
		default:
			no = badField(name, "is not a field of a department")
		}
		if no != nil {
			return no
		}
	}
	return d.oneHead(body["leader_user_id"] != nil, body["leaders"] != nil)
}

// oneHead keeps leader_user_id and the main leader the same person, which they
// always are: the one that is sent changes the other.
func (d *Department) oneHead(leader, leaders bool) *refusal {
	at := slices.IndexFunc(d.Leaders, func(l Leader) bool { return l.Type == 1 })
	head := ""
	if at >= 0 {
		head = d.Leaders[at].ID
	}
	switch {
	case leaders && len(d.Leaders) > 0 && at < 0:
		return badField("leaders", "needs one main leader")
	case leaders && leader && head != d.LeaderUserID:
		return badField("leader_user_id", "is not the main leader of leaders")
	case leaders:
		d.LeaderUserID = head
	case leader:
		d.Leaders = slices.DeleteFunc(slices.Clone(d.Leaders), func(l Leader) bool { return l.Type == 1 || l.ID == d.LeaderUserID })
		if d.LeaderUserID != "" {
			d.Leaders = slices.Insert(d.Leaders, 0, Leader{Type: 1, ID: d.LeaderUserID})
		}
	}
	return nil
}

func (c *call) readParent(ids idTypes, raw json.RawMessage, d *Department) *refusal {
	var id string
	if no := readText(raw, "parent_department_id", &id); no != nil {
		return no
	}
	parent, no := c.sim.lookDepartment(ids, id)
	if no != nil {
		return no
	}
	d.Parent = root
	if parent != nil {
		d.Parent = parent.OpenID
	}
	return nil
}

func (c *call) readLeaders(ids idTypes, raw json.RawMessage, d *Department) *refusal {
	var in []struct {
		Type int    `json:"leaderType"`
		ID   string `json:"leaderID"`
	}
	if no := readJSON(raw, "leaders", &in); no != nil {
		return no
	}
	d.Leaders = nil
	for _, l := range in {
		m, no := c.sim.lookUser(ids, l.ID)
		if no != nil {
			return refuse(44021, "leader does not exist")
		}
		if l.Type != 1 && l.Type != 2 {
			return badField("leaders.leaderType", "is not 1 or 2")
		}
		if l.Type == 1 && slices.ContainsFunc(d.Leaders, func(o Leader) bool { return o.Type == 1 }) {
			return badField("leaders", "names two main leaders")
		}
		d.Leaders = append(d.Leaders, Leader{Type: l.Type, ID: m.OpenID})
	}
	return nil
}

// checkDepartment judges the whole department; self is nil on create.
func (c *call) checkDepartment(d *Department, self *unit) *refusal {
	s := c.sim
	moved := self == nil || self.Parent != d.Parent
	switch {
	case d.Name == "" || utf8.RuneCountInString(d.Name) > 100:
		return invalidField(43008, "name", "must have 1 to 100 characters")
	case strings.Contains(d.Name, "/"):
		return invalidField(43029, "name", "must not contain /")
	case moved && !s.parentInRange(d.Parent):
		return refuse(40014, "no parent dept authority error")
	case len(d.UnitIDs) > 1:
		return badField("unit_ids", "holds more than one id")
	}
	if self != nil && moved && s.directory.inside(d.Parent, self.OpenID) && d.Parent != root {
		return invalidField(43016, "parent_department_id", "is the department itself or lies under it")
	}
	if no := s.checkPlace(d, self, moved); no != nil {
		return no
	}
	if self == nil && d.DepartmentID != "" {
		return s.checkCustomID(d.DepartmentID, nil)
	}
	return nil
}

// checkPlace judges depth, number of siblings and their names.
func (s *Sim) checkPlace(d *Department, self *unit, moved bool) *refusal {
	siblings := s.directory.children(d.Parent).items
	if moved && len(siblings) >= maxChildren {
		return refuse(43013, "too many children under the parent")
	}
	height := 1
	if self != nil {
		height = s.directory.height(self.OpenID)
	}
	if moved && s.directory.depth(d.Parent)+height > maxDepth {
		return refuse(43019, "the tree is too deep")
	}
	for _, other := range siblings {
		if other == self {
			continue
		}
		if other.Name == d.Name {
			return refuse(43022, "a sibling department has this name")
		}
		for lang, name := range d.I18nName {
			if name != "" && other.I18nName[lang] == name {
				return refuse(43018, "a sibling department has this i18n name")
			}
		}
	}
	return nil
}

func (s *Sim) checkCustomID(id string, self *unit) *refusal {
	if !customDepartmentID.MatchString(id) || strings.HasPrefix(id, "od-") || id == root {
		return badField("department_id", "is not a valid custom department id")
	}
	if other := s.directory.byCustomID[id]; other != nil && other != self {
		return invalidField(43007, "department_id", "already exists")
	}
	return nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
