package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// persons gives one of each person among the found. Two of one flow are two
// persons: what they share may be a mistake, and is never guessed away.
func persons(all []found) []found {
	group := make([]int, len(all)) // the first of the same person
	for i := range all {
		group[i] = i
		mine := all[i].tokens()
		for j := range i {
			if all[j].flow == all[i].flow || !meet(all[j].tokens(), mine) {
				continue
			}
			old, to := max(group[i], group[j]), min(group[i], group[j])
			for k := range i + 1 {
				if group[k] == old {
					group[k] = to
				}
			}
		}
	}
	var out []found
	for i := range all {
		first := group[i] == i
		twin := slices.ContainsFunc(all[:i], func(p found) bool { return p.flow == all[i].flow })
		if first || twin {
			out = append(out, all[i])
		}
	}
	return out
}

// nobody says how to ask otherwise; listed: some source has been read completely.
func nobody(q run.Query, listed bool) error {
	switch {
	case !listed:
		return fault.New(fault.NotFound, "nobody fits, but no source has been read completely yet: start a plan first / 没有找到，但还没有完整读取过任何来源：请先做一次预演")
	case len(q.IDs) > 0:
		return fault.New(fault.NotFound, "nobody is known by the mentioned account; ask by employee number, mail address or exact name / 没有人与被 @ 的账号对应；请用工号、邮箱或完整姓名查询")
	}
	return fault.New(fault.NotFound, "nobody is found by %q; write the employee number, the mail address, the id or the exact name / 找不到“%s”；请写工号、邮箱、账号 id 或完整姓名", q.Text, q.Text)
}

// several says who fits: name, department and the end of the employee number,
// never more.
func several(all []found) error {
	lines := make([]string, len(all))
	for i, p := range all {
		parts := []string{p.user.Name()}
		if p.where != "" {
			parts = append(parts, p.where)
		}
		lines[i] = strings.Join(append(parts, "…"+p.tail()), " · ")
	}
	slices.SortFunc(lines, cmp.Compare[string])
	lines = slices.Compact(lines)
	more := ""
	if len(lines) > severalMax {
		lines, more = lines[:severalMax], " …"
	}
	list := strings.Join(lines, "; ") + more
	return fault.New(fault.Conflict, "%d persons fit: %s. Ask again with the employee number, the mail address or the id / 有 %[1]d 个人符合：%[2]s。请用工号、邮箱或账号 id 再查", len(all), list)
}

// severalMax is how many persons a refusal lists.
const severalMax = 10

// tail gives the end of the employee number, or of the id.
func (p found) tail() string {
	no := known(p.user, directory.AttrEmployeeNo)
	if no == "" {
		no = string(p.key.ID)
	}
	runes := []rune(no)
	return string(runes[max(0, len(runes)-tailLen):])
}

const tailLen = 4
