package dingtalksim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a user's fields, in characters.
const (
	maxUserID      = 64
	maxUserName    = 80
	maxTitle       = 200
	maxJobNumber   = 50
	maxEmail       = 50
	maxOrgEmail    = 100
	maxTelephone   = 50
	maxWorkPlace   = 100
	maxRemark      = 2000
	maxExtension   = 2000
	maxDepartments = 100
)

// checkUser checks a user by itself and against all others. The caller holds
// s.mu.
func (s *Sim) checkUser(u *User) *Refusal {
	if refused := u.checkLengths(); refused != nil {
		return refused
	}
	if refused := s.checkPlace(u); refused != nil {
		return refused
	}
	if u.Email != "" && !looksLikeMail(u.Email) {
		return badParameter("email")
	}
	if u.OrgEmail != "" && !s.contacts.opts.Mailbox {
		return badParameter("org_email")
	}
	b := &s.contacts.book
	if manager, found := b.users[u.Manager]; u.Manager != "" && (!found || manager.Pending) {
		return refuse(codeNoManager, "不合法的直属主管userid")
	}
	return b.checkUnique(u)
}

func (u *User) checkLengths() *Refusal {
	for _, f := range []struct {
		name, value string
		limit       int
	}{
		{"userid", u.ID, maxUserID},
		{"name", u.Name, maxUserName},
		{"title", u.Title, maxTitle},
		{"job_number", u.JobNumber, maxJobNumber},
		{"email", u.Email, maxEmail},
		{"org_email", u.OrgEmail, maxOrgEmail},
		{"telephone", u.Telephone, maxTelephone},
		{"work_place", u.WorkPlace, maxWorkPlace},
		{"remark", u.Remark, maxRemark},
	} {
		if utf8.RuneCountInString(f.value) > f.limit {
			return badParameter(f.name)
		}
	}
	if strings.TrimSpace(u.Name) == "" {
		return lacks("name")
	}
	return nil
}

// checkPlace checks the departments that a user is in.
func (s *Sim) checkPlace(u *User) *Refusal {
	if len(u.Departments) == 0 || len(u.Departments) > maxDepartments {
		return refuse(codeBadDeptList, "不合法的部门id列表")
	}
	seen := map[int64]bool{}
	for _, id := range u.Departments {
		if seen[id] {
			return refuse(codeBadDeptList, "不合法的部门id列表：%d重复", id)
		}
		seen[id] = true
		if s.contacts.book.departments[id] == nil {
			return refuse(codeNoDept, "部门不存在")
		}
	}
	return nil
}

// checkUnique refuses what another user has.
func (b *book) checkUnique(u *User) *Refusal {
	for _, other := range b.users {
		switch {
		case other.ID == u.ID:
		case u.hasMobileOf(other):
			return refuse(codeMobileExists, "手机号码在公司中已存在")
		case u.Email != "" && strings.EqualFold(other.Email, u.Email):
			return refuse(codeEmailExists, "邮箱在公司中已存在")
		case u.OrgEmail != "" && strings.EqualFold(other.OrgEmail, u.OrgEmail):
			return refuse(codeEmailExists, "企业邮箱在公司中已存在")
		case u.Telephone != "" && other.Telephone == u.Telephone:
			return refuse(codePhoneExists, "分机号在公司中已存在")
		}
	}
	return nil
}

func looksLikeMail(text string) bool {
	name, domain, found := strings.Cut(text, "@")
	return found && name != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " \t\r\n,;")
}

// The forms of a mobile number.
var (
	chineseMobile = regexp.MustCompile(`^1\d{10}$`)
	foreignMobile = regexp.MustCompile(`^\+(\d{1,4})-(\d{5,15})$`)
)

// chinaCode is the country of numbers without a prefix.
const chinaCode = "86"

// parseMobile reads a number as the API takes it: "1xxxxxxxxxx" in a corp of
// the mainland, "+cc-number" for all others. abroad tells that the corp is
// registered elsewhere, where the mainland's numbers need "+86-".
func parseMobile(text string, abroad bool) (state, number string, refused *Refusal) {
	if parts := foreignMobile.FindStringSubmatch(text); parts != nil {
		if parts[1] == chinaCode && !chineseMobile.MatchString(parts[2]) {
			return "", "", refuse(codeBadIntlMobile, "不合法的手机号码")
		}
		return parts[1], parts[2], nil
	}
	switch {
	case strings.HasPrefix(text, "+"):
		return "", "", refuse(codeBadIntlMobile, "不合法的手机号码")
	case abroad || !chineseMobile.MatchString(text):
		return "", "", refuse(codeBadMobile, "无效的手机号码")
	}
	return chinaCode, text, nil
}

// hasMobileOf tells whether two users have one number.
func (u *User) hasMobileOf(other *User) bool {
	return u.Mobile != "" && u.Mobile == other.Mobile && either(u.StateCode, chinaCode) == either(other.StateCode, chinaCode)
}

// mobileKey is the number in the one form that is the same for all writings.
func (u *User) mobileKey() string { return "+" + either(u.StateCode, chinaCode) + "-" + u.Mobile }

// parseDepartments reads dept_id_list, "2,3". Each must be in the app's scope.
func (s *Sim) parseDepartments(o object) ([]int64, *Refusal) {
	text, isText := o["dept_id_list"].(string)
	if !isText || strings.Count(text, ",") >= maxDepartments {
		return nil, refuse(codeBadDeptList, "不合法的部门id列表")
	}
	var list []int64
	for item := range strings.SplitSeq(text, ",") {
		id, _, good := object{"id": strings.TrimSpace(item)}.integer("id")
		switch {
		case !good:
			return nil, refuse(codeBadDeptList, "不合法的部门id列表")
		case id <= 0:
			return nil, refuse(codeBadDeptID, "不合法的部门id")
		case s.contacts.book.departments[id] == nil:
			return nil, refuse(codeNoDept, "部门不存在")
		case !s.seesDept(id):
			return nil, refuse(codeDeptScope, "请求的部门id不在授权范围内")
		}
		list = append(list, id)
	}
	return list, nil
}

// parseExtension reads extension: a JSON object as text, whose names the
// console has defined.
func parseExtension(o object, defined []string) (map[string]string, *Refusal) {
	text, isText := o["extension"].(string)
	if !isText || utf8.RuneCountInString(text) > maxExtension {
		return nil, badParameter("extension")
	}
	fields := map[string]string{}
	if text == "" {
		return fields, nil
	}
	raw, err := decodeObject([]byte(text))
	if err != nil {
		return nil, badParameter("extension")
	}
	for name, value := range raw {
		v, isText := value.(string)
		if !isText || !slices.Contains(defined, name) {
			return nil, badParameter("extension " + name)
		}
		fields[name] = v
	}
	return fields, nil
}

// extensionText is the stored fields as the API gives them.
func extensionText(fields map[string]string) string {
	if len(fields) == 0 {
		return ""
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return "" // texts always encode
	}
	return string(raw)
}
