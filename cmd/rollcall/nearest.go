package main

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// alike are names of one thing in different systems.
func alike() [][]string {
	return [][]string{
		{directory.AttrDepartments, "department", "department_ids", "dept_id_list", "ou"},
		{directory.AttrTitle, "position", "job_title"},
		{directory.AttrManager, "direct_leader", "leader_user_id", "manager_userid"},
		{directory.AttrEmployeeNo, "job_number", "employeeNumber", "employeeNo", "工号"},
		{directory.AttrMobile, "phone", "telephone", "手机", "手机号"},
		{directory.AttrEmail, "mail", "邮箱"},
		{directory.AttrName, "displayName", "cn", "姓名"},
		{"userid", "user_id", "userId", "uid", "userName"},
		{directory.AttrParent, "parent_department_id", "parentid"},
		{"hiredate", "join_time", "hired_date", "入职日期"},
	}
}

// nearest gives the candidate that a name was probably meant to be.
func nearest(name string, candidates []string) (string, bool) {
	fold := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	for _, c := range candidates {
		if fold(c) == fold(name) {
			return c, true
		}
	}
	for _, group := range alike() {
		if !slices.ContainsFunc(group, func(g string) bool { return fold(g) == fold(name) }) {
			continue
		}
		for _, c := range candidates {
			if slices.Contains(group, c) {
				return c, true
			}
		}
	}
	best, most := "", 1 // a short name is like any other
	if n := len([]rune(name)); n > 3 {
		most = max(2, n/3) // two letters that changed places count twice
	}
	least := most + 1
	for _, c := range candidates {
		if d := distance([]rune(fold(name)), []rune(fold(c))); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// distance counts the insertions, deletions and replacements between two words.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
