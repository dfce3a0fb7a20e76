package dingtalksim

import (
	"encoding/json"
	"maps"
	"time"
)

// The types of contacts events.
const (
	eventUserAdd    = "user_add_org"
	eventUserModify = "user_modify_org"
	eventUserLeave  = "user_leave_org"
	eventUserActive = "user_active_org"
	eventDeptCreate = "org_dept_create"
	eventDeptModify = "org_dept_modify"
	eventDeptRemove = "org_dept_remove"
)

// userEvent is the data of an event that names a user only.
func (s *Sim) userEvent(id string) map[string]any {
	return map[string]any{"timeStamp": millis(s.opts.Now()), "userId": []string{id}}
}

// deptEvent is the data of a department's event.
func deptEvent(id int64) map[string]any { return map[string]any{"deptId": []int64{id}} }

// modifyEvent is the data of user_modify_org: of some fields it says what they
// were and what they are, and of the others nothing.
func (s *Sim) modifyEvent(before, after *User) map[string]any {
	prev, curr := diffFields(before), diffFields(after)
	maps.DeleteFunc(prev, func(key, value string) bool { return curr[key] == value })
	maps.DeleteFunc(curr, func(key, _ string) bool { _, differs := prev[key]; return !differs })
	data := s.userEvent(after.ID)
	data["diffInfo"] = map[string]any{"prev": prev, "curr": curr, "userid": after.ID}
	return data
}

func diffFields(u *User) map[string]string {
	hired := ""
	if u.HiredDate != 0 {
		hired = time.UnixMilli(u.HiredDate).In(time.FixedZone("CST", 8*3600)).Format(time.DateOnly)
	}
	return map[string]string{
		"managerUserid": u.Manager, "hiredDate": hired, "name": u.Name, "telephone": u.Telephone,
		"email": u.Email, "jobNumber": u.JobNumber, "workPlace": u.WorkPlace,
	}
}

func encodeEvent(data map[string]any) string {
	raw, err := json.Marshal(data)
	if err != nil {
		return "{}" // texts and numbers always encode
	}
	return string(raw)
}
