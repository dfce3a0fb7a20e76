package wecomsim

import (
	"slices"
	"strings"
)

// maxBatch is how many members one user/batchdelete may name, maxInvite how
// many one batch/invite.
const (
	maxBatch  = 200
	maxInvite = 1000
)

// userRequest is the body of user/create and user/update. What is absent (or
// null) is nil.
type userRequest struct {
	UserID           *string      `json:"userid"`
	NewUserID        *string      `json:"new_userid"`
	Name             *string      `json:"name"`
	Alias            *string      `json:"alias"`
	Mobile           *string      `json:"mobile"`
	Department       *[]int64     `json:"department"`
	Order            *[]int64     `json:"order"`
	Position         *string      `json:"position"`
	Gender           *loose       `json:"gender"`
	Email            *string      `json:"email"`
	BizMail          *string      `json:"biz_mail"`
	BizMailAlias     *mailAliases `json:"biz_mail_alias"`
	Telephone        *string      `json:"telephone"`
	IsLeader         *[]int       `json:"is_leader_in_dept"`
	DirectLeader     *[]string    `json:"direct_leader"`
	Enable           *int         `json:"enable"`
	AvatarMediaID    *string      `json:"avatar_mediaid"`
	Address          *string      `json:"address"`
	MainDepartment   *int64       `json:"main_department"`
	ExtAttr          *extAttr     `json:"extattr"`
	ToInvite         *bool        `json:"to_invite"`
	ExternalPosition *string      `json:"external_position"`
	ExternalProfile  any          `json:"external_profile"` // accepted, not kept
	Nickname         *string      `json:"nickname"`
}

type mailAliases struct {
	Item []string `json:"item"`
}

type extAttr struct {
	Attrs []attribute `json:"attrs"`
}

// attribute is one custom attribute on the wire.
type attribute struct {
	Type int    `json:"type"` // 0 text, 1 web
	Name string `json:"name"`
	Text *text  `json:"text,omitempty"`
	Web  *Web   `json:"web,omitempty"`
}

type text struct {
	Value string `json:"value"`
}

// userCreate serves user/create.
func (s *Sim) userCreate(c *call) (any, *Refusal) {
	var request userRequest
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	switch {
	case request.UserID == nil || *request.UserID == "":
		return nil, refuse(codeNoUserID, "userid missing")
	case request.Department == nil:
		return nil, refuse(codeNoDepartment, "department missing")
	}
	m := &member{User: User{ID: *request.UserID, Status: StatusPending}}
	if refusal := s.set(m, nil, &request); refusal != nil {
		return nil, refusal
	}
	if m.BizMail == "" && s.options.MailDomain != "" {
		m.BizMail = strings.ToLower(m.ID) + "@" + s.options.MailDomain
	}
	if s.options.Seats > 0 && len(s.book.users) >= s.options.Seats {
		return nil, refuse(codeHeadcount, "account number exceed limit")
	}
	if refusal := s.book.put(nil, m); refusal != nil {
		return nil, refusal
	}
	if request.ToInvite == nil || *request.ToInvite {
		s.sendInvitation(m.ID)
	}
	s.effect(c, m.ID, c.detail())
	return reply{Message: "created"}, nil
}

// userUpdate serves user/update. What is absent stays unchanged.
func (s *Sim) userUpdate(c *call) (any, *Refusal) {
	var request userRequest
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	if request.UserID == nil {
		return nil, refuse(codeNoUserID, "userid missing")
	}
	old, refusal := s.book.find(*request.UserID)
	if refusal != nil {
		return nil, refusal
	}
	next := old.clone()
	if request.NewUserID != nil && *request.NewUserID != old.ID {
		if !old.systemID {
			return nil, refuse(codeUserIDFixed, "not allow to update userid")
		}
		next.ID, next.systemID = *request.NewUserID, false
	}
	s.keepFixed(old, &request)
	if request.BizMail != nil && old.BizMail != "" && fold(*request.BizMail) != fold(old.BizMail) {
		return nil, refuse(codeBizMailFixed, "biz_mail cannot be updated")
	}
	if refusal := s.set(next, old, &request); refusal != nil {
		return nil, refusal
	}
	if refusal := s.book.put(old, next); refusal != nil {
		return nil, refusal
	}
	s.book.rename(old.ID, next.ID)
	s.effect(c, old.ID, c.detail())
	return reply{Message: "updated"}, nil
}

// keepFixed drops what the vendor ignores without a word: the mobile of a
// member who has logged in, and mail in a corp bound to Tencent's.
func (s *Sim) keepFixed(old *member, request *userRequest) {
	if old.activated {
		request.Mobile = nil
	}
	if s.options.Exmail {
		request.Email = nil
	}
}

