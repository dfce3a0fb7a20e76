package engine

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
)

// sought is what a person is looked for by, each in its normal form.
type sought struct {
	exact bool // ids are compared as they are
	ids   []string
	nos   []string
	mails []string
	names []string
}

// sought reads a query. The ids of a mention go alone: the name that somebody
// bears on a platform is their own choice. A configured person is known by the
// employee number and mail address of the configuration as well, or by name when
// it has neither. Faults: Invalid for an empty query.
func (e *Engine) sought(q run.Query) (sought, error) {
	text := mapping.Normal(directory.AttrName, q.Text)
	s := sought{exact: len(q.IDs) > 0}
	switch {
	case s.exact:
		for _, id := range q.IDs {
			s.ids = append(s.ids, bare(id))
		}
		mentioned := slices.Clone(s.ids)
		for _, p := range e.people {
			if slices.ContainsFunc(p.Accounts, func(a run.Account) bool { return slices.Contains(mentioned, bare(a.ID)) }) {
				s.addPerson(p)
			}
		}
		return s, nil
	case text == "":
		return s, fault.New(fault.Invalid, "whom? Write an employee number, a mail address, an id or an exact name / 查谁？请写工号、邮箱、账号 id 或完整姓名")
	}
	one := []string{text}
	return sought{ids: one, nos: one, mails: one, names: one}, nil
}

func (s *sought) addPerson(p run.Person) {
	if p.EmployeeNo != "" {
		s.nos = append(s.nos, mapping.Normal(directory.AttrEmployeeNo, p.EmployeeNo))
		s.ids = append(s.ids, p.EmployeeNo) // a roster's id may be the number
	}
	if p.Email != "" {
		s.mails = append(s.mails, mapping.Normal(directory.AttrEmail, p.Email))
	}
	if p.EmployeeNo == "" && p.Email == "" {
		s.names = append(s.names, mapping.Normal(directory.AttrName, p.Name))
	}
}

// bare gives an id without the mark that the configuration puts before one which
// does not show its kind.
func bare(id string) string { return strings.TrimPrefix(id, "user_id:") }

// otherIDs are what a platform calls somebody beside the id that it is known by.
func otherIDs() []string { return []string{"open_id", "union_id", "user_id"} }

// fits tells whether somebody is the one who is sought.
func (s sought) fits(p found) bool {
	if s.isID(string(p.key.ID)) || p.link != nil && s.isID(string(p.link.Target.ID)) {
		return true
	}
	has := func(texts []string, name string) bool {
		text := known(p.user, name)
		return text != "" && slices.Contains(texts, text)
	}
	return has(s.nos, directory.AttrEmployeeNo) || has(s.mails, directory.AttrEmail) || has(s.names, directory.AttrName) ||
		slices.ContainsFunc(otherIDs(), func(name string) bool { return s.isID(p.user.Attributes[name].Text()) })
}

func (s sought) isID(id string) bool {
	if !s.exact {
		id = mapping.Normal("id", id)
	}
	return id != "" && slices.Contains(s.ids, id)
}
