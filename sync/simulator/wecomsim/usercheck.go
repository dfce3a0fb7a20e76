package wecomsim

import (
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a member's fields.
const (
	maxUserID      = 64
	maxName        = 64
	maxPosition    = 128
	maxAddress     = 128
	maxTelephone   = 32
	maxMobile      = 32
	minEmail       = 6
	maxEmail       = 64
	maxDepartments = 100
	maxLeaders     = 5
	maxAliases     = 5
	maxText        = 64
	maxWebTitle    = 12
	maxExternal    = 12
)

// check checks a member by itself: everything but uniqueness and the
// existence of what it names.
func (u *User) check() *Refusal {
	if !validUserID(u.ID) {
		return refuse(codeBadUserID, "invalid userid")
	}
	for _, check := range []func() *Refusal{u.checkPerson, u.checkContact, u.checkPlace, u.checkExtra} {
		if refusal := check(); refusal != nil {
			return refusal
		}
	}
	return nil
}

// validUserID: 1 to 64 of letters, digits and _-@., the first a letter or
// digit.
func validUserID(id string) bool {
	if id == "" || len(id) > maxUserID || strings.ContainsRune("_-@.", rune(id[0])) {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && !isDigit(r) && !strings.ContainsRune("_-@.", r)
	})
}

func (u *User) checkPerson() *Refusal {
	switch {
	case strings.TrimSpace(u.Name) == "" || utf8.RuneCountInString(u.Name) > maxName || hasControl(u.Name):
		return refuse(codeBadName, "invalid name")
	case utf8.RuneCountInString(u.Alias) > maxName:
		return badParameter("alias")
	case utf8.RuneCountInString(u.Position) > maxPosition:
		return refuse(codeBadPosition, "invalid position")
	case u.Gender != "" && u.Gender != "1" && u.Gender != "2":
		return badParameter("gender")
	case utf8.RuneCountInString(u.Address) > maxAddress:
		return badParameter("address")
	case utf8.RuneCountInString(u.Nickname) > maxName:
		return badParameter("nickname")
	case utf8.RuneCountInString(u.External) > maxExternal:
		return badParameter("external_position")
	}
	return nil
}

func (u *User) checkContact() *Refusal {
	switch {
	case u.Mobile == "" && u.Email == "":
		return refuse(codeNoMobileOrEmail, "mobile and email are both empty")
	case u.Mobile != "" && !validMobile(u.Mobile):
		return refuse(codeBadMobile, "invalid mobile")
	case u.Email != "" && !validEmail(u.Email):
		return refuse(codeBadEmail, "invalid email")
	case u.BizMail != "" && !validEmail(u.BizMail):
		return refuse(codeBadBizMail, "invalid biz_mail")
	case len(u.BizMailAlias) > maxAliases || slices.ContainsFunc(u.BizMailAlias, func(a string) bool { return !validEmail(a) }):
		return badParameter("biz_mail_alias")
	case len(u.Telephone) > maxTelephone || strings.Trim(u.Telephone, "0123456789-+,") != "":
		return badParameter("telephone")
	}
	return nil
}

func (u *User) checkPlace() *Refusal {
	switch {
	case len(u.Departments) == 0:
		return refuse(codeBadPartyList, "invalid party list")
	case len(u.Departments) > maxDepartments:
		return refuse(codeTooManyDepts, "too many departments")
	case len(u.IsLeader) != len(u.Departments):
		return refuse(codeLeaderLength, "is_leader_in_dept and department differ in length")
	case len(u.Order) != len(u.Departments):
		return badParameter("order, length differs from department")
	case !slices.Contains(u.Departments, u.MainDepartment):
		return badParameter("main_department")
	case len(u.DirectLeaders) > maxLeaders:
		return badParameter("direct_leader")
	}
	seen := map[int64]bool{}
	for i, id := range u.Departments {
		switch {
		case seen[id]:
			return badParameter("department, repeated")
		case u.Order[i] < 0 || u.Order[i] > maxOrder:
			return badParameter("order")
		case u.IsLeader[i] != 0 && u.IsLeader[i] != 1:
			return badParameter("is_leader_in_dept")
		}
		seen[id] = true
	}
	return nil
}

func (u *User) checkExtra() *Refusal {
	for name, text := range u.Texts {
		if utf8.RuneCountInString(text) > maxText {
			return badParameter("extattr " + name)
		}
	}
	for name, web := range u.Webs {
		scheme := strings.HasPrefix(web.URL, "http://") || strings.HasPrefix(web.URL, "https://")
		if !scheme || web.Title == "" || utf8.RuneCountInString(web.Title) > maxWebTitle {
			return badParameter("extattr " + name)
		}
	}
	return nil
}

func validMobile(mobile string) bool {
	return len(mobile) <= maxMobile &&
		strings.ContainsFunc(mobile, isDigit) && mobileKey(mobile) != "" &&
		strings.Trim(mobile, "0123456789+-") == ""
}

func validEmail(email string) bool {
	if len(email) < minEmail || len(email) > maxEmail {
		return false
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email {
		return false
	}
	_, domain, _ := strings.Cut(email, "@")
	return strings.Contains(domain, ".")
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