// set writes the fields of a request over those of m, and checks the result.
// old is the member before, nil on create.
func (s *Sim) set(m, old *member, r *userRequest) *Refusal {
	take(&m.Name, r.Name)
	take(&m.Alias, r.Alias)
	take(&m.Mobile, r.Mobile)
	take(&m.Email, r.Email)
	take(&m.BizMail, r.BizMail)
	take(&m.Position, r.Position)
	take(&m.Gender, (*string)(r.Gender))
	take(&m.Telephone, r.Telephone)
	take(&m.Address, r.Address)
	take(&m.AvatarMediaID, r.AvatarMediaID)
	take(&m.Nickname, r.Nickname)
	take(&m.External, r.ExternalPosition)
	take(&m.DirectLeaders, r.DirectLeader)
	if r.BizMailAlias != nil {
		m.BizMailAlias = r.BizMailAlias.Item
	}
	if r.Department != nil {
		m.Departments, m.Order, m.IsLeader = *r.Department, nil, nil
	}
	take(&m.Order, r.Order)
	take(&m.IsLeader, r.IsLeader)
	take(&m.MainDepartment, r.MainDepartment)
	m.fill(old)
	if r.Enable != nil {
		if *r.Enable != 0 && *r.Enable != 1 {
			return badParameter("enable")
		}
		m.enable(*r.Enable == 1)
	}
	if refusal := s.setExtra(m, r.ExtAttr); refusal != nil {
		return refusal
	}
	return m.check()
}

// setExtra writes the custom attributes that the console knows.
func (s *Sim) setExtra(m *member, extra *extAttr) *Refusal {
	if extra == nil {
		return nil
	}
	for _, a := range extra.Attrs {
		if !slices.Contains(s.options.ExtAttrs, a.Name) {
			continue // ignored without a word, as by the vendor
		}
		switch {
		case a.Type == 0 && a.Text != nil && a.Text.Value == "":
			delete(m.Texts, a.Name)
		case a.Type == 0 && a.Text != nil:
			m.Texts = with(m.Texts, a.Name, a.Text.Value)
		case a.Type == 1 && a.Web != nil && *a.Web == Web{}:
			delete(m.Webs, a.Name)
		case a.Type == 1 && a.Web != nil:
			m.Webs = with(m.Webs, a.Name, *a.Web)
		default:
			return badParameter("extattr " + a.Name)
		}
	}
	return nil
}

func with[V any](m map[string]V, name string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[name] = value
	return m
}

// userDelete serves user/delete, which is a GET.
func (s *Sim) userDelete(c *call) (any, *Refusal) {
	id := c.query.Get("userid")
	if id == "" {
		return nil, refuse(codeNoUserID, "userid missing")
	}
	m, refusal := s.book.find(id)
	if refusal != nil {
		return nil, refusal
	}
	if fold(id) == s.modes.creator {
		return nil, refuse(codeCreator, "not allow to delete creator")
	}
	s.book.remove(m)
	s.effect(c, m.ID, "")
	return reply{Message: "deleted"}, nil
}

// userBatchDelete serves user/batchdelete: all or nothing.
func (s *Sim) userBatchDelete(c *call) (any, *Refusal) {
	var request struct {
		List []string `json:"useridlist"`
	}
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	if len(request.List) == 0 || len(request.List) > maxBatch {
		return nil, refuse(codeUserListSize, "invalid userid list size")
	}
	found := make([]*member, 0, len(request.List))
	for _, id := range request.List {
		m, refusal := s.book.find(id)
		switch {
		case refusal != nil || slices.Contains(found, m):
			return nil, refuse(codeBadUserList, "invalid userid list: %s", id)
		case fold(id) == s.modes.creator:
			return nil, refuse(codeCreator, "not allow to delete creator")
		}
		found = append(found, m)
	}
	for _, m := range found {
		s.book.remove(m)
		s.effect(c, m.ID, "")
	}
	return reply{Message: "deleted"}, nil
}

// invite serves batch/invite for members. Departments and tags are refused.
func (s *Sim) invite(c *call) (any, *Refusal) {
	var request struct {
		Users []string `json:"user"`
	}
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	if len(request.Users) == 0 || len(request.Users) > maxInvite {
		return nil, badParameter("user")
	}
	invalid := []string{}
	for _, id := range request.Users {
		m, refusal := s.book.find(id)
		if refusal != nil {
			invalid = append(invalid, id)
			continue
		}
		s.sendInvitation(m.ID)
		s.effect(c, m.ID, "")
	}
	return struct {
		reply
		Invalid []string `json:"invaliduser"`
	}{replyOK, invalid}, nil
}

// find gives the member that a request names.
func (b *book) find(id string) (*member, *Refusal) {
	if !validUserID(id) {
		return nil, refuse(codeBadUserID, "invalid userid")
	}
	m, found := b.users[fold(id)]
	if !found {
		return nil, refuse(codeUserMissing, "userid not found")
	}
	return m, nil
}

// rename follows a changed user id in the leaders of others.
func (b *book) rename(before, after string) {
	if before == after {
		return
	}
	for _, m := range b.users {
		for i, id := range m.DirectLeaders {
			if fold(id) == fold(before) {
				m.DirectLeaders[i] = after
			}
		}
	}
}
