package wecomsim

import (
	"maps"
	"slices"
)

// privateFields are what an application does not see of a member.
var privateFields = [...]string{
	"avatar", "thumb_avatar", "gender", "mobile", "email", "biz_mail",
	"biz_mail_alias", "qr_code", "address",
}

// userGet serves user/get.
func (s *Sim) userGet(c *call) (any, *Refusal) {
	id := c.query.Get("userid")
	if id == "" {
		return nil, refuse(codeNoUserID, "userid missing")
	}
	m, refusal := s.book.find(id)
	if refusal != nil {
		return nil, refusal
	}
	if !s.sight(c).user(m) {
		return nil, refuse(codeOutOfScope, "no privilege to access/modify contact/party/agent")
	}
	answer := s.userRow(c, m)
	delete(answer, "enable")
	answer["errcode"], answer["errmsg"] = 0, "ok"
	return answer, nil
}

// userList serves user/list.
func (s *Sim) userList(c *call) (any, *Refusal) {
	list, refusal := s.listedUsers(c)
	if refusal != nil {
		return nil, refusal
	}
	rows := make([]map[string]any, 0, len(list))
	for _, m := range list {
		rows = append(rows, s.userRow(c, m))
	}
	answer := struct {
		reply
		Rows []map[string]any `json:"userlist"`
	}{replyOK, rows}
	if len(encode(answer)) > s.options.ReplyBytes {
		return nil, refuse(codeReplySize, "response size out of limit")
	}
	return answer, nil
}

// userBrief is one row of user/simplelist.
type userBrief struct {
	ID          string  `json:"userid"`
	Name        string  `json:"name"`
	Departments []int64 `json:"department"`
	OpenID      string  `json:"open_userid"`
}

// userSimpleList serves user/simplelist.
func (s *Sim) userSimpleList(c *call) (any, *Refusal) {
	list, refusal := s.listedUsers(c)
	if refusal != nil {
		return nil, refusal
	}
	rows := make([]userBrief, 0, len(list))
	for _, m := range list {
		rows = append(rows, userBrief{ID: m.ID, Name: m.Name, Departments: m.Departments, OpenID: openID(m)})
	}
	return struct {
		reply
		Rows []userBrief `json:"userlist"`
	}{replyOK, rows}, nil
}

// listedUsers gives the members that a listing call asks for and may see.
func (s *Sim) listedUsers(c *call) ([]*member, *Refusal) {
	id, refusal := c.number("department_id")
	if refusal != nil {
		return nil, refusal
	}
	fetchChild, refusal := c.number("fetch_child")
	if refusal != nil || fetchChild != 0 && fetchChild != 1 {
		return nil, badParameter("fetch_child")
	}
	if _, found := s.book.departments[id]; !found {
		return nil, refuse(codeBadParty, "invalid party id")
	}
	sight := s.sight(c)
	if !sight.department(id) {
		return nil, refuse(codeOutOfScope, "no privilege to access/modify contact/party/agent")
	}
	return s.book.in(id, fetchChild == 1), nil
}

// userRow gives a member as user/list does to the call's secret.
func (s *Sim) userRow(c *call, m *member) map[string]any {
	row := map[string]any{
		"userid": m.ID, "name": m.Name, "alias": m.Alias,
		"department": m.Departments, "order": m.Order,
		"is_leader_in_dept": m.IsLeader, "main_department": m.MainDepartment,
		"direct_leader": orEmpty(m.DirectLeaders),
		"position":      m.Position, "telephone": m.Telephone,
		"external_position": m.External, "nickname": m.Nickname,
		"status": m.Status, "enable": enabled(m), "hide_mobile": 0,
		"isleader": boolNumber(slices.Contains(m.IsLeader, 1)),
		"extattr":  extAttr{Attrs: s.attributes(m)}, "open_userid": openID(m),

		"mobile": m.Mobile, "email": m.Email, "biz_mail": m.BizMail,
		"biz_mail_alias": mailAliases{Item: orEmpty(m.BizMailAlias)},
		"gender":         or(m.Gender, "0"), "address": m.Address,
		"avatar": avatar(m), "thumb_avatar": avatar(m),
		"qr_code": "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sim-" + m.ID,
	}
	if c.kind == app {
		for _, name := range privateFields {
			delete(row, name)
		}
		s.narrow(row, c, m)
	}
	return row
}

// narrow leaves out the departments that the application does not see, with what
// stands beside them, as the vendor's page on user/get has it.
func (s *Sim) narrow(row map[string]any, c *call, m *member) {
	sight := s.sight(c)
	if sight.all {
		return
	}
	departments, order, leader := []int64{}, []int64{}, []int{}
	for i, id := range m.Departments {
		if sight.department(id) {
			departments, order, leader = append(departments, id), append(order, m.Order[i]), append(leader, m.IsLeader[i])
		}
	}
	row["department"], row["order"], row["is_leader_in_dept"] = departments, order, leader
	if !sight.department(m.MainDepartment) {
		delete(row, "main_department")
	}
}

// attributes gives the custom attributes as the vendor does, sorted by name.
func (s *Sim) attributes(m *member) []attribute {
	list := []attribute{}
	for _, name := range slices.Sorted(maps.Keys(m.Texts)) {
		list = append(list, attribute{Type: 0, Name: name, Text: &text{Value: m.Texts[name]}})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Webs)) {
		web := m.Webs[name]
		list = append(list, attribute{Type: 1, Name: name, Web: &web})
	}
	return list
}

func openID(m *member) string { return "wo-sim-" + fold(m.ID) }

func avatar(m *member) string {
	if m.AvatarMediaID == "" {
		return ""
	}
	return "https://wework.qpic.cn/wwpic/" + m.AvatarMediaID + "/0"
}

func enabled(m *member) int { return boolNumber(m.Status != StatusDisabled) }

func boolNumber(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
